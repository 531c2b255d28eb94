"""Rows first: a convolution of many pictures without columns.

The pictures of a batch lie interleaved, rows first, as (H, C, W, N) (see `course.ops._memory`). Then

- rows that follow each other are one matrix as they lie there, (FH·C, W·N), and
- the same rows from one column further to the right on are that matrix without its first N columns.

So all the windows of an output row are FW views of the input, and the row is a sum of FW matrix products:

    y[i] (K, OW·N)  =  Σ_v  w[v] (K, FH·C)  @  rows i … i + FH − 1, from column v on (FH·C, OW·N)

Nothing is copied and nothing padded: where windows hang over the edge, the products leave out what is beyond it.
Backwards, dw[v] is the product of the same rows with dy[i]. And row h was seen by the output rows h − FH + 1 to h,
which are one matrix as well; one product gives the FW shifts of dx[h], which are added up:

    (C·FW, OW·N)  =  wᵀ (C·FW, FH·K), its rows turned round  @  dy[h − FH + 1] … dy[h]

This takes many pictures, for long rows, and FH·C numbers that are worth a product; and stride 1, for with another one
the windows of a row are no such view. For the rest there is `_shifts`.
"""

import numpy as np

from course.ops._geometry import Geometry
from course.ops._memory import as_rows, rows_first, scratch
from course.ops._products import multiply, multiply_transposed
from course.ops._validation import Array
from course.ops._workers import cut, parts, share

RUN = 4096
"""Columns of a product, about: so that each call is worth it and the result stays in the cache."""


def correlate(x: Array, w: Array, b: Array | None, g: Geometry, y: Array) -> None:
    """Fill y (N, K, OH, OW) for x (N, C, H, W) and w (K, C, FH, FW)."""
    (k, c, fh, fw), (n, _, height, width) = w.shape, x.shape
    filters, rows, maps = w.transpose(3, 0, 2, 1).reshape(fw, k, fh * c), as_rows(x), rows_first(y)

    def fill(part: slice) -> None:
        for i in range(part.start, part.stop):
            top = i - g.pad[0]
            seen = clipped(top, fh, height)
            taps, cells = slice((seen.start - top) * c, (seen.stop - top) * c), rows[seen].reshape(-1, width * n)
            maps[i] = 0 if b is None else b[:, None, None]
            for places in _pieces(g.output[1], n):
                with scratch(x.dtype, (k, len(places) * n)) as (whole,):
                    for v in range(fw):
                        mine, left = inside(places, v, g, width)
                        product = whole[:, : len(mine) * n]
                        multiply(filters[v][:, taps], cells[:, left * n : (left + len(mine)) * n], product)
                        maps[i, :, mine.start : mine.stop] += product.reshape(k, len(mine), n)

    share(fill, cut(g.output[0], len(parts(x))))


def gradients(dy: Array, x: Array, w: Array, g: Geometry, dx: Array | None) -> tuple[Array, Array]:
    """Fill dx (N, C, H, W) unless it is None, and return dw (K, C, FH, FW) and db (K,)."""
    (k, c, fh, fw), (n, _, height, width) = w.shape, x.shape
    rows, d = as_rows(x), as_rows(dy).reshape(g.output[0], k, -1)

    def work(part: tuple[slice, slice]) -> Array:
        of_x, of_y = part
        if dx is not None:
            _input_gradient(d, w, g, rows_first(dx), of_x)
        dw = np.zeros((fw, fh * c, k), w.dtype)
        for i in range(of_y.start, of_y.stop):
            top = i - g.pad[0]
            seen = clipped(top, fh, height)
            taps, cells = slice((seen.start - top) * c, (seen.stop - top) * c), rows[seen].reshape(-1, width * n)
            for v in range(fw):
                mine, left = inside(range(g.output[1]), v, g, width)
                met = cells[:, left * n : (left + len(mine)) * n]
                dw[v, taps] += multiply_transposed(met, d[i, :, mine.start * n : mine.stop * n])
        return dw

    count = len(parts(x))
    first, *more = share(work, list(zip(cut(height, count), cut(len(d), count), strict=True)))
    dw = sum(more, first).reshape(fw, fh, c, k)
    return dw.transpose(3, 2, 1, 0).copy(), total(d)


def _input_gradient(d: Array, w: Array, g: Geometry, dx: Array, part: slice) -> None:
    """Fill some rows of dx (H, C, W, N) from d, the rows of dy (OH, K, OW·N)."""
    (k, c, fh, fw), (_, _, width, n) = w.shape, dx.shape
    turned = w[:, :, ::-1].transpose(1, 3, 2, 0).reshape(c * fw, fh * k)
    for h in range(part.start, part.stop):
        top = h + g.pad[0] - fh + 1
        seen = clipped(top, fh, len(d))
        taps, maps = turned[:, (seen.start - top) * k : (seen.stop - top) * k], d[seen].reshape(-1, d.shape[2])
        dx[h] = 0
        for places in _pieces(g.output[1], n):
            with scratch(d.dtype, (c * fw, len(places) * n)) as (product,):
                multiply(taps, maps[:, places.start * n : places.stop * n], product)
                shifts = product.reshape(c, fw, len(places), n)
                for v in range(fw):
                    mine, left = inside(places, v, g, width)
                    met = slice(mine.start - places.start, mine.stop - places.start)
                    dx[h, :, left : left + len(mine)] += shifts[:, v, met]


def clipped(top: int, count: int, height: int) -> slice:
    """Of so many rows from `top` on, above the first one perhaps, say which there are."""
    start = min(max(top, 0), height)
    return slice(start, max(start, min(top + count, height)))


def inside(places: range, v: int, g: Geometry, width: int) -> tuple[range, int]:
    """Of some places, say which have the column v of their windows in the picture, and which column the first meets."""
    step, pad = g.stride[1], g.pad[1]
    start = min(max(places.start, -((v - pad) // step)), places.stop)
    mine = range(start, max(start, min(places.stop, (width - 1 + pad - v) // step + 1)))
    return mine, max(0, step * start + v - pad)


def total(d: Array) -> Array:
    """Sum rows (OH, K, OW·N) to one number for each map: as products with ones, BLAS does it three times as fast."""
    sums: Array = (d @ np.ones(d.shape[2], d.dtype)).sum(axis=0)
    return sums


def _pieces(places: int, n: int) -> list[range]:
    """Cut the places of a row into pieces of about `RUN` columns, N for each place."""
    most = max(1, RUN // max(1, n))
    return [range(start, min(start + most, places)) for start in range(0, places, most)]
