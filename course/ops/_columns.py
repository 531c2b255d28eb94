"""The heart: a convolution is one matrix product, once its windows are written into columns.

Each window of a picture holds C·FH·FW cells. As a column of a matrix it meets every filter, written as a row, in one
product that a computer does at full speed:

    y (K, OH·OW)  =  w (K, C·FH·FW)  @  columns (C·FH·FW, OH·OW)

and the chain rule for a product gives the gradients:

    dw = dy @ columnsᵀ          dcolumns = wᵀ @ dy, each column added back onto its window

Columns repeat every cell FH·FW times, so those of a whole batch are large. We never have them all: a block of pictures
whose columns fit into the processor's cache is written, used and dropped before the next.
"""

import numpy as np
from numpy.lib.stride_tricks import as_strided

from course.ops._geometry import Geometry, columns_geometry, inside, padded
from course.ops._validation import Array, check_axes, check_floats, check_shape
from course.shapes import Pair, four

CACHE = 1 << 20
"""Bytes of columns in a block. From 0.5 to 2 MiB it is all the same; the whole batch takes 1.5 times as long."""


def correlate(x: Array, w: Array, b: Array | None, g: Geometry, y: Array) -> None:
    """Fill y (N, K, OH, OW) with w (K, C/groups, FH, FW) @ columns of x (N, C, H, W), plus b (K,)."""
    filters, answers = _as_rows(w, g), _as_rows_of_places(y, g)
    for some in _blocks(x.shape, y.shape, g, x.itemsize):
        np.matmul(filters, _columns(x[some], g), out=answers[some])
        if b is not None:
            y[some] += b[:, None, None]


def gradients(dy: Array, x: Array, w: Array, g: Geometry, dx: Array | None) -> tuple[Array, Array]:
    """Fill dx (N, C, H, W) unless it is None, and return dw (K, C/groups, FH, FW) and db (K,)."""
    # dw = dy @ columnsᵀ or, the same numbers transposed, columns @ dyᵀ: BLAS is up to 1.5 times faster with the longer
    # side first
    k, cells = len(w) // g.groups, w[0].size
    dw = np.zeros((g.groups, max(k, cells), min(k, cells)), w.dtype)
    db = np.zeros((g.groups, k), w.dtype)
    d = _as_rows_of_places(dy, g)
    for some in _blocks(x.shape, dy.shape, g, x.itemsize):
        for columns, up in zip(_columns(x[some], g), d[some], strict=True):
            dw += up @ columns.swapaxes(1, 2) if k > cells else columns @ up.swapaxes(1, 2)
        db += d[some].sum(axis=3).sum(axis=0)
        if dx is not None:
            input_gradient(dy[some], w, g, dx[some])
    filters = dw if k > cells else dw.swapaxes(1, 2)
    return np.ascontiguousarray(filters).reshape(w.shape), db.reshape(len(w))


def input_gradient(dy: Array, w: Array, g: Geometry, dx: Array) -> None:
    """Fill dx (N, C, H, W): dcolumns = wᵀ @ dy, each column added onto its window."""
    filters, d = _as_rows(w, g).swapaxes(1, 2), _as_rows_of_places(dy, g)
    for some in _blocks(dx.shape, dy.shape, g, dx.itemsize):
        dx[some] = _fold(filters @ d[some], dx[some].shape, g)


def _as_rows(w: Array, g: Geometry) -> Array:
    """See each filter as a row: (groups, K/groups, C/groups·FH·FW)."""
    return w.reshape(g.groups, len(w) // g.groups, w[0].size)


def _as_rows_of_places(y: Array, g: Geometry) -> Array:
    """See each map as a row: (N, groups, K/groups, OH·OW)."""
    return y.reshape(len(y), g.groups, y.shape[1] // g.groups, y.shape[2] * y.shape[3])


def _blocks(x: tuple[int, ...], y: tuple[int, ...], g: Geometry, itemsize: int) -> list[slice]:
    """Cut N pictures into blocks whose columns and maps fit into the cache, or of one picture."""
    (n, c, _, _), (_, k, oh, ow) = x, y
    size = max(1, CACHE // (max(c * g.field[0] * g.field[1], k) * oh * ow * itemsize))
    return [slice(start, start + size) for start in range(0, n, size)]


def _windows(x: Array, g: Geometry) -> Array:
    """View padded pictures (N, C, H, W) as their windows (N, C, FH, FW, OH, OW): no copy, only strides."""
    n, c, down, right = x.strides
    (sv, sh), (dv, dh) = g.stride, g.dilation
    strides = (n, c, dv * down, dh * right, sv * down, sh * right)
    return as_strided(x, (*x.shape[:2], *g.field, *g.output), strides)


def _columns(x: Array, g: Geometry) -> Array:
    """Write the windows of some pictures into columns: (n, groups, C/groups·FH·FW, OH·OW)."""
    n, c, _, _ = x.shape
    cells = c // g.groups * g.field[0] * g.field[1]
    return _windows(padded(x, g.pad), g).reshape(n, g.groups, cells, g.output[0] * g.output[1])


def _fold(columns: Array, shape: tuple[int, ...], g: Geometry) -> Array:
    """Add columns onto the windows that they came from: pictures of this shape (n, C, H, W)."""
    x = padded(np.zeros(shape, columns.dtype), g.pad)
    windows = _windows(x, g)
    columns = columns.reshape(windows.shape)
    # no two windows share a cell at the same place (u, v) in them, so all windows take that place at once
    for u, v in np.ndindex(*g.field):
        np.add(windows[:, :, u, v], columns[:, :, u, v], out=windows[:, :, u, v])
    return inside(x, g.pad)


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
    columns = np.array(_windows(padded(x, g.pad), g), order="C")
    return columns.reshape(len(x), x.shape[1] * g.field[0] * g.field[1], g.output[0] * g.output[1])


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
        TypeError: cols is not an array of float32 or float64, or shape is not four whole numbers.
        ValueError: cols has another shape, shape is not that of pictures, or the windows do not fit.

    Source: SYSU lecture 7.2, "BP: Convolutional layer" (each Y(l − 1, m, x, y) affects several z).

    >>> col2im(np.ones((1, 4, 2)), (1, 1, 2, 3), 2)[0, 0]          # in how many windows a cell lies
    array([[1., 2., 1.],
           [1., 2., 1.]])
    """
    check_floats(cols=cols)
    shape = four(shape, "shape")
    g = columns_geometry(shape, field, stride, pad, dilation, floor)
    (n, c, _, _), (fh, fw), (oh, ow) = shape, g.field, g.output
    check_shape("cols", cols, (n, c * fh * fw, oh * ow), "(N, C·FH·FW, OH·OW)")
    return np.ascontiguousarray(_fold(cols, shape, g))
