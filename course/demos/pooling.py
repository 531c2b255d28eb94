"""A gradient routed back through max and mean pooling, window by window, by the student's own functions.

    from course.demos import pooling
    pooling.demo(max_pool2d, max_pool2d_backward, avg_pool2d, avg_pool2d_backward)

The steps are plain data (`pooling_steps`), `draw` makes a picture of one, `demo` binds both to widgets.
"""

import textwrap
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from course.plots.figure import BLUE, GREY, INK, VERMILLION
from course.plots.grids import number

from .pooling_steps import FIELDS, KINDS, PICTURES, Answer, Array, State, Step, ask, compute
from .scene import Curve, Item, Rect, Scene, Text

if TYPE_CHECKING:
    from .live import Live

__all__ = ["State", "ask", "compute", "demo", "draw"]

WIDTH, HEIGHT, TOP, WORDS = 880, 440, 44, 316  # the upper edge of the cells, the first line of words
INPUT, OUTPUT, BACK = 16, 316, 614  # left edges of the three columns
SIDE = 248  # of the largest column
LARGE = 54  # the largest side of a cell
PALE, DASH = "#DDEEF8", (1.6, 1.2)


def draw(step: Step) -> Scene:
    """Draw one step: the picture with its window, the outputs with their dy, and the gradient that came back so far."""
    items = (*_input(step), *_output(step), *_back(step), *_words(step))
    row, column = step.place if step.windows else (-1, -1)
    data = {"demo": "pooling", "windows": str(step.windows), "row": str(row), "column": str(column)}
    return Scene(WIDTH, HEIGHT, _label(step), items, data)


def demo(
    max_pool2d: Callable[..., Any],
    max_pool2d_backward: Callable[..., Any],
    avg_pool2d: Callable[..., Any],
    avg_pool2d_backward: Callable[..., Any],
) -> "Live":
    """Route a gradient back through your own functions.

    Args:
        max_pool2d: `y, cache = max_pool2d(x, field, *, stride)`; `avg_pool2d` likewise.
        max_pool2d_backward: `dx = max_pool2d_backward(dy, cache)`; `avg_pool2d_backward` likewise.

    Returns:
        the demo, which shows itself as the last value of a cell.
    """
    import ipywidgets as widgets  # late: whoever draws a step needs no widgets

    from .live import Live, set_steps

    functions = {"max": (max_pool2d, max_pool2d_backward), "mean": (avg_pool2d, avg_pool2d_backward)}
    start = State()
    picture = widgets.ToggleButtons(options=list(PICTURES), value=start.picture, description="picture")
    kind = widgets.ToggleButtons(options=list(KINDS), value=start.kind, description="kind")
    field = widgets.ToggleButtons(options=list(FIELDS), value=start.field, description="field")
    stride = widgets.IntSlider(value=start.stride, min=1, max=3, description="stride")
    shift = widgets.IntSlider(value=start.shift, min=0, max=3, description="shift")
    window = widgets.IntSlider(value=start.window, min=0, max=3, description="window")
    window.layout.width = "100%"

    asked: dict[State, Answer] = {}  # the student's functions may be slow, and the window does not change their answer

    def show() -> Scene:
        settings = State(picture.value, kind.value, field.value, stride.value, shift.value)
        if settings not in asked:
            asked[settings] = ask(settings, functions)
        set_steps(window, compute(settings, asked[settings]).windows)
        state = State(picture.value, kind.value, field.value, stride.value, shift.value, window.value)
        return draw(compute(state, asked[settings]))

    return Live("pooling", [[picture], [kind, field], [stride, shift], [window]], show)


def _input(step: Step) -> Iterator[Item]:
    x, state = step.state.x, step.state
    side = _side(x)
    moved = f", moved right by {state.shift}" if state.shift else ""
    yield Text(INPUT, 20, f"x{moved}", anchor="start")
    won = step.receivers if step.windows and state.kind == "max" else []
    for (i, j), value in np.ndenumerate(x):
        yield from _cell(INPUT + j * side, TOP + i * side, side, value, bold=(i, j) in won)
        if (i, j) in won:
            left, top, inner = INPUT + j * side + 5, TOP + i * side + 5, side - 10
            yield Rect(left, top, inner, inner, stroke=VERMILLION, line=2.5, css="winner")
    if step.windows:
        (row, column), (fh, fw), stride = step.place, FIELDS[state.field], state.stride
        at = INPUT + column * stride * side, TOP + row * stride * side
        yield Rect(*at, fw * side, fh * side, stroke=BLUE, line=4, css="window")


def _output(step: Step) -> Iterator[Item]:
    if not step.windows:
        return
    side = _side(step.y)
    said = step.answer.y
    yield Text(OUTPUT, 20, f"your {step.state.kind}, and dy below it", anchor="start")
    for (i, j), value in np.ndenumerate(step.y if said is None else said):
        x, y = OUTPUT + j * side, TOP + i * side
        yield Rect(x, y, side, side, PALE if _same(value, step.y_before[i, j]) and step.state.shift else "#FFFFFF")
        if said is not None:
            text = _value(value)
            yield Text(x + side / 2, y + 0.32 * side, text, _size(text, side), bold=True, css="y")
            if not _same(value, step.y[i, j]):
                yield Rect(x + 3, y + 3, side - 6, side - 6, stroke=VERMILLION, line=2.5, dashes=True, css="wrong")
        sent = number(float(step.dy[i, j]))
        yield Text(x + side / 2, y + 0.74 * side, sent, min(15, 0.36 * side), "#555555", css="dy")
        if step.state.shift and _same(value, step.y_before[i, j]):
            yield Text(x + side - 6.5, y + 8, "=", 12, css="stays")
    row, column = step.place
    yield Rect(OUTPUT + column * side, TOP + row * side, side, side, stroke=BLUE, line=4)


