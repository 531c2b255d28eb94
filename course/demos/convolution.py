"""The sliding window: every product, their sum, and what the student's own `conv2d` says about it.

    from course.demos import convolution
    convolution.demo(conv2d)

The steps are plain data (`convolution_steps`), `draw` makes a picture of one, `demo` binds both to widgets.
"""

import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from course.plots.figure import BLUE, GREY, INK, VERMILLION
from course.plots.grids import number, shade

from .convolution_steps import KERNELS, PICTURES, Answer, Array, Conv2d, State, Step, ask, compute
from .scene import Item, Rect, Scene, Text

if TYPE_CHECKING:
    from .live import Live

__all__ = ["State", "ask", "compute", "demo", "draw"]

WIDTH, HEIGHT, TOP, SUMS = 880, 472, 40, 388  # the upper edge of the cells, the line of the sums
INPUT, KERNEL, OUTPUT = 16, 366, 590  # left edges of the three columns
CELL, PRODUCT = 34, 58  # sides of a cell of the kernel and of a product
LARGE = 46  # the largest side of other cells


def draw(step: Step) -> Scene:
    """Draw one step: the input with its window, the kernel, the products and their sum, the output so far."""
    label = _label(step)
    items = (*_input(step), *_kernel(step), *_products(step), *_output(step), *_words(step))
    row, column = step.place if step.windows else (-1, -1)
    data = {"demo": "convolution", "windows": str(step.windows), "row": str(row), "column": str(column)}
    return Scene(WIDTH, HEIGHT, label, items, data)


def demo(conv2d: Conv2d) -> "Live":
    """Slide the window over a picture; the output is that of your own function.

    Args:
        conv2d: `y = conv2d(x, w, b, *, stride, pad)`, or one that returns y and a cache.

    Returns:
        the demo, which shows itself as the last value of a cell.
    """
    import ipywidgets as widgets  # late: whoever draws a step needs no widgets

    from .live import Live, set_steps

    start = State()
    picture = widgets.ToggleButtons(options=list(PICTURES), value=start.picture, description="picture")
    kernel = widgets.ToggleButtons(options=list(KERNELS), value=start.kernel, description="kernel")
    turned = widgets.ToggleButtons(options=[("as it is", False), ("turned by 180°", True)], description="used")
    stride = widgets.IntSlider(value=start.stride, min=1, max=3, description="stride")
    pad = widgets.IntSlider(value=start.pad, min=0, max=2, description="pad")
    window = widgets.IntSlider(value=start.window, min=0, max=8, description="window")
    window.layout.width = "100%"

    asked: dict[State, Answer] = {}  # the student's function may be slow, and the window does not change its answer

    def show() -> Scene:
        settings = State(picture.value, kernel.value, turned.value, stride.value, pad.value)
        if settings not in asked:
            asked[settings] = ask(settings, conv2d)
        set_steps(window, compute(settings, asked[settings]).windows)
        state = State(picture.value, kernel.value, turned.value, stride.value, pad.value, window.value)
        return draw(compute(state, asked[settings]))

    return Live("convolution", [[picture], [kernel, turned], [stride, pad], [window]], show)


def _input(step: Step) -> Iterator[Item]:
    rows, columns = step.padded.shape
    side = min(LARGE, 330 / columns, 330 / rows)
    pad, stride = step.state.pad, step.state.stride
    yield Text(INPUT, 20, "input" + (f" with {pad} of padding" if pad else ""), anchor="start")
    for (i, j), value in np.ndenumerate(step.padded):
        inside = pad <= i < rows - pad and pad <= j < columns - pad
        yield from _cell(INPUT + j * side, TOP + i * side, side, value, step.padded, padding=not inside)
    if step.windows:
        row, column = step.place
        x, y = INPUT + column * stride * side, TOP + row * stride * side
        fh, fw = step.state.w.shape
        yield Rect(x, y, fw * side, fh * side, stroke=BLUE, line=4, css="window")


def _kernel(step: Step) -> Iterator[Item]:
    yield Text(KERNEL, 20, "kernel" + (", turned" if step.state.turned else ""), anchor="start")
    for (i, j), value in np.ndenumerate(step.state.w):
        yield from _cell(KERNEL + j * CELL, TOP + i * CELL, CELL, value, step.state.w)


def _products(step: Step) -> Iterator[Item]:
    top = TOP + 3 * CELL + 50
    if step.products is None:
        return
    row, column = step.place
    products, stride = step.products[row, column], step.state.stride
    yield Text(KERNEL, top - 20, "input × kernel = product", anchor="start")
    for (u, v), product in np.ndenumerate(products):
        x, y = KERNEL + v * PRODUCT, top + u * PRODUCT
        met = float(step.padded[row * stride + u, column * stride + v])
        yield Rect(x, y, PRODUCT, PRODUCT, stroke=BLUE, line=1.5)
        yield Text(x + PRODUCT / 2, y + 15, f"{number(met)}×{number(float(step.state.w[u, v]))}", 13, "#555555")
        yield Text(x + PRODUCT / 2, y + 39, number(product), 19, css="product")


