"""Notebook 06: a mistake is counted once.

What holds for all notebooks, such as what each known mistake costs, is tested for all at once elsewhere.
"""

import json
from pathlib import Path

import numpy as np

from grader.cells import is_test, points
from grader.mistakes import mistaken
from grader.recording import run
from grader.source import Solution

NAME = "06_convolution_backward"


EARLY = {("im2col", "windows as rows"), ("col2im", "overwritten"), ("conv2d_backward", "filter turned")}


def test_a_mistake_is_counted_once(solution: Solution, root: Path) -> None:
    """The fast layer calls the student's own im2col and col2im; where these are wrong it keeps its points."""
    records = json.loads((root / "solutions" / NAME / f"{NAME}.json").read_text("utf-8"))
    worth = {cell.id: points(cell) for cell in solution.notebook.cells if is_test(cell)}
    early = [mistake for mistake in solution.mistakes if (mistake.exercise, mistake.name) in EARLY]
    assert len(early) == len(EARLY)
    for mistake in early:
        found = run(mistaken(solution.notebook, mistake), records=records, seed=6)
        lost = {name for name, test in found.tests.items() if test.score < worth[name]}
        assert lost == {f"{mistake.exercise}-check"}


def test_the_pairs_of_loops_and_of_matrices_agree(names: dict[str, object]) -> None:
    rng = np.random.default_rng(6)
    x, w, b = (rng.standard_normal(shape) for shape in [(2, 3, 9, 8), (4, 3, 3, 2), (4,)])
    for how in ({}, {"stride": 2, "pad": 1}):
        y, cache = names["conv2d"](x, w, b, **how)
        fast, columns = names["conv2d_fast"](x, w, b, **how)
        np.testing.assert_allclose(fast, y)
        dy = rng.standard_normal(y.shape)
        gradients = names["conv2d_backward"](dy, cache)
        for got, right in zip(names["conv2d_fast_backward"](dy, columns), gradients, strict=True):
            np.testing.assert_allclose(got, right, atol=1e-12)
    y, cache = names["conv2d"](x, w, b, pad=1)
    dx, dw, _ = names["conv2d_backward"](y, cache)
    np.testing.assert_allclose(names["input_gradient"](y, w, pad=1), dx)
    np.testing.assert_allclose(names["weight_gradient"](y, x, pad=1), dw)


def test_sysu_s_weight_for_the_output_1_2_is_1_0(names: dict[str, object]) -> None:
    """The slide prints w(2, 1); raising the pixel (2, 2) raises the output (1, 2) by the weight (1, 0)."""
    w, x = np.arange(9.0).reshape(1, 1, 3, 3), np.zeros((1, 1, 5, 5))
    x[0, 0, 2, 2] = 1
    y, _ = names["conv2d"](x, w, np.zeros(1))
    assert y[0, 0, 1, 2] == w[0, 0, 1, 0] != w[0, 0, 2, 1]
