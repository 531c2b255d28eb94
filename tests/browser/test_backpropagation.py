"""Notebook 03 as its readers see it: the stepper by keyboard, and a formula of the student's own."""

import pytest
from playwright.sync_api import expect

from .conftest import Open

pytestmark = pytest.mark.browser


def test_the_stepper_follows_the_keyboard_and_a_typed_formula(open_notebook: Open) -> None:
    notebook = open_notebook("solutions/03_backpropagation/03_backpropagation.ipynb")
    notebook.run_all()
    assert notebook.errors() == [] and notebook.not_run() == []

    cell = notebook.cell(notebook.find_cell("demo(ComputationalGraph)"))
    picture = cell.locator("svg[data-demo=backpropagation]")
    expect(picture).to_be_visible()
    expect(picture).to_have_attribute("data-step", "4")
    assert picture.locator(".gradient").all_text_contents() == ["−4", "3", "1"]
    expect(cell.locator("img")).to_be_hidden()
    notebook.screenshot("stepper, as it opens")

    step = cell.locator(".demo-backpropagation-step .noUi-handle")
    step.focus()
    step.press("ArrowRight")
    expect(picture).to_have_attribute("data-step", "5")
    assert picture.locator(".gradient").all_text_contents() == ["−4", "−4", "−4", "3", "1"]

    formula = cell.locator(".demo-backpropagation-formula input")
    formula.fill("max(x, y) * x")
    formula.press("Enter")
    expect(picture).to_have_attribute("data-active", "a")
    assert "max" in (picture.text_content() or "")
    notebook.screenshot("stepper, a formula of one's own")

    formula.fill("open('x')")
    formula.press("Enter")
    expect(picture).to_contain_text("cannot be drawn")
    expect(picture).to_contain_text("is no part of a formula")
