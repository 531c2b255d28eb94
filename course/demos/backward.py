"""From a pixel to the outputs that it acts on, by which weight, and back: what the student's own backward pass says.

    from course.demos import backward
    backward.demo(conv2d_backward)

The steps are plain data (`backward_steps`), `draw` makes a picture of one, `demo` binds both to widgets.
"""

import textwrap
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from course.plots.figure import BLUE, GREY, INK, ORANGE, VERMILLION
from course.plots.grids import number

from .backward_steps import FILTERS, SIZE, Answer, State, Step, X, ask, compute
from .scene import Item, Rect, Scene, Text

if TYPE_CHECKING:
    from .live import Live

__all__ = ["State", "ask", "compute", "demo", "draw"]

WIDTH, HEIGHT, TOP = 880, 492, 44  # the upper edge of the cells
PICTURE, FILTER, OUTPUT = 16, 318, 546  # left edges of the three columns
CELL, WEIGHT = 40, 66  # the largest side of a pixel, the side of a weight
LARGEST, ROOM = 66, 318  # the largest side of an output, and the room for all of them
SUM = 392  # the line of the sum
MET, PALE, DIM = "#DDEEF8", "#F4F4F4", "#595959"


def draw(step: Step) -> Scene:
    """Draw one step: the pixel, the weights that it meets, its outputs, and the sum that comes back."""
    items = (*_picture(step), *_filter(step), *_outputs(step), *_words(step))
    row, column = step.pixel
    data = {"demo": "backward", "row": str(row), "column": str(column), "ways": str(len(step.ways))}
    return Scene(WIDTH, HEIGHT, _label(step), items, data)


def demo(conv2d_backward: Callable[..., Any]) -> "Live":
    """Move a pixel, and see which outputs it influences; dx is that of your own function.

    Args:
        conv2d_backward: `dx, dw, db = conv2d_backward(dy, cache)` with the cache (x, w, stride, pad).

    Returns:
        the demo, which shows itself as the last value of a cell.
    """
    import ipywidgets as widgets  # late: whoever draws a step needs no widgets

    from .live import Live

    start = State()
    filter_ = widgets.ToggleButtons(options=list(FILTERS), value=start.filter, description="filter")
    stride = widgets.IntSlider(value=start.stride, min=1, max=3, description="stride")
    pad = widgets.IntSlider(value=start.pad, min=0, max=1, description="pad")
    row = widgets.IntSlider(value=start.row, min=0, max=SIZE - 1, description="row")
    column = widgets.IntSlider(value=start.column, min=0, max=SIZE - 1, description="column")

    asked: dict[State, Answer] = {}  # the student's function may be slow, and the pixel does not change its answer

    def show() -> Scene:
        padding = pad.value
        for slider in (row, column):  # a pixel of the picture has one number, whatever the padding
            if padding > -slider.min:
                slider.max, slider.min = SIZE - 1 + padding, -padding
            else:
                slider.min, slider.max = -padding, SIZE - 1 + padding
        settings = State(filter_.value, stride.value, padding, 0, 0)
        if settings not in asked:
            asked[settings] = ask(settings, conv2d_backward)
        state = State(filter_.value, stride.value, padding, row.value + padding, column.value + padding)
        return draw(compute(state, asked[settings]))

    return Live("backward", [[filter_], [stride, pad], [row, column]], show)


def _picture(step: Step) -> Iterator[Item]:
    pad = step.state.pad
    cells = SIZE + 2 * pad
    side = min(CELL, 270 / cells)
    yield Text(PICTURE, 20, "picture x" + (f", padding {pad}" if pad else ""), anchor="start")
    for i, j in np.ndindex(cells, cells):
        inside = pad <= i < cells - pad and pad <= j < cells - pad
        x, y = PICTURE + j * side, TOP + i * side
        yield Rect(x, y, side, side, "#ffffff", INK if inside else GREY, dashes=not inside)
        value = number(X[i - pad, j - pad]) if inside else "0"
        yield Text(x + side / 2, y + side / 2, value, 16, INK if inside else DIM)
    x, y = (start + (place + pad) * side for start, place in zip((TOP, PICTURE), step.pixel, strict=True))
    yield Rect(y + 2, x + 2, side - 4, side - 4, stroke=ORANGE, line=4.5, css="pixel")


