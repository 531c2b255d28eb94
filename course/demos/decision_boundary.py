"""A decision boundary that bends: hidden neurons are added and moved, the student's own layers compute the score.

    from course.demos import decision_boundary
    decision_boundary.demo(affine, relu)

`compute` (in `decision_boundary_steps`) scores the plane, `draw` makes a picture of it, `demo` binds both to widgets.
"""

import textwrap
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from contourpy import contour_generator

from course.plots.figure import BLUE, GREEN, GREY, INK, VERMILLION
from course.plots.linear_classifier import segment, square

from .decision_boundary_steps import CELLS, POINTS, REACH, UNITS, Array, State, Step, compute
from .plane import Plane
from .scene import Curve, Item, Line, Rect, Scene, Text

if TYPE_CHECKING:
    from .live import Live

__all__ = ["State", "compute", "demo", "draw"]

WIDTH, HEIGHT, SIDE, WORDS = 880, 470, 440, 480
PLANE = Plane(14, 14, SIDE, SIDE, x=(-REACH, REACH), y=(-REACH, REACH))
SQUARE = square(REACH)
INSIDE, OUTSIDE = "#F9E2D2", "#DDEEF8"  # where the score is positive, and where not
SPOTS = (0.06, 0.94, 0.14, 0.86, 0.22, 0.78, 0.3, 0.7, 0.4, 0.6)  # of a line, where its number may stand
MARKS = ((BLUE, "●", 13), (VERMILLION, "▲", 14))


def draw(step: Step) -> Scene:
    """Draw the plane with its points, the hidden neurons' lines and the boundary; beside it the weights."""
    items = (*_regions(step), *_points(step), *_units(step), *_words(step))
    state = step.state
    angle, offset = state.units[state.chosen]
    data = {
        "demo": "decision-boundary", "points": state.points, "neurons": str(len(state.units)),
        "chosen": str(state.chosen + 1), "angle": str(angle), "offset": str(offset),
    }  # fmt: skip
    return Scene(WIDTH, HEIGHT, _label(step), items, data)


def demo(affine: Callable[..., Any], relu: Callable[..., Any]) -> "Live":
    """Add hidden neurons, move them, and watch the boundary.

    Args:
        affine: `y = affine(x, w, b)`, or one that returns y and a cache.
        relu: `y = relu(x)`, or one that returns y and a cache.

    Returns:
        the demo, which shows itself as the last value of a cell.
    """
    import ipywidgets as widgets  # late: whoever draws a step needs no widgets

    from .live import Live

    start, units = State(), list(UNITS)
    points = widgets.ToggleButtons(options=list(POINTS), value=start.points, description="points")
    neurons = widgets.IntSlider(value=len(start.units), min=1, max=len(UNITS), description="neurons")
    chosen = widgets.IntSlider(value=1, min=1, max=len(start.units), description="chosen")
    angle = widgets.IntSlider(value=units[0][0], min=0, max=355, step=5, description="angle")
    offset = widgets.FloatSlider(value=units[0][1] / 10, min=-1.5, max=1.5, step=0.1, description="offset")
    offset.readout_format = ".1f"
    for slider in (neurons, chosen, angle, offset):
        slider.layout.width = "48%"
    last = 0

    def show() -> Scene:
        nonlocal last
        chosen.max = neurons.value  # a neuron that is taken away cannot stay chosen
        now = chosen.value - 1
        if now == last:
            units[now] = angle.value, round(10 * offset.value)
        else:  # the sliders now belong to another neuron
            angle.value, offset.value = units[now][0], units[now][1] / 10
            last = now
        return draw(compute(State(points.value, tuple(units[: neurons.value]), now), affine, relu))

    return Live("decision-boundary", [[points], [neurons, chosen], [angle, offset]], show)


def _regions(step: Step) -> Iterator[Item]:
    """The side of the positive scores, row by row, a sign here and there, and the boundary between."""
    z = step.scores
    yield Rect(PLANE.left, PLANE.top, SIDE, SIDE, "#FFFFFF" if z is None else OUTSIDE, "none")
    if z is not None:
        along, high = np.linspace(-REACH, REACH, CELLS + 1), SIDE / CELLS
        for row, values in enumerate((z[1:] + z[:-1]) / 2):
            top = PLANE.top + SIDE - (row + 1) * high
            for start, end in _positive(along, values):
                left = PLANE.to_scene(start, 0)[0]
                # a little overlap, so that no light shows between the rows
                width, tall = PLANE.to_scene(end, 0)[0] - left, min(high + 0.6, PLANE.top + SIDE - top)
                yield Rect(left, top, width, tall, INSIDE, "none")
        for i in range(8, CELLS, 16):
            for j in range(8, CELLS, 16):
                sign = "+" if z[i, j] > 0 else "−"
                yield Text(*PLANE.to_scene(along[j], along[i]), sign, 17, "#777777", css="sign")
        boundary: Any = contour_generator(along, along, z).lines(0.0)
        yield Curve([PLANE.pixels(points) for points in boundary], line=4, css="boundary")
    yield Rect(PLANE.left, PLANE.top, SIDE, SIDE, "none", GREY)


