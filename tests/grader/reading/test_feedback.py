"""What a student reads: the points and what happened, nothing of hidden tests; written whole, once, where it is due."""

import os
import stat
import subprocess
import sys
from datetime import datetime
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest

from grader import feedback, pool
from grader.errors import BadAssignment, BadClassroom, BadGradebook
from grader.feedback_view import Regions, view
from grader.found import found
from grader.gradebook import Book
from grader.marks import Sheet


class Text(HTMLParser):
    """What of a page is there to read."""

    def __init__(self, page):
        super().__init__()
        self.words, self.silent = [], 0
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.silent += tag == "style"

    def handle_endtag(self, tag):
        self.silent -= tag == "style"

    def handle_data(self, data):
        if not self.silent:
            self.words += data.split()

    def __str__(self):
        return " ".join(self.words)


def read(page):
    return str(Text(page))


def test_the_page_tells_the_points_of_each_exercise(feedback_of):
    text = read(feedback_of("ada"))
    assert "Feedback for ada , handed in on 1 March 2025, 12:00 UTC" in text
    assert "6 of 10 points so far" in text and "2 answers still wait for a person" in text
    assert "relu ✓ 4 of 4 2 of 2 cases right" in text
    assert "why … of 3 waits for a person draw" in text and "Draw it" in text


def test_a_known_mistake_is_named_in_the_table_and_below_the_test(feedback_of):
    text = read(feedback_of("ben"))
    assert "relu ◐ 2 of 4 1 of 2 cases right; known mistake: sign" in text
    assert "This looks like a known mistake, sign : the sign is lost: take the maximum with 0." in text


def test_what_happened_stands_above_the_points(feedback_of):
    text = read(feedback_of("cleo"))
    happened = text.index("What happened to this submission Stopped: the code ended its own process.")
    assert happened < text.index("Exercise Points Found")
    assert "relu ✗ 0 of 4 stopped, as told above" in text


@pytest.mark.parametrize(
    ("errors", "says"),
    [
        (["ValueError"], "ended with an error"),
        (["NotImplementedError"], "not written yet"),
        (["TestCellError"], "the test itself went wrong"),
        (["BoxError", "ValueError"], "ended with an error"),
    ],
)
def test_what_a_test_without_a_report_found_is_said_in_words(reading, errors, says):
    cell = reading.graded(outputs={"step-check": [reading.raised(name) for name in errors]}).notebook.cells[6]
    assert cell.id == "step-check" and found(cell) == [says]


def test_of_what_was_not_accepted_the_page_gives_the_reason_and_what_to_do_and_nothing_else(feedback_of):
    text = read(feedback_of("dan"))
    assert "0 of 10 points This notebook was not accepted, so none of it was graded" in text
    assert "Why: the notebook's file is damaged: it is not JSON." in text
    assert "What you can do now Open your own notebook in JupyterLab." in text and "hand in that file, hw.ipynb" in text
    assert "ended with an error" not in text and "This cell was missing" not in text and "waits for" not in text
    assert text.count("the notebook's file is damaged") == 1


def test_what_was_left_as_it_came_is_folded_and_nobody_commented_on_it(classroom, reading, feedback_of):
    """An exercise and its test are one line, an answer another; nbgrader's own "No response." is no comment."""
    left = [reading.check_report(["unwritten"]), reading.raised("NotImplementedError", "relu")]
    left[0].data["application/vnd.convnet-course.check+json"]["written"] = False
    texts = {"relu": "", "why": "", "step": "def step(x):\n    return 1"}
    reading.record(classroom, "zoe", reading.graded(texts, {"relu-check": left}))
    page = feedback_of("zoe")
    text = read(page)
    assert "relu ✗ 0 of 4 not written yet step" in text and "why ✗ 0 of 3 not answered" in text
    assert "comment" not in text and "No response" not in text
    folded = page.split('<details class="cell ')[1:]
    assert [fold.split("</summary>")[0].split("<strong>")[1].split("<")[0] for fold in folded] == ["relu", "why"]
    assert "How it was tested" in folded[0].split("</section>")[0], "its test is in the fold"
    assert "Test of relu" not in text and "Test of step" in text


