"""Drawings of descent: steps on a curve, paths across a landscape, the best direction, races of the five rules."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FormatStrFormatter, LogLocator, MaxNLocator, NullFormatter

from .figure import BLACK, BLUE, GREEN, GREY, INK, PURPLE, TEXT, TITLE, VERMILLION, new_figure

__all__ = ["LOOKS", "Look", "descents", "directions", "lines", "paths"]

Array = npt.NDArray[np.float64]


class Look(NamedTuple):
    """How an optimiser is drawn everywhere, so that it is known again, by any one of the three."""

    colour: str
    dash: tuple[float, ...]  # lengths of strokes and gaps in line widths; () is a solid line
    marker: str


LOOKS = {
    "sgd": Look(BLACK, (), "o"),
    "momentum": Look(BLUE, (5, 1.6), "s"),
    "adagrad": Look(GREEN, (1.2, 1.4), "^"),
    "rmsprop": Look(PURPLE, (6, 1.4, 1.2, 1.4), "D"),
    "adam": Look(VERMILLION, (2.6, 1.2), "v"),
}
"""The look of each rule; other curves take the same looks in this order."""


def descents(f: Callable[[Any], Any], traces: Mapping[str, npt.ArrayLike], *, reach: tuple[float, float]) -> Figure:
    """Draw a function of one weight, and in a panel for each trace the places that a descent went through.

    Args:
        f: takes an array of weights and gives their losses.
        traces: by title, (T,) weights; the start is a diamond, places beyond the panel are left out.
        reach: the weights at the left and the right edge.

    >>> fig = descents(lambda w: w**2, {"lr 0.1": [3, 2.4, 1.92]}, reach=(-4, 4))
    """
    figure = new_figure(3.3 * len(traces), 3.3)
    panels = figure.subplots(1, len(traces), sharey=True, squeeze=False)[0]
    at = np.linspace(*reach, 201)
    for n, (axes, (title, trace)) in enumerate(zip(panels, traces.items(), strict=True)):
        axes.plot(at, f(at), color=GREY, linewidth=2.4)
        w = np.asarray(trace, dtype=float)
        w = w[(w >= reach[0]) & (w <= reach[1])]
        axes.plot(w, f(w), "--", color=BLUE, linewidth=1.4)
        axes.plot(w[1:], f(w[1:]), "o", color=BLUE, markersize=7)
        axes.plot(w[:1], f(w[:1]), "D", color=VERMILLION, markersize=9)
        axes.set_title(title, fontsize=TITLE, color=INK)
        axes.set_xlabel("w", fontsize=TITLE)
        axes.tick_params(labelsize=TEXT)
        axes.spines[["top", "right"]].set_visible(False)
        if n == 0:
            axes.set_ylabel("L(w)", fontsize=TITLE)
    return figure


def directions(angles: npt.ArrayLike, changes: npt.ArrayLike, downhill: float) -> Figure:
    """Draw how the loss changes with a small step, by the direction of the step; dashed: that against the gradient.

    Args:
        angles: in degrees.
        changes: of the loss, one for each angle.
        downhill: the angle of the negative gradient.

    >>> fig = directions([0, 90, 180, 270], [1, 0, -1, 0], 180)
    """
    at, change = np.asarray(angles, dtype=float), np.asarray(changes, dtype=float)
    figure = new_figure(7.4, 3.2)
    axes = figure.add_subplot()
    axes.axhline(0, color=GREY, linewidth=1)
    axes.plot(at, change, color=BLUE, linewidth=2.6)
    low = int(np.argmin(change))
    axes.plot(at[low : low + 1], change[low : low + 1], "o", color=BLUE, markersize=9)
    axes.axvline(downhill, color=VERMILLION, linestyle="--", linewidth=2)
    axes.annotate("against the gradient", (downhill, change.max()), (8, -4), textcoords="offset points",
                  fontsize=TITLE, color=VERMILLION, va="center")  # fmt: skip
    axes.set_xticks(np.arange(0, 361, 45))
    axes.set_xlabel("direction of the step, in degrees", fontsize=TITLE)
    axes.set_ylabel("change of L", fontsize=TITLE)
    _plain(axes)
    return figure


def paths(
    f: Callable[[Any, Any], Any],
    traces: Mapping[str, npt.ArrayLike],
    *,
    x: tuple[float, float],
    y: tuple[float, float],
    levels: Sequence[float],
) -> Figure:
    """Draw a function of two weights as contour lines, and on it the paths of up to five descents.

    Args:
        f: takes arrays of both weights and gives the losses.
        traces: by name, (T, 2).
        x: the first weight at the left and the right edge.
        y: the second weight at the lower and the upper edge.
        levels: the losses at the contour lines.

    >>> fig = paths(lambda a, b: a**2 + b**2, {"one": [[1, 1], [0, 0]]}, x=(-2, 2), y=(-1, 1), levels=[1, 2])
    """
    figure = new_figure(8.4, 8.4 * (y[1] - y[0]) / (x[1] - x[0]) * 0.82 + 0.6)
    axes = figure.add_subplot()
    across, up = np.meshgrid(np.linspace(*x, 181), np.linspace(*y, 181))
    lines = axes.contour(across, up, f(across, up), levels=levels, colors=[GREY], linewidths=1)
    axes.clabel(lines, fontsize=TEXT - 1, colors=[INK])
    for (name, trace), look in zip(traces.items(), LOOKS.values(), strict=False):
        w = np.asarray(trace, dtype=float)
        axes.plot(w[:, 0], w[:, 1], label=name, **_style(look))
    axes.set_xlim(x)
    axes.set_ylim(y)
    axes.set_xlabel("w₀", fontsize=TITLE)
    axes.set_ylabel("w₁", fontsize=TITLE)
    axes.tick_params(labelsize=TEXT)
    axes.legend(fontsize=TEXT, loc="upper left", ncols=len(traces))
    return figure


def lines(
    x: npt.ArrayLike,
    panels: Mapping[str, Mapping[str, npt.ArrayLike]],
    *,
    xlabel: str,
    ylabel: str,
    logarithmic: str = "",
    limit: float | None = None,
    says: str = "",
    highest: float | None = None,
) -> Figure:
    """Draw up to five curves in each of a row of panels; a curve that has a rule's name looks like that rule.

    Args:
        x: where was measured, the same in all panels.
        panels: by title, the curves by name. What is not finite is left out.
        xlabel: the axis across.
        ylabel: the axis upwards.
        logarithmic: the axes that are drawn by their logarithm: "", "x", "y" or "xy".
        limit: a dashed upright line.
        says: what stands beside it.
        highest: what lies above is drawn at this height, at the edge.

    >>> fig = lines([1, 2], {"": {"sgd": [3, 2], "adam": [3, 1]}}, xlabel="epoch", ylabel="loss", logarithmic="y")
    """
    at = np.asarray(x, dtype=float)
    figure = new_figure(8.0 if len(panels) == 1 else 4.8 * len(panels), 3.7)
    row = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for n, (axes, (title, series)) in enumerate(zip(row, panels.items(), strict=True)):
        for (name, values), spare in zip(series.items(), LOOKS.values(), strict=False):
            y = np.asarray(values, dtype=float)
            y = np.where(np.isfinite(y), y if highest is None else np.minimum(y, highest), np.nan)
            axes.plot(at, y, label=name, markevery=max(1, len(at) // 12), **_style(LOOKS.get(name, spare)))
        if "x" in logarithmic:
            axes.set_xscale("log")
        elif np.array_equal(at, at.round()):
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        if "y" in logarithmic:
            axes.set_yscale("log")
            _few_decades(axes)
        if limit is not None:
            axes.axvline(limit, color=GREY, linestyle="--", linewidth=2)
            axes.annotate(says, (limit, 0.94), (-8, 0), xycoords=("data", "axes fraction"),
                          textcoords="offset points", fontsize=TITLE, color=INK, ha="right", va="top")  # fmt: skip
        axes.set_title(title, fontsize=TITLE, color=INK)
        axes.set_xlabel(xlabel, fontsize=TITLE)
        _plain(axes)
        if n == 0:
            axes.set_ylabel(ylabel, fontsize=TITLE)
    handles, names = row[0].get_legend_handles_labels()
    if len(names) > 1:
        figure.legend(handles, names, fontsize=TEXT, frameon=False, loc="outside upper center", ncols=5)
    return figure


def _few_decades(axes: Axes) -> None:
    """Along two or three powers of ten, ticks at 1, 2, 5 as plain numbers; beyond, the usual ones."""
    low, high = axes.get_ylim()
    if high < 500 * low:
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter(FormatStrFormatter("%g"))
        axes.yaxis.set_minor_formatter(NullFormatter())


def _style(look: Look) -> dict[str, Any]:
    dash = (0, look.dash) if look.dash else "-"
    return {"color": look.colour, "linestyle": dash, "marker": look.marker, "linewidth": 2.2, "markersize": 6}


def _plain(axes: Axes) -> None:
    axes.tick_params(labelsize=TEXT)
    axes.grid(axis="y", color="#DDDDDD")
    axes.spines[["top", "right"]].set_visible(False)
