"""Convolution as the lectures write it: one window after the other. Slow, and right at a glance.

Each function has the signature of its twin in `course.ops.convolution`, and gives the same answer about 2000
times slower. Read this one to understand, that one to compute; a test holds them to each other.
"""

import numpy as np

from course.ops._geometry import (
    Geometry,
    columns_geometry,
    conv2d_geometry,
    conv_transpose2d_geometry,
    inside,
    padded,
)  # fmt: skip
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
from course.shapes import Pair, four

__all__ = [
    "col2im", "conv2d", "conv2d_backward", "conv_transpose2d", "conv_transpose2d_backward", "im2col",
]  # fmt: skip


def conv2d(
    x: Array,
    w: Array,
    b: Array | None,
    *,
    stride: Pair = 1,
    pad: Pair = 0,
    dilation: Pair = 1,
    groups: int = 1,
    floor: bool = False,
) -> tuple[Array, Cache]:
    """Slide each filter over each picture; every window gives one number, its dot product with the filter.

        y[n, k, i, j] = b[k] + Σ_c Σ_u Σ_v w[k, c, u, v] · x[n, c, S·i + d·u − P, S·j + d·v − P]

    Arguments and result are those of `course.ops.conv2d`.

    Shapes: x (N, C, H, W), w (K, C/groups, FH, FW), b (K,), y (N, K, OH, OW).
    Raises: TypeError if an array is not float32 or float64, or a number not whole; ValueError if the shapes do not
    go together or the windows do not fit.

    Source: HLCV, "Convolution Layer" (the filter convolves with the image); IIITS, the worked volume.

    >>> x = np.arange(9.0).reshape(1, 1, 3, 3)
    >>> y, cache = conv2d(x, np.ones((1, 1, 2, 2)), np.zeros(1))
    >>> y[0, 0]
    array([[ 8., 12.],
           [20., 24.]])
    """
    g = conv2d_geometry(x, w, b, stride, pad, dilation, groups, floor)
    xp = padded(x, g.pad)
    y = np.empty((len(x), len(w), *g.output), x.dtype)
    for n, k, i, j in np.ndindex(y.shape):
        y[n, k, i, j] = np.sum(w[k] * xp[_window(g, w, n, k, i, j)])
        if b is not None:
            y[n, k, i, j] += b[k]
    return y, (x, w, b is not None, g)


def conv2d_backward(dy: Array, cache: Cache, *, need_dx: bool = True) -> tuple[Array | None, Array, Array | None]:
    """Send each dy[n, k, i, j] back to what it came from: its window, its filter and its bias.

    y[n, k, i, j] is a sum of products: each weight receives dy times the cell that it met, each cell dy times
    the weight that it met, and both add up over all windows, as a cell lies in many and a weight meets all.

    Shapes: dy and y alike, dx (N, C, H, W), dw and w alike, db (K,).
    Raises: TypeError, ValueError if dy has not the dtype or the shape of y.

    Source: SYSU lecture 7.2, "How a single Y(l − 1, m, x, y) influences z(l, n, x', y')" and "The derivative
    for a single weight".

    >>> y, cache = conv2d(np.arange(9.0).reshape(1, 1, 3, 3), np.ones((1, 1, 2, 2)), np.zeros(1))
    >>> dx, dw, db = conv2d_backward(np.ones_like(y), cache)
    >>> dx[0, 0]                                    # in how many windows each cell lies
    array([[1., 2., 1.],
           [2., 4., 2.],
           [1., 2., 1.]])
    """
    x, w, biased, g = check_cache(cache, "conv2d", ARRAY, ARRAY, bool, Geometry)
    check_upstream(dy, (len(x), len(w), *g.output), x.dtype)
    xp, dw, db = padded(x, g.pad), np.zeros_like(w), np.zeros(len(w), w.dtype)
    dxp = np.zeros_like(xp)
    for n, k, i, j in np.ndindex(dy.shape):
        window = _window(g, w, n, k, i, j)
        dxp[window] += dy[n, k, i, j] * w[k]
        dw[k] += dy[n, k, i, j] * xp[window]
        db[k] += dy[n, k, i, j]
    return inside(dxp, g.pad) if need_dx else None, dw, db if biased else None


def conv_transpose2d(x: Array, w: Array, b: Array | None, *, stride: Pair = 1, pad: Pair = 0) -> tuple[Array, Cache]:
    """Let every number of x stamp its filter, scaled, onto the output; stamps that overlap add up.

        y[n, k, S·i + u − P, S·j + v − P] += x[n, c, i, j] · w[c, k, u, v]        and  + b[k] everywhere

    Arguments and result are those of `course.ops.conv_transpose2d`.

    Shapes: x (N, C, H, W), w (C, K, FH, FW), b (K,), y (N, K, OH, OW).
    Raises: TypeError if an array is not float32 or float64, or a number not whole; ValueError if the shapes do not
    go together or nothing is left.

    Source: EECS 545, "From Classification to Semantic Segmentation" (learnable upsampling).

    >>> y, cache = conv_transpose2d(np.array([[[[1.0, 2.0]]]]), np.ones((1, 1, 1, 3)), None, stride=2)
    >>> y[0, 0]
    array([[1., 1., 3., 2., 2.]])
    """
    g, (n_, k_, h, wide) = conv_transpose2d_geometry(x, w, b, stride, pad)
    yp = padded(np.zeros((n_, k_, h, wide), x.dtype), g.pad)
    for n, c, i, j in np.ndindex(x.shape):
        yp[_window(g, w, n, c, i, j)] += x[n, c, i, j] * w[c]
    y = inside(yp, g.pad)
    return y if b is None else y + b[:, None, None], (x, w, b is not None, g)


