"""Pictures side by side, and what a filter answers along a text."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from .figure import BLUE, GREY, INK, TEXT, TITLE, VERMILLION, new_figure, write

__all__ = ["pictures", "text_responses"]


def pictures(
    images: Sequence[npt.ArrayLike],
    *,
    titles: Sequence[str] = (),
    signed: bool = False,
    columns: int | None = None,
    width: float = 8.5,
) -> Figure:
    """Draw pictures side by side, without smoothing: one pixel is one square.

    Args:
        images: each (H, W) in grey or (H, W, 3) in colour, in 0…1 or as uint8; any numbers if signed.
        titles: one above each.
        signed: numbers of both signs on one scale for all: orange is negative, blue positive, white is 0.
        columns: how many to a row; all of them if not given.
        width: of the figure, in inches.

    >>> fig = pictures([np.zeros((3, 4)), np.ones((3, 4, 3))], titles=["dark", "bright"])
    """
    arrays = [np.asarray(image) for image in images]
    columns = columns or len(arrays)
    rows = -(-len(arrays) // columns)
    tallest = max(a.shape[0] / a.shape[1] for a in arrays)
    height = rows * (width / columns * tallest + (0.4 if titles else 0.1))
    figure = new_figure(width, height + (0.7 if signed else 0.0))
    scale = _scale(arrays, signed)
    panels = figure.subplots(rows, columns, squeeze=False)
    for n, axes in enumerate(panels.ravel()):
        axes.set_xticks([])
        axes.set_yticks([])
        if n >= len(arrays):
            axes.set_axis_off()
            continue
        shown = axes.imshow(arrays[n], interpolation="nearest", **scale)
        for spine in axes.spines.values():
            spine.set_color(GREY)
        if n < len(titles):
            axes.set_title(titles[n], fontsize=TEXT, color=INK)
    if signed:
        bar = figure.colorbar(shown, ax=panels, location="bottom", fraction=0.05, pad=0.03, aspect=40)
        bar.ax.tick_params(labelsize=TEXT - 1)
        bar.set_label("negative  ←  0  →  positive", fontsize=TEXT - 1)
    return figure


def _scale(arrays: Sequence[npt.NDArray[Any]], signed: bool) -> dict[str, Any]:
    if signed:
        largest = max(float(np.abs(a).max()) for a in arrays) or 1.0
        return {"cmap": "PuOr", "vmin": -largest, "vmax": largest}
    bright = 255 if all(a.dtype == np.uint8 for a in arrays) else 1.0
    return {"cmap": "gray", "vmin": 0, "vmax": bright}


def text_responses(text: str, responses: npt.ArrayLike, *, threshold: float, title: str = "") -> Figure:
    """Draw a filter's answer as a bar above each character where its window begins.

    Args:
        text: the characters.
        responses: one number a window, at most as many as characters.
        threshold: a dashed line; bars that reach it are filled and carry their number.
        title: above all.

    >>> fig = text_responses("abcab", [0, 2, 0, 1], threshold=2)
    """
    values = np.asarray(responses, dtype=float).ravel()
    figure = new_figure(max(6.0, 0.27 * len(text)), 2.6)
    axes = figure.add_subplot()
    found = values >= threshold
    fill = [BLUE if hit else "white" for hit in found]
    axes.bar(np.arange(len(values)), values, width=0.75, edgecolor=BLUE, linewidth=1.2, color=fill)
    for at in np.flatnonzero(found):
        write(axes, float(at), values[at] + 0.12 * threshold, f"{values[at]:g}")
    axes.axhline(threshold, color=VERMILLION, linestyle="--", linewidth=1.5)
    axes.set_xticks(range(len(text)), ["·" if c == " " else c for c in text], fontsize=TEXT, family="monospace")
    axes.set_xlim(-0.8, len(text) - 0.2)
    axes.set_ylim(0, max(threshold, float(values.max(initial=0))) * 1.2)
    axes.tick_params(axis="y", labelsize=TEXT - 1)
    axes.tick_params(axis="x", length=0)
    axes.set_ylabel("answer", fontsize=TEXT)
    axes.set_title(title, fontsize=TITLE, color=INK)
    axes.spines[["top", "right"]].set_visible(False)
    return figure
