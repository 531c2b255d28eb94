"""A 5×5 (or 6×6) convolution with stride 2 is a 3×3 one with stride 1, of a picture's four phases.

With stride 2 a weight at an even row and column only ever meets cells at even rows and columns (of the padded
picture), and so for odd ones. Let the cells at rows 2i + a and columns 2j + b be a channel of their own, and the
weights at rows 2u + a and columns 2v + b a filter of their own:

    Σ_u Σ_v w[u, v] · x[2i + u, 2j + v]  =  Σ_a Σ_b Σ_u Σ_v w[2u + a, 2v + b] · x[2(i + u) + a, 2(j + v) + b]

Four times the channels at a quarter of the size, with filters of half the extent: for that there is `_winograd`.
"""

import numpy as np

from course.ops import _winograd
from course.ops._geometry import Geometry
from course.ops._validation import Array

PICTURES = 8
"""Pictures in a block: they are copied into phases before the work and out of them after it."""


def correlate(x: Array, w: Array, b: Array | None, g: Geometry, y: Array) -> None:
    """Fill y (N, K, OH, OW) for x (N, C, H, W) and w (K, C, FH, FW)."""
    u = _winograd.filters(_phases(w, (3, 3), (0, 0)))
    for some in _blocks(len(x)):
        _winograd.correlate_at_points(_phases(x[some], _seen(g), g.pad), u, b, (0, 0), y[some])


def gradients(dy: Array, x: Array, w: Array, g: Geometry, dx: Array | None) -> tuple[Array, Array]:
    """Fill dx (N, C, H, W) unless it is None, and return dw (K, C, FH, FW) and db (K,)."""
    u = _winograd.filters(_phases(w, (3, 3), (0, 0)))
    du, db = np.zeros((36, u.shape[2], len(w)), w.dtype), np.zeros(len(w), w.dtype)
    for some in _blocks(len(x)):
        phases = _phases(x[some], _seen(g), g.pad)
        dphases = None if dx is None else np.empty_like(phases)
        more_du, more_db = _winograd.gradients_at_points(dy[some], phases, u, (0, 0), dphases)
        du += more_du
        db += more_db
        if dx is not None and dphases is not None:
            dx[some] = _phases_backward(dphases, dx.shape[2:], g.pad)
    return _phases_backward(_winograd.filters_backward(du), g.field, (0, 0)), db


def _seen(g: Geometry) -> tuple[int, int]:
    """How large the phases are of which every cell is seen."""
    return g.output[0] + 2, g.output[1] + 2


def _blocks(n: int) -> list[slice]:
    return [slice(i, i + PICTURES) for i in range(0, n, PICTURES)]


def _phases(x: Array, size: tuple[int, int], pad: tuple[int, int]) -> Array:
    """Split padded pictures (N, C, H, W) into their phases (N, 4·C, *size), zeros where there is no cell."""
    n, c, _, _ = x.shape
    h, w = size
    around = np.zeros((n, c, 2 * h, 2 * w), x.dtype)
    inner = x[..., : 2 * h - pad[0], : 2 * w - pad[1]]
    around[..., pad[0] : pad[0] + inner.shape[2], pad[1] : pad[1] + inner.shape[3]] = inner
    return around.reshape(n, c, h, 2, w, 2).transpose(0, 1, 3, 5, 2, 4).reshape(n, 4 * c, h, w)


def _phases_backward(phases: Array, size: tuple[int, ...], pad: tuple[int, int]) -> Array:
    """Put phases (N, 4·C, h, w) together to pictures (N, C, *size) without their padding; unseen cells are 0."""
    n, c, h, w = phases.shape
    around = phases.reshape(n, c // 4, 2, 2, h, w).transpose(0, 1, 4, 2, 5, 3).reshape(n, c // 4, 2 * h, 2 * w)
    seen = around[..., pad[0] : pad[0] + size[0], pad[1] : pad[1] + size[1]]
    x = np.zeros((n, c // 4, *size), phases.dtype)
    x[..., : seen.shape[2], : seen.shape[3]] = seen
    return x
