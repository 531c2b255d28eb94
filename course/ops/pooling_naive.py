"""Pooling as the lectures write it: one window after the other, each cut down to what lies in the picture.

Each function has the signature of its twin in `course.ops.pooling` and gives the same answer, slowly.
"""

import numpy as np

from course.ops._geometry import Geometry, pool2d_geometry
from course.ops._validation import ARRAY, Array, Cache, check_cache, check_upstream
from course.shapes import Pair

__all__ = ["avg_pool2d", "avg_pool2d_backward", "max_pool2d", "max_pool2d_backward"]


def max_pool2d(
    x: Array, field: Pair = 2, *, stride: Pair | None = None, pad: Pair = 0, floor: bool = False
) -> tuple[Array, Cache]:
    """Find the largest number of each window.

    Arguments and result are those of `course.ops.max_pool2d`.

    Shapes: x (N, C, H, W), y (N, C, OH, OW).
    Raises: TypeError if an array is not float32 or float64, or a number not whole; ValueError if the shapes do not
    go together or the windows do not fit.

    Source: SYSU lecture 7.3, "Max Pooling layer at layer l".

    >>> y, cache = max_pool2d(np.array([[[[1.0, 1, 2, 4], [5, 6, 7, 8]]]]))
    >>> y
    array([[[[6., 8.]]]])
    """
    g = pool2d_geometry(x, field, stride, pad, floor)
    y = np.empty((*x.shape[:2], *g.output), x.dtype)
    for n, c, i, j in np.ndindex(y.shape):
        y[n, c, i, j] = np.max(x[n, c][_window(g, x.shape, i, j)])
    return y, (x, g)


def max_pool2d_backward(dy: Array, cache: Cache) -> Array:
    """Find the winner of each window again, the first in reading order, and add dy there.

    Shapes: dy (N, C, OH, OW), dx (N, C, H, W).
    Raises: TypeError, ValueError if dy has not the dtype or the shape of y.

    Source: SYSU lecture 7.3, "Derivative of Max Pooling layer at layer l".

    >>> y, cache = max_pool2d(np.array([[[[1.0, 3.0, 2.0]]]]), (1, 2), stride=1)
    >>> max_pool2d_backward(np.array([[[[10.0, 1.0]]]]), cache)
    array([[[[ 0., 11.,  0.]]]])
    """
    x, g = check_cache(cache, "max_pool2d", ARRAY, Geometry)
    check_upstream(dy, (*x.shape[:2], *g.output), x.dtype)
    dx: Array = np.zeros_like(x)
    for n, c, i, j in np.ndindex(dy.shape):
        window = _window(g, x.shape, i, j)
        cells = x[n, c][window]
        u, v = np.unravel_index(np.argmax(cells), cells.shape)
        dx[n, c][window][u, v] += dy[n, c, i, j]
    return dx


def avg_pool2d(
    x: Array, field: Pair = 2, *, stride: Pair | None = None, pad: Pair = 0, floor: bool = False
) -> tuple[Array, Cache]:
    """Take the mean of each window's cells that lie in the picture.

    Arguments and result are those of `course.ops.avg_pool2d`.

    Shapes: x (N, C, H, W), y (N, C, OH, OW).
    Raises: TypeError if an array is not float32 or float64, or a number not whole; ValueError if the shapes do not
    go together or the windows do not fit.

    Source: SYSU lecture 7.3, "Mean pooling".

    >>> avg_pool2d(np.array([[[[1.0, 1, 2, 4], [5, 6, 7, 8]]]]))[0]
    array([[[[3.25, 5.25]]]])
    """
    g = pool2d_geometry(x, field, stride, pad, floor)
    y = np.empty((*x.shape[:2], *g.output), x.dtype)
    for n, c, i, j in np.ndindex(y.shape):
        y[n, c, i, j] = np.mean(x[n, c][_window(g, x.shape, i, j)])
    return y, (x, g)


def avg_pool2d_backward(dy: Array, cache: Cache) -> Array:
    """Give every cell of a window the same share of its dy.

    Shapes: dy (N, C, OH, OW), dx (N, C, H, W).
    Raises: TypeError, ValueError if dy has not the dtype or the shape of y.

    Source: SYSU lecture 7.3, "Derivative of mean pooling".

    >>> y, cache = avg_pool2d(np.array([[[[1.0, 3.0, 2.0]]]]), (1, 2), stride=1)
    >>> avg_pool2d_backward(np.array([[[[10.0, 2.0]]]]), cache)
    array([[[[5., 6., 1.]]]])
    """
    x, g = check_cache(cache, "avg_pool2d", ARRAY, Geometry)
    check_upstream(dy, (*x.shape[:2], *g.output), x.dtype)
    dx: Array = np.zeros_like(x)
    for n, c, i, j in np.ndindex(dy.shape):
        cells = dx[n, c][_window(g, x.shape, i, j)]
        cells += dy[n, c, i, j] / cells.size
    return dx


def _window(g: Geometry, shape: tuple[int, ...], i: int, j: int) -> tuple[slice, slice]:
    """Where window (i, j) lies in the picture, without the padded cells."""
    top, left = g.stride[0] * i - g.pad[0], g.stride[1] * j - g.pad[1]
    bottom, right = min(top + g.field[0], shape[2]), min(left + g.field[1], shape[3])
    return slice(max(top, 0), bottom), slice(max(left, 0), right)
