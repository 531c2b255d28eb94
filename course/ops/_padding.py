"""What lies beyond the edge of a picture: zeros, its mirror image, or its other side."""

from typing import Literal, get_args

import numpy as np

from course.ops._validation import ARRAY, Array, Cache, check_axes, check_cache, check_floats, check_upstream
from course.shapes import Pair, pair

__all__ = ["PadMode", "pad2d", "pad2d_backward"]

PadMode = Literal["zero", "symmetric", "circular"]


def pad2d(x: Array, pad: Pair, mode: PadMode = "zero") -> tuple[Array, Cache]:
    """Add P cells on every side of each picture.

        zero        0 0 | 1 2 3 | 0 0
        symmetric   2 1 | 1 2 3 | 3 2        the sides are folded over
        circular    2 3 | 1 2 3 | 1 2        the other side follows

    Args:
        x: (N, C, H, W), H and W at least 1.
        pad: P, an int or a pair (vertical, horizontal). It may exceed the picture: the pattern goes on.
        mode: "zero", "symmetric" or "circular".

    Returns:
        y (N, C, H + 2P, W + 2P), a copy, and the cache for `pad2d_backward`.

    Raises:
        TypeError: x is not an array of float32 or float64, or pad is not whole.
        ValueError: x has not four axes or no cells to repeat, pad is negative, or there is no such mode.

    Source: EECS 442, "One Additional Subtlety" (pad/fill, symm, circular/wrap).

    >>> y, cache = pad2d(np.array([[[[1.0, 2.0, 3.0]]]]), (0, 2), "symmetric")
    >>> y[0, 0]
    array([[2., 1., 1., 2., 3., 3., 2.]])
    """
    check_floats(x=x)
    check_axes("x", x, "N, C, H, W")
    if mode not in get_args(PadMode):
        raise ValueError(f"mode={mode!r} is unknown; {', '.join(get_args(PadMode))} would fit")
    if not (x.shape[2] and x.shape[3]):
        raise ValueError(f"x has shape {x.shape}; pictures of at least 1 × 1 would fit")
    vertical, horizontal = pair(pad, "pad", least=0)
    rows, columns = _sources(x.shape[2], vertical, mode), _sources(x.shape[3], horizontal, mode)
    y = x[:, :, np.maximum(rows, 0)][..., np.maximum(columns, 0)]
    y[:, :, rows < 0] = 0
    y[..., columns < 0] = 0
    return y, (x.shape, x.dtype, rows, columns)


def pad2d_backward(dy: Array, cache: Cache) -> Array:
    """Add the gradient of every cell of y to the cell of x that it repeats; what was 0 repeats none.

    Args:
        dy: (N, C, H + 2P, W + 2P), the upstream gradient.
        cache: from `pad2d`.

    Returns:
        dx (N, C, H, W).

    Raises:
        TypeError, ValueError: dy has not the dtype or the shape of y.

    Source: HLCV, "Patterns in backward flow" (gradients add at branches).

    >>> y, cache = pad2d(np.array([[[[1.0, 2.0, 3.0]]]]), (0, 2), "symmetric")
    >>> pad2d_backward(np.ones_like(y), cache)[0, 0]
    array([[2., 3., 2.]])
    """
    shape, dtype, rows, columns = check_cache(cache, "pad2d", tuple, np.dtype, ARRAY, ARRAY)
    check_upstream(dy, (*shape[:2], len(rows), len(columns)), dtype)
    return _gathered(dy, shape, rows, columns)


def extended(x: Array, pad: tuple[int, int]) -> Array:
    """Repeat the outermost cells of each picture P times beyond its edge."""
    return x[:, :, _nearest(x.shape[2], pad[0])][..., _nearest(x.shape[3], pad[1])]


def extended_backward(dy: Array, pad: tuple[int, int]) -> Array:
    """Add the gradients of repeated cells to those that they repeat."""
    h, w = dy.shape[2] - 2 * pad[0], dy.shape[3] - 2 * pad[1]
    return _gathered(dy, (*dy.shape[:2], h, w), _nearest(h, pad[0]), _nearest(w, pad[1]))


def _gathered(dy: Array, shape: tuple[int, ...], rows: Array, columns: Array) -> Array:
    """Add row i of dy to row rows[i] of dx, and column j to column columns[j]; −1 is nowhere."""
    tall = np.zeros((*shape[:3], dy.shape[3]), dy.dtype)
    for cell, source in enumerate(rows):
        if source >= 0:
            tall[:, :, source] += dy[:, :, cell]
    dx = np.zeros(shape, dy.dtype)
    for cell, source in enumerate(columns):
        if source >= 0:
            dx[..., source] += tall[..., cell]
    return dx


def _nearest(size: int, pad: int) -> Array:
    return np.arange(-pad, size + pad).clip(0, size - 1)


def _sources(size: int, pad: int, mode: PadMode) -> Array:
    """Say for each padded cell of an axis which cell it repeats; −1 for a zero."""
    cells = np.arange(size)
    if mode == "zero":
        return np.pad(cells, pad, constant_values=-1)
    return np.pad(cells, pad, mode="symmetric" if mode == "symmetric" else "wrap")
