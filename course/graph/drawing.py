"""A computational graph as a picture: inputs on the left, the output on the right.

Values stand above the wires, in blue; gradients below them, in vermilion and italics. Where a wire branches, the
node shows the sum of its gradients and each branch, before its gate, the share that came along it.
"""

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Circle, PathPatch
from matplotlib.path import Path
from matplotlib.textpath import TextPath

if TYPE_CHECKING:
    from course.graph.expression import ComputationalGraph, Node

__all__ = ["draw"]

VALUE, GRADIENT = "#0072B2", "#D55E00"  # Okabe and Ito's blue and vermilion
_INK, _PAPER = "#222222", "#F4F4F4"
_COLUMN, _ROW, _RADIUS, _BEND = 1.45, 0.92, 0.27, 0.3  # inches
_FONT = 15


def draw(graph: "ComputationalGraph", *, values: int | None = None, gradients: int | None = None) -> Figure:
    """Draw the graph with what is known of its values and gradients.

    Args:
        graph: before or after `forward` and `backward`.
        values: show only so many values, in the order in which `forward` finds them; None shows all.
        gradients: show only so many gradients, in the order in which `backward` finds them, from the output.

    Returns:
        A figure outside pyplot: Jupyter shows it, `figure.savefig("graph.svg")` keeps it.
    """
    consumers: dict[Node, list[tuple[Node, int]]] = {node: [] for node in graph.nodes}
    for node in graph.nodes:
        for i, before in enumerate(node.inputs):
            consumers[before].append((node, i))
    # where wires branch, each needs a level end, as long as the share that comes along it
    branches = [(after, i) for afters in consumers.values() if len(afters) > 1 for after, i in afters]
    shares = [after.input_gradients[i] for after, i in branches if after.input_gradients]
    longest = max((_length(share, _FONT - 3) for share in shares if share is not None), default=0.0)
    run = max(0.5, longest + 0.15) if branches else 0.0
    shown = set(graph.nodes[:values])
    backwards = graph.nodes[::-1]
    sent = set(backwards if gradients is None else backwards[:gradients])
    # wide enough for what will be shown in the end: a wire bends beyond its numbers
    numbers = [x for node in graph.nodes for x in (node.value, node.gradient) if x is not None]
    column = max(_COLUMN, 2 * _RADIUS + _BEND + 0.15 + max(map(_length, numbers), default=0))
    place = {node: (n * (column + run), row * _ROW) for node, (n, row) in _layout(graph).items()}

    right, top = np.max(list(place.values()), axis=0)
    width, height = right + column + 0.35, top + 1.6
    figure = Figure(figsize=(width, height), dpi=100)
    axes = figure.add_axes((0, 0, 1, 1), xlim=(-0.35, width - 0.35), ylim=(-1.1, height - 1.1), aspect="equal")
    axes.axis("off")
    for node in graph.nodes:
        x, y = place[node]
        _node(axes, x, y, node)
        if node in shown and node.value is not None:
            _number(axes, x + _RADIUS + 0.08, y + 0.05, node.value, color=VALUE, va="bottom")
        if node in sent and node.gradient is not None:
            _number(axes, x + _RADIUS + 0.08, y - 0.06, node.gradient, style="italic", va="top")
        if not consumers[node]:
            axes.plot([x, x + column - _RADIUS], [y, y], color=_INK, linewidth=1.3, zorder=1)
        for after, i in consumers[node]:
            gate_x, gate_y = place[after]
            entry = gate_y + _entry([place[before][1] for before in after.inputs], i)
            axes.add_patch(_wire((x, y), (gate_x, entry), run))
            share = after.input_gradients[i] if after in sent and after.input_gradients else None
            if len(consumers[node]) > 1 and share is not None:
                at = gate_x - _RADIUS - run / 2
                _number(axes, at, entry, share, size=_FONT - 3, style="italic", ha="center", va="center", on_wire=True)
    _legend(axes)
    return figure


