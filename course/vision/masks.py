"""Maps of classes, one label a pixel: how much two agree."""

from typing import Any

import numpy as np
import numpy.typing as npt

from course.data.arguments import whole

__all__ = ["class_iou", "mean_iou"]

Labels = npt.NDArray[np.integer[Any]]


def class_iou(
    predicted: Labels, truth: Labels, *, classes: int | None = None, ignore: int | None = None
) -> npt.NDArray[np.float64]:
    """Compute for each class the pixels that both maps give it over those that either does.

    Args:
        predicted, truth: labels 0, 1, … of the same shape, any number of axes.
        classes: how many there are; by default up to the largest label.
        ignore: a label in truth whose pixels do not count, as at the border of objects.

    Returns:
        (classes,), NaN for a class that occurs in neither.

    Raises:
        TypeError: the labels, or classes, are not whole numbers.
        ValueError: the shapes differ, or a label is not in 0 … classes − 1.

    >>> class_iou(np.array([[0, 0], [1, 1]]), np.array([[0, 1], [1, 1]]))
    array([0.5       , 0.66666667])
    """
    predicted, truth = np.asarray(predicted), np.asarray(truth)
    for name, labels in (("predicted", predicted), ("truth", truth)):
        if not np.issubdtype(labels.dtype, np.integer):
            raise TypeError(f"{name} has dtype {labels.dtype}; whole numbers would fit, such as scores.argmax(axis=1)")
    if predicted.shape != truth.shape:
        raise ValueError(f"predicted has shape {predicted.shape}, truth has {truth.shape}; equal ones would fit")
    if ignore is not None:
        counts = truth != ignore
        predicted, truth = predicted[counts], truth[counts]
    both = np.stack([predicted.ravel(), truth.ravel()]).astype(np.int64)
    classes = int(both.max(initial=-1)) + 1 if classes is None else whole("classes", classes)
    if both.size and not 0 <= both.min() <= both.max() < classes:
        raise ValueError(f"labels go from {both.min()} to {both.max()}; 0 to {classes - 1} would fit")
    common = np.bincount(both[0, both[0] == both[1]], minlength=classes)
    union = np.bincount(both.ravel(), minlength=classes) - common  # what both say is counted twice
    shares = np.full(classes, np.nan)
    np.divide(common, union, out=shares, where=union > 0)
    return shares


def mean_iou(predicted: Labels, truth: Labels, *, classes: int | None = None, ignore: int | None = None) -> float:
    """Average `class_iou` over the classes that occur; arguments and errors are the same.

    A map that calls everything background scores well by pixels and badly here.

    Raises:
        ValueError: no class occurs, for there are no pixels.

    Source: EECS 545, "Semantic Segmentation"; Long, Shelhamer & Darrell 2015, section 5.

    >>> mean_iou(np.zeros(8, int), np.array([0, 0, 0, 0, 0, 0, 1, 2]))
    0.25
    """
    found = class_iou(predicted, truth, classes=classes, ignore=ignore)
    if np.isnan(found).all():
        raise ValueError("there is no pixel that counts; at least one would fit")
    return float(np.nanmean(found))
