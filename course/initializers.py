"""The first weights: random, of the size that keeps a signal's variance from layer to layer.

A neuron adds fan_in products. If its weights have variance 1/fan_in, the sum varies as much as what comes in; with
more it explodes through many layers, with less it dies out.

Xavier (Glorot and Bengio, 2010) serves both directions, activations forwards and gradients backwards:
Var(w) = 2/(fan_in + fan_out). He et al. (2015) add that ReLU drops half of the signal: Var(w) = 2/fan_in.
"""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from course.data.arguments import check_number, check_rng

__all__ = ["fans", "float_dtype", "he", "xavier"]

Array = npt.NDArray[Any]
Distribution = Literal["normal", "uniform"]


def fans(shape: Sequence[int]) -> tuple[int, int]:
    """Count the inputs that one output adds up, and the outputs that one input reaches: (fan_in, fan_out).

    Args:
        shape: of an affine layer's weights (D, M), a maxout layer's (P, D, M), whose P pieces are affine layers
            side by side, or a convolution's (K, C, FH, FW): K filters that span C channels and a field of FH·FW.
            With groups the second axis is what a filter sees, C divided by the groups.

    Raises:
        ValueError: the shape has another number of axes, or an axis of length 0.

    Source: Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010.

    >>> fans((784, 100)), fans((16, 6, 5, 5))
    ((784, 100), (150, 400))
    """
    if len(shape) not in (2, 3, 4):
        raise ValueError(f"shape is {tuple(shape)}; (D, M), (P, D, M) or (K, C, FH, FW) would fit")
    if min(shape) < 1:
        raise ValueError(f"shape is {tuple(shape)}; axes of length 1 or more would fit")
    if len(shape) == 4:
        K, C, FH, FW = shape
        return C * FH * FW, K * FH * FW
    D, M = shape[-2:]
    return D, M


def xavier(
    shape: Sequence[int],
    *,
    distribution: Distribution = "normal",
    dtype: npt.DTypeLike = np.float32,
    rng: np.random.Generator,
) -> Array:
    """Draw weights of variance 2/(fan_in + fan_out), for tanh, sigmoid and linear layers.

    Args:
        shape: as in `fans`.
        distribution: "normal", or "uniform" between ±√(3·variance).
        dtype: np.float32 or np.float64.
        rng: draws the weights.

    Raises:
        TypeError: dtype is not a float type, or rng is no generator.
        ValueError: `fans` cannot read the shape, or the distribution is neither of the two.

    Source: Glorot and Bengio, 2010, equations 12 and 16; IIIT Sri City, "Next Class" names the topic.

    >>> w = xavier((400, 600), rng=np.random.default_rng(0))
    >>> w.dtype, round(float(w.var()) * (400 + 600), 2)
    (dtype('float32'), 2.0)
    """
    fan_in, fan_out = fans(shape)
    return _draw(shape, 2 / (fan_in + fan_out), distribution, dtype, rng)


def he(
    shape: Sequence[int],
    *,
    slope: float = 0.0,
    distribution: Distribution = "normal",
    dtype: npt.DTypeLike = np.float32,
    rng: np.random.Generator,
) -> Array:
    """Draw weights of variance 2/((1 + slope²)·fan_in), for layers before a ReLU.

    Args:
        shape: as in `fans`.
        slope: of the leaky ReLU that follows; 0 for ReLU itself. With slope 1 nothing is lost: 1/fan_in.
        distribution: "normal", or "uniform" between ±√(3·variance).
        dtype: np.float32 or np.float64.
        rng: draws the weights.

    Raises:
        TypeError: dtype is not a float type, slope is no number, or rng is no generator.
        ValueError: `fans` cannot read the shape, slope is not finite, or the distribution is neither of the two.

    Source: He, Zhang, Ren and Sun, "Delving deep into rectifiers", 2015, equations 10 and 15.

    >>> w = he((32, 16, 3, 3), rng=np.random.default_rng(0))
    >>> w.shape, round(float(w.var()) * 16 * 3 * 3, 1)
    ((32, 16, 3, 3), 2.0)
    """
    fan_in, _ = fans(shape)
    check_number("slope", slope)
    return _draw(shape, 2 / ((1 + slope**2) * fan_in), distribution, dtype, rng)


def float_dtype(dtype: npt.DTypeLike) -> np.dtype[Any]:
    """Read a dtype that weights can have.

    >>> float_dtype(int)
    Traceback (most recent call last):
    TypeError: dtype is int64; float32 or float64 would fit
    """
    found = np.dtype(dtype)
    if found not in (np.float32, np.float64):
        raise TypeError(f"dtype is {found}; float32 or float64 would fit")
    return found


def _draw(
    shape: Sequence[int], variance: float, distribution: str, dtype: npt.DTypeLike, rng: np.random.Generator
) -> Array:
    check_rng(rng)
    dtype = float_dtype(dtype)
    if distribution == "normal":
        draw = rng.standard_normal(shape)
    elif distribution == "uniform":
        draw = rng.uniform(-np.sqrt(3), np.sqrt(3), shape)  # variance (b − a)²/12 = 1
    else:
        raise ValueError(f'distribution is {distribution!r}; "normal" or "uniform" would fit')
    # drawn in float64 whatever the dtype, so that one seed starts both precisions from the same weights
    w: Array = (np.sqrt(variance) * draw).astype(dtype)
    return w
