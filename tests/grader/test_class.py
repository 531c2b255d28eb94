"""A class from release to gradebook: our pool, and nbgrader's own doors, which must come to the same."""

import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest

from grader import export, feedback, grade, marks, pool, report
from grader.classroom import CONFIG, CONFIG_TEXT, Classroom
from grader.errors import BadAssignment, BadClassroom, BadGradebook, NoWorkers
from grader.gradebook import Book
from grader.worker import Done, Job, work

pytestmark = pytest.mark.box

STUDENTS = {
    "ada": {},
    "ben": {"double": "def double(x): return x"},
    "cleo": {"apply": "import os; os._exit(0)"},
    "dan": None,  # broken JSON
    "eve": {"why": "Because."},
}
SCORES = {"ada": 3.0, "ben": 1.0, "cleo": 2.0, "dan": 0.0, "eve": 3.0}


def command(*arguments, cwd):
    """A program of this interpreter's environment."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return subprocess.run(
        arguments,
        cwd=cwd,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
    )


@pytest.fixture(scope="module")
def template(tmp_path_factory, make_source, make_submission):
    """A class with a released assignment and five submissions: made once, copied for each test."""
    root = tmp_path_factory.mktemp("template") / "class"
    (root / "solutions" / "hw").mkdir(parents=True)
    (root / CONFIG).write_text(CONFIG_TEXT, encoding="utf-8")
    nbformat.write(make_source(), root / "solutions" / "hw" / "hw.ipynb")
    released = command("nbgrader", "generate_assignment", "hw", "--create", cwd=root)
    assert released.returncode == 0, released.stderr
    for student, texts in STUDENTS.items():
        hand_in(root, student, b"{broken" if texts is None else make_submission(**texts))
    return root


@pytest.fixture
def classroom(template, tmp_path):
    return Classroom(shutil.copytree(template, tmp_path / "class", symlinks=True))


class Here:
    """Grades in this process, whose box stays warm from test to test."""

    def map(self, jobs):
        return map(work, jobs)


def hand_in(root, student, data):
    place = root / "submitted" / student / "hw"
    place.mkdir(parents=True, exist_ok=True)
    (place / "hw.ipynb").write_bytes(data)


def grades(classroom):
    with sqlite3.connect(classroom.root / "gradebook.db") as book:
        rows = book.execute(
            "select sa.student_id, bc.name, g.auto_score, g.manual_score, g.needs_manual_grade from grade g "
            "join base_cell bc on g.cell_id = bc.id join submitted_notebook sn on g.notebook_id = sn.id "
            "join submitted_assignment sa on sn.assignment_id = sa.id order by 1, 2"
        ).fetchall()
    book.close()
    return rows


def test_everyone_is_graded_and_written_down(classroom):
    reported = []
    outcomes = pool.autograde(
        classroom, "hw", pool.Local(2), report=lambda o, fresh: reported.append((o.student, fresh))
    )
    assert {outcome.student: outcome.score for outcome in outcomes} == SCORES
    assert sorted(reported) == [(student, True) for student in STUDENTS]
    with Book(classroom.db_url) as book:
        assert {row.student: row.score for row in book.table("hw")} == SCORES
        manual = {row.student: row.needs_manual for row in book.table("hw")}
    assert manual["eve"] and not manual["dan"]
    for student in STUDENTS:
        nbformat.validate(nbformat.read(classroom.root / "autograded" / student / "hw" / "hw.ipynb", 4))
    assert {outcome.level for outcome in outcomes} <= {"A", ""}
    assert "damaged" in outcomes[3].remarks[0]


def test_what_was_graded_is_not_graded_again_unless_it_changed(classroom, submit):
    pool.autograde(classroom, "hw", Here())
    hand_in(classroom.root, "ben", submit())
    fresh = []
    outcomes = pool.autograde(classroom, "hw", Here(), report=lambda o, now: now and fresh.append(o.student))
    assert fresh == ["ben"]
    assert {outcome.student: outcome.score for outcome in outcomes} == {**SCORES, "ben": 3.0}


def test_a_manual_score_and_a_comment_survive_a_regrade(classroom):
    pool.autograde(classroom, "hw", Here())
    with Book(classroom.db_url) as book:
        grade = book.book.find_grade("why", "hw", "hw", "eve")
        grade.manual_score, grade.needs_manual_grade = 2.5, False
        book.book.find_comment("why", "hw", "hw", "eve").manual_comment = "Good."
        book.book.db.commit()
    pool.autograde(classroom, "hw", Here(), force=True)
    with Book(classroom.db_url) as book:
        assert book.book.find_grade("why", "hw", "hw", "eve").manual_score == 2.5
        assert book.book.find_comment("why", "hw", "hw", "eve").comment == "Good."
        assert {row.student: row.score for row in book.table("hw")}["eve"] == 5.5


def test_a_mark_of_another_answer_than_was_handed_in_last_is_final_nowhere(classroom, submit, tmp_path):
    def mark(score):
        with Book(classroom.db_url) as book:
            grade = book.book.find_grade("why", "hw", "hw", "eve")
            grade.manual_score, grade.needs_manual_grade = score, False  # as formgrader does
            book.book.find_comment("why", "hw", "hw", "eve").manual_comment = "Say more of it."
            book.book.db.commit()

    def told():
        """The cell for Canvas, the page of feedback, and how many wait in the report."""
        export.write_csv(classroom, "hw", tmp_path / "points.csv", layout="canvas")
        (line,) = (line for line in (tmp_path / "points.csv").read_text("utf-8").splitlines() if line.startswith("eve"))
        (page,) = feedback.write_feedback(classroom, "hw", students=["eve"])
        lines = {line.student: line for line in report.collect(classroom, "hw").lines}
        return line.rpartition(",")[2], page.read_text(encoding="utf-8"), lines["eve"].waiting

    pool.autograde(classroom, "hw", Here())
    mark(1.5)
    hand_in(classroom.root, "eve", submit(why="Because.", double="def double(x): return x + x"))
    pool.autograde(classroom, "hw", Here())
    points, page, waiting = told()
    assert points == "4.5" and "so far" not in page and "Say more of it." in page and not waiting, "the same answer"

    hand_in(classroom.root, "eve", submit(why="Because of something else."))
    for force in (False, True):
        pool.autograde(classroom, "hw", Here(), force=force)
        points, page, waiting = told()
        assert points == "" and "3 of 6 points so far" in page and "Say more of it." not in page and waiting == 1
        assert marks.read(classroom, "hw").sheets["eve"].outdated == [("hw", "why")]
    mark(3)
    pool.autograde(classroom, "hw", Here(), force=True)
    points, page, waiting = told()
    assert points == "6" and "so far" not in page and "Say more of it." in page and not waiting


def test_nbgrader_autograde_goes_the_same_way(classroom):
    pool.autograde(classroom, "hw", Here())
    ours = [row for row in grades(classroom) if row[0] != "dan"]
    with sqlite3.connect(classroom.root / "gradebook.db") as book:
        book.execute("update grade set auto_score = null")
    book.close()
    done = command("nbgrader", "autograde", "hw", "--force", cwd=classroom.root)
    assert [row for row in grades(classroom) if row[0] != "dan"] == ours, done.stderr


def test_formgraders_button_goes_the_same_way(classroom):
    """The button calls nbgrader's API in the server's process, with the settings of the class."""
    script = f"""
