"""Says values in words: short, on one line, and safe to show whatever they hold."""

from collections.abc import Mapping, Sequence
from functools import partial
from types import FunctionType
from typing import Any

import numpy as np

__all__ = ["a_call", "is_array", "is_number", "kind", "number", "one_line", "plural", "returned", "say"]

_NUMBERS = (bool, float, complex)
PLAIN = "biufc"  # kinds of arrays that hold nothing but numbers


def is_number(value: Any) -> bool:
    """A plain number of NumPy's range: a subclass might lie, an array without axes is none."""
    if type(value) is int:
        return -(2**63) <= value < 2**63
    return type(value) in _NUMBERS or (isinstance(value, np.generic) and _is_numpys(value))


def is_array(value: Any) -> bool:
    """A plain array of numbers: a subclass might lie, objects are no numbers."""
    return type(value) is np.ndarray and value.dtype.kind in PLAIN


def _is_numpys(value: np.generic) -> bool:
    return type(value).__module__ == "numpy" and value.dtype.kind in PLAIN


def one_line(text: str, length: int = 160) -> str:
    """Text without line breaks and control characters, cut to a length."""
    text = " ".join("".join(c if c.isprintable() else " " for c in text[: 4 * length]).split())
    return text if len(text) <= length else text[: length - 1] + "…"


def number(value: Any, digits: int = 6) -> str:
    """A number in a few digits.

    >>> number(1 / 3), number(2), number(float("nan"))
    ('0.333333', '2', 'nan')
    """
    if isinstance(value, bool | np.bool_):
        return str(bool(value))
    if isinstance(value, int | np.integer):
        return str(int(value))
    if isinstance(value, complex | np.complexfloating):
        return f"{complex(value):.{digits}g}"
    return f"{float(value):.{digits}g}"


def plural(count: int, noun: str) -> str:
    """Count things: "1 array", "2 arrays"."""
    return f"{count} {noun}" + ("" if count == 1 else "s")


def kind(value: Any) -> str:
    """What a value is, with its article."""
    if value is None:
        return "None"
    if value is Ellipsis:
        return "..."
    if type(value) is np.ndarray:
        return "an array" if value.dtype.kind in PLAIN else "an array of objects, not of numbers"
    if type(value) is int and not is_number(value):
        return f"an int of {value.bit_length()} bits"
    if isinstance(value, type):
        return one_line(f"the class {value.__name__}", 60)
    name = one_line(type(value).__name__, 60)
    known = {"bool": "a truth value", "str": "a text", "function": "a function"}
    if type(value).__module__ not in ("builtins", "numpy"):
        return f"an object of type {name}"
    return known.get(name, f"an {name}" if name[:1].lower() in "aeiou" else f"a {name}")


def say(value: Any) -> str:
    """A value in a few words: numbers as they are, arrays by shape and dtype.

    >>> say(np.zeros((2, 3))), say(5), say([1, 2]), say(None)
    ('an array of shape (2, 3), float64', '5', 'a list of 2', 'None')
    """
    if is_number(value):
        return number(value)
    if is_array(value):
        return f"an array of shape {value.shape}, {value.dtype}"
    if type(value) is str:
        return one_line(repr(value[:200]), 60)
    if type(value) in (list, tuple, dict):
        return f"{kind(value)} of {len(value)}"
    return kind(value)


def returned(value: Any) -> str:
    """What a function returned: of a tuple, what is in it.

    >>> returned((np.zeros((2, 3)), 5)), returned([1, 2]), returned(None)
    ('(array (2, 3), 5)', 'a list of 2', 'None')
    """
    if type(value) is not tuple or not 1 < len(value) <= 5:
        return say(value)
    return one_line(f"({', '.join(map(_brief, value))})")


def a_call(name: str, args: Sequence[Any], kwargs: Mapping[str, Any], function: Any = None) -> str:
    """A call as one would write it, arrays by their shape.

    "" if what is called is a function of a check's own around the one of that name: it may take other arguments.

    >>> a_call("conv2d", [np.zeros((2, 3)), 1], {"stride": 2})
    'conv2d(array (2, 3), 1, stride=2)'
    """
    if isinstance(function, FunctionType | partial) and getattr(function, "__name__", "") != name:
        return ""
    shown = [_brief(arg) for arg in args] + [f"{key}={_brief(arg)}" for key, arg in kwargs.items()]
    return one_line(f"{name}({', '.join(shown)})")


def _brief(value: Any) -> str:
    if is_array(value):
        return f"array {value.shape}"
    if is_number(value):
        return number(value)
    if value is None or type(value) in (str, tuple, list, dict):
        return one_line(repr(value) if _is_short(value) else f"{type(value).__name__} of {len(value)}", 40)
    return type(value).__name__


def _is_short(value: Any) -> bool:
    if type(value) in (tuple, list):
        return len(value) <= 4 and all(is_number(v) or v is None for v in value)
    return value is None or type(value) is str
