"""Drag a point, or a class's weights, and watch scores, margins, probabilities and both losses.

    from course.demos import linear_classifier
    linear_classifier.demo(linear_scores, hinge_loss, softmax, softmax_loss)

The steps are plain data (`linear_classifier_steps`), `draw` makes a picture of one, `demo` binds both to widgets.
"""

import textwrap
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from course.plots.figure import BLUE, GREEN, GREY, INK, VERMILLION
from course.plots.linear_classifier import borders, segment, square

from .linear_classifier_steps import CLASSES, LABELS, POINTS, Array, Functions, State, Step, compute
from .plane import Plane
from .scene import Curve, Item, Line, Rect, Scene, Text

if TYPE_CHECKING:
    from .drag import Dragged

__all__ = ["Functions", "State", "compute", "demo", "draw"]

WIDTH, HEIGHT = 900, 536
REACH = 2.1
PLANE = Plane(28, 56, 400, 400, x=(-REACH, REACH), y=(-REACH, REACH))  # around it is room for the ring
BOX = square(REACH)
MARKS = ((BLUE, "●"), (VERMILLION, "▲"), (GREEN, "■"))
DASHES = ((6.0, 2.5), (2.5, 2.5), (6.0, 2.5, 1.2, 2.5))  # of the lines where y leads over a class by 1

# left edges of the table's columns, its first row, and the height of a row
CLASS, SCORE, GAP, CHANCE, ROWS, ROW = 460, 596, 614, 774, 92, 46
BAR, MOST = 46, 4.0  # the longest bar, and the gap that it stands for
LOSSES, LINE = 258, 34


def draw(step: Step) -> Scene:
    """Draw one step: the plane with its borders, the table of the point's classes, the losses."""
    items = (*_plane(step), *_vectors(step), *_table(step), *_losses(step), *_words(step))
    x, y = step.state.x
    data = {"demo": "linear-classifier", "x": f"{x:.2f}", "y": f"{y:.2f}", "label": str(step.state.label)}
    data |= {f"w{c}": f"{w[0]:.2f} {w[1]:.2f}" for c, w in enumerate(step.state.w)}
    return Scene(WIDTH, HEIGHT, label(step), items, data)


def demo(
    linear_scores: Callable[..., Any],
    hinge_loss: Callable[..., Any],
    softmax: Callable[..., Any],
    softmax_loss: Callable[..., Any],
) -> "Dragged":
    """Drag a point, or the weights of a class; every number is that of your own functions.

    Args:
        linear_scores: `scores, cache = linear_scores(x, w, b)`.
        hinge_loss: `loss, dscores = hinge_loss(scores, labels)`.
        softmax: `p = softmax(scores)`.
        softmax_loss: `loss, dscores = softmax_loss(scores, labels)`.

    Returns:
        the demo, which shows itself as the last value of a cell.
    """
    import ipywidgets as widgets  # late: whoever draws a step needs no widgets

    from .drag import Dragged, DragPoint

    functions, start = Functions(linear_scores, hinge_loss, softmax, softmax_loss), State()
    names = ["the point x", *(f"w{c}" for c in range(CLASSES))]
    drag = widgets.ToggleButtons(options=names, value=names[0], description="drag")
    of = widgets.ToggleButtons(options=[str(c) for c in range(CLASSES)], value=str(start.label), description="label")
    scale = widgets.FloatSlider(value=start.scale, min=0.5, max=4, step=0.5, description="scale", readout_format=".1f")
    px, py = PLANE.to_scene(*start.x)
    point = DragPoint(x=px, y=py, bounds=PLANE.bounds, step=PLANE.width / (20 * REACH), label=names[0])
    places = dict(zip(names, (start.x, *start.w), strict=True))

    def show() -> Scene:
        if drag.value == point.label:
            across, up = PLANE.to_numbers(point.x, point.y)
            places[point.label] = (round(across, 2), round(up, 2))
        else:  # the ring goes to what is dragged from now on
            point.label = drag.value
            point.x, point.y = PLANE.to_scene(*places[drag.value])
        x, *w = places.values()
        step = compute(State(x, tuple(w), int(of.value), scale.value), functions)
        point.text = f"{_pair(places[drag.value])}. {_said(step)}"
        return draw(step)

    return Dragged("linear-classifier", point, [[drag, of], [scale]], show)


