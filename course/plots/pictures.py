"""Pictures side by side."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from .figure import GREY, INK, TEXT, new_figure

__all__ = ["pictures"]


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
