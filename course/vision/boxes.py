"""Boxes around objects: how much two agree, which of many to keep, how good a detector is.

A box is a row (x1, y1, x2, y2): x to the right, y downwards, and the area is (x2 − x1)·(y2 − y1), so that a single
pixel at column 3 of row 2 is (3, 2, 4, 3).
"""

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from course.data.arguments import check_number, truths, whole

__all__ = ["area", "average_precision", "iou", "match", "nms", "precision_recall"]

Array: TypeAlias = npt.NDArray[Any]


def area(boxes: npt.ArrayLike) -> Array:
    """Compute the area of each box.

    Args:
        boxes: (N, 4).

    Returns:
        (N,)

    Raises:
        ValueError: the shape is another, a number is not finite, or a box ends before it begins.

    >>> area([[0, 0, 2, 3], [1, 1, 1, 5]])
    array([6., 0.])
    """
    x1, y1, x2, y2 = _read("boxes", boxes).T
    areas: Array = (x2 - x1) * (y2 - y1)
    return areas


def iou(a: npt.ArrayLike, b: npt.ArrayLike) -> Array:
    """Compute the intersection over union of each box of a with each of b.

        IoU = |A ∩ B| / |A ∪ B|         1 for the same box, 0 for boxes that do not meet

    Args:
        a: (N, 4).
        b: (M, 4).

    Returns:
        (N, M); 0 where both boxes are empty.

    Raises:
        ValueError: a shape is another, a number is not finite, or a box ends before it begins.

    Source: EECS 545, "Object Detection" (localise with a tight box).

    >>> iou([[0, 0, 2, 2]], [[0, 0, 2, 2], [1, 0, 3, 2], [2, 0, 4, 2]]).round(3)
    array([[1.   , 0.333, 0.   ]])
    """
    a, b = _read("a", a), _read("b", b)
    begin = np.maximum(a[:, None, :2], b[:, :2])  # (N, M, 2)
    end = np.minimum(a[:, None, 2:], b[:, 2:])
    common = np.maximum(end - begin, 0).prod(axis=2)
    union = area(a)[:, None] + area(b) - common
    result: Array = np.divide(common, union, out=np.zeros_like(common), where=union > 0)
    return result


def nms(boxes: npt.ArrayLike, scores: npt.ArrayLike, *, threshold: float = 0.5) -> npt.NDArray[np.intp]:
    """Suppress what is not a maximum: keep the best box, drop those that overlap it, and so on.

    Args:
        boxes: (N, 4).
        scores: (N,); of equal ones the first counts as better.
        threshold: a box is dropped where its IoU with a better one that is kept is larger.

    Returns:
        The indices of the boxes to keep, the best first.

    Raises:
        TypeError: the threshold is no number.
        ValueError: the shapes do not go together, a score is NaN, or the threshold is outside [0, 1].

    >>> nms([[0, 0, 4, 4], [0, 1, 4, 5], [6, 6, 8, 8]], [0.8, 0.9, 0.3])
    array([1, 2])
    """
    boxes = _read("boxes", boxes)
    scores = _scores(scores, len(boxes))
    check_number("threshold", threshold)
    if not 0 <= threshold <= 1:
        raise ValueError(f"threshold={threshold}; 0 to 1 would fit")
    rest = np.argsort(-scores, kind="stable")
    kept = []
    while len(rest):
        best, rest = rest[0], rest[1:]
        kept.append(best)
        rest = rest[iou(boxes[[best]], boxes[rest])[0] <= threshold]
    return np.array(kept, dtype=np.intp)


