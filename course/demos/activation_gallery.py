"""A gallery of activations: what the student's own functions say, their slopes, and where a gradient gets lost.

    from course.demos import activation_gallery
    activation_gallery.demo({"sigmoid": (sigmoid, sigmoid_backward), "ReLU": (relu, relu_backward)})

`ask` (in `activation_gallery_steps`) runs the functions once, `draw` makes a picture for a place x and a number of
layers, `demo` binds it to widgets.
"""

import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from course.plots.figure import BLUE, GREY, INK, VERMILLION

from .activation_gallery_steps import REACH, STEPS, Answer, Array, Pair, X, ask
from .plane import Plane
from .scene import Curve, Item, Line, Rect, Scene, Text

if TYPE_CHECKING:
    from .live import Live

__all__ = ["Answer", "State", "ask", "demo", "draw"]

FLAT = 0.05  # a smaller slope lets next to nothing of a gradient pass

COLUMNS, WIDTH, LEFT, TOP = 4, 880, 14, 84
ROOM, PANEL, TALL, ROW = 214, 200, 124, 216  # width of a panel with its gap, and alone; its height, and with its words
LOW, HIGH = -2.0, 3.0  # of y
BAND, DASH = "#DDDDDD", (3.2, 2.0)
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class State:
    """What the controls say: the place x in tenths, and the number of layers."""

    x: int = -20
    layers: int = 10


def demo(functions: Mapping[str, Pair]) -> "Live":
    """Show activations and their slopes, as your own functions compute them.

    Args:
        functions: by name, `y, cache = f(x)` and `dx = f_backward(dy, cache)`, as `ask` takes them.

    Returns:
        the demo, which shows itself as the last value of a cell.
    """
    import ipywidgets as widgets  # late: whoever draws needs no widgets

    from .live import Live

    start, curves = State(), ask(functions)
    x = widgets.IntSlider(value=start.x, min=-REACH * STEPS, max=REACH * STEPS, description="x")
    x.readout = False  # it counts tenths; the picture says the number
    layers = widgets.IntSlider(value=start.layers, min=1, max=30, description="layers")
    x.layout.width = layers.layout.width = "48%"
    return Live("activation-gallery", [[x, layers]], lambda: draw(State(x.value, layers.value), curves))