def _filter(step: Step) -> Iterator[Item]:
    met = {(way.u, way.v): way for way in step.ways}
    yield Text(FILTER, 20, "filter: weight, its output", anchor="start")
    for (u, v), weight in np.ndenumerate(step.state.w):
        x, y, way = FILTER + v * WEIGHT, TOP + u * WEIGHT, met.get((u, v))
        yield Rect(x, y, WEIGHT, WEIGHT, MET if way else PALE, INK if way else GREY, 1.5 if way else 1, not way)
        yield Text(x + WEIGHT / 2, y + 22, number(float(weight)), 19 if way else 16, INK if way else DIM)
        if way:
            yield Text(x + WEIGHT / 2, y + 48, f"to {way.i},{way.j}", 14, BLUE, bold=True)


def _outputs(step: Step) -> Iterator[Item]:
    yield Text(OUTPUT, 20, "outputs: dy, its weight", anchor="start")
    if step.dy is None:
        return
    side = min(LARGEST, ROOM / max(step.dy.shape))
    ways = {(way.i, way.j): way for way in step.ways}
    for (i, j), dy in np.ndenumerate(step.dy):
        x, y, way = OUTPUT + j * side, TOP + i * side, ways.get((i, j))
        yield Rect(x, y, side, side, MET if way else PALE, INK if way else GREY, dashes=not way)
        yield Text(x + side / 2, y + 0.33 * side, number(float(dy)), min(19, 0.34 * side), INK if way else DIM)
        if way:
            size = min(14.5, 0.28 * side)
            yield Text(x + side / 2, y + 0.72 * side, f"w{way.u},{way.v}", size, BLUE, bold=True, css="weight")
    for way in step.ways:
        x, y = OUTPUT + way.j * side, TOP + way.i * side
        yield Rect(x + 2, y + 2, side - 4, side - 4, stroke=BLUE, line=3.5, css="touched")


def _words(step: Step) -> Iterator[Item]:
    problem = step.answer.problem
    if step.dy is None:
        problem = f"The window does not fit: {step.misfit}."
    else:
        row, column = step.pixel
        count = len(step.ways)
        outputs = "no output" if count == 0 else "one output" if count == 1 else f"{count} outputs"
        where = ", in the padding," if step.is_padding else ""
        yield Text(
            PICTURE,
            SUM,
            f"Pixel ({number(row)}, {number(column)}){where} acts on {outputs}. dy times weight:",
            anchor="start",
        )
        for n, text in enumerate(_sum(step)):
            yield Text(PICTURE, SUM + 26 * (n + 1), text, 16, BLUE, "start", True, css="sum")
    if step.said is not None:
        same = bool(np.isclose(step.said, step.total, rtol=1e-6, atol=1e-9))
        verdict = "✓ the same" if same else "✗ not the sum"
        colour = INK if same else VERMILLION
        yield Text(OUTPUT, SUM, "your conv2d_backward says", anchor="start")
        yield Text(OUTPUT + 218, SUM, _value(step.said), 17, BLUE, "start", True, css="answer")
        yield Text(OUTPUT + 218, SUM + 26, verdict, 15, colour, "start", css="verdict")
    elif step.dy is not None and step.is_padding:
        yield Text(OUTPUT, SUM, "cut off: padding learns nothing", anchor="start", css="verdict")
    for n, text in enumerate(textwrap.wrap(problem, 100)[:2]):
        yield Text(PICTURE, HEIGHT - 34 + 22 * n, text, 15, VERMILLION, "start", css="problem")


def _sum(step: Step) -> list[str]:
    """What comes back, term by term; nine terms take two lines."""
    terms = [f"{number(way.dy)}·{number(way.weight)}" for way in step.ways] or ["0"]
    text = " + ".join(term if not term.startswith("−") else f"({term})" for term in terms)
    return textwrap.wrap(f"{text} = {number(step.total)}", 66)


def _value(value: float) -> str:
    return number(value) if np.isfinite(value) else str(value)


def _label(step: Step) -> str:
    """The state in words, for whoever does not see the picture."""
    if step.dy is None:
        return f"The window does not fit: {step.misfit}."
    row, column = step.pixel
    ways = "; ".join(f"({way.i}, {way.j}) by weight ({way.u}, {way.v})" for way in step.ways)
    said = step.answer.problem
    if step.said is not None:
        same = np.isclose(step.said, step.total, rtol=1e-6, atol=1e-9)
        said = f"Your conv2d_backward says {_value(step.said)}, {'the same' if same else 'which is not the sum'}."
    place = " of the padding" if step.is_padding else ""
    acts = f"acts on {len(step.ways)} of {step.dy.size} outputs" + (f": {ways}" if ways else "")
    back = f"What comes back sums to {number(step.total)}."
    return f"Pixel ({number(row)}, {number(column)}){place} {acts}. {back} {said}".strip()
