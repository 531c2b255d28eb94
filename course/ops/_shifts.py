"""Rows first, for few channels or with a stride: FW copies of each row instead of FH·FW of each cell.

The pictures lie as in `_rows`, (H, C, W, N). But where FH·C numbers are too few for a product, or the windows of a row
do not begin side by side, the FW shifts of a row along the width are written out, each of them C runs of OW·N numbers:

    row h (C·FW, OW·N):  at (c, v) the cells  x[c, h, S·j + v − P]  of all places j and all N pictures

In memory one row follows the other. So the FH rows that the windows of output row i see are one matrix as they lie
there, without another copy, and there is one product for each row of the output:

    y[i] (K, OW·N)  =  w (K, FH·C·FW)  @  rows S·i − P … S·i − P + FH − 1

Backwards the same trick works on dy. With S = 1, row h was seen by the output rows h + P − FH + 1 to h + P; with rows
of zeros above and below they are one matrix as well, and

    drow[h] (C·FW, OW·N)  =  wᵀ (C·FW, FH·K), its rows turned round  @  dy[h + P − FH + 1] … dy[h + P]

With S > 1 every S-th row meets every S-th tap: S such products. What is left to add up are the FW shifts.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.lib.stride_tricks import as_strided

from course.ops._geometry import Geometry
from course.ops._memory import as_rows, rows_first, scratch
from course.ops._products import multiply, multiply_transposed
from course.ops._rows import clipped, inside, total
from course.ops._validation import Array
from course.ops._workers import cut, parts, share

CACHE = 1 << 21
"""Bytes of rows whose shifts are written out, or of their gradient."""


def fit(x: Array, g: Geometry) -> bool:
    """Tell whether the rows that one output row sees fit into the cache, written out."""
    return bool(x.shape[1] * g.field[0] * g.field[1] * g.output[1] * len(x) * x.itemsize <= CACHE)


def correlate(x: Array, w: Array, b: Array | None, g: Geometry, y: Array) -> None:
    """Fill y (N, K, OH, OW), which lies rows first, for x (N, C, H, W) and w (K, C, FH, FW)."""
    filters, rows, maps = _filters(w), as_rows(x), rows_first(y).reshape(g.output[0], len(w), -1)

    def fill(part: slice) -> None:
        for some in _blocks(part, rows, g):
            with scratch(x.dtype, _size(some, rows, g)) as (lines,):
                multiply(filters, _windows(some, rows, g, lines), maps[some])
            if b is not None:
                maps[some] += b[:, None]

    share(fill, cut(g.output[0], len(parts(x))))


def gradients(dy: Array, x: Array, w: Array, g: Geometry, dx: Array | None) -> tuple[Array, Array]:
    """Fill dx (N, C, H, W) unless it is None, and return dw (K, C, FH, FW) and db (K,)."""
    (k, c, fh, fw), rows, d = w.shape, as_rows(x), as_rows(dy).reshape(g.output[0], len(w), -1)

    def work(part: tuple[slice, slice]) -> Array:
        of_x, of_y = part
        if dx is not None:
            _input_gradient(d, w, g, rows_first(dx), of_x)
        dw = np.zeros((fh * c * fw, k), w.dtype)
        for some in _blocks(of_y, rows, g):
            with scratch(x.dtype, _size(some, rows, g)) as (lines,):
                dw += multiply_transposed(_windows(some, rows, g, lines), d[some])
        return dw

    count = len(parts(x))
    first, *more = share(work, list(zip(cut(len(rows), count), cut(len(d), count), strict=True)))
    return sum(more, first).reshape(fh, c, fw, k).transpose(3, 1, 0, 2).copy(), total(d)


def _input_gradient(d: Array, w: Array, g: Geometry, dx: Array, part: slice) -> None:
    """Fill some rows of dx (H, C, W, N) from d, the rows of dy (OH, K, OW·N)."""
    (k, c, fh, fw), (_, _, width, n), step = w.shape, dx.shape, g.stride[0]
    most = max(1, CACHE // max(1, c * fw * d[0, 0].nbytes))
    dx[part] = 0
    for first in range(min(step, fh)):  # rows step·q + first of the padded picture met taps first, first + step, …
        turned = w[:, :, first::step][:, :, ::-1].transpose(1, 3, 2, 0).reshape(c * fw, -1)
        taps = turned.shape[1] // k
        start, stop = (-(-(h + g.pad[0] - first) // step) for h in (part.start, part.stop))
        for some in _runs(max(start, 0), min(stop, len(d) + taps - 1), (taps - 1, len(d)), most):
            above = some.start - taps + 1  # the output row that only the first of these has met
            h = step * some.start + first - g.pad[0]
            to = dx[h : h + step * (len(some) - 1) + 1 : step]
            with _between(d, above, some.stop) as seen, scratch(d.dtype, (len(some), c * fw, d.shape[2])) as (lines,):
                met = as_strided(seen, (len(some), taps * k, d.shape[2]), d.strides)
                multiply(turned, met, lines)
                shifts = lines.reshape(len(some), c, fw, -1, n)
                for v in range(fw):
                    mine, cells = _cells(v, g, width)
                    to[:, :, cells] += shifts[:, :, v, mine]


def _runs(start: int, stop: int, breaks: tuple[int, ...], most: int) -> Iterator[range]:
    """Cut range(start, stop) at the breaks, and into runs of at most so many."""
    while start < stop:
        end = min([stop, start + most, *(at for at in breaks if at > start)])
        yield range(start, end)
        start = end


@contextmanager
def _between(d: Array, start: int, stop: int) -> Iterator[Array]:
    """Give the rows of d from start to stop: a view if there are all of them, else a copy with zeros for the others."""
    if start >= 0 and stop <= len(d):
        yield d[start:stop]
        return
    with scratch(d.dtype, (stop - start, *d.shape[1:])) as (rows,):
        there = clipped(start, stop - start, len(d))
        rows[: there.start - start] = rows[there.stop - start :] = 0
        rows[there.start - start : there.stop - start] = d[there]
        yield rows


def _filters(w: Array) -> Array:
    """Write each filter as a row, in the order of the rows that it meets: (K, FH·C·FW)."""
    return w.transpose(0, 2, 1, 3).reshape(len(w), -1)


def _blocks(part: slice, rows: Array, g: Geometry) -> list[slice]:
    """Cut output rows into blocks; what they see, written out, fits into the cache, or it is one row of them."""
    each = rows[0, :, 0].nbytes * g.field[1] * g.output[1]
    count = max(1, (CACHE // max(1, each) - g.field[0]) // g.stride[0] + 1)
    return [slice(start, min(start + count, part.stop)) for start in range(part.start, part.stop, count)]


def _size(some: slice, rows: Array, g: Geometry) -> tuple[int, ...]:
    """Give the shape of all rows that some output rows see, written out."""
    return (
        g.stride[0] * (some.stop - some.start - 1) + g.field[0],
        rows.shape[1],
        g.field[1],
        g.output[1],
        rows.shape[3],
    )


def _windows(some: slice, rows: Array, g: Geometry, lines: Array) -> Array:
    """Write the rows that some output rows see, (…, C, FW, OW, N), and view them window by window, FH rows together."""
    top = g.stride[0] * some.start - g.pad[0]
    seen = clipped(top, len(lines), len(rows))
    lines[: seen.start - top] = lines[seen.stop - top :] = 0
    for v in range(g.field[1]):
        mine, cells = _cells(v, g, rows.shape[2])
        to = lines[seen.start - top : seen.stop - top, :, v]
        to[:, :, : mine.start] = to[:, :, mine.stop :] = 0
        to[:, :, mine] = rows[seen, :, cells]
    run = lines[0, 0, 0].size
    shape = (some.stop - some.start, g.field[0] * lines[0].size // run, run)
    return as_strided(lines, shape, (g.stride[0] * lines.strides[0], run * lines.itemsize, lines.itemsize))


def _cells(v: int, g: Geometry, width: int) -> tuple[slice, slice]:
    """Say which places have the column v of their windows in the picture, and which columns they meet."""
    mine, left = inside(range(g.output[1]), v, g, width)
    stop = left + g.stride[1] * (len(mine) - 1) + 1 if mine else left
    return slice(mine.start, mine.stop), slice(left, stop, g.stride[1])
