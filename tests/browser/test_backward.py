"""Notebook 06 in a real JupyterLab: the demo by keyboard, and what a wrong backward pass is told."""

import pytest
from playwright.sync_api import Locator, expect

from .conftest import Open

pytestmark = pytest.mark.browser


def number(text: str) -> float:
    return float(text.replace("−", "-"))


def came_back(picture: Locator) -> float:
    """The sum of what comes back to the pixel; the student's function must say the same."""
    total = number(picture.locator(".sum").all_text_contents()[-1].rpartition("= ")[2])
    (answer,) = picture.locator(".answer").all_text_contents()
    assert number(answer) == total
    label = picture.get_attribute("aria-label") or ""
    assert f"sums to {answer}" in label, "who does not see the picture is told the same"
    return total


def test_the_demo_follows_the_keyboard(open_notebook: Open) -> None:
    notebook = open_notebook("solutions/06_convolution_backward/06_convolution_backward.ipynb")
    exercise = notebook.find_cell("def conv2d_backward(dy, cache)")
    notebook.run(notebook.find_cell("from course import data, plots"))
    notebook.run(exercise)
    index = notebook.find_cell("backward.demo(conv2d_backward)")
    notebook.run(index)
    assert notebook.errors() == []

    cell = notebook.cell(index)
    picture = cell.locator("svg[data-demo=backward]")
    expect(picture).to_be_visible()
    expect(picture).to_have_attribute("data-ways", "9")
    expect(cell.locator("img")).to_be_hidden()
    in_the_middle = came_back(picture)
    assert "(1, 2) by weight (1, 0)" in (picture.get_attribute("aria-label") or ""), "where SYSU prints w(2, 1)"
    notebook.screenshot("backward, as it opens")

    row = cell.locator(".demo-backward-row .noUi-handle")
    row.focus()
    row.press("ArrowLeft")
    expect(picture).to_have_attribute("data-row", "1")
    expect(picture).to_have_attribute("data-ways", "6")
    assert came_back(picture) != in_the_middle
    column = cell.locator(".demo-backward-column .noUi-handle")
    column.focus()
    column.press("ArrowRight")
    column.press("ArrowRight")
    expect(picture).to_have_attribute("data-column", "4")
    expect(picture).to_have_attribute("data-ways", "2")
    came_back(picture)
    notebook.screenshot("backward, at the border")

    pad = cell.locator(".demo-backward-pad .noUi-handle")
    pad.focus()
    pad.press("ArrowRight")
    expect(picture).to_have_attribute("data-ways", "6")
    expect(picture).to_have_attribute("data-column", "4")  # the same pixel as before
    came_back(picture)
    notebook.screenshot("backward, with padding")


WITHOUT_ADDING = """def col2im(cols, shape, field, *, stride=1, pad=0):
    N, C, H, W = shape
    FH, FW = field
    OH, OW = (H + 2 * pad - FH) // stride + 1, (W + 2 * pad - FW) // stride + 1
    cells = cols.reshape(N, C, FH, FW, OH, OW)
    x = np.zeros((N, C, H + 2 * pad, W + 2 * pad), cols.dtype)
    for u, v in np.ndindex(FH, FW):
        x[:, :, u : u + OH * stride : stride, v : v + OW * stride : stride] {} cells[:, :, u, v]
    return x[:, :, pad : pad + H, pad : pad + W]
"""


def test_a_wrong_way_back_is_told_which_mistake_it_looks_like(open_notebook: Open) -> None:
    notebook = open_notebook("solutions/06_convolution_backward/06_convolution_backward.ipynb")
    notebook.run(notebook.find_cell("from course import data, plots"))
    exercise, check = notebook.find_cell("def col2im("), notebook.find_cell('Check("col2im"')
    output = notebook.cell(check).locator(".jp-OutputArea")
    notebook.write(exercise, WITHOUT_ADDING.format("="))
    notebook.run(check)
    expect(output).to_contain_text("the last window wins")
    notebook.screenshot("backward, a wrong col2im")
    notebook.write(exercise, WITHOUT_ADDING.format("+="))
    notebook.run(check)
    expect(output).to_contain_text("11 of 11 points")
