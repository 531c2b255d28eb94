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

With stride 2 a weight at an even row and column only ever meets cells at even rows and columns (of the padded picture),
and so for odd ones. So a 5×5 (or 6×6) convolution with stride 2 is the sum of four 3×3 ones with stride 1, of the
picture's four phases, the cells at rows 2i + a and columns 2j + b:

    Σ_u Σ_v w[u, v] · x[2i + u, 2j + v]  =  Σ_a Σ_b Σ_u Σ_v w[2u + a, 2v + b] · x[2(i + u) + a, 2(j + v) + b]

At the points they are summed, so that there is one way back. Below, S is the stride, with S·S phases.

The price is a rounding error of about 1e-5 (float32) or 1e-14 (float64), relative to the largest output, and that a NaN
or an infinity spoils all tiles of its block and picture.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from course.ops._geometry import Geometry
from course.ops._memory import scratch
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

CACHE = 3 << 20
"""Bytes of V and M in a block and of the filters and their gradient at the points; a third is always the block's."""

PICTURES = 8
"""Pictures in a block, at most."""

ACROSS = 4
"""Tiles side by side in a block: the maps along the width are dense matrices, and half of them is zeros at 4."""


class Block(NamedTuple):
    """Tiles that are worked on together: those of some pictures, so many down and so many across."""

    pictures: slice
    down: range
    across: range

    def points(self, x: Array, step: int = 1) -> tuple[int, ...]:
        """Give the shape of one row of phases of x (N, C, H, W) at the points: (6, S, 6, tiles, C)."""
        pictures = self.pictures.stop - self.pictures.start
        return 6, step, 6, len(self.down) * len(self.across) * pictures, x.shape[1]


def correlate(x: Array, w: Array, b: Array | None, g: Geometry, y: Array) -> None:
    """Fill y (N, K, OH, OW) for x (N, C, H, W) and w (K, C, 3·S, 3·S), or one less each way."""
    x, step, u = np.ascontiguousarray(x), g.stride[0], _filters(w, g.stride[0]).swapaxes(4, 5)
    for block in _blocks(y.shape, x.shape[1] * step, u):
        with scratch(x.dtype, block.points(x, step), block.points(y), block.points(y)) as (v, m, more):
            for a, c in np.ndindex(step, step):
                if c == 0:
                    _to_points(6, x, block, _Seen(g.pad, step, a), v)
                np.matmul(v[:, c], u[a, c], out=m[:, 0] if a == c == 0 else more[:, 0])
                if a or c:
                    m += more
            if b is not None:
                m[1, 0, 1] += b  # the point (1, 1): all powers of 1 are 1, so what is added there every output receives
            place, tiles = _from_points(4, m, block, _Seen(), y.shape)
            y[place] = tiles


def gradients(dy: Array, x: Array, w: Array, g: Geometry, dx: Array | None) -> tuple[Array, Array]:
    """Fill dx (N, C, H, W) unless it is None, and return dw (K, C, FH, FW) and db (K,)."""
    dy, x, step = np.ascontiguousarray(dy), np.ascontiguousarray(x), g.stride[0]
    u = _filters(w, step)
    du, db = np.zeros((step, step, 6, 6, w.shape[1], len(w)), w.dtype), np.zeros(len(w), w.dtype)
    if dx is not None and step > 1:
        dx[...] = 0  # the last cells may be beyond all tiles
    for block in _blocks(dy.shape, x.shape[1] * step, u):
        with scratch(x.dtype, block.points(x, step), block.points(dy)) as (v, dm):
            _to_points(4, dy, block, _Seen(), dm)
            db += dm[1, 0, 1].sum(axis=0)
            for a in range(step):
                seen = _Seen(g.pad, step, a)
                _to_points(6, x, block, seen, v)
                for i in range(6):  # so few points at once that their products stay in the cache
                    du[a, :, i] += v[i].swapaxes(2, 3) @ dm[i]
                if dx is not None:
                    np.matmul(dm, u[a].swapaxes(0, 1), out=v)
                    _add_tiles(v, block, seen, dx)
    return _filters_backward(du, w.shape), db


