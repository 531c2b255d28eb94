"""The non-linearities, element by element; without them any number of layers would be one affine map.

Each takes float32 or float64 of any shape. At a kink, where there is no derivative, the gradient is the one from
the left: ReLU passes nothing at 0, the leaky ones pass their slope. (ELU follows the slide and counts 0 to the
right.) A NaN stays NaN, forwards and backwards: it is on neither side of a kink.

Masks are multiplied with rather than selected by: on random signs np.where is ten times slower.
"""

import numpy as np

from course.ops._memory import in_memory, lay, lie_rows_first
from course.ops._validation import (
    ARRAY,
    Array,
    Cache,
    check_axes,
    check_cache,
    check_floats,
    check_number,
    check_upstream,
)

__all__ = [
    "elu", "elu_backward", "leaky_relu", "leaky_relu_backward", "prelu", "prelu_backward", "relu", "relu_backward",
    "sigmoid", "sigmoid_backward", "swish", "swish_backward", "tanh", "tanh_backward",
]  # fmt: skip


def sigmoid(x: Array) -> tuple[Array, Cache]:
    """Compute σ(x) = 1/(1 + e⁻ˣ), between 0 and 1, without overflow for any x.

    Shapes: x and y alike.
    Raises: TypeError if x is not an array of float32 or float64.
    Source: IIITS, "Activation Functions"; HLCV, "Backpropagation" (the sigmoid circuit).

    >>> sigmoid(np.array([-1000.0, 0.0, 1.0, 1000.0]))[0].round(2)
    array([0.  , 0.5 , 0.73, 1.  ])
    """
    check_floats(x=x)
    y = _sigmoid(x)
    return y, (y,)


@np.errstate(under="ignore")
def sigmoid_backward(dy: Array, cache: Cache) -> Array:
    """Compute dx = dy·(1 − y)·y.

    Shapes: dy, dx and x alike. Raises: TypeError, ValueError if dy has not the dtype or the shape of y.
    Source: HLCV, "Backpropagation" (the sigmoid as one gate).

    >>> y, cache = sigmoid(np.array([1.0]))
    >>> sigmoid_backward(np.array([1.0]), cache).round(4)
    array([0.1966])
    """
    (y,) = check_cache(cache, "sigmoid", ARRAY)
    check_upstream(dy, y.shape, y.dtype)
    dx: Array = 1 - y
    dx *= y
    dx *= dy
    return dx


@np.errstate(under="ignore")  # e⁻¹⁰⁰⁰ is meant to be 0
def _sigmoid(x: Array) -> Array:
    # 1/(1 + e⁻ˣ) on the right and eˣ/(1 + eˣ) on the left: neither exponent is ever positive
    y: Array = np.exp(np.minimum(x, 0))
    y /= 1 + np.exp(-np.abs(x))
    return y


def tanh(x: Array) -> tuple[Array, Cache]:
    """Compute the hyperbolic tangent, between −1 and 1 around zero.

    Shapes: x and y alike.
    Raises: TypeError if x is not an array of float32 or float64.
    Source: IIITS, "Activation Functions".

    >>> tanh(np.array([-1000.0, 0.0, 1.0]))[0].round(4)
    array([-1.    ,  0.    ,  0.7616])
    """
    check_floats(x=x)
    y = np.tanh(x)
    return y, (y,)


def tanh_backward(dy: Array, cache: Cache) -> Array:
    """Compute dx = dy·(1 − y²).

    Shapes: dy, dx and x alike. Raises: TypeError, ValueError if dy has not the dtype or the shape of y.
    Source: IIITS, "Activation Functions"; HLCV, "A Simple Example" (chain rule).

    >>> tanh_backward(np.array([1.0]), tanh(np.array([1.0]))[1]).round(4)
    array([0.42])
    """
    (y,) = check_cache(cache, "tanh", ARRAY)
    check_upstream(dy, y.shape, y.dtype)
    dx: Array = 1 - y * y
    dx *= dy
    return dx


def relu(x: Array) -> tuple[Array, Cache]:
    """Compute max(0, x).

    Shapes: x and y alike.
    Raises: TypeError if x is not an array of float32 or float64.
    Source: IIITS, "Activation Functions"; EECS 442, "What Can We Represent" (the distance to a line).

    >>> relu(np.array([-2.0, 0.0, 3.0]))[0]
    array([0., 0., 3.])
    """
    check_floats(x=x)
    y = _with_number(np.maximum, x, 0)
    return y, (y,)


