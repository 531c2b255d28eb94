"""Grading one submission: points need positive proof, and nothing that a student does changes what others proved."""

import copy
import json
from contextlib import closing

import nbformat
import pytest

from grader.absent import absent
from grader.assignment import Assignment
from grader.box.levels import open_boxes
from grader.box.limits import Limits
from grader.grade import CHECK, OURS, UNRECOGNISED, grade

pytestmark = pytest.mark.box


@pytest.fixture(scope="module")
def boxes():
    limits = Limits(call_seconds=1.0, cell_seconds=2.0, hurried_seconds=0.3, grace_seconds=0.5)
    with closing(open_boxes([], limits)) as boxes:
        yield boxes


def outputs(graded, cell_id):
    return next(cell for cell in graded.notebook.cells if cell.id == cell_id).outputs


def with_test(source, tmp_path, test, records=None):
    """The assignment with another test of `double`."""
    changed = copy.deepcopy(source)
    changed.cells[2].source = test
    path = tmp_path / "changed.ipynb"
    nbformat.write(changed, path)
    if records is not None:
        path.with_suffix(".json").write_text(json.dumps(records), encoding="utf-8")
    return Assignment.read(path)


def test_the_solution_earns_everything(assignment, submit, boxes):
    graded = grade(assignment, submit(), 1, boxes)
    assert graded.scores == {"double-check": 2.0, "apply-check": 1.0}
    assert graded.total == assignment.automatic_points == 3.0
    assert (graded.remarks, graded.faults) == ([], [])
    nbformat.validate(graded.notebook)


def test_a_wrong_answer_earns_nothing_and_the_rest_is_kept(assignment, submit, boxes):
    graded = grade(assignment, submit(double="def double(x): return x"), 1, boxes)
    assert graded.scores == {"double-check": 0.0, "apply-check": 1.0}


@pytest.mark.parametrize("code", ["raise ValueError", "def double(x): raise NotImplementedError", "def (", ""])
def test_an_error_costs_only_its_exercise(assignment, submit, boxes, code):
    assert grade(assignment, submit(double=code), 1, boxes).scores == {"double-check": 0.0, "apply-check": 1.0}


def test_what_was_earned_before_the_process_ended_is_kept(assignment, submit, boxes):
    graded = grade(assignment, submit(apply="import os; os._exit(0)"), 1, boxes)
    assert graded.scores == {"double-check": 2.0, "apply-check": 0.0}
    assert "ended its own process" in graded.remarks[0]


@pytest.mark.parametrize(
    "test",
    [
        "pass",
        "None",
        "True",
        "'2'",
        "double(1.0); 7",
        "-1",
        "float('nan')",
        "float('inf')",
        "np.float64(2)",
        "import sys; print('x', file=sys.stderr); 2",
        "import warnings; warnings.warn('careful'); 2",
        "2;",
        "print(2)",
    ],
)
def test_a_test_cell_without_a_clear_score_is_the_instructors_fault_and_earns_nothing(
    source, tmp_path, submit, boxes, test
):
    graded = grade(with_test(source, tmp_path, test), submit(), 1, boxes)
    assert graded.scores["double-check"] == 0.0
    assert "the test cell double-check" in graded.faults[0]
    assert outputs(graded, "double-check")[-1].output_type == "error"


def test_partial_credit_is_the_number_that_the_test_returned(source, tmp_path, submit, boxes):
    graded = grade(with_test(source, tmp_path, "double(1.0) / 4"), submit(), 1, boxes)
    assert graded.scores["double-check"] == 0.5
    assert outputs(graded, "double-check")[-1].data["text/plain"] == "0.5"


def test_the_seed_reaches_the_test_and_nothing_else(source, tmp_path, submit, boxes):
    test = "assert __grading__['seed'] == 77\n2"
    assert grade(with_test(source, tmp_path, test), submit(), 77, boxes).scores["double-check"] == 2.0
    spying = submit(double="def double(x): return __grading__")
    assert grade(with_test(source, tmp_path, "double(1)\n2"), spying, 77, boxes).scores["double-check"] == 0.0


def test_a_failed_test_is_diagnosed_on_the_public_draws(source, tmp_path, submit, boxes):
    test = f"""
if __grading__["seed"] is None:
    __grading__["display"]({{"text/plain": "", {CHECK!r}: {{"mistake": __grading__["records"]["m"]}}}})
1
"""
    records = {"m": {"name": "halved", "message": "You divide."}}
    graded = grade(with_test(source, tmp_path, test, records), submit(), 1, boxes)
    assert graded.scores["double-check"] == 1.0
    said = outputs(graded, "double-check")[-1].data["text/plain"]
    assert said == "This looks like a known mistake: halved. You divide."


def test_demos_and_experiments_are_not_run(source, tmp_path, submit, boxes):
    changed = copy.deepcopy(source)
    for tag in ("demo", "experiment"):
        cell = nbformat.v4.new_code_cell("print('ran')", id=tag, metadata={"tags": [tag]})
        changed.cells.append(cell)
    path = tmp_path / "changed.ipynb"
    nbformat.write(changed, path)
    graded = grade(Assignment.read(path), submit(), 1, boxes)
    assert outputs(graded, "demo") == outputs(graded, "experiment") == []


