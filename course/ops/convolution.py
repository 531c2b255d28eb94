"""Convolution: every filter slides over every picture, and the same weights meet every place.

As in all of deep learning the filters are not flipped: this is what mathematics calls cross-correlation.
`course.ops.convolution_naive` says the same in the lectures' loops.
"""

import numpy as np

from course.ops import _columns, _kernels
from course.ops._columns import col2im, im2col
from course.ops._geometry import Geometry, conv2d_geometry, conv_transpose2d_geometry
from course.ops._padding import pad2d, pad2d_backward
from course.ops._validation import ARRAY, Array, Cache, check_cache, check_upstream
from course.shapes import Pair

__all__ = [
    "col2im", "conv2d", "conv2d_backward", "conv_transpose2d", "conv_transpose2d_backward", "im2col", "pad2d",
    "pad2d_backward",
]  # fmt: skip


def conv2d(
    x: Array,
    w: Array,
    b: Array | None,
    *,
    stride: Pair = 1,
    pad: Pair = 0,
    dilation: Pair = 1,
    groups: int = 1,
    floor: bool = False,
) -> tuple[Array, Cache]:
    """Slide K filters over N pictures.

        y[n, k, i, j] = b[k] + Σ_c Σ_u Σ_v w[k, c, u, v] · x[n, c, S·i + d·u − P, S·j + d·v − P]

    where x is 0 outside the picture. Stride, pad and dilation are an int or a pair (vertical, horizontal).

    Rounding may spread: 16 channels or more go through Winograd's tiles of 4×4 outputs (3×3 filters with stride 1, and
    5×5 or 6×6 with stride 2). There an outlier also disturbs the outputs of its tiles that do not see it, by up to
    2·10⁻⁵ (float32) or 10⁻¹³ (float64) of it times the largest weight; and an outlier of dy the dx around it.

    Args:
        x: (N, C, H, W), the pictures.
        w: (K, C/groups, FH, FW), the filters. They span the full depth of their group.
        b: (K,), one bias for each filter, or None.
        stride: S, the step from one window to the next.
        pad: P, rows and columns of zeros around each picture.
        dilation: d, the distance between the cells that neighbouring weights meet.
        groups: split the channels into so many groups, each with K/groups filters of its own; groups = C is the
            depth-wise convolution.
        floor: leave the last cells unseen where windows do not fit, instead of refusing.

    Returns:
        y (N, K, OH, OW) with OH = (H + 2P − d·(FH − 1) − 1)/S + 1, and the cache for `conv2d_backward`. It holds
        x and w, not copies: change neither before the backward pass. N may be 0. For many pictures y may lie rows
        first in memory, which changes nothing but the time that things take (see `course.ops._memory`).

    Raises:
        TypeError: an argument is not an array of float32 or float64, the dtypes differ, or a number is not whole.
        ValueError: the shapes do not go together, or the windows do not fit.

    Source: HLCV, "Convolution Layer" and "Summary. To summarize, the Conv Layer"; IIITS, the worked volume.

    >>> x = np.arange(9.0).reshape(1, 1, 3, 3)
    >>> y, cache = conv2d(x, np.ones((1, 1, 2, 2)), np.array([0.5]))
    >>> y[0, 0]
    array([[ 8.5, 12.5],
           [20.5, 24.5]])
    """
    g = conv2d_geometry(x, w, b, stride, pad, dilation, groups, floor)
    x = _kernels.laid(x, w, g)
    return _kernels.correlate(x, w, b, g), (x, w, b is not None, g)


def conv2d_backward(dy: Array, cache: Cache, *, need_dx: bool = True) -> tuple[Array | None, Array, Array | None]:
    """Compute how the loss changes with the pictures, the filters and the biases.

        dw[k, c, u, v]  = Σ_n Σ_i Σ_j dy[n, k, i, j] · x[n, c, S·i + d·u − P, S·j + d·v − P]
        dx[n, c, p, q]  = Σ dy[n, k, i, j] · w[k, c, u, v]   over all k, i, j, u, v with S·i + d·u − P = p
                                                                                     and S·j + d·v − P = q
        db[k]           = Σ_n Σ_i Σ_j dy[n, k, i, j]

    dw is a convolution of x with dy; with S = 1, dx is a convolution of dy with the filters turned by 180°.

    Args:
        dy: (N, K, OH, OW), the upstream gradient.
        cache: from `conv2d`.
        need_dx: False saves the work for dx, as in a first layer, where nobody asks for it.

    Returns:
        dx (N, C, H, W), or None unless needed; dw (K, C/groups, FH, FW); db (K,), or None if b was None.

    Raises:
        TypeError, ValueError: dy has not the dtype or the shape of y.

    Source: SYSU lecture 7.2, "BP: Convolutional layer", "The derivative for a single weight" and "But this is
    also a convolution".

    >>> y, cache = conv2d(np.arange(9.0).reshape(1, 1, 3, 3), np.ones((1, 1, 2, 2)), np.zeros(1))
    >>> dx, dw, db = conv2d_backward(np.ones_like(y), cache)
    >>> dw[0, 0], db
    (array([[ 8., 12.],
           [20., 24.]]), array([4.]))
    """
    x, w, biased, g = check_cache(cache, "conv2d", ARRAY, ARRAY, bool, Geometry)
    check_upstream(dy, (len(x), len(w), *g.output), x.dtype)
    dx, dw, db = _kernels.gradients(dy, x, w, g, need_dx)
    return dx, dw, db if biased else None


