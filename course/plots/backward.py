"""Drawings of the way back: who sends to whom along a line, pixels with names, and times against sizes."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from .diagrams import DASHES
from .figure import BLUE, GREY, INK, TEXT, TITLE, VERMILLION, drawing, new_figure, write
from .grids import number

__all__ = ["line_layer", "named", "times"]

Window = tuple[int, int, int, int]  # first row, first column, rows, columns

CURVES = ((VERMILLION, "--", "s"), (BLUE, "-", "o"), (INK, ":", "^"))
SHADE = "#DDEEF8"
GAP = 1.4  # in cells, between neighbours: room for a sign


def line_layer(x: npt.ArrayLike, w: npt.ArrayLike, dy: npt.ArrayLike) -> Figure:
    """Draw a convolution along one line: every output joined to the cells of its window, a style for each weight.

    Args:
        x: (W,), the cells, drawn below.
        w: (F,), the filter; its weights are named in a legend.
        dy: (W − F + 1,), what comes from above.

    >>> fig = line_layer([1, 3, -1, 2, 4], [2, 1, -1], [1, -2, 3])
    """
    cells, weights, upstream = (np.asarray(a, dtype=float) for a in (x, w, dy))
    apart, height, field = 2.0, 3.0, len(weights)
    wide = apart * (len(cells) - 1)
    figure, axes = drawing((-1.9, wide + 4.4), (-1.6, height + 1.6), 0.5)
    for j, up in enumerate(upstream):
        at = apart * (j + (field - 1) / 2)
        for u in range(field):
            colour, dash = DASHES[u % len(DASHES)]
            axes.plot([apart * (j + u), at], [0, height], color=colour, linestyle=dash, linewidth=2.4, zorder=1)
        _box(axes, at, height, number(up))
        write(axes, at, height + 0.85, f"dy{_index(j)}", size=TITLE)
    for i, cell in enumerate(cells):
        _box(axes, apart * i, 0, number(cell))
        write(axes, apart * i, -0.85, f"x{_index(i)}", size=TITLE)
    for u, weight in enumerate(weights):
        colour, dash = DASHES[u % len(DASHES)]
        y = height - 0.4 - 0.85 * u
        axes.plot([wide + 1.2, wide + 2.2], [y, y], color=colour, linestyle=dash, linewidth=2.4)
        write(axes, wide + 2.4, y, f"w{_index(u)} = {number(weight)}", size=TITLE, align="left")
    return figure


def named(
    *parts: npt.ArrayLike | str, titles: Sequence[str] = (), windows: Mapping[int, Window] | None = None
) -> Figure:
    """Draw matrices of names, and signs between them: `named(pixels, "→", cols)`.

    Args:
        parts: matrices (H, W) of short texts, "" for a cell that stays empty, and texts to stand between them.
        titles: above the matrices, in their order.
        windows: by the number of the matrix, a window (first row, first column, rows, columns) to outline.

    >>> fig = named([["a", "b"], ["c", ""]], "→", [["a"], ["b"]], titles=["x", "cols"], windows={0: (0, 0, 1, 2)})
    """
    arrays = [np.atleast_2d(np.asarray(part, dtype=str)) for part in parts if not isinstance(part, str)]
    titles = [*titles, *[""] * (len(arrays) - len(titles))]
    rooms = [max(a.shape[1], 0.24 * len(title)) for a, title in zip(arrays, titles, strict=True)]
    tallest, wide = max(a.shape[0] for a in arrays), sum(rooms) + GAP * (len(arrays) - 1)
    figure, axes = drawing((-0.3, wide + 0.3), (tallest + 0.2, -0.9), 0.48)
    left, count = 0.0, 0
    for part in parts:
        if isinstance(part, str):
            write(axes, left - GAP / 2, tallest / 2, part, size=24)
            continue
        array, room = arrays[count], rooms[count]
        corner = left + (room - array.shape[1]) / 2, (tallest - array.shape[0]) / 2
        for (i, j), name in np.ndenumerate(array):
            place = corner[0] + j, corner[1] + i
            axes.add_patch(Rectangle(place, 1, 1, facecolor="none", edgecolor=INK, linewidth=0.9))
            write(axes, place[0] + 0.5, place[1] + 0.52, str(name), size=TITLE + 2)
        write(axes, left + room / 2, corner[1] - 0.45, titles[count], size=TITLE)
        if windows and count in windows:
            row, column, rows, columns = windows[count]
            at = corner[0] + column, corner[1] + row
            axes.add_patch(Rectangle(at, columns, rows, facecolor=SHADE, edgecolor="none", zorder=0.5))
            axes.add_patch(Rectangle(at, columns, rows, fill=False, edgecolor=BLUE, linewidth=3.5, zorder=3))
        left, count = left + room + GAP, count + 1
    return figure


def times(sizes: Sequence[int], seconds: Mapping[str, Sequence[float]]) -> Figure:
    """Draw how long something takes against its size, both axes logarithmic; a row that is shorter ends early.

    Args:
        sizes: along the axis, ascending.
        seconds: up to three rows of times by name, for the first of the sizes.

    >>> fig = times([8, 16, 32], {"loops": [0.01, 0.04], "matrices": [0.0002, 0.0004, 0.001]})
    """
    figure = new_figure(8.6, 3.8)
    axes = figure.add_subplot()
    for (name, row), (colour, dash, marker) in zip(seconds.items(), CURVES, strict=False):
        milliseconds = 1000 * np.asarray(row, dtype=float)
        axes.plot(sizes[: len(row)], milliseconds, dash, color=colour, marker=marker, markersize=7, lw=2.2, label=name)
        if len(row):  # the last point tells its number
            last = float(milliseconds[-1])
            text = f"{last:.0f} ms" if last >= 10 else f"{last:.1f} ms"
            axes.text(1.06 * sizes[len(row) - 1], last, text, va="center", fontsize=TEXT - 1, color=colour)
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    if not any(map(len, seconds.values())):
        axes.set_ylim(0.1, 1000)  # of nothing a logarithmic axis has no limits
    axes.set_xlim(sizes[0] / 1.15, sizes[-1] * 1.8)
    axes.set_xticks(sizes, [f"{size}×{size}" for size in sizes], fontsize=TEXT - 1)
    axes.minorticks_off()
    axes.yaxis.set_major_formatter("{x:g}")
    axes.margins(y=0.2)
    axes.tick_params(axis="y", labelsize=TEXT - 1)
    axes.set_xlabel("size of the picture", fontsize=TEXT)
    axes.set_ylabel("milliseconds", fontsize=TEXT)
    axes.grid(color=GREY, alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    if seconds:
        axes.legend(fontsize=TEXT - 1, frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    return figure


def _box(axes: Axes, x: float, y: float, text: str) -> None:
    axes.add_patch(Rectangle((x - 0.5, y - 0.45), 1, 0.9, facecolor="white", edgecolor=INK, linewidth=1.4, zorder=2))
    axes.text(x, y, text, fontsize=TITLE + 1, color=INK, ha="center", va="center", zorder=3)


def _index(i: int) -> str:
    return "".join("₀₁₂₃₄₅₆₇₈₉"[int(digit)] for digit in str(i))
