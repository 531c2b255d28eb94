"""Drawings of pooling: windows along a line, a network that squeezes its maps, and what a small shift changes."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from .diagrams import DASHES
from .figure import BLUE, GREEN, GREY, INK, TEXT, TITLE, VERMILLION, drawing, new_figure, write
from .grids import number

__all__ = ["against_shift", "jitter", "line_windows", "walk"]

CURVES = ((INK, ":", "^"), (BLUE, "-", "o"), (VERMILLION, "--", "s"), (GREY, "-.", "D"), (GREEN, (0, (6, 2)), "v"))


def line_windows(x: npt.ArrayLike, dy: npt.ArrayLike, *, field: int, stride: int = 1) -> Figure:
    """Draw windows along one line: every output joined to the cells of its window, a style for each output.

    Args:
        x: (W,), the cells, drawn below.
        dy: (OW,), what comes from above, one number for each window.
        field: F; stride: S.

    >>> fig = line_windows([1, 4, 2, 3], [10, 1, 5], field=2)
    """
    cells, upstream = (np.asarray(a, dtype=float) for a in (x, dy))
    apart, height = 1.8, 2.6
    figure, axes = drawing((-3.2, apart * (len(cells) - 1) + 1.0), (-0.8, height + 0.8), 0.55)
    for j, up in enumerate(upstream):
        at, (colour, dash) = apart * (j * stride + (field - 1) / 2), DASHES[j % len(DASHES)]
        for u in range(field):
            axes.plot(
                [apart * (j * stride + u), at], [0, height], color=colour, linestyle=dash, linewidth=2.4, zorder=1
            )
        _box(axes, at, height, number(up))
    for i, cell in enumerate(cells):
        _box(axes, apart * i, 0, number(cell))
    write(axes, -1.2, height, "dy", size=TITLE, align="right")
    write(axes, -1.2, 0, "x", size=TITLE, align="right")
    return figure


def _box(axes: Axes, x: float, y: float, text: str) -> None:
    axes.add_patch(
        Rectangle((x - 0.55, y - 0.42), 1.1, 0.84, facecolor="white", edgecolor=INK, linewidth=1.2, zorder=2)
    )
    axes.text(x, y, text, fontsize=TITLE, color=INK, ha="center", va="center", zorder=3)


def walk(shapes: Sequence[tuple[int, int, int]], steps: Sequence[str]) -> Figure:
    """Draw the maps of a network as squares that shrink, with what leads from each to the next.

    Args:
        shapes: (channels, height, width) of each stage.
        steps: what stands between them, one fewer; "\\n" begins a new line.

    >>> fig = walk([(3, 8, 8), (4, 4, 4)], ["pool"])
    """
    tallest, gap, left = max(height for _, height, _ in shapes), 1.55, 0.2
    figure, axes = drawing((0, sum(_side(s, tallest) for s in shapes) + gap * len(steps) + 1.0), (-0.85, 2.3), 1.0)
    for n, shape in enumerate(shapes):
        side, sheets = _side(shape, tallest), min(shape[0], 3)
        for sheet in reversed(range(sheets)):  # the front one last
            corner = left + 0.07 * sheet, (1.8 - side) / 2 + 0.07 * sheet
            axes.add_patch(Rectangle(corner, side, side, facecolor="#DDEEF8", edgecolor=INK, linewidth=1.2))
        write(axes, left + side / 2, -0.35 + (1.8 - side) / 2, f"{shape[1]}×{shape[2]}×{shape[0]}")
        left += side
        if n < len(steps):
            axes.annotate(
                "", (left + gap - 0.3, 0.9), (left + 0.3, 0.9), arrowprops={"arrowstyle": "->", "color": INK, "lw": 1.6}
            )
            write(axes, left + gap / 2, 1.4, steps[n])
            left += gap
    return figure


def _side(shape: tuple[int, int, int], tallest: int) -> float:
    return 0.25 + 1.35 * shape[1] / tallest


def jitter(before: Mapping[str, npt.ArrayLike], after: Mapping[str, npt.ArrayLike]) -> Figure:
    """Draw what is seen before and after a shift, and below by how much it changed: ‖after − before‖/‖before‖.

    Args:
        before: by name, a picture or a map (H, W), from 0 up.
        after: the same names.

    >>> fig = jitter({"picture": np.eye(4)}, {"picture": np.eye(4, k=1)})
    """
    figure = new_figure(2.6 * len(before) + 1.2, 7.6)
    panels = figure.subplots(3, len(before), squeeze=False)
    for column, name in enumerate(before):
        one, other = np.asarray(before[name], dtype=float), np.asarray(after[name], dtype=float)
        largest = max(float(one.max()), float(other.max())) or 1.0
        change = float(np.linalg.norm(other - one) / (np.linalg.norm(one) or 1.0))
        for row, shown in enumerate((one, other, np.abs(other - one))):
            axes = panels[row, column]
            axes.imshow(shown, cmap="gray", vmin=0, vmax=largest, interpolation="nearest")
            axes.set_xticks([])
            axes.set_yticks([])
            for spine in axes.spines.values():
                spine.set_color(GREY)
        panels[0, column].set_title(f"{name}\n{one.shape[0]}×{one.shape[1]}", fontsize=TEXT, color=INK)
        panels[2, column].set_xlabel(f"changed by {100 * change:.0f} %", fontsize=TEXT, color=INK)
    for axes, label in zip(panels[:, 0], ("before", "after the shift", "|after − before|"), strict=True):
        axes.set_ylabel(label, fontsize=TEXT, color=INK)
    return figure


def against_shift(curves: Mapping[str, Sequence[float]], *, ylabel: str, title: str = "") -> Figure:
    """Draw measurements at shifts of 0, 1, 2 … pixels, one line each, told apart by dashes and markers too.

    Args:
        curves: up to five, by name, the numbers at each shift, as fractions of 1.
        ylabel: what was measured; title: above all.

    >>> fig = against_shift({"no pooling": [0, 0.9], "max": [0, 0.5]}, ylabel="change")
    """
    figure = new_figure(8, 3.6)
    axes = figure.add_subplot()
    for (name, values), (colour, dash, marker) in zip(curves.items(), CURVES[: len(curves)], strict=True):
        axes.plot(
            range(len(values)), [100 * value for value in values], color=colour, linestyle=dash, marker=marker,
            markersize=8, linewidth=2.2, label=name,
        )  # fmt: skip
    axes.set_xticks(range(max(len(values) for values in curves.values())))
    axes.set_ylim(bottom=0)
    axes.set_xlabel("shift in pixels", fontsize=TEXT)
    axes.set_ylabel(f"{ylabel}, %", fontsize=TEXT)
    axes.tick_params(labelsize=TEXT - 1)
    axes.legend(fontsize=TEXT - 1, frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    axes.set_title(title, fontsize=TITLE, color=INK)
    axes.spines[["top", "right"]].set_visible(False)
    return figure
