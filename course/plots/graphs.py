"""What a graph of gates has learnt: a plane with two classes of points and the network's answer everywhere."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from .figure import BLUE, INK, TEXT, VERMILLION, new_figure

__all__ = ["decision"]

CELLS = 80  # of the map along either axis


def decision(p: Callable[[npt.NDArray[np.float64]], npt.ArrayLike], x: npt.ArrayLike, y: npt.ArrayLike) -> Figure:
    """Draw where p(x) is large and where small, its border p = 0.5, and the points that it learnt from.

    Args:
        p: takes points (N, 2), gives N numbers from 0 to 1.
        x: (N, 2), the points.
        y: (N,), 0 or 1.

    >>> fig = decision(lambda x: 1 / (1 + np.exp(-x[:, 0])), [[-1, 0], [1, 1]], [0, 1])
    """
    points, labels = np.asarray(x, dtype=float), np.asarray(y).ravel()
    low, high = points.min(axis=0) - 0.3, points.max(axis=0) + 0.3
    axes_of = [np.linspace(low[i], high[i], CELLS) for i in (0, 1)]
    grid = np.stack(np.meshgrid(*axes_of), axis=-1)  # (CELLS, CELLS, 2)
    answer = np.asarray(p(grid.reshape(-1, 2)), dtype=float).reshape(CELLS, CELLS)
    figure = new_figure(6.4, 4.2)
    axes = figure.add_subplot()
    # between pale colours, so that the points stay visible on either side
    shades = axes.contourf(*axes_of, answer, levels=np.linspace(0, 1, 11), cmap="cividis", alpha=0.45)
    if answer.min() < 0.5 < answer.max():
        axes.contour(*axes_of, answer, levels=[0.5], colors=INK, linewidths=2.5)
    for label, colour, marker in ((0, BLUE, "o"), (1, VERMILLION, "^")):
        inside = points[labels == label]
        axes.plot(*inside.T, marker, color=colour, markersize=6, markeredgecolor="white", label=f"y = {label}")
    bar = figure.colorbar(shades, ax=axes, ticks=[0, 0.5, 1])
    bar.set_label("p", fontsize=TEXT)
    bar.ax.tick_params(labelsize=TEXT)
    axes.tick_params(labelsize=TEXT)
    axes.set_aspect("equal")
    axes.legend(fontsize=TEXT, loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False, borderaxespad=0.2)
    return figure
