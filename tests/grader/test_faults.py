"""Nothing is lost: the head killed at any moment, a full disk, a gradebook that is locked or cannot be written."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest

from grader import pool
from grader.classroom import CONFIG, CONFIG_TEXT, Classroom
from grader.errors import BadGradebook
from grader.new_class import release
from grader.worker import work

pytestmark = pytest.mark.box

COUNT = 100
HEAD = """
import sys
from pathlib import Path
from grader import pool
from grader.classroom import Classroom
if __name__ == "__main__":
    pool.autograde(Classroom(Path(sys.argv[1])), "hw", pool.Local(2), report=lambda o, _: print(o.student, flush=True))
"""


class Here:
    """Grades in this process, whose box stays warm from test to test."""

    def map(self, jobs):
        return map(work, jobs)


@pytest.fixture(scope="module")
def template(tmp_path_factory, make_source, make_submission):
    """A released assignment and a hundred submissions, right and wrong."""
    root = tmp_path_factory.mktemp("faults") / "class"
    (root / "solutions" / "hw").mkdir(parents=True)
    (root / CONFIG).write_text(CONFIG_TEXT, encoding="utf-8")
    nbformat.write(make_source(), root / "solutions" / "hw" / "hw.ipynb")
    classroom = Classroom(root)
    release(classroom, "hw")
    wrong = {"double": "def double(x): return x"}
    for number in range(COUNT):
        place = root / "submitted" / f"s{number:03}" / "hw"
        place.mkdir(parents=True)
        (place / "hw.ipynb").write_bytes(make_submission(**({} if number % 3 else wrong)))
    classroom.seed("hw")
    return root


@pytest.fixture
def classroom(template, tmp_path):
    return Classroom(shutil.copytree(template, tmp_path / "class"))


def state(classroom):
    """Everything that counts of a class: the grades and the graded notebooks."""
    with sqlite3.connect(classroom.root / "gradebook.db") as book:
        grades = book.execute(
            "select sa.student_id, bc.name, g.auto_score, g.manual_score, g.needs_manual_grade from grade g "
            "join base_cell bc on g.cell_id = bc.id join submitted_notebook sn on g.notebook_id = sn.id "
            "join submitted_assignment sa on sn.assignment_id = sa.id order by 1, 2"
        ).fetchall()
    book.close()
    notebooks = {path.parts[-3]: path.read_bytes() for path in classroom.root.glob("autograded/*/hw/hw.ipynb")}
    return grades, notebooks


def test_killed_at_random_moments_and_run_again_it_comes_to_the_same(template, classroom, tmp_path):
    undisturbed = Classroom(shutil.copytree(template, tmp_path / "undisturbed"))
    pool.autograde(undisturbed, "hw", Here())
    chance = random.Random(7)
    for _ in range(4):
        command = [sys.executable, "-c", HEAD, str(classroom.root)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8") as head:
            for _ in range(chance.randrange(1, 25)):
                head.stdout.readline()
            time.sleep(chance.random() * 0.05)
            head.send_signal(signal.SIGKILL)
    done = {path.stem for path in (classroom.root / ".grader" / "hw").glob("*.json")}
    assert 0 < len(done) < COUNT
    fresh = []
    pool.autograde(classroom, "hw", Here(), report=lambda o, now: now and fresh.append(o.student))
    assert set(fresh) == {f"s{number:03}" for number in range(COUNT)} - done
    assert state(classroom) == state(undisturbed)
    assert not list(classroom.root.rglob("*.part"))


def test_a_locked_gradebook_is_said_and_the_run_goes_on_later(classroom):
    locker = sqlite3.connect(classroom.root / "gradebook.db")
    locker.execute("begin exclusive")
    try:
        with pytest.raises(BadGradebook, match="database is locked"):
            pool.autograde(classroom, "hw", Here(), students=["s000"])
    finally:
        locker.close()
    assert not (classroom.root / "autograded").exists()
    (outcome,) = pool.autograde(classroom, "hw", Here(), students=["s000"])
    assert outcome.scores == {"hw/double-check": 0.0, "hw/apply-check": 1.0}


def behind_walls(*walls, classroom):
    """The command in a file system of its own, in which the class's folder is what `walls` make of it."""
    bwrap = ["bwrap", "--dev-bind", "/", "/", *walls]
    inside = [sys.executable, "-m", "grader.cli", "autograde", "hw", "-c", str(classroom.root), "--workers", "1"]
    return subprocess.run([*bwrap, *inside], capture_output=True, encoding="utf-8", timeout=120, cwd=Path.cwd())


