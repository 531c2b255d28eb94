"""Is a derivative right? Compare it with the slope that two nearby function values show.

    ∂f/∂xᵢ ≈ (f(x + h·eᵢ) − f(x − h·eᵢ)) / 2h          the error shrinks with h², rounding grows with 1/h

`check_gradients` does so for every element: slow, and it says which element is wrong. `check_direction` takes
one random direction v and compares ⟨dy, J·v⟩ with ⟨dx, v⟩: two forward calls an input, however large it is.
Both know nothing of what they check: any `y, cache = op(…)` with its `op_backward(dy, cache)`, and any loss.

The difference quotient is always taken in float64, the derivative in the dtype of the arguments, and that dtype
sets the tolerance. What the rounding of the function values may do to the quotient is allowed for; where it may do
as much as the slope itself, the check says so. Keep the arguments clear of kinks (ReLU at 0, ties of a maximum): there
is no slope there.
"""

from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import partial
from inspect import signature
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from course.data.arguments import check_rng

__all__ = ["TOLERANCE", "GradientError", "check_direction", "check_gradients", "numerical_gradient"]

Array: TypeAlias = npt.NDArray[Any]
Function: TypeAlias = Callable[..., Any]

# h near the cube root of the rounding error, where its two errors balance
_H = {np.dtype(np.float32): 5e-3, np.dtype(np.float64): 1e-5}
_STEP = _H[np.dtype(np.float64)]

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
        ValueError: f does not give a single number, h is not positive, or so small beside x that x ± h is x.

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
    for i, above, below, distance in _neighbours(x, h):
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
        GradientError: a gradient has a wrong shape, dtype or value, or one is missing; op changes an argument in
            place; or its values are so large that their rounding hides the slope.
        TypeError: rng is no generator.

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
    for name, x, analytic, f in _gradients(op, op_backward, args, hyper, rng):
        numeric, noise = np.empty(x.shape), np.empty(x.shape)
        for i, above, below, distance in _neighbours(x.astype(np.float64), _STEP):
            numeric[i], noise[i] = _quotient(f(above), f(below), distance)
        floor = max(0.1 * float(np.abs(numeric).mean()) if numeric.size else 0.0, _RESOLVED)
        scale = np.maximum(np.maximum(np.abs(analytic), np.abs(numeric)), floor)
        if (noise >= scale).any():
            i = _first(noise >= scale)
            raise GradientError(_hidden(_element(name, i), numeric[i], noise[i]))
        difference = np.abs(analytic - numeric)
        error = difference / scale
        bad = ~(difference - noise <= TOLERANCE[x.dtype] * scale)  # NaN is bad too
        if bad.any():
            i = _first(bad)
            raise GradientError(
                f"{_element(name, i)} is {analytic[i]:.6g}, the difference quotient {numeric[i]:.6g} "
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
    for name, x, analytic, f in _gradients(op, op_backward, args, hyper, rng):
        v = rng.standard_normal(x.shape)
        numeric, noise = _quotient(f(x + _STEP * v), f(x - _STEP * v), 2 * _STEP)
        products = analytic * v
        along = float(products.sum())
        # the terms of ⟨dx, v⟩ have random signs: measure against their size, not against what is left of it
        scale = max(abs(numeric), float(np.sqrt((products**2).sum())), _RESOLVED)
        if noise >= scale:
            raise GradientError(_hidden(f"⟨{name}, v⟩", numeric, noise))
        error = abs(along - numeric) / scale
        if not abs(along - numeric) - noise <= TOLERANCE[x.dtype] * scale:
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
) -> Iterator[tuple[str, Array, Array, Callable[[Array], Array]]]:
    """Give, for each argument with a gradient: its name, itself, the gradient, and f: x ↦ dy·op(…, x, …), the terms
    of ⟨dy, y⟩."""
    check_rng(rng)
    places = [i for i, arg in enumerate(args) if isinstance(arg, np.ndarray) and arg.dtype in TOLERANCE]
    precise = [arg.astype(np.float64) if i in places else arg for i, arg in enumerate(args)]
    names = _names(op, len(args))
    given = deepcopy(args)
    y, last = op(*given, **deepcopy(hyper))
    if op_backward is None:
        dy: Any = 1.0
        gradients, places = (last,), places[:1]
    else:
        dy = rng.standard_normal(y.shape).astype(y.dtype)
        found = op_backward(dy.copy(), last)
        gradients = tuple(g for g in (found if isinstance(found, tuple | list) else (found,)) if g is not None)
    if len(gradients) != len(places):
        raise GradientError(f"there are {len(gradients)} gradients for {len(places)} arrays")

    for place in places:
        if not np.array_equal(given[place], args[place], equal_nan=True):
            raise GradientError(f"op changes {names[place]} in place; a new array would fit")

    def with_argument(place: int, moved: Array) -> Array:
        changed = [moved if i == place else deepcopy(arg) for i, arg in enumerate(precise)]
        return np.asarray(dy * op(*changed, **deepcopy(hyper))[0])

    for place, gradient in zip(places, gradients, strict=True):
        x, name = args[place], names[place]
        shape, dtype = np.shape(gradient), getattr(gradient, "dtype", type(gradient).__name__)
        if shape != x.shape or dtype != x.dtype:
            raise GradientError(
                f"d{name} has shape {shape} and dtype {dtype}; {x.shape} and {x.dtype} would fit, as {name} has"
            )
        yield f"d{name}", x, gradient, partial(with_argument, place)


def _neighbours(x: Array, h: float) -> Iterator[tuple[tuple[int, ...], Array, Array, float]]:
    """Give, for each element: its index, x with h more there, x with h less, and how far apart the two are."""
    for i in np.ndindex(x.shape):
        above, below = x.copy(), x.copy()
        above[i] += h
        below[i] -= h
        distance = float(above[i]) - float(below[i])  # not 2h: x ± h are rounded
        if distance == 0:
            raise ValueError(f"h={h:g} vanishes beside {x[i]:g} in {x.dtype}; a larger h would fit, or smaller numbers")
        yield i, above, below, distance


def _quotient(above: Array, below: Array, distance: float) -> tuple[float, float]:
    """Sum the terms' difference quotients, and say what their rounding may do to the sum.

    Terms that do not depend on x cancel exactly, however large they are.
    """
    with np.errstate(invalid="ignore"):  # ∞ − ∞ is NaN, which is no slope
        change = above - below
    size = np.abs(above[change != 0] if change.any() else above)
    noise = 4 * np.finfo(np.float64).eps * float(np.sqrt(np.square(size).sum()))
    return float(change.sum()) / distance, noise / distance


def _first(where: Array) -> tuple[int, ...]:
    return tuple(int(k) for k in np.unravel_index(np.argmax(where), where.shape))


def _element(name: str, i: tuple[int, ...]) -> str:
    return f"{name}[{', '.join(map(str, i))}]" if i else name


def _hidden(what: str, numeric: float, noise: float) -> str:
    return (
        f"{what} cannot be checked: the values of op are so large that rounding may put the difference quotient, "
        f"{numeric:.3g}, wrong by {noise:.2g}; smaller values would fit"
    )


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
