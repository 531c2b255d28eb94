"""A part of the plane, drawn into a rectangle of a scene."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

__all__ = ["Plane"]

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Plane:
    """Which point of the plane stands at which pixel of a scene, where y runs downwards.

    Attributes:
        left: the rectangle's left edge, in pixels of the scene.
        top: its upper edge.
        width: its width.
        height: its height.
        x: the numbers at the left and the right edge.
        y: the numbers at the lower and the upper edge.

    >>> plane = Plane(20, 10, 400, 300, x=(-2, 2), y=(0, 3))
    >>> plane.to_scene(0, 3), plane.to_numbers(20, 310)
    ((220.0, 10.0), (-2.0, 0.0))
    """

    left: float
    top: float
    width: float
    height: float
    x: tuple[float, float]
    y: tuple[float, float]

    @property
    def bounds(self) -> list[float]:
        """Left, top, right and bottom in pixels, as a `DragPoint` takes them."""
        return [self.left, self.top, self.left + self.width, self.top + self.height]

    def to_scene(self, x: float, y: float) -> tuple[float, float]:
        """The pixel of a point."""
        across, up = (x - self.x[0]) / (self.x[1] - self.x[0]), (y - self.y[0]) / (self.y[1] - self.y[0])
        return self.left + across * self.width, self.top + (1 - up) * self.height

    def pixels(self, points: Array) -> Array:
        """The pixels of many points, (N, 2).

        >>> Plane(0, 0, 100, 100, x=(0, 1), y=(0, 1)).pixels(np.array([[0.5, 1.0]]))
        array([[50.,  0.]])
        """
        (left, right), (low, high) = self.x, self.y
        across, up = (points[:, 0] - left) / (right - left), (points[:, 1] - low) / (high - low)
        return np.stack([self.left + across * self.width, self.top + (1 - up) * self.height], axis=1)

    def to_numbers(self, px: float, py: float) -> tuple[float, float]:
        """The point at a pixel."""
        across, up = (px - self.left) / self.width, 1 - (py - self.top) / self.height
        return self.x[0] + across * (self.x[1] - self.x[0]), self.y[0] + up * (self.y[1] - self.y[0])

    def holds(self, pixel: Array) -> bool:
        """Whether a pixel (2,) lies within the rectangle."""
        left, top, right, bottom = self.bounds
        return bool(left <= pixel[0] <= right and top <= pixel[1] <= bottom)

    def clipped(self, path: Array) -> list[Array]:
        """The pieces of a path of pixels (N, 2) within the rectangle: a segment that leaves ends at the edge.

        >>> Plane(0, 0, 10, 10, x=(0, 1), y=(0, 1)).clipped(np.array([[0.0, 5], [20, 5], [20, 20]]))
        [array([[ 0.,  5.],
               [10.,  5.]])]
        """
        if all(map(self.holds, path)):  # as most paths are
            return [path] if len(path) > 1 else []
        pieces: list[list[Array]] = []
        for a, b in pairwise(path):
            ends = self._cut(a, b)
            if ends is None:
                continue
            if pieces and np.array_equal(pieces[-1][-1], ends[0]):
                pieces[-1].append(ends[1])
            else:
                pieces.append([*ends])
        return [np.array(piece) for piece in pieces]

    def _cut(self, a: Array, b: Array) -> tuple[Array, Array] | None:
        """What of the segment from a to b is in the rectangle (Liang and Barsky)."""
        low, high = np.array(self.bounds[:2]), np.array(self.bounds[2:])
        first, last = 0.0, 1.0
        for axis in (0, 1):
            way = b[axis] - a[axis]
            if way == 0:
                if not low[axis] <= a[axis] <= high[axis]:
                    return None
                continue
            enter, leave = sorted(((low[axis] - a[axis]) / way, (high[axis] - a[axis]) / way))
            first, last = max(first, enter), min(last, leave)
        if first >= last:
            return None
        return (a if first == 0 else a + first * (b - a)), (b if last == 1 else a + last * (b - a))
