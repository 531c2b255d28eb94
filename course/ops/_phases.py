"""A 5×5 (or 6×6) convolution with stride 2 is a 3×3 one with stride 1, of a picture's four phases.

With stride 2 a weight at an even row and column only ever meets cells at even rows and columns (of the padded
picture), and so for odd ones. Let the cells at rows 2i + a and columns 2j + b be a channel of their own, and the
weights at rows 2u + a and columns 2v + b a filter of their own:

    Σ_u Σ_v w[u, v] · x[2i + u, 2j + v]  =  Σ_a Σ_b Σ_u Σ_v w[2u + a, 2v + b] · x[2(i + u) + a, 2(j + v) + b]

Four times the channels at a quarter of the size, with filters of half the extent: for that there is `_winograd`.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from course.ops import _winograd
from course.ops._geometry import Geometry
from course.ops._validation import Array
from course.ops._workers import cut

PICTURES = 8
"""Pictures in a block: they are copied into phases before the work and out of them after it."""

FILTERS = 7 << 16
"""Bytes of filters at the points that the gradients work with, and with as many of their gradients."""


def correlate(x: Array, w: Array, b: Array | None, g: Geometry, y: Array) -> None:
    """Fill y (N, K, OH, OW) for x (N, C, H, W) and w (K, C, FH, FW)."""
    u = _winograd.filters(_phases(w, (3, 3), (0, 0)).swapaxes(0, 1))
    for some in cut(len(x), -(-len(x) // PICTURES)):
        _winograd.correlate_at_points(_phases(x[some], _seen(g), g.pad), u, b, (0, 0), y[some])


def gradients(dy: Array, x: Array, w: Array, g: Geometry, dx: Array | None) -> tuple[Array, Array]:
    """Fill dx (N, C, H, W) unless it is None, and return dw (K, C, FH, FW) and db (K,)."""
    dw, db = np.empty(w.shape, w.dtype), np.empty(len(w), w.dtype)
    most = max(1, FILTERS // (36 * 4 * len(w) * w.itemsize))
    for depth in cut(w.shape[1], -(-w.shape[1] // most)):
        u, db = _winograd.filters(_phases(w[:, depth], (3, 3), (0, 0))), np.zeros_like(db)
        du = np.zeros((36, u.shape[2], len(w)), w.dtype)
        for some in cut(len(x), -(-len(x) // PICTURES)):
            phases = _phases(x[some, depth], _seen(g), g.pad)
            dphases = None if dx is None else np.empty_like(phases)
            db += _winograd.gradients_at_points(dy[some], phases, u, (0, 0), dphases, du)
            if dx is not None and dphases is not None:
                _fill(dx[some, depth], dphases, g.pad)
        _fill(dw[:, depth], _winograd.filters_backward(du), (0, 0))
    return dw, db


def _seen(g: Geometry) -> tuple[int, int]:
    """How large the phases are of which every cell is seen."""
    return g.output[0] + 2, g.output[1] + 2


def _phases(x: Array, size: tuple[int, int], pad: tuple[int, int]) -> Array:
    """Split padded pictures (N, C, H, W) into their phases (N, 4·C, *size), zeros where there is no cell."""
    phases = np.zeros((*x.shape[:2], 2, 2, *size), x.dtype)
    for phase, cells in _places(size, x.shape[2:], pad):
        phases[phase] = x[cells]
    return phases.reshape(len(x), 4 * x.shape[1], *size)


def _fill(x: Array, phases: Array, pad: tuple[int, int]) -> None:
    """Put phases (N, 4·C, h, w) together to pictures x (N, C, H, W) without their padding; unseen cells are 0."""
    x[...] = 0
    size = phases.shape[2:]
    phases = phases.reshape(*x.shape[:2], 2, 2, *size)
    for phase, cells in _places(size, x.shape[2:], pad):
        x[cells] = phases[phase]


def _places(phases: tuple[int, ...], size: tuple[int, ...], pad: tuple[int, int]) -> Iterator[tuple[Any, Any]]:
    """Say where each of the four phases lies in pictures, and what part of it does."""
    for phase in np.ndindex(2, 2):
        inner, cells = [], []
        for a, most, n, p in zip(phase, phases, size, pad, strict=True):
            first = max(0, (p - a + 1) // 2)  # of the cells 2·i + a of the padded picture, the first one in it
            stop = max(first, min(most, (p + n - a + 1) // 2))
            inner.append(slice(first, stop))
            cells.append(slice(2 * first + a - p, 2 * stop + a - p, 2))
        yield (..., *phase, *inner), (..., *cells)
