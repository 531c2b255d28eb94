"""Is a derivative right? Compare it with the slope that two nearby function values show.

    ∂f/∂xᵢ ≈ (f(x + h·eᵢ) − f(x − h·eᵢ)) / 2h          the error shrinks with h², rounding grows with 1/h

`check_gradients` does so for every element: slow, and it says which element is wrong. `check_direction` takes
one random direction v and compares ⟨dy, J·v⟩ with ⟨dx, v⟩: two forward calls an input, however large it is.
Both know nothing of what they check: any `y, cache = op(…)` with its `op_backward(dy, cache)`, and any loss.

The difference quotient is always taken in float64, the derivative in the dtype of the arguments, and that dtype
sets the tolerance. Keep the arguments clear of kinks (ReLU at 0, ties of a maximum): there is no slope there.
"""

from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import partial
from inspect import signature
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = ["TOLERANCE", "GradientError", "check_direction", "check_gradients", "numerical_gradient"]

Array: TypeAlias = npt.NDArray[Any]
Function: TypeAlias = Callable[..., Any]

# h near the cube root of the rounding error, where its two errors balance
_H = {np.dtype(np.float32): 5e-3, np.dtype(np.float64): 1e-5}

TOLERANCE = {np.dtype(np.float32): 1e-3, np.dtype(np.float64): 1e-6}
"""The relative error that a right derivative stays below, by the dtype that it is computed in."""

# Errors are measured against no smaller a slope: h² of the third derivative hides it.
_RESOLVED = 1e-4


class GradientError(AssertionError):
    """A derivative and the difference quotient disagree; the message says where and by how much."""


def numerical_gradient(f: Callable[[Array], Any], x: Array, *, h: float | None = None) -> Array:
    """Differentiate a scalar function by central differences, one element after the other.

    Args:
        f: takes an array of the shape of x and gives one number.
        x: any shape, float32 or float64; it is not changed.
        h: half the distance of the two points; by default 1e-5 in float64 and 5e-3 in float32.

    Returns:
        The gradient, with the shape and dtype of x. It costs two calls of f for every element.

    Raises:
        TypeError: x is not an array of float32 or float64.
        ValueError: f does not give a single number, or h is not positive.

    Source: HLCV, "Gradient Descent (in multiple dimensions)"; 442, "Previously – Backpropagation" for f(x).

    >>> numerical_gradient(lambda x: float((-x + 3) @ (-x + 3)), np.array([1.0, 5.0])).round(6)
    array([-4.,  4.])
    """
    if not isinstance(x, np.ndarray) or x.dtype not in _H:
        found = f"dtype {x.dtype}" if isinstance(x, np.ndarray) else f"type {type(x).__name__}"
        raise TypeError(f"x has {found}; an array of float32 or float64 would fit")
    h = _H[x.dtype] if h is None else h
    if not h > 0:
        raise ValueError(f"h={h} is no distance; h must be positive")

    gradient = np.empty(x.shape, x.dtype)
    for i in np.ndindex(x.shape):
        above, below = x.copy(), x.copy()
        above[i] += h
        below[i] -= h
        distance = float(above[i]) - float(below[i])  # not 2h: x ± h are rounded
        gradient[i] = (_number(f(above)) - _number(f(below))) / distance
    return gradient


def check_gradients(
    op: Function, op_backward: Function | None, *args: Any, rng: np.random.Generator, **hyper: Any
) -> dict[str, float]:
    """Check every element of every gradient of a function pair, with a random upstream gradient.

    Args:
        op: `y, cache = op(*args, **hyper)`; or a loss, `loss, dscores = op(scores, labels, **hyper)`.
        op_backward: `dx, *dparams = op_backward(dy, cache)`; None if op is a loss.
        args: the arguments of op. Floating-point arrays are differentiated (of a loss only the first); the rest
            is passed on, as a fresh copy each time, so that a state updated in place stays the same.
        rng: draws the upstream gradient dy. An op that draws numbers itself must draw the same at every call:
            `lambda x: dropout(x, p=0.5, training=True, rng=np.random.default_rng(0))`.
        hyper: the keyword-only arguments of op.

    Returns:
        The largest relative error of each gradient, by name: {"dx": 2e-11, …}.

    Raises:
        GradientError: a gradient has a wrong shape, dtype or value, or one is missing.

    >>> def scale(x, a):
    ...     return x * a, (x, a)
    >>> def scale_backward(dy, cache):
    ...     x, a = cache
    ...     return dy * a, (dy * x).sum(axis=0) / len(x)
    >>> x, a = np.ones((4, 3)), np.full(3, 2.0)
    >>> check_gradients(scale, scale_backward, x, a, rng=np.random.default_rng(0))
    Traceback (most recent call last):
    course.gradcheck.GradientError: da[0] is 0.0673..., the difference quotient 0.269... (relative error 0.75);
    3 of 3 elements of da differ by more than 1e-06
    """
    errors = {}
    for name, x, analytic, f, noise in _gradients(op, op_backward, args, hyper, rng):
        numeric = numerical_gradient(f, x.astype(np.float64))
        floor = max(0.1 * float(np.abs(numeric).mean()) if numeric.size else 0.0, _RESOLVED)
        scale = np.maximum(np.maximum(np.abs(analytic), np.abs(numeric)), floor)
        error = np.maximum(np.abs(analytic - numeric) - noise, 0) / scale
        bad = ~(error <= TOLERANCE[x.dtype])  # NaN is bad too
        if bad.any():
            i = tuple(int(k) for k in np.unravel_index(np.argmax(bad), bad.shape))
            where = f"{name}[{', '.join(map(str, i))}]" if i else name
            raise GradientError(
                f"{where} is {analytic[i]:.6g}, the difference quotient {numeric[i]:.6g} "
                f"(relative error {error[i]:.2g}); {bad.sum()} of {bad.size} elements of {name} "
                f"differ by more than {TOLERANCE[x.dtype]:g}"
            )
        errors[name] = float(error.max(initial=0.0))
    return errors


