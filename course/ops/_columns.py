"""The heart: a convolution is one matrix product, once its windows are written into columns.

Each window of a picture holds C·FH·FW cells; as a column of a matrix it meets every filter, written as a row,
in one product that a computer does at full speed:

    y (K, OH·OW)  =  w (K, C·FH·FW)  @  columns (C·FH·FW, OH·OW)

and the chain rule for a product gives the two gradients:

    dw = dy @ columnsᵀ          dcolumns = wᵀ @ dy, each column added back onto its window

The columns repeat every cell FH·FW times, so those of a whole batch are large. We never have them all: a block
of pictures whose columns fit into the processor's cache is written, used and overwritten by the next.
"""

from collections.abc import Iterator

import numpy as np
from numpy.lib.stride_tricks import as_strided

from course.ops._geometry import Geometry, columns_geometry, inside, padded
from course.ops._validation import Array, check_axes, check_floats, check_shape
from course.shapes import Pair

__all__ = ["col2im", "correlate", "im2col", "input_gradient", "weight_gradient"]

CACHE = 1 << 20
"""Bytes of columns in a block. Anything from 0.5 to 2 MiB is as good; a whole batch takes 1.5 times as long."""


def windows(x: Array, g: Geometry) -> Array:
    """View padded pictures (N, C, H, W) as their windows (N, C, FH, FW, OH, OW): no copy, only strides."""
    (fh, fw), (oh, ow), (sv, sh), (dv, dh) = g.field, g.output, g.stride, g.dilation
    n, c, down, right = x.strides
    strides = (n, c, dv * down, dh * right, sv * down, sh * right)
    return as_strided(x, (*x.shape[:2], fh, fw, oh, ow), strides, writeable=x.flags.writeable)


