"""Numbers along one axis: a signal before and after a filter, measured curves, what a filter answers along a text."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from .figure import BLUE, GREY, INK, ORANGE, TEXT, TITLE, VERMILLION, new_figure, write
from .grids import number

__all__ = ["curves", "signals", "text_responses"]

STYLES = ((GREY, "-", 1.2), (BLUE, "-", 2.6), (ORANGE, "--", 2.6), (VERMILLION, ":", 2.6))
MARKED = ((BLUE, "-", "o"), (VERMILLION, "--", "s"), (INK, ":", "^"))


def signals(series: Mapping[str, npt.ArrayLike], *, title: str = "", xlabel: str = "sample") -> Figure:
    """Draw signals over one another; a shorter one is centred, as the answer of a filter without padding is.

    Args:
        series: up to four, each of numbers in one row, by name.
        title: above all.
        xlabel: what is counted along the axis.

    >>> fig = signals({"measured": [1, 3, 2, 4, 3], "smoothed": [2, 3, 3]})
    """
    values = {name: np.asarray(numbers, dtype=float).ravel() for name, numbers in series.items()}
    longest = max(len(numbers) for numbers in values.values())
    figure = new_figure(8, 2.8)
    axes = figure.add_subplot()
    for (name, numbers), (colour, dash, width) in zip(values.items(), STYLES, strict=False):
        at = np.arange(len(numbers)) + (longest - len(numbers)) / 2
        axes.plot(at, numbers, color=colour, linestyle=dash, linewidth=width, label=name)
    axes.legend(fontsize=TEXT - 1, frameon=False, loc="upper right", ncols=len(values))
    axes.margins(x=0.01, y=0.22)
    axes.tick_params(labelsize=TEXT - 1)
    axes.set_xlabel(xlabel, fontsize=TEXT)
    axes.set_title(title, fontsize=TITLE, color=INK)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def curves(
    x: npt.ArrayLike, series: Mapping[str, npt.ArrayLike], *, xlabel: str, ylabel: str, logarithmic: bool = False
) -> Figure:
    """Draw up to three measured curves, each with a line and a marker of its own.

    Args:
        x: where was measured.
        series: by name, what was measured there.
        xlabel: the axis across.
        ylabel: the axis upwards.
        logarithmic: whether x is drawn by its logarithm, with a tick for each of its values.

    >>> fig = curves([2, 4, 8], {"with": [1, 2, 3], "without": [1, 1, 2]}, xlabel="N", ylabel="accuracy")
    """
    at = np.asarray(x, dtype=float)
    figure = new_figure(7.4, 3.6)
    axes = figure.add_subplot()
    for (name, values), (colour, dash, marker) in zip(series.items(), MARKED, strict=False):
        axes.plot(at, np.asarray(values, dtype=float), color=colour, linestyle=dash, marker=marker, linewidth=2.4,
                  markersize=7, label=name)  # fmt: skip
    if logarithmic:
        axes.set_xscale("log")
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xticks(at, [number(float(value)) for value in at])
    axes.set_xlabel(xlabel, fontsize=TITLE)
    axes.set_ylabel(ylabel, fontsize=TITLE)
    axes.tick_params(labelsize=TEXT)
    axes.grid(axis="y", color="#DDDDDD")
    axes.legend(fontsize=TEXT, frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


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
