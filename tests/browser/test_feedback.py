"""Pages with what strangers wrote, in a real Chromium: nothing of it runs, and nothing is fetched."""

import base64
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Literal

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from playwright.sync_api import Browser, Page

from grader import class_report, feedback, report
from grader.classroom import Outcome
from grader.feedback_view import Regions
from grader.marks import Marks, Sheet

pytestmark = pytest.mark.browser

PWNED = "window.pwned=(window.pwned||0)+1;alert(1)"
IMAGE = base64.b64encode(f"<svg xmlns='http://www.w3.org/2000/svg' onload='{PWNED}'/>".encode()).decode()
HTML = base64.b64encode(f"<script>parent.{PWNED}</script>".encode()).decode()
HOSTILE = [
    f"<script>{PWNED}</script>",
    f"<ScRiPt\n>{PWNED}</sCrIpT >",
    f"<img src=x onerror={PWNED}>",
    f"<img src=x onerror={PWNED}//",
    f"<svg onload={PWNED}></svg>",
    f"<svg><script>{PWNED}</script><animate onbegin={PWNED} attributeName=x dur=1s>",
    f"<math><mtext></form><form><mglyph><style></math><img src onerror={PWNED}>",
    f"<iframe src=\"javascript:{PWNED}\"></iframe>",
    f"<iframe srcdoc='<script>parent.{PWNED}</script>'></iframe>",
    f"<object data=\"data:text/html;base64,{HTML}\"></object><embed src=\"data:text/html;base64,{HTML}\">",
    f"<details open ontoggle={PWNED}><summary>x</summary></details>",
    f"<video><source onerror={PWNED}></video><audio src=x onerror={PWNED}>",
    f"<body onload={PWNED}><input autofocus onfocus={PWNED}>",
    "<style>@import 'https://evil.test/a.css'; body{background:url(https://evil.test/b.png)}</style>",
    "<link rel=stylesheet href=https://evil.test/c.css><link rel=prefetch href=https://evil.test/d>",
    "<meta http-equiv=refresh content='0;url=https://evil.test/e'><base href=https://evil.test/>",
    "<img src=https://evil.test/f.png srcset='https://evil.test/g.png 2x'>",
    "<form action=https://evil.test/h><button autofocus>go</button></form>",
    f"<a href=\"javascript:{PWNED}\">x</a><a href=\" jAvAsCrIpT:{PWNED}\">x</a><a href=\"java\tscript:{PWNED}\">x</a>",
    f"[x](javascript:{PWNED}) [x](jAvAsCrIpT&colon;{PWNED}) [x](&#106;avascript:{PWNED}) [x](<java\nscript:{PWNED}>)",
    f"[x](data:text/html;base64,{HTML}) [x](vbscript:{PWNED}) <javascript:{PWNED}>",
    f"[x][r] ![x][r] ![x](javascript:{PWNED})\n\n[r]: javascript:{PWNED}",
    f"![x](data:image/svg+xml;base64,{IMAGE}) ![x](https://evil.test/i.png) ![x](attachment:none.png)",
    f"$\\href{{javascript:{PWNED}}}{{x}}$ $$\\unicode{{<img src=x onerror={PWNED}>}}$$ \\(\\class{{x}}{{y}}\\)",
    f"\\begin{{x}}</span></div><script>{PWNED}</script>\\end{{x}}",
    f"```html\n<script>{PWNED}</script>\n```\n`<script>{PWNED}</script>`",
    f"```mermaid\ngraph TD; A[\"<img src=x onerror={PWNED}>\"]\n```",
    f"</pre></div></section></main></body><script>{PWNED}</script>",
    f"</style></title></textarea></noscript><script>{PWNED}</script>",
    f"<!--><script>{PWNED}</script>--><![CDATA[><script>{PWNED}</script>]]>",
    f"&lt;script>{PWNED}&lt;/script> &#60;script&#62;{PWNED}&#60;/script&#62;",
    f"\x1b]8;;javascript:{PWNED}\x07x\x1b]8;;\x07 \x1b[31m<script>{PWNED}</script>\x1b[0m",
    f"{{{{ ''.__class__ }}}} {{% raw %}}<script>{PWNED}</script>",
    f"\"><script>{PWNED}</script> '><script>{PWNED}</script> \" onmouseover={PWNED} autofocus onfocus={PWNED} x=\"",
]  # fmt: skip
REMOVED = (
    "script, svg, math, iframe, object, embed, form, input, button, link, base, video, audio, body style, body meta"
)
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="