def conv_transpose2d(x: Array, w: Array, b: Array | None, *, stride: Pair = 1, pad: Pair = 0) -> tuple[Array, Cache]:
    """Let every number of x stamp its filter, scaled, onto a larger output; stamps that overlap add up.

        y[n, k, S·i + u − P, S·j + v − P] += x[n, c, i, j] · w[c, k, u, v]        and  + b[k] everywhere

    It is the backward pass of a convolution, used forwards: it computes the dx of the convolution with the same
    filters, stride and pad that leads from y's shape to x's, and its own dx is that convolution. It enlarges by S
    with weights that are learned.

    Args:
        x: (N, C, H, W).
        w: (C, K, FH, FW): the filters of the convolution that leads back, from K channels to C.
        b: (K,), one bias for each channel of y, or None.
        stride: S, the distance of neighbouring stamps; like the pad an int or a pair (vertical, horizontal).
        pad: P, so many rows and columns are cut off around the output.

    Returns:
        y (N, K, (H − 1)·S + FH − 2P, (W − 1)·S + FW − 2P), and the cache for `conv_transpose2d_backward`.

    Raises:
        TypeError: an argument is not an array of float32 or float64, the dtypes differ, or a number is not whole.
        ValueError: the shapes do not go together, or the padding cuts everything off.

    Source: EECS 545, "From Classification to Semantic Segmentation" (learnable upsampling).

    >>> y, cache = conv_transpose2d(np.array([[[[1.0, 2.0]]]]), np.ones((1, 1, 1, 3)), None, stride=2)
    >>> y[0, 0]
    array([[1., 1., 3., 2., 2.]])
    """
    g, shape = conv_transpose2d_geometry(x, w, b, stride, pad)
    y = np.empty(shape, x.dtype)
    _columns.input_gradient(x, w, g, y)
    if b is not None:
        y += b[:, None, None]
    return y, (x, w, b is not None, g, shape)


def conv_transpose2d_backward(
    dy: Array, cache: Cache, *, need_dx: bool = True
) -> tuple[Array | None, Array, Array | None]:
    """Collect for every number of x the dy under its stamp: dx is the convolution of dy with the same filters.

        dx[n, c, i, j] = Σ_k Σ_u Σ_v w[c, k, u, v] · dy[n, k, S·i + u − P, S·j + v − P]
        dw[c, k, u, v] = Σ_n Σ_i Σ_j x[n, c, i, j] · dy[n, k, S·i + u − P, S·j + v − P]

    Args:
        dy: the upstream gradient, with the shape of y.
        cache: from `conv_transpose2d`.
        need_dx: False saves the work for dx.

    Returns:
        dx (N, C, H, W), or None unless needed; dw (C, K, FH, FW); db (K,), or None if b was None.

    Raises:
        TypeError, ValueError: dy has not the dtype or the shape of y.

    Source: EECS 545, "From Classification to Semantic Segmentation" (learnable upsampling).

    >>> x, w = np.array([[[[1.0, 2.0]]]]), np.ones((1, 1, 1, 3))
    >>> y, cache = conv_transpose2d(x, w, None, stride=2)
    >>> conv_transpose2d_backward(y, cache)[0]
    array([[[[5., 7.]]]])
    """
    x, w, biased, g, shape = check_cache(cache, "conv_transpose2d", ARRAY, ARRAY, bool, Geometry, tuple)
    check_upstream(dy, shape, x.dtype)
    dx = _kernels.correlate(dy, w, None, g) if need_dx else None
    dw, _ = _columns.gradients(x, dy, w, g, None)
    return dx, dw, dy.sum(axis=(0, 2, 3)) if biased else None