def test_a_class_that_cannot_be_written_is_said_in_a_sentence(classroom):
    before = state(classroom)
    done = behind_walls("--ro-bind", str(classroom.root), str(classroom.root), classroom=classroom)
    assert done.returncode == 2, done.stderr
    assert "readonly database" in done.stderr or "cannot be written" in done.stderr
    assert "Traceback" not in done.stderr
    assert state(classroom) == before


def test_a_full_disk_is_said_in_a_sentence_and_what_was_written_is_whole(classroom):
    """The graded notebooks go to a file system of 100 kB, which is full after some of them."""
    place = classroom.root / "autograded"
    place.mkdir()
    kept = classroom.root / "kept"
    kept.mkdir()
    script = f"""
{sys.executable} -m grader.cli autograde hw -c {classroom.root} --workers 1
code=$?
cp -r {place}/. {kept}
exit $code
"""
    bwrap = ["bwrap", "--dev-bind", "/", "/", "--size", "102400", "--tmpfs", str(place), "sh", "-c", script]
    done = subprocess.run(bwrap, capture_output=True, encoding="utf-8", timeout=120, cwd=Path.cwd())
    assert done.returncode == 2, done.stderr
    assert "cannot be written: No space left on device" in done.stderr and "Traceback" not in done.stderr
    notebooks = list(kept.glob("*/hw/hw.ipynb"))
    assert 0 < len(notebooks) < COUNT
    for notebook in notebooks:
        nbformat.validate(nbformat.read(notebook, as_version=4))
    assert not list(kept.rglob("*.part"))
    outcomes = pool.autograde(classroom, "hw", Here())
    assert len(outcomes) == COUNT and len(list(place.glob("*/hw/hw.ipynb"))) == COUNT


def test_an_interruption_is_a_sentence_and_keeps_what_was_done(classroom):
    command = [sys.executable, "-m", "grader.cli", "autograde", "hw", "-c", str(classroom.root), "--workers", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8") as head:
        deadline = time.monotonic() + 60
        while not (classroom.root / ".grader" / "hw").exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        os.kill(head.pid, signal.SIGINT)
        said = head.stdout.read()
    assert head.returncode == 130, said
    assert "Interrupted" in said and "Traceback" not in said
    outcomes = pool.autograde(classroom, "hw", Here())
    assert len(outcomes) == COUNT


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interruption_does_not_wait_for_an_endless_loop(classroom, make_submission, number, code):
    for place in sorted((classroom.root / "submitted").iterdir())[1:]:
        shutil.rmtree(place)
    notebook = classroom.root / "submitted" / "s000" / "hw" / "hw.ipynb"
    notebook.write_bytes(make_submission(double="while True:\n    pass"))
    command = [sys.executable, "-m", "grader.cli", "autograde", "hw", "-c", str(classroom.root), "--workers", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8") as head:
        deadline = time.monotonic() + 30
        while "box.zygote" not in "".join(below(head.pid).values()) and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(1)  # the box is open, and the loop runs
        under_way = below(head.pid)
        started = time.monotonic()
        for _ in range(3):
            head.send_signal(number)
            time.sleep(0.02)
        said = head.stdout.read()
    assert head.returncode == code, said
    assert time.monotonic() - started < 5
    assert ("Interrupted" in said) == (number == signal.SIGINT)
    assert "Traceback" not in said and "Exception ignored" not in said
    deadline = time.monotonic() + 5
    while (left := [words for pid, words in under_way.items() if runs(pid)]) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert left == []
    notebook.write_bytes(make_submission())
    (outcome,) = pool.autograde(classroom, "hw", Here())
    assert outcome.score == 3.0


def below(pid):
    """The command lines of all processes that a process started, and that those started, by their ids."""
    found = {}
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split():
        try:
            found |= {child: Path(f"/proc/{child}/cmdline").read_text(encoding="utf-8"), **below(child)}
        except OSError:
            continue
    return found


def runs(pid):
    """Whether a process does anything still; one that nobody has waited for yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
