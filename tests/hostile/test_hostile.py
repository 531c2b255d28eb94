"""Nobody gains a point, does harm, or goes without a word; everyone else is graded as before."""

import socket
import sqlite3
from pathlib import Path

import nbformat
import pytest

from .conftest import CODE, HONEST, NAME
from .mutations import MUTATIONS

pytestmark = pytest.mark.box

CASES = [*CODE, *MUTATIONS]


@pytest.mark.parametrize("case", CASES)
def test_it_gains_nothing_and_its_author_is_told_why(hostile, told, case):
    outcome = hostile.outcomes[case]
    assert outcome.score == 0.0
    assert outcome.faults == []
    says = CODE[case].says if case in CODE else MUTATIONS[case].says
    assert says in told(case)


def test_every_case_was_graded(hostile):
    assert set(hostile.outcomes) == {*CASES, *HONEST}
    assert len(CASES) >= 58


@pytest.mark.parametrize("student", HONEST)
def test_the_honest_have_everything_they_earned(hostile, student):
    outcome = hostile.outcomes[student]
    assert outcome.score == outcome.points > 0
    assert outcome.remarks == []


@pytest.mark.parametrize("step", ["solutions", "submitted", "exercises"])
def test_no_file_of_the_class_was_touched(hostile, step):
    assert hostile.after[step] == hostile.before[step]


def test_the_gradebook_holds_what_was_graded_and_no_manual_score(hostile):
    with sqlite3.connect(hostile.folder / "gradebook.db") as book:
        manual = book.execute("select count(*) from grade where manual_score is not null").fetchone()
        scores = dict(
            book.execute(
                "select sa.student_id, sum(g.auto_score) from grade g join submitted_notebook sn on "
                "g.notebook_id = sn.id join submitted_assignment sa on sn.assignment_id = sa.id group by 1"
            ).fetchall()
        )
    book.close()
    assert manual == (0,)
    assert scores == {student: outcome.score for student, outcome in hostile.outcomes.items()}


def test_nothing_was_left_behind(hostile):
    for place in ("/tmp/evil", "/dev/shm/answers", Path.home() / ".ipython/profile_default/startup/00-evil.py"):
        assert not Path(place).exists()
    names = {path.name for path in hostile.folder.rglob("*")}
    assert "evil" not in names and "stolen.txt" not in names


def test_nobody_still_runs(hostile):
    """No process of the unprivileged user of the boxes, whose fork servers ended with the workers."""
    running = []
    for status in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if b"box.zygote" in status.read_bytes():
                running.append(status.parent.name)
        except OSError:
            continue
    children = [pid for pid in running if _started_by_these_tests(pid, hostile)]
    assert children == []


def _started_by_these_tests(pid, hostile):
    """Whether a zygote's root holds nothing of another run: its parent is gone, or is this process."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return False
    return int(fields[1]) == 1


def test_nobody_was_called_over_the_network():
    """The address that case 08 calls is free: had its call come through, somebody would have had to listen there."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 48123))
        listener.listen()
        listener.settimeout(0.2)
        with pytest.raises(TimeoutError):
            listener.accept()


def test_every_graded_notebook_is_valid_and_the_instructors(hostile):
    source = nbformat.read(hostile.folder / "solutions" / NAME / f"{NAME}.ipynb", as_version=4)
    tests = {c.id: c.source for c in source.cells if c.metadata.get("nbgrader", {}).get("grade")}
    for case in CASES:
        notebook = nbformat.read(hostile.folder / "autograded" / case / NAME / f"{NAME}.ipynb", as_version=4)
        nbformat.validate(notebook)
        graded = {c.id: c.source for c in notebook.cells if c.id in tests and c.cell_type == "code"}
        assert graded == {name: text for name, text in tests.items() if name in graded}
        assert notebook.metadata.kernelspec.name == "python3"
