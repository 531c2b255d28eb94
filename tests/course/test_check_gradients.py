"""Gradients: against a reference pair, or against difference quotients."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from course.check import Check

Array = np.ndarray[Any, Any]


def affine(x: Array, w: Array, b: Array, *, scale: float = 1.0) -> tuple[Array, Any]:
    return scale * (x @ w + b), (x, w, scale)


def affine_backward(dy: Array, cache: Any) -> tuple[Array, Array, Array]:
    x, w, scale = cache
    return scale * dy @ w.T, scale * x.T @ dy, scale * dy.sum(axis=0)


def score(backward: Any, forward: Any = affine, against: Any = None) -> tuple[float, Check]:
    check = Check("affine_backward", backward, affine_backward, returns="dx (N, D), dw (D, M), db (M,)")
    arguments = check.normal(4, 3), check.normal(3, 2), check.normal(2)
    check.gradient("of every argument", forward, *arguments, against=against, scale=0.5)
    return check.score(), check


both = pytest.mark.parametrize("against", [None, affine], ids=["quotients", "reference"])


@both
def test_a_right_gradient_earns_its_point(against: Any) -> None:
    assert score(affine_backward, against=against)[0] == 1


@both
@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (
            lambda dy, c: (affine_backward(dy, c)[0], affine_backward(dy, c)[1], 1.01 * affine_backward(dy, c)[2]),
            "db[0]",
        ),
        (lambda dy, c: affine_backward(dy, c)[:2], "the answer has 2 values, should have 3 (dx, dw, db)"),
        (lambda dy, c: (affine_backward(dy, c)[0].T, *affine_backward(dy, c)[1:]), "axis 0 (N): 3, should be 4"),
        (lambda dy, c: 1 / 0, "ZeroDivisionError"),
    ],
)
def test_a_wrong_gradient_is_told_what_differs(wrong: Any, says: str, against: Any) -> None:
    points, check = score(wrong, against=against)
    assert points == 0
    assert says in check._cases[0].lines[0]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda dy, c: affine_backward(dy, c), ""),
        (lambda dy, c: (1.01 * affine_backward(dy, c)[0], *affine_backward(dy, c)[1:]), "dx is "),
        (lambda dy, c: (*affine_backward(dy, c)[:2], 1.01 * affine_backward(dy, c)[2]), "db is "),
        (lambda dy, c: (affine_backward(dy, c)[0].T, *affine_backward(dy, c)[1:]), "axis 0: 30, should be 40"),
        (lambda dy, c: affine_backward(dy, c)[:2], "2 values, should have 3"),
        (lambda dy, c: None, "the answer is None"),
    ],
)
def test_gradients_of_many_elements_are_checked_along_one_direction(wrong: Any, says: str) -> None:
    calls = 0

    def forward(*args: Any) -> Any:
        nonlocal calls
        calls += 1
        return affine(*args)

    check = Check("affine_backward", wrong, returns="dx (N, D), dw (D, M), db (M,)")
    check.gradient("large", forward, check.normal(40, 30), check.normal(30, 20), check.normal(20))
    assert check.score() == (0 if says else 1)
    assert says in "".join(check._cases[0].lines)
    assert calls <= 7


def test_the_students_own_cache_may_hold_anything() -> None:
    class Cache:
        def __init__(self, *kept: Any) -> None:
            self.kept = kept

    def forward(x: Array, w: Array, b: Array, *, scale: float = 1.0) -> Any:
        y, cache = affine(x, w, b, scale=scale)
        return y, Cache(*cache)

    assert score(lambda dy, cache: affine_backward(dy, cache.kept), forward, affine)[0] == 1


@pytest.mark.parametrize(
    ("forward", "says"),
    [
        (lambda *a, **k: affine(*a, **k)[0], "the forward function gives an array of shape (4, 2), float64, should"),
        (lambda *a, **k: None, "the forward function gives None, should give y and a cache"),
        (lambda *a, **k: (2 * affine(*a, **k)[0], None), "already the forward function is wrong"),
        (lambda *a, **k: ("y", None), "already the forward function is wrong"),
    ],
)  # fmt: skip
def test_a_wrong_forward_function_is_said_to_be_the_reason(forward: Any, says: str) -> None:
    points, check = score(affine_backward, forward, affine)
    assert points == 0
    assert says in check._cases[0].lines[0]


def test_only_arrays_of_fractions_have_gradients() -> None:
    def forward(x: Array, labels: Array) -> Any:
        return x[np.arange(3), labels], (x.shape, labels)

    def backward(dy: Array, cache: Any) -> Array:
        shape, labels = cache
        dx = np.zeros(shape)
        dx[np.arange(3), labels] = dy
        return dx

    check = Check("pick_backward", backward)
    check.gradient("a single gradient is returned bare", forward, check.normal(3, 4), np.array([1, 0, 3]))
    assert check.score() == 1


def test_a_forward_function_that_is_not_written_is_not_written() -> None:
    def stub(*_: Any, **__: Any) -> Any:
        raise NotImplementedError("affine")

    with pytest.raises(NotImplementedError, match=r"^affine_backward: not written yet$"):
        score(affine_backward, stub)


def test_what_a_forward_function_returns_does_not_move_the_other_draws() -> None:
    def draws(forward: Callable[..., Any]) -> Any:
        check = Check("affine_backward", affine_backward)
        x, w, b = check.normal(4, 3), check.normal(3, 2), check.normal(2)
        check.gradient("first", forward, x, w, b)
        return check.normal(2)

    assert (draws(affine) == draws(lambda *a: (np.zeros((9, 9)), None))).all()
