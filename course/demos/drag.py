"""A picture with a point that the reader drags, by mouse, finger, pen or arrow keys.

A demo that has one makes the point, gives it to `Dragged`, and draws by the point's place:

    point = DragPoint(x=440, y=200, bounds=[20, 20, 400, 400], label="start")

    def show() -> Scene:
        return draw(compute(State(point.x, point.y, rate.value)))

    return Dragged("descent", point, [[rate]], show)

`plane.Plane` turns the pixels of a scene into the numbers of a plot and back.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from .live import SIDEWAYS, Live
from .scene import Scene

__all__ = ["DragPoint", "Dragged"]


class DragPoint(anywidget.AnyWidget):
    """A scene under a ring that can be dragged; the widget tells where the ring is.

    The ring follows the pointer at once; the scene follows as soon as the kernel has drawn it. A press of the button
    anywhere within the bounds brings the ring there. With the ring in focus the arrow keys move it by a step, together
    with Shift by five; JupyterLab's own shortcuts are off meanwhile.

    Attributes:
        value: the scene as SVG, with a `viewBox` that begins at (0, 0).
        x: where the ring is, in pixels of the scene, to the right.
        y: likewise, downwards.
        bounds: left, top, right, bottom: the ring stays within.
        step: pixels of the scene for one press of an arrow key.
        label: what the point is, read out when it gets the focus.
        text: where it is, in words, read out when it moves; set it while drawing.

    >>> point = DragPoint(x=30, y=40, bounds=[0, 0, 100, 80], label="start")
    >>> point.observe(lambda change: print("now at", point.x, point.y), ["x", "y"])
    >>> point.x = 50                                  # as the browser does it
    now at 50.0 40.0
    """

    _esm = Path(__file__).with_name("drag.js")
    _css = Path(__file__).with_name("drag.css")

    value = traitlets.Unicode("").tag(sync=True)
    x = traitlets.CFloat(0.0).tag(sync=True)
    y = traitlets.CFloat(0.0).tag(sync=True)
    bounds = traitlets.List(traitlets.CFloat(), [0.0, 0.0, 100.0, 100.0], minlen=4, maxlen=4).tag(sync=True)
    step = traitlets.CFloat(8.0).tag(sync=True)
    label = traitlets.Unicode("point").tag(sync=True)
    text = traitlets.Unicode("").tag(sync=True)


class Dragged(Live):
    """A scene that is drawn anew whenever its point is dragged, or a control changes.

    Args:
        name: of the demo; the point has the class "demo-NAME-point".
        point: takes the picture's place. `draw` reads `point.x` and `point.y`, and may set `point.text`.
        controls: rows of widgets above the picture, as for `Live`.
        draw: gives the scene for the point's and the controls' present values.
    """

    def __init__(
        self, name: str, point: DragPoint, controls: Sequence[Sequence[Any]], draw: Callable[[], Scene]
    ) -> None:
        super().__init__(name, controls, draw)
        self.widget.children = (*self.widget.children[:-1], point)
        self._picture = point
        point.layout.overflow = SIDEWAYS
        point.add_class(f"demo-{name}-point")
        self._point, self._drawn_at = point, (point.x, point.y)
        point.observe(self._moved, ["x", "y"])
        self._show()

    def _moved(self, change: Any) -> None:
        place = (self._point.x, self._point.y)
        if place != self._drawn_at:  # x and y arrive together but are told one by one: draw once
            self._drawn_at = place
            self._changed(change)
