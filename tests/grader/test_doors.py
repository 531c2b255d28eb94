"""Three doors, one way: `grader autograde`, `nbgrader autograde` and nbgrader's API come to the same gradebook.

The class is made by `grader init`; its assignment has two notebooks, with tests of hidden parts and of partial credit,
answers in words, a task, and a date after which a submission earns nothing.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from nbgrader.apps.api import NbGraderAPI

from grader import build, marks, new_class, worker
from grader.classroom import CONFIG, Classroom
from grader.gradebook import Book

pytestmark = pytest.mark.box

HERE = Path(__file__).parent
SOURCES = (HERE / "sources" / "01_tiny.py", HERE / "doors" / "sources" / "02_words.py")
TINY, WORDS = "01_tiny", "02_words"
LATE = "c.LateSubmissionPlugin.penalty_method = 'zero'\n"
DUE, IN_TIME, TOO_LATE = "2026-03-01 12:00 UTC", "2026-03-01 11:59:59 UTC", "2026-03-01 12:00:01 UTC"
API = """
import sys
from pathlib import Path
from nbgrader.apps.api import NbGraderAPI
from grader.classroom import Classroom
classroom = Classroom(Path.cwd())
classroom.config.CourseDirectory.root = str(classroom.root)
api = NbGraderAPI(config=classroom.config)
for student in classroom.students("hw"):
    done = api.autograde("hw", student, force=True, create=True)
    if not done["success"]:
        print(done["log"], done.get("error"), file=sys.stderr)