def test_a_passed_test_is_folded_but_not_what_was_written_nor_what_lacks_points(feedback_of):
    def folded(student):
        return [
            fold.split("<strong>")[1].split("</summary>")[0]
            for fold in feedback_of(student).split('<details class="cell ')[1:]
        ]

    ada, ben = folded("ada"), folded("ben")
    assert [fold.split("<")[0] for fold in ada] == ["Test of relu", "Test of step"] and "2 of 2 cases right" in ada[0]
    assert [fold.split("<")[0] for fold in ben] == ["Test of step"], "of relu he has half"


def test_a_notebook_in_which_nothing_was_written_is_called_so(reading):
    source = reading.the_source()
    cells = {("hw", "relu-check"): 4.0, ("hw", "why"): 3.0}
    untouched = Sheet("eve", dict.fromkeys(cells, 0.0), untouched=[("hw", "relu"), ("hw", "why")])
    stubs = reading.graded(
        {"relu": "raise NotImplementedError"}, {"relu-check": [reading.raised("NotImplementedError")]}
    )
    assert view(stubs.notebook, "hw", untouched, cells).is_untouched
    assert not view(reading.graded().notebook, "hw", untouched, cells).is_untouched
    assert not view(source, "hw", Sheet("eve"), {}).is_untouched
    page = feedback.page(stubs.notebook, "hw", "hw", untouched, cells, None, Regions())
    assert "This is the notebook as it was handed out" in read(page) and "was not saved (Ctrl-S)" in read(page)


def test_what_was_left_as_it_came_is_not_folded_if_a_person_wrote_about_it(classroom, reading, feedback_of):
    reading.record(classroom, "zoe", reading.graded({"why": ""}))
    with Book(classroom.db_url) as book:
        book.book.find_comment("why", "hw", "hw", "zoe").manual_comment = "Were you ill?"
        book.book.db.commit()
    page = feedback_of("zoe")
    assert "why ✗ 0 of 3 not answered; see the comment" in read(page) and "Were you ill?" in read(page)
    assert '<details class="cell ' not in page


def test_instructors_faults_are_not_the_students_to_read(feedback_of):
    assert "printed a warning" not in feedback_of("cleo")


def test_markdown_of_both_is_formatted_and_formulas_stay_text(feedback_of):
    page = feedback_of("ada")
    assert "<em>neuron</em>" in page and '<span class="math">$f(w x + b)$</span>' in page
    assert "<strong>two</strong>" in page and '<span class="math">$0&lt;i&lt;n$</span>' in page


# ---- hidden tests --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("student", ["ada", "ben", "cleo"])
def test_no_page_holds_the_source_of_hidden_tests_or_a_mark_scheme(feedback_of, reading, student):
    page = feedback_of(student)
    text = read(page)
    assert "secret_shape" not in page and reading.SECRET not in text
    assert "ONLY FOR GRADERS" not in page
    assert "assertrelu(-1)==0#…hiddentests4" in text.replace(" ", "")
    assert "Draw it." in text


def test_a_hidden_region_without_an_end_reaches_to_the_end_of_the_cell():
    assert "b" not in Regions().cut("a\n# BEGIN HIDDEN TESTS\nb\n# BEGIN HIDDEN TESTS\nb")


def test_regions_are_marked_as_the_class_says(classroom):
    classroom.config.ClearHiddenTests.begin_test_delimeter = "VERBORGEN"
    classroom.config.ClearHiddenTests.end_test_delimeter = "SICHTBAR"
    assert Regions.configured(classroom.config).cut("a\n# VERBORGEN\nb\n# SICHTBAR\nc") == "a\n# … hidden tests\nc"