def blocks(x: Array, g: Geometry) -> Iterator[tuple[slice, Array]]:
    """Write the windows of so many pictures at a time as fit into the cache: (which pictures, columns).

    The columns (n, groups, C/groups·FH·FW, OH·OW) are overwritten by those of the next block.
    """
    n, c, _, _ = x.shape
    (fh, fw), (oh, ow) = g.field, g.output
    size = max(1, min(n, CACHE // max(1, c * fh * fw * oh * ow * x.itemsize)))
    columns = np.empty((size, c, fh, fw, oh, ow), x.dtype)
    for start in range(0, n, size):
        pictures = slice(start, start + size)
        view = windows(padded(x[pictures], g.pad), g)
        block = columns[: len(view)]
        np.copyto(block, view)
        yield pictures, block.reshape(len(block), g.groups, -1, oh * ow)


def correlate(x: Array, w: Array, g: Geometry) -> Array:
    """Compute y = w @ columns for x (N, C, H, W) and w (K, C/groups, FH, FW): (N, K, OH, OW)."""
    y = np.empty((len(x), g.groups, len(w) // g.groups, g.output[0] * g.output[1]), x.dtype)
    rows = w.reshape(g.groups, len(w) // g.groups, -1)
    for pictures, columns in blocks(x, g):
        np.matmul(rows, columns, out=y[pictures])
    return y.reshape(len(x), len(w), *g.output)


def weight_gradient(dy: Array, x: Array, w: Array, g: Geometry) -> Array:
    """Compute dw = Σ dy @ columnsᵀ over all pictures, with the shape of w."""
    d = dy.reshape(len(x), g.groups, len(w) // g.groups, g.output[0] * g.output[1])
    # transposed: (columns @ dyᵀ)ᵀ is the same numbers 1.5 times faster, as BLAS likes the longer side first
    total = np.zeros((g.groups, w[0].size, len(w) // g.groups), x.dtype)
    for pictures, columns in blocks(x, g):
        for column, up in zip(columns, d[pictures], strict=True):
            total += column @ up.swapaxes(-1, -2)
    return np.ascontiguousarray(total.swapaxes(-1, -2)).reshape(w.shape)


def input_gradient(dy: Array, w: Array, shape: tuple[int, ...], g: Geometry) -> Array:
    """Compute dcolumns = wᵀ @ dy and add each column onto its window: dx of this shape (N, C, H, W)."""
    n, c, h, wide = shape
    (fh, fw), (oh, ow), (ph, pw) = g.field, g.output, g.pad
    d = dy.reshape(n, g.groups, len(w) // g.groups, oh * ow)
    rows = w.reshape(g.groups, len(w) // g.groups, -1)
    size = max(1, min(n, CACHE // max(1, c * fh * fw * oh * ow * dy.itemsize)))
    columns = np.empty((size, g.groups, rows.shape[-1], oh * ow), dy.dtype)
    around = np.empty((size, c, h + 2 * ph, wide + 2 * pw), dy.dtype)
    dx = np.empty(shape, dy.dtype)
    for start in range(0, n, size):
        up = d[start : start + size]
        dcolumns = np.matmul(rows.swapaxes(-1, -2), up, out=columns[: len(up)])
        around.fill(0)
        fold(dcolumns.reshape(len(up), c, fh, fw, oh, ow), around[: len(up)], g)
        dx[start : start + size] = inside(around[: len(up)], g.pad)
    return dx


def fold(columns: Array, x: Array, g: Geometry) -> None:
    """Add columns (N, C, FH, FW, OH, OW) onto the windows of padded pictures x that they came from."""
    view = windows(x, g)
    # two windows never share a cell at the same place (u, v) in them, so a whole slice adds at once
    for u, v in np.ndindex(*g.field):
        view[:, :, u, v] += columns[:, :, u, v]


def im2col(x: Array, field: Pair, *, stride: Pair = 1, pad: Pair = 0, dilation: Pair = 1, floor: bool = False) -> Array:
    """Write each window of each picture into a column of a matrix.

    Args:
        x: (N, C, H, W).
        field: the extent (FH, FW) of the windows; like the rest an int or a pair (vertical, horizontal).
        stride, pad, dilation, floor: as in `conv2d`.

    Returns:
        (N, C·FH·FW, OH·OW): channel, then row, then column of a window's cells run downwards, windows from left
        to right. It is a copy. `col2im` is its backward: the two are adjoint, ⟨im2col x, c⟩ = ⟨x, col2im c⟩.

    Raises:
        TypeError: x is not an array of float32 or float64.
        ValueError: x has not four axes, or the windows do not fit.

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
    cells, places = x.shape[1] * g.field[0] * g.field[1], g.output[0] * g.output[1]
    return windows(padded(x, g.pad), g).copy().reshape(len(x), cells, places)


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
    """Add each column of a matrix onto the window that it came from: the backward of `im2col`.

    Args:
        cols: (N, C·FH·FW, OH·OW), as `im2col` gives it.
        shape: (N, C, H, W), that of the pictures.
        field, stride, pad, dilation, floor: as in `im2col`.

    Returns:
        Pictures of that shape, with the dtype of cols. Where windows overlap their numbers add up, and what
        falls on the padding is lost.

    Raises:
        TypeError: cols is not an array of float32 or float64.
        ValueError: cols has another shape, or the windows do not fit.

    Source: SYSU lecture 7.2, "BP: Convolutional layer" (each Y(l − 1, m, x, y) affects several z).

    >>> col2im(np.ones((1, 4, 2)), (1, 1, 2, 3), 2)[0, 0]          # in how many windows a cell lies
    array([[1., 2., 1.],
           [1., 2., 1.]])
    """
    check_floats(cols=cols)
    g = columns_geometry(shape, field, stride, pad, dilation, floor)
    (n, c, _, _), (fh, fw), (oh, ow) = shape, g.field, g.output
    check_shape("cols", cols, (n, c * fh * fw, oh * ow), "(N, C·FH·FW, OH·OW)")
    x = padded(np.zeros(shape, cols.dtype), g.pad)
    fold(cols.reshape(n, c, fh, fw, oh, ow), x, g)
    return np.ascontiguousarray(inside(x, g.pad))