"""
DOORS = {
    "grader autograde": ("grader", "autograde", "hw", "--force", "--workers", "1"),
    "nbgrader autograde": ("nbgrader", "autograde", "hw", "--force"),
    "nbgrader's API": (sys.executable, "-c", API),
}
Notebook = dict[str, Any]
Grades = dict[tuple[str, str], Any]  # by student and cell


def command(*arguments: str, cwd: Path) -> str:
    """Run a program of this interpreter's environment; what it said on stderr."""
    environment = {**os.environ, "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])}
    done = subprocess.run(arguments, cwd=cwd, env=environment, capture_output=True, encoding="utf-8", timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stderr


def write(cell: str, text: str) -> Callable[[Notebook], None]:
    """Puts a text into the cell of that name."""

    def edit(notebook: Notebook) -> None:
        (found,) = [c for c in notebook["cells"] if c["metadata"].get("nbgrader", {}).get("grade_id") == cell]
        found["source"] = text

    return edit


def draw(notebook: Notebook) -> None:
    """Adds a cell of one's own below the task."""
    own = {"cell_type": "code", "id": "own", "metadata": {}, "source": "3 + 4", "outputs": [], "execution_count": None}
    notebook["cells"].append(own)


def forge(notebook: Notebook) -> None:
    """Writes points and praise wherever a notebook might carry them."""
    for cell in notebook["cells"]:
        mark = cell["metadata"].get("nbgrader", {})
        forged = {"score": 4, "auto_score": 4, "manual_score": 4, "extra_credit": 9, "needs_manual_grade": False}
        mark.update(forged | {"comment": "Excellent.", "manual_comment": "Excellent."} if mark else {})
        if mark.get("solution") and cell["cell_type"] == "code":
            cell["source"] = "print(4.0)\nslide = scale = 4.0"
        elif mark.get("solution"):
            cell["source"] = "4.0 points <!-- manual_score: 4 -->"


RIGHT_TINY = [
    write("by-hand", "positions = 5\nwindow = [3, -1.5]"),
    write("slide", "def slide(x, w, *, stride=1):\n    return np.correlate(x, w, 'valid')[::stride].copy()"),
    write("why", "The window must fit."),
]
RIGHT_WORDS = [
    write("scale", "def scale(x, factor):\n    return x * factor"),
    write("how", "Upside down."),
    draw,
]
FLIPPED = write("slide", "def slide(x, w, *, stride=1):\n    return np.correlate(x, w[::-1], 'valid')[::stride].copy()")
BREAK_IN = write(
    "scale",
    "import pathlib, sqlite3\n"
    "for place in [*pathlib.Path('/').glob('**/gradebook.db'), '../../../gradebook.db', 'gradebook.db']:\n"
    "    try:\n"
    "        book = sqlite3.connect(place)\n"
    "        book.execute('update grade set manual_score = 9')\n"
    "        book.commit()\n"
    "    except sqlite3.Error:\n"
    "        pass\n"
    "scale = lambda x, factor: x * factor",
)
STUDENTS: dict[str, tuple[str, dict[str, list[Callable[[Notebook], None]]]]] = {
    "ada": (IN_TIME, {TINY: RIGHT_TINY, WORDS: RIGHT_WORDS}),
    "ben": (IN_TIME, {TINY: [FLIPPED], WORDS: [write("scale", "def scale(x, factor):\n    return x * 1.0")]}),
    "cleo": (TOO_LATE, {TINY: RIGHT_TINY, WORDS: RIGHT_WORDS}),
    "dora": (IN_TIME, {TINY: RIGHT_TINY}),  # hands in one of the two
    "eve": (IN_TIME, {TINY: RIGHT_TINY, WORDS: []}),  # the second arrives broken
    "mallory": (IN_TIME, {TINY: [forge], WORDS: [forge]}),
    "trudy": (IN_TIME, {TINY: [], WORDS: [BREAK_IN]}),
}
WAITS = None  # for a person
EXPECTED: dict[str, dict[str, float | None]] = {
    "ada": {"by-hand-check": 3, "slide-check": 4, "why": WAITS, "scale-check": 4, "how": WAITS, "draw": WAITS},
    "ben": {"by-hand-check": 0, "slide-check": 0, "why": 0, "scale-check": 2, "how": 0, "draw": WAITS},
    "cleo": {"by-hand-check": 3, "slide-check": 4, "why": WAITS, "scale-check": 4, "how": WAITS, "draw": WAITS},
    "dora": {"by-hand-check": 3, "slide-check": 4, "why": WAITS, "scale-check": 0, "how": 0, "draw": 0},
    "eve": {"by-hand-check": 3, "slide-check": 4, "why": WAITS, "scale-check": 0, "how": 0, "draw": 0},
    "mallory": {"by-hand-check": 0, "slide-check": 0, "why": WAITS, "scale-check": 0, "how": WAITS, "draw": WAITS},
    "trudy": {"by-hand-check": 0, "slide-check": 0, "why": 0, "scale-check": 4, "how": 0, "draw": WAITS},
}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A class with a released assignment of two notebooks, a date by which it is due, and what was handed in."""
    checkout, root = tmp_path_factory.mktemp("checkout"), tmp_path_factory.mktemp("doors") / "class"
    for source in SOURCES:
        (checkout / "solutions").mkdir(exist_ok=True)
        shutil.copy(source, checkout / "solutions")
    build.build(checkout, tell=lambda _: None)
    hw = checkout / "solutions" / "hw"
    hw.mkdir()
    for name in (TINY, WORDS):
        for file in (checkout / "solutions" / name).iterdir():
            file.rename(hw / file.name)
        (checkout / "solutions" / name).rmdir()
    command("grader", "init", str(root), cwd=checkout)
    with (root / CONFIG).open("a", encoding="utf-8") as config:
        config.write(LATE)
    command("grader", "release", "hw", cwd=root)
    classroom = Classroom(root)
    with Book(classroom.db_url) as book:
        book.book.update_or_create_assignment("hw", duedate=DUE)
    for student, (time, notebooks) in STUDENTS.items():
        place = root / "submitted" / student / "hw"
        place.mkdir(parents=True)
        (place / "timestamp.txt").write_text(time, encoding="utf-8")
        for name, edits in notebooks.items():
            notebook = json.loads((root / "exercises" / "hw" / f"{name}.ipynb").read_text(encoding="utf-8"))
            for edit in edits:
                edit(notebook)
            (place / f"{name}.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    (root / "submitted" / "eve" / "hw" / f"{WORDS}.ipynb").write_text("{broken", encoding="utf-8")
    classroom.seed("hw")
    return root


@dataclass(frozen=True)
class State:
    """What the gradebook holds of everyone, by student and cell, and by student."""

    auto: dict[str, dict[str, float | None]]
    manual: Grades
    extra: Grades
    waiting: Grades  # marked as needing a person
    comments: Grades
    praise: Grades  # the comments that a person wrote
    penalty: dict[str, float]

    @classmethod
    def read(cls, classroom: Classroom) -> State:
        state = cls({}, {}, {}, {}, {}, {}, {})
        with Book(classroom.db_url) as book:
            for submission in book.book.assignment_submissions("hw"):
                student = submission.student_id
                for notebook in submission.notebooks:
                    state.penalty[student] = state.penalty.get(student, 0) + (notebook.late_submission_penalty or 0)
                    for grade in notebook.grades:
                        state.auto.setdefault(student, {})[grade.name] = grade.auto_score
                        state.manual[student, grade.name] = grade.manual_score
                        state.extra[student, grade.name] = grade.extra_credit
                        state.waiting[student, grade.name] = grade.needs_manual_grade
                    for comment in notebook.comments:
                        state.comments[student, comment.name] = comment.comment
                        state.praise[student, comment.name] = comment.manual_comment
        return state


@dataclass(frozen=True)
class Graded:
    """A class graded through one door, then by a person, then through the same door again."""

    classroom: Classroom
    door: tuple[str, ...]
    first: State
    again: State
    said: str


@pytest.fixture(scope="module", params=DOORS)
def graded(request: pytest.FixtureRequest, template: Path, tmp_path_factory: pytest.TempPathFactory) -> Graded:
    classroom = Classroom(shutil.copytree(template, tmp_path_factory.mktemp("door") / "class"))
    said = command(*DOORS[request.param], cwd=classroom.root)
    first = State.read(classroom)
    with Book(classroom.db_url) as book:
        find = book.book.find_grade
        for grade, score in (
            (find("why", TINY, "hw", "ada"), 1.5),
            (find("draw", WORDS, "hw", "ada"), 2.0),
            (find("slide-check", TINY, "hw", "ben"), 1.0),  # the idea was right
        ):
            grade.manual_score, grade.needs_manual_grade = score, False  # as formgrader does
        find("scale-check", WORDS, "hw", "ben").extra_credit = 0.5
        find("scale-check", WORDS, "hw", "cleo").extra_credit = 1.0
        book.book.find_comment("why", TINY, "hw", "ada").manual_comment = "Say *why* it must."
        book.book.db.commit()
    command(*DOORS[request.param], cwd=classroom.root)
    return Graded(classroom, DOORS[request.param], first, State.read(classroom), said)


def test_every_cell_has_the_points_that_it_earned(graded: Graded) -> None:
    assert graded.first.auto == EXPECTED


def test_a_person_is_asked_where_words_were_written(graded: Graded) -> None:
    waiting = {(student, cell) for student, cells in EXPECTED.items() for cell in cells if cells[cell] is None}
    assert {where for where, needed in graded.first.waiting.items() if needed} == waiting
    assert graded.first.comments["ben", "how"] == "No response."
    assert graded.first.comments["ada", "how"] is None


def test_who_is_late_earns_nothing_also_not_by_extra_credit(graded: Graded) -> None:
    assert graded.first.penalty == {student: 11.0 if student == "cleo" else 0.0 for student in STUDENTS}
    assert graded.again.penalty["cleo"] == 12.0


def test_manual_scores_extra_credit_and_comments_survive_a_regrade(graded: Graded) -> None:
    manual = {where: score for where, score in graded.again.manual.items() if score is not None}
    assert manual == {("ada", "why"): 1.5, ("ada", "draw"): 2.0, ("ben", "slide-check"): 1.0}
    extra = {where: score for where, score in graded.again.extra.items() if score}
    assert extra == {("ben", "scale-check"): 0.5, ("cleo", "scale-check"): 1.0}
    assert graded.again.comments["ada", "why"] == "Say *why* it must."
    assert graded.again.auto == graded.first.auto  # also of the draws: the seed is the class's


def test_a_mark_by_hand_waits_again_when_what_it_is_about_was_changed(graded: Graded, tmp_path: Path) -> None:
    waiting = {where for where, needed in graded.again.waiting.items() if needed}
    assert not waiting & {("ada", "why"), ("ada", "draw"), ("ben", "slide-check")}, "handed in unchanged"
    classroom = Classroom(shutil.copytree(graded.classroom.root, tmp_path / "class"))
    for student, name, edits in (("ada", WORDS, []), ("ben", TINY, RIGHT_TINY)):
        notebook = json.loads((classroom.root / "exercises" / "hw" / f"{name}.ipynb").read_text(encoding="utf-8"))
        for edit in edits:
            edit(notebook)
        place = classroom.root / "submitted" / student / "hw" / f"{name}.ipynb"
        place.write_text(json.dumps(notebook), encoding="utf-8")
    command(*graded.door, cwd=classroom.root)
    sheets = marks.read(classroom, "hw").sheets
    assert sheets["ada"].outdated == [(WORDS, "draw")] and sheets["ada"].scores[TINY, "why"] == 1.5
    assert sheets["ben"].outdated == [(TINY, "slide-check")] and sheets["ben"].scores[TINY, "slide-check"] is None


def test_nobody_forges_a_manual_score_extra_credit_or_a_comment(graded: Graded) -> None:
    for state in (graded.first, graded.again):
        for values in (state.manual, state.extra, state.praise):
            assert not {where: value for where, value in values.items() if where[0] in ("mallory", "trudy") and value}


def test_what_happened_to_a_submission_is_kept(graded: Graded) -> None:
    outcome = graded.classroom.outcome("eve", "hw")
    assert outcome is not None and "not JSON" in outcome.remarks[0]
    assert outcome.scores == {f"{TINY}/by-hand-check": 3, f"{TINY}/slide-check": 4, f"{WORDS}/scale-check": 0}
    assert outcome.points == 11 and outcome.level


def test_feedback_report_and_export_see_the_same_sums(graded: Graded) -> None:
    found = {student: sheet.score for student, sheet in marks.read(graded.classroom, "hw").sheets.items()}
    assert found == {"ada": 14.5, "ben": 3.5, "cleo": 0.0, "dora": 7.0, "eve": 7.0, "mallory": 0.0, "trudy": 4.0}
    command("grader", "feedback", "hw", cwd=graded.classroom.root)
    page = graded.classroom.folder("feedback", "eve", "hw") / f"{WORDS}.html"
    assert "not JSON" in page.read_text(encoding="utf-8")
    command("grader", "export", "hw", "-o", "points.csv", cwd=graded.classroom.root)
    assert "14.5" in (graded.classroom.root / "points.csv").read_text(encoding="utf-8")


def test_init_copies_notebooks_and_records_and_says_once_what_it_kept(template: Path, tmp_path: Path) -> None:
    checkout, root = tmp_path / "checkout", tmp_path / "class"
    shutil.copytree(template / "solutions", checkout / "solutions")
    (checkout / "solutions" / "hw" / "picture.png").write_bytes(b"\x89PNG")
    (checkout / "solutions" / "hw" / "drafts").mkdir()
    new_class.make(root, checkout)
    place = root / "solutions" / "hw"
    assert sorted(file.suffix for file in place.iterdir()) == [".ipynb", ".ipynb", ".json", ".json"]
    (place / f"{TINY}.json").write_text("{}", encoding="utf-8")
    assert new_class.make(root, checkout)[1] == [place / f"{TINY}.json"]


@pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")  # of nbgrader's own way to its gradebook
def test_a_failure_of_the_graders_own_gives_no_points_through_nbgraders_door(
    template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise ZeroDivisionError("ours")

    classroom = Classroom(shutil.copytree(template, tmp_path / "class"))
    monkeypatch.setattr(worker, "grade", fails)
    classroom.config.CourseDirectory.root = str(classroom.root)
    done = NbGraderAPI(config=classroom.config).autograde("hw", "ada")
    assert not done["success"] and "ZeroDivisionError: ours" in done["log"]
    assert not classroom.folder("autograded", "ada", "hw").exists()
    assert set(State.read(classroom).auto["ada"].values()) == {None}


# ---- what nbgrader would copy --------------------------------------------------------------------------------------


@pytest.mark.parametrize("door", ["nbgrader autograde", "nbgrader's API"])
def test_links_and_pipes_beside_a_notebook_are_neither_followed_nor_waited_for(
    template: Path, tmp_path: Path, door: str
) -> None:
    """nbgrader alone would copy the solution into the feedback, zeros without end, and wait for a pipe for ever."""
    root = shutil.copytree(template, tmp_path / "class")
    for student in set(STUDENTS) - {"ada", "ben", "cleo", "dora"}:
        shutil.rmtree(root / "submitted" / student)
    (root / "submitted" / "ada" / "hw" / "notes.txt").symlink_to(root / "solutions" / "hw" / f"{WORDS}.ipynb")
    (root / "submitted" / "ben" / "hw" / "zeros").symlink_to("/dev/zero")
    (root / "submitted" / "dora" / "hw" / f"{TINY}.ipynb").unlink()
    os.mkfifo(root / "submitted" / "dora" / "hw" / f"{TINY}.ipynb")
    done = subprocess.run(
        DOORS[door], cwd=root, capture_output=True, encoding="utf-8", timeout=120,
        env={**os.environ, "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])},
    )  # fmt: skip
    assert done.stderr.count("only ordinary files are accepted") >= 3
    assert sorted(place.name for place in (root / "autograded").glob("*/hw")) == ["hw"]
    assert State.read(Classroom(root)).auto["cleo"] == EXPECTED["cleo"]
