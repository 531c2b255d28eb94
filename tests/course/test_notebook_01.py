"""Notebook 01: a mistake is counted once, and what its text says of the numbers is so.

What holds for all notebooks, such as what each known mistake costs, is tested for all at once elsewhere.
"""

import copy
import json
from pathlib import Path

import numpy as np
import pytest

from course import data, ops
from grader.cells import is_test, points
from grader.mistakes import mistaken
from grader.recording import run
from grader.source import Solution

NAME = "01_linear_classifier"
BEGIN = "### BEGIN SOLUTION"


EARLY = {
    ("linear_scores", "bias forgotten"), ("linear_scores_backward", "dw transposed"), ("hinge_loss", "sum for mean"),
    ("softmax", "overflow"), ("softmax_loss", "sign of the loss"), ("l2_penalty", "half forgotten"),
}  # fmt: skip


def test_a_mistake_is_counted_once(solution: Solution, root: Path) -> None:
    """The full loss calls the student's own functions; where these are wrong it keeps its points."""
    records = json.loads((root / "solutions" / NAME / f"{NAME}.json").read_text("utf-8"))
    worth = {cell.id: points(cell) for cell in solution.notebook.cells if is_test(cell)}
    early = [mistake for mistake in solution.mistakes if (mistake.exercise, mistake.name) in EARLY]
    assert len(early) == len(EARLY)
    for mistake in early:
        found = run(mistaken(solution.notebook, mistake), records=records, seed=6)
        lost = {name for name, test in found.tests.items() if test.score < worth[name]}
        assert lost == {f"{mistake.exercise}-check"}


def test_a_slip_in_the_gradient_keeps_the_points_of_the_loss(solution: Solution, root: Path) -> None:
    records = json.loads((root / "solutions" / NAME / f"{NAME}.json").read_text("utf-8"))
    worth = {cell.id: points(cell) for cell in solution.notebook.cells if is_test(cell)}
    for mistake in solution.mistakes:
        if mistake.exercise in ("hinge_loss", "softmax_loss") and mistake.name == "gradient not divided":
            id_ = f"{mistake.exercise}-check"
            found = run(mistaken(solution.notebook, mistake), records=records, seed=6, only=[id_])
            assert 0.4 * worth[id_] < found.tests[id_].score < 0.7 * worth[id_]


@pytest.mark.parametrize("name", ["softmax", "hinge_loss", "softmax_loss"])
def test_right_numbers_changed_in_place_cost_one_case(solution: Solution, root: Path, name: str) -> None:
    """All cases but one work on a copy: the numbers are right, and only that one says what happens to the input."""
    records = json.loads((root / "solutions" / NAME / f"{NAME}.json").read_text("utf-8"))
    notebook = copy.deepcopy(solution.notebook)
    (cell,) = (cell for cell in notebook.cells if cell.source.startswith(f"def {name}("))
    assert cell.source.count(f"    {BEGIN}") == 1
    cell.source = cell.source.replace(f"    {BEGIN}", f"    scores -= scores.max(axis=1, keepdims=True)\n    {BEGIN}")
    (test,) = (cell for cell in notebook.cells if cell.get("id") == f"{name}-check")
    found = run(notebook, records=records, seed=6, only=[f"{name}-check"]).tests[f"{name}-check"]
    assert found.score == points(test) - 0.5


def test_the_pair_of_scores_and_the_full_loss_agree_with_the_course(names: dict[str, object]) -> None:
    rng = np.random.default_rng(1)
    x, w, b = (rng.standard_normal(shape) for shape in [(6, 5), (5, 4), (4,)])
    labels = rng.integers(0, 4, 6)
    for name in ("hinge_loss", "softmax_loss"):
        loss, dw, db = names["full_loss"](x, labels, w, b, data_loss=names[name], strength=0.3)
        scores, cache = ops.affine(x, w, b)
        data_loss, dscores = getattr(ops, name)(scores, labels)
        _, right_dw, right_db = ops.affine_backward(dscores, cache)
        assert loss == pytest.approx(data_loss + 0.15 * np.sum(w**2))
        np.testing.assert_allclose(dw, right_dw + 0.3 * w)
        np.testing.assert_allclose(db, right_db)


def test_a_new_classifier_begins_at_log_c_and_c_minus_1(names: dict[str, object]) -> None:
    scores, labels = np.zeros((7, 10)), np.arange(7)
    assert names["softmax_loss"](scores, labels)[0] == pytest.approx(np.log(10))
    assert names["hinge_loss"](scores, labels)[0] == pytest.approx(9)


def test_hlcv_s_minus_sign_prefers_the_lowest_score(names: dict[str, object]) -> None:
    """The slide prints e^(−z): the blank of 0.118 is what it would give for the highest of the three scores."""
    s = np.log([[1.0, 2.0, 5.0]])
    np.testing.assert_allclose(names["softmax"](s), [[0.125, 0.25, 0.625]])
    slip = np.exp(-s) / np.exp(-s).sum()
    assert slip[0, 2] == pytest.approx(0.118, abs=5e-4) and slip.argmax() == 0


def test_with_negatives_added_a_template_is_almost_zero() -> None:
    """What the second question's answer says it measured."""
    x, y = (part[:600] for part in data.digits("train"))
    x = x.reshape(600, -1).astype(float)
    x, y = np.vstack([x, 1 - x]), np.concatenate([y, y])
    w, b = np.zeros((64, 10)), np.zeros(10)
    for _ in range(300):
        scores, cache = ops.affine(x, w, b)
        loss, dscores = ops.softmax_loss(scores, y)
        _, dw, db = ops.affine_backward(dscores, cache)
        w, b = w - 0.2 * dw, b - 0.2 * db
    unseen, labels = data.digits("test")
    unseen = unseen.reshape(len(unseen), -1)
    read = [np.mean((u @ w + b).argmax(axis=1) == labels) for u in (unseen, 1 - unseen)]
    assert loss == pytest.approx(2.29, abs=0.006) and np.mean(read) < 0.12 and np.abs(w).max() < 0.05


@pytest.mark.parametrize("answer", ["return x @ w + b", "return None"])
def test_a_missing_cache_is_asked_for(solution: Solution, answer: str) -> None:
    notebook = copy.deepcopy(solution.notebook)
    (cell,) = (cell for cell in notebook.cells if cell.source.startswith("def linear_scores("))
    cell.source = f"def linear_scores(x, w, b):\n    {answer}"
    found = run(notebook, seed=6, only=["linear_scores-check"]).tests["linear_scores-check"]
    (case,) = (case for case in found.report["cases"] if case["label"] == "the cache is (x, w)")
    assert "linear_scores returns the scores and a cache, the tuple (x, w)" in case["message"]
