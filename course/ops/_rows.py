"""Columns of small pictures: FW copies of each row instead of FH·FW of each cell.

Two things make columns of small maps slow: every cell is copied FH·FW times, and in runs as short as a map is wide.
Here the n pictures of a block are interleaved, rows first, (H, C, W, n), so that a run has OW·n numbers; and only the
shifts along the width are copied:

    row h (C·FW, OW·n):  at (c, v) the cells  x[c, h, S·j + v]  of all places j and all n pictures

In memory one row follows the other. So the FH rows that the windows of output row i see, S·i to S·i + FH − 1, are one
matrix (FH·C·FW, OW·n) as they lie there, without another copy, and there is one product for each row of the output:

    y[i] (K, OW·n)  =  w (K, FH·C·FW)  @  rows S·i … S·i + FH − 1

Backwards the same trick works on dy. With S = 1, row h was seen by the output rows h − FH + 1 to h. Interleaved and
rows first, with rows of zeros above and below, these are one matrix as well, and

    drow[h] (C·FW, OW·n)  =  wᵀ (C·FW, FH·K), its rows turned round  @  dy[h − FH + 1] … dy[h]

With S > 1 every S-th row meets every S-th tap: S such products. What is left to add up are the FW shifts.
"""

import numpy as np
from numpy.lib.stride_tricks import as_strided

from course.ops._geometry import Geometry
from course.ops._validation import Array
from course.ops._workers import cut

CACHE = 1 << 21
"""Bytes that the columns of a block would take; what is here of them is FH times less."""


def pictures(x: Array, w: Array, g: Geometry) -> int:
    """Count the pictures of a block: as many as fit into the cache, they or their maps or their columns."""
    c, h, wide = (int(size) for size in x.shape[1:])
    places = g.output[0] * g.output[1]
    cells = max(c * h * wide, c * g.field[0] * g.field[1] * places, len(w) * places)
    return CACHE // (cells * x.itemsize)


