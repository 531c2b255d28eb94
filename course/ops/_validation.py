"""Arguments that cannot mean anything are refused here, with a message that says what would fit."""

from math import isfinite
from numbers import Real
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]
Cache: TypeAlias = tuple[Any, ...]

ARRAY = (np.ndarray, np.generic)
"""Arrays, and NumPy's own scalars: they are what an array without axes turns into."""

_FLOATS = (np.dtype(np.float32), np.dtype(np.float64))


def check_floats(**arrays: Array) -> None:
    """Require float32 or float64, all arrays alike, so that a result has the dtype of the inputs.

    Integers are refused rather than converted: which of the two they become is the caller's choice.

    >>> check_floats(x=np.zeros(3, dtype=np.uint8))
    Traceback (most recent call last):
    TypeError: x has dtype uint8; float32 or float64 would fit: x.astype(np.float32)
    """
    first = next(iter(arrays))
    for name, array in arrays.items():
        dtype = _dtype(name, array)
        if dtype not in _FLOATS:
            raise TypeError(f"{name} has dtype {dtype}; float32 or float64 would fit: {name}.astype(np.float32)")
        if dtype != arrays[first].dtype:
            raise TypeError(f"{name} has dtype {dtype}, {first} has {arrays[first].dtype}; one dtype for all would fit")


def check_axes(name: str, array: Array, *layouts: str) -> None:
    """Require the number of axes of one of the layouts, each written like "N, C, H, W".

    >>> check_axes("x", np.zeros((3, 4)), "N, C, H, W")
    Traceback (most recent call last):
    ValueError: x has shape (3, 4); (N, C, H, W) would fit
    """
    if array.ndim not in {layout.count(",") + 1 for layout in layouts}:
        fits = " or ".join(f"({layout})" for layout in layouts)
        raise ValueError(f"{name} has shape {array.shape}; {fits} would fit")


def check_shape(name: str, array: Array, shape: tuple[int, ...], why: str) -> None:
    """Require one exact shape; `why` says where it comes from.

    >>> check_shape("b", np.zeros(3), (4,), "one bias for each filter")
    Traceback (most recent call last):
    ValueError: b has shape (3,); (4,) would fit, one bias for each filter
    """
    if array.shape != shape:
        raise ValueError(f"{name} has shape {array.shape}; {shape} would fit, {why}")


def check_upstream(dy: Array, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    """Require the upstream gradient to have the shape and the dtype of the output that it belongs to.

    >>> check_upstream(np.ones((2, 3)), (2, 4), np.dtype(np.float64))
    Traceback (most recent call last):
    ValueError: dy has shape (2, 3); (2, 4) would fit, the shape of y
    """
    if _dtype("dy", dy) != dtype:
        raise TypeError(f"dy has dtype {dy.dtype}; {dtype} would fit, the dtype of y")
    check_shape("dy", dy, shape, "the shape of y")


def check_number(name: str, value: object, fits: str) -> float:
    """Require a real, finite number, and give it as Python's own, which does not widen float32 as a np.float64 would.

    >>> check_number("slope", "a", "0 to 1")
    Traceback (most recent call last):
    TypeError: slope='a' is not a number; 0 to 1 would fit
    """
    if isinstance(value, np.ndarray) and not value.ndim:
        value = value[()]
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name}={value!r} is not a number; {fits} would fit")
    number = float(value)
    if not isfinite(number):
        raise ValueError(f"{name}={number}; {fits} would fit, and a finite number")
    return number


def check_cache(cache: Cache, op: str, *kinds: type | tuple[type, ...]) -> Cache:
    """Require a cache as `op` makes it, a tuple of these kinds, and hand it on.

    >>> x, w = check_cache((np.ones(2), (np.ones(2), np.ones(3))), "affine", ARRAY, ARRAY)
    Traceback (most recent call last):
    TypeError: cache is a tuple of 2; what affine gave as its second value would fit
    """
    if not isinstance(cache, tuple) or len(cache) != len(kinds) or not all(map(isinstance, cache, kinds)):
        what = f"tuple of {len(cache)}" if isinstance(cache, tuple) else type(cache).__name__
        raise TypeError(f"cache is a {what}; what {op} gave as its second value would fit")
    return cache


def _dtype(name: str, array: Array) -> np.dtype[Any]:
    if not isinstance(array, ARRAY):
        raise TypeError(f"{name} is a {type(array).__name__}; a NumPy array would fit")
    return array.dtype
