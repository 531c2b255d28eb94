"""In which order the numbers of a batch lie in memory, and memory that is used again.

A batch has the shape (N, C, H, W) whatever its order in memory. By default that is the order of the shape, one picture
after the other. Rows first, the batch lies as (H, C, W, N): the same cell of all N pictures side by side. Then a shift
by a column is a shift by N numbers, every row of the batch is one long run, and windows need no copies; `_rows` tells
what that is good for. Its results lie like that, and what comes after keeps the order that it finds.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod

import numpy as np
import numpy.typing as npt

from course.ops._validation import Array

_APART = 1 << 20
"""Bytes of pictures that are copied apart at a time, when they are laid."""


def rows_first(x: Array) -> Array:
    """View pictures (N, C, H, W) as (H, C, W, N)."""
    return x.transpose(2, 1, 3, 0)


def pictures_first(rows: Array) -> Array:
    """View (H, C, W, N) as pictures (N, C, H, W): undo `rows_first`."""
    return rows.transpose(3, 1, 0, 2)


def lie_rows_first(x: Array) -> bool:
    """Tell whether pictures (N, C, H, W) lie rows first in memory, without gaps."""
    return rows_first(x).flags.c_contiguous and not x.flags.c_contiguous


def lay(x: Array, rows: bool) -> Array:
    """Lay pictures (N, C, H, W) rows first, or one after the other, unless they lie like that."""
    return pictures_first(as_rows(x)) if rows else np.ascontiguousarray(x)


def as_rows(x: Array) -> Array:
    """Lay pictures (N, C, H, W) rows first, unless they lie like that, and give them as (H, C, W, N).

    Where pictures are a multiple of 4096 bytes long, the same cell of all of them falls into the same few places of
    the cache, and each that is read displaces another. So they are copied a little further apart first; that takes a
    sixth of the time.
    """
    rows = rows_first(x)
    if rows.flags.c_contiguous or not x.size:
        return np.ascontiguousarray(rows)
    laid, size = np.empty(rows.shape, x.dtype), x[0].size
    together = max(1, min(32, _APART // x[0].nbytes))
    for start in range(0, len(x), together):
        some = x[start : start + together]
        with scratch(x.dtype, (len(some), size + 64 // x.itemsize)) as (apart,):
            apart[:, :size] = some.reshape(len(some), size)
            laid[..., start : start + together] = rows_first(apart[:, :size].reshape(some.shape))
    return laid


def empty(shape: tuple[int, ...], dtype: npt.DTypeLike, rows: bool) -> Array:
    """Make pictures (N, C, H, W) that lie rows first, or one after the other, like `np.empty`."""
    n, c, h, w = shape
    return pictures_first(np.empty((h, c, w, n), dtype)) if rows else np.empty(shape, dtype)


def in_memory(x: Array) -> list[int]:
    """List the axes of any array in the order in which they lie in memory, that of the longest steps first."""
    return sorted(range(x.ndim), key=lambda axis: -abs(x.strides[axis]))


# Memory that was given back to the system returns page by page, and each page takes as long as reading it ten times.
# So a thread keeps what its kernels work in.

_KEPT = 4 << 20
"""Bytes that a thread keeps at most."""


class _Scratch(threading.local):
    bytes = np.empty(0, np.uint8)
    used = 0


_scratch = _Scratch()


@contextmanager
def scratch(dtype: npt.DTypeLike, *shapes: tuple[int, ...]) -> Iterator[list[Array]]:
    """Lend arrays of these shapes, with anything in them, until the end of the block: none may be kept."""
    sizes = [-(-prod(shape) * np.dtype(dtype).itemsize // 64) * 64 for shape in shapes]
    before, need = _scratch.used, sum(sizes)
    if before + need > _KEPT:
        lent = np.empty(need, np.uint8)
    else:
        if before + need > _scratch.bytes.size:
            _scratch.bytes = np.empty(0, np.uint8)  # what is lent of it stays with who has it
            _scratch.bytes = np.empty(before + need, np.uint8)
        lent = _scratch.bytes[before : before + need]
    _scratch.used = before + need
    try:
        ends = np.cumsum(sizes)
        yield [
            lent[end - size : end][: prod(shape) * np.dtype(dtype).itemsize].view(dtype).reshape(shape)
            for shape, size, end in zip(shapes, sizes, ends, strict=True)
        ]
    finally:
        _scratch.used = before


def forget() -> None:
    """Give back what this thread keeps."""
    _scratch.bytes = np.empty(0, np.uint8)
