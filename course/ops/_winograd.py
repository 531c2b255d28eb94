"""Winograd's convolution F(4×4, 3×3): a quarter of the multiplications, for 3×3 filters with stride 1.

A tile of 4×4 outputs sees 6×6 inputs. Written out, it takes 16 · 9 = 144 products of a cell and a weight. But the
4 outputs of a 3-tap filter along a line are the coefficients of a product of polynomials turned round, and a
polynomial of degree 5 is known from its values at 6 points, where the product costs one multiplication each. With
the points 0, 1, −1, 2, −2 and ∞ along both axes

    y = Aᵀ [ (G w Gᵀ) ⊙ (B x Bᵀ) ] A            w 3×3,  x 6×6,  ⊙ at 36 points,  y 4×4

(S. Winograd 1980; A. Lavin and S. Gray, "Fast Algorithms for Convolutional Neural Networks", CVPR 2016). The sum over
the channels may be taken at the points, so at each point it is a matrix product, V (tiles, C) @ U (C, K).

Backwards every linear map is transposed. With dM = A dy Aᵀ at the points

    dU = Vᵀ @ dM,   dw = Gᵀ dU G            dV = dM @ Uᵀ,   dx = Bᵀ dV B, tiles that overlap adding up

The price is a rounding error of about 1e-5 (float32) or 1e-14 (float64), relative to the largest output, and that what
a tile sees spreads over it: the error of an outlier, up to 2e-5 (1e-13) of it times the largest weight, also to outputs
that do not see it; and a NaN or an infinity spoils all tiles of its block and picture.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from course.ops._geometry import Geometry
from course.ops._validation import Array

A = np.array([
    [1, 0, 0, 0],
    [1, 1, 1, 1],
    [1, -1, 1, -1],
    [1, 2, 4, 8],
    [1, -2, 4, -8],
    [0, 0, 0, 1],
], float)  # fmt: skip
"""(6, 4): the powers of each point. A dy Aᵀ are the values of dy at the points."""

G = np.array([[1 / 4, 0, 0], [-1 / 6, -1 / 6, -1 / 6], [-1 / 6, 1 / 6, -1 / 6],
              [1 / 24, 1 / 12, 1 / 6], [1 / 24, -1 / 12, 1 / 6], [0, 0, 1]])  # fmt: skip
"""(6, 3): the values of a filter at the points, divided by what the interpolation divides by."""

B = np.array([
    [4, 0, -5, 0, 1, 0],
    [0, -4, -4, 1, 1, 0],
    [0, 4, -4, -1, 1, 0],
    [0, -2, -1, 2, 1, 0],
    [0, 2, -1, -2, 1, 0],
    [0, 4, 0, -5, 0, 1],
], float)  # fmt: skip
"""(6, 6): the interpolation, turned round: its rows are the Lagrange polynomials without their divisors."""

CACHE = 3 << 19
"""Bytes of V and M in a block."""

ACROSS = 5
"""Tiles side by side in a block: the maps along the width are dense matrices, half of which is zeros at 5."""

TILES = 56
"""Tiles in a row of a block, of all its pictures: fewer make the matrix products slower."""


class Block(NamedTuple):
    """Tiles that are worked on together: those of some pictures, so many down and so many across."""

    pictures: slice
    down: range
    across: range


def correlate(x: Array, w: Array, b: Array | None, g: Geometry, y: Array) -> None:
    """Fill y (N, K, OH, OW) for x (N, C, H, W) and w (K, C, 3, 3)."""
    correlate_at_points(x, filters(w.swapaxes(0, 1)), b, g.pad, y)


def gradients(dy: Array, x: Array, w: Array, g: Geometry, dx: Array | None) -> tuple[Array, Array]:
    """Fill dx (N, C, H, W) unless it is None, and return dw (K, C, 3, 3) and db (K,)."""
    u = filters(w)
    du = np.zeros((36, w.shape[1], len(w)), w.dtype)
    db = gradients_at_points(dy, x, u, g.pad, dx, du)
    return filters_backward(du), db


def correlate_at_points(x: Array, u: Array, b: Array | None, pad: tuple[int, int], y: Array) -> None:
    """Fill y: x to the points, times the filters u (36, C, K) that are there already, and back."""
    x = np.ascontiguousarray(x)
    for block in _blocks(y.shape, x.shape[1], x.itemsize):
        m = _to_points(6, x, block, pad) @ u
        if b is not None:
            m[:, 7] += b  # the point (1, 1): all powers of 1 are 1, so what is added there every output receives
        place, tiles = _from_points(4, m, block, (0, 0), y.shape)
        y[place] = tiles


def gradients_at_points(dy: Array, x: Array, u: Array, pad: tuple[int, int], dx: Array | None, du: Array) -> Array:
    """Fill dx unless it is None, add to du (36, C, K) and return db (K,): for filters u (36, K, C) at the points."""
    dy, x = np.ascontiguousarray(dy), np.ascontiguousarray(x)
    db = np.zeros(dy.shape[1], x.dtype)
    together = max(1, CACHE // 4 // du[0].nbytes)
    for block in _blocks(dy.shape, x.shape[1], x.itemsize):
        v = _to_points(6, x, block, pad)
        dm = _to_points(4, dy, block, (0, 0))
        for i in range(0, 36, together):
            some = slice(i, i + together)
            for row in range(len(v)):
                du[some] += v[row, some].swapaxes(1, 2) @ dm[row, some]
        db += dm[:, 7].sum(axis=(0, 1))
        del v
        if dx is not None:
            _add_tiles(dm @ u, block, pad, dx)
    return db


def _add_tiles(dv: Array, block: Block, pad: tuple[int, int], dx: Array) -> None:
    """Bring a block back from the points, where its tiles overlap those of blocks before it adding up."""
    place, tiles = _from_points(6, dv, block, pad, dx.shape)
    top, left = _overlap(block.down, pad[0]), _overlap(block.across, pad[1])
    dx[place][:, :, :top] += tiles[:, :, :top]
    dx[place][:, :, top:, :left] += tiles[:, :, top:, :left]
    dx[place][:, :, top:, left:] = tiles[:, :, top:, left:]


def filters(w: Array) -> Array:
    """Take filters (K, C, 3, 3), or (C, K, 3, 3), to the points: u = (G ⊗ G) w, (36, K, C) or (36, C, K)."""
    first, second, _, _ = w.shape
    gg = np.kron(G, G).astype(w.dtype)
    return (gg @ w.reshape(first * second, 9).T).reshape(36, first, second)


def filters_backward(du: Array) -> Array:
    """Bring the filters' gradient (36, C, K) back from the points: dw (K, C, 3, 3)."""
    _, c, k = du.shape
    gg = np.kron(G, G).astype(du.dtype)
    return np.ascontiguousarray((gg.T @ du.reshape(36, c * k)).reshape(3, 3, c, k).transpose(3, 2, 0, 1))


