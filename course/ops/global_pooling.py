"""Global pooling: one number for each map, its mean, so that pictures of any size will do."""

import numpy as np

from course.ops._validation import Array, Cache, check_axes, check_cache, check_floats, check_upstream

__all__ = ["global_avg_pool2d", "global_avg_pool2d_backward"]


def global_avg_pool2d(x: Array) -> tuple[Array, Cache]:
    """Take the mean of each whole map: y[n, c] = 1/(H·W) · Σ_p Σ_q x[n, c, p, q].

    Args:
        x: (N, C, H, W), H and W at least 1.

    Returns:
        y (N, C), and the cache for `global_avg_pool2d_backward`.

    Raises:
        TypeError: x is not an array of float32 or float64.
        ValueError: x has not four axes, or its maps are empty.

    Source: EECS 442, "An Alternate Conclusion" (average pool 4×4×10 to 10 neurons).

    >>> global_avg_pool2d(np.arange(8.0).reshape(1, 2, 2, 2))[0]
    array([[1.5, 5.5]])
    """
    check_floats(x=x)
    check_axes("x", x, "N, C, H, W")
    if not (x.shape[2] and x.shape[3]):
        raise ValueError(f"x has shape {x.shape}; maps of at least 1 × 1 would fit")
    return x.mean(axis=(2, 3)), (x.shape, x.dtype)


def global_avg_pool2d_backward(dy: Array, cache: Cache) -> Array:
    """Spread each dy evenly over its map: dx[n, c, p, q] = dy[n, c]/(H·W).

    Args:
        dy: (N, C), the upstream gradient.
        cache: from `global_avg_pool2d`.

    Returns:
        dx (N, C, H, W).

    Raises:
        TypeError, ValueError: dy has not the dtype or the shape of y.

    Source: SYSU lecture 7.3, "Derivative of mean pooling", for one window as large as the map.

    >>> y, cache = global_avg_pool2d(np.ones((1, 1, 1, 2)))
    >>> global_avg_pool2d_backward(np.array([[3.0]]), cache)
    array([[[[1.5, 1.5]]]])
    """
    shape, dtype = check_cache(cache, "global_avg_pool2d", tuple, np.dtype)
    check_upstream(dy, shape[:2], dtype)
    dx: Array = np.empty(shape, dtype)
    dx[...] = (dy / (shape[2] * shape[3]))[:, :, None, None]
    return dx
