"""Drawings of normalisation and dropout: what happens to a batch, which numbers share a mean, what is left of a net."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Rectangle

from .figure import BLUE, GREY, INK, ORANGE, SKY, TEXT, TITLE, VERMILLION, drawing, new_figure, write
from .grids import number

__all__ = ["parabola", "sharing", "steps", "thinned"]


def steps(x: npt.ArrayLike, *, gamma: float, beta: float) -> Figure:
    """Draw one channel of a batch through the four steps of batch normalisation, each as dots on a line.

    Args:
        x: (N,), one channel; its first value is drawn as a diamond, so that it can be followed.
        gamma: γ of the last step.
        beta: β of the last step.

    >>> fig = steps([4.0, 7.5, 6.0], gamma=0.5, beta=1)
    """
    values = np.asarray(x, dtype=float)
    centred = values - values.mean()
    x_hat = centred / values.std()
    rows = {
        "x": values,
        "x − μ": centred,
        "x̂ = (x − μ)/σ": x_hat,
        f"y = {number(gamma)}·x̂ {'−' if beta < 0 else '+'} {number(abs(beta))}": gamma * x_hat + beta,
    }
    figure = new_figure(8.6, 3.6)
    axes = figure.add_subplot()
    for n, (name, row) in enumerate(rows.items()):
        mean, spread = row.mean(), row.std()
        axes.axhline(n, color=GREY, linewidth=0.8, zorder=0)
        axes.plot([mean - spread, mean + spread], [n, n], color=ORANGE, linewidth=11, alpha=0.6, zorder=1)
        axes.plot([mean, mean], [n - 0.28, n + 0.28], color=INK, linewidth=2, zorder=2)
        axes.plot(row[1:], np.full(len(row) - 1, n), "o", color=BLUE, markersize=6, zorder=3)
        axes.plot(row[:1], [n], "D", color=VERMILLION, markersize=8, zorder=4)
        axes.text(1.02, n, name, transform=axes.get_yaxis_transform(), fontsize=TITLE, va="center", color=INK)
    axes.axvline(0, color=GREY, linestyle=":", linewidth=1.5, zorder=0)
    axes.set_ylim(len(rows) - 0.5, -0.6)
    axes.yaxis.set_visible(False)
    axes.tick_params(labelsize=TEXT)
    axes.spines[["top", "right", "left"]].set_visible(False)
    return figure


def sharing(n: int, c: int, h: int, w: int, *, channel: int = 1) -> Figure:
    """Draw which numbers share a mean and a variance: a column of rows (N, C), a channel of pictures (N, C, H, W).

    Args:
        n: samples in the batch, drawn below one another.
        c: channels, side by side.
        h: height of the pictures.
        w: their width.
        channel: the one that is marked.

    >>> fig = sharing(4, 3, 3, 3)
    """
    cell, gap, between = 0.32, 0.28, 2.4
    map_width, map_height = w * cell, h * cell
    left = c * 0.7 + between
    wide, tall = left + c * (map_width + gap), n * (map_height + gap)
    figure, axes = drawing((-1.6, wide + 0.3), (tall + 0.3, -1.9), 0.62)
    for i in range(n):
        middle = i * (map_height + gap) + map_height / 2
        write(axes, -0.3, middle, f"n = {i}", align="right")
        for k in range(c):
            look = _look(k == channel)
            axes.add_patch(Rectangle((0.7 * k, middle - 0.35), 0.7, 0.7, **look))
            for u, v in np.ndindex(h, w):
                corner = left + k * (map_width + gap) + v * cell, middle - map_height / 2 + u * cell
                axes.add_patch(Rectangle(corner, cell, cell, **look))
    for k in range(c):
        write(axes, 0.7 * (k + 0.5), -0.4, f"{k}")
        write(axes, left + k * (map_width + gap) + map_width / 2, -0.4, f"c = {k}")
    write(axes, 0.35 * c, -1.35, f"(N, C)\nm = {n}", size=TITLE)
    write(axes, (left + wide - gap) / 2, -1.35, f"(N, C, H, W)\nm = {n}·{h}·{w} = {n * h * w}", size=TITLE)
    return figure


def parabola(x: npt.ArrayLike) -> Figure:
    """Draw the mean squared distance of a batch from a point, as that point moves: it is lowest, and flat, at the mean.

    Args:
        x: (N,), the batch; its values stand along the axis.

    >>> fig = parabola([1, 2, 6])
    """
    values = np.asarray(x, dtype=float)
    mean, var = values.mean(), values.var()
    reach = 1.25 * np.abs(values - mean).max()
    at = np.linspace(mean - reach, mean + reach, 201)
    figure = new_figure(6.4, 3.4)
    axes = figure.add_subplot()
    axes.plot(at, var + (at - mean) ** 2, color=BLUE, linewidth=2.6)
    axes.plot([mean - 0.45 * reach, mean + 0.45 * reach], [var, var], "--", color=VERMILLION, linewidth=2.4)
    axes.plot(values, np.zeros(len(values)), "o", color=INK, markersize=7, clip_on=False, zorder=3)
    axes.annotate("slope 0 at μ = mean", (mean, var), (mean, 0.62 * (var + reach**2)), fontsize=TITLE, color=VERMILLION,
                  ha="center", arrowprops={"arrowstyle": "->", "color": VERMILLION})  # fmt: skip
    axes.set_ylim(0, var + reach**2)
    axes.set_xlabel("μ   (the dots: the batch)", fontsize=TITLE)
    axes.set_ylabel("mean of (x − μ)²", fontsize=TITLE)
    axes.tick_params(labelsize=TEXT)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def thinned(kept: Sequence[Sequence[npt.ArrayLike]], *, titles: Sequence[str]) -> Figure:
    """Draw the same small network several times, with other neurons lost: white, crossed out, without connections.

    Args:
        kept: for each drawing a row of truth values for each layer, from the inputs up.
        titles: below the drawings.

    >>> fig = thinned([[[True, True], [True, False]]], titles=["one is lost"])
    """
    drawings = [[np.asarray(layer, dtype=bool) for layer in layers] for layers in kept]
    widest, deepest = max(len(a) for d in drawings for a in d), max(len(d) for d in drawings)
    apart, rise = 0.95, 1.5
    room = max(widest * apart + 0.6, 3.6)
    figure, axes = drawing((-0.2, room * len(drawings)), (-1.1, rise * (deepest - 1) + 0.5), 0.68)
    for d, (layers, title) in enumerate(zip(drawings, titles, strict=True)):
        middle = room * (d + 0.5)
        places = [middle + apart * (np.arange(len(layer)) - (len(layer) - 1) / 2) for layer in layers]
        for n, (below, above) in enumerate(pairwise(layers)):
            for i, j in np.ndindex(len(below), len(above)):
                if below[i] and above[j]:
                    ends = [places[n][i], places[n + 1][j]], [rise * n, rise * (n + 1)]
                    axes.plot(*ends, color=GREY, linewidth=1.4, zorder=1)
        for n, layer in enumerate(layers):
            for x, alive in zip(places[n], layer, strict=True):
                look: dict[str, Any] = {
                    "facecolor": SKY if alive else "white",
                    "edgecolor": INK,
                    "linestyle": "-" if alive else ":",
                }
                axes.add_patch(Circle((float(x), rise * n), 0.27, linewidth=1.4, zorder=2, **look))
                if not alive:
                    write(axes, float(x), rise * n, "×", size=20, colour=VERMILLION)
        write(axes, middle, -0.75, title, size=TITLE)
    return figure


def _look(marked: bool) -> dict[str, Any]:
    return {"facecolor": ORANGE if marked else "white", "edgecolor": INK, "hatch": "///" if marked else ""}
