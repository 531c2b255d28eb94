"""What a network looks at: gradients with respect to the picture, and the field that a neuron sees."""

from collections.abc import Iterable
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from course.data.arguments import check_number, whole
from course.data.plane import check_pictures
from course.layers import Model, ReceptiveField, Shape, Window
from course.shapes import output_size

__all__ = ["fool", "receptive_field", "saliency"]

Array: TypeAlias = npt.NDArray[Any]


class Network(Protocol):
    """What saliency needs of a model: any with the methods of `course.layers.Model`."""

    def forward(self, x: Array, training: bool = False) -> Array: ...
    def backward(self, dy: Array) -> Array: ...


def saliency(model: Network, x: Array, label: int | npt.ArrayLike) -> Array:
    """Ask which pixels the score of a class depends on most: |∂s_label/∂x|, the largest over the channels.

    Args:
        model: gives scores (N, classes). Its parameters stay; its gradients do not.
        x: (N, C, H, W).
        label: one class for all, or (N,), one for each picture.

    Returns:
        (N, H, W), of the dtype of x.

    Raises:
        TypeError: x is no array of float32 or float64.
        ValueError: x is no batch of pictures or not finite, the model does not give a row of scores for each, or a
            label is not a class.

    Source: Simonyan, Vedaldi & Zisserman 2013, "Deep inside convolutional networks", section 3.

    >>> from course.models import linear
    >>> model = linear(2).build((1, 1, 3), rng=np.random.default_rng(0))
    >>> model.params["1.w"][:, 0] = 0, -5, 1
    >>> saliency(model, np.ones((1, 1, 1, 3), np.float32), 0)
    array([[[0., 5., 1.]]], dtype=float32)
    """
    _check_finite(x)
    gradient, _ = _score_gradient(model, x, label)
    result: Array = np.abs(gradient).max(axis=1)
    return result


def fool(
    model: Network, x: Array, label: int | npt.ArrayLike, *, step: float = 0.1, steps: int = 100
) -> tuple[Array, npt.NDArray[np.bool_]]:
    """Change pictures as little as it takes until the network calls them something else.

    Each step goes along the gradient of the wanted score against the best other one, by the length `step` (the
    root of the sum of squares over the picture). A picture that is called what it should stays as it is.

    Args:
        model: gives scores (N, classes).
        x: (N, C, H, W); it is not changed.
        label: what they shall be called, one class for all or (N,).
        step: how far a picture moves in one step.
        steps: give up after so many.

    Returns:
        The changed pictures, and for each whether it fools the network.

    Raises:
        TypeError: x is no array of float32 or float64, step no number, or steps not whole.
        ValueError: as `saliency`, or step is not finite, or steps is negative.

    Source: Szegedy et al. 2014, "Intriguing properties of neural networks", section 4.

    >>> from course.models import linear
    >>> model = linear(2).build((1, 1, 2), rng=np.random.default_rng(0), dtype=np.float64)
    >>> model.params["1.w"][...] = [[1, 0], [0, 1]]  # it calls a picture 0 or 1, whichever pixel is brighter
    >>> fool(model, np.array([[[[0.9, 0.8]]]]), 1, step=0.1)[0].round(2)
    array([[[[0.83, 0.87]]]])
    """
    _check_finite(x)
    check_number("step", step)
    x = x.copy()
    for _ in range(whole("steps", steps, least=0)):
        gradient, fooled = _score_gradient(model, x, label, against_best=True)
        if fooled.all():
            return x, fooled
        length = np.sqrt(np.square(gradient).sum(axis=tuple(range(1, x.ndim)), keepdims=True))
        move = step * gradient / np.maximum(length, np.finfo(x.dtype).tiny)
        x[~fooled] += move[~fooled].astype(x.dtype)
    return x, _score_gradient(model, x, label, against_best=True)[1]


def receptive_field(
    layers: "Model | Iterable[Model | tuple[Any, ...]]", input_shape: Shape | None = None
) -> ReceptiveField:
    """Find how much of the picture one neuron after these layers sees.

        r ← r + (F − 1)·j,   j ← j·S         with r = j = 1 for a pixel

    Args:
        layers: a model, or a sequence of models or of tuples (F, S) or (F, S, P), each an int or a pair.
        input_shape: (C, H, W) of a picture; only layers that see a whole map (Flatten, GlobalAvgPool2d) need it.

    Returns:
        A `ReceptiveField`: its `field`, the `jump` from one neuron's field to the next, the `start` of the first
        one, and `box(i, j)`, the cells that the neuron in row i and column j sees.

    Source: SYSU, "What do the filters learn? Receptive fields"; EECS 545, "VGG-16" (three 3×3 see 7×7).

    >>> receptive_field([(3, 1), (3, 1), (3, 1)]).field
    (7, 7)
    >>> from course.layers import Conv2d, MaxPool2d
    >>> receptive_field([Conv2d(6, 5), MaxPool2d(2), Conv2d(16, 5), MaxPool2d(2)])
    ReceptiveField(field=(16, 16), jump=(4, 4), start=(0, 0))
    """
    if isinstance(layers, Model):
        return layers.look(ReceptiveField(), input_shape)
    seen = ReceptiveField()
    for layer in layers:
        if isinstance(layer, Model):
            seen = layer.look(seen, input_shape)
            input_shape = None if input_shape is None else layer.output_shape(input_shape)
        else:
            window = Window.of(*layer)
            seen = seen.through(window)
            input_shape = None if input_shape is None else _positions(input_shape, window)
    return seen


def _positions(shape: Shape, window: Window) -> Shape:
    """Give the shape after a window, of the same channels; nothing says that it fits, so the last cells may be left."""
    channels, *sizes = shape
    axes = zip(sizes, window.field, window.stride, window.pad, strict=True)
    return channels, *(output_size(n, f, stride=int(s), pad=p, floor=True) for n, f, s, p in axes)


def _check_finite(x: Array) -> None:
    check_pictures(x)
    if not np.isfinite(x).all():
        raise ValueError("x holds nan or infinity; finite numbers would fit")


def _score_gradient(
    model: Network, x: Array, label: int | npt.ArrayLike, *, against_best: bool = False
) -> tuple[Array, npt.NDArray[np.bool_]]:
    """Give the gradient of the label's score with respect to x, and whether that score is the largest."""
    scores = model.forward(x)
    if scores.ndim != 2:
        raise ValueError(f"the model gives scores of shape {scores.shape}; (N, classes) would fit")
    count, classes = scores.shape
    if np.shape(label) not in ((), (count,)):
        raise ValueError(f"label has shape {np.shape(label)}; one class or {count} would fit")
    labels = np.broadcast_to(np.asarray(label), (count,))
    if not np.issubdtype(labels.dtype, np.integer) or not ((labels >= 0) & (labels < classes)).all():
        raise ValueError(f"label={label!r}; whole numbers from 0 to {classes - 1} would fit")
    rows = np.arange(count)
    dscores = np.zeros_like(scores)
    dscores[rows, labels] = 1
    others = np.where(dscores > 0, -np.inf, scores)
    if against_best:
        dscores[rows, others.argmax(axis=1)] -= 1
    return model.backward(dscores), scores[rows, labels] > others.max(axis=1)
