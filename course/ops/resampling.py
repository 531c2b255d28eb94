"""Enlarge pictures: by repeating cells, or by blending neighbours. Neither has parameters (compare conv_transpose2d).

Both are linear in x, y = A·x, so that the gradient is Aᵀ·dy: what a cell gave away comes back to it.
"""

import numpy as np

from course.ops._validation import ARRAY, Array, Cache, check_axes, check_cache, check_floats, check_upstream
from course.shapes import Pair, pair

__all__ = [
    "upsample_bilinear2d", "upsample_bilinear2d_backward", "upsample_nearest2d", "upsample_nearest2d_backward",
]  # fmt: skip


def upsample_nearest2d(x: Array, scale: Pair) -> tuple[Array, Cache]:
    """Repeat every cell in a block of SH × SW: y[i, j] = x[i // SH, j // SW].

    Args:
        x: (N, C, H, W).
        scale: SH and SW, an int or a pair (vertical, horizontal).

    Returns:
        y (N, C, H·SH, W·SW), and the cache for `upsample_nearest2d_backward`.

    Raises:
        TypeError: x is not an array of float32 or float64, or scale not whole.
        ValueError: x is no batch of pictures, or scale is less than 1.

    Source: EECS 545, "From Classification to Semantic Segmentation" (upsampling layers).

    >>> upsample_nearest2d(np.array([[[[1.0, 2.0]]]]), (1, 2))[0]
    array([[[[1., 1., 2., 2.]]]])
    """
    check_floats(x=x)
    check_axes("x", x, "N, C, H, W")
    (n, c, h, w), (sh, sw) = x.shape, pair(scale, "scale")
    blocks = np.broadcast_to(x[:, :, :, None, :, None], (n, c, h, sh, w, sw))
    return blocks.reshape(n, c, h * sh, w * sw), (blocks.shape, x.dtype)


def upsample_nearest2d_backward(dy: Array, cache: Cache) -> Array:
    """Sum dy over every block.

    Args:
        dy: (N, C, H·SH, W·SW).
        cache: from `upsample_nearest2d`.

    Returns:
        dx (N, C, H, W).

    Raises:
        TypeError, ValueError: dy does not have the dtype or the shape of y.

    Source: EECS 545, "From Classification to Semantic Segmentation" (upsampling layers); HLCV, "Backpropagation"
    (gradients add at branches).

    >>> y, cache = upsample_nearest2d(np.array([[[[1.0, 2.0]]]]), (1, 2))
    >>> upsample_nearest2d_backward(np.array([[[[1.0, 2.0, 3.0, 4.0]]]]), cache)
    array([[[[3., 7.]]]])
    """
    blocks, dtype = check_cache(cache, "upsample_nearest2d", tuple, np.dtype)
    n, c, h, sh, w, sw = blocks
    check_upstream(dy, (n, c, h * sh, w * sw), dtype)
    dx: Array = dy.reshape(blocks).sum(axis=(3, 5))
    return dx


def upsample_bilinear2d(x: Array, scale: Pair) -> tuple[Array, Cache]:
    """Blend the neighbours of each new cell by their distance: Y = A_H·X·A_Wᵀ for every map X.

    A cell is an area, as in PyTorch with align_corners=False: the centre of new cell i lies at (i + ½)/S − ½ among
    the old centres. Beyond the outermost centres there is nothing to blend and the border cell is repeated.

    Args:
        x: (N, C, H, W).
        scale: SH and SW, an int or a pair (vertical, horizontal).

    Returns:
        y (N, C, H·SH, W·SW), and the cache for `upsample_bilinear2d_backward`.

    Raises:
        TypeError: x is not an array of float32 or float64, or scale not whole.
        ValueError: x is no batch of pictures, or scale is less than 1.

    Source: EECS 545, "From Classification to Semantic Segmentation" (upsampling layers).

    >>> upsample_bilinear2d(np.array([[[[0.0, 4.0]]]]), (1, 2))[0]
    array([[[[0., 1., 3., 4.]]]])
    """
    check_floats(x=x)
    check_axes("x", x, "N, C, H, W")
    sh, sw = pair(scale, "scale")
    rows, columns = _blend(x.shape[2], sh, x.dtype), _blend(x.shape[3], sw, x.dtype)
    return rows @ x @ columns.T, (rows, columns, x.shape)


def upsample_bilinear2d_backward(dy: Array, cache: Cache) -> Array:
    """Compute dX = A_Hᵀ·dY·A_W for every map.

    Args:
        dy: (N, C, H·SH, W·SW).
        cache: from `upsample_bilinear2d`.

    Returns:
        dx (N, C, H, W).

    Raises:
        TypeError, ValueError: dy does not have the dtype or the shape of y.

    Source: EECS 545, "From Classification to Semantic Segmentation" (upsampling layers); HLCV, "Backpropagation"
    (gradients add at branches).

    >>> y, cache = upsample_bilinear2d(np.array([[[[0.0, 4.0]]]]), (1, 2))
    >>> upsample_bilinear2d_backward(np.array([[[[4.0, 4.0, 0.0, 0.0]]]]), cache)
    array([[[[7., 1.]]]])
    """
    rows, columns, (n, c, _, _) = check_cache(cache, "upsample_bilinear2d", ARRAY, ARRAY, tuple)
    check_upstream(dy, (n, c, len(rows), len(columns)), rows.dtype)
    dx: Array = rows.T @ dy @ columns
    return dx


def _blend(size: int, scale: int, dtype: np.dtype[np.floating]) -> Array:
    """Write the blending along one axis as a matrix (size·scale, size); each row has two weights that add to 1."""
    centres = np.clip((np.arange(size * scale) + 0.5) / scale - 0.5, 0, max(size - 1, 0))
    distances = np.abs(centres[:, None] - np.arange(size))
    weights: Array = np.maximum(1 - distances, 0).astype(dtype)
    return weights