def draw(state: State, curves: Mapping[str, Answer]) -> Scene:
    """Draw a panel for each activation: y, its slope, where it saturates, and what is left behind the layers."""
    rows = -(-len(curves) // COLUMNS)
    x = _number(state.x / STEPS)
    items: list[Item] = [
        Text(LEFT, 22, f"x = {x}", 17, anchor="start", bold=True, css="state"),
        Text(LEFT + 110, 22, f"bold: what {_layers(state)} of this slope leave of a gradient of 1", 15, anchor="start"),
        Line(LEFT, 52, LEFT + 32, 52, BLUE, 3),
        Text(LEFT + 40, 52, "y", 15, anchor="start"),
        Curve([np.array([[LEFT + 76.0, 52], [LEFT + 112, 52]])], VERMILLION, 2.5, DASH),
        Text(LEFT + 120, 52, "slope: your backward of dy = 1", 15, anchor="start"),
        Rect(LEFT + 400, 44, 30, 16, BAND, GREY),
        Text(LEFT + 438, 52, f"saturated: the slope is below {FLAT:g}", 15, anchor="start"),
    ]
    for n, (name, found) in enumerate(curves.items()):
        items += _panel(state, name, found, LEFT + n % COLUMNS * ROOM, TOP + n // COLUMNS * ROW)
    data = {"demo": "activation-gallery", "x": str(state.x), "layers": str(state.layers)}
    return Scene(WIDTH, TOP + rows * ROW, _label(state, curves), tuple(items), data)


def _panel(state: State, name: str, found: Answer, left: float, top: float) -> Iterator[Item]:
    yield from _backdrop(name, found, left, top)
    if found.y is None:
        return
    plane, here = _plane(left, top), int(np.searchsorted(X, state.x / STEPS - 1e-9))
    bottom, y = plane.top + TALL, float(found.y[here])
    px, py = plane.to_scene(state.x / STEPS, min(max(y, LOW), HIGH))
    yield Line(px, plane.top, px, bottom, INK, 1.5, css="here")
    yield Rect(px - 4.5, py - 4.5, 9, 9, BLUE, INK, css="at")
    if found.slope is None:
        yield Text(left, bottom + 14, f"y = {_number(y)}", 14, anchor="start")
        yield Text(left, bottom + 34, found.problem[:30], 13, VERMILLION, "start", css="problem")
        return
    slope = float(found.slope[here])
    yield Text(left, bottom + 14, f"y = {_number(y)}, slope {_number(slope)}", 14, anchor="start", css="words")
    rest = f"{_layers(state)}: {_left(slope, state.layers)}"
    yield Text(left, bottom + 35, rest, 14, anchor="start", bold=True, css="left")


@lru_cache(maxsize=64)  # the same for every place and any number of layers
def _backdrop(name: str, found: Answer, left: float, top: float) -> tuple[Item, ...]:
    """The part of a panel that no slider changes: frame, grey bands and curves, or what is wrong."""
    plane = _plane(left, top)
    title = Text(left, top + 8, name, 16, anchor="start", bold=True)
    frame = Rect(left, plane.top, PANEL, TALL, "#FFFFFF", GREY)
    if found.y is None:
        said = enumerate(textwrap.wrap(found.problem, 25)[:6])
        lines = (
            Text(left + 6, plane.top + 16 + 19 * n, text, 13, VERMILLION, "start", css="problem") for n, text in said
        )
        return title, frame, *lines
    items: list[Item] = [title, frame]
    if found.slope is not None:
        items += _bands(plane, np.abs(found.slope) < FLAT)
    centre, middle = plane.to_scene(0, 0)
    items += [
        Line(left, middle, left + PANEL, middle, GREY), Line(centre, plane.top, centre, plane.top + TALL, GREY)
    ]  # fmt: skip
    for tick in (1, -1):
        at = plane.to_scene(0, tick)[1]
        items += [Line(centre - 4, at, centre + 4, at, GREY), Text(centre - 8, at, _number(tick), 12, "#555555", "end")]
    items.append(Curve(_visible(plane, found.y), BLUE, 3, css="y"))
    if found.slope is not None:
        items.append(Curve(_visible(plane, found.slope), VERMILLION, 2.5, DASH, css="slope"))
    if found.wrong:
        items.append(Rect(left, plane.top, PANEL, TALL, stroke=VERMILLION, line=2.5, dashes=True, css="wrong-panel"))
        items.append(Text(left + PANEL, top + 8, _fault(found), 13, VERMILLION, "end", css="wrong"))
    return tuple(items)


def _plane(left: float, top: float) -> Plane:
    return Plane(left, top + 20, PANEL, TALL, x=(-REACH, REACH), y=(LOW, HIGH))


def _bands(plane: Plane, flat: npt.NDArray[np.bool_]) -> Iterator[Item]:
    """Grey where a curve is flat, from half a step before to half a step after."""
    changes = np.flatnonzero(np.diff(np.concatenate([[False], flat, [False]]).astype(int)))
    half = 0.5 / STEPS
    for first, after in changes.reshape(-1, 2):
        low, high = max(X[first] - half, -REACH), min(X[after - 1] + half, REACH)
        start, end = plane.to_scene(low, 0)[0], plane.to_scene(high, 0)[0]
        yield Rect(start, plane.top, end - start, plane.height, BAND, "none", css="saturated")


def _visible(plane: Plane, y: Array) -> list[Array]:
    """The parts of a curve that lie within the panel, as pixels."""
    near = y.clip(-1e3, 1e3)  # as steep to the eye, and no number too large to become a pixel
    return plane.clipped(plane.pixels(np.stack([X, near], axis=1)))


def _fault(found: Answer) -> str:
    """Which of y and slope is wrong, in words."""
    return f"{', '.join(found.wrong)} wrong"


def _layers(state: State) -> str:
    return "1 layer" if state.layers == 1 else f"{state.layers} layers"


def _left(slope: float, layers: int) -> str:
    """What as many layers of one slope leave of a gradient of 1."""
    try:
        return _number(slope**layers)
    except OverflowError:
        return "more than 10³⁰⁸"


def _number(value: float) -> str:
    """About three digits, with a real minus sign."""
    if value == 0 or 0.001 <= abs(value) < 1000:
        return f"{value:.3g}".replace("-", "−")
    mantissa, exponent = f"{value:.1e}".split("e")
    return f"{mantissa}·10{str(int(exponent)).translate(RAISED)}".replace("-", "−")


def _label(state: State, curves: Mapping[str, Answer]) -> str:
    """The state in words, for whoever does not see the picture."""
    here = np.searchsorted(X, state.x / STEPS - 1e-9)
    said = []
    for name, found in curves.items():
        if found.y is None or found.slope is None:
            said.append(f"{name}: {found.problem}")
        else:
            y, slope = float(found.y[here]), float(found.slope[here])
            rest = _left(slope, state.layers)
            fault = f" ({_fault(found)})" if found.wrong else ""
            said.append(f"{name}: y {_number(y)}, slope {_number(slope)}, after {_layers(state)} {rest}{fault}")
    return f"Activations at x = {_number(state.x / STEPS)}. {'. '.join(said)}."
