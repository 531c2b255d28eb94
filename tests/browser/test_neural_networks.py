"""Notebook 04 as its readers see it: the boundary that bends and the gallery of activations, by keyboard."""

import re
from collections.abc import Callable
from statistics import median

import pytest
from playwright.sync_api import Locator, expect

from .conftest import Notebook, Open

pytestmark = pytest.mark.browser

NOTEBOOK = "solutions/04_neural_networks/04_neural_networks.ipynb"
PRESSES = 20

# from the key to the frame that shows the new picture, in milliseconds; the slider itself moves sooner
WATCH = """([name]) => {
  const demo = document.querySelector(`.demo-${name}`);
  const shown = () => demo.querySelector('svg[data-demo]')?.getAttribute('aria-label');
  let pressed = null, last = shown();
  window.waited = [];
  window.addEventListener('keydown', () => { pressed = performance.now(); }, true);
  new MutationObserver(() => {
    if (!shown() || shown() === last) return;
    last = shown();
    requestAnimationFrame(() => window.waited.push(performance.now() - pressed));
  }).observe(demo, { childList: true, subtree: true });
}"""


def press_through(notebook: Notebook, name: str, slider: Locator, settled: Callable[[int], None]) -> float:
    """Press the right arrow key again and again, each time waiting for the picture; the median of the waits."""
    notebook.page.evaluate(WATCH, [name])
    slider.focus()
    for n in range(1, PRESSES + 1):
        slider.press("ArrowRight")
        settled(n)
        notebook.page.wait_for_function("n => window.waited.length >= n", arg=n)
    waited: list[float] = notebook.page.evaluate("() => window.waited")
    assert len(waited) == PRESSES
    return median(waited)


def test_the_boundary_follows_the_keyboard(open_notebook: Open, record_property: Callable[[str, object], None]) -> None:
    notebook = open_notebook(NOTEBOOK)
    for text in ("from course import data, plots", "def affine(x, w, b)", "def relu(x)"):
        notebook.run(notebook.find_cell(text))
    index = notebook.find_cell("decision_boundary.demo(affine, relu)")
    notebook.run(index)
    assert notebook.errors() == []

    cell = notebook.cell(index)
    picture = cell.locator("svg[data-demo=decision-boundary]")
    expect(picture).to_be_visible()
    expect(picture).to_have_attribute("data-neurons", "3")
    expect(picture.locator(".boundary")).to_be_visible()
    notebook.screenshot("boundary, as it opens")

    slider = cell.locator(".demo-decision-boundary-angle .noUi-handle")
    seen = {picture.inner_html()}

    def settled(n: int) -> None:
        expect(picture).to_have_attribute("data-angle", str(90 + 5 * n))
        expect(picture).to_have_attribute("aria-label", re.compile(rf"1: angle {90 + 5 * n}°"))
        seen.add(picture.inner_html())

    wait = press_through(notebook, "decision-boundary", slider, settled)
    record_property("boundary: median ms from key to picture", round(wait, 1))
    print(f"boundary: a key shows after {wait:.0f} ms (median of {PRESSES})")
    assert len(seen) == PRESSES + 1, "every step is another picture"
    notebook.screenshot("boundary, one neuron turned")

    neurons = cell.locator(".demo-decision-boundary-neurons .noUi-handle")
    neurons.focus()
    for count in (4, 5):
        neurons.press("ArrowRight")
        expect(picture).to_have_attribute("data-neurons", str(count))
        expect(picture.locator(".weight")).to_have_count(count)
    chosen = cell.locator(".demo-decision-boundary-chosen .noUi-handle")
    chosen.focus()
    chosen.press("ArrowRight")
    expect(picture).to_have_attribute("data-chosen", "2")
    expect(picture).to_have_attribute("data-angle", "210")
    button = cell.locator(".demo-decision-boundary-points button", has_text="moons")
    button.focus()
    button.press("Enter")
    expect(picture).to_have_attribute("data-points", "moons")
    notebook.screenshot("boundary between the moons")


def test_the_gallery_follows_the_keyboard(open_notebook: Open, record_property: Callable[[str, object], None]) -> None:
    notebook = open_notebook(NOTEBOOK)
    notebook.run(notebook.find_cell("from course import data, plots"))
    for name in ("sigmoid", "tanh", "relu", "leaky_relu", "elu", "swish", "maxout"):
        notebook.run(notebook.find_cell(f"def {name}_backward(dy, cache)"))
    index = notebook.find_cell("activation_gallery.demo(")
    notebook.run(index)
    assert notebook.errors() == []

    cell = notebook.cell(index)
    picture = cell.locator("svg[data-demo=activation-gallery]")
    expect(picture).to_be_visible()
    expect(picture.locator(".words")).to_have_count(7)
    expect(picture.locator(".problem")).to_have_count(0)
    notebook.screenshot("gallery, as it opens")

    slider = cell.locator(".demo-activation-gallery-x .noUi-handle")

    def settled(n: int) -> None:
        expect(picture).to_have_attribute("data-x", str(n - 20))

    wait = press_through(notebook, "activation-gallery", slider, settled)
    record_property("gallery: median ms from key to picture", round(wait, 1))
    print(f"gallery: a key shows after {wait:.0f} ms (median of {PRESSES})")
    assert picture.locator(".words").first.text_content() == "y = 0.5, slope 0.25"

    layers = cell.locator(".demo-activation-gallery-layers .noUi-handle")
    layers.focus()
    layers.press("ArrowLeft")
    expect(picture).to_have_attribute("data-layers", "9")
    assert picture.locator(".left").first.text_content() == "9 layers: 3.8·10⁻⁶"
    notebook.screenshot("gallery at 0")
