"""Demos in a narrow window: their text stays readable, and what does not fit scrolls sideways."""

from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import expect

from .conftest import Notebook, Open

pytestmark = pytest.mark.browser

DEMOS = (
    """
from course import ops
from course.demos import convolution, linear_classifier

convolution.demo(lambda x, w, b, *, stride, pad: ops.conv2d(x, w, b, stride=stride, pad=pad))
""",
    "linear_classifier.demo(ops.affine, ops.hinge_loss, ops.softmax, ops.softmax_loss)",
)

# of all words of a picture, in pixels of the page
SMALLEST = """svg => {
  const scale = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
  return scale * Math.min(...[...svg.querySelectorAll('text')].map(text => text.getAttribute('font-size')));
}"""

# brings the right end of a picture into view, and tells how far that was
SCROLL = """svg => {
  let box = svg;
  while (box.scrollWidth <= box.clientWidth || getComputedStyle(box).overflowX !== 'auto') box = box.parentElement;
  box.scrollLeft = 1e4;
  return box.scrollLeft;
}"""

# how far the ring is from the point that is drawn under it
APART = """cell => {
  const middle = ({ x, y, width, height }) => [x + width / 2, y + height / 2];
  const [ring, point] = ['.course-drag-handle', 'svg[data-demo] .point']
    .map(found => middle(cell.querySelector(found).getBoundingClientRect()));
  return Math.hypot(ring[0] - point[0], ring[1] - point[1]);
}"""


@pytest.fixture
def demos(open_notebook: Open, desk: Path) -> Notebook:
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)"}}
    nbformat.write(new_notebook(cells=[*map(new_code_cell, DEMOS)], metadata=kernel), desk / "narrow.ipynb")
    notebook = open_notebook("narrow.ipynb")
    notebook.run(0)
    notebook.run(1)
    assert notebook.errors() == []
    return notebook


def test_in_a_narrow_window_text_stays_readable_and_the_picture_scrolls(demos: Notebook) -> None:
    demos.page.set_viewport_size({"width": 900, "height": 900})
    for index, (handle, moved) in enumerate(
        ((".demo-convolution-window .noUi-handle", ("data-column", "1")), (".course-drag-handle", ("data-x", "0.70")))
    ):
        cell = demos.cell(index)
        picture = cell.locator("svg[data-demo]")
        assert picture.evaluate(SMALLEST) >= 11
        cell.locator(handle).focus()
        assert picture.evaluate(SCROLL) > 100
        left = picture.bounding_box()["x"]
        demos.page.keyboard.press("ArrowRight")
        expect(picture).to_have_attribute(*moved)
        assert picture.bounding_box()["x"] == left, "the new picture stands where the old one was"
        assert cell.locator("[class*=demo-] .noUi-handle").first.bounding_box()["x"] > 400, "the controls stay"
        demos.screenshot(f"narrow, scrolled, demo {index}")
    assert demos.cell(1).evaluate(APART) < 1.5


def test_a_wide_window_shows_the_pictures_as_they_are(demos: Notebook) -> None:
    demos.page.set_viewport_size({"width": 1400, "height": 900})
    for index, width in enumerate((880, 900)):
        assert demos.cell(index).locator("svg[data-demo]").bounding_box()["width"] == width