def _plane(step: Step) -> Iterator[Item]:
    """The dots, the borders between the classes, and where the label's lead over another class is 1."""
    w, b = step.state.weights
    y = step.state.label
    yield Text(PLANE.left, 16, "solid: two classes score alike; dashed: y leads by 1", 14, anchor="start")
    yield Rect(PLANE.left, PLANE.top, PLANE.width, PLANE.height, "#FAFAFA", GREY)
    for start, end in borders(w, b, BOX).values():
        yield Line(*PLANE.to_scene(*start), *PLANE.to_scene(*end), line=2.2, css="border")
    for j in range(CLASSES):
        ends = segment(w[:, y] - w[:, j], float(b[y] - b[j]) - 1, BOX) if j != y else None
        if ends is not None:
            line = [np.array([PLANE.to_scene(*end) for end in ends])]
            yield Curve(line, MARKS[j][0], 1.8, DASHES[j], css="lead")
    for place, c in zip(POINTS, LABELS, strict=True):
        colour, mark = MARKS[c]
        yield Text(*PLANE.to_scene(*place), mark, 13, colour, css="dot")


def _vectors(step: Step) -> Iterator[Item]:
    """Each class's weights as an arrow, and the point."""
    x0, y0 = PLANE.to_scene(0, 0)
    for c, w in enumerate(step.state.w):
        colour, _ = MARKS[c]
        x, y = PLANE.to_scene(*w)
        length = float(np.hypot(x - x0, y - y0))
        yield Line(x0, y0, x, y, colour, 3, css="weights")
        if length > 1:
            u, v = (x - x0) / length, (y - y0) / length
            for side in (-1, 1):
                yield Line(x, y, x - 12 * u - side * 6 * v, y - 12 * v + side * 6 * u, colour, 3)
            yield Text(*_beside(x, y), f"w{c}", 15, colour, bold=True)
    px, py = PLANE.to_scene(*step.state.x)
    colour, mark = MARKS[step.state.label]
    yield Rect(px - 10, py - 10, 20, 20, "white", INK, 2, css="point")
    yield Text(px, py, mark, 15, colour)


def _beside(x: float, y: float) -> tuple[float, float]:
    """The place around the tip of an arrow that is farthest from dots and from the arrow itself."""
    back = np.array(PLANE.to_scene(0, 0)) - (x, y)
    shaft = [(x, y) + back * min(k / max(float(np.hypot(*back)), 1.0), 1.0) for k in (12, 24, 36)]
    dots = np.array([*(PLANE.to_scene(*place) for place in POINTS), *shaft])
    around = [(x + 34 * np.cos(a), y + 30 * np.sin(a)) for a in np.arange(0, 2 * np.pi, np.pi / 4)]
    left, top, right, bottom = PLANE.bounds
    inside = [(u, v) for u, v in around if left + 16 < u < right - 16 and top + 10 < v < bottom - 10]
    ahead = [place for place in inside if (np.array(place) - (x, y)) @ back <= 0] or inside
    return max(ahead, key=lambda place: float(np.hypot(*(dots - place).T).min()))


def _table(step: Step) -> Iterator[Item]:
    """For each class: its score, how far it is from leaving the label a lead of 1, its probability."""
    heads = [(CLASS, "class", "start"), (SCORE, "score", "end"), (GAP, "sⱼ − s_y + 1", "start")]
    for x, text, anchor in [*heads, (CHANCE, "probability", "start")]:
        yield Text(x, ROWS - 42, text, 15, "#444444", anchor, True)  # type: ignore[arg-type]
    yield Line(CLASS, ROWS - 26, WIDTH - 16, ROWS - 26, GREY)
    gaps = step.gaps
    for c, (colour, mark) in enumerate(MARKS):
        y, is_label = ROWS + c * ROW, c == step.state.label
        yield Text(CLASS, y, f"{mark} {c}", 18, colour, "start")
        if is_label:
            yield Text(CLASS + 38, y, "= y", 14, anchor="start")
        else:  # how its dashed line is drawn
            yield Curve([np.array([[CLASS, y + 17.0], [CLASS + 34, y + 17]])], colour, 1.8, DASHES[c], css="sample")
        yield Text(SCORE, y, _short(step.scores, c), 16, anchor="end", css="score")
        if is_label:
            yield Text(GAP, y, "the label itself", 14, "#555555", "start")
        elif gaps is not None:
            yield from _bar(GAP, y, float(gaps[c]) / MOST, colour)
            counts = "" if gaps[c] > 0 else " → 0"
            yield Text(GAP + BAR + 8, y, _short(gaps, c) + counts, 15, anchor="start", css="gap")
        if step.p is not None:
            yield from _bar(CHANCE, y, float(step.p[c]), colour)
            yield Text(CHANCE + BAR + 8, y, f"{step.p[c]:.3f}", 15, anchor="start", css="probability")
    if "scores" in step.wrong:
        yield _frame(SCORE - 54, ROWS - 22, 60, CLASSES * ROW, "scores")
    if "p" in step.wrong:
        yield _frame(CHANCE - 6, ROWS - 22, WIDTH - 10 - CHANCE, CLASSES * ROW, "p")


