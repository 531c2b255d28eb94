"""Which kernel computes a convolution.

A kernel is a module with two functions that fill what they are given, for all or for a part of the batch:

    correlate(x, w, b, g, y)                      fills y
    gradients(dy, x, w, g, dx) -> dw, db          fills dx, unless it is None

The heart, `_columns`, can do every convolution. The others are here because each takes at most 1/1.25 of the heart's
time on one of the shapes of `python -m tests.benchmarks`; all pass the same tests. What `_rows` and `_shifts` give back
lies rows first in memory (see `_memory`), and so they come first for what lies like that.
"""

from collections.abc import Callable
from typing import Protocol, TypeVar

import numpy as np

from course.ops import _columns, _phases, _rows, _shifts, _winograd
from course.ops._geometry import Geometry
from course.ops._memory import empty, lay, lie_rows_first
from course.ops._validation import Array
from course.ops._workers import parts, share


class Kernel(Protocol):
    """What every kernel can do."""

    def correlate(self, x: Array, w: Array, b: Array | None, g: Geometry, y: Array) -> None:
        """Fill y (N, K, OH, OW)."""

    def gradients(self, dy: Array, x: Array, w: Array, g: Geometry, dx: Array | None) -> tuple[Array, Array]:
        """Fill dx (N, C, H, W), unless it is None, and return dw (K, C/groups, FH, FW) and db (K,)."""


def choose(x: Array, w: Array, g: Geometry) -> Kernel:
    """Choose the fastest kernel for pictures x (N, C, H, W) and filters w (K, C/groups, FH, FW)."""
    plain = g.groups == 1 and g.dilation == (1, 1)
    # to lay a batch rows first takes long rows, of many pictures, and pays before a layer that has few channels; with
    # few filters as well, which leave little to be laid on the way back, for half as many pictures
    many = len(x) >= (32 if len(w) <= 16 else 64)
    rows = lie_rows_first(x) or (many and x.shape[1] <= 8 and _shifts.fit(x, g))

    # Winograd works on tiles of 4×4 outputs: enough channels to pay for the way there (and rows first, to another
    # order), and not too empty tiles
    (oh, ow), tiles = g.output, -(-g.output[0] // 4) * -(-g.output[1] // 4)
    pays = plain and min(w.shape[:2]) >= (64 if rows else 16) and min(oh, ow) >= 4 and 16 * tiles <= 2 * oh * ow
    if pays and g.field == (3, 3) and g.stride == (1, 1):
        return _winograd
    if pays and g.field in {(5, 5), (6, 6)} and g.stride == (2, 2):
        return _phases
    if plain and rows:
        # a product over fewer than 40 numbers is slow, so that copies cost less; one column of weights needs none
        return _rows if g.stride == (1, 1) and (g.field[0] * x.shape[1] >= 40 or g.field[1] == 1) else _shifts
    return _columns


ROWS_FIRST: tuple[Kernel, ...] = (_rows, _shifts)
"""Those of which the workers share the rows of all pictures, not the pictures."""


def laid(x: Array, w: Array, g: Geometry) -> Array:
    """Lay pictures rows first if the kernel needs them so, forward and backward."""
    return lay(x, True) if choose(x, w, g) in ROWS_FIRST else x


def correlate(x: Array, w: Array, b: Array | None, g: Geometry) -> Array:
    """Compute y (N, K, OH, OW), which lies rows first if x does."""

    def fill(kernel: Kernel) -> tuple[Array]:
        rows = kernel in ROWS_FIRST
        seen, y = lay(x, rows), empty((len(x), len(w), *g.output), x.dtype, rows)
        share(lambda part: kernel.correlate(seen[part], w, b, g, y[part]), _parts(x, kernel))
        return (lay(y, rows or lie_rows_first(x)),)

    return _exact(fill, choose(x, w, g))[0]


def gradients(dy: Array, x: Array, w: Array, g: Geometry, need_dx: bool) -> tuple[Array | None, Array, Array]:
    """Compute dx (N, C, H, W) if it is needed, which lies like x; dw (K, C/groups, FH, FW) and db (K,)."""

    def fill(kernel: Kernel) -> tuple[Array | None, Array, Array]:
        rows = kernel in ROWS_FIRST
        d, seen, dx = lay(dy, rows), lay(x, rows), empty(x.shape, x.dtype, rows) if need_dx else None
        (dw, db), *more = share(
            lambda part: kernel.gradients(d[part], seen[part], w, g, None if dx is None else dx[part]),
            _parts(x, kernel),
        )
        for more_dw, more_db in more:
            dw += more_dw
            db += more_db
        return None if dx is None else lay(dx, rows or lie_rows_first(x)), dw, db

    return _exact(fill, choose(x, w, g))


def _parts(x: Array, kernel: Kernel) -> list[slice]:
    """Cut a batch for the workers, unless they share it in the kernel."""
    return [slice(0, len(x))] if kernel in ROWS_FIRST else parts(x)


Results = TypeVar("Results", bound=tuple[Array | None, ...])


def _exact(fill: Callable[[Kernel], Results], kernel: Kernel) -> Results:
    """Let the kernel compute; and if some of it is not finite, the heart, where Winograd is no judge.

    At the points a NaN, an infinity or an overflow mixes with all that lies around it. In the heart's columns it stays
    where it belongs.
    """
    if kernel in (_winograd, _phases):
        with np.errstate(all="ignore"):
            results = fill(kernel)
            if all(np.isfinite(array.sum()) for array in results if array is not None):
                return results
        kernel = _columns
    return fill(kernel)