def _blocks(shape: tuple[int, ...], c: int, itemsize: int) -> Iterator[Block]:
    """Cut the tiles of y (N, K, OH, OW) into blocks whose V and M fit into the cache."""
    n, k, oh, ow = shape
    wide = _cut(-(-ow // 4), ACROSS)
    q = max(len(across) for across in wide)
    pictures = _cut(n, max(1, TILES // q))
    m = max((len(some) for some in pictures), default=1)
    tall = _cut(-(-oh // 4), max(1, CACHE // (36 * (c + k) * q * m * itemsize)))
    for some in pictures:
        for down in tall:
            for across in wide:
                yield Block(slice(some.start, some.stop), down, across)


def _cut(total: int, most: int) -> list[range]:
    """Cut range(total) into equal parts, none longer than `most`."""
    parts = -(-total // most)
    return [range(total * i // parts, total * (i + 1) // parts) for i in range(parts)]


def _to_points(n: int, x: Array, block: Block, pad: tuple[int, int]) -> Array:
    """Compute P · tile · Pᵀ for every tile and channel of a block: (down, 36, across·pictures, C).

    The tiles are n × n, 4 cells apart, and P is A for n = 4, B for n = 6. Both maps are matrix products on x as it
    lies in memory: nothing is copied, and cells beyond the edge are simply left out of the product.
    """
    pictures, down, across = block
    m, c, h, w = x[pictures].shape
    rows, among, height = _seen(down, n, pad[0], h)
    columns, taps, _ = _seen(across, n, pad[1], w)
    lines = np.empty((height, 6 * len(across), m * c), x.dtype)
    lines[: among.start] = lines[among.stop :] = 0
    cells = x[pictures].reshape(m * c, h, w).transpose(1, 2, 0)[rows, columns]
    np.matmul(_along(n, len(across), x.dtype)[:, taps], cells, out=lines[among])
    size, step = lines[0].size, lines.strides[0]
    windows = as_strided(lines, (len(down), n, size), (4 * step, step, x.itemsize))
    points: Array = _along(n, 1, x.dtype) @ windows
    return points.reshape(len(down), 36, len(across) * m, c)


def _from_points(
    n: int, v: Array, block: Block, pad: tuple[int, int], shape: tuple[int, ...]
) -> tuple[tuple[slice, ...], Array]:
    """Compute Pᵀ · v · P, tiles that overlap adding up: `_to_points`, transposed.

    Returns:
        Where the tiles of the block lie in pictures of this shape, and what belongs there.
    """
    pictures, down, across = block
    m, c = pictures.stop - pictures.start, shape[1]
    rows, among, height = _seen(down, n, pad[0], shape[2])
    columns, taps, width = _seen(across, n, pad[1], shape[3])
    back, v = _along(n, 1, v.dtype).T.copy(), v.reshape(len(down), 6, -1)
    if n == 4:
        lines = (back @ v).reshape(height, -1)
    else:
        lines = np.zeros((height, v.shape[2]), v.dtype)
        for i, row in enumerate(v):
            lines[4 * i : 4 * i + n] += back @ row
    tiles = lines.reshape(height, -1, m * c).swapaxes(1, 2) @ _along(n, len(across), v.dtype)
    place = (pictures, slice(None), rows, columns)
    return place, tiles.reshape(height, m, c, width).transpose(1, 2, 0, 3)[:, :, among, taps]


@cache
def _along(n: int, tiles: int, dtype: np.dtype[Any]) -> Array:
    """Write P (6, n) once for each tile of a line: (6·tiles, 4·tiles + n − 4), ordered by point, then by tile."""
    line = np.zeros((6, tiles, 4 * tiles + n - 4), dtype)
    for i in range(tiles):
        line[:, i, 4 * i : 4 * i + n] = A if n == 4 else B
    line.flags.writeable = False  # it is kept, for every number of tiles up to ACROSS
    return line.reshape(6 * tiles, -1)


def _seen(tiles: range, n: int, pad: int, size: int) -> tuple[slice, slice, int]:
    """Give the cells that tiles of n cells see along an axis: which there are, where among all, and how many in all."""
    first, cells = 4 * tiles.start - pad, 4 * len(tiles) + n - 4
    start = max(first, 0)
    stop = max(start, min(first + cells, size))
    return slice(start, stop), slice(start - first, stop - first), cells


def _overlap(tiles: range, pad: int) -> int:
    """Count the cells that 6×6 tiles share with those of the block before them: 2, less those in the padding."""
    return max(0, 2 + min(0, 4 * tiles.start - pad)) if tiles.start else 0