def _add_tiles(dv: Array, block: Block, seen: "_Seen", dx: Array) -> None:
    """Bring a block back from the points, where its tiles overlap those of blocks before it adding up."""
    place, tiles = _from_points(6, dv, block, seen, dx.shape)
    top, left = seen.overlap(block.down, 0), seen.overlap(block.across, 1)
    dx[place][:, :, :top] += tiles[:, :, :top]
    dx[place][:, :, top:, :left] += tiles[:, :, top:, :left]
    dx[place][:, :, top:, left:] = tiles[:, :, top:, left:]


def _filters(w: Array, step: int) -> Array:
    """Take filters (K, C, FH, FW) to the points, phase by phase: (G ⊗ G) w, (S, S, 6, 6, K, C)."""
    k, c, fh, fw = w.shape
    whole = np.zeros((k, c, 3 * step, 3 * step), w.dtype)
    whole[:, :, :fh, :fw] = w
    phases = whole.reshape(k, c, 3, step, 3, step).transpose(3, 5, 2, 4, 0, 1).reshape(step, step, 9, k * c)
    return (np.kron(G, G).astype(w.dtype) @ phases).reshape(step, step, 6, 6, k, c)


def _filters_backward(du: Array, shape: tuple[int, ...]) -> Array:
    """Bring the filters' gradient (S, S, 6, 6, C, K) back from the points: dw (K, C, FH, FW)."""
    (k, c, fh, fw), step = shape, len(du)
    phases = np.kron(G, G).astype(du.dtype).T @ du.reshape(step, step, 36, c * k)
    whole = phases.reshape(step, step, 3, 3, c, k).transpose(5, 4, 2, 0, 3, 1).reshape(k, c, 3 * step, 3 * step)
    return np.ascontiguousarray(whole[:, :, :fh, :fw])


