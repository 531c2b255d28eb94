"""A part of the plane, drawn into a rectangle of a scene."""

from dataclasses import dataclass

__all__ = ["Plane"]


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

    def to_numbers(self, px: float, py: float) -> tuple[float, float]:
        """The point at a pixel."""
        across, up = (px - self.left) / self.width, 1 - (py - self.top) / self.height
        return self.x[0] + across * (self.x[1] - self.x[0]), self.y[0] + up * (self.y[1] - self.y[0])