def relu_backward(dy: Array, cache: Cache) -> Array:
    """Compute dx = dy where x > 0, else 0, and NaN where x is NaN.

    Shapes: dy, dx and x alike. Raises: TypeError, ValueError if dy has not the dtype or the shape of y.
    Source: IIITS, "Activation Functions"; HLCV, "Patterns in backward flow" (max gate: gradient router).

    >>> relu_backward(np.array([5.0, 5.0, 5.0]), relu(np.array([-2.0, 0.0, 3.0]))[1])
    array([0., 0., 5.])
    """
    (y,) = check_cache(cache, "relu", ARRAY)
    check_upstream(dy, y.shape, y.dtype)
    if y.ndim == 4:
        dy = lay(dy, lie_rows_first(y))  # in the same order it goes ten times as fast
    dx = _step(y)
    dx *= dy
    return dx


def _step(x: Array) -> Array:
    """Compute min(⌈x⌉, 1): 1 where x > 0, 0 or less elsewhere, and NaN where x is, which a comparison would hide."""
    up = np.ceil(x, out=np.empty_like(x, subok=False))
    return _with_number(np.minimum, up, 1, out=up)


def _with_number(extreme: np.ufunc, x: Array, number: float, out: Array | None = None) -> Array:
    """Compute np.maximum or np.minimum of x and a number, which is three times as fast with an array of the number."""
    y = np.empty_like(x, subok=False) if out is None else out
    order = in_memory(x)
    there = x.transpose(order)
    extreme(there, np.full(there.shape[1:], number, x.dtype), out=y.transpose(order))
    return y


def leaky_relu(x: Array, *, slope: float = 0.1) -> tuple[Array, Cache]:
    """Compute max(slope·x, x), with a slope from 0 to 1 (0.1 as on the slide).

    Shapes: x and y alike.
    Raises: TypeError if x is not an array of float32 or float64 or slope no number; ValueError if slope is not
    from 0 to 1.
    Source: IIITS, "Activation Functions".

    >>> leaky_relu(np.array([-2.0, 0.0, 3.0]))[0]
    array([-0.2,  0. ,  3. ])
    """
    check_floats(x=x)
    slope = check_number("slope", slope, "0 to 1")
    if not 0 <= slope <= 1:
        raise ValueError(f"slope={slope}; 0 to 1 would fit")
    return np.maximum(x * slope, x), (x, slope)


def leaky_relu_backward(dy: Array, cache: Cache) -> Array:
    """Compute dx = dy where x > 0, else slope·dy, and NaN where x is NaN.

    Shapes: dy, dx and x alike. Raises: TypeError, ValueError if dy has not the dtype or the shape of y.
    Source: IIITS, "Activation Functions"; HLCV, "A Simple Example" (chain rule).

    >>> leaky_relu_backward(np.array([5.0, 5.0, 5.0]), leaky_relu(np.array([-2.0, 0.0, 3.0]))[1])
    array([0.5, 0.5, 5. ])
    """
    x, slope = check_cache(cache, "leaky_relu", ARRAY, float)
    check_upstream(dy, x.shape, x.dtype)
    dx = _step(x)
    _with_number(np.maximum, dx, slope, out=dx)  # 1 or the slope
    dx *= dy
    return dx


def prelu(x: Array, a: Array) -> tuple[Array, Cache]:
    """Compute max(0, x) + a·min(0, x): a leaky ReLU that learns its slope.

    Shapes: x and y (N, C) or (N, C, H, W); a (C,), a slope for each channel, or (1,), one for all.
    Raises: TypeError if the dtypes are not float32 or float64, both alike; ValueError if a does not fit x.
    Source: named in IIITS, "Layers used to build ConvNets"; He et al., Delving Deep into Rectifiers, 2015.

    >>> prelu(np.array([[-2.0, -2.0], [3.0, 0.0]]), np.array([0.5, 0.25]))[0]
    array([[-1. , -0.5], [ 3. ,  0. ]])
    """
    check_floats(x=x, a=a)
    check_axes("x", x, "N, C", "N, C, H, W")
    if a.shape not in {(1,), (x.shape[1],)}:
        raise ValueError(f"a has shape {a.shape}, x has {x.shape[1]} channels; ({x.shape[1]},) or (1,) would fit")
    y = _with_number(np.minimum, x, 0)
    y *= _along_channels(a, x)
    y += _with_number(np.maximum, x, 0)
    return y, (x, a)