def _positive(along: Array, values: Array) -> Iterator[tuple[float, float]]:
    """The intervals in which values, linear between the places along, are positive."""
    above = values > 0
    at = np.flatnonzero(above[1:] != above[:-1])
    crossings = along[at] - values[at] * (along[at + 1] - along[at]) / (values[at + 1] - values[at])
    ends = [*([along[0]] if above[0] else []), *crossings, *([along[-1]] if above[-1] else [])]
    yield from zip(ends[::2], ends[1::2], strict=True)


def _units(step: Step) -> Iterator[Item]:
    """The line of each hidden neuron, and its number on the side where the neuron is positive."""
    taken = PLANE.pixels(step.x)
    for n, (w, b) in enumerate(zip(step.w1.T, step.b1, strict=True)):
        moved = n == step.state.chosen
        colour, line = (GREEN, 3.5) if moved else ("#444444", 1.8)
        ends = segment(w, float(b), SQUARE)
        if ends is None:
            continue
        start, end = PLANE.pixels(np.stack(ends))
        css = "chosen" if moved else "unit"
        yield Line(start[0], start[1], end[0], end[1], colour, line, dashes=True, css=css)
        out = np.array([w[0], -w[1]])  # to where the neuron is positive, as pixels run
        foot = max((start + t * (end - start) for t in SPOTS), key=lambda spot: _room(spot + 25 * out, taken))
        (x, y), tip = foot + 25 * out, foot + 14 * out
        taken = np.concatenate([taken, [[x, y]]])
        if _room(taken[-1], taken[:0]) > 0:
            yield Line(foot[0], foot[1], tip[0], tip[1], colour, line)
            yield Rect(x - 9, y - 10, 18, 20, "#FFFFFF", colour, line / 2)
            yield Text(x, y, str(n + 1), 15, bold=moved, css="number")


def _room(spot: Array, taken: Array) -> float:
    """How far a number at this spot is from all that is there, up to the 24 pixels it needs; below 0 outside."""
    edge = min(*(spot - (PLANE.left, PLANE.top)), *((PLANE.left + SIDE, PLANE.top + SIDE) - spot)) - 11
    nearest = np.hypot(taken[:, 0] - spot[0], taken[:, 1] - spot[1]).min(initial=24)
    return float(min(edge, nearest))


def _points(step: Step) -> Iterator[Item]:
    for place, label, right in zip(step.x, step.labels, step.right, strict=True):
        x, y = PLANE.to_scene(*map(float, place))
        colour, mark, size = MARKS[label]
        yield Text(x, y, mark, size, colour, css=f"point-{label}")
        if not right and step.scores is not None:
            yield Rect(x - 8, y - 8, 16, 16, stroke=INK, line=1.6, css="wrong")


def _words(step: Step) -> Iterator[Item]:
    yield Text(WORDS, 30, "hidden neurons and their output weights", 16, anchor="start", bold=True)
    for n, ((angle, offset), weight) in enumerate(zip(step.state.units, step.w2[:, 0], strict=True)):
        y, moved = 62 + 27 * n, n == step.state.chosen
        colour = INK if moved else "#444444"
        if moved:
            yield Rect(WORDS - 8, y - 13, 396, 26, "#E4F3EE", GREEN, css="row")
        yield Text(WORDS, y, f"{n + 1}", 15, colour, "start", True)
        yield Text(WORDS + 26, y, f"angle {angle}°", 15, colour, "start", moved)
        yield Text(WORDS + 126, y, f"offset {_signed(offset / 10, 1)}", 15, colour, "start", moved)
        yield Text(WORDS + 240, y, f"weight {_signed(float(weight), 2)}", 15, colour, "start", moved, css="weight")
    y = 62 + 27 * len(UNITS) + 8
    yield Text(WORDS, y, f"output bias {_signed(float(step.b2[0]), 2)}", 15, anchor="start")
    if step.scores is not None:
        count, of = int(step.right.sum()), len(step.labels)
        text = f"{count} of {of} points are on the right side"
        yield Text(WORDS, y + 36, text, 17, anchor="start", bold=True, css="right")
        yield Text(WORDS, y + 62, "● score below 0", 15, BLUE, "start")
        yield Text(WORDS + 160, y + 62, "▲ score above 0", 15, VERMILLION, "start")
        yield Rect(WORDS, y + 80, 16, 16, stroke=INK, line=1.6)
        yield Text(WORDS + 24, y + 88, "on the wrong side", 15, anchor="start")
    for n, text in enumerate(textwrap.wrap(step.problem, 46)[:3]):
        yield Text(WORDS, y + 114 + 21 * n, text, 15, VERMILLION, "start", css="problem")


def _signed(value: float, decimals: int) -> str:
    return f"{round(value, decimals) + 0.0:.{decimals}f}".replace("-", "−")


def _label(step: Step) -> str:
    """The state in words, for whoever does not see the picture."""
    state = step.state
    units = "; ".join(
        f"{n + 1}: angle {angle}°, offset {_signed(offset / 10, 1)}, weight {_signed(float(weight), 2)}"
        for n, ((angle, offset), weight) in enumerate(zip(state.units, step.w2[:, 0], strict=True))
    )
    said = f"{step.right.sum()} of {len(step.labels)} points are on the right side." if step.scores is not None else ""
    return f"{state.points}, hidden neurons {units}. Neuron {state.chosen + 1} is chosen. {said} {step.problem}".strip()
