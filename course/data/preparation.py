"""What happens to data before training: setting some aside, and bringing the rest to mean 0 and deviation 1."""

from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from course.data.arguments import check_array, check_number, check_rng

Array = npt.NDArray[Any]
Float = TypeVar("Float", np.float32, np.float64)


def split(
    x: Array, y: Array, *, test: float = 0.25, rng: np.random.Generator
) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Set a random share of the samples aside, to be looked at only when training is over.

    Args:
        x: (N, …) samples.
        y: (N, …) labels or targets.
        test: the share set aside, between 0 and 1; both parts keep at least one sample.
        rng: draws which.

    Returns:
        (x_train, y_train), (x_test, y_test): copies; every sample is in exactly one.

    Raises:
        TypeError: x or y is no array, test no number, or rng no generator.
        ValueError: x and y differ in length, hold fewer than two samples, or test is not between 0 and 1.

    >>> x = np.arange(8).reshape(8, 1)
    >>> (x_train, y_train), (x_test, y_test) = split(x, x[:, 0] % 2, rng=np.random.default_rng(0))
    >>> len(x_train), len(x_test), np.union1d(x_train, x_test)
    (6, 2, array([0, 1, 2, 3, 4, 5, 6, 7]))
    """
    check_array("x", x)
    check_array("y", y)
    check_number("test", test)
    check_rng(rng)
    if len(x) != len(y):
        raise ValueError(f"x has {len(x)} samples, y has {len(y)}; one label a sample would fit")
    if len(x) < 2:
        raise ValueError(f"x has {len(x)} samples; at least 2 would fit, one for each part")
    if not 0 < test < 1:
        raise ValueError(f"test is {test}; a share between 0 and 1 would fit")
    order = rng.permutation(len(x))
    cut = min(max(round(test * len(x)), 1), len(x) - 1)
    aside, rest = order[:cut], order[cut:]
    return (x[rest], y[rest]), (x[aside], y[aside])


def standardize(
    x: npt.NDArray[Float], *, like: npt.NDArray[Float] | None = None, per: str = "channel"
) -> npt.NDArray[Float]:
    """Shift and scale to mean 0 and standard deviation 1: (x − μ)/σ.

    What is measured on the training set is applied to all: `standardize(x_test, like=x_train)`. Measuring
    the test set itself would let it leak into what the network is told.

    Args:
        x: (N, D) or (N, C, H, W).
        like: the samples that μ and σ are taken from, in the layout of x; None for x itself.
        per: "channel", one μ and σ for each channel C (or each of D features); "all", one for everything.

    Returns:
        of the shape and dtype of x. Where σ is 0, as in a pixel that is always white, the result is 0.

    Raises:
        TypeError: x is not an array of float32 or float64.
        ValueError: x has no samples, `like` has other channels, or per is neither.

    Source: EECS 545, "Batch normalization standardizes inputs to each layer": there said of the input layer too.

    >>> x = np.array([[0.0, 5.0], [2.0, 5.0]])
    >>> standardize(x)
    array([[-1.,  0.],
           [ 1.,  0.]])
    """
    reference = x if like is None else like
    for name, array in (("x", x), ("like", reference)):
        check_array(name, array)
        if array.dtype not in (np.float32, np.float64):
            raise TypeError(f"{name} has dtype {array.dtype}; float32 or float64 would fit")
    if reference.size == 0:
        raise ValueError(f"{'x' if like is None else 'like'} has shape {reference.shape}; nothing can be measured")
    if reference.ndim != x.ndim or (x.ndim > 1 and reference.shape[1] != x.shape[1]):
        raise ValueError(f"like has shape {reference.shape}, x has {x.shape}; the same channels would fit")
    if per == "channel":
        axes = tuple(axis for axis in range(x.ndim) if axis != 1)
    elif per == "all":
        axes = tuple(range(x.ndim))
    else:
        raise ValueError(f'per is {per!r}; "channel" or "all" would fit')
    # summed in float64: a float32 sum over a whole data set loses digits
    mean = reference.mean(axis=axes, keepdims=True, dtype=np.float64)
    deviation = reference.std(axis=axes, keepdims=True, dtype=np.float64)
    # where all are the same, rounding leaves a deviation that is not quite 0
    differ = reference.max(axis=axes, keepdims=True) > reference.min(axis=axes, keepdims=True)
    scale = np.divide(1, deviation, out=np.zeros_like(deviation), where=differ & (deviation > 0))
    standardized: npt.NDArray[Float] = (x - mean.astype(x.dtype)) * scale.astype(x.dtype)
    return standardized
