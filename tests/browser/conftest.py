"""A real JupyterLab, started by `course lab`, in a real Chromium; later notebooks reuse these fixtures.

A test takes `notebook` and says what it opens:

    def test_something(open_notebook: Open) -> None:
        notebook = open_notebook("solutions/05_convolution/05_convolution.ipynb")
        notebook.run_all()
        notebook.screenshot("after running")

It fails at its end if the page raised an error, wrote one to the console, or asked for anything outside this machine.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Request, sync_playwright

# Chromium itself asks for updates, safe-browsing lists and the like; none of it concerns the course
QUIET = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"]
SECONDS = 1000

Open = Callable[[str], "Notebook"]


class Notebook:
    """A notebook open in JupyterLab's main area, driven through Lab's own commands and its keyboard."""

    def __init__(self, page: Page, pictures: Path) -> None:
        self.page = page
        self.pictures = pictures

    def run_all(self, timeout: int = 120 * SECONDS) -> None:
        """Run All Cells, as from the menu, and wait until all have run, or the kernel has long been idle.

        Lab's command itself ends at the first exception, while cells that may raise let the others run on.
        """
        self.page.evaluate(
            """async () => {
                 const { commands } = window.jupyterapp;
                 await commands.execute('notebook:clear-all-cell-outputs');
                 commands.execute('notebook:run-all-cells');
                 window.idleSince = null;
               }"""
        )
        self.page.wait_for_function(
            """() => {
                 const { content, sessionContext } = window.jupyterapp.shell.currentWidget;
                 const cells = [...content.model.cells].filter(cell => cell.type === 'code');
                 const busy = sessionContext.session.kernel.status !== 'idle'
                   || cells.some(cell => cell.executionState === 'running');
                 window.idleSince = busy ? null : window.idleSince ?? performance.now();
                 return !busy && (cells.every(cell => cell.executionCount !== null)
                   || performance.now() - window.idleSince > 3000);
               }""",
            timeout=timeout,
        )

    def not_run(self) -> list[str]:
        """The code cells that Run All did not reach."""
        sources: list[str] = self.page.evaluate(
            """() => [...window.jupyterapp.shell.currentWidget.content.model.cells]
                 .filter(cell => cell.type === 'code' && cell.executionCount === null)
                 .map(cell => cell.sharedModel.getSource())"""
        )
        return sources

    def wait_until_idle(self, timeout: int = 60 * SECONDS) -> None:
        self.page.wait_for_function(
            """() => window.jupyterapp.shell.currentWidget
                       ?.sessionContext?.session?.kernel?.status === 'idle'""",
            timeout=timeout,
        )

    def cell(self, index: int) -> Locator:
        """The cell at `index`, scrolled into view."""
        self.page.evaluate(
            """async index => {
                 const { content } = window.jupyterapp.shell.currentWidget;
                 content.activeCellIndex = index;
                 await content.scrollToItem(index);
                 content.widgets[index].node.setAttribute('data-cell', index);
               }""",
            index,
        )
        return self.page.locator(f"[data-cell='{index}']")

    def write(self, index: int, source: str) -> None:
        """Put `source` into a cell, and run it."""
        self.page.evaluate(
            """([index, source]) => {
                 const { content } = window.jupyterapp.shell.currentWidget;
                 content.activeCellIndex = index;
                 content.model.cells.get(index).sharedModel.setSource(source);
               }""",
            [index, source],
        )
        self.run(index)

    def run(self, index: int) -> None:
        """Run one cell and wait until the kernel is idle."""
        self.page.evaluate(
            """async index => {
                 window.jupyterapp.shell.currentWidget.content.activeCellIndex = index;
                 await window.jupyterapp.commands.execute('notebook:run-cell');
               }""",
            index,
        )
        self.wait_until_idle()

    def find_cells(self, text: str) -> list[int]:
        """The indices of the code cells whose source contains `text`."""
        found: list[int] = self.page.evaluate(
            """text => [...window.jupyterapp.shell.currentWidget.content.model.cells].flatMap((cell, index) =>
                 cell.type === 'code' && cell.sharedModel.getSource().includes(text) ? [index] : [])""",
            text,
        )
        return found

    def find_cell(self, text: str) -> int:
        """The index of the only code cell whose source contains `text`."""
        found = self.find_cells(text)
        assert len(found) == 1, f"{text!r} stands in cells {found}"
        return found[0]

    def outputs(self, index: int) -> list[dict[str, object]]:
        """The outputs of a cell as the notebook file would hold them."""
        outputs: list[dict[str, object]] = self.page.evaluate(
            "index => window.jupyterapp.shell.currentWidget.content.model.cells.get(index).outputs?.toJSON() ?? []",
            index,
        )
        return outputs

    def errors(self) -> list[str]:
        """The exceptions among all outputs, as `NameError: …`."""
        found: list[str] = self.page.evaluate(
            """() => [...window.jupyterapp.shell.currentWidget.content.model.cells]
                 .flatMap(cell => cell.outputs?.toJSON() ?? [])
                 .filter(output => output.output_type === 'error')
                 .map(output => `${output.ename}: ${output.evalue}`)"""
        )
        return found

    def screenshot(self, name: str) -> Path:
        """A picture of the page, in $SCREENSHOTS or the test's own folder."""
        path = self.pictures / f"{re.sub(r'[^a-z0-9]+', '-', name.lower())}.png"
        self.page.screenshot(path=path)
        return path


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test that fails leaves a picture of its page."""
    report = yield
    page = getattr(item, "funcargs", {}).get("page")
    if report.when == "call" and report.failed and page is not None:
        picture = _pictures(item.funcargs["tmp_path"]) / f"failed-{item.name}.png"
        page.screenshot(path=picture)
        report.sections.append(("the page", str(picture)))
    return report


def _pictures(tmp_path: Path) -> Path:
    folder = Path(os.environ.get("SCREENSHOTS", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def desk(tmp_path_factory: pytest.TempPathFactory, root: Path) -> Path:
    """The student's folder that Lab serves, with the solutions beside the student's own notebooks."""
    folder = tmp_path_factory.mktemp("desk")
    for notebook in (root / "solutions").glob("*/*.ipynb"):
        shutil.copytree(notebook.parent, folder / "solutions" / notebook.parent.name)
    return folder


@pytest.fixture(scope="session")
def lab_url(desk: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A running `course lab`, once for all browser tests of a process; its base URL with a format for the path."""
    home = tmp_path_factory.mktemp("home")
    (home / ".jupyter").mkdir()
    (home / ".jupyter" / "jupyter_lab_config.py").write_text("c.LabApp.expose_app_in_browser = True\n", "utf-8")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "XDG_"))}
    log = home / "lab.log"
    with log.open("w", encoding="utf-8") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "course", "lab", "--no-browser", "--folder", desk],
            env=environment | {"HOME": str(home), "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield re.sub(r"(?<=/lab/tree/)[^?]+", "{}", _wait_for_url(process, log))
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=60)


