"""Every solution runs in a real JupyterLab, and the demos on it follow their controls from the keyboard."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from .conftest import Open

pytestmark = pytest.mark.browser

HERE = Path(__file__)
NAMES = sorted(path.stem for path in (HERE.parent.parent.parent / "solutions").glob("*/*.ipynb"))
# those are tested more thoroughly by tests of their own
OTHERS = "".join(path.read_text("utf-8") for path in HERE.parent.glob("test_*.py") if path != HERE)


@pytest.mark.parametrize("name", [name for name in NAMES if f"solutions/{name}/" not in OTHERS])
def test_everything_runs_and_the_demos_follow_the_keyboard(name: str, open_notebook: Open) -> None:
    notebook = open_notebook(f"solutions/{name}/{name}.ipynb")
    notebook.run_all()
    assert notebook.errors() == [] and notebook.not_run() == []

    for index in notebook.find_cells(".demo("):
        cell = notebook.cell(index)
        picture = cell.locator("svg[data-demo]")
        expect(picture).to_be_visible()
        notebook.screenshot(f"{name}, cell {index}")
        before = picture.inner_html()
        slider = cell.locator(".noUi-handle").first
        slider.focus()
        slider.press("ArrowRight")
        expect(picture).to_be_visible()
        notebook.page.wait_for_function(
            "([index, before]) => document.querySelector(`[data-cell='${index}'] svg[data-demo]`).innerHTML !== before",
            arg=[index, before],
        )
        notebook.screenshot(f"{name}, cell {index}, after a key")
