"""Sees what wrong elements have in common: that is often the whole diagnosis."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["pattern", "plane"]

Array = npt.NDArray[Any]
Close = Callable[[Array, Array], npt.NDArray[np.bool_]]

_MAP = 12  # rows and columns of the largest map


def pattern(got: Array, expected: Array, close: Close) -> str:
    """Say in words how a wrong array follows from the right one; "" if nothing is certain.

    Args:
        got: the wrong array.
        expected: the right one, of the same shape.
        close: which elements of two arrays agree.
    """
    if expected.size < 4 or expected.dtype.kind not in "iuf" or got.dtype.kind not in "iuf":
        return ""
    got, expected = got.astype(np.float64), expected.astype(np.float64)
    wrong = ~close(got, expected)

    def is_close_to(other: Array) -> bool:
        return bool(close(got, other).all())

    if not got.any():
        return "every element is 0: is the result written where it belongs?"
    if is_close_to(-expected):
        return "every sign is the other way round"
    factor = float((got * expected).sum() / max(float((expected**2).sum()), np.finfo(float).tiny))
    if is_close_to(factor * expected):
        written = next((text for digits in (4, 7, 10) if float(text := f"{factor:.{digits}g}") != 1), "")
        return f"every element is {written} times what it should be" if written else ""
    if got.ndim >= 2 and got.shape[-1] == got.shape[-2] and is_close_to(expected.swapaxes(-1, -2)):
        return "rows and columns are swapped"
    # of a few values that repeat, some order always fits
    is_varied = np.unique(np.abs(expected)).size >= max(4, expected.size / 2)
    for axis in range(got.ndim):
        if got.shape[axis] > 1 and is_varied and is_close_to(np.flip(expected, axis)):
            return f"axis {axis} runs backwards"
    return _place(wrong) or _offset(got, expected, is_close_to)


def _offset(got: Array, expected: Array, is_close_to: Callable[[Array], bool]) -> str:
    difference = got - expected
    if is_close_to(expected + difference.mean()):
        by = float(difference.mean())
        return f"every element is too {'large' if by > 0 else 'small'} by {abs(by):.4g}"
    if got.ndim < 2:
        return ""
    for axis in range(got.ndim):
        others = tuple(i for i in range(got.ndim) if i != axis)
        if got.shape[axis] > 1 and got.size >= 3 * got.shape[axis]:
            constant = difference.mean(axis=others, keepdims=True)
            if is_close_to(expected + constant):
                return f"along axis {axis} each part is off by one constant of its own: is a term like a bias wrong?"
    return ""


def _place(wrong: Array) -> str:
    """Where the wrong elements are, if they keep to one place."""
    if wrong.ndim == 4 and min(wrong.shape[-2:]) >= 4:  # pictures: rows of a table have no border
        inside = wrong[..., 1:-1, 1:-1]
        if not inside.any() and wrong.any():
            return "only elements at the border are wrong"
    for axis in range(min(wrong.ndim, 2)):
        lines = np.atleast_1d(wrong.any(axis=tuple(i for i in range(wrong.ndim) if i != axis)))
        # a part of few elements may be right by chance
        if lines.size > 1 and wrong.size >= 4 * lines.size and not lines[0] and lines[1:].all():
            return f"along axis {axis} only the first part is right"
    return ""


def plane(wrong: Array, index: tuple[int, ...]) -> str:
    """Map the last two axes around the first wrong element: "." is right, "x" wrong; "" if there is little to see.

    >>> print(plane(np.array([[[False, True, True], [False, False, True]]]), (0, 0, 1)))
    . x x
    . . x
    """
    if wrong.ndim < 2 or wrong.all() or max(wrong.shape[-2:]) > _MAP or min(wrong.shape[-2:]) < 2:
        return ""
    rows = wrong[index[:-2]]
    return "\n".join(" ".join("x" if element else "." for element in row) for row in rows)