def test_nothing_that_student_code_printed_after_a_hidden_test_is_shown(feedback_of):
    page = feedback_of("ben")
    assert "what the hidden test was given" not in page
    assert "What this cell printed is not shown" in page


def shown(reading, outputs, **more):
    """All that a page shows of a made-up submission."""
    result = reading.graded(outputs=outputs, **more)
    cells = {("hw", "relu-check"): 4.0}
    found = view(result.notebook, "hw", Sheet("eve", {("hw", "relu-check"): 0.0}), cells)
    parts = [part for block in found.blocks for part in block.parts if part.kind not in ("source", "how")]
    return [(part.kind, str(part.content)) for part in parts]


def test_what_was_printed_before_a_hidden_test_is_shown(reading):
    assert shown(reading, {"try": [reading.printed("seen")]}) == [("text", "seen")]


@pytest.mark.parametrize("name", ["ValueError", "StudentError", "AssertionError"])
def test_an_error_in_a_test_with_hidden_parts_says_nothing_of_it(reading, name):
    leak = reading.raised(name, "given (7, 11)")
    output = reading.printed("given (7, 11)")
    assert "(7, 11)" not in str(shown(reading, {"relu-check": [output, leak]}))


def test_an_error_after_a_hidden_test_is_known_by_its_kind_only(reading):
    outputs = {"step": [reading.raised("ValueError", "given"), reading.raised("given", "given")]}
    assert "given" not in str(shown(reading, outputs))
    assert "This cell raised ValueError." in str(shown(reading, outputs))
    assert "This cell raised an error." in str(shown(reading, outputs))


def test_the_graders_own_words_are_always_shown(reading):
    outputs = {id: [reading.raised("SandboxError", "ran past its time limit")] for id in ("relu", "step")}
    assert [content for kind, content in shown(reading, outputs) if kind == "error"] == ["ran past its time limit"] * 2


def test_a_test_without_hidden_parts_shows_its_error_and_what_it_printed(reading):
    outputs = {"step-check": [reading.printed("n = 3"), reading.raised("AssertionError", "step(0) is True")]}
    assert ("text", "n = 3") in shown(reading, outputs)
    assert ("error", "AssertionError: step(0) is True") in shown(reading, outputs)


def test_a_stub_is_not_called_an_error_twice(reading):
    outputs = {"relu-check": [reading.check_report(["unwritten"]), reading.raised("NotImplementedError", "relu")]}
    assert [kind for kind, _ in shown(reading, outputs)] == ["html"]


def test_a_mistake_that_the_check_names_is_said_once(reading, feedback_of, classroom):
    report = reading.check_report(["wrong"], mistake=reading.MISTAKE)
    outputs = {"relu-check": [report, reading.known_mistake()]}
    assert [kind for kind, _ in shown(reading, outputs)] == ["html"]
    reading.record(classroom, "zoe", reading.graded(outputs=outputs))
    assert "0 of 1 cases right; known mistake: sign" in read(feedback_of("zoe"))
    assert read(feedback_of("zoe")).count("known mistake: sign") == 1
    other = reading.known_mistake({"name": "another", "message": "m"})
    assert [kind for kind, _ in shown(reading, {"relu-check": [report, other]})] == ["mistake", "html"]


def test_a_students_output_is_taken_for_no_report(reading):
    """Only test cells, which trusted code ran, speak in the grader's name."""
    outputs = {"try": [reading.known_mistake({"name": "forged", "message": "you have full marks"})]}
    assert "full marks" not in str(shown(reading, outputs))


HOARD = """seen = []
def relu(x):
    seen.append(x)
    if x > 1000:
        raise ValueError(f"given {x}")
    return max(x, 0)
"""
FORGE = """class SandboxError(Exception): pass
raise SandboxError(str(seen))
"""
TELL = """print(seen)
def step(x):
    return seen
raise KeyError(str(seen))
"""