def _wait_for_url(process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        if url := re.search(r"http://\S+", log.read_text("utf-8")):
            return url[0]
        time.sleep(0.1)
    raise AssertionError(f"`course lab` did not say a URL:\n{log.read_text('utf-8')}")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        # Chromium refuses its own sandbox to root; the page is the course's own
        flags = [*QUIET, "--no-sandbox"] if os.geteuid() == 0 else QUIET
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=flags)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh page that tells at the end of the test what went wrong on it."""
    context = browser.new_context(viewport={"width": 1280, "height": 1000}, reduced_motion="reduce")
    page = context.new_page()
    troubles: list[str] = []

    def console(message: ConsoleMessage) -> None:
        if message.type == "error":
            troubles.append(f"console: {message.text} ({message.location.get('url', '')})")

    def request(request: Request) -> None:
        url = urlsplit(request.url)
        if url.scheme not in ("data", "blob", "about") and url.hostname not in ("localhost", "127.0.0.1"):
            troubles.append(f"asked for {request.url}")

    page.on("pageerror", lambda error: troubles.append(f"page error: {error}"))
    page.on("console", console)
    context.on("request", request)
    yield page
    context.close()
    assert not troubles, "\n".join(troubles)


@pytest.fixture(scope="session")
def fresh(desk: Path) -> Callable[[str], None]:
    """Puts a notebook back to what it was when it was first asked for: Lab saves what a test writes into it."""
    first: dict[Path, bytes] = {}

    def put_back(path: str) -> None:
        place = desk / path
        place.write_bytes(first.setdefault(place, place.read_bytes()))

    return put_back


@pytest.fixture
def open_notebook(page: Page, lab_url: str, fresh: Callable[[str], None], tmp_path: Path) -> Iterator[Open]:
    """Opens a notebook of the desk and waits until its kernel is idle; shuts the kernels down afterwards."""

    def open_(path: str) -> Notebook:
        fresh(path)
        page.goto(f"{lab_url.format(path)}&reset", wait_until="domcontentloaded")
        page.wait_for_function("() => window.jupyterapp", timeout=60 * SECONDS)
        notebook = Notebook(page, _pictures(tmp_path))
        notebook.wait_until_idle()
        return notebook

    yield open_
    page.evaluate("() => window.jupyterapp?.serviceManager.sessions.shutdownAll()")
