"""Arguments that cannot mean anything are refused here, by a sentence that says what would fit."""

from math import isfinite
from numbers import Real
from reprlib import repr as shortened
from typing import Any

import numpy as np

__all__ = ["check_array", "check_callable", "check_number", "check_rng", "pair", "whole"]


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