def _bar(x: float, y: float, share: float, colour: str) -> Iterator[Item]:
    """A bar for a share of its full length; what is beyond is cut off, less than 0 has none."""
    yield Rect(x, y - 9, BAR, 18, "#F1F1F1", GREY, 0.6)
    if share > 0:
        yield Rect(x, y - 9, BAR * min(share, 1.0), 18, colour, INK, 0.6, css="bar")


def _losses(step: Step) -> Iterator[Item]:
    """Both losses, of the point and of the dots."""
    hinge, softmax = GAP, CHANCE
    for x, name in ((hinge, "hinge loss"), (softmax, "softmax loss")):
        yield Text(x, LOSSES, name, 15, "#444444", "start", True)
    yield Line(CLASS, LOSSES + 16, WIDTH - 16, LOSSES + 16, GREY)
    for n, (text, found, size) in enumerate((("the point", step.losses, 20), ("the dots", step.means, 17))):
        y = LOSSES + 40 + n * LINE
        yield Text(CLASS, y, text, 15, anchor="start")
        for x, name in ((hinge, "hinge"), (softmax, "softmax")):
            value = found.get(name)
            css = f"{name}-{'mean' if n else 'loss'}"
            yield Text(x, y, "?" if value is None else _number(value), size, INK, "start", n == 0, css=css)
    for x, name in ((hinge, "hinge"), (softmax, "softmax")):
        for n, part in enumerate(("loss", "mean")):
            if f"{name}-{part}" in step.wrong:
                yield _frame(x - 6, LOSSES + 25 + n * LINE, 110, LINE - 4, f"{name}-{part}")
    if step.accuracy is not None:
        rightly = f"{round(step.accuracy * len(LABELS))} of {len(LABELS)} dots lie where their class wins"
        yield Text(CLASS, LOSSES + 118, rightly, 15, anchor="start", css="accuracy")


def _words(step: Step) -> Iterator[Item]:
    said = f"point x = {_pair(step.state.x)}, its label y = {step.state.label}"
    yield Text(CLASS, 18, said, 15, anchor="start", bold=True, css="where")
    lines = [line for problem in _problems(step) for line in textwrap.wrap(problem, 52)]
    for n, line in enumerate(lines[:4]):
        yield Text(CLASS, LOSSES + 152 + 22 * n, line, 15, VERMILLION, "start", css="problem")
    times = step.state.scale
    arrows = "the columns of w" if times == 1 else f"the columns of w/{times:g}"
    yield Text(PLANE.left, HEIGHT - 24, f"s = x·w + b; arrows: {arrows}", 14, anchor="start")


def _frame(x: float, y: float, width: float, height: float, name: str) -> Rect:
    return Rect(x, y, width, height, stroke=VERMILLION, line=2.5, dashes=True, css=f"wrong wrong-{name}")


def _problems(step: Step) -> list[str]:
    functions = {"linear_scores": {"scores"}, "softmax": {"p"}} | {
        f"{name}_loss": {f"{name}-loss", f"{name}-mean"} for name in ("hinge", "softmax")
    }
    wrong = [f"Your {name} is not right (dashed)." for name, numbers in functions.items() if numbers & step.wrong]
    return [*step.problems, *wrong]


def _number(value: float) -> str:
    """With two decimals; 0.00 is exactly 0."""
    text = f"{value:.1g}" if 0 < abs(value) < 0.005 else f"{value:.3g}" if abs(value) >= 1000 else f"{value:.2f}"
    return text.replace("-", "−")


def _short(values: Array | None, c: int) -> str:
    return "?" if values is None else _number(float(values[c]))


def _pair(vector: tuple[float, float]) -> str:
    return f"({vector[0]:.2f}, {vector[1]:.2f})".replace("-", "−")


def _said(step: Step) -> str:
    """The point's numbers in words."""
    losses = [f"{name} loss {_number(value)}" for name, value in step.losses.items() if value is not None]
    scores = [] if step.scores is None else [f"scores {', '.join(_number(float(s)) for s in step.scores)}"]
    chances = [] if step.p is None else [f"probabilities {', '.join(f'{p:.3f}' for p in step.p)}"]
    return "; ".join([*scores, *chances, *losses])


def label(step: Step) -> str:
    """The state in words, for whoever does not see the picture."""
    means = [f"{name} {_number(value)}" for name, value in step.means.items() if value is not None]
    weights = ", ".join(f"w{c} = {_pair(w)}" for c, w in enumerate(step.state.w))
    text = f"A point of class {step.state.label} at {_pair(step.state.x)}: {_said(step) or 'nothing known'}. {weights}."
    if means and step.accuracy is not None:
        text += f" Mean losses of 30 dots: {', '.join(means)}; {step.accuracy:.0%} of them lie where their class wins."
    return " ".join([text, *_problems(step)])
