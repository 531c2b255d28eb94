"""Notebook 05 as its readers see it: the solution with its live demo, and the student's untouched copy."""

import base64
import io
import re

import matplotlib.image
import pytest
from playwright.sync_api import Locator, expect

from .conftest import Notebook, Open

pytestmark = pytest.mark.browser


def number(text: str) -> float:
    return float(text.replace("−", "-"))


def test_the_demo_follows_the_keyboard_and_leaves_a_picture(open_notebook: Open) -> None:
    notebook = open_notebook("solutions/05_convolution/05_convolution.ipynb")
    notebook.run_all()
    assert notebook.errors() == [] and notebook.not_run() == []

    index = notebook.find_cell("demo(conv2d)")
    cell = notebook.cell(index)
    picture = cell.locator("svg[data-demo=convolution]")
    expect(picture).to_be_visible()
    expect(picture).to_have_attribute("data-windows", "9")
    expect(picture).to_have_attribute("data-column", "0")
    first = numbers(picture)
    notebook.screenshot("demo, as it opens")

    window = cell.locator(".demo-convolution-window .noUi-handle")
    window.focus()
    window.press("ArrowRight")
    expect(picture).to_have_attribute("data-column", "1")
    second = numbers(picture)
    assert first != second, "the window moved, and with it what stands in its cells"
    notebook.screenshot("demo, one window further")

    stride = cell.locator(".demo-convolution-stride .noUi-handle")
    stride.focus()
    stride.press("ArrowRight")
    expect(picture).to_have_attribute("data-windows", "4")
    numbers(picture)
    notebook.screenshot("demo, stride 2")

    is_a_picture_with_words_without_a_kernel(notebook, index)


def is_a_picture_with_words_without_a_kernel(notebook: Notebook, index: int) -> None:
    (stored,) = [output for output in notebook.outputs(index) if "image/png" in output["data"]]
    png = matplotlib.image.imread(io.BytesIO(base64.b64decode(stored["data"]["image/png"])))
    assert png.shape[0] > 300 and png.shape[1] > 600 and png.std() > 0.05, "large enough to read, and not blank"
    cell = notebook.cell(index)
    expect(cell.locator("img")).to_be_hidden()
    notebook.page.evaluate("document.querySelectorAll('.demo-convolution').forEach(widget => widget.remove())")
    expect(cell.locator("img")).to_be_visible()
    assert re.search(r"Window 1 of 9.*sum to", cell.locator("img").get_attribute("alt") or "")
    notebook.screenshot("demo, without a kernel")


def numbers(picture: Locator) -> list[float]:
    """The products in the window; their sum must be the one that is shown, and what the student's conv2d says."""
    products = [number(text) for text in picture.locator(".product").all_text_contents()]
    (total,) = picture.locator(".sum").all_text_contents()
    (answer,) = picture.locator(".answer").all_text_contents()
    assert len(products) == 9
    assert sum(products) == pytest.approx(number(total), abs=0.01 * len(products))
    assert number(answer) == number(total)
    label = picture.get_attribute("aria-label")
    assert label and f"sum to {total}" in label, "who does not see the picture is told the same"
    return products


def test_run_all_goes_through_an_untouched_copy_and_says_what_is_to_do(open_notebook: Open) -> None:
    notebook = open_notebook("05_convolution/05_convolution.ipynb")
    notebook.run_all()
    assert notebook.not_run() == []
    errors = notebook.errors()
    assert all(error.startswith("NotImplementedError: ") for error in errors)
    assert "NotImplementedError: conv2d: not written yet" in errors

    index = notebook.find_cell('Check("conv2d"')
    message = notebook.cell(index).locator(".jp-RenderedHTML").get_by_text("conv2d: not written yet")
    message.scroll_into_view_if_needed()
    expect(message).to_be_visible()
    notebook.screenshot("untouched copy, the check of conv2d")


def test_a_wrong_answer_is_told_which_mistake_it_looks_like(open_notebook: Open) -> None:
    notebook = open_notebook("05_convolution/05_convolution.ipynb")
    notebook.run(notebook.find_cell("from course import data, plots"))
    answers = "weights_connected_to_all = 21\nweights_connected_locally = 9\nweights_shared = {}"
    blanks = notebook.find_cell("weights_shared = ...")
    check = notebook.find_cell('Check("by-hand-connections"')
    output = notebook.cell(check).locator(".jp-OutputArea")

    notebook.write(blanks, answers.format(9))
    notebook.run(check)
    expect(output).to_contain_text("there is one set of weights for all neurons")
    notebook.screenshot("a wrong answer")

    notebook.write(blanks, answers.format(3))
    notebook.run(check)
    expect(output).to_contain_text("3 of 3 points")
    notebook.screenshot("the right answer")