def match(
    boxes: npt.ArrayLike, scores: npt.ArrayLike, truth: npt.ArrayLike, *, threshold: float = 0.5
) -> npt.NDArray[np.bool_]:
    """Say which detections of one picture are hits: each finds an object that no better one has found.

    From the best score down, a detection takes the object that it overlaps most. It is a hit if their IoU reaches
    the threshold and nobody took that object before; a second detection of the same object is a false alarm.

    Args:
        boxes: (N, 4), the detections.
        scores: (N,).
        truth: (M, 4), the objects.
        threshold: the IoU that a hit needs.

    Returns:
        (N,) in the order of `boxes`.

    Raises:
        TypeError: the threshold is no number.
        ValueError: the shapes do not go together, a score is NaN, or the threshold is outside (0, 1]: boxes that do
            not meet have an IoU of 0.

    Source: Everingham et al. 2010, "The PASCAL visual object classes challenge", section 4.4.

    >>> match([[0, 0, 2, 2], [0, 0, 2, 3], [5, 5, 6, 6]], [0.6, 0.9, 0.7], [[0, 0, 2, 2]])
    array([False,  True, False])
    """
    boxes, truth = _read("boxes", boxes), _read("truth", truth)
    scores = _scores(scores, len(boxes))
    check_number("threshold", threshold)
    if not 0 < threshold <= 1:
        raise ValueError(f"threshold={threshold}; more than 0, up to 1, would fit")
    hits = np.zeros(len(boxes), dtype=bool)
    taken = np.zeros(len(truth), dtype=bool)
    overlap = iou(boxes, truth)
    for i in np.argsort(-scores, kind="stable") if len(truth) else ():
        j = int(overlap[i].argmax())
        hits[i] = overlap[i, j] >= threshold and not taken[j]
        taken[j] |= hits[i]
    return hits


def precision_recall(hits: npt.ArrayLike, scores: npt.ArrayLike, objects: int) -> tuple[Array, Array]:
    """Follow precision and recall as detections are accepted one by one, from the best score down.

        precision = hits so far / detections so far             recall = hits so far / objects

    Args:
        hits: (N,), from `match`; the detections of many pictures one after the other.
        scores: (N,).
        objects: how many there are to find.

    Returns:
        precision (N,) and recall (N,).

    Raises:
        TypeError: hits holds other than True and False, or objects is not whole.
        ValueError: there are no objects, or fewer than hits, or the shapes do not go together.

    >>> precision, recall = precision_recall([True, False, True], [0.9, 0.8, 0.7], objects=4)
    >>> precision.round(2), recall
    (array([1.  , 0.5 , 0.67]), array([0.25, 0.25, 0.5 ]))
    """
    hits = truths("hits", hits)
    if hits.ndim != 1:
        raise ValueError(f"hits has shape {hits.shape}; (N,) would fit, one for each detection")
    scores = _scores(scores, len(hits))
    if whole("objects", objects) < hits.sum():
        raise ValueError(f"objects={objects}; at least {hits.sum()} would fit, one for each hit")
    found = np.cumsum(hits[np.argsort(-scores, kind="stable")])
    return found / np.arange(1, len(hits) + 1), found / objects


def average_precision(hits: npt.ArrayLike, scores: npt.ArrayLike, objects: int) -> float:
    """Compute the area under the curve of precision over recall, for one class.

    The curve is made to fall: at each recall stands the best precision that any recall from there on has.
    Arguments and errors are those of `precision_recall`.

    Source: Everingham et al. 2010, section 4.2, with every recall instead of eleven (as PASCAL VOC since 2010).

    >>> average_precision([True, False, True], [0.9, 0.8, 0.7], objects=2)  # ½·1 + ½·⅔
    0.8333333333333333
    """
    precision, recall = precision_recall(hits, scores, objects)
    best_from_here = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.sum(np.diff(recall, prepend=0.0) * best_from_here))


def _read(name: str, boxes: npt.ArrayLike) -> Array:
    boxes = np.asarray(boxes, dtype=np.float64)
    if boxes.size == 0:
        boxes = boxes.reshape(0, 4)
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ValueError(f"{name} has shape {boxes.shape}; (N, 4) would fit, rows of x1, y1, x2, y2")
    for fits, what in (
        (np.isfinite(boxes), "finite numbers"),
        (boxes[:, :2] <= boxes[:, 2:], "x1 ≤ x2 and y1 ≤ y2"),
    ):
        if not fits.all():
            i = int(fits.all(axis=1).argmin())
            raise ValueError(f"{name}[{i}] is {boxes[i].tolist()}; {what} would fit")
    return boxes


def _scores(scores: npt.ArrayLike, count: int) -> Array:
    scores = np.asarray(scores, dtype=np.float64)
    if scores.shape != (count,) or np.isnan(scores).any():
        found = "a NaN" if scores.shape == (count,) else f"shape {scores.shape}"
        raise ValueError(f"scores has {found}; ({count},) numbers would fit, one for each box")
    return scores