@dataclass
class Watched:
    """A page, and everything that it did besides being looked at."""

    page: Page
    requests: list[str] = field(default_factory=list)
    happened: list[str] = field(default_factory=list)

    def open(self, path: Path, until: Literal["load", "networkidle"] = "networkidle") -> None:
        self.page.goto(path.as_uri(), wait_until=until)

    def assert_dead(self, path: Path) -> None:
        """Nothing ran, nothing was fetched, and there is nothing that could."""
        assert self.happened == []
        assert [url for url in self.requests if not url.startswith("data:image/")] == [path.as_uri()]
        assert self.page.evaluate("window.pwned") is None
        assert self.page.locator(REMOVED).count() == 0
        active = """() => [...document.querySelectorAll('*')].flatMap(e => [...e.attributes].filter(
            a => /^on/i.test(a.name) || /^(srcdoc|srcset|formaction|action|background|ping)$/i.test(a.name)
              || (a.name === 'href' && !/^(https?:|mailto:|#cell-\\d+$)/i.test(a.value))
              || (a.name === 'src' && !/^data:image\\/(png|jpeg);base64,/.test(a.value))
          ).map(a => `${e.tagName} ${a.name}=${a.value}`))"""
        assert self.page.evaluate(active) == []


@pytest.fixture
def watched(browser: Browser) -> Iterator[Watched]:
    context = browser.new_context(viewport={"width": 1000, "height": 800})
    watched = Watched(context.new_page())
    context.on("request", lambda request: watched.requests.append(request.url))
    context.on("page", lambda page: watched.happened.append(f"opened {page.url}"))
    watched.page.on("dialog", lambda dialog: (watched.happened.append(dialog.message), dialog.dismiss()))
    watched.page.on("console", lambda message: watched.happened.append(message.text))
    watched.page.on("pageerror", lambda error: watched.happened.append(str(error)))
    yield watched
    context.close()


def nbgrader(grade_id: str, **flags: object) -> dict[str, object]:
    mark = {"schema_version": 3, "solution": False, "grade": False, "locked": False, "task": False, **flags}
    return {"nbgrader": {"grade_id": grade_id, **mark}}


def a_page(payloads: list[str], tmp_path: Path) -> Path:
    """A feedback page with each text in every place that a student reaches, and in some that only look so."""
    cells, scores, worth = [], {}, {}
    for number, text in enumerate(payloads):
        png = new_output("display_data", data={"image/png": text, "text/html": text, "image/svg+xml": text})
        outputs = [
            new_output("stream", text=text),
            new_output("display_data", data={"text/plain": text, "text/html": text, "application/javascript": PWNED}),
            new_output("display_data", data={"text/latex": text, "text/markdown": text}),
            new_output("error", ename=text, evalue=text, traceback=[text]),
            png,
        ]
        check = {"text/plain": text, "text/html": text}
        mistake = {"mistake": {"name": text, "message": text}}
        mime = "application/vnd.convnet-course.check+json"
        reports = [
            new_output("display_data", data={**check, mime: {"cases": [{"label": text, "verdict": text}]}}),
            new_output("display_data", data={**check, mime: mistake}),
            new_output("error", ename=text, evalue=text, traceback=[text]),
        ]
        exercise, test, answer = f"e{number}", f"e{number}-check", f"q{number}"
        cells += [
            new_markdown_cell(text),
            new_code_cell(text, metadata=nbgrader(exercise, solution=True), outputs=outputs),
            new_code_cell(text, metadata={"convnet_course": {"added": True}}, outputs=outputs),
            new_markdown_cell(text, metadata={"convnet_course": {"added": True}}),
            new_code_cell("1", metadata=nbgrader(test, grade=True, locked=True, points=1), outputs=reports),
            new_markdown_cell(text, metadata=nbgrader(answer, solution=True, grade=True, points=1)),
        ]
        scores |= {("hw", test): 0.5, ("hw", answer): None}
        worth |= {("hw", test): 1.0, ("hw", answer): 1.0}
    student = payloads[0]
    sheet = Sheet(
        student, scores, {("hw", f"q{n}"): text for n, text in enumerate(payloads)}, 0.5, datetime(2025, 3, 1)
    )
    outcome = Outcome(student, "", "A", remarks=payloads, faults=payloads)
    path = tmp_path / "feedback.html"
    html = feedback.page(new_notebook(cells=cells), payloads[0], "hw", sheet, worth, outcome, Regions())
    path.write_text(html, encoding="utf-8")
    return path