@pytest.mark.box
@pytest.mark.parametrize(
    ("tell", "says"), [(TELL, "This cell raised KeyError."), (FORGE, "This cell raised an error.")]
)
def test_a_submission_that_hoards_the_inputs_of_hidden_tests_cannot_read_them(classroom, reading, tell, says):
    """Graded in the real box: the functions remember what they were given, later cells and errors tell it."""
    source = reading.the_source()
    for cell in source.cells:
        cell.source = cell.source.replace(f"{reading.SECRET}\ncheck(secret_shape)", "assert relu(4242.5) == 4242.5")
    place = classroom.folder("source", ".", "hw") / "hw.ipynb"
    nbformat.write(source, place)
    submission = reading.the_source()
    for cell in submission.cells:
        cell.source = {"relu": HOARD, "step": tell, "try": "relu(5000.5)"}.get(cell.id, cell.source)
    folder = classroom.folder("submitted", "eve", "hw")
    folder.mkdir(parents=True)
    nbformat.write(submission, folder / "hw.ipynb")
    pool.autograde(classroom, "hw", pool.Local(1), students=["eve"])
    graded = (classroom.folder("autograded", "eve", "hw") / "hw.ipynb").read_text(encoding="utf-8")
    page = feedback.write_feedback(classroom, "hw", students=["eve"])[0].read_text(encoding="utf-8")
    assert "given 4242.5" in graded and "[5000.5, -1, 4242.5]" in graded, "the instructor sees everything"
    assert "4242" not in page
    assert "given 5000.5" in page and says in page


# ---- size ----------------------------------------------------------------------------------------------------------


def test_a_flood_of_output_is_cut(reading):
    flood = [reading.printed("x" * 150_000) for _ in range(200)]
    found = shown(reading, {"try": flood})
    assert sum(len(content) for _, content in found) < 2_100_000
    assert "130000 more characters are not shown" in found[0][1]


def test_a_flood_of_cells_is_cut(reading):
    many = [("try", "markdown", "*a " * 6000) for _ in range(150)]
    result = reading.graded(added=many)
    found = view(result.notebook, "hw", Sheet("eve"), {})
    assert sum(len(str(part.content)) for block in found.blocks for part in block.parts) < 8_000_000


# ---- files ---------------------------------------------------------------------------------------------------------


def test_pages_lie_where_nbgrader_puts_them_in_the_order_of_students(classroom):
    seen = []
    pages = feedback.write_feedback(classroom, "hw", progress=seen.append)
    assert pages == [classroom.root / "feedback" / student / "hw" / "hw.html" for student in seen]
    assert seen == ["ada", "ben", "cleo", "dan"]


def test_a_page_that_is_up_to_date_is_left_alone(classroom):
    feedback.write_feedback(classroom, "hw")
    pages = list(classroom.root.glob("feedback/*/hw/*"))
    before = {page: page.stat().st_mtime_ns for page in pages}
    feedback.write_feedback(classroom, "hw")
    assert {page: page.stat().st_mtime_ns for page in pages} == before


def test_a_comment_of_a_person_makes_a_new_page(classroom):
    feedback.write_feedback(classroom, "hw")
    with Book(classroom.db_url) as book:
        comment = book.book.find_comment("why", "hw", "hw", "ada")
        comment.manual_comment = "See <b>slide 5</b>."
        grade = book.book.find_grade("why", "hw", "hw", "ada")
        grade.manual_score, grade.needs_manual_grade = 2.5, False  # as formgrader does
        book.book.db.commit()
    others = classroom.root / "feedback" / "ben" / "hw" / "hw.html"
    before = others.stat().st_mtime_ns
    feedback.write_feedback(classroom, "hw")
    page = (classroom.root / "feedback" / "ada" / "hw" / "hw.html").read_text(encoding="utf-8")
    assert "See &lt;b&gt;slide 5&lt;/b&gt;." in page and "8.5 of 10 points" in page
    assert "see the comment" in page
    assert others.stat().st_mtime_ns == before


