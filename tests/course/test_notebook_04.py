"""Notebook 04: its numbers are those of the lectures, and no text gives away what is asked for.

What holds for all notebooks, such as what each known mistake costs, is tested for all at once elsewhere.
"""

import re
from pathlib import Path

import nbformat
import numpy as np
import pytest

from course import ops
from grader.cells import grade_id

NAME = "04_neural_networks"
PAIRS = ("sigmoid", "tanh", "relu", "leaky_relu", "elu", "swish", "maxout", "affine")


def test_the_numbers_of_the_lectures(names: dict[str, object]) -> None:
    count = names["count_parameters"]
    pixels = 285 * 350
    assert (names["first_network"], names["second_network"], names["third_network"]) == (3, 17, 47)
    assert [count(sizes) for sizes in [(2, 1), (2, 4, 1), (2, 4, 4, 3)]] == [3, 17, 47]
    assert count((pixels, 1000, 3)) == names["picture_with_1000"] == 99_754_003
    assert count((pixels, 2 * pixels, 3)) == names["picture_with_2P"]
    assert round(names["picture_with_2P"], -8) == 19_900_000_000
    assert count((200 * 200, 40_000)) - 40_000 == names["weights_of_545"] == 1_600_000_000
    assert 102e6 / names["picture_with_1000"] == pytest.approx(1.02, abs=5e-3)
    assert 100e9 / names["picture_with_2P"] == pytest.approx(5, abs=0.05)


def test_the_pairs_are_those_of_the_course(names: dict[str, object]) -> None:
    rng = np.random.default_rng(4)
    for name in PAIRS[:6]:
        x, dy = 3 * rng.standard_normal((2, 5, 4))
        y, cache = names[name](x)
        expected, right_cache = getattr(ops, name)(x)
        np.testing.assert_allclose(y, expected)
        got = names[f"{name}_backward"](dy, cache)
        np.testing.assert_allclose(got, getattr(ops, f"{name}_backward")(dy, right_cache))
        assert len(cache) == len(right_cache), "the checks hand over the cache of the reference"


def test_the_blanks_by_hand_are_what_the_functions_compute(names: dict[str, object]) -> None:
    params = {"w1": np.array([[1.0, 2], [1, -1]]), "b1": np.array([0.0, -1]),
              "w2": np.array([[1.0, 0], [2, 5]]), "b2": np.array([-3.0, 0])}  # fmt: skip
    _, grads = names["two_layer_loss"](params, np.array([[1.0, 2]]), np.array([0]))
    np.testing.assert_allclose(grads["w2"], np.outer(names["h"], names["dscores"]))
    np.testing.assert_allclose(grads["w1"][1], names["dw1_second_row"])
    w, b = np.array([[[1.0], [1]], [[-1], [3]]]), np.array([[1.0], [-2]])
    y, cache = names["maxout"](np.array([[1.0, 2]]), w, b)
    assert y[0, 0] == 4
    np.testing.assert_allclose(names["maxout_backward"](np.array([[5.0]]), cache)[0][0], names["maxout_dx"])
    x, dy = np.array([[-4.0], [2], [-6]]), np.array([[1.0], [4], [2]])
    y, prelu = ops.prelu(x, np.array([0.25]))
    _, da = ops.prelu_backward(dy, prelu)
    assert (y[0, 0], da[0]) == (names["prelu_y_of_the_first"], names["prelu_da"])
    elu = names["elu_backward"](np.array([5.0]), (np.array([-1.5]), 2.0))
    assert (elu[0], 512 / 4**4) == (names["elu_dx"], names["largest_after_four_sigmoids"])
    assert names["deviation_after_ten"] == pytest.approx(0.5**10, abs=1e-7)


def test_no_text_tells_a_count_that_is_asked_for(root: Path, names: dict[str, object]) -> None:
    stub = nbformat.read(root / "exercises" / NAME / f"{NAME}.ipynb", as_version=4)
    shown = "\n".join(cell.source for cell in stub.cells)
    digits = re.sub(r"(?<=\d)[  _,](?=\d{3})", "", shown)
    for name in ("picture_with_1000", "picture_with_2P", "weights_of_545"):
        assert str(names[name]) not in digits, name
    (cell,) = (cell for cell in stub.cells if grade_id(cell) == "by-hand-parameters")
    assert cell.source.count("= ...") == 6


def test_the_region_carved_by_hand_is_the_triangle(names: dict[str, object]) -> None:
    w1, b1, w2, b2 = names["carve"]()

    def score(*place):
        hidden, _ = names["relu"](names["affine"](np.array([place], dtype=float), w1, b1)[0])
        return names["affine"](hidden, w2, b2)[0][0, 0]

    assert min(score(1, 1), score(5, 1), score(1, 4), score(2, 2)) > 0
    assert max(score(0.8, 2), score(3, 0.8), score(3.12, 2.66), score(0, 0), score(9, 9)) < 0