def test_nothing_that_a_student_wrote_runs_in_feedback(watched: Watched, tmp_path: Path) -> None:
    path = a_page(HOSTILE, tmp_path)
    watched.open(path)
    page = watched.page
    page.evaluate("document.querySelectorAll('details').forEach(details => { details.open = true })")
    for link in page.get_by_role("link").all():
        link.hover(timeout=5000, force=True)
    page.keyboard.press("Tab")
    watched.assert_dead(path)
    assert page.locator("section.cell").count() == 5 * len(HOSTILE)
    screenshot(page, "hostile feedback", tmp_path)


@pytest.mark.parametrize("payload", HOSTILE, ids=range(len(HOSTILE)))
def test_each_alone_stays_in_its_frame(watched: Watched, tmp_path: Path, payload: str) -> None:
    path = a_page([payload], tmp_path)
    watched.open(path, until="load")
    watched.assert_dead(path)
    assert watched.page.locator("body > section.cell").count() == 5
    assert watched.page.locator("body > footer").count() == 1


class Elsewhere(ThreadingHTTPServer):
    """A server that notes what it is asked for."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Refusal)
        self.asked: list[str] = []


class Refusal(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Elsewhere)
        self.server.asked.append(self.path)
        self.send_error(404)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Elsewhere]:
    with Elsewhere() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def injected(tmp_path: Path, payload: str, elsewhere: Elsewhere, *, policy: bool) -> Path:
    """A page into which a text passed as it is, with or without the page's policy."""
    path = a_page(["nothing"], tmp_path)
    html = path.read_text(encoding="utf-8")
    html = html.replace(
        "<footer", payload.replace("https://evil.test", f"http://127.0.0.1:{elsewhere.server_port}") + "<footer"
    )
    path.write_text(html if policy else html.replace("Content-Security-Policy", "nothing"), encoding="utf-8")
    elsewhere.asked.clear()
    return path


# a policy in a page cannot forbid the page to be left, by a refresh: there is only the first wall
@pytest.mark.parametrize("payload", [text for text in HOSTILE[:18] if "http-equiv=refresh" not in text])
def test_the_second_wall_holds_alone(watched: Watched, tmp_path: Path, payload: str, elsewhere: Elsewhere) -> None:
    """Were a text to pass as it is, the page's policy would still let nothing of it run or be fetched."""
    watched.open(injected(tmp_path, payload, elsewhere, policy=True))
    assert watched.page.evaluate("window.pwned") is None
    assert elsewhere.asked == []


@pytest.mark.parametrize(
    "payload", [text for text in HOSTILE[:18] if text.startswith(("<script", "<img src=x o", "<style"))]
)
def test_without_walls_these_texts_do_harm(
    watched: Watched, tmp_path: Path, payload: str, elsewhere: Elsewhere
) -> None:
    """Or the tests above would show nothing."""
    watched.open(injected(tmp_path, payload, elsewhere, policy=False))
    assert watched.page.evaluate("window.pwned") or elsewhere.asked


def test_a_good_students_feedback_shows_pictures_and_folds_the_notebooks_text(watched: Watched, tmp_path: Path) -> None:
    cells = [
        new_markdown_cell("# Activations\n\nA neuron computes $f(w x + b)$."),
        new_code_cell("def relu(x):\n    return max(x, 0)", metadata=nbgrader("relu", solution=True)),
        new_code_cell(
            "plot()", metadata=nbgrader("plot", solution=True),
            outputs=[new_output("display_data", data={"image/png": PNG})],
        ),
    ]  # fmt: skip
    path = tmp_path / "feedback.html"
    notebook = new_notebook(cells=cells)
    path.write_text(feedback.page(notebook, "hw", "hw", Sheet("ada"), {}, None, Regions()), encoding="utf-8")
    watched.open(path)
    watched.assert_dead(path)
    picture = watched.page.get_by_role("img", name="picture made by this cell")
    assert picture.evaluate("image => image.naturalWidth") == 1
    prose = watched.page.get_by_text("A neuron computes")
    assert not prose.is_visible()
    watched.page.get_by_text("Activations").first.click()
    assert prose.is_visible()


