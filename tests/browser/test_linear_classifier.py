"""Notebook 01 in a real JupyterLab: a point and a template, dragged by mouse and by arrow keys."""

import statistics
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, expect

from .conftest import Open

pytestmark = pytest.mark.browser

STEPS = 20

# presses an arrow key and waits until a picture with another place is painted; STEPS times
STOPWATCH = """async ([cell, steps]) => {
  const handle = cell.querySelector('.course-drag-handle');
  const place = () => cell.querySelector('svg[data-demo]').dataset.x;
  const times = [];
  for (let n = 0; n < steps; n++) {
    const before = place(), start = performance.now();
    const key = n % 10 < 5 ? 'ArrowLeft' : 'ArrowRight';
    handle.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));
    while (place() === before) await new Promise(requestAnimationFrame);
    times.push(performance.now() - start);
    await new Promise(done => setTimeout(done, 60));
  }
  return times;
}"""

# whether the picture has caught up: the point is drawn under the ring
CAUGHT_UP = """cell => {
  const middle = ({ x, y, width, height }) => [x + width / 2, y + height / 2];
  const [ring, point] = ['.course-drag-handle', 'svg[data-demo] .point']
    .map(found => middle(cell.querySelector(found).getBoundingClientRect()));
  return Math.hypot(ring[0] - point[0], ring[1] - point[1]) < 1.5;
}"""


def number(picture: Locator, css: str) -> float:
    return float(picture.locator(f".{css}").text_content().replace("−", "-"))


def consistent(picture: Locator) -> None:
    """The hinge loss is the sum of the gaps above 0, and whoever does not see the picture is told the same."""
    gaps = [float(text.split(" →")[0].replace("−", "-")) for text in picture.locator(".gap").all_text_contents()]
    loss = number(picture, "hinge-loss")
    assert loss == pytest.approx(sum(max(0, gap) for gap in gaps), abs=0.011)
    assert f"hinge loss {loss:.2f}" in (picture.get_attribute("aria-label") or "")
    expect(picture.locator(".wrong")).to_have_count(0)


def test_the_losses_follow_the_point(open_notebook: Open, record_property: Callable[[str, object], None]) -> None:
    notebook = open_notebook("solutions/01_linear_classifier/01_linear_classifier.ipynb")
    for text in (
        "from course import data, plots", "def linear_scores(", "def hinge_loss(", "def softmax(", "def softmax_loss(",
    ):  # fmt: skip
        notebook.run(notebook.find_cell(text))
    index = notebook.find_cell("linear_classifier.demo(")
    notebook.run(index)
    assert notebook.errors() == []

    cell, mouse = notebook.cell(index), notebook.page.mouse
    picture = cell.locator("svg[data-demo=linear-classifier]")
    handle = cell.locator(".course-drag-handle")
    expect(picture).to_have_attribute("data-x", "0.60")
    expect(cell.locator("img")).to_be_hidden()
    consistent(picture)
    before = number(picture, "softmax-loss")
    notebook.screenshot("linear classifier, as it opens")

    handle.focus()
    for value in ("0.40", "0.50", "0.60", "0.70"):
        handle.press("ArrowUp")
        expect(picture).to_have_attribute("data-y", value)
    handle.press("Shift+ArrowLeft")
    expect(picture).to_have_attribute("data-x", "0.10")
    consistent(picture)
    assert number(picture, "hinge-loss") == 0 < number(picture, "softmax-loss") < before
    expect(handle).to_be_focused()

    box = handle.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    mouse.move(x, y)
    mouse.down()
    mouse.move(x + 60, y + 160, steps=8)
    mouse.up()
    notebook.page.wait_for_function(CAUGHT_UP, arg=cell.element_handle())
    consistent(picture)
    assert number(picture, "hinge-loss") > 1
    notebook.screenshot("linear classifier, the point dragged away")

    button = cell.locator(".demo-linear-classifier-drag button", has_text="w2")
    button.focus()
    button.press("Enter")
    expect(handle).to_have_attribute("aria-label", "w2")
    mean = number(picture, "hinge-mean")
    for _ in range(4):
        handle.press("Shift+ArrowLeft")
    expect(picture).to_have_attribute("data-w2", "-1.00 -0.90")
    assert number(picture, "hinge-mean") > mean, "class 2 points away from its dots"
    notebook.screenshot("linear classifier, a template dragged away")

    button = cell.locator(".demo-linear-classifier-drag button", has_text="the point x")
    button.focus()
    button.press("Enter")
    expect(handle).to_have_attribute("aria-label", "the point x")
    times = cell.evaluate(f"(cell, steps) => ({STOPWATCH})([cell, steps])", STEPS)
    record_property("median_ms", statistics.median(times))
    print(f"arrow key to picture: median {statistics.median(times):.0f} ms of {STEPS}")
    consistent(picture)
