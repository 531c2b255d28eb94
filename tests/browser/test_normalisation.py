"""Notebook 08 as its readers see it: the solution with its live histograms."""

import re

import pytest
from playwright.sync_api import Locator, expect

from .conftest import Open

pytestmark = pytest.mark.browser


def spreads(picture: Locator, name: str) -> list[float]:
    """The standard deviations below the histograms; the description must say the same."""
    texts = [text.removeprefix("std ") for text in picture.locator(f".std-{name}").all_text_contents()]
    assert f"{name} batch normalisation {', '.join(texts)}" in (picture.get_attribute("aria-label") or "")
    return [float(text.replace("−", "-")) for text in texts]


def test_the_histograms_follow_the_keyboard(open_notebook: Open) -> None:
    notebook = open_notebook("solutions/08_normalisation/08_normalisation.ipynb")
    for text in ("from course import data, plots", "def batch_norm(x"):
        notebook.run(notebook.find_cell(text))
    index = notebook.find_cell("normalisation.demo(batch_norm)")
    notebook.run(index)
    assert notebook.errors() == []

    cell = notebook.cell(index)
    picture = cell.locator("svg[data-demo=normalisation]")
    expect(picture).to_be_visible()
    expect(picture).to_have_attribute("data-scale", "5")
    without, normalised = spreads(picture, "without"), spreads(picture, "with")
    assert len(without) == len(normalised) == 6
    assert without[-1] < 0.1 * without[0], "small weights: the numbers die out"
    assert max(normalised) - min(normalised) < 0.02
    notebook.screenshot("histograms, as they open")

    scale = cell.locator(".demo-normalisation-scale .noUi-handle")
    scale.focus()
    for value in range(6, 9):
        scale.press("ArrowRight")
        expect(picture).to_have_attribute("data-scale", str(value))
    assert spreads(picture, "without")[-1] > 3 * without[-1]
    assert spreads(picture, "with") == pytest.approx(normalised, abs=0.02), "your batch_norm does not notice a factor"
    notebook.screenshot("histograms, larger weights")

    button = cell.locator(".demo-normalisation-activation button", has_text=re.compile("ReLU"))
    button.focus()
    button.press("Enter")
    expect(picture).to_have_attribute("data-activation", "ReLU")
    spreads(picture, "with")
    notebook.screenshot("histograms of ReLU")
