"""Dropout: in training each value is lost with probability p, so that no neuron can rely on another."""

import numpy as np

from course.ops._validation import Array, Cache, check_cache, check_floats, check_number, check_upstream

__all__ = ["dropout", "dropout_backward"]


def dropout(x: Array, *, p: float, training: bool, rng: np.random.Generator | None) -> tuple[Array, Cache]:
    """Lose each value with probability p and divide the others by 1 − p; at test time change nothing.

    "Inverted": the division in training keeps the mean, so that the test time needs no correction.
    float32 and float64 lose the same values for the same `rng`.

    Args:
        x: any shape.
        p: the probability of being lost, 0 ≤ p < 1.
        training: whether to lose anything.
        rng: draws what is lost; may be None when training is False.

    Returns:
        y of the shape of x, and the cache for `dropout_backward`.

    Raises:
        TypeError: x is not an array of float32 or float64, p no number, or rng is no generator in training.
        ValueError: p is not in [0, 1).

    Source: SYSU, "Learning magic in AlexNet"; Srivastava et al. 2014.

    >>> y, cache = dropout(np.ones(6), p=0.5, training=True, rng=np.random.default_rng(0))
    >>> y
    array([2., 2., 2., 0., 0., 0.])
    """
    check_floats(x=x)
    p = check_number("p", p, "0 or more and less than 1")
    if not 0 <= p < 1:
        raise ValueError(f"p={p}; 0 or more and less than 1 would fit")
    if not training:
        return x.copy(), (None, None, x.shape, x.dtype)
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng is a {type(rng).__name__}; np.random.default_rng(seed) would fit")
    kept = rng.random(x.shape, dtype=np.float32) >= p
    y: Array = x * kept
    scale = 1 / (1 - p)
    y *= scale
    return y, (kept, scale, x.shape, x.dtype)


def dropout_backward(dy: Array, cache: Cache) -> Array:
    """Compute dx = dy/(1 − p) where x was kept, else 0.

    Args:
        dy: the shape of x.
        cache: from `dropout`.

    Returns:
        dx of the shape of x.

    Raises:
        TypeError, ValueError: dy does not have the dtype or the shape of y.

    Source: Srivastava et al. 2014; HLCV, "Patterns in backward flow" (mul gate: gradient switcher).

    >>> y, cache = dropout(np.ones(6), p=0.5, training=True, rng=np.random.default_rng(0))
    >>> dropout_backward(np.arange(6.0), cache)
    array([0., 2., 4., 0., 0., 0.])
    """
    kept, scale, shape, dtype = check_cache(cache, "dropout", object, object, tuple, np.dtype)
    check_upstream(dy, shape, dtype)
    if kept is None:
        return dy.copy()
    dx: Array = dy * kept
    dx *= scale
    return dx
