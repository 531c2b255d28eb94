"""A graded class whose grading is made up, so that every kind of outcome stands in a real gradebook."""

from __future__ import annotations

import shutil
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from grader import grade, new_class, pool
from grader.classroom import CONFIG, CONFIG_TEXT, Classroom
from grader.gradebook import Book
from grader.graft import graft
from grader.intake import Cell
from grader.worker import Done

SECRET = "secret_shape = (7, 11)"
HIDDEN = f"assert relu(-1) == 0\n### BEGIN HIDDEN TESTS\n{SECRET}\ncheck(secret_shape)\n### END HIDDEN TESTS\n4"
SCHEME = "Because.\n=== BEGIN MARK SCHEME ===\nONLY FOR GRADERS\n=== END MARK SCHEME ==="
MISTAKE = {"name": "sign", "message": "the sign is lost: take the maximum with 0."}


def mark(grade_id, *, solution=False, points=None, task=False):
    """nbgrader's metadata of a cell."""
    flags = {"solution": solution, "grade": points is not None and not task, "locked": not solution, "task": task}
    worth = {} if points is None else {"points": points}
    return {"nbgrader": {"schema_version": 3, "grade_id": grade_id, **flags, **worth}}


def the_source():
    """The instructor's notebook: a test with hidden parts between one exercise and the next, a question, a task."""
    cells = [
        new_markdown_cell("# Activations\n\nA *neuron* computes $f(w x + b)$.", id="intro"),
        new_code_cell("import numpy as np", id="setup", metadata={"tags": ["setup"]}),
        new_code_cell("def relu(x):\n    return max(x, 0)", id="relu", metadata=mark("relu", solution=True)),
        new_code_cell("relu(3)", id="try"),
        new_code_cell(HIDDEN, id="relu-check", metadata=mark("relu-check", points=4)),
        new_code_cell("def step(x):\n    return x > 0", id="step", metadata=mark("step", solution=True)),
        new_code_cell("assert step(1)\n2", id="step-check", metadata=mark("step-check", points=2)),
        new_markdown_cell("YOUR ANSWER HERE", id="why", metadata=mark("why", solution=True, points=3)),
        new_markdown_cell(f"Draw it.\n{SCHEME}", id="draw", metadata=mark("draw", points=1, task=True)),
    ]
    notebook = new_notebook(cells=cells)
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook.metadata.convnet_course = {"box_modules": []}
    return notebook


def check_report(verdicts, *, mistake=None):
    """What a check displays, in the form that course.check gives it."""
    cases = [{"label": f"case {n}", "verdict": verdict} for n, verdict in enumerate(verdicts)]
    html = '<div style="border-left: 4px solid #009E73; padding-left: 0.8em"><p><strong>relu</strong>: report</p></div>'
    data = {"text/plain": "relu: report", "text/html": html, grade.CHECK: {"cases": cases, "mistake": mistake}}
    return new_output("display_data", data=data)


def known_mistake(mistake=MISTAKE):
    """What the grader displays of a test that failed in a known way."""
    return new_output("display_data", data={"text/plain": "…", grade.CHECK: {"mistake": mistake}})


def raised(name="ValueError", message="x", traceback=None):
    return new_output("error", ename=name, evalue=message, traceback=traceback or [f"{name}: {message}"])


def printed(text, name="stdout"):
    return new_output("stream", name=name, text=text)


def graded(texts=None, outputs=None, scores=None, *, added=(), source=None, **more):
    """A graded submission: the student's `texts` and the `outputs` by cell id, scores of the tests."""
    source = source or the_source()
    submitted = []
    for cell in source.cells:
        text = (texts or {}).get(cell.id, cell.source)
        submitted.append(Cell(cell.cell_type, text, cell.metadata.get("nbgrader", {}).get("grade_id"), cell.id))
        submitted += [Cell(kind, text, None, None) for after, kind, text in added if after == cell.id]
    result = grade.Graded(graft(source, submitted), **more)
    for cell in result.notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = list((outputs or {}).get(cell.id, []))
    result.scores = {"relu-check": 0.0, "step-check": 0.0, **(scores or {})}
    return result


def record(classroom, student, result, *, level="A", timestamp=None, name="hw"):
    """Write a graded submission down as the grader does."""
    submitted = classroom.folder("submitted", student, name)
    submitted.mkdir(parents=True, exist_ok=True)
    nbformat.write(the_source(), submitted / f"{name}.ipynb")
    notebooks = classroom.notebooks(name)
    job = pool.take_in(classroom, name, student, notebooks, classroom.seed(name))
    job = type(job)(
        job.student, job.notebooks, job.files, job.seed, job.digest, {"timestamp.txt": timestamp} if timestamp else {}
    )
    with Book(classroom.db_url, classroom.config) as book:
        pool.keep(classroom, name, book, Done(job, {name: result}, level))


STUDENTS = {
    "ada": graded(
        {"why": "Because **two** linear maps are one, for $0<i<n$."},
        {"relu-check": [check_report(["right", "right"])], "try": [printed("3\n")]},
        {"relu-check": 4.0, "step-check": 2.0},
        seconds=0.1,
    ),
    "ben": graded(
        {"relu": "def relu(x):\n    return abs(x)", "why": "Ask Ada."},
        {
            "relu-check": [check_report(["right", "wrong"]), known_mistake()],
            "step": [printed("what the hidden test was given")],
        },
        {"relu-check": 2.0, "step-check": 2.0},
        seconds=0.2,
    ),
    "cleo": graded(
        {"relu": "import os; os._exit(0)"},
        {"relu-check": [raised("BoxError", "the code ended its own process")]},
        remarks=["Stopped: the code ended its own process. What was earned before is kept."],
        faults=["the test cell step-check printed a warning or an error"],
        seconds=0.3,
    ),
}


@pytest.fixture(scope="session")
def reading_template(tmp_path_factory):
    root = tmp_path_factory.mktemp("reading") / "class"
    (root / "solutions" / "hw").mkdir(parents=True)
    (root / CONFIG).write_text(f"{CONFIG_TEXT}c.CourseDirectory.course_id = 'cnn'\n", encoding="utf-8")
    nbformat.write(the_source(), root / "solutions" / "hw" / "hw.ipynb")
    classroom = Classroom(root)
    new_class.release(classroom, "hw")
    for student, result in STUDENTS.items():
        record(classroom, student, result, timestamp="2025-03-01 12:00:00 UTC" if student == "ada" else None)
    broken = grade.reject(classroom.notebooks("hw")["hw"], "the notebook's file is damaged: it is not JSON")
    record(classroom, "dan", broken)
    return root


@pytest.fixture
def classroom(reading_template, tmp_path):
    """A class of four: full marks, a known mistake, one that ended its own process, a broken file."""
    return Classroom(shutil.copytree(reading_template, tmp_path / "class"))


@pytest.fixture
def reading():
    """The helpers above, for tests that make a submission of their own."""
    from types import SimpleNamespace

    names = (the_source, check_report, known_mistake, raised, printed, graded, record, mark)
    return SimpleNamespace(SECRET=SECRET, MISTAKE=MISTAKE, **{function.__name__: function for function in names})


@pytest.fixture
def feedback_of(classroom):
    """The text of a student's feedback page."""

    def read(student) -> str:
        from grader.feedback import write_feedback

        write_feedback(classroom, "hw", students=[student])
        return Path(classroom.folder("feedback", student, "hw") / "hw.html").read_text(encoding="utf-8")

    return read
