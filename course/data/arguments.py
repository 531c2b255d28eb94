"""Arguments that cannot mean anything are refused here, by a sentence that says what would fit."""

from math import isfinite
from numbers import Real
from reprlib import repr as shortened
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["check_array", "check_callable", "check_number", "check_rng", "pair", "truths", "whole", "whole_pair"]


def check_array(name: str, array: object) -> None:
    """Require a NumPy array, or one of NumPy's scalars, which an array without axes turns into.

    >>> check_array("x", [1.0])
    Traceback (most recent call last):
    TypeError: x is a list; a NumPy array would fit
    """
    if not isinstance(array, np.ndarray | np.generic):
        raise TypeError(f"{name} is a {type(array).__name__}; a NumPy array would fit")


def check_callable(name: str, value: object, fits: str) -> None:
    """Require a function, or what can be called like one.

    >>> check_callable("loss", "softmax", "ops.softmax_loss")
    Traceback (most recent call last):
    TypeError: loss is 'softmax', which is no function; ops.softmax_loss would fit
    >>> check_callable("schedule", complex, "cosine(epochs=10)")
    Traceback (most recent call last):
    TypeError: schedule is the class complex; cosine(epochs=10) would fit
    """
    if isinstance(value, type):
        raise TypeError(f"{name} is the class {value.__name__}; {fits} would fit")
    if not callable(value):
        raise TypeError(f"{name} is {shortened(value)}, which is no function; {fits} would fit")


def check_number(name: str, value: object) -> None:
    """Require a finite number, Python's or NumPy's.

    >>> check_number("lr", float("nan"))
    Traceback (most recent call last):
    ValueError: lr is nan; a finite number would fit
    """
    if not isinstance(value, Real) or isinstance(value, bool):
        raise TypeError(f"{name} is {value!r}; a number would fit")
    if not isfinite(value):
        raise ValueError(f"{name} is {value}; a finite number would fit")


def check_rng(rng: object) -> None:
    """Require a random generator: a seed would draw the same again and again, None nothing that can be repeated.

    >>> check_rng(3)
    Traceback (most recent call last):
    TypeError: rng is 3; np.random.default_rng(0) would fit
    """
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng is {rng!r}; np.random.default_rng(0) would fit")


def pair(name: str, value: object) -> tuple[Any, Any]:
    """Read samples and their targets, (x, y).

    >>> pair("data", 3)
    Traceback (most recent call last):
    TypeError: data is 3; a pair (x, y) would fit
    """
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise TypeError(f"{name} is {shortened(value)}; a pair (x, y) would fit")
    return value[0], value[1]


def truths(name: str, value: object) -> npt.NDArray[np.bool_]:
    """Read yes or no, once or many times: True and False, or 1 and 0.

    >>> truths("hits", 0.5)
    Traceback (most recent call last):
    TypeError: hits is 0.5; True or False would fit
    """
    answers = np.asarray(value)
    if answers.dtype.kind not in "biuf" or not np.isin(answers, (0, 1)).all():
        raise TypeError(f"{name} is {shortened(value)}; True or False would fit")
    return answers.astype(bool)


def whole(name: str, value: object, *, least: int = 1) -> int:
    """Read a whole number: an int or NumPy's, but neither True nor 2.0.

    >>> whole("epochs", 1.5)
    Traceback (most recent call last):
    TypeError: epochs is 1.5; a whole number would fit
    """
    if not isinstance(value, int | np.integer) or isinstance(value, bool):
        raise TypeError(f"{name} is {value!r}; a whole number would fit")
    if value < least:
        raise ValueError(f"{name} is {value}; {least} or more would fit")
    return int(value)


def whole_pair(name: str, value: object, fits: str, *, least: int = 1) -> tuple[int, int]:
    """Read two whole numbers, or one that stands for both.

    >>> whole_pair("size", 16, "(H, W)"), whole_pair("size", (16, 20), "(H, W)")
    ((16, 16), (16, 20))
    >>> whole_pair("size", (16,), "(H, W)")
    Traceback (most recent call last):
    TypeError: size is (16,); a whole number or (H, W) would fit
    """
    first, *rest = value if isinstance(value, tuple | list | np.ndarray) and len(value) else (value, value)
    if len(rest) != 1:
        raise TypeError(f"{name} is {value!r}; a whole number or {fits} would fit")
    return whole(name, first, least=least), whole(name, rest[0], least=least)
