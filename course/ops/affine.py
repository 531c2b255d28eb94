"""The fully connected layer: every output is a weighted sum of every input, plus a bias."""

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

__all__ = ["affine", "affine_backward"]


def affine(x: Array, w: Array, b: Array) -> tuple[Array, Cache]:
    """Compute y = x·w + b for a batch of rows.

    Args:
        x: (N, D), one input a row.
        w: (D, M), one column a neuron.
        b: (M,), one bias a neuron.

    Returns:
        y (N, M), and the cache for `affine_backward`.

    Raises:
        TypeError: an argument is not an array of float32 or float64, or the dtypes differ.
        ValueError: the shapes do not go together.

    Source: HLCV, "Standard Neural Networks"; EECS 442, 'Define New Block: "Linear Layer"'.

    >>> import numpy as np
    >>> x, w, b = np.array([[1.0, 2.0]]), np.array([[1.0, 0.0, -1.0], [3.0, 1.0, 1.0]]), np.array([0.0, 1.0, 2.0])
    >>> y, cache = affine(x, w, b)
    >>> y
    array([[7., 3., 3.]])
    """
    check_floats(x=x, w=w, b=b)
    check_axes("x", x, "N, D")
    check_axes("w", w, "D, M")
    if w.shape[0] != x.shape[1]:
        raise ValueError(f"w has {w.shape[0]} rows, x has {x.shape[1]} columns; (N, D) times (D, M) would fit")
    check_shape("b", b, w.shape[1:], "one bias for each column of w")
    y = x @ w
    y += b
    return y, (x, w)


def affine_backward(dy: Array, cache: Cache) -> tuple[Array, Array, Array]:
    """Compute dx = dy·wᵀ, dw = xᵀ·dy and db = Σₙ dy.

    Args:
        dy: (N, M), the upstream gradient.
        cache: from `affine`.

    Returns:
        dx (N, D), dw (D, M), db (M,).

    Raises:
        TypeError, ValueError: dy does not have the dtype or the shape of y.

    Source: HLCV, "Gradients for vectorized code"; EECS 442, "Can get gradient with respect to all the inputs".

    >>> import numpy as np
    >>> y, cache = affine(np.array([[1.0, 2.0]]), np.array([[1.0, 0.0], [3.0, 1.0]]), np.zeros(2))
    >>> dx, dw, db = affine_backward(np.array([[1.0, -1.0]]), cache)
    >>> dx, dw, db
    (array([[1., 2.]]), array([[ 1., -1.], [ 2., -2.]]), array([ 1., -1.]))
    """
    x, w = check_cache(cache, "affine", ARRAY, ARRAY)
    check_upstream(dy, (len(x), w.shape[1]), x.dtype)
    return dy @ w.T, x.T @ dy, dy.sum(axis=0)