def _output(step: Step) -> Iterator[Item]:
    yield Text(OUTPUT, 20, "output of your conv2d, so far", anchor="start")
    if step.sums is None:
        return
    rows, columns = step.sums.shape
    side = min(LARGE, 274 / columns, 330 / rows)
    last = step.place[0] * columns + step.place[1]
    for n, (i, j) in enumerate(np.ndindex(rows, columns)):
        x, y = OUTPUT + j * side, TOP + i * side
        if step.answer.y is not None and n <= last:
            said = float(step.answer.y[i, j])
            yield from _cell(x, y, side, said, step.sums)
            if not _same(said, float(step.sums[i, j])):
                yield Rect(x + 2.5, y + 2.5, side - 5, side - 5, stroke=VERMILLION, line=2.5, dashes=True, css="wrong")
        else:
            yield Rect(x, y, side, side, stroke=GREY, dashes=True)
    row, column = step.place
    yield Rect(OUTPUT + column * side, TOP + row * side, side, side, stroke=BLUE, line=4)


def _words(step: Step) -> Iterator[Item]:
    problem = _wrong(step)
    if step.sums is None:
        problem = f"The window does not fit. {step.misfit}. {problem}"
    else:
        for n, text in enumerate(_arithmetic(step)):
            yield Text(INPUT, SUMS + 24 * n, text, anchor="start", css="size")
        yield Text(KERNEL, SUMS, "sum of the products", anchor="start")
        yield Text(KERNEL + 165, SUMS, _value(step.sums[step.place]), 19, BLUE, "start", True, css="sum")
    if step.sums is not None and step.answer.y is not None:
        answer, right = step.answer.y[step.place], step.sums[step.place]
        yield Text(OUTPUT, SUMS, "your conv2d says", anchor="start")
        yield Text(OUTPUT + 142, SUMS, _value(answer), 19, BLUE, "start", True, css="answer")
        verdict = "✓ the same" if _same(answer, right) else "✗ not the sum of the products"
        yield Text(OUTPUT, SUMS + 24, verdict, anchor="start", css="verdict")
    for n, text in enumerate(textwrap.wrap(problem, 104)[:2]):
        yield Text(INPUT, HEIGHT - 36 + 22 * n, text, 15, VERMILLION, "start", css="problem")


def _cell(x: float, y: float, side: float, value: float, among: Array, *, padding: bool = False) -> Iterator[Item]:
    """A cell with its number, shaded by how large it is among others."""
    largest = float(np.abs(among).max()) or 1.0
    yield Rect(x, y, side, side, shade(value / largest), GREY if padding else INK, dashes=padding)
    text = _value(value)
    size = min(17.0, 0.5 * side, 1.35 * side / max(len(text), 1))
    yield Text(x + side / 2, y + side / 2, text, size, "#555555" if padding else INK)


def _value(value: float) -> str:
    return number(value) if np.isfinite(value) else str(value)


def _same(one: float, other: float) -> bool:
    return bool(np.isclose(one, other, rtol=1e-6, atol=1e-9))


def _arithmetic(step: Step) -> list[str]:
    """How large the output is and why, as in the lectures; one line if height and width agree."""
    state = step.state
    pad = f" + 2·{state.pad}" if state.pad else ""
    sizes = [
        f"({n}{pad} − {f})/{state.stride} + 1 = {o}"
        for n, f, o in zip(state.x.shape, state.w.shape, state.sizes(), strict=True)
    ]
    return [f"OH = OW = {sizes[0]}"] if sizes[0] == sizes[1] else [f"OH = {sizes[0]}", f"OW = {sizes[1]}"]


def _wrong(step: Step) -> str:
    """What is wrong with the student's answers up to this window; "" if nothing is."""
    if step.answer.y is None or step.sums is None:
        return step.answer.problem
    so_far = step.place[0] * step.sums.shape[1] + step.place[1] + 1
    wrong = ~np.isclose(step.answer.y, step.sums, rtol=1e-6, atol=1e-9).ravel()[:so_far]
    return f"{wrong.sum()} of {so_far} so far are not the sum of their products (dashed)." if wrong.any() else ""


def _label(step: Step) -> str:
    """The state in words, for whoever does not see the picture."""
    if step.sums is None:
        return f"The window does not fit: {step.misfit}. {step.answer.problem}"
    row, column = step.place
    said = step.answer.problem
    if step.answer.y is not None:
        same = _same(step.answer.y[row, column], step.sums[row, column])
        said = (
            f"Your conv2d says {_value(step.answer.y[row, column])}, {'the same' if same else 'which is not the sum'}."
        )
    return (
        f"Window {row * step.sums.shape[1] + column + 1} of {step.windows}, row {row}, column {column}: the products "
        f"sum to {_value(step.sums[row, column])}. {said} {', '.join(_arithmetic(step))}."
    )