def _node(axes: Any, x: float, y: float, node: "Node") -> None:
    if node.gate is None:
        axes.text(x + _RADIUS - 0.08, y, node.name, ha="right", va="center", fontsize=_FONT + 2, color=_INK)
        return
    symbol = node.gate.symbol
    axes.add_patch(Circle((x, y), _RADIUS, facecolor=_PAPER, edgecolor=_INK, linewidth=1.5, zorder=3))
    size = _FONT + 5 if len(symbol) == 1 else _FONT + 1 if len(symbol) == 2 else _FONT - 1 if len(symbol) == 3 else 0
    size = size or max(6, 56 // len(symbol))
    axes.text(x, y, symbol, ha="center", va="center", fontsize=size, color=_INK, zorder=4)
    axes.text(x, y + _RADIUS + 0.05, node.name, ha="center", va="bottom", fontsize=_FONT - 1, color=_INK)


def _layout(graph: "ComputationalGraph") -> "dict[Node, tuple[float, float]]":
    """Give each node its column (the longest way from an input) and row (the middle of its inputs)."""
    column: dict[Node, int] = {}
    row: dict[Node, float] = {}
    leaves = 0
    for node in graph.nodes:
        if node.inputs:
            column[node] = 1 + max(column[before] for before in node.inputs)
            row[node] = float(np.mean([row[before] for before in node.inputs]))
        else:
            column[node], row[node] = 0, -float(leaves)  # depth first: a subtree's leaves stay together
            leaves += 1
    for c in range(1, max(column.values()) + 1):
        # two gates on the same inputs would hide each other: push the lower one down
        here = sorted((node for node in graph.nodes if column[node] == c), key=lambda node: -row[node])
        for above, below in pairwise(here):
            row[below] = min(row[below], row[above] - 1)
    lowest = min(row.values())
    return {node: (column[node], row[node] - lowest) for node in graph.nodes}


def _entry(heights: list[float], i: int) -> float:
    """Give the height, above a gate's middle, at which its input i arrives: in the order of the inputs' rows."""
    if len(heights) == 1:
        return 0.0
    rank = sorted(range(len(heights)), key=lambda k: (heights[k], -k)).index(i)
    return _RADIUS * (1.1 * rank / (len(heights) - 1) - 0.55)


def _wire(start: tuple[float, float], gate: tuple[float, float], run: float) -> PathPatch:
    """Run level, so that numbers have a line to stand on, bend, and run level for `run` before the gate."""
    (x, y), (u, v) = start, gate
    bent = u - _RADIUS - run
    bend, middle = bent - _BEND, bent - _BEND / 2
    points = [(x + _RADIUS, y), (bend, y), (middle, y), (middle, v), (bent, v), (u, v)]
    codes = [Path.MOVETO, Path.LINETO, Path.CURVE4, Path.CURVE4, Path.CURVE4, Path.LINETO]
    return PathPatch(Path(points, codes), facecolor="none", edgecolor=_INK, linewidth=1.3, zorder=1)


def _number(
    axes: Any,
    x: float,
    y: float,
    value: Any,
    *,
    color: str = GRADIENT,
    size: int = _FONT,
    on_wire: bool = False,
    **font: str,
) -> None:
    box = {"facecolor": "white", "edgecolor": "none", "pad": 1.5} if on_wire else None
    axes.text(x, y, _short(value), color=color, fontsize=size, bbox=box, zorder=2, **font)


def _length(value: Any, size: int = _FONT) -> float:
    """The inches that a number takes on its wire."""
    return float(TextPath((0, 0), _short(value), size=size).get_extents().width) / 72


def _short(value: Any) -> str:
    """Write a number as on the slides, with two decimals; of an array write the shape."""
    if np.ndim(value):
        return "×".join(map(str, np.shape(value)))
    if not np.isfinite(value):
        return f"{value:g}".replace("inf", "∞").replace("-", "−")
    if value == round(value) and abs(value) < 1e5:
        text = f"{value:.0f}"
    else:
        text = f"{value:.2f}" if 0.005 <= abs(value) < 1e4 else f"{value:.1e}"
    return text.replace("-0", "0").replace("-", "−") if float(text) == 0 else text.replace("-", "−")


def _legend(axes: Any) -> None:
    axes.plot([-0.25, 1.15], [-0.72, -0.72], color=_INK, linewidth=1.3)
    axes.text(-0.25, -0.68, "value", color=VALUE, fontsize=_FONT - 2, va="bottom")
    axes.text(-0.25, -0.77, "gradient", color=GRADIENT, fontsize=_FONT - 2, va="top", style="italic")
