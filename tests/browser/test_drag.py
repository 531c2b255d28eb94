"""A point that is dragged: by mouse and by arrow keys, in a real JupyterLab."""

from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import Locator, expect

from .conftest import Open

pytestmark = pytest.mark.browser

DEMO = """
from course.demos.drag import Dragged, DragPoint
from course.demos.scene import Rect, Scene

point = DragPoint(x=100, y=80, bounds=[20, 20, 220, 140], step=10, label="a point")
drawn = []


def show():
    drawn.append((point.x, point.y))
    place = f"{point.x:g} {point.y:g}"
    point.text = f"at {place}"
    items = Rect(20, 20, 200, 120), Rect(point.x - 3, point.y - 3, 6, 6, "black")
    return Scene(240, 160, f"a point at {place}", items, {"demo": "drag", "place": place})


Dragged("drag", point, [], show)
"""


def press(picture: Locator, x: float, y: float) -> tuple[float, float]:
    """The place on the page of a place in the scene."""
    box = picture.bounding_box()
    assert box is not None
    return box["x"] + x * box["width"] / 240, box["y"] + y * box["height"] / 160


def test_the_point_follows_mouse_and_arrows(open_notebook: Open, desk: Path) -> None:
    cells = [new_code_cell(DEMO), new_code_cell("assert drawn[-1] == (20, 140), drawn[-1]")]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)"}}
    nbformat.write(new_notebook(cells=cells, metadata=kernel), desk / "drag.ipynb")
    notebook = open_notebook("drag.ipynb")
    notebook.run(0)
    assert notebook.errors() == []
    cell, mouse = notebook.cell(0), notebook.page.mouse
    picture, handle = cell.locator("svg[data-demo=drag]"), cell.get_by_role("slider", name="a point")
    expect(picture).to_have_attribute("data-place", "100 80")
    expect(cell.locator("img")).to_be_hidden()

    handle.focus()
    handle.press("ArrowRight")
    expect(picture).to_have_attribute("data-place", "110 80")
    handle.press("Shift+ArrowUp")
    expect(picture).to_have_attribute("data-place", "110 30")
    handle.press("ArrowUp")
    handle.press("ArrowUp")
    expect(picture).to_have_attribute("data-place", "110 20")
    expect(handle).to_have_attribute("aria-valuetext", "at 110 20")
    expect(handle).to_be_focused()  # the picture is new, the ring is not

    mouse.move(*press(picture, 110, 20))
    mouse.down()
    mouse.move(*press(picture, 150, 60), steps=5)
    mouse.up()
    expect(picture).to_have_attribute("data-place", "150 60")
    mouse.move(*press(picture, 200, 100))
    expect(picture).to_have_attribute("data-place", "150 60")
    mouse.click(*press(picture, 60, 100))
    expect(picture).to_have_attribute("data-place", "60 100")
    mouse.click(*press(picture, 230, 150))
    expect(picture).to_have_attribute("data-place", "60 100")
    notebook.screenshot("a dragged point")

    mouse.move(*press(picture, 60, 100))
    mouse.down()
    mouse.move(*press(picture, -300, 900), steps=5)
    mouse.up()
    expect(picture).to_have_attribute("data-place", "20 140")
    notebook.run(1)
    assert notebook.errors() == []
