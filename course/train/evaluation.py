"""What a trained model answers, and how often it is right."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from course import ops
from course.data.arguments import check_array, check_callable, pair, whole

__all__ = ["Array", "Loss", "Trainable", "accuracy", "batches", "evaluate", "predict"]

Array = npt.NDArray[Any]
Loss = Callable[[Array, Array], tuple[Any, Array]]


class Trainable(Protocol):
    """What can be trained: a model of `course.layers`, or an object of yours that does these four things."""

    def forward(self, x: Array, training: bool = False) -> Array: ...
    def backward(self, dy: Array) -> Array: ...
    @property
    def params(self) -> Mapping[str, Array]: ...
    @property
    def grads(self) -> Mapping[str, Array]: ...


def batches(n: int, batch_size: int) -> Iterator[slice]:
    """Cut n samples into batches; the last may be smaller.

    >>> list(batches(5, 2))
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    batch_size = whole("batch_size", batch_size)
    return (slice(i, min(i + batch_size, n)) for i in range(0, n, batch_size))


def predict(model: Trainable, x: Array, *, batch_size: int = 256) -> Array:
    """Compute the model's scores for any number of samples, a batch at a time.

    Args:
        model: is asked with training=False, as at test time.
        x: (N, …).
        batch_size: samples at a time; the memory needed grows with it, the result, but for rounding, does not.

    Returns:
        (N, …), for a classifier the scores (N, C); `.argmax(axis=1)` gives the classes.

    Raises:
        TypeError: x is no array, or batch_size is not whole.
        ValueError: x is empty, or batch_size is less than 1.
    """
    check_array("x", x)
    if len(x) == 0:
        raise ValueError(f"x has shape {x.shape}; at least one sample would fit")
    return np.concatenate([model.forward(x[batch], training=False) for batch in batches(len(x), batch_size)])


def accuracy(scores: Array, labels: Array) -> float:
    """The share of samples, or of pixels, whose highest score is that of their label.

    Args:
        scores: (N, C), or (N, C, H, W).
        labels: integers (N,), or (N, H, W).

    Raises:
        TypeError: scores or labels is no array.
        ValueError: scores and labels do not belong together, or there are none.

    >>> accuracy(np.array([[0.1, 0.9], [0.8, 0.2], [0.3, 0.7]]), np.array([1, 0, 0]))
    0.6666666666666666
    """
    check_array("scores", scores)
    check_array("labels", labels)
    if scores.ndim < 2 or labels.shape != scores.shape[:1] + scores.shape[2:]:
        raise ValueError(f"labels has shape {labels.shape}, scores has {scores.shape}; one label a score row would fit")
    if not labels.size:
        raise ValueError(f"labels has shape {labels.shape}; at least one would fit")
    right = scores.argmax(axis=1) == labels
    right &= ~np.isnan(scores.max(axis=1))  # a NaN says nothing, and argmax would take it for the highest score
    return float(np.mean(right))


def counts_as_labels(scores: Array, y: Array) -> bool:
    """Whether y holds classes for these scores, so that accuracy means something."""
    return y.dtype.kind in "iu" and scores.ndim >= 2 and y.shape == scores.shape[:1] + scores.shape[2:]


def evaluate(
    model: Trainable, data: tuple[Array, Array], *, loss: Loss = ops.softmax_loss, batch_size: int = 256
) -> tuple[float, float]:
    """Measure loss and accuracy on data that the model does not learn from.

    Args:
        model: is asked with training=False, as at test time.
        data: x (N, …) and y (N, …).
        loss: `value, dscores = loss(scores, y)`, a mean over the batch.
        batch_size: samples at a time.

    Returns:
        the mean loss over the samples, and the accuracy: nan if y holds no labels.

    Raises:
        TypeError: data is no pair of arrays, loss no function, or batch_size not whole.
        ValueError: there are no samples, or x and y differ in number.
    """
    x, y = pair("data", data)
    check_callable("loss", loss, "ops.softmax_loss")
    check_array("x of data", x)
    check_array("y of data", y)
    check_pair(x, y)
    total, right = 0.0, 0.0
    for batch in batches(len(x), batch_size):
        scores = model.forward(x[batch], training=False)
        size = len(scores)
        total += float(loss(scores, y[batch])[0]) * size
        right += accuracy(scores, y[batch]) * size if counts_as_labels(scores, y[batch]) else np.nan
    return total / len(x), right / len(x)


def check_pair(x: Array, y: Array) -> None:
    """Require as many targets as samples, and at least one."""
    if len(x) == 0:
        raise ValueError(f"x has shape {x.shape}; at least one sample would fit")
    if len(x) != len(y):
        raise ValueError(f"x has {len(x)} samples, y has {len(y)}; one label or target a sample would fit")
