"""Notebook 02 as its readers see it: the solution with its live race."""

import re
from collections.abc import Callable
from statistics import median

import pytest
from playwright.sync_api import Locator, expect

from course.demos.optimiser_race_scene import HEIGHT, MAP, WIDTH

from .conftest import Open

pytestmark = pytest.mark.browser

# from the key to the first picture that shows it, as the page sees it
STOPWATCH = """index => {
    const cell = document.querySelector(`[data-cell='${index}']`);
    window.pressed = null;
    window.taken = [];
    window.addEventListener('keydown', () => { window.pressed = performance.now(); }, true);
    let shown = cell.querySelector('svg[data-demo]').dataset.steps;
    new MutationObserver(() => {
        const steps = cell.querySelector('svg[data-demo]')?.dataset.steps;
        if (steps && steps !== shown) {
            shown = steps;
            requestAnimationFrame(() => window.taken.push(performance.now() - window.pressed));
        }
    }).observe(cell, { childList: true, subtree: true });
}"""


def standings(picture: Locator) -> dict[str, str]:
    """How each rule stands; the description must say the same."""
    names = ("sgd", "momentum", "adagrad", "rmsprop", "adam")
    found = {name: picture.locator(f".standing-{name}").text_content() or "" for name in names}
    label = picture.get_attribute("aria-label") or ""
    assert all(f"{name} {standing}" in label for name, standing in found.items())
    return found


def test_the_race_follows_keyboard_and_mouse(
    open_notebook: Open, record_property: Callable[[str, object], None]
) -> None:
    notebook = open_notebook("solutions/02_gradient_descent/02_gradient_descent.ipynb")
    notebook.run_all()
    assert notebook.errors() == [] and notebook.not_run() == []
    index = notebook.find_cell("optimiser_race.demo(")

    cell = notebook.cell(index)
    picture = cell.locator("svg[data-demo=race]")
    expect(picture).to_be_visible()
    expect(cell.locator("img")).to_be_hidden()
    expect(picture).to_have_attribute("data-start", "-2.5,0.9")
    before = standings(picture)
    notebook.screenshot("race, as it opens")

    steps = cell.locator(".demo-race-steps .noUi-handle")
    steps.focus()
    notebook.page.evaluate(STOPWATCH, index)
    for value in range(41, 61):
        steps.press("ArrowRight")
        expect(picture).to_have_attribute("data-steps", str(value))
    taken = notebook.page.evaluate("() => window.taken")
    assert len(taken) == 20
    record_property("slider to picture, median ms", round(median(taken)))
    print(f"slider to picture: median {median(taken):.0f} ms of {len(taken)}")
    after = standings(picture)
    assert all(before[name] != after[name] for name in before)

    rate = cell.locator(".demo-race-rate .noUi-handle")
    rate.focus()
    for _ in range(8):  # 0.05 · 10^0.4 = 0.126, beyond 2/λmax
        rate.press("ArrowRight")
    expect(picture).to_have_attribute("data-rate", "0.1259")
    steps.focus()
    steps.press("End")
    expect(picture).to_have_attribute("data-steps", "100")
    assert standings(picture)["sgd"] == "diverged" and "diverged" not in standings(picture)["adam"]
    alpha = cell.locator(".demo-race-alpha .noUi-handle")
    alpha.focus()
    alpha.press("Home")
    expect(picture).to_have_attribute("data-alpha", "0")
    assert standings(picture)["momentum"] == "diverged", "without momentum it is sgd"
    notebook.screenshot("race, beyond the limit")

    button = cell.locator(".demo-race-surface button", has_text=re.compile("saddle"))
    button.focus()
    button.press("Enter")
    expect(picture).to_have_attribute("data-start", "-2.5,0.1")
    ring = cell.get_by_role("slider", name="start of the race")
    ring.focus()
    ring.press("ArrowDown")
    expect(picture).to_have_attribute("data-start", "-2.5,0")
    ring.press("Shift+ArrowRight")
    expect(picture).to_have_attribute("data-start", "-2,0")
    expect(ring).to_have_attribute("aria-valuetext", "w₀ = -2, w₁ = 0")
    notebook.screenshot("race, on the ridge")

    box = picture.bounding_box()
    assert box is not None
    x, y = MAP.to_scene(1.5, -1.5)
    notebook.page.mouse.click(box["x"] + x * box["width"] / WIDTH, box["y"] + y * box["height"] / HEIGHT)
    expect(picture).to_have_attribute("data-start", re.compile(r"1\.(49|5|51),-1\.(49|5|51)"))
    notebook.screenshot("race, from the lower right")

    (stored,) = [output for output in notebook.outputs(index) if "image/png" in output["data"]]
    assert re.search(r"alt=.A race on the surface ravine .* After 40 steps: sgd L = ", stored["data"]["text/html"])
    notebook.page.evaluate("document.querySelectorAll('.demo-race').forEach(widget => widget.remove())")
    expect(cell.locator("img")).to_be_visible()
    notebook.screenshot("race, without a kernel")