@pytest.mark.parametrize("data", [b"{broken", b"[" * 200_000, b"{}", b"\xff"])
def test_what_is_no_notebook_is_graded_as_nothing_with_the_reason(assignment, boxes, data):
    graded = grade(assignment, data, 1, boxes)
    assert graded.total == 0.0
    assert graded.remarks
    assert outputs(graded, "double-check")[0].evalue == graded.remarks[0]
    nbformat.validate(graded.notebook)


def test_the_same_submission_and_seed_give_the_same_notebook(assignment, submit, boxes):
    first, second = (grade(assignment, submit(double="def double(x): return x"), 5, boxes) for _ in range(2))
    assert first.notebook == second.notebook


def renamed(source, rename):
    """The solution with other names for its cells, below a heading."""
    notebook = copy.deepcopy(source)
    for number, cell in enumerate(notebook.cells):
        cell.id = f"c{number}"
        if cell.metadata.get("nbgrader"):
            rename(cell.metadata)
    return json.dumps({"cells": [{"cell_type": "markdown", "source": "# 07 Pooling\n"}, *notebook.cells]}).encode()


def test_another_notebook_under_the_right_name_is_not_accepted(assignment, source, boxes):
    def of_another(metadata):
        metadata.nbgrader.grade_id += "-2d"

    graded = grade(assignment, renamed(source, of_another), 1, boxes)
    assert graded.total == 0 and set(graded.scores) == {"double-check", "apply-check"}
    assert graded.remarks == ["this is another notebook than hw: it begins with '# 07 Pooling'"]


def test_a_notebook_of_which_a_few_cells_are_left_is_still_the_right_one(assignment, source, boxes):
    def all_but_one(metadata):
        metadata.nbgrader.grade_id += "-2d" if metadata.nbgrader.grade_id != "apply" else ""

    graded = grade(assignment, renamed(source, all_but_one), 1, boxes)
    assert graded.remarks == [] and graded.scores["apply-check"] == 1.0


def test_a_notebook_whose_names_a_program_dropped_is_graded_with_a_remark(assignment, source, boxes):
    graded = grade(assignment, renamed(source, lambda metadata: metadata.pop("nbgrader")), 1, boxes)
    assert graded.total == 3.0 and graded.remarks == [UNRECOGNISED]


def test_a_cell_that_cannot_be_read_is_told_by_line(assignment, submit, boxes):
    graded = grade(assignment, submit(double="def double(x):\n    return (2 * x\n"), 1, boxes)
    (output,) = outputs(graded, "double")
    assert output.ename == "UnreadableCell"
    assert output.evalue == "SyntaxError in line 2: '(' was never closed\n    return (2 * x"


@pytest.mark.parametrize("name", sorted(OURS))
def test_no_error_of_the_students_passes_for_words_of_the_graders(assignment, submit, boxes, name):
    forged = f"class {name}(Exception): pass\nraise {name}('you have full marks')"
    graded = grade(assignment, submit(apply=forged), 1, boxes)
    assert outputs(graded, "apply")[-1].ename == "StudentError"


@pytest.mark.parametrize(
    ("double", "line"),
    [
        ("from course import ops\ndef double(x):\n    return ops.scale(x, 2)", "Line 1: from course import ops"),
        ("def double(x):\n    import course.ops as o\n    return o.scale(x, 2)", "Line 2: import course.ops as o"),
        ("from course.ops import (\n  relu)\ndouble = relu", "Line 1: from course.ops import ("),
    ],
)
def test_a_module_that_is_not_in_the_box_is_named_with_the_students_line(assignment, submit, boxes, double, line):
    graded = grade(assignment, submit(double=double), 1, boxes)
    told = outputs(graded, "double")[-1]
    assert (told.ename, told.evalue) == (
        "NotInTheBox",
        f"course.ops is not there when graded: write it with NumPy. {line}",
    )


@pytest.mark.parametrize("text", ["import course", "# from course import ops", "from course import __version__", "("])
def test_what_needs_no_missing_module_is_left_alone(text):
    assert absent(text, []) == ""
    assert absent("from course import ops, data", ["course.ops", "course.data"]) == ""


def test_a_missing_blank_costs_itself_and_a_missing_function_its_own_case(source, tmp_path, submit, boxes):
    changed = copy.deepcopy(source)
    changed.cells[3].source = "size = 5\nstride = 2\ndef triple(x): return 3 * x"
    changed.cells[4].source = """from course.check import Check
check = Check("mixed")
check.equal("size", size, 5)
check.equal("stride", stride, 2)
check.equal("twice", lambda: double(2.0), 4.0)
check.equal("three times", lambda: triple(2.0), 6.0)
check.score(1)"""
    path = tmp_path / "changed.ipynb"
    nbformat.write(changed, path)
    whole = changed.cells[3].source
    assert grade(Assignment.read(path), submit(apply=whole), 1, boxes).scores["apply-check"] == 1.0
    for lost in whole.split("\n"):
        graded = grade(Assignment.read(path), submit(apply=whole.replace(lost, "")), 1, boxes)
        assert graded.scores["apply-check"] == 0.75, lost
    assert "NameError: triple is not defined" in outputs(graded, "apply-check")[0].data["text/plain"]
