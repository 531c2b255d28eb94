"""Notebook 07 as its readers see it: the solution with its live demo."""

import pytest
from playwright.sync_api import Locator, expect

from .conftest import Open

pytestmark = pytest.mark.browser

NEEDED = (
    "from course import data, plots",
    "def max_pool2d(",
    "def max_pool2d_backward(",
    "def avg_pool2d(",
    "def avg_pool2d_backward(",
)


def test_the_demo_follows_the_keyboard(open_notebook: Open) -> None:
    notebook = open_notebook("solutions/07_pooling/07_pooling.ipynb")
    for text in NEEDED:
        notebook.run(notebook.find_cell(text))
    index = notebook.find_cell("pooling.demo(")
    notebook.run(index)
    assert notebook.errors() == []

    cell = notebook.cell(index)
    picture = cell.locator("svg[data-demo=pooling]")
    expect(picture).to_be_visible()
    expect(picture).to_have_attribute("data-windows", "4")
    assert received(picture) == {5: 36}
    notebook.screenshot("demo, as it opens")

    window = cell.locator(".demo-pooling-window .noUi-handle")
    window.focus()
    window.press("ArrowRight")
    expect(picture).to_have_attribute("data-column", "1")
    assert received(picture) == {5: 36, 7: 72}, "two windows have sent their dy to their winners"
    assert "dy = 72 goes to row 1, column 3" in (picture.get_attribute("aria-label") or "")

    shift = cell.locator(".demo-pooling-shift .noUi-handle")
    shift.focus()
    shift.press("ArrowRight")
    expect(cell.get_by_text("After the shift")).to_be_visible()
    notebook.screenshot("demo, shifted")

    cell.get_by_role("button", name="mean").press("Enter")
    expect(picture.locator("path.route")).to_have_attribute("stroke-dasharray", "4 3")
    assert len(received(picture)) == 8
    notebook.screenshot("demo, mean")


def received(picture: Locator) -> dict[int, float]:
    """What has come back so far, by the number of the cell."""
    numbers = [float(text.replace("−", "-")) for text in picture.locator(".dx").all_text_contents()]
    return {place: number for place, number in enumerate(numbers) if number}
