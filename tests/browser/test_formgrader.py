"""nbgrader's formgrader in a real JupyterLab at the folder of a class: its buttons, grading by hand, hostile work.

Formgrader's pages have the rights of the instructor who looks at them: a script in one could give points. Its stock
templates show HTML as it comes, so nothing of that kind may arrive in `autograded/`.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, FrameLocator, Page

from grader import build, new_class
from grader.classroom import Classroom
from grader.gradebook import Book

pytestmark = [pytest.mark.browser, pytest.mark.box]

NAME = "02_words"
SOURCE = Path(__file__).parents[1] / "grader" / "doors" / "sources" / f"{NAME}.py"
ANSWER, COMMENT = "What was largest is smallest.", "Right, and what was bright is dark."
STOCK_ASKS = ("cdnjs.cloudflare.com",)  # formgrader's own templates ask for MathJax and others; here in vain
PWNED = "top.pwned=(top.pwned||0)+1"
HOSTILE = f"""
<script>{PWNED}</script><img src=x onerror="{PWNED}"><svg onload="{PWNED}"></svg>
<iframe srcdoc="<script>{PWNED}</script>"></iframe><details open ontoggle="{PWNED}">x</details>
[one](javascript:{PWNED}) [two](&#106;avascript:{PWNED}) [three](<java\tscript:{PWNED}>) [four][r]
<https://evil.test/a> ![five](https://evil.test/b.png) <link rel=stylesheet href=https://evil.test/c.css>
[six](javascript\\:{PWNED}) [seven](javascript&#58;{PWNED}) [eight](&NewLine;javascript:{PWNED})
$\\href{{javascript:{PWNED}}}{{x}}$ $$</span><script>{PWNED}</script>$$
\\begin{{x}}<img src=x onerror={PWNED}>\\end{{x}}
</div></div></textarea></style><script>{PWNED}</script>

[r]: javascript:{PWNED}
```html
</pre><script>{PWNED}</script>
```
"""
DISPLAYS = f"""
from IPython.display import HTML, Javascript, SVG, Markdown, display
attack = {HOSTILE!r}
print(attack)
print("\\x1b[31m" + attack + "\\x1b[0m", "\\x1b]8;;javascript:{PWNED}\\x07x\\x1b]8;;\\x07")
display(HTML(attack), Javascript("{PWNED}"), SVG("<svg onload='{PWNED}'></svg>"), Markdown(attack))
for mime in ("text/html", "image/svg+xml", "application/javascript", "text/latex", "image/png", "image/jpeg"):
    display({{mime: '"><script>{PWNED}</script><i x="'}}, raw=True)
    metadata = {{mime: {{"alt": '"><script>{PWNED}</script>'}}}}
    display({{mime: attack, "text/plain": attack}}, raw=True, metadata=metadata)

class Attack(Exception):
    pass

Attack.__name__ = attack

def scale(x, factor):
    raise Attack(attack)
"""
ACTIVE = r"""() => [...document.querySelectorAll('#notebook-container *')].flatMap(element => {
    const tags = /^(SCRIPT|IFRAME|OBJECT|EMBED|LINK|STYLE|META|BASE|FORM|SVG)$/i;
    const scheme = /^[\s\0-\x1f]*((java|vb)script:|data:(?!image\/(png|jpeg)))/i;
    const leads = /^(href|src|action|srcdoc|xlink:href)$/i;
    const active = [...element.attributes].filter(a => /^on/i.test(a.name)
        || (leads.test(a.name) && scheme.test(a.value)));
    return [...(tags.test(element.tagName) ? [element.outerHTML.slice(0, 200)] : []),
        ...active.map(a => `${element.tagName} ${a.name}=${a.value}`.slice(0, 200))];
})"""


@dataclass
class Server:
    """A JupyterLab whose folder is that of a class."""

    classroom: Classroom
    url: str
    token: str


def write(submitted: dict[str, Any], texts: dict[str, str]) -> None:
    for cell in submitted["cells"]:
        name = cell["metadata"].get("nbgrader", {}).get("grade_id")
        cell["source"] = texts.get(name, cell["source"])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """JupyterLab with nbgrader's extensions, started where an instructor would: in the class's folder."""
    checkout, home = tmp_path_factory.mktemp("checkout"), tmp_path_factory.mktemp("home")
    (checkout / "solutions").mkdir()
    shutil.copy(SOURCE, checkout / "solutions")
    build.build(checkout, tell=lambda _: None)
    classroom, _ = new_class.make(tmp_path_factory.mktemp("formgrader") / "class", checkout)
    released = new_class.release(classroom, NAME) / f"{NAME}.ipynb"
    for student, texts in {
        "ada": {"scale": "def scale(x, factor):\n    return x * factor", "how": ANSWER},
        "mallory": {"scale": DISPLAYS, "how": HOSTILE},
    }.items():
        submitted = json.loads(released.read_text(encoding="utf-8"))
        write(submitted, texts)
        if student == "mallory":
            own = {"cell_type": "markdown", "id": "own", "metadata": {}, "source": HOSTILE}
            raw = {"cell_type": "raw", "id": "raw", "metadata": {"format": "text/html"}, "source": HOSTILE}
            submitted["cells"] += [own, raw]
        place = classroom.root / "submitted" / student / NAME
        place.mkdir(parents=True)
        (place / f"{NAME}.ipynb").write_text(json.dumps(submitted), encoding="utf-8")

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = secrets.token_hex(16)
    (home / ".jupyter" / "labconfig").mkdir(parents=True)
    quiet = {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}
    (home / ".jupyter" / "labconfig" / "page_config.json").write_text(json.dumps(quiet), encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "XDG_"))}
    options = {
        "ServerApp.port": port, "ServerApp.open_browser": False, "ServerApp.allow_root": True,
        "IdentityProvider.token": token, "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
    }  # fmt: skip
    log = home / "lab.log"
    with log.open("w", encoding="utf-8") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *(f"--{name}={value}" for name, value in options.items())],
            cwd=classroom.root, env=environment | {"HOME": str(home)},
            stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        url = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + 60
        while not _answers(f"{url}/api?token={token}"):
            assert process.poll() is None and time.monotonic() < deadline, log.read_text(encoding="utf-8")
            time.sleep(0.1)
        yield Server(classroom, url, token)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)


def _answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


@dataclass
class Desk:
    """An instructor's browser, and what happened in it besides being looked at."""

    page: Page
    pictures: Path
    happened: list[str] = field(default_factory=list)

    @property
    def formgrader(self) -> FrameLocator:
        return self.page.frame_locator("iframe[title=Formgrader], iframe").last

    def row(self, student: str) -> Any:
        return self.formgrader.locator("#main-table tr", has_text=student)

    def press(self, student: str, button: str, says: str) -> None:
        """One of the three buttons in a student's row, and the window that says how it went."""
        self.row(student).locator(f".{button} a").click()
        modal = self.formgrader.locator(".modal-content")
        modal.get_by_text(says).first.wait_for(timeout=60_000)
        modal.locator(".modal-footer button").first.click()
        self.formgrader.locator(".modal-backdrop").wait_for(state="detached")

    def fill(self, place: str, text: str) -> None:
        """Write into a field of a page for grading by hand, leave it, and wait until it is saved."""
        with self.page.expect_response(lambda answer: "/formgrader/api/" in answer.url and answer.ok):
            self.formgrader.locator(place).fill(text)
            self.formgrader.locator(place).blur()

    def screenshot(self, name: str) -> None:
        self.page.screenshot(path=self.pictures / f"formgrader-{name}.png")


@pytest.fixture
def desk(browser: Browser, server: Server, tmp_path: Path) -> Iterator[Desk]:
    pictures = Path(os.environ.get("SCREENSHOTS", tmp_path))
    pictures.mkdir(parents=True, exist_ok=True)
    context = browser.new_context(viewport={"width": 1400, "height": 1000}, reduced_motion="reduce")
    desk = Desk(context.new_page(), pictures)
    desk.page.on("dialog", lambda dialog: (desk.happened.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    context.on("page", lambda page: desk.happened.append(f"opened {page.url}"))

    def elsewhere(route: Any) -> None:
        url = urlsplit(route.request.url)
        if not url.hostname or url.hostname == "127.0.0.1":
            route.continue_()
        else:
            if url.hostname not in STOCK_ASKS:
                desk.happened.append(f"asked for {route.request.url}")
            route.abort()

    context.route("**/*", elsewhere)
    yield desk
    context.close()


def open_formgrader(desk: Desk, server: Server) -> None:
    """Through JupyterLab's own menu."""
    page = desk.page
    page.goto(f"{server.url}/lab?reset&token={server.token}", wait_until="domcontentloaded")
    page.get_by_role("menuitem", name="Nbgrader").click(timeout=60_000)
    page.get_by_role("menuitem", name="Formgrader").first.click()
    desk.formgrader.locator("#main-table").get_by_text(NAME).wait_for(timeout=30_000)


def test_an_instructor_grades_by_hand_and_sends_feedback(desk: Desk, server: Server) -> None:
    open_formgrader(desk, server)
    form = desk.formgrader
    form.locator("#main-table .num-submissions a").click()
    desk.row("ada").get_by_text("needs autograding").wait_for()
    desk.press("ada", "autograde", "Successfully autograded")
    desk.row("ada").get_by_text("needs manual grading").wait_for()
    assert desk.row("ada").locator(".score").inner_text() == "4 / 9"
    desk.screenshot("submissions")

    open_submission(desk, "ada")
    assert form.locator("#scale-check").get_attribute("placeholder") == "4"
    assert form.get_by_text(ANSWER).is_visible()
    for cell, text in {"how": "2.5", "how-comment": COMMENT, "draw": "1", "draw_extra_credit": "0.5"}.items():
        desk.fill(f"#{cell}", text)
    desk.screenshot("by hand")

    form.get_by_role("link", name="Manage Assignments").or_(
        form.get_by_role("link", name="Manual Grading")
    ).first.click()
    open_submissions(desk)
    assert desk.row("ada").locator(".score").inner_text() == "8 / 9"
    assert desk.row("ada").locator(".status").inner_text() == "graded"
    desk.press("ada", "generate-feedback", "Successfully generated feedback")
    desk.screenshot("feedback generated")
    assert desk.happened == []

    with Book(server.classroom.db_url) as book:
        find = book.book.find_grade
        assert find("how", NAME, NAME, "ada").manual_score == 2.5
        assert (find("draw", NAME, NAME, "ada").score, find("scale-check", NAME, NAME, "ada").score) == (1.5, 4.0)
        assert book.book.find_comment("how", NAME, NAME, "ada").comment == COMMENT
    feedback = server.classroom.folder("feedback", "ada", NAME) / f"{NAME}.html"
    desk.page.goto(feedback.as_uri())
    assert desk.page.get_by_text(COMMENT).is_visible()
    assert desk.page.get_by_text(re.compile(r"\b8\b")).first.is_visible()
    desk.screenshot("feedback")


def test_what_a_hostile_student_hands_in_is_dead_in_formgrader(desk: Desk, server: Server) -> None:
    open_formgrader(desk, server)
    desk.formgrader.locator("#main-table .num-submissions a").click()
    desk.press("mallory", "autograde", "Successfully autograded")
    assert desk.row("mallory").locator(".score").inner_text() == "0 / 9"
    open_submission(desk, "mallory")
    desk.page.wait_for_load_state("networkidle")
    frame = next(frame for frame in desk.page.frames if "/formgrader/submissions/" in frame.url)
    assert frame.evaluate(ACTIVE) == []
    # every link but those to pages elsewhere, which are honest about it
    frame.evaluate("document.querySelectorAll('#notebook-container a:not([href^=http])').forEach(a => a.click())")
    frame.locator("#notebook-container").first.hover()
    desk.screenshot("hostile")
    assert frame.evaluate("top.pwned") is None
    assert desk.happened == []
    assert frame.get_by_text("Attack").count()  # it is all there to read


def open_submissions(desk: Desk) -> None:
    """The table of an assignment's submissions, from wherever formgrader is."""
    desk.formgrader.get_by_role("link", name="Manage Assignments").click()
    desk.formgrader.locator("#main-table .num-submissions a").click()
    desk.row("ada").locator(".autograde a").wait_for()


def open_submission(desk: Desk, student: str) -> None:
    """The page on which a submission is graded by hand, by the links that lead there."""
    form = desk.formgrader
    form.get_by_role("link", name="Manual Grading").click()
    for _ in range(2):  # the assignment, then its notebook
        form.locator("#main-table").get_by_role("link", name=NAME).click()
    form.locator("#main-table tr", has_text=student).locator(".reveal .name-hidden, .name-hidden.glyphicon").click()
    form.locator("#main-table").get_by_role("link", name=student).click()
    form.locator("#how").wait_for()
    form.locator("#scale-check[placeholder]").wait_for()