def conv_transpose2d_backward(
    dy: Array, cache: Cache, *, need_dx: bool = True
) -> tuple[Array | None, Array, Array | None]:
    """Collect for every number of x the dy under its stamp: a convolution of dy with the same filters.

    Shapes: dy and y alike, dx (N, C, H, W), dw and w alike, db (K,).
    Raises: TypeError, ValueError if dy has not the dtype or the shape of y.

    Source: EECS 545, "From Classification to Semantic Segmentation" (learnable upsampling).

    >>> x, w = np.array([[[[1.0, 2.0]]]]), np.ones((1, 1, 1, 3))
    >>> y, cache = conv_transpose2d(x, w, None, stride=2)
    >>> conv_transpose2d_backward(y, cache)[0]
    array([[[[5., 7.]]]])
    """
    x, w, biased, g = check_cache(cache, "conv_transpose2d", ARRAY, ARRAY, bool, Geometry)
    size = [(o - 1) * s + f - 2 * p for o, s, f, p in zip(g.output, g.stride, g.field, g.pad, strict=True)]
    check_upstream(dy, (len(x), w.shape[1], *size), x.dtype)
    dyp, dx, dw = padded(dy, g.pad), np.empty_like(x), np.zeros_like(w)
    for n, c, i, j in np.ndindex(x.shape):
        stamp = dyp[_window(g, w, n, c, i, j)]
        dx[n, c, i, j] = np.sum(stamp * w[c])
        dw[c] += x[n, c, i, j] * stamp
    return dx if need_dx else None, dw, dy.sum(axis=(0, 2, 3)) if biased else None


def im2col(x: Array, field: Pair, *, stride: Pair = 1, pad: Pair = 0, dilation: Pair = 1, floor: bool = False) -> Array:
    """Write each window of each picture into a column of a matrix.

    Arguments and result are those of `course.ops.im2col`.

    Shapes: x (N, C, H, W), the result (N, C·FH·FW, OH·OW).
    Raises: TypeError if an array is not float32 or float64, or a number not whole; ValueError if the shapes do not
    go together or the windows do not fit.

    Source: SYSU lecture 7.2, the affine map of a convolutional layer, written as one matrix product.

    >>> im2col(np.arange(6.0).reshape(1, 1, 2, 3), 2)[0]
    array([[0., 1.],
           [1., 2.],
           [3., 4.],
           [4., 5.]])
    """
    check_floats(x=x)
    check_axes("x", x, "N, C, H, W")
    g = columns_geometry(x.shape, field, stride, pad, dilation, floor)
    (n, c, _, _), (fh, fw), (oh, ow) = x.shape, g.field, g.output
    xp, cols = padded(x, g.pad), np.empty((n, c * fh * fw, oh * ow), x.dtype)
    for i, j in np.ndindex(oh, ow):
        cols[:, :, i * ow + j] = xp[_windows(g, i, j)].reshape(n, c * fh * fw)
    return cols


def col2im(
    cols: Array,
    shape: tuple[int, int, int, int],
    field: Pair,
    *,
    stride: Pair = 1,
    pad: Pair = 0,
    dilation: Pair = 1,
    floor: bool = False,
) -> Array:
    """Add each column of a matrix onto the window that it came from.

    Arguments and result are those of `course.ops.col2im`.

    Shapes: cols (N, C·FH·FW, OH·OW), the result (N, C, H, W).
    Raises: TypeError if cols is not float32 or float64, or a number not whole; ValueError if the shapes do not go
    together.

    Source: SYSU lecture 7.2, "BP: Convolutional layer" (each Y(l − 1, m, x, y) affects several z).

    >>> col2im(np.ones((1, 4, 2)), (1, 1, 2, 3), 2)[0, 0]
    array([[1., 2., 1.],
           [1., 2., 1.]])
    """
    check_floats(cols=cols)
    shape = four(shape, "shape")
    g = columns_geometry(shape, field, stride, pad, dilation, floor)
    (n, c, _, _), (fh, fw), (oh, ow) = shape, g.field, g.output
    check_shape("cols", cols, (n, c * fh * fw, oh * ow), "(N, C·FH·FW, OH·OW)")
    xp = padded(np.zeros(shape, cols.dtype), g.pad)
    for i, j in np.ndindex(oh, ow):
        xp[_windows(g, i, j)] += cols[:, :, i * ow + j].reshape(n, c, fh, fw)
    return inside(xp, g.pad)


def _windows(g: Geometry, i: int, j: int) -> tuple[slice, ...]:
    """Where window (i, j) lies in all padded pictures and channels."""
    (fh, fw), (sv, sh), (dv, dh) = g.field, g.stride, g.dilation
    rows = slice(sv * i, sv * i + dv * fh, dv)
    columns = slice(sh * j, sh * j + dh * fw, dh)
    return slice(None), slice(None), rows, columns


def _window(g: Geometry, w: Array, n: int, k: int, i: int, j: int) -> tuple[int | slice, ...]:
    """Where filter k meets padded picture n at (i, j): the channels of its group, the cells of its field."""
    group, depth = k // (len(w) // g.groups), w.shape[1]
    return n, slice(group * depth, (group + 1) * depth), *_windows(g, i, j)[2:]