def test_nothing_runs_in_a_class_report(watched: Watched, tmp_path: Path) -> None:
    worth = {("hw", "a"): 1.0}
    sheets = {text: Sheet(text, {("hw", "a"): n / len(HOSTILE)}) for n, text in enumerate(HOSTILE)}
    outcomes = {text: Outcome(text, "", text, remarks=[text], faults=[text], seconds=1.0) for text in HOSTILE}
    reports = [(("hw", "a"), {"mistake": {"name": text, "message": text}}) for text in HOSTILE]
    path = tmp_path / "report.html"
    report.write_html(class_report.summarize("hw", Marks(worth, sheets, []), outcomes, reports), path)
    watched.open(path)
    watched.assert_dead(path)
    assert watched.page.get_by_role("img").evaluate("image => image.naturalWidth") > 500


CONTRAST = """() => {
    const parts = colour => colour.match(/[\\d.]+/g).map(Number);
    const light = colour => parts(colour).slice(0, 3).map(
        c => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4
    ).reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
    const behind = element => {
        for (; element; element = element.parentElement) {
            const colour = getComputedStyle(element).backgroundColor;
            if (parts(colour)[3] !== 0) return colour;
        }
        return 'rgb(255, 255, 255)';
    };
    const weak = [];
    for (const element of document.body.querySelectorAll('*')) {
        if (![...element.childNodes].some(node => node.nodeType === 3 && node.data.trim())) continue;
        const [a, b] = [light(getComputedStyle(element).color), light(behind(element))].sort((a, b) => b - a);
        const ratio = (a + 0.05) / (b + 0.05);
        if (ratio < 4.5) weak.push(`${element.tagName}.${element.className} ${ratio.toFixed(1)}`, element.textContent);
    }
    return weak;
}"""


def a_report(tmp_path: Path) -> Path:
    """A class report with something in each of its parts."""
    worth = {("hw", f"a-long-name-of-an-exercise-{n}"): 3.0 for n in range(4)}
    sheets = {f"student-{n}": Sheet(f"student-{n}", dict.fromkeys(worth, n % 4), penalty=1.0) for n in range(12)}
    outcomes = {
        who: Outcome(who, "", "A", seconds=1.0, remarks=["Stopped: it ended its own process."]) for who in sheets
    }
    outcomes["student-0"] = Outcome(
        "student-0", "", remarks=["the file is damaged"], faults=["a test printed a warning"]
    )
    reports = [(key, {"mistake": {"name": "sign", "message": "mind the sign"}}) for key in worth]
    summary = class_report.summarize("hw", Marks(worth, sheets, []), outcomes | {"late": None}, reports)
    path = tmp_path / "report.html"
    report.write_html(summary, path)
    return path


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("kind", ["feedback", "report"])
def test_every_word_stands_out_and_a_narrow_window_cuts_nothing_off(
    watched: Watched, tmp_path: Path, kind: str, scheme: Literal["light", "dark"]
) -> None:
    """WCAG's contrast for text, by day and by night; nothing is wider than the window of a telephone."""
    path = (
        a_page(["def f(x):\n    return 'text', 7  # why\n" + "long" * 200], tmp_path)
        if kind == "feedback"
        else a_report(tmp_path)
    )
    page = watched.page
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": 360, "height": 700})
    watched.open(path)
    page.evaluate("document.querySelectorAll('details').forEach(details => { details.open = true })")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == (
        "rgb(255, 255, 255)" if scheme == "light" else "rgb(22, 22, 22)"
    )
    assert page.evaluate(CONTRAST) == []
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    page.emulate_media(media="print", color_scheme=scheme)
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)", "paper is white"
    assert page.evaluate(CONTRAST) == []
    screenshot(page, f"{kind} {scheme}", tmp_path)


def screenshot(page: Page, name: str, tmp_path: Path) -> None:
    folder = Path(os.environ.get("SCREENSHOTS", tmp_path))
    page.screenshot(path=folder / f"{name.replace(' ', '-')}.png", full_page=True)
