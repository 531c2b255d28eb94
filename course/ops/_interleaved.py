"""Columns of small pictures: the heart's products, with the pictures of a block interleaved.

Columns are copied one run of neighbouring cells at a time. In (N, C, H, W) a run is a row of places, OW numbers, and
where maps are small the copying takes longer than the products. In the order (C, H, W, n) the n pictures of a block
lie next to each other, cell by cell: a run is n times as long, and the block's columns make one wide matrix

    y (K, OH·OW·n)  =  w (K, C·FH·FW)  @  columns (C·FH·FW, OH·OW·n)

The price is to turn over every picture on its way in and every map on its way out, once and not FH·FW times.
"""

import numpy as np
from numpy.lib.stride_tricks import as_strided

from course.ops._geometry import Geometry
from course.ops._validation import Array

CACHE = 3 << 19
"""Bytes of columns in a block."""


def pictures(x: Array, w: Array, g: Geometry) -> int:
    """Count the pictures of a block: as many as fit into the cache, they or their maps or their columns."""
    _, c, h, wide = x.shape
    places = g.output[0] * g.output[1]
    largest = max(c * h * wide, c * g.field[0] * g.field[1] * places, len(w) * places)
    return CACHE // (int(largest) * x.itemsize)


def correlate(x: Array, w: Array, b: Array | None, g: Geometry, y: Array) -> None:
    """Fill y (N, K, OH, OW) with w (K, C/groups, FH, FW) @ columns of x (N, C, H, W), plus b (K,)."""
    filters = w.reshape(g.groups, len(w) // g.groups, w[0].size)
    for some in _blocks(x, w, g):
        product = filters @ _columns(x[some], g)
        if b is not None:
            product += b.reshape(g.groups, -1, 1)
        y[some] = product.reshape(len(w), *g.output, -1).transpose(3, 0, 1, 2)


def gradients(dy: Array, x: Array, w: Array, g: Geometry, dx: Array | None) -> tuple[Array, Array]:
    """Fill dx (N, C, H, W) unless it is None, and return dw (K, C/groups, FH, FW) and db (K,)."""
    filters = w.reshape(g.groups, len(w) // g.groups, w[0].size)
    dw, db = np.zeros_like(filters.swapaxes(1, 2), order="C"), np.zeros(len(w), w.dtype)
    for some in _blocks(x, w, g):
        d = _interleaved(dy[some], (0, 0)).reshape(g.groups, len(w) // g.groups, -1)
        dw += _columns(x[some], g) @ d.swapaxes(1, 2)
        db += d.sum(axis=2).reshape(len(w))
        if dx is not None:
            dx[some] = _fold(filters.swapaxes(1, 2) @ d, x[some].shape, g)
    return np.ascontiguousarray(dw.swapaxes(1, 2)).reshape(w.shape), db


def _blocks(x: Array, w: Array, g: Geometry) -> list[slice]:
    """Cut the batch into blocks, as equal as can be."""
    count = -(-len(x) // max(1, pictures(x, w, g)))
    return [slice(len(x) * i // count, len(x) * (i + 1) // count) for i in range(count)]


def _interleaved(x: Array, pad: tuple[int, int]) -> Array:
    """Turn n pictures (n, C, H, W) into (C, H + 2P, W + 2P, n), zeros around."""
    n, c, h, w = x.shape
    around = np.zeros((c, h + 2 * pad[0], w + 2 * pad[1], n), x.dtype)
    around[:, pad[0] : pad[0] + h, pad[1] : pad[1] + w] = x.transpose(1, 2, 3, 0)
    return around


def _windows(x: Array, g: Geometry) -> Array:
    """View padded pictures (C, H, W, n) as their windows (C, FH, FW, OH, OW, n): no copy, only strides."""
    c, down, right, n = x.strides
    (sv, sh), (dv, dh) = g.stride, g.dilation
    strides = (c, dv * down, dh * right, sv * down, sh * right, n)
    return as_strided(x, (len(x), *g.field, *g.output, x.shape[3]), strides)


def _columns(x: Array, g: Geometry) -> Array:
    """Write the windows of n pictures into columns: (groups, C/groups·FH·FW, OH·OW·n)."""
    windows = _windows(_interleaved(x, g.pad), g)
    return windows.reshape(g.groups, x.shape[1] // g.groups * g.field[0] * g.field[1], -1)


def _fold(columns: Array, shape: tuple[int, ...], g: Geometry) -> Array:
    """Add columns onto the windows that they came from: n pictures of this shape (n, C, H, W)."""
    n, c, h, w = shape
    around = np.zeros((c, h + 2 * g.pad[0], w + 2 * g.pad[1], n), columns.dtype)
    windows = _windows(around, g)
    columns = columns.reshape(windows.shape)
    for u, v in np.ndindex(*g.field):
        np.add(windows[:, u, v], columns[:, u, v], out=windows[:, u, v])
    return around[:, g.pad[0] : g.pad[0] + h, g.pad[1] : g.pad[1] + w].transpose(3, 0, 1, 2)