def test_a_damaged_page_is_written_anew(classroom):
    page = feedback.write_feedback(classroom, "hw", students=["ada"])[0]
    whole = page.read_bytes()
    page.write_bytes(b"\xff\xfe")
    feedback.write_feedback(classroom, "hw", students=["ada"])
    assert page.read_bytes() == whole


def test_the_version_of_a_page_cannot_be_computed_without_the_secret_seed(classroom):
    page = feedback.write_feedback(classroom, "hw", students=["ada"])[0]
    first = page.read_text(encoding="utf-8")
    (classroom.root / ".grader" / "seeds.json").unlink()
    feedback.write_feedback(classroom, "hw", students=["ada"])
    second = page.read_text(encoding="utf-8")
    differing = [a for a, b in zip(first.split("\n"), second.split("\n"), strict=True) if a != b]
    assert len(differing) == 1 and 'name="version"' in differing[0]


def test_a_late_submission_is_told_what_it_costs(classroom, reading):
    sheet = Sheet("ada", {("hw", "relu-check"): 4.0}, penalty=1.5, handed_in=datetime(2025, 3, 1))
    text = read(
        feedback.page(reading.graded().notebook, "hw", "hw", sheet, {("hw", "relu-check"): 4.0}, None, Regions())
    )
    assert "1.5 points are taken off, so 2.5 count" in text


def test_of_several_notebooks_the_page_gives_the_sum_too(reading):
    cells = {("hw", "relu-check"): 4.0, ("second", "relu-check"): 6.0}
    sheet = Sheet("ada", {("hw", "relu-check"): 3.0, ("second", "relu-check"): 5.0})
    text = read(feedback.page(reading.graded().notebook, "both", "hw", sheet, cells, None, Regions()))
    assert "3 of 4 points" in text and "All notebooks of both together: 8 of 10 points." in text


# ---- the exchange, and nbgrader's own door -------------------------------------------------------------------------


def test_the_secret_of_the_exchange_goes_along_and_a_new_submission_brings_a_new_one(classroom):
    submitted = classroom.folder("submitted", "ada", "hw") / "submission_secret.txt"
    beside = classroom.folder("feedback", "ada", "hw") / "submission_secret.txt"
    for secret in ("a" * 128, "b" * 128):
        submitted.write_text(secret, encoding="utf-8")
        feedback.write_feedback(classroom, "hw")
        assert beside.read_text(encoding="utf-8") == secret
    assert beside.with_name("timestamp.txt").read_text(encoding="utf-8") == "2025-03-01 12:00:00.000000 UTC"


@pytest.mark.parametrize("damage", ["missing", "empty", "link", "folder is a link"])
def test_without_a_secret_nobody_can_guess_where_the_feedback_is(classroom, damage):
    theirs = classroom.folder("submitted", "ada", "hw")
    other = classroom.folder("submitted", "ben", "hw")
    (other / "submission_secret.txt").write_text("b" * 128, encoding="utf-8")
    if damage == "empty":
        (theirs / "submission_secret.txt").write_text("", encoding="utf-8")
    elif damage == "link":
        (theirs / "submission_secret.txt").symlink_to(other / "submission_secret.txt")
    elif damage == "folder is a link":
        theirs.rename(classroom.root / "elsewhere")
        theirs.symlink_to(other)
    feedback.write_feedback(classroom, "hw")
    secret = (classroom.folder("feedback", "ada", "hw") / "submission_secret.txt").read_text(encoding="utf-8")
    assert len(secret) == 128 and secret != "b" * 128
    feedback.write_feedback(classroom, "hw")
    again = (classroom.folder("feedback", "ada", "hw") / "submission_secret.txt").read_text(encoding="utf-8")
    assert again == secret


def nbgrader(*arguments, cwd):
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return subprocess.run(
        ["nbgrader", *arguments], cwd=cwd, env={**os.environ, "PATH": path}, capture_output=True, text=True,
        encoding="utf-8", timeout=120,
    )  # fmt: skip


