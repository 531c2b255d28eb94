"""Curves made of straight lines, as few as it takes to look the same."""

from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from .plane import Plane
from .scene import Line

__all__ = ["curve", "dashed_curve", "pixels", "segment", "thinned"]

Points = npt.NDArray[np.float64]

TOLERANCE = 0.2  # pixels by which a curve may miss its points
DASH, GAP = 8.0, 5.0  # pixels


def curve(points: Points, **look: Any) -> list[Line]:
    """Lines along a curve.

    Args:
        points: (N, 2), pixels.
        look: stroke, line and css of every line.

    >>> len(curve(np.array([[0.0, 0], [1, 1], [2, 2], [3, 0]])))
    2
    """
    return [segment(a, b, **look) for a, b in pairwise(thinned(points))]


def dashed_curve(points: Points, **look: Any) -> list[Line]:
    """Dashes along a curve, in step with one another; lines of their own would each begin with a new dash.

    >>> [round(line.x2 - line.x1) for line in dashed_curve(np.array([[0.0, 0], [21, 0]]))]
    [8, 8]
    """
    lengths = np.hypot(*np.diff(points, axis=0).T)
    at = np.concatenate([[0.0], np.cumsum(lengths)])
    starts = np.arange(0, at[-1], DASH + GAP)
    ends = np.minimum(starts + DASH, at[-1])
    from_, to = (np.stack([np.interp(s, at, axis) for axis in points.T], axis=1) for s in (starts, ends))
    return [segment(a, b, **look) for a, b in zip(from_, to, strict=True)]


def segment(a: Points, b: Points, **look: Any) -> Line:
    """The line from a to b, (2,) each."""
    return Line(float(a[0]), float(a[1]), float(b[0]), float(b[1]), **look)


def pixels(plane: Plane, points: Points) -> Points:
    """Points of a plane, (N, 2), as pixels of the scene.

    >>> pixels(Plane(0, 0, 100, 100, x=(0, 1), y=(0, 1)), np.array([[0.5, 1.0]]))
    array([[50.,  0.]])
    """
    return np.array([plane.to_scene(x, y) for x, y in points.tolist()]).reshape(-1, 2)


def thinned(points: Points, tolerance: float = TOLERANCE) -> Points:
    """Leave out the points that a straight line between others passes by (Ramer, Douglas and Peucker).

    >>> thinned(np.array([[0.0, 0], [1, 0.1], [2, 0], [2, 5]]))
    array([[0., 0.],
           [2., 0.],
           [2., 5.]])
    """
    keep = np.zeros(len(points), dtype=bool)
    keep[[0, -1]] = True
    pending = [(0, len(points) - 1)]
    while pending:
        first, last = pending.pop()
        if last - first < 2:
            continue
        between, start, chord = points[first + 1 : last], points[first], points[last] - points[first]
        length = float(np.hypot(chord[0], chord[1]))
        offset = between - start
        from_start = np.hypot(offset[:, 0], offset[:, 1])  # a closed curve begins where it ends
        away = np.abs(chord[0] * offset[:, 1] - chord[1] * offset[:, 0]) / length if length else from_start
        farthest = int(away.argmax())
        if away[farthest] > tolerance:
            middle = first + 1 + farthest
            keep[middle] = True
            pending += [(first, middle), (middle, last)]
    return points[keep]
