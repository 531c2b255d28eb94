"""Batch normalisation, and local response normalisation as history."""

from dataclasses import dataclass
from math import prod

import numpy as np
import numpy.typing as npt

from course.ops._memory import lie_rows_first, pictures_first, rows_first
from course.ops._validation import (
    ARRAY,
    Array,
    Cache,
    check_axes,
    check_cache,
    check_floats,
    check_number,
    check_shape,
    check_upstream,
)

__all__ = [
    "RunningStatistics", "batch_norm", "batch_norm_backward", "local_response_norm",
    "local_response_norm_backward",
]  # fmt: skip


@dataclass
class RunningStatistics:
    """The mean and variance of every channel, averaged over the batches of training for use at test time."""

    mean: Array
    """(C,)"""
    var: Array
    """(C,)"""

    @classmethod
    def start(cls, channels: int, dtype: npt.DTypeLike = np.float64) -> "RunningStatistics":
        """Begin with mean 0 and variance 1.

        >>> RunningStatistics.start(2)
        RunningStatistics(mean=array([0., 0.]), var=array([1., 1.]))
        """
        return cls(np.zeros(channels, dtype), np.ones(channels, dtype))


def batch_norm(
    x: Array,
    gamma: Array,
    beta: Array,
    running: RunningStatistics | None,
    *,
    training: bool,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> tuple[Array, Cache]:
    """Normalise each channel over the batch, then scale and shift it: y = γ·(x − μ)/√(σ² + ε) + β.

    In training μ and σ² are those of the batch, over the m = N or N·H·W values of a channel, and `running` follows
    in place: running ← (1 − momentum)·running + momentum·batch. σ² is the mean squared deviation (divided by m),
    as on the slide; `running.var` takes the unbiased one (divided by m − 1), as in the paper and in PyTorch.
    At test time μ and σ² are the running ones, so a single sample will do.

    Two passes, the second over deviations from the first one's mean: E[x²] − E[x]² would cancel in float32 as soon
    as the mean is a thousand times the deviation.

    Args:
        x: (N, C) or (N, C, H, W).
        gamma, beta: (C,), the learned scale and shift.
        running: means and variances (C,), changed in place in training; None, in training only, to keep none.
            They may be float64 beside a float32 x.
        training: whether to use the statistics of the batch.
        momentum: the weight of the new batch in the running averages.
        eps: ε, keeps the root away from 0.

    Returns:
        y of the shape of x, and the cache for `batch_norm_backward`.

    Raises:
        TypeError: an argument is not an array of float32 or float64, the dtypes differ, running is something else, or
            momentum or eps is no number.
        ValueError: the shapes do not go together, a number is out of range, training with fewer than two values a
            channel (their variance means nothing) or with a read-only `running`, or testing without `running`.

    Source: EECS 545, "Batch Normalization: forward prop"; Ioffe & Szegedy 2015, Algorithms 1 and 2.

    >>> running = RunningStatistics.start(1)
    >>> x, one, zero = np.array([[1.0], [3.0]]), np.ones(1), np.zeros(1)
    >>> y, cache = batch_norm(x, one, zero, running, training=True)
    >>> y.round(3).ravel(), running
    (array([-1.,  1.]), RunningStatistics(mean=array([0.2]), var=array([1.1])))
    """
    _check_batch_norm(x, gamma, beta, running, training, momentum, eps)
    rows = x.ndim == 4 and lie_rows_first(x)
    x3 = _maps(x, rows)
    m, pixels = len(x3) * x3.shape[2], x3.shape[2]
    if training:
        if m < 2:
            raise ValueError(f"x has shape {x.shape}, {m} values for each channel; a variance needs 2 or more")
        centre = _sum(x3) / m
        y = x3 - _spread(centre, pixels)
        rest = _sum(y) / m  # μ = centre + rest: what rounding left of the mean
        var = np.maximum(_sum(y, y) / m - rest * rest, 0)
        if running is not None:
            running.mean *= 1 - momentum
            running.mean += momentum * (centre + rest)
            running.var *= 1 - momentum
            running.var += momentum * (m / (m - 1)) * var
    else:
        if running is None:
            raise ValueError("running is None; running means and variances are needed when training=False")
        centre, var = running.mean.astype(x.dtype), running.var.astype(x.dtype)
        y = x3 - _spread(centre, pixels)
        rest = (running.mean - centre).astype(x.dtype)

    # y = γ·(x − centre − rest)/√(σ² + ε) + β, in place
    inverse = 1 / np.sqrt(var + float(eps))
    scale = gamma * inverse
    y *= _spread(scale, pixels)
    y += _spread(beta - rest * scale, pixels)
    return _unmaps(y, x.shape, rows), (x3, x.shape, rows, centre, rest, inverse, gamma, training)


def _check_batch_norm(
    x: Array, gamma: Array, beta: Array, running: RunningStatistics | None, training: bool, momentum: float, eps: float
) -> None:
    check_floats(x=x, gamma=gamma, beta=beta)
    check_axes("x", x, "N, C", "N, C, H, W")
    followers = {}
    if running is not None:
        if not isinstance(running, RunningStatistics):
            fits = f"RunningStatistics would fit, such as RunningStatistics.start({x.shape[1]})"
            raise TypeError(f"running is a {type(running).__name__}; {fits}")
        followers = {"running.mean": running.mean, "running.var": running.var}
        check_floats(**followers)
    for name, array in {"gamma": gamma, "beta": beta, **followers}.items():
        check_shape(name, array, x.shape[1:2], "one for each channel of x")
        if training and name in followers and not array.flags.writeable:
            raise ValueError(f"{name} is read-only; an array that can follow would fit, such as {name}.copy()")
    if not 0 <= check_number("momentum", momentum, "0 to 1") <= 1:
        raise ValueError(f"momentum={momentum}; 0 to 1 would fit")
    if check_number("eps", eps, "a positive number") <= 0:
        raise ValueError(f"eps={eps}; a positive number would fit")


def batch_norm_backward(dy: Array, cache: Cache) -> tuple[Array, Array, Array]:
    """Compute the gradients in closed form; x̂ = (x − μ)/√(σ² + ε) are the normalised inputs:

        dβ = Σ dy        dγ = Σ dy·x̂        dx = γ/√(σ² + ε) · (dy − dβ/m − x̂·dγ/m)

    The two subtracted terms are what flows through μ and σ²; at test time, when both are constants, there are none.
    (The slide's "Batch Normalization: backpropagation" names ∂ℓ/∂σ_B where ∂ℓ/∂μ_B is meant, and leaves out of it
    the part through σ²: rightly so, for it is −2·mean(x − μ) = 0.)

    Args:
        dy: the shape of x.
        cache: from `batch_norm`.

    Returns:
        dx of the shape of x, dgamma (C,), dbeta (C,).

    Raises:
        TypeError, ValueError: dy does not have the dtype or the shape of y.

    Source: EECS 545, "Batch Normalization: backpropagation".

    >>> x, one, zero = np.array([[1.0], [3.0]]), np.ones(1), np.zeros(1)
    >>> y, cache = batch_norm(x, one, zero, None, training=True)
    >>> dx, dgamma, dbeta = batch_norm_backward(np.array([[0.0], [2.0]]), cache)
    >>> dx.round(3).ravel(), dgamma.round(3), dbeta
    (array([-0.,  0.]), array([2.]), array([2.]))
    """
    x3, shape, rows, centre, rest, inverse, gamma, training = check_cache(
        cache, "batch_norm", ARRAY, tuple, bool, ARRAY, ARRAY, ARRAY, ARRAY, object
    )
    check_upstream(dy, shape, x3.dtype)
    dy3 = _maps(dy, rows)
    m, pixels = len(x3) * x3.shape[2], x3.shape[2]
    scale = gamma * inverse

    dx = x3 - _spread(centre, pixels)
    dbeta = _sum(dy3)
    dgamma = (_sum(dy3, dx) - rest * dbeta) * inverse
    if not training:
        np.multiply(dy3, _spread(scale, pixels), out=dx)
        return _unmaps(dx, shape, rows), dgamma, dbeta
    # dx = scale·(dy − dβ/m − x̂·dγ/m), in place, with x̂ = (x − centre − rest)·inverse
    slope = -inverse * dgamma / m
    dx *= _spread(slope, pixels)
    dx += dy3
    dx -= _spread(dbeta / m + slope * rest, pixels)
    dx *= _spread(scale, pixels)
    return _unmaps(dx, shape, rows), dgamma, dbeta


def _maps(x: Array, rows: bool) -> Array:
    """See x as maps (N, C, H·W), or (H, C, W·N) if it lies rows first: the channels stand between all else."""
    x = rows_first(x) if rows else x
    return x.reshape(*x.shape[:2], prod(x.shape[2:]))


def _unmaps(maps: Array, shape: tuple[int, ...], rows: bool) -> Array:
    """Undo `_maps`."""
    if not rows:
        return maps.reshape(shape)
    n, c, h, w = shape
    return pictures_first(maps.reshape(h, c, w, n))


def _sum(*factors: Array) -> Array:
    """Sum x, or a product x·y, of (N, C, S) over all but the channels, without a temporary for the product."""
    sums: Array = np.einsum(",".join(["ncs"] * len(factors)) + "->c", *factors)
    return sums


def _spread(values: Array, pixels: int) -> Array:
    """Write one number a channel into a whole map (C, S): NumPy goes through maps twice as fast as number by row."""
    return np.repeat(values, pixels).reshape(len(values), pixels)


def local_response_norm(
    x: Array, *, size: int = 5, alpha: float = 1e-4, beta: float = 0.75, k: float = 2.0
) -> tuple[Array, Cache]:
    """Divide every value by the activity of its neighbour channels: y = x / sᵝ with s = k + α·Σ x² over `size` maps.

    History: AlexNet had it after its first two layers, and later networks do without (the lecture calls it
    unnecessary). α multiplies the sum, as in the paper; PyTorch's alpha multiplies the mean, and is `size` times
    as large for the same result.

    Args:
        x: (N, C, H, W).
        size: the number of channels around one, odd; at the ends fewer.
        alpha, beta, k: the constants of the paper.

    Returns:
        y of the shape of x, and the cache for `local_response_norm_backward`.

    Raises:
        TypeError: x is not an array of float32 or float64, size is not whole, or alpha, beta or k no number.
        ValueError: x is no batch of pictures, size is not odd, a number is not finite, or s could be 0 or less.

    Source: SYSU, "AlexNet"; Krizhevsky et al. 2012, section 3.3.

    >>> x = np.ones((1, 3, 1, 1))
    >>> local_response_norm(x, size=3, alpha=1.0, beta=1.0)[0].ravel()
    array([0.25, 0.2 , 0.25])
    """
    check_floats(x=x)
    check_axes("x", x, "N, C, H, W")
    if isinstance(size, bool) or not isinstance(size, int | np.integer):
        raise TypeError(f"size={size!r} is not a whole number; an odd one would fit, such as 5")
    if size < 1 or size % 2 == 0:
        raise ValueError(f"size={size}; an odd number would fit, the channel in the middle")
    numbers = check_number("alpha", alpha, "0 or more"), check_number("beta", beta, "0.75"), check_number("k", k, "2")
    if alpha < 0 or k <= 0:
        raise ValueError(f"alpha={alpha}, k={k}; alpha 0 or more and a positive k would fit")
    size, (alpha, beta, k) = int(size), numbers
    s = _sum_neighbours(x * x, size)
    s *= alpha
    s += k
    y: Array = x * s**-beta
    return y, (x, y, s, size, alpha, beta)


def local_response_norm_backward(dy: Array, cache: Cache) -> Array:
    """Compute dx = dy / sᵝ − 2αβ·x · Σ dy·y/s, the sum over the same neighbour channels.

    Args:
        dy: (N, C, H, W).
        cache: from `local_response_norm`.

    Returns:
        dx (N, C, H, W).

    Raises:
        TypeError, ValueError: dy does not have the dtype or the shape of y.

    Source: Krizhevsky et al. 2012, section 3.3; HLCV, "A Simple Example" (chain rule).

    >>> y, cache = local_response_norm(np.ones((1, 1, 1, 1)), size=1, alpha=1.0, beta=1.0, k=1.0)
    >>> local_response_norm_backward(np.ones((1, 1, 1, 1)), cache).item()  # d/dx x/(1 + x²) at 1
    0.0
    """
    x, y, s, size, alpha, beta = check_cache(cache, "local_response_norm", ARRAY, ARRAY, ARRAY, int, float, float)
    check_upstream(dy, x.shape, x.dtype)
    dx = _sum_neighbours(dy * y / s, size)
    dx *= -2 * alpha * beta
    dx *= x
    dx += dy * s**-beta
    return dx


def _sum_neighbours(x: Array, size: int) -> Array:
    """Sum `size` maps around each channel of (N, C, H, W); nothing counts beyond the ends."""
    total = x.copy(order="K")
    for away in range(1, min(size // 2, x.shape[1] - 1) + 1):
        total[:, away:] += x[:, :-away]
        total[:, :-away] += x[:, away:]
    return total
