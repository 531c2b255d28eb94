"""Compares an answer with the one expected, and says of the first difference what and where it is.

Only plain data counts: numbers, texts, lists, tuples, dicts and arrays of exactly these types. Whatever else an answer
is, its own `==`, `__array__` or `sum` are never asked.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np

from .elements import Array, Difference, Output, axis, elements
from .wording import is_array, is_number, kind, number, plural, say

__all__ = ["compare", "outputs", "without_cache"]


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


@np.errstate(all="ignore")  # whatever the student has set
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
            pair = _exchanged(got, expected, tolerance)
            both = f"{names[pair[0]].name} and {names[pair[1]].name} are exchanged: " if pair else ""
            return replace(difference, message=both + difference.message)
    return None


def _exchanged(got: Any, expected: Any, tolerance: float | None) -> tuple[int, int] | None:
    """Two places whose values are each other's; None if there are none."""

    def fits(i: int, j: int) -> bool:
        return _value(got[i], expected[j], tolerance, Output()) is None

    places = combinations(range(len(expected)), 2)
    return next(((i, j) for i, j in places if fits(i, j) and fits(j, i) and not fits(i, i)), None)


def _value(got: Any, expected: Any, tolerance: float | None, output: Output) -> Difference | None:
    if is_array(expected):
        return _array(got, expected, tolerance, output)
    if is_number(expected):
        return _number(got, expected, tolerance, output)
    name = output.name or "the answer"
    if type(expected) in (list, tuple):
        if type(got) not in (list, tuple):
            return Difference("type", f"{name} is {_what(got)}, should be {say(expected)}", output.name)
        if len(got) != len(expected):
            return Difference("length", f"{name} has length {len(got)}, should have {len(expected)}", output.name)
        keys: list[Any] = list(range(len(expected)))
    elif type(expected) is dict:
        if type(got) is not dict:
            return Difference("type", f"{name} is {_what(got)}, should be a dict", output.name)
        if fault := _keys(got, expected):
            return Difference("keys", f"{name} {fault}", output.name)
        keys = list(expected)
    elif expected is None or type(expected) is str:
        if type(got) is type(expected) and got == expected:
            return None
        return Difference("value", f"{name} is {_what(got)}, should be {say(expected)}", output.name)
    else:
        raise TypeError(f"a check compares plain data only, and was given {kind(expected)} as the right answer")
    differences = (_value(got[key], expected[key], tolerance, Output(f"{output.name}[{key!r}]")) for key in keys)
    return next((difference for difference in differences if difference), None)


def _keys(got: dict[Any, Any], expected: dict[Any, Any]) -> str:
    """What is wrong with the keys of a dict; a key of a type of the student's own is not even compared."""
    for key in got:
        if type(key) not in (str, int) or key not in expected:
            return f"has the key {say(key)}, which should not be there"
    missing = [key for key in expected if key not in got]
    return f"has no key {say(missing[0])}" if missing else ""


def _what(got: Any) -> str:
    if got is None:
        return "None"
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
        why = "should be an int" + ("; // divides without a fraction" if mine.dtype.kind == "f" else "")
        return Difference("type", f"{name} is {number(got)}, of type {type(got).__name__}; {why}", output.name)
    if mine.dtype.kind == "b" and right.dtype.kind != "b":
        return Difference("type", f"{name} is {number(got)}, should be a number", output.name)
    return elements(mine, right, tolerance, output)


def _array(got: Any, expected: Array, tolerance: float | None, output: Output) -> Difference | None:
    name = output.name or "the answer"
    if not is_array(got):
        article = "a number" if is_number(got) else _what(got)
        return Difference("type", f"{name} is {article}, should be {say(expected)}", output.name)
    if got.shape != expected.shape:
        return Difference("shape", _shapes(got, expected, output), output.name)
    difference = elements(got, expected, tolerance, output)
    if difference and got.dtype.kind in "iu" and expected.dtype.kind == "f":
        cut = f"{name} has dtype {got.dtype}, which cuts off what follows the decimal point: make it with dtype=float"
        return replace(difference, message=f"{difference.message}; {cut}")
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
    wrong = [
        f"{axis(i, output)}: {mine}, should be {right}"
        for i, (mine, right) in enumerate(zip(got.shape, expected.shape, strict=True))
        if mine != right
    ]
    note = "; these are the right sizes in another order" if sorted(got.shape) == sorted(expected.shape) else ""
    return f"shape of {name}: " + "; ".join(wrong) + note
