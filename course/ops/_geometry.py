"""Where the windows of a convolution lie: its hyperparameters, read and checked once for all kernels."""

from typing import Any, NamedTuple

import numpy as np

from course.ops._validation import Array, check_axes, check_floats, check_shape
from course.shapes import Pair, conv2d_shape, conv_transpose2d_shape, pair, pool2d_shape


class Geometry(NamedTuple):
    """The hyperparameters of one convolution, each as a pair (vertical, horizontal)."""

    stride: tuple[int, int]
    pad: tuple[int, int]
    dilation: tuple[int, int]
    groups: int
    field: tuple[int, int]
    """The filters' extent (FH, FW)."""
    output: tuple[int, int]
    """The number of windows (OH, OW)."""


def conv2d_geometry(
    x: Array, w: Array, b: Array | None, stride: Pair, pad: Pair, dilation: Pair, groups: int, floor: bool
) -> Geometry:
    """Check the arguments of a convolution against each other and say where its windows lie."""
    _check_arrays(x, w, b, "K, C/groups, FH, FW")
    shape = conv2d_shape(x.shape, w.shape, stride=stride, pad=pad, dilation=dilation, groups=groups, floor=floor)
    if b is not None:
        check_shape("b", b, (w.shape[0],), "one bias for each filter")
    return Geometry(pair(stride), pair(pad, least=0), pair(dilation), groups, w.shape[2:], shape[2:])


def conv_transpose2d_geometry(
    x: Array, w: Array, b: Array | None, stride: Pair, pad: Pair
) -> tuple[Geometry, tuple[int, int, int, int]]:
    """Give the geometry of the convolution that a transposed one undoes, and the shape of y."""
    _check_arrays(x, w, b, "C, K, FH, FW")
    shape = conv_transpose2d_shape(x.shape, w.shape, stride=stride, pad=pad)
    if b is not None:
        check_shape("b", b, (w.shape[1],), "one bias for each filter")
    return Geometry(pair(stride), pair(pad, least=0), (1, 1), 1, w.shape[2:], x.shape[2:]), shape


def columns_geometry(
    shape: tuple[int, ...], field: Pair, stride: Pair, pad: Pair, dilation: Pair, floor: bool
) -> Geometry:
    """Say where the windows of pictures of this shape (N, C, H, W) lie, without any filters."""
    fh, fw = pair(field, "field")
    filters = (1, shape[1], fh, fw)
    output = conv2d_shape(shape, filters, stride=stride, pad=pad, dilation=dilation, floor=floor)[2:]
    return Geometry(pair(stride), pair(pad, least=0), pair(dilation), 1, (fh, fw), output)


def _check_arrays(x: Array, w: Array, b: Array | None, filters: str) -> None:
    arrays: dict[str, Any] = {"x": x, "w": w} if b is None else {"x": x, "w": w, "b": b}
    check_floats(**arrays)
    check_axes("x", x, "N, C, H, W")
    check_axes("w", w, filters)
    if not w.size:
        raise ValueError(f"w has shape {w.shape}; at least one filter of one cell would fit")


def padded(x: Array, pad: tuple[int, int]) -> Array:
    """Put P rows of zeros above and below each picture and P columns beside it; x itself if there are none."""
    if pad == (0, 0):
        return x
    n, c, h, w = x.shape
    around = np.zeros_like(x, subok=False, shape=(n, c, h + 2 * pad[0], w + 2 * pad[1]))
    inside(around, pad)[...] = x
    return around


def inside(x: Array, pad: tuple[int, int]) -> Array:
    """Undo `padded`: a view of the pictures (…, H, W) without their padding (…, H + 2P, W + 2P)."""
    return x[..., pad[0] : x.shape[-2] - pad[0], pad[1] : x.shape[-1] - pad[1]]


def pool2d_geometry(x: Array, field: Pair, stride: Pair | None, pad: Pair, floor: bool) -> Geometry:
    """Check the arguments of a pooling and say where its windows lie."""
    check_floats(x=x)
    check_axes("x", x, "N, C, H, W")
    output = pool2d_shape(x.shape, field, stride=stride, pad=pad, floor=floor)[2:]
    step = pair(field if stride is None else stride)
    return Geometry(step, pair(pad, least=0), (1, 1), 1, pair(field), output)
