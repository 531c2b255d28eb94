"""Step through a graph: values forwards in blue, gradients backwards in vermilion, by the student's own classes.

    from course.demos import backpropagation
    backpropagation.demo(ComputationalGraph)

The steps are plain data (`backpropagation_steps`), `draw` makes a picture of one, `demo` binds both to widgets.
"""

import textwrap
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from course.graph.drawing import _layout
from course.graph.drawing import _short as two_decimals
from course.graph.drawing import draw as draw_graph
from course.graph.expression import Node
from course.plots.figure import BLUE, GREY, INK, VERMILLION

from .backpropagation_steps import GRAPHS, Answer, State, Step, ask, compute, values_of
from .formula import Spec, parse
from .scene import Item, Line, Rect, Scene, Text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from .live import Live

__all__ = ["State", "ask", "compute", "demo", "draw", "figure"]

WIDTH, HEIGHT = 900, 470
LEFT, TOP, DEPTH = 36, 58, 264  # the first column; the first row; the height of all rows
LINE, WORDS = 22, HEIGHT - 92  # of the explanation


def figure(formula: str, values: str = "", *, forwards: bool = True, backwards: bool = False) -> "Figure":
    """Draw a formula's graph, still: the inputs' values, and on demand those of all wires and their gradients.

    >>> fig = figure("q = x + y; f = q * z", "x = -2, y = 5, z = -4")
    """
    read = parse(formula)
    graph = read.build()
    inputs = values_of(values, read.inputs)
    for node in graph.nodes:
        if node.name in inputs:
            node.value = inputs[node.name]
    if forwards:
        graph.forward(inputs)
    if backwards:
        graph.backward()
    for node in graph.nodes:
        node.name = node.name if node.name in read.given else ""
    return draw_graph(graph)


def draw(step: Step) -> Scene:
    """Draw one step: the graph, what is known of its values and gradients, and what the gate at work does."""
    data = {"demo": "backpropagation", "step": str(step.at), "steps": str(step.steps), "active": step.active}
    if step.right is None:
        lines = textwrap.wrap(f"This formula cannot be drawn: {step.problem}.", 96)
        rows = [Text(16, 60 + 26 * n, line, 16, VERMILLION, "start") for n, line in enumerate(lines)]
        return Scene(WIDTH, HEIGHT, " ".join(lines), tuple(rows), data)
    words, problem = _words(step), _problem(step)
    places = _places(step)
    items = (*_wires(step, places), *_gates(step, places), *_numbers(step, places), *_legend(step, words, problem))
    return Scene(WIDTH, HEIGHT, " ".join([_heading(step), *words, problem, _known(step)]), items, data)


def demo(graph: Callable[[list[Spec]], Any]) -> "Live":
    """Step through a graph; every number is that of your own class.

    Args:
        graph: your ComputationalGraph, with `forward(inputs)`, `backward()` and `values`.

    Returns:
        the demo, which shows itself as the last value of a cell.
    """
    import ipywidgets as widgets  # late: whoever draws a step needs no widgets

    from .live import Live

    first = next(iter(GRAPHS))
    name = widgets.ToggleButtons(options=list(GRAPHS), value=first, description="graph")
    formula = widgets.Text(value=GRAPHS[first][0], description="formula", continuous_update=False)
    values = widgets.Text(value=GRAPHS[first][1], description="values", continuous_update=False)
    step = widgets.IntSlider(value=4, min=0, max=5, description="step")
    formula.layout.width, values.layout.width, step.layout.width = "440px", "440px", "100%"

    asked: dict[tuple[str, str], Answer] = {}
    shown = [first]

    def show() -> Scene:
        if name.value != shown[0]:
            shown[0] = name.value
            formula.value, values.value = GRAPHS[name.value]
            step.value = 0
        settings = (formula.value, values.value)
        if settings not in asked:
            asked[settings] = ask(State(*settings), graph)
        step.max = max(compute(State(*settings), Answer()).steps, 1)
        return draw(compute(State(*settings, step.value), asked[settings]))

    return Live("backpropagation", [[name], [formula, values], [step]], show)


Places = dict[Node, tuple[float, float]]


def _places(step: Step) -> Places:
    """Give each node the middle of its box."""
    assert step.right is not None
    grid = _layout(step.right)
    columns, rows = (max(place[i] for place in grid.values()) for i in (0, 1))
    across, down = min(190.0, (WIDTH - LEFT - 84) / max(columns, 1)), min(84.0, DEPTH / max(rows, 1))
    top = TOP + (DEPTH - down * rows) / 2
    return {node: (LEFT + column * across, top + (rows - row) * down) for node, (column, row) in grid.items()}


def _half(node: Node) -> float:
    """Half the width of a node's box."""
    return 16.0 if node.gate is None else max(17.0, 5.5 * len(_symbol(node)) + 5)


def _symbol(node: Node) -> str:
    return "" if node.gate is None else node.gate.symbol


def _wires(step: Step, places: Places) -> Iterator[Item]:
    for node in sorted(places, key=lambda node: node.name == step.active):  # the gate at work on top
        (x, y), at_work = places[node], node.name == step.active
        colour, width = (VERMILLION if step.backwards else BLUE, 3.0) if at_work else (INK, 1.3)
        heights = [places[before][1] for before in node.inputs]
        for i, before in enumerate(node.inputs):
            u, v = places[before]
            entry = y
            if len(heights) == 2:
                second = (heights[i], i) > (heights[1 - i], 1 - i)
                entry = y + (8 if second else -8)
            start, end = u + _half(before), x - _half(node)
            # the wire stands level under its numbers, and bends just before the gate
            level = max(start, end - 22)
            corners = [(start, v), (level, v), (end - 5, entry), (end, entry)]
            for one, other in pairwise(corners):
                yield Line(*one, *other, stroke=colour, line=width, dashes=at_work and step.backwards)
    last = max(places, key=lambda node: places[node][0])
    x, y = places[last]
    yield Line(x + _half(last), y, x + _half(last) + 62, y, line=1.3)


