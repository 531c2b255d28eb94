"""Compares two arrays of one shape, element by element, up to rounding; says where the first wrong element is."""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .patterns import pattern, plane
from .wording import number, plural

__all__ = ["Difference", "Output", "axis", "close", "elements"]

Array = npt.NDArray[Any]

# what a right answer may differ by: of the element, and of a typical element for those that nearly cancel
_TOLERANCE = {2: (1e-2, 1e-3, 1e-4), 4: (1e-4, 1e-5, 1e-6), 8: (1e-6, 1e-8, 1e-12)}


@dataclass(frozen=True)
class Output:
    """One of the values that a function returns: its name, and its axes where it is an array."""

    name: str = ""
    axes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Difference:
    """Why an answer is not the one expected."""

    kind: str  # "type", "length", "keys", "shape", "dtype", "nan" or "value"
    message: str
    output: str = ""
    index: tuple[int, ...] | None = None
    got: float | None = None
    expected: float | None = None
    wrong: int = 0
    total: int = 0
    error: float | None = None  # the largest relative error
    pattern: str = ""  # in words, what the wrong elements have in common
    plane: str = ""  # a map of right and wrong elements around the first wrong one


def elements(got: Array, expected: Array, tolerance: float | None, output: Output) -> Difference | None:
    """Find the first element that differs, or None.

    Args:
        got: the answer.
        expected: the right one, of the same shape.
        tolerance: the relative error allowed; by default by dtype.
        output: how the array and its axes are called.
    """
    wrong = ~close(got, expected, tolerance)
    if not wrong.any():
        return None
    index = tuple(int(i) for i in np.unravel_index(int(np.argmax(wrong)), wrong.shape))
    lost = ~np.isfinite(got) & np.isfinite(expected)
    error = _largest_error(got, expected, wrong)
    common = "" if lost.any() else pattern(got, expected, close)
    return Difference(
        kind="nan" if lost[index] else "value",
        message="; ".join([_first(got, expected, index, output), *_extent(wrong, error), *_lost(got, lost)]),
        output=output.name,
        index=index or None,
        got=float(np.real(got[index])),
        expected=float(np.real(expected[index])),
        wrong=int(wrong.sum()),
        total=wrong.size,
        error=error,
        pattern=re.sub(r"\baxis (\d)\b", lambda found: axis(int(found[1]), output), common),
        plane=_map(wrong, index, output),
    )


def close(got: Array, expected: Array, tolerance: float | None = None) -> npt.NDArray[np.bool_]:
    """Which elements agree, up to rounding in another order."""
    floats = [a.dtype for a in (got, expected) if a.dtype.kind in "fc"]
    if not floats:
        return np.asarray(got == expected)
    size = min(dtype.itemsize // (2 if dtype.kind == "c" else 1) for dtype in floats)
    relative, typical, absolute = _TOLERANCE.get(size, _TOLERANCE[8])
    if tolerance is not None:
        relative, typical, absolute = tolerance, 0.1 * tolerance, 1e-4 * tolerance
    wide = np.complex128 if any(dtype.kind == "c" for dtype in floats) else np.float64
    got, expected = got.astype(wide), expected.astype(wide)
    sizes = np.abs(expected[np.isfinite(expected) & (expected != 0)])
    # the median: one huge element must not make room for errors in all others
    scale = float(np.median(sizes)) if sizes.size else 0.0
    with np.errstate(invalid="ignore", over="ignore"):
        near = np.abs(got - expected) <= relative * np.abs(expected) + typical * scale + absolute
    finite = np.isfinite(got) & np.isfinite(expected)
    same = (got == expected) | (np.isnan(got) & np.isnan(expected))
    return np.asarray(np.where(finite, near, same))


def axis(number: int, output: Output) -> str:
    """An axis by its number and, where it has one, its name."""
    return f"axis {number} ({output.axes[number]})" if number < len(output.axes) else f"axis {number}"


def _first(got: Array, expected: Array, index: tuple[int, ...], output: Output) -> str:
    """The first wrong element, with as many digits as it takes to see the difference."""
    mine, right = got[index], expected[index]
    digits = next((d for d in (6, 9, 12) if number(mine, d) != number(right, d)), 17)
    name = output.name or ("element " if index else "the answer")
    return f"{name}{list(index) if index else ''} is {number(mine, digits)}, should be {number(right, digits)}"


def _extent(wrong: Array, error: float | None) -> list[str]:
    if wrong.size == 1:
        return []
    share = "all" if wrong.all() else f"{100 * wrong.mean():.2g} %"
    largest = f", the largest relative error is {error:.2g}" if error is not None else ""
    return [f"{wrong.sum()} of {wrong.size} elements are wrong ({share}){largest}"]


def _lost(got: Array, lost: Array) -> list[str]:
    if not lost.any() or lost.size == 1:
        return []
    what = "NaN" if np.isnan(got[lost]).any() else "infinite"
    return [f"{plural(int(lost.sum()), 'element')} {'is' if lost.sum() == 1 else 'are'} {what}"]


def _map(wrong: Array, index: tuple[int, ...], output: Output) -> str:
    drawn = plane(wrong, index)
    where = f"{output.name or 'the answer'}{list(index[:-2]) if index[:-2] else ''}"
    return f"{where}, where . is right and x is wrong:\n{drawn}" if drawn else ""


def _largest_error(got: Array, expected: Array, wrong: Array) -> float | None:
    finite = wrong & np.isfinite(got) & np.isfinite(expected)
    if not finite.any():
        return None
    mine, right = got[finite].astype(np.complex128), expected[finite].astype(np.complex128)
    return float((np.abs(mine - right) / np.maximum(np.abs(mine), np.abs(right))).max())