def check_direction(
    op: Function, op_backward: Function | None, *args: Any, rng: np.random.Generator, **hyper: Any
) -> dict[str, float]:
    """Check every gradient of a function pair along one random direction v: ⟨dy, J·v⟩ = ⟨dx, v⟩.

    Arguments, results and errors are those of `check_gradients`; it takes two forward calls an input.

    >>> check_direction(lambda x: (x**2, (x,)), lambda dy, cache: 2 * cache[0] * dy, np.ones(1000),
    ...                 rng=np.random.default_rng(0))["dx"] < 1e-8
    True
    """
    errors = {}
    h = _H[np.dtype(np.float64)]
    for name, x, analytic, f, noise in _gradients(op, op_backward, args, hyper, rng):
        v = rng.standard_normal(x.shape)
        numeric = (f(x + h * v) - f(x - h * v)) / (2 * h)
        products = analytic * v
        along = float(products.sum())
        # the terms of ⟨dx, v⟩ have random signs: measure against their size, not against what is left of it
        scale = max(abs(numeric), float(np.sqrt((products**2).sum())), _RESOLVED)
        error = np.maximum(abs(along - numeric) - noise, 0) / scale
        if not error <= TOLERANCE[x.dtype]:
            raise GradientError(
                f"⟨{name}, v⟩ is {along:.6g} along a random v, the difference quotient {numeric:.6g} "
                f"(relative error {error:.2g})"
            )
        errors[name] = float(error)
    return errors


def _gradients(
    op: Function,
    op_backward: Function | None,
    args: tuple[Any, ...],
    hyper: dict[str, Any],
    rng: np.random.Generator,
) -> Iterator[tuple[str, Array, Array, Callable[[Array], float], float]]:
    """Give, for each argument with a gradient: its name, itself, the gradient, f: x ↦ ⟨dy, op(…, x, …)⟩, and
    what the rounding of f may do to a difference quotient."""
    places = [i for i, arg in enumerate(args) if isinstance(arg, np.ndarray) and arg.dtype in TOLERANCE]
    precise = [arg.astype(np.float64) if i in places else arg for i, arg in enumerate(args)]
    y, last = op(*deepcopy(args), **deepcopy(hyper))
    if op_backward is None:
        dy: Any = 1.0
        gradients, places = (last,), places[:1]
    else:
        dy = rng.standard_normal(y.shape).astype(y.dtype)
        found = op_backward(dy.copy(), last)
        gradients = tuple(g for g in (found if isinstance(found, tuple) else (found,)) if g is not None)
    if len(gradients) != len(places):
        raise GradientError(f"there are {len(gradients)} gradients for {len(places)} arrays")

    def with_argument(place: int, moved: Array) -> float:
        changed = [moved if i == place else deepcopy(arg) for i, arg in enumerate(precise)]
        return float(np.sum(dy * op(*changed, **deepcopy(hyper))[0]))

    noise = 4 * np.finfo(np.float64).eps * float(np.abs(dy * y).sum()) / _H[np.dtype(np.float64)]
    names = _names(op, len(args))
    for place, gradient in zip(places, gradients, strict=True):
        x, name = args[place], names[place]
        shape, dtype = np.shape(gradient), getattr(gradient, "dtype", type(gradient).__name__)
        if shape != x.shape or dtype != x.dtype:
            raise GradientError(
                f"d{name} has shape {shape} and dtype {dtype}; {x.shape} and {x.dtype} would fit, as {name} has"
            )
        yield f"d{name}", x, gradient, partial(with_argument, place), noise


def _names(op: Function, count: int) -> list[str]:
    """Name the positional arguments, by the signature where there is one."""
    try:
        parameters = [p.name for p in signature(op).parameters.values() if p.kind is not p.VAR_POSITIONAL]
    except (TypeError, ValueError):
        parameters = []
    return [parameters[i] if i < len(parameters) else f"argument {i + 1}" for i in range(count)]


def _number(value: Any) -> float:
    if np.ndim(value) != 0:
        raise ValueError(f"f gives an array of shape {np.shape(value)}; a single number would fit")
    return float(value)
