"""Pooling: smaller maps, each number the maximum or the mean of a window, channel by channel, without parameters.

A window is a rectangle, so its maximum is the maximum down a column of its rows' maxima, and its sum is a sum of
sums. We pool along the width first, then along the height, and along an axis cell by cell: F − 1 binary maxima or
additions of whole arrays. `course.ops.pooling_naive` says the same window by window.

Maxima are taken for a block of pictures at a time. What is computed on the way then stays in the processor's cache,
and in memory that is used again; large arrays would go back to the system and return page by page.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from course.ops._geometry import Geometry, inside, padded, pool2d_geometry
from course.ops._memory import empty, lay, lie_rows_first
from course.ops._padding import extended, extended_backward
from course.ops._validation import Array, Cache, check_cache, check_upstream
from course.ops._workers import blocks, share
from course.shapes import Pair

__all__ = ["avg_pool2d", "avg_pool2d_backward", "max_pool2d", "max_pool2d_backward"]

BLOCK = 1 << 20
"""Bytes of the pictures of a block."""

_Block = tuple[slice, ...]
"""Some of the pictures, or some of the maps of all of them."""


def max_pool2d(
    x: Array, field: Pair = 2, *, stride: Pair | None = None, pad: Pair = 0, floor: bool = False
) -> tuple[Array, Cache]:
    """Take the largest number of each window.

        y[n, c, i, j] = max over u < FH, v < FW of x[n, c, S·i + u − P, S·j + v − P]

    Padded cells never win, not even against −∞. Of equal cells exactly one wins: the first in reading order, as
    with `np.argmax`. A NaN wins over every number, and so the first NaN over all.

    Args:
        x: (N, C, H, W).
        field: the windows' extent (FH, FW); like stride and pad an int or a pair (vertical, horizontal).
        stride: S, the step from one window to the next; None means the field: windows side by side.
        pad: P, smaller than the field, so that each window holds a cell of the picture.
        floor: leave the last cells unseen where windows do not fit, instead of refusing.

    Returns:
        y (N, C, OH, OW) with OH = (H + 2P − FH)/S + 1, and the cache for `max_pool2d_backward`. N may be 0.

    Raises:
        TypeError: x is not an array of float32 or float64, or a number is not whole.
        ValueError: x has not four axes, the windows do not fit, or the pad is not smaller than the field.

    Source: HLCV, "MAX POOLING" and "(Max) Pooling Layer"; SYSU lecture 7.3, "Max Pooling layer at layer l".

    >>> import numpy as np
    >>> x = np.array([[1.0, 1, 2, 4], [5, 6, 7, 8], [3, 2, 1, 0], [1, 1, 3, 4]])
    >>> y, cache = max_pool2d(x[None, None])
    >>> y[0, 0]
    array([[6., 8.],
           [3., 4.]])
    """
    g = pool2d_geometry(x, field, stride, pad, floor)
    rows = lie_rows_first(x)
    y = np.empty_like(x, subok=False, shape=(*x.shape[:2], *g.output))
    winners = share(lambda block: _max_of_windows(x, block, y, g), _blocks(x, rows))
    return y, (x.shape, x.dtype, winners, g, rows)


def max_pool2d_backward(dy: Array, cache: Cache) -> Array:
    """Send each dy to the cell that won its window; where windows overlap, a cell may win several.

        dx[n, c, p, q] = Σ dy[n, c, i, j] over all windows (i, j) that (p, q) has won

    Args:
        dy: (N, C, OH, OW), the upstream gradient.
        cache: from `max_pool2d`.

    Returns:
        dx (N, C, H, W).

    Raises:
        TypeError, ValueError: dy has not the dtype or the shape of y.

    Source: SYSU lecture 7.3, "Derivative of Max Pooling layer at layer l" (why += and not =).

    >>> import numpy as np
    >>> y, cache = max_pool2d(np.array([[[[1.0, 3, 2]]]]), (1, 2), stride=1)
    >>> max_pool2d_backward(np.array([[[[10.0, 1]]]]), cache)[0, 0]
    array([[ 0., 11.,  0.]])
    """
    shape, dtype, winners, g, rows = check_cache(cache, "max_pool2d", tuple, np.dtype, list, Geometry, bool)
    check_upstream(dy, (*shape[:2], *g.output), dtype)
    dy, dx = lay(dy, rows), empty(shape, dtype, rows)
    share(lambda won: _max_of_windows_backward(dy, won, dx, g), winners)
    return dx


class _Winners(NamedTuple):
    """Who won in a block: for each later cell of the windows whether it beat all before."""

    block: _Block
    across: list[Array]
    """FW − 1 arrays (n, C, H + 2P, OW)"""
    down: list[Array]
    """FH − 1 arrays (n, C, OH, OW), among the winners of the rows"""


def _blocks(x: Array, rows: bool) -> list[_Block]:
    """Cut a batch into blocks of pictures or, if it lies rows first, of maps."""
    if rows:
        return [(slice(None), some) for some in blocks(x.swapaxes(0, 1), BLOCK)]
    return [(some,) for some in blocks(x, BLOCK)]


def _max_of_windows(x: Array, block: _Block, y: Array, g: Geometry) -> _Winners:
    """Fill a block of y (N, C, OH, OW)."""
    # a copy of the outermost cell of a window changes no maximum, so padding repeats the edge
    around = extended(x[block], g.pad) if any(g.pad) else x[block]
    rows = np.empty_like(around, subok=False, shape=(*around.shape[:3], g.output[1]))

    def play(beats: Callable[[Array, Array], Array]) -> _Winners:
        return _Winners(block, _max_along(-1, around, g, rows, beats), _max_along(-2, rows, g, y[block], beats))

    winners = play(np.greater)  # strictly: of equal cells the first one stays
    return play(_beats) if np.isnan(y[block].max()) else winners


def _beats(cell: Array, best: Array) -> Array:
    """Tell where a cell is greater, counting NaN as greater than every number."""
    beaten: Array = (cell > best) | (np.isnan(cell) & ~np.isnan(best))
    return beaten


def _max_of_windows_backward(dy: Array, won: _Winners, dx: Array, g: Geometry) -> None:
    """Fill a block of dx (N, C, H, W)."""
    n, c, h, w = dx[won.block].shape
    tall, wide = h + 2 * g.pad[0], w + 2 * g.pad[1]
    rows = np.empty_like(dx[won.block], subok=False, shape=(n, c, tall, g.output[1]))
    _max_along_backward(-2, dy[won.block], won.down, g, rows)
    if any(g.pad):
        around = np.empty_like(dx[won.block], subok=False, shape=(n, c, tall, wide))
        _max_along_backward(-1, rows, won.across, g, around)
        dx[won.block] = extended_backward(around, g.pad)
    else:
        _max_along_backward(-1, rows, won.across, g, dx[won.block])


def _max_along(axis: int, x: Array, g: Geometry, y: Array, beats: Callable[[Array, Array], Array]) -> list[Array]:
    """Fill y with maxima along one axis, and tell for each later cell of the windows whether it beat all before."""
    best, won = _cells(axis, x, 0, g), []
    for i in range(1, g.field[axis]):
        cell = _cells(axis, x, i, g)
        won.append(beats(cell, best))
        best = np.maximum(best, cell, out=y)
    if not won:
        y[...] = best
    return won


def _max_along_backward(axis: int, dy: Array, won: list[Array], g: Geometry, dx: Array) -> None:
    """Fill dx: walk the chain of maxima backwards; what a cell won it takes, the rest goes on to those before it."""
    alone = g.stride[axis] >= g.field[axis]  # then a cell lies in one window at most
    if not (g.stride[axis] == g.field[axis] and g.field[axis] * g.output[axis] == dx.shape[axis]):
        dx[...] = 0
    # As bits, of which a winner keeps all and a loser none: np.where takes 20 times as long, and ∞ times 0 is not 0.
    rest, bits = dy.view(f"i{dy.itemsize}"), dx.view(f"i{dx.itemsize}")

    def give(i: int, operation: np.ufunc, *operands: Any) -> Any:
        if alone:
            return operation(*operands, out=_cells(axis, bits, i, g))
        given = operation(*operands)
        cells = _cells(axis, dx, i, g)
        cells += given.view(dx.dtype)
        return given

    for i in range(len(won), 0, -1):
        all_or_none = (-won[i - 1].view(np.int8)).astype(rest.dtype)  # −1 has all bits
        kept = give(i, np.bitwise_and, rest, all_or_none)
        rest = rest ^ kept if i > 1 else give(0, np.bitwise_xor, rest, kept)
    if not won:
        give(0, np.positive, rest)


def _add(cells: Array, dy: Array, axis: int, g: Geometry) -> None:
    """Add to cells that lie in several windows; those that lie in one are still 0."""
    if g.stride[axis] < g.field[axis]:
        cells += dy
    else:
        cells[...] = dy


def avg_pool2d(
    x: Array, field: Pair = 2, *, stride: Pair | None = None, pad: Pair = 0, floor: bool = False
) -> tuple[Array, Cache]:
    """Take the mean of each window.

        y[n, c, i, j] = 1/m · Σ_u Σ_v x[n, c, S·i + u − P, S·j + v − P]

    where m is the number of the window's cells that lie in the picture: padded cells count in no mean.

    Args:
        x: (N, C, H, W).
        field, stride, pad, floor: as in `max_pool2d`.

    Returns:
        y (N, C, OH, OW) with OH = (H + 2P − FH)/S + 1, and the cache for `avg_pool2d_backward`. N may be 0.

    Raises:
        TypeError: x is not an array of float32 or float64, or a number is not whole.
        ValueError: x has not four axes, the windows do not fit, or the pad is not smaller than the field.

    Source: SYSU lecture 7.3, "Mean pooling"; EECS 545, "Average Pooling".

    >>> import numpy as np
    >>> x = np.array([[1.0, 1, 2, 4], [5, 6, 7, 8], [3, 2, 1, 0], [1, 1, 3, 4]])
    >>> y, cache = avg_pool2d(x[None, None])
    >>> y[0, 0]
    array([[3.25, 5.25],
           [1.75, 2.  ]])
    """
    g = pool2d_geometry(x, field, stride, pad, floor)
    total = _sum_along(-2, _sum_along(-1, padded(x, g.pad), g), g)
    total /= _counts(x.shape, x.dtype, g)
    return total, (x.shape, x.dtype, g)


def avg_pool2d_backward(dy: Array, cache: Cache) -> Array:
    """Spread each dy evenly over its window: a cell receives dy/m from every window that holds it.

    (The slide's formula sums over the window instead; it is dy/K² that each cell receives from each.)

    Args:
        dy: (N, C, OH, OW), the upstream gradient.
        cache: from `avg_pool2d`.

    Returns:
        dx (N, C, H, W).

    Raises:
        TypeError, ValueError: dy has not the dtype or the shape of y.

    Source: SYSU lecture 7.3, "Derivative of mean pooling".

    >>> import numpy as np
    >>> y, cache = avg_pool2d(np.array([[[[1.0, 3, 2]]]]), (1, 2), stride=1)
    >>> avg_pool2d_backward(np.array([[[[10.0, 2]]]]), cache)[0, 0]
    array([[5., 6., 1.]])
    """
    shape, dtype, g = check_cache(cache, "avg_pool2d", tuple, np.dtype, Geometry)
    check_upstream(dy, (*shape[:2], *g.output), dtype)
    n, c, h, w = shape
    tall, wide = h + 2 * g.pad[0], w + 2 * g.pad[1]
    rows = _sum_along_backward(-2, dy / _counts(shape, dtype, g), (n, c, tall, g.output[1]), g)
    dx = _sum_along_backward(-1, rows, (n, c, tall, wide), g)
    return inside(dx, g.pad).copy(order="K") if any(g.pad) else dx


def _sum_along(axis: int, x: Array, g: Geometry) -> Array:
    """Sum windows along one axis."""
    y = _cells(axis, x, 0, g).copy(order="K")
    for i in range(1, g.field[axis]):
        y += _cells(axis, x, i, g)
    return y


def _sum_along_backward(axis: int, dy: Array, shape: tuple[int, ...], g: Geometry) -> Array:
    """Give each dy to every cell of its window along one axis."""
    dx = np.zeros_like(dy, subok=False, shape=shape)
    for i in range(g.field[axis]):
        _add(_cells(axis, dx, i, g), dy, axis, g)
    return dx


def _counts(shape: tuple[int, ...], dtype: np.dtype[np.floating], g: Geometry) -> Array:
    """Count the cells of each window (OH, OW) that lie in the picture."""
    ones = padded(np.ones((1, 1, *shape[2:]), dtype), g.pad)
    return _sum_along(-2, _sum_along(-1, ones, g), g).reshape(g.output)


def _cells(axis: int, x: Array, i: int, g: Geometry) -> Array:
    """View cell i of every window along one axis."""
    step, count = g.stride[axis], g.output[axis]
    along = slice(i, i + step * (count - 1) + 1, step)
    return x[..., along] if axis == -1 else x[..., along, :]
