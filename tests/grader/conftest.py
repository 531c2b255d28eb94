"""A small assignment of our own, and boxes for it."""

from __future__ import annotations

import json

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from grader.assignment import Assignment


def mark(grade_id, *, solution=False, points=None):
    """nbgrader's metadata of a cell."""
    nbgrader = {
        "schema_version": 3,
        "grade_id": grade_id,
        "solution": solution,
        "grade": points is not None,
        "locked": not solution,
        "task": False,
    }
    return {"nbgrader": nbgrader if points is None else {**nbgrader, "points": points}}


SOLUTION = """def double(x):
    ### BEGIN SOLUTION
    return 2 * x
    ### END SOLUTION
"""
TEST = """given = np.arange(4.0)
answer = double(given)
assert type(answer) is np.ndarray and answer.tolist() == [0, 2, 4, 6]
2
"""
TEST_OF_APPLY = """assert apply(lambda v: v + 1, 41) == 42
1
"""


@pytest.fixture(scope="session")
def make_source():
    return the_source


@pytest.fixture(scope="session")
def make_submission():
    return the_submission


@pytest.fixture
def source():
    return the_source()


@pytest.fixture
def submit():
    return the_submission


def the_source():
    """The instructor's notebook: two exercises with a test each, a question, an open cell."""
    notebook = new_notebook(
        cells=[
            new_code_cell("import numpy as np", id="setup", metadata={"tags": ["setup"]}),
            new_code_cell(SOLUTION, id="double", metadata=mark("double", solution=True)),
            new_code_cell(TEST, id="double-check", metadata=mark("double-check", points=2)),
            new_code_cell("def apply(f, x):\n    return f(x)", id="apply", metadata=mark("apply", solution=True)),
            new_code_cell(TEST_OF_APPLY, id="apply-check", metadata=mark("apply-check", points=1)),
            new_markdown_cell("Why?", id="why", metadata=mark("why", solution=True, points=3)),
            new_markdown_cell("The end.", id="end"),
        ]
    )
    notebook.metadata.convnet_course = {"box_modules": []}
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return notebook


@pytest.fixture
def assignment(source, tmp_path):
    path = tmp_path / "hw" / "hw.ipynb"
    path.parent.mkdir()
    nbformat.write(source, path)
    return Assignment.read(path)


def the_submission(**texts):
    """The bytes of a submission: the solution with some cells' text replaced, by id."""
    notebook = the_source()
    for cell in notebook.cells:
        cell.source = texts.get(cell.id.replace("-", "_"), cell.source)
    return json.dumps(notebook).encode("utf-8")