def test_nbgrader_releases_what_was_written(classroom, tmp_path):
    feedback.write_feedback(classroom, "hw")
    exchange = tmp_path / "exchange"
    exchange.mkdir()
    exchange.chmod(exchange.stat().st_mode | stat.S_IRWXO | stat.S_IRWXG)
    released = nbgrader("release_feedback", "hw", f"--Exchange.root={exchange}", cwd=classroom.root)
    assert released.returncode == 0, released.stderr
    pages = {page.read_bytes() for page in (exchange / "cnn" / "feedback").glob("*.html")}
    assert pages == {page.read_bytes() for page in (classroom.root / "feedback").glob("*/hw/hw.html")}


def test_nbgrader_generates_the_same_pages(classroom):
    ours = feedback.write_feedback(classroom, "hw")
    expected = {page.parent.parent.name: page.read_text(encoding="utf-8") for page in ours}
    config = classroom.root / "nbgrader_config.py"
    config.write_text(
        f"{config.read_text(encoding='utf-8')}\nfrom grader import feedback\nfeedback.configure(c)\n", encoding="utf-8"
    )
    generated = nbgrader("generate_feedback", "hw", "--force", cwd=classroom.root)
    assert generated.returncode == 0, generated.stderr
    for student, page in expected.items():
        theirs = (classroom.root / "feedback" / student / "hw" / "hw.html").read_text(encoding="utf-8")
        differing = [a for a, b in zip(page.split("\n"), theirs.split("\n"), strict=True) if a != b]
        assert len(differing) == 1 and 'name="version"' in differing[0]


# ---- bad input -----------------------------------------------------------------------------------------------------


def test_an_unknown_student_is_named(classroom):
    with pytest.raises(BadClassroom, match="'nobody' has not submitted hw"):
        feedback.write_feedback(classroom, "hw", students=["nobody"])
    assert not (classroom.root / "feedback").exists()


def test_an_unknown_assignment_is_named(classroom):
    with pytest.raises(BadAssignment, match="there is no assignment 'hw9'"):
        feedback.write_feedback(classroom, "hw9")


def test_before_anything_is_graded_the_command_that_does_it_is_named(classroom):
    for place in classroom.root.glob("autograded/*/hw/hw.ipynb"):
        place.unlink()
    with pytest.raises(BadClassroom, match="no submission of hw has been graded yet; uv run grader autograde hw "):
        feedback.write_feedback(classroom, "hw")


def test_a_gradebook_without_the_assignment_is_named(classroom):
    (classroom.root / "gradebook.db").unlink()
    with pytest.raises(BadGradebook, match="has not been released in this class; uv run grader release hw --class /"):
        feedback.write_feedback(classroom, "hw")
    assert not (classroom.root / "gradebook.db").exists()


def test_who_is_not_graded_yet_gets_no_page(classroom):
    (classroom.root / "submitted" / "zoe" / "hw").mkdir(parents=True)
    pages = feedback.write_feedback(classroom, "hw")
    assert [page.parent.parent.name for page in pages] == ["ada", "ben", "cleo", "dan"]


def test_a_folder_that_cannot_be_written_is_named_and_the_rest_is_complete(classroom):
    (classroom.root / "feedback" / "ben").mkdir(parents=True)
    (classroom.root / "feedback" / "ben" / "hw").write_text("in the way", encoding="utf-8")
    with pytest.raises(BadClassroom, match="the feedback cannot be written: "):
        feedback.write_feedback(classroom, "hw")
    assert "</html>" in (classroom.root / "feedback" / "ada" / "hw" / "hw.html").read_text(encoding="utf-8")


def test_a_name_of_any_characters_is_shown_harmlessly(classroom, reading):
    reading.record(classroom, "<script>eve\u202e", reading.graded())
    page = feedback.write_feedback(classroom, "hw", students=["<script>eve\u202e"])[0].read_text(encoding="utf-8")
    assert "<script" not in page and "<script>eve\\u202e" in unescape(page)