def correlate(x: Array, w: Array, b: Array | None, g: Geometry, y: Array) -> None:
    """Fill y (N, K, OH, OW) for x (N, C, H, W) and w (K, C/groups, FH, FW), without vertical dilation."""
    filters = _filters(w, g)
    for some in _blocks(x, w, g):
        product = filters @ _windows(_rows(x[some], g), g)
        if b is not None:
            product += b.reshape(g.groups, 1, -1, 1)
        maps = product.reshape(g.groups, g.output[0], len(w) // g.groups, g.output[1], -1)
        y[some] = maps.transpose(4, 0, 2, 1, 3).reshape(-1, len(w), *g.output)


def gradients(dy: Array, x: Array, w: Array, g: Geometry, dx: Array | None) -> tuple[Array, Array]:
    """Fill dx (N, C, H, W) unless it is None, and return dw (K, C/groups, FH, FW) and db (K,)."""
    dw = np.zeros((g.groups, w[0].size, len(w) // g.groups), w.dtype)
    db = np.zeros(len(w), w.dtype)
    around = _around(g)
    for some in _blocks(x, w, g):
        d = _rows_first(dy[some], (around, 0), g.groups)
        d = d.reshape(*d.shape[:3], -1)
        inner = d[:, around : around + g.output[0]]
        dw += (_windows(_rows(x[some], g), g) @ inner.swapaxes(2, 3)).sum(axis=1)
        db += inner.sum(axis=3).sum(axis=1).reshape(len(w))
        if dx is not None:
            dx[some] = _fold(_rows_backward(d, w, g, x.shape[2] + 2 * g.pad[0]), x[some].shape, g)
    taps = dw.reshape(g.groups, g.field[0], w.shape[1], g.field[1], -1)
    return taps.transpose(0, 4, 2, 1, 3).reshape(w.shape), db


def _filters(w: Array, g: Geometry) -> Array:
    """Write each filter as a row, in the order of the rows that it meets: (groups, 1, K/groups, FH·C/groups·FW)."""
    return w.transpose(0, 2, 1, 3).reshape(g.groups, 1, len(w) // g.groups, w[0].size)


def _blocks(x: Array, w: Array, g: Geometry) -> list[slice]:
    """Cut the batch into blocks, as equal as can be."""
    return cut(len(x), -(-len(x) // max(1, pictures(x, w, g))))


def _rows_first(x: Array, pad: tuple[int, int], groups: int) -> Array:
    """Turn n pictures (n, C, H, W) into (groups, H + 2P, C/groups, W + 2P, n), zeros around."""
    n, c, h, w = x.shape
    around = np.zeros((groups, h + 2 * pad[0], c // groups, w + 2 * pad[1], n), x.dtype)
    _inside(around, pad)[...] = x.reshape(n, groups, c // groups, h, w).transpose(1, 3, 2, 4, 0)
    return around


def _around(g: Geometry) -> int:
    """Count the rows of zeros above and below those of dy: one less than the taps that an output row has in a row."""
    return -(-g.field[0] // g.stride[0]) - 1


def _inside(x: Array, pad: tuple[int, int]) -> Array:
    """View pictures (groups, H + 2P, C/groups, W + 2P, n) without their padding."""
    return x[:, pad[0] : x.shape[1] - pad[0], :, pad[1] : x.shape[3] - pad[1]]


def _rows(x: Array, g: Geometry) -> Array:
    """Write the rows of n pictures with their shifts along the width: (groups, H + 2P, C/groups, FW, OW, n)."""
    return _shifts(_rows_first(x, g.pad, g.groups), g).copy()


def _shifts(around: Array, g: Geometry) -> Array:
    """View padded pictures, rows first, as their shifts along the width: no copy, only strides."""
    group, down, channel, right, picture = around.strides
    shape = (*around.shape[:3], g.field[1], g.output[1], around.shape[4])
    return as_strided(around, shape, (group, down, channel, g.dilation[1] * right, g.stride[1] * right, picture))


def _windows(rows: Array, g: Geometry) -> Array:
    """View rows as the windows of each output row, FH rows together: (groups, OH, FH·C/groups·FW, OW·n)."""
    run = g.output[1] * rows.shape[-1]
    shape = (g.groups, g.output[0], g.field[0] * rows[0, 0].size // run, run)
    group, down = rows.strides[:2]
    return as_strided(rows, shape, (group, g.stride[0] * down, run * rows.itemsize, rows.itemsize))


def _rows_backward(d: Array, w: Array, g: Geometry, height: int) -> Array:
    """Compute the gradient of `_rows`, (groups, H + 2P, C/groups·FW, OW·n), from rows of dy with zeros around."""
    (fh, fw), step, (group, down, filter_, right) = g.field, g.stride[0], d.strides
    rows = np.empty((g.groups, height, w.shape[1] * fw, d.shape[3]), d.dtype)
    for first in range(step):
        mine, taps = rows[:, first::step], len(range(first, fh, step))
        count = g.output[0] + taps - 1 if taps else 0
        mine[:, count:] = 0  # no window sees these
        if taps:
            turned = w.reshape(g.groups, -1, *w.shape[1:])[:, :, :, first::step][:, :, :, ::-1]
            turned = turned.transpose(0, 2, 4, 3, 1).reshape(g.groups, 1, rows.shape[2], -1)
            windows = (g.groups, count, turned.shape[3], d.shape[3])
            met = as_strided(d[:, _around(g) + 1 - taps :], windows, (group, down, filter_, right))
            np.matmul(turned, met, out=mine[:, :count])
    return rows


def _fold(rows: Array, shape: tuple[int, ...], g: Geometry) -> Array:
    """Add the shifts of rows onto n pictures of this shape (n, C, H, W)."""
    n, c, h, w = shape
    around = np.zeros((g.groups, h + 2 * g.pad[0], c // g.groups, w + 2 * g.pad[1], n), rows.dtype)
    shifts = _shifts(around, g)
    rows = rows.reshape(shifts.shape)
    for v in range(g.field[1]):
        np.add(shifts[:, :, :, v], rows[:, :, :, v], out=shifts[:, :, :, v])
    return _inside(around, g.pad).transpose(4, 0, 2, 1, 3).reshape(shape)