def prelu_backward(dy: Array, cache: Cache) -> tuple[Array, Array]:
    """Compute dx = dy where x > 0, else a·dy; da sums dy·x over all x ≤ 0 that share a slope. A NaN stays NaN.

    Shapes: dy, dx and x alike; da and a alike.
    Raises: TypeError, ValueError if dy has not the dtype or the shape of y.
    Source: He et al., Delving Deep into Rectifiers, 2015, section 2.1; HLCV, "A Simple Example" (chain rule).

    >>> prelu_backward(np.array([[1.0, 2.0]]), prelu(np.array([[-2.0, 3.0]]), np.array([0.5, 0.25]))[1])
    (array([[0.5, 2. ]]), array([-2.,  0.]))
    """
    x, a = check_cache(cache, "prelu", ARRAY, ARRAY)
    check_upstream(dy, x.shape, x.dtype)
    da = (dy * _with_number(np.minimum, x, 0)).sum(axis=(0, *range(2, x.ndim)))
    dx = _step(x)
    _with_number(np.maximum, dx, 0, out=dx)
    dx += (x <= 0) * _along_channels(a, x)
    dx *= dy
    return dx, da if a.shape == da.shape else da.sum(keepdims=True)


def _along_channels(a: Array, x: Array) -> Array:
    return a.reshape(-1, *(1,) * (x.ndim - 2))


def elu(x: Array, *, alpha: float = 1.0) -> tuple[Array, Cache]:
    """Compute x where x ≥ 0, else α(eˣ − 1), which levels off at −α.

    Shapes: x and y alike.
    Raises: TypeError if x is not an array of float32 or float64 or alpha no number; ValueError if alpha is not
    positive and finite.
    Source: IIITS, "Activation Functions".

    >>> elu(np.array([-1000.0, -1.0, 0.0, 2.0]))[0].round(4)
    array([-1.    , -0.6321,  0.    ,  2.    ])
    """
    check_floats(x=x)
    alpha = check_number("alpha", alpha, "a positive number")
    if alpha <= 0:
        raise ValueError(f"alpha={alpha}; a positive number would fit")
    y: Array = np.expm1(np.minimum(x, 0))
    y *= alpha
    y += np.maximum(x, 0)
    return y, (y, alpha)


def elu_backward(dy: Array, cache: Cache) -> Array:
    """Compute dx = dy where x ≥ 0, else dy·αeˣ, which is dy·(y + α).

    Shapes: dy, dx and x alike. Raises: TypeError, ValueError if dy has not the dtype or the shape of y.
    Source: IIITS, "Activation Functions"; HLCV, "A Simple Example" (chain rule).

    >>> elu_backward(np.array([1.0, 1.0]), elu(np.array([-1.0, 2.0]))[1]).round(4)
    array([0.3679, 1.    ])
    """
    y, alpha = check_cache(cache, "elu", ARRAY, float)
    check_upstream(dy, y.shape, y.dtype)
    dx: Array = np.minimum(y, 0) + alpha
    dx *= y < 0
    dx += y >= 0
    dx *= dy
    return dx


@np.errstate(under="ignore")
def swish(x: Array) -> tuple[Array, Cache]:
    """Compute x·σ(x).

    Shapes: x and y alike.
    Raises: TypeError if x is not an array of float32 or float64.
    Source: named in IIITS, "Layers used to build ConvNets"; Ramachandran et al., 2017, arXiv:1710.05941.

    >>> swish(np.array([-1.0, 0.0, 1.0]))[0].round(4)
    array([-0.2689,  0.    ,  0.7311])
    """
    check_floats(x=x)
    s = _sigmoid(x)
    y: Array = x * s
    return y, (y, s)


@np.errstate(under="ignore")
def swish_backward(dy: Array, cache: Cache) -> Array:
    """Compute dx = dy·(σ(x) + y·(1 − σ(x))).

    Shapes: dy, dx and x alike. Raises: TypeError, ValueError if dy has not the dtype or the shape of y.
    Source: Ramachandran et al., 2017, arXiv:1710.05941; HLCV, "A Simple Example" (chain rule).

    >>> swish_backward(np.array([1.0]), swish(np.array([1.0]))[1]).round(4)
    array([0.9277])
    """
    y, s = check_cache(cache, "swish", ARRAY, ARRAY)
    check_upstream(dy, y.shape, y.dtype)
    dx: Array = 1 - s
    dx *= y
    dx += s
    dx *= dy
    return dx