import json
from nbgrader.apps.api import NbGraderAPI
from grader.classroom import Classroom
from pathlib import Path
config = Classroom(Path({str(classroom.root)!r})).config
config.CourseDirectory.root = {str(classroom.root)!r}
api = NbGraderAPI(config=config)
print(json.dumps([api.autograde("hw", student, force=True, create=True) for student in ("ben", "cleo")]))
"""
    done = command(sys.executable, "-c", script, cwd=classroom.root)
    results = json.loads(done.stdout.splitlines()[-1])
    assert [result["success"] for result in results] == [True, True], done.stderr
    assert [(row[0], row[1], row[2]) for row in grades(classroom) if row[2] is not None and row[1] != "why"] == [
        ("ben", "apply-check", 1.0),
        ("ben", "double-check", 0.0),
        ("cleo", "apply-check", 0.0),
        ("cleo", "double-check", 2.0),
    ]


def test_a_run_that_was_killed_is_completed_by_the_next(classroom):
    script = f"""
import sys
import time
from pathlib import Path
from grader import grade, pool
from grader.classroom import Classroom
if __name__ == "__main__":
    for_each = lambda outcome, fresh: print(outcome.student, flush=True)
    pool.autograde(Classroom(Path({str(classroom.root)!r})), "hw", pool.Local(1), report=for_each)
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as head:
        head.stdout.readline()
        workers = Path(f"/proc/{head.pid}/task/{head.pid}/children").read_text(encoding="utf-8").split()
        assert workers
        head.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 20  # the kernel ends the workers, no one reports it
    while any(map(runs, workers)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not [pid for pid in workers if runs(pid)]
    outcomes = pool.autograde(classroom, "hw", Here())
    assert {outcome.student: outcome.score for outcome in outcomes} == SCORES
    assert not list(classroom.root.rglob("*.part"))


def runs(pid):
    """Whether a process does anything still; one that nobody has waited for yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class Dying:
    """Stands in for the work of one submission: kills its worker process."""

    def __call__(self, job: Job) -> Done:
        if job.student == "ben":
            os.kill(os.getpid(), signal.SIGKILL)
        return Done(job)


def test_a_worker_that_dies_costs_only_the_submission_that_killed_it(classroom, monkeypatch):
    notebooks = classroom.notebooks("hw")
    jobs = [pool.take_in(classroom, "hw", student, notebooks, 1) for student in STUDENTS]
    monkeypatch.setattr(pool, "work", Dying())
    done = {result.job.student: result for result in pool.Local(2).map(jobs)}
    assert set(done) == set(STUDENTS)
    assert [student for student in done if done[student].graded] == ["ben"]
    assert "worker process died" in done["ben"].graded["hw"].remarks[0]


def test_a_failure_of_the_graders_own_costs_nobody_else_and_is_tried_again(classroom, monkeypatch):
    def fails(assignment, submitted, seed, boxes):
        if b"os._exit(0)" in submitted:
            raise ZeroDivisionError("a fault of ours")
        return grade.grade(assignment, submitted, seed, boxes)

    monkeypatch.setattr("grader.worker.grade", fails)
    outcomes = {o.student: o for o in pool.autograde(classroom, "hw", Here())}
    failed = [o for o in outcomes.values() if o.faults]
    assert failed and all("ZeroDivisionError: a fault of ours, at test_class.py" in o.faults[0] for o in failed)
    assert all("no fault of yours" in o.remarks[0] and o.score == 0 for o in failed)
    assert all(o.score == SCORES[o.student] for o in outcomes.values() if not o.faults)
    monkeypatch.undo()
    again = []
    outcomes = pool.autograde(classroom, "hw", Here(), report=lambda o, now: now and again.append(o.student))
    assert sorted(again) == sorted(o.student for o in failed)
    assert {o.student: o.score for o in outcomes} == SCORES


def test_workers_that_cannot_start_are_nobodys_fault(classroom, monkeypatch):
    monkeypatch.setattr(pool, "start", Unstartable())
    with pytest.raises(NoWorkers, match="cannot be started"):
        pool.autograde(classroom, "hw", pool.Local(1))
    assert not list(classroom.root.glob("autograded/*"))


class Unstartable:
    """How a worker would begin where something that it needs is broken."""

    def __call__(self):
        raise ImportError("something that a worker needs is broken")


def test_links_among_the_submissions_are_rejected(classroom):
    for student, target in (("link", classroom.root / "submitted" / "ada"),):
        (classroom.root / "submitted" / student).symlink_to(target)
    place = classroom.root / "submitted" / "mallory" / "hw"
    place.mkdir(parents=True)
    (place / "hw.ipynb").symlink_to(classroom.root / "solutions" / "hw" / "hw.ipynb")
    outcomes = {o.student: o for o in pool.autograde(classroom, "hw", Here())}
    assert outcomes["link"].score == outcomes["mallory"].score == 0.0
    assert "is a link" in outcomes["link"].remarks[0] and "is a link" in outcomes["mallory"].remarks[0]


def test_a_forged_or_broken_time_of_submission_harms_nobody(classroom):
    for student, text in (("ada", "2001-01-01 00:00:00 UTC"), ("ben", "not a time"), ("eve", "9999999-1-1")):
        (classroom.root / "submitted" / student / "hw" / "timestamp.txt").write_text(text, encoding="utf-8")
    outcomes = pool.autograde(classroom, "hw", Here())
    assert {outcome.student: outcome.score for outcome in outcomes} == SCORES


def test_the_seed_is_drawn_once_and_kept(classroom):
    assert classroom.seed("hw") == Classroom(classroom.root).seed("hw")
    assert classroom.seed("hw") != classroom.seed("other")


# ---- trouble in words ----------------------------------------------------------------------------------------------


def test_an_unknown_assignment_is_named_with_those_that_there_are(classroom):
    with pytest.raises(BadAssignment, match=r"no assignment 'hw9'; the assignments here: hw"):
        pool.autograde(classroom, "hw9", Here())
    with pytest.raises(BadAssignment, match="no assignment"):
        classroom.notebooks("../hw")


def test_a_folder_that_is_no_class(tmp_path):
    with pytest.raises(BadClassroom, match="there is no folder"):
        Classroom(tmp_path / "nowhere")
    with pytest.raises(BadClassroom, match="not the folder of a class"):
        Classroom(tmp_path)


def test_an_unreadable_notebook_of_the_instructor(classroom):
    (classroom.root / "solutions" / "hw" / "hw.ipynb").write_text("{", encoding="utf-8")
    with pytest.raises(BadAssignment, match="cannot be read"):
        classroom.notebooks("hw")


def test_a_gradebook_made_by_something_else_is_left_alone(classroom):
    place = classroom.root / "gradebook.db"
    place.unlink()
    with sqlite3.connect(place) as other:
        other.execute("create table songs (name text)")
    other.close()
    before = place.read_bytes()
    with pytest.raises(BadGradebook, match="not a gradebook of nbgrader's; nothing was changed"):
        pool.autograde(classroom, "hw", Here())
    assert place.read_bytes() == before


def test_a_file_that_is_no_database(classroom):
    (classroom.root / "gradebook.db").write_text("hello " * 1000, encoding="utf-8")
    with pytest.raises(BadGradebook, match="file is not a database"):
        pool.autograde(classroom, "hw", Here())


def test_a_gradebook_without_the_assignment(classroom):
    (classroom.root / "gradebook.db").unlink()
    with pytest.raises(BadGradebook, match="has not been released"):
        pool.autograde(classroom, "hw", Here())


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        (["autograde", "hw9"], "there is no assignment 'hw9'"),
        (["autograde", "hw", "-c", "nowhere"], "nowhere is not the folder of a class"),
        (["report", "hw9"], "there is no assignment 'hw9'"),
        (["init", "x", "--course", "submitted"], "not the course's folder"),
    ],
)
def test_the_command_says_it_in_a_sentence_and_exits_with_2(classroom, arguments, sentence):
    done = command("grader", *arguments, cwd=classroom.root)
    assert done.returncode == 2, done.stderr
    assert sentence in done.stderr and "Traceback" not in done.stderr


def test_the_command_shows_everyones_points(classroom):
    done = command("grader", "autograde", "hw", cwd=classroom.root)
    assert done.returncode == 0, done.stderr
    for student, score in SCORES.items():
        assert re.search(rf"│ {student}\s+│\s+{score:g} │\s+3 │", done.stdout), done.stdout


def test_outcomes_are_readable_and_hold_the_level(classroom):
    pool.autograde(classroom, "hw", Here())
    outcome = json.loads((classroom.root / ".grader" / "hw" / "ada.json").read_text(encoding="utf-8"))
    assert outcome["level"] == "A" and outcome["scores"] == {"hw/double-check": 2.0, "hw/apply-check": 1.0}
