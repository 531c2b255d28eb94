"""Maxout: a neuron that learns its own non-linearity, as the largest of some affine pieces; of equal ones the first."""

import numpy as np

from course.ops._validation import (
    ARRAY,
    Array,
    Cache,
    check_axes,
    check_cache,
    check_floats,
    check_shape,
    check_upstream,
)

__all__ = ["maxout", "maxout_backward"]


def maxout(x: Array, w: Array, b: Array) -> tuple[Array, Cache]:
    """Compute y = maxₚ (x·wₚ + bₚ): every neuron is the largest of P affine pieces.

    Shapes: x (N, D), w (P, D, M), b (P, M), y (N, M).
    Raises: TypeError if the dtypes are not float32 or float64, all alike; ValueError if the shapes do not match.
    Source: IIITS, "Activation Functions".

    >>> x, w, b = np.array([[1.0, 2.0]]), np.array([[[1.0], [1.0]], [[-1.0], [3.0]]]), np.array([[1.0], [0.0]])
    >>> maxout(x, w, b)[0]
    array([[5.]])
    """
    check_floats(x=x, w=w, b=b)
    check_axes("x", x, "N, D")
    check_axes("w", w, "P, D, M")
    if not len(w) or w.shape[1] != x.shape[1]:
        raise ValueError(f"w has shape {w.shape}, x has {x.shape[1]} columns; (P, {x.shape[1]}, M) would fit")
    check_shape("b", b, (len(w), w.shape[2]), "one bias for each neuron of each piece")
    pieces = x @ w + b[:, None]  # (P, N, M)
    return pieces.max(axis=0), (x, w, pieces.argmax(axis=0))


def maxout_backward(dy: Array, cache: Cache) -> tuple[Array, Array, Array]:
    """Route dy to the winning pieces and go back through their affine maps.

    Shapes: dy (N, M), dx (N, D), dw (P, D, M), db (P, M).
    Raises: TypeError, ValueError if dy has not the dtype or the shape of y.
    Source: HLCV, "Backpropagation" (max gate: gradient router).

    >>> x, w, b = np.array([[1.0, 2.0]]), np.array([[[1.0], [1.0]], [[-1.0], [3.0]]]), np.array([[1.0], [0.0]])
    >>> dx, dw, db = maxout_backward(np.array([[1.0]]), maxout(x, w, b)[1])
    >>> dx, db
    (array([[-1.,  3.]]), array([[0.], [1.]]))
    """
    x, w, winner = check_cache(cache, "maxout", ARRAY, ARRAY, ARRAY)
    check_upstream(dy, winner.shape, x.dtype)
    routed = dy * (winner == np.arange(len(w))[:, None, None])  # (P, N, M)
    return (routed @ w.swapaxes(1, 2)).sum(axis=0), x.T @ routed, routed.sum(axis=1)