def _blocks(shape: tuple[int, ...], c: int, u: Array) -> Iterator[Block]:
    """Cut the tiles of y (N, K, OH, OW) into blocks whose V and M fit into the cache, beside the filters u."""
    n, k, oh, ow = shape
    tiles = max(CACHE // 3, CACHE - 2 * u.nbytes) // (36 * (c + k) * u.itemsize)
    wide = _cut(-(-ow // 4), ACROSS)
    q = max(len(across) for across in wide)
    pictures = _cut(n, max(1, min(PICTURES, tiles // q)))
    m = max((len(some) for some in pictures), default=1)
    tall = _cut(-(-oh // 4), max(1, tiles // (q * m)))
    for some in pictures:
        for down in tall:
            for across in wide:
                yield Block(slice(some.start, some.stop), down, across)


def _cut(total: int, most: int) -> list[range]:
    """Cut range(total) into equal parts, none longer than `most`."""
    parts = -(-total // most)
    return [range(total * i // parts, total * (i + 1) // parts) for i in range(parts)]


class _Seen(NamedTuple):
    """Which cells the tiles see: all of them or, with a stride, one row of phases."""

    pad: tuple[int, int] = (0, 0)
    step: int = 1
    phase: int = 0

    def rows(self, tiles: range, n: int, height: int) -> tuple[slice, slice, int]:
        """Give the rows that tiles of n cells see: which there are, where they are among all, and how many in all."""
        first, count = 4 * self.step * tiles.start + self.phase - self.pad[0], 4 * len(tiles) + n - 4
        start = max(0, -(first // self.step))
        stop = max(start, min(count, -((first - height) // self.step)))
        return slice(first + self.step * start, max(0, first + self.step * stop), self.step), slice(start, stop), count

    def columns(self, tiles: range, n: int, width: int) -> tuple[slice, slice, int]:
        """Give the columns that tiles of n cells see, of all phases, in the same way."""
        first, count = 4 * self.step * tiles.start - self.pad[1], self.step * (4 * len(tiles) + n - 4)
        start = max(first, 0)
        stop = max(start, min(first + count, width))
        return slice(start, stop), slice(start - first, stop - first), count

    def overlap(self, tiles: range, axis: int) -> int:
        """Count the cells that 6×6 tiles share with those of the block before them, without those in the padding."""
        if not tiles.start:
            return 0
        if axis == 1:
            return max(0, 2 * self.step + min(0, 4 * self.step * tiles.start - self.pad[1]))
        first = 4 * self.step * tiles.start + self.phase - self.pad[0]
        return max(0, 2 - max(0, -(first // self.step)))


def _to_points(n: int, x: Array, block: Block, seen: _Seen, points: Array) -> None:
    """Compute P · tile · Pᵀ for every tile and channel of a block: fill points (6, S, 6, down·across·pictures, C).

    The tiles are n × n, 4 cells apart, and P is A for n = 4, B for n = 6. Both maps are matrix products on x as it
    lies in memory: nothing is copied, and cells beyond the edge are simply left out of the product.
    """
    pictures, down, across = block
    m, c, h, w = x[pictures].shape
    rows, among, height = seen.rows(down, n, h)
    columns, taps, _ = seen.columns(across, n, w)
    along = _along(n, len(across), seen.step, x.dtype)
    run = len(across) * m * c
    with scratch(x.dtype, (height, 6 * seen.step, run)) as (lines,):
        lines[: among.start] = lines[among.stop :] = 0
        cells = x[pictures].reshape(m * c, h, w).transpose(1, 2, 0)[rows, columns]
        np.matmul(along[:, taps], cells, out=lines[among].reshape(among.stop - among.start, len(along), m * c))
        step, point, number = lines.strides
        windows = as_strided(lines, (len(down), lines.shape[1], n, run), (4 * step, point, step, number))
        np.matmul(_along(n, 1, 1, x.dtype), windows, out=_by_line(points, len(down)))


def _by_line(points: Array, down: int) -> Array:
    """View points (6, S, 6, tiles, C) as lines of tiles: (down, S·6, 6, across·pictures·C)."""
    return points.reshape(6, points.shape[1] * 6, down, -1).transpose(2, 1, 0, 3)


def _from_points(
    n: int, v: Array, block: Block, seen: _Seen, shape: tuple[int, ...]
) -> tuple[tuple[slice, ...], Array]:
    """Compute Pᵀ · v · P, tiles that overlap adding up: `_to_points`, transposed.

    Returns:
        Where the tiles of the block lie in pictures of this shape, and what belongs there.
    """
    pictures, down, across = block
    m, c = pictures.stop - pictures.start, shape[1]
    rows, among, height = seen.rows(down, n, shape[2])
    columns, taps, width = seen.columns(across, n, shape[3])
    back, v = _along(n, 1, 1, v.dtype).T.copy(), _by_line(v, len(down))
    with scratch(v.dtype, (height, v.shape[1], v.shape[3]), (n, v.shape[1], v.shape[3])) as (lines, line):
        if n == 4:
            np.matmul(back, v, out=lines.reshape(len(down), 4, *lines.shape[1:]).swapaxes(1, 2))
        else:
            lines[...] = 0
            for i, row in enumerate(v):
                np.matmul(back, row, out=line.swapaxes(0, 1))
                lines[4 * i : 4 * i + n] += line
        tiles = lines.reshape(height, -1, m * c).swapaxes(1, 2) @ _along(n, len(across), seen.step, v.dtype)
    place = (pictures, slice(None), rows, columns)
    return place, tiles.reshape(height, m, c, width).transpose(1, 2, 0, 3)[:, :, among, taps]


@cache
def _along(n: int, tiles: int, step: int, dtype: np.dtype[Any]) -> Array:
    """Write P (6, n) once for each phase and tile of a line: (S·6·tiles, S·(4·tiles + n − 4)), by phase, point, tile."""
    line = np.zeros((step, 6, tiles, 4 * tiles + n - 4, step), dtype)
    for phase, i in np.ndindex(step, tiles):
        line[phase, :, i, 4 * i : 4 * i + n, phase] = A if n == 4 else B
    line.flags.writeable = False  # it is kept, for every number of tiles up to the most across
    return line.reshape(step * 6 * tiles, -1)
