"""What counts as equal, and what is said of what does not."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from course.check.compare import compare, outputs, without_cache
from course.check.draws import Draws
from course.check.elements import close
from course.check.patterns import pattern, plane

Array = np.ndarray[Any, Any]
rng = np.random.default_rng(0)


def differs(got: Any, expected: Any, **kwargs: Any) -> str:
    difference = compare(got, expected, **kwargs)
    assert difference is not None
    return difference.message


@pytest.mark.parametrize(
    "value",
    [1, 1.5, True, None, "a", 2 + 1j, np.float32(2), np.zeros((0, 3)), np.array([np.nan, np.inf, -np.inf]), [1, [2.0]],
     {"m": np.ones(2), "t": 1}, (np.ones(2), 3)],
)  # fmt: skip
def test_everything_plain_equals_itself(value: Any) -> None:
    assert compare(value, value) is None


@pytest.mark.parametrize(
    ("got", "expected"),
    [
        (5, 5.0),  # a whole number where a fraction may be
        (np.float64(0.5), 0.5),
        (np.array(0.5), 0.5),  # what a sum over all axes gives
        (np.int32(5), 5),
        (np.array([1, 2], np.int32), np.array([1, 2], np.int64)),  # platforms differ
        ([1, 2], (1, 2)),
        (0.1 + 0.2, 0.3),
    ],
)
def test_ways_to_write_the_same_answer(got: Any, expected: Any) -> None:
    assert compare(got, expected) is None


@pytest.mark.parametrize(
    ("got", "expected", "says"),
    [
        (None, 1, "the answer is None, should be a number"),
        (2.5, 2, "the answer is 2.5, of type float; should be an int; // divides without a fraction"),
        (2.0, 2, "the answer is 2, of type float; should be an int; // divides without a fraction"),
        (True, 2, "the answer is True, of type bool; should be an int"),
        (1, True, "the answer is 1, should be True or False"),
        ("2", 2, "the answer is '2', should be a number"),
        (10**30, 2, "the answer is an int of 100 bits, should be a number"),
        (print, 2, "the answer is a builtin_function_or_method, should be a number"),
        ([1, 2], np.zeros(2), "the answer is a list of 2, should be an array of shape (2,), float64"),
        (np.zeros(2), 1.0, "the answer is an array of shape (2,), float64, should be a number"),
        (np.zeros((2, 3)), np.zeros((2, 3, 1)), "the answer has shape (2, 3), should have (2, 3, 1)"),
        (np.zeros(2, int), np.zeros(2), "the answer has dtype int64, should have float64; the values are right"),
        (np.zeros(2), (np.zeros(2), 1), "the answer is an array of shape (2,), float64, should be 2 values"),
        ((1,), (1, 2), "the answer has 1 value, should have 2"),
        ((1, 3), (1, 2), "value 2 is 3, should be 2"),
        ([1], [1, 2], "the answer has length 1, should have 2"),
        ({"m": 1}, {"m": 1, "v": 2}, "the answer has no key 'v'"),
        ({"m": 1, "n": 2}, {"m": 1}, "the answer has the key 'n', which should not be there"),
        ({"m": np.ones(2)}, {"m": np.zeros(2)}, "['m'][0] is 1, should be 0; 2 of 2 elements are wrong (all)"),
        ("a", "b", "the answer is 'a', should be 'b'"),
        (np.array([1.0, np.nan]), np.ones(2), "element [1] is nan, should be 1; 1 of 2 elements are wrong (50 %); 1"),
        (np.array([4, 1]), np.array([4.4, 1.2]), "the answer has dtype int64, which cuts off what follows the decimal"),
        (1.0000123, 1.0, "the answer is 1.00001, should be 1"),
        (1 + 3e-6, 1.0, "the answer is 1.000003, should be 1"),
    ],
)  # fmt: skip
def test_what_is_said(got: Any, expected: Any, says: str) -> None:
    assert says in differs(got, expected)


def test_an_output_is_called_by_its_name() -> None:
    named = outputs("dx (N, C), db (C,)")
    right = np.ones((2, 3)), np.ones(3)
    assert "db[1] is 0, should be 1" in differs((right[0], np.array([1.0, 0, 1])), right, named=named)
    assert "axis 0 (N): 3, should be 2; axis 1 (C): 2, should be 3" in differs(
        (right[0].T, right[1]), right, named=named
    )
    assert "2 values (dx, db)" in differs(right[0], right, named=named)


def test_a_cache_is_not_an_answer() -> None:
    y, cache = np.ones(2), (np.ones(3),)
    assert without_cache((y, cache), y) == (y, y)
    assert without_cache((y, cache), (y, "anything")) == (y, y)
    assert without_cache((y, 2, cache), (y, 2, "anything")) == ((y, 2), (y, 2))
    assert without_cache((y, 2), (y, 2)) == ((y, 2), (y, 2))


@given(
    hnp.arrays(np.float32, st.integers(2, 400), elements=st.floats(-1, 1, width=32)), st.randoms(use_true_random=False)
)
def test_adding_in_another_order_is_never_wrong(terms: Array, random: Any) -> None:
    products = terms * np.float32(1.7)
    order = list(range(len(terms)))
    random.shuffle(order)
    here, there = np.float32(0), products.sum()
    for i in order:
        here += products[i]
    assert close(np.asarray(here), np.asarray(there)).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("seed", range(20))
def test_a_bias_wrong_by_one_percent_is_never_right(dtype: Any, seed: int) -> None:
    draws = Draws("bias", seed)
    x, w, b = draws.normal(4, 18, dtype=dtype), draws.normal(18, 5, dtype=dtype), draws.normal(5, dtype=dtype)
    assert compare(x @ w + b * dtype(1.01), x @ w + b) is not None


def test_one_huge_element_makes_no_room_for_errors_elsewhere() -> None:
    expected = np.array([1e12, 1.0, 2.0, 3.0])
    assert "element [1]" in differs(expected + np.array([0, 1e-3, 0, 0]), expected)


def test_what_is_zero_up_to_rounding_is_zero() -> None:
    assert compare(np.zeros(3), np.array([1e-16, -2e-16, 0])) is None
    assert compare(np.zeros(3, np.float32), np.array([1e-8, -2e-8, 0], np.float32)) is None


def test_a_tolerance_is_taken_at_its_word() -> None:
    assert compare(1.009, 1.0, tolerance=1e-2) is None
    assert compare(1.02, 1.0, tolerance=1e-2) is not None


y = Draws("patterns").normal(2, 3, 5, 5)
edge, first_only = y.copy(), y.copy()
edge[..., 0, :] += 1
first_only[1:] *= rng.normal(size=(1, 3, 5, 5))


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (-y, "every sign is the other way round"),
        (2 * y, "every element is 2 times what it should be"),
        (y / 3, "every element is 0.3333 times"),
        (0.9995 * y, "every element is 0.9995 times"),
        (0.99998 * y, "every element is 0.99998 times"),
        (y + 0.5, "every element is too large by 0.5"),
        (0 * y, "every element is 0"),
        (y.swapaxes(2, 3), "rows and columns are swapped"),
        (y[:, ::-1], "axis 1 runs backwards"),
        (y + np.array([0.1, -0.2, 0.7])[:, None, None], "along axis 1 each part is off by one constant"),
        (edge, "only elements at the border are wrong"),
        (first_only, "along axis 0 only the first part is right"),
        (rng.normal(size=y.shape), ""),
    ],
)
def test_what_wrong_elements_have_in_common(wrong: Array, says: str) -> None:
    found = pattern(wrong, y, close)
    assert found.startswith(says) if says else found == ""


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        (y[0, 0], y[0, 0] + np.pad(np.zeros((3, 3)), 1, constant_values=1) * y[0, 1]),  # rows of a table, (N, C)
        (y[..., :3, :3], y[..., :3, :3] + np.pad(np.zeros((1, 1)), 1, constant_values=1) * y[..., 2:, 2:]),
        (y[0, 0, :2, :3], np.vstack([y[0, 0, :1, :3], y[0, 1, :1, :3]])),  # three right by chance
        (np.array([[0.5, -0.5, 0], [0, 0.5, -0.5]]), np.array([[0.0, -0.5, 0.5], [-0.5, 0.5, 0]])),
    ],
    ids=["no picture", "hardly an inside", "few elements", "few values"],
)
def test_what_may_be_chance_is_not_said(right: Array, wrong: Array) -> None:
    assert pattern(wrong, right, close) == ""


def test_two_values_in_each_others_place_are_named() -> None:
    loss, dscores = 0.7, np.ones((2, 3))
    named = outputs("loss, dscores (N, C)")
    assert differs((dscores, loss), (loss, dscores), named=named).startswith("loss and dscores are exchanged: loss is")
    assert "exchanged" not in differs((dscores, 0.8), (loss, dscores), named=named)
    assert "exchanged" not in differs((2.0, 3.0), (2.0, 4.0))


def test_the_map_shows_the_plane_of_the_first_wrong_element() -> None:
    difference = compare(edge, y)
    assert difference is not None
    assert difference.plane.splitlines()[:3] == [
        "the answer[0, 0], where . is right and x is wrong:",
        "x x x x x",
        ". . . . .",
    ]
    assert plane(np.ones((3, 3), bool), (0, 0)) == "", "nothing to see where everything is wrong"
    assert plane(np.eye(40, dtype=bool), (0, 0)) == "", "too large for one screen"