def _gates(step: Step, places: Places) -> Iterator[Item]:
    for node, (x, y) in places.items():
        if node.gate is None:
            yield Text(x + 10, y, node.name, 19, anchor="end")
            continue
        active, half = node.name == step.active, _half(node)
        colour = VERMILLION if step.backwards else BLUE
        yield Rect(x - half, y - 17, 2 * half, 34, "#F4F4F4", colour if active else INK, 3.5 if active else 1.4)
        yield Text(x, y, _symbol(node), 20 if len(_symbol(node)) == 1 else 14)
        yield Text(x, y - 28, node.name, 14, "#555555")


def _numbers(step: Step, places: Places) -> Iterator[Item]:
    values, gradients = step.known()
    for node, (x, y) in places.items():
        left = x + _half(node) + 4
        if node.name in values:
            yield from _one(step, node, left, y - 11, BLUE, "value")
        if node.name in gradients:
            yield from _one(step, node, left, y + 13, VERMILLION, "gradient")


def _one(step: Step, node: Node, x: float, y: float, colour: str, kind: str) -> Iterator[Item]:
    said, right = _said(step, node, kind), float(getattr(node, kind))
    text = _short(said)
    if not _same(said, right):
        yield Rect(x - 3, y - 10, 9.4 * len(text) + 6, 20, stroke=VERMILLION, line=2, dashes=True, css="wrong")
    yield Text(x, y, text, 15, colour, "start", css=kind)


def _said(step: Step, node: Node, kind: str) -> float:
    """The student's number; where there is none at all, the course's."""
    numbers = step.answer.values if kind == "value" else step.answer.gradients
    return numbers.get(node.name, float("nan")) if numbers else float(getattr(node, kind))


def _same(said: float, right: float) -> bool:
    return bool(np.isclose(said, right, rtol=1e-6, atol=1e-9, equal_nan=True))


def _short(value: float) -> str:
    if np.isnan(value):
        return "?"
    return two_decimals(value) if np.isfinite(value) else f"{value:g}".replace("inf", "∞")


def _legend(step: Step, words: list[str], problem: str) -> Iterator[Item]:
    yield Text(16, 18, _heading(step), 15, INK, "start", True, css="heading")
    yield Line(WIDTH - 120, 19, WIDTH - 16, 19)
    yield Text(WIDTH - 116, 9, "value", 14, BLUE, "start")
    yield Text(WIDTH - 116, 30, "gradient", 14, VERMILLION, "start")
    yield Line(16, WORDS - 20, WIDTH - 16, WORDS - 20, GREY)
    for n, text in enumerate(words):
        yield Text(16, WORDS + LINE * n, text, 15, anchor="start", css="words")
    for n, text in enumerate(textwrap.wrap(problem, 108)[:1]):
        yield Text(16, HEIGHT - 14 + LINE * n, text, 15, VERMILLION, "start", css="problem")


def _heading(step: Step) -> str:
    way = "backwards" if step.backwards else "forwards" if step.at else "the inputs"
    return f"Step {step.at} of {step.steps}: {way}"


def _words(step: Step) -> list[str]:
    """What the gate at work does, with numbers: three lines at most."""
    assert step.right is not None and step.formula is not None
    node = next((node for node in step.right.nodes if node.name == step.active), None)
    if node is None and not step.backwards:
        return ["Only the inputs are known. Each step forwards computes one gate."]
    if node is None:
        return [f"The gradient of {step.right.output.name} itself is 1. Now the same way back, gate by gate."]
    ins = ", ".join(f"{before.name} = {_short(before.value)}" for before in node.inputs)
    if not step.backwards:
        return [f"The gate {_symbol(node)} takes {ins} and gives {node.name} = {_short(node.value)}."]
    lines = [f"The gate {_symbol(node)} saw {ins}; from above comes {_short(node.gradient)}. upstream × local:"]
    assert node.gate is not None
    for before, share, local in zip(node.inputs, node.input_gradients, node.gate.backward(1.0), strict=True):
        line = f"to {before.name}:  {_short(node.gradient)} × {_short(float(local))} = {_short(float(share))}"
        branches = sum(names.count(before.name) for _, _, names in step.formula.gates)
        if branches > 1:
            line += f"   (one of {branches} branches: their shares add up to {_short(before.gradient)})"
        lines.append(line)
    return lines


def _problem(step: Step) -> str:
    assert step.right is not None
    if step.answer.problem:
        return step.answer.problem
    wrong = [
        f"the {kind} of {node.name} is {_short(_said(step, node, kind))}, should be {_short(getattr(node, kind))}"
        for kind, names in zip(("value", "gradient"), step.known(), strict=True)
        for node in step.right.nodes
        if node.name in names and not _same(_said(step, node, kind), float(getattr(node, kind)))
    ]
    more = f", and {len(wrong) - 1} more" if len(wrong) > 1 else ""
    return f"Your graph is not right (dashed): {wrong[0]}{more}." if wrong else ""


def _known(step: Step) -> str:
    """All numbers in words, for whoever does not see the picture."""
    assert step.right is not None
    values, gradients = step.known()
    nodes = step.right.nodes
    said = [f"{node.name} = {_short(_said(step, node, 'value'))}" for node in nodes if node.name in values]
    back = [f"{node.name}: {_short(_said(step, node, 'gradient'))}" for node in nodes if node.name in gradients]
    return f"Values: {', '.join(said)}." + (f" Gradients: {', '.join(back)}." if back else "")