def _back(step: Step) -> Iterator[Item]:
    if not step.windows:
        return
    side, said = _side(step.dx), step.answer.dx
    yield Text(BACK, 20, "dx so far, by your function", anchor="start")
    for (i, j), right in np.ndenumerate(step.dx):
        x, y = BACK + j * side, TOP + i * side
        to = (i, j) in step.receivers
        if said is None:
            yield Rect(x, y, side, side, PALE if to else "none", GREY, dashes=True)
            continue
        value = float(said[step.last, i, j])
        yield from _cell(x, y, side, value, fill=PALE if to else "#FFFFFF", bold=to, css="dx")
        if not _same(value, right):
            yield Rect(x + 3, y + 3, side - 6, side - 6, stroke=VERMILLION, line=2.5, dashes=True, css="wrong")
    (top, left), (fh, fw) = min(step.receivers), FIELDS[step.state.field] if step.state.kind == "mean" else (1, 1)
    spread = step.state.kind == "mean"
    yield Rect(BACK + left * side, TOP + top * side, fw * side, fh * side, stroke=BLUE, line=4, dashes=spread, css="to")
    yield Curve([_way(step, left, top)], BLUE, 2.5, DASH if spread else (), css="route")


def _way(step: Step, left: int, top: int) -> Array:
    """From the output at hand to a corner of its receivers, along the edges of cells: within, it would hide numbers."""
    (row, column), from_, to = step.place, _side(step.y), _side(step.dx)
    leaves, enters = TOP + (row + 1) * from_, TOP + top * to
    edge = OUTPUT + step.y.shape[1] * from_
    return np.array(
        [(OUTPUT + (column + 1) * from_, leaves), (edge, leaves), (BACK, enters), (BACK + left * to, enters)]
    )


def _words(step: Step) -> Iterator[Item]:
    lines = [f"The window does not fit: {step.misfit}."] if not step.windows else _sentences(step)
    for n, text in enumerate(lines):
        yield Text(INPUT, WORDS + 24 * n, text, anchor="start", css="words")
    colour = INK if step.answer.problem.endswith("✓") else VERMILLION
    for n, text in enumerate(textwrap.wrap(_wrong(step), 104)[:2]):
        yield Text(INPUT, HEIGHT - 36 + 22 * n, text, 15, colour, "start", css="problem")


def _sentences(step: Step) -> list[str]:
    """What happens in this step, forwards, backwards, and under the shift."""
    (row, column), (fh, fw), stride = step.place, FIELDS[step.state.field], step.state.stride
    cells = step.state.x[row * stride : row * stride + fh, column * stride : column * stride + fw].ravel()
    dy, y = number(step.dy[step.place]), number(step.y[step.place])
    held = " ".join(number(cell) for cell in cells)
    if step.state.kind == "max":
        ((p, q),) = step.receivers
        equal = int((cells == cells.max()).sum())
        tie = f"; {equal} are equal, the first one wins" if equal > 1 else ""
        said = [f"Forwards: the largest of {held} is {y}{tie}.", f"Backwards: dy = {dy} goes to row {p}, column {q}."]
    else:
        each = number(step.dy[step.place] / cells.size)
        said = [
            f"Forwards: the mean of {held} is {y}.",
            f"Backwards: each of the {cells.size} cells is sent {dy}/{cells.size} = {each}.",
        ]
    if step.state.shift:
        pixels = int((step.state.x == step.state.before).sum())
        kept = int(np.isclose(step.y, step.y_before).sum())
        said.append(
            f"After the shift {pixels} of {step.state.x.size} pixels and {kept} of {step.y.size} outputs are what they "
            "were (=)."
        )
    return said


def _wrong(step: Step) -> str:
    """What is wrong with the student's answers up to this window; "" if nothing is."""
    if not step.windows or step.answer.y is None:
        return step.answer.problem
    outputs = int((~np.isclose(step.answer.y, step.y, rtol=1e-6, atol=1e-9)).sum())
    if outputs:
        return f"{outputs} of {step.y.size} outputs are wrong (dashed). {step.answer.problem}"
    if step.answer.dx is None:
        return step.answer.problem
    cells = int((~np.isclose(step.answer.dx[step.last], step.dx, rtol=1e-6, atol=1e-9)).sum())
    return f"{cells} of {step.dx.size} numbers of dx are wrong so far (dashed)." if cells else ""


def _cell(
    x: float, y: float, side: float, value: float, *, fill: str = "#FFFFFF", bold: bool = False, css: str = ""
) -> Iterator[Item]:
    yield Rect(x, y, side, side, fill, INK)
    text = _value(value)
    yield Text(x + side / 2, y + side / 2, text, _size(text, side), bold=bold, css=css)


def _size(text: str, side: float) -> float:
    """Of a text that stays within its cell, in bold too."""
    return min(17.0, 0.42 * side, 1.3 * side / max(len(text), 1))


def _side(cells: Array) -> float:
    return float(min(LARGE, SIDE / max(cells.shape)))


def _value(value: float) -> str:
    return number(value) if np.isfinite(value) else str(value)


def _same(one: Any, other: Any) -> bool:
    return bool(np.isclose(one, other, rtol=1e-6, atol=1e-9))


def _label(step: Step) -> str:
    """The state in words, for whoever does not see the picture."""
    if not step.windows:
        return f"The window does not fit: {step.misfit}. {step.answer.problem}"
    row, column = step.place
    verdict = _wrong(step) or "Your functions agree."
    return (
        f"Window {step.last + 1} of {step.windows}, row {row}, column {column}. {' '.join(_sentences(step))} {verdict}"
    )
