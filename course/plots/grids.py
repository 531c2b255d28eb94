"""Matrices drawn as cells with their numbers, in a row like an equation."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from .figure import BLUE, GREY, INK, TEXT, drawing, write

__all__ = ["matrices", "number", "shade"]

Window = tuple[int, int, int, int]  # first row, first column, rows, columns

GAP, SPACE = 1.0, 0.35  # in cells: the room for a sign, and between neighbours
CELL = 0.44  # inches
SIGN = 24  # points


def matrices(
    *parts: npt.ArrayLike | str,
    titles: Sequence[str] = (),
    windows: Mapping[int, Window] | None = None,
    pad: Mapping[int, int] | None = None,
    cell: float = CELL,
) -> Figure:
    """Draw matrices and signs in a row: `matrices(x, "⋆", k, "=", y)`.

    A matrix's cell that holds NaN stays empty, as a question. Each cell is shaded by its number (`shade`).

    Args:
        parts: matrices (H, W), and texts to stand between them.
        titles: above the matrices, in their order.
        windows: by the number of the matrix, a window (first row, first column, rows, columns) to outline.
        pad: by the number of the matrix, how many cells around it are padding, drawn with dashes.
        cell: the side of a cell in inches, at least; a long row needs small cells, a long number makes them larger.

    >>> fig = matrices(np.eye(3), "⋆", np.ones((2, 2)), "=", np.full((2, 2), np.nan), windows={0: (0, 1, 2, 2)})
    """
    arrays = [np.atleast_2d(np.asarray(p, dtype=float)) for p in parts if not isinstance(p, str)]
    longest = max((number(v) for a in arrays for v in a.ravel()), key=len)
    cell = max(cell, _width(longest) + 0.04)
    titles = [*titles, *[""] * (len(arrays) - len(titles))]
    rooms = [max(a.shape[1], _width(t) / cell) for a, t in zip(arrays, titles, strict=True)]
    tallest = max(a.shape[0] for a in arrays)
    wide = sum(rooms) + GAP * (len(parts) - len(arrays)) + SPACE * (len(parts) - 1)
    figure, axes = drawing((-0.2, wide + 0.2), (tallest + 0.2, -0.9 if any(titles) else -0.2), cell)
    left, count = 0.0, 0
    for part in parts:
        if isinstance(part, str):
            write(axes, left + GAP / 2, tallest / 2, part, size=SIGN)
            left += GAP + SPACE
            continue
        array, room = arrays[count], rooms[count]
        corner = left + (room - array.shape[1]) / 2, (tallest - array.shape[0]) / 2
        _cells(axes, array, *corner, (pad or {}).get(count, 0))
        write(axes, left + room / 2, corner[1] - 0.4, titles[count])
        if windows and count in windows:
            _outline(axes, windows[count], *corner)
        left, count = left + room + SPACE, count + 1
    return figure


def _width(text: str) -> float:
    """About how many inches a text takes."""
    return 0.66 * len(text) * TEXT / 72


def number(value: float) -> str:
    """A number as briefly as it can be said, with a real minus sign; nothing for NaN.

    >>> number(-3.0), number(0.25), number(1 / 3), number(-0.0), number(float("nan"))
    ('−3', '.25', '.33', '0', '')
    """
    if np.isnan(value):
        return ""
    value = round(float(value), 2) + 0.0  # and not −0
    text = f"{value:.0f}" if value == round(value) else f"{value:.2f}".rstrip("0")
    if 0 < abs(value) < 1:
        text = text.replace("0.", ".", 1)
    return text.replace("-", "−")


def shade(share: float) -> str:
    """The colour of a cell: the greyer the larger its number is, the more orange the farther it is below 0.

    Args:
        share: the number among the largest in absolute value, from −1 to 1; one that is not finite stays white.

    >>> shade(0.0), shade(1.0), shade(-1.0)     # light enough to read black on it
    ('#ffffff', '#b8b8b8', '#f5cc80')
    """
    strength = min(abs(share), 1.0) if np.isfinite(share) else 0.0
    full = (184, 184, 184) if share > 0 else (245, 204, 128)
    return "#" + "".join(f"{round(255 - strength * (255 - c)):02x}" for c in full)


def _cells(axes: Axes, array: npt.NDArray[Any], left: float, top: float, pad: int) -> None:
    rows, columns = array.shape
    largest = float(np.nanmax(np.abs(array), initial=0.0)) or 1.0
    for (i, j), value in np.ndenumerate(array):
        inside = pad <= i < rows - pad and pad <= j < columns - pad
        edge, dash = (INK, "-") if inside else (GREY, ":")
        corner = left + j, top + i
        axes.add_patch(
            Rectangle(corner, 1, 1, facecolor=shade(value / largest), edgecolor=edge, linewidth=0.9, linestyle=dash)
        )
        write(axes, left + j + 0.5, top + i + 0.52, number(value), colour=INK if inside else "#5A5A5A")


def _outline(axes: Axes, window: Window, left: float, top: float) -> None:
    row, column, rows, columns = window
    axes.add_patch(
        Rectangle((left + column, top + row), columns, rows, fill=False, edgecolor=BLUE, linewidth=3.5, zorder=3)
    )
