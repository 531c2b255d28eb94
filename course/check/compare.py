"""Compares an answer with the one expected, and says of the first difference what and where it is.

Only plain data counts: numbers, texts, lists, tuples, dicts and arrays of exactly these types. Whatever else an answer
is, its own `==`, `__array__` or `sum` are never asked.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .patterns import pattern, plane
from .wording import is_array, is_number, kind, number, one_line, plural, say

__all__ = ["Difference", "Output", "compare", "outputs", "without_cache"]

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


def outputs(text: str) -> tuple[Output, ...]:
    """Read names and axes as docstrings write them.

    >>> outputs("dx (N, C, H, W), db (K,)")
    (Output(name='dx', axes=('N', 'C', 'H', 'W')), Output(name='db', axes=('K',)))
    """
    found = re.findall(r"(\w+)\s*(?:\(([^()]*)\))?", text)
    return tuple(Output(name, tuple(a.strip() for a in axes.split(",") if a.strip())) for name, axes in found)


def without_cache(expected: Any, got: Any) -> tuple[Any, Any]:
    """Drop the cache, a tuple at the end, from what a forward function returns.

    The student may return the values alone or with a cache of their own, whatever that is.
    """
    if not (type(expected) is tuple and len(expected) > 1 and type(expected[-1]) is tuple):
        return expected, got
    values = expected[:-1]
    if type(got) is tuple and len(got) == len(expected):
        got = got[0] if len(values) == 1 else got[:-1]
    return (values[0] if len(values) == 1 else values), got


def compare(
    got: Any, expected: Any, *, tolerance: float | None = None, named: Sequence[Output] = ()
) -> Difference | None:
    """Find the first difference, or None.

    Args:
        got: the answer; anything.
        expected: the right one; plain data.
        tolerance: the relative error allowed; by default by dtype, 1e-6 in float64, 1e-4 in float32.
        named: names and axes of the values returned.

    Raises:
        TypeError: `expected` is not plain data.
    """
    if type(expected) is tuple:
        return _sequence(got, expected, tolerance, named)
    return _value(got, expected, tolerance, named[0] if len(named) == 1 else Output())


def _sequence(got: Any, expected: Any, tolerance: float | None, named: Sequence[Output]) -> Difference | None:
    names = [named[i] if len(named) == len(expected) else Output(f"value {i + 1}") for i in range(len(expected))]
    listed = f" ({', '.join(n.name for n in names)})" if named else ""
    if type(got) not in (tuple, list):
        return Difference("type", f"the answer is {_what(got)}, should be {len(expected)} values{listed}")
    if len(got) != len(expected):
        return Difference("length", f"the answer has {plural(len(got), 'value')}, should have {len(expected)}{listed}")
    for mine, right, name in zip(got, expected, names, strict=True):
        if difference := _value(mine, right, tolerance, name):
            return difference
    return None


def _value(got: Any, expected: Any, tolerance: float | None, output: Output) -> Difference | None:
    name = output.name or "the answer"
    if is_array(expected):
        return _array(got, expected, tolerance, output)
    if is_number(expected):
        return _number(got, expected, tolerance, output)
    if type(expected) in (list, tuple):
        if type(got) not in (list, tuple):
            return Difference("type", f"{name} is {_what(got)}, should be {say(expected)}", output.name)
        if len(got) != len(expected):
            message = f"{name} has length {len(got)}, should have {len(expected)}"
            return Difference("length", message, output.name)
        inside = [(f"{output.name}[{i}]", g, e) for i, (g, e) in enumerate(zip(got, expected, strict=True))]
    elif type(expected) is dict:
        if type(got) is not dict:
            return Difference("type", f"{name} is {_what(got)}, should be a dict", output.name)
        missing = [key for key in expected if key not in got]
        surplus = [key for key in got if key not in expected]
        if missing or surplus:
            what = (
                f"has no {missing[0]!r}" if missing else one_line(f"has {surplus[0]!r}, which should not be there", 80)
            )
            return Difference("keys", f"{name} {what}", output.name)
        inside = [(f"{output.name}[{key!r}]", got[key], expected[key]) for key in expected]
    elif expected is None or type(expected) is str:
        if type(got) is type(expected) and got == expected:
            return None
        return Difference("value", f"{name} is {_what(got)}, should be {say(expected)}", output.name)
    else:
        raise TypeError(f"a check compares plain data only, and was given {kind(expected)} as the right answer")
    for label, mine, right in inside:
        if difference := _value(mine, right, tolerance, Output(label)):
            return difference
    return None


def _what(got: Any) -> str:
    if got is None:
        return "None (is there a `return`?)"
    if isinstance(got, np.ndarray) and type(got) is not np.ndarray:
        return f"{kind(got)}, not a plain array"
    return say(got)


def _number(got: Any, expected: Any, tolerance: float | None, output: Output) -> Difference | None:
    name = output.name or "the answer"
    if is_array(got) and got.ndim == 0:
        got = got[()]
    right = np.asarray(expected)
    if not is_number(got):
        return Difference("type", f"{name} is {_what(got)}, should be a number", output.name)
    mine = np.asarray(got)
    if right.dtype.kind == "b" and mine.dtype.kind != "b":
        return Difference("type", f"{name} is {number(got)}, should be True or False", output.name)
    if right.dtype.kind in "iu" and mine.dtype.kind not in "iu":
        why = (
            "a whole number (int) is needed: // divides without a fraction"
            if mine.dtype.kind == "f"
            else "an int is needed"
        )
        return Difference("type", f"{name} is {number(got)}, of type {type(got).__name__}; {why}", output.name)
    if mine.dtype.kind == "b" and right.dtype.kind != "b":
        return Difference("type", f"{name} is {number(got)}, should be a number", output.name)
    return _elements(mine, right, tolerance, output)


def _array(got: Any, expected: Array, tolerance: float | None, output: Output) -> Difference | None:
    name = output.name or "the answer"
    if not is_array(got):
        article = "a number" if is_number(got) else _what(got)
        return Difference("type", f"{name} is {article}, should be {say(expected)}", output.name)
    if got.shape != expected.shape:
        return Difference("shape", _shapes(got, expected, output), output.name)
    difference = _elements(got, expected, tolerance, output)
    if difference is None and not _fits(got.dtype, expected.dtype):
        message = f"{name} has dtype {got.dtype}, should have {expected.dtype}; the values are right"
        return Difference("dtype", message, output.name)
    return difference


def _fits(got: np.dtype[Any], expected: np.dtype[Any]) -> bool:
    """The same dtype; of whole numbers any size, since that differs between platforms."""
    return got == expected or (got.kind in "iu" and expected.kind in "iu")


def _shapes(got: Array, expected: Array, output: Output) -> str:
    name = output.name or "the answer"
    if got.ndim != expected.ndim:
        axes = f" ({', '.join(output.axes)})" if len(output.axes) == expected.ndim else ""
        return f"{name} has shape {got.shape}, should have {expected.shape}{axes}"
    called = output.axes if len(output.axes) == expected.ndim else ("",) * expected.ndim
    wrong = [
        f"axis {i}{f' ({axis})' if axis else ''}: {mine}, should be {right}"
        for i, (axis, mine, right) in enumerate(zip(called, got.shape, expected.shape, strict=True))
        if mine != right
    ]
    note = "; these are the right sizes in another order" if sorted(got.shape) == sorted(expected.shape) else ""
    return f"shape of {name}: " + "; ".join(wrong) + note


def _elements(got: Array, expected: Array, tolerance: float | None, output: Output) -> Difference | None:
    """Compare every element of two arrays of one shape."""
    wrong = ~_close(got, expected, tolerance)
    if not wrong.any():
        return None
    name = output.name or "the answer"
    index = tuple(int(i) for i in np.unravel_index(int(np.argmax(wrong)), wrong.shape))
    mine, right = got[index], expected[index]
    element = f"{name}{list(index)}" if index else name
    if index and not output.name:
        element = f"element {list(index)}"
    digits = next((d for d in (6, 9, 12) if number(mine, d) != number(right, d)), 17)
    message = f"{element} is {number(mine, digits)}, should be {number(right, digits)}"
    error = _relative(got, expected, wrong)
    if wrong.size > 1:
        share = f"{100 * wrong.mean():.2g} %" if not wrong.all() else "all"
        message += f"; {wrong.sum()} of {wrong.size} elements are wrong ({share})"
        if error is not None:
            message += f", the largest relative error is {error:.2g}"
    lost = ~np.isfinite(got) & np.isfinite(expected)
    kind_ = "nan" if lost[index] else "value"
    if lost.any():
        what = "NaN" if np.isnan(got[lost]).any() else "infinite"
        message += f"; {plural(int(lost.sum()), 'element')} {'is' if lost.sum() == 1 else 'are'} {what}"
    return Difference(
        kind_, message, output.name, index if index else None, _float(mine), _float(right), int(wrong.sum()),
        wrong.size, error, "" if lost.any() else pattern(got, expected, _close), plane(wrong, index),
    )  # fmt: skip


def _close(got: Array, expected: Array, tolerance: float | None = None) -> npt.NDArray[np.bool_]:
    """Which elements agree, up to rounding in another order."""
    if expected.dtype.kind not in "fc" and got.dtype.kind not in "fc":
        return np.asarray(got == expected)
    sizes = [a.dtype.itemsize // (2 if a.dtype.kind == "c" else 1) for a in (got, expected) if a.dtype.kind in "fc"]
    relative, typical, absolute = _TOLERANCE.get(min(sizes), _TOLERANCE[8])
    if tolerance is not None:
        relative, typical, absolute = tolerance, 0.1 * tolerance, 1e-4 * tolerance
    wide = np.complex128 if "c" in (got.dtype.kind, expected.dtype.kind) else np.float64
    got, expected = got.astype(wide), expected.astype(wide)
    sized = np.abs(expected[np.isfinite(expected) & (expected != 0)])
    scale = float(np.median(sized)) if sized.size else 0.0
    with np.errstate(invalid="ignore", over="ignore"):
        near = np.abs(got - expected) <= relative * np.abs(expected) + typical * scale + absolute
    finite = np.isfinite(got) & np.isfinite(expected)
    same = (got == expected) | (np.isnan(got) & np.isnan(expected))
    return np.asarray(np.where(finite, near, same))


def _relative(got: Array, expected: Array, wrong: Array) -> float | None:
    finite = wrong & np.isfinite(got) & np.isfinite(expected)
    if not finite.any():
        return None
    mine, right = got[finite].astype(np.complex128), expected[finite].astype(np.complex128)
    return float((np.abs(mine - right) / np.maximum(np.abs(mine), np.abs(right))).max())


def _float(value: Any) -> float:
    return float(np.real(value))
