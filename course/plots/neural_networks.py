"""Drawings of small networks: a neuron's half-plane, layers of neurons, regions of the plane, curves made of bends."""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from .figure import BLUE, GREEN, GREY, INK, ORANGE, SKY, TEXT, TITLE, VERMILLION, drawing, new_figure, write

__all__ = ["approximations", "half_plane", "networks", "regions"]

Extent = tuple[float, float, float, float]  # left, right, lower and upper edge

CELLS = 240  # of a map along its longer edge
MARKERS = ((BLUE, "o"), (VERMILLION, "^"), (GREEN, "s"))
FILLS = ("#BFDDF0", "#F9DFC9", "#BFE5D8")
HATCHES = ("", "/", "..")


def half_plane(w: Sequence[float], b: float, points: Mapping[str, Sequence[float]], *, extent: Extent) -> Figure:
    """Draw what a ReLU neuron says of the plane: nothing on one side of a line, the distance from it on the other.

    Args:
        w: the two weights; b: the bias.
        points: (x₁, x₂) by name, drawn with a line to their nearest point on the neuron's line.
        extent: left, right, lower and upper edge.

    >>> fig = half_plane((3, 4), -19, {"A": (5, 5)}, extent=(0, 8, 0, 6))
    """
    weights = np.asarray(w, dtype=float)
    norm = float(np.hypot(*weights))
    figure, axes = _plane(extent)
    x, y = _grid(extent)
    distance = (weights[0] * x + weights[1] * y + b) / norm
    levels = np.arange(1, np.ceil(distance.max()))
    axes.contourf(x, y, distance, levels=[0, distance.max()], colors=[FILLS[0]], zorder=0)
    labels = axes.contour(x, y, distance, levels=levels, colors=BLUE, linewidths=1.2, linestyles=":")
    axes.clabel(labels, fmt="%g", fontsize=TEXT, inline_spacing=3)
    axes.contour(x, y, distance, levels=[0], colors=INK, linewidths=3)
    for name, place in points.items():
        at = np.asarray(place, dtype=float)
        foot = at - weights * (weights @ at + b) / norm**2
        axes.plot(*zip(at, foot, strict=True), color=VERMILLION, linestyle="--", linewidth=2)
        axes.plot(*at, "o", color=VERMILLION, markersize=9)
        axes.annotate(
            name, (at[0], at[1]), (11, -7), textcoords="offset points", fontsize=TITLE + 2, color=INK, weight="bold"
        )
    return figure


def networks(sizes: Sequence[Sequence[int]], *, titles: Sequence[str]) -> Figure:
    """Draw fully connected networks side by side, from the inputs on the left to the outputs on the right.

    Args:
        sizes: for each network the number of its inputs, then of the neurons of each layer.
        titles: below the networks.

    >>> fig = networks([(2, 1), (2, 4, 1)], titles=["one neuron", "a hidden layer"])
    """
    apart, rise, gap = 1.5, 1.0, 1.7
    tallest = max(max(layers) for layers in sizes)
    widths = [apart * (len(layers) - 1) for layers in sizes]
    figure, axes = drawing((-0.9, sum(widths) + gap * (len(sizes) - 1) + 0.9), (-1.3, rise * tallest - 0.3), 0.62)
    left = 0.0
    for layers, title, width in zip(sizes, titles, widths, strict=True):
        heights = [rise * (np.arange(n) - (n - 1) / 2 + (tallest - 1) / 2) for n in layers]
        for n, (here, there) in enumerate(pairwise(heights)):
            for start in here:
                for end in there:
                    across = [left + n * apart, left + (n + 1) * apart]
                    axes.plot(across, [start, end], color=GREY, linewidth=1.4, zorder=1)
        for n, column in enumerate(heights):
            for y in column:
                colour = SKY if n == 0 else ORANGE
                shape: dict[str, Any] = {"facecolor": colour, "edgecolor": INK, "linewidth": 1.3, "zorder": 2}
                axes.add_patch(Circle((left + n * apart, float(y)), 0.27, **shape))
        write(axes, left + width / 2, -0.9, title, size=TITLE)
        left += width + gap
    return figure


def regions(
    score: Callable[[npt.NDArray[np.float64]], npt.ArrayLike],
    x: npt.ArrayLike = (),
    labels: npt.ArrayLike = (),
    *,
    extent: Extent,
    outline: npt.ArrayLike = (),
) -> Figure:
    """Draw which part of the plane a network gives to which class, and the points that it should tell apart.

    Args:
        score: takes points (N, 2); gives (N, C), and the largest score wins, or (N, 1), and class 1 is where it is
            positive.
        x: (N, 2), points; labels: (N,), their classes, up to three.
        extent: left, right, lower and upper edge.
        outline: (V, 2), the corners of a polygon that is drawn with dashes.

    >>> fig = regions(lambda x: x[:, :1], [[-1, 0], [1, 1]], [0, 1], extent=(-2, 2, -2, 2))
    """
    classes = np.asarray(labels)
    figure, axes = _plane(extent, beside=1.4 if len(classes) else 0)
    across, up = _grid(extent)
    grid = np.stack([across.ravel(), up.ravel()], axis=1)
    scores = np.asarray(score(grid), dtype=float).reshape(len(grid), -1)
    if scores.shape[1] == 1:
        scores = np.concatenate([np.zeros_like(scores), scores], axis=1)
    for label in range(scores.shape[1]):
        lead = scores[:, label] - np.delete(scores, label, axis=1).max(axis=1)
        if (lead > 0).any():
            lead = lead.reshape(across.shape)
            style: dict[str, Any] = {"colors": [FILLS[label]], "hatches": [HATCHES[label]], "zorder": 0}
            axes.contourf(across, up, lead, levels=[0, max(float(lead.max()), 1e-9)], **style)
            if (lead < 0).any():
                axes.contour(across, up, lead, levels=[0], colors=INK, linewidths=2)
    for label, (colour, marker) in enumerate(MARKERS):
        inside = np.asarray(x, dtype=float).reshape(-1, 2)[classes == label]
        if len(inside):
            axes.plot(*inside.T, marker, color=colour, markersize=7, markeredgecolor="white", label=f"class {label}")
    corners = np.asarray(outline, dtype=float).reshape(-1, 2)
    if len(corners):
        axes.plot(*np.concatenate([corners, corners[:1]]).T, color=VERMILLION, linewidth=2.5, linestyle="--")
    if len(classes):
        axes.legend(fontsize=TEXT, loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    return figure


def approximations(
    x: npt.ArrayLike, target: npt.ArrayLike, nets: Mapping[str, npt.ArrayLike], knots: Mapping[str, npt.ArrayLike]
) -> Figure:
    """Draw a curve, and side by side what networks of straight pieces make of it.

    Args:
        x: (N,), where the curves are known.
        target: (N,), the curve.
        nets: by title, (N,) what a network says.
        knots: by title, where that network may bend; drawn along the axis.

    >>> fig = approximations([0, 1, 2], [0, 1, 0], {"2 neurons": [0, 1, 1]}, {"2 neurons": [0, 1]})
    """
    at = np.asarray(x, dtype=float)
    figure = new_figure(3.1 * len(nets), 3.3)
    every = figure.subplots(1, len(nets), sharey=True, squeeze=False)[0]
    for axes, (title, values) in zip(every, nets.items(), strict=True):
        axes.plot(at, np.asarray(target, dtype=float), color=ORANGE, linewidth=6, alpha=0.7, label="target")
        axes.plot(at, np.asarray(values, dtype=float), color=BLUE, linewidth=2.2, linestyle="--", label="network")
        marks = np.asarray(knots[title], dtype=float)
        axes.plot(marks, np.zeros(len(marks)), "|", color=INK, markersize=12, transform=axes.get_xaxis_transform())
        axes.set_title(title, fontsize=TITLE, color=INK)
        axes.tick_params(labelsize=TEXT)
        axes.spines[["top", "right"]].set_visible(False)
    figure.legend(
        *every[0].get_legend_handles_labels(), fontsize=TEXT, frameon=False, loc="outside lower center", ncols=2
    )
    return figure


def _plane(extent: Extent, beside: float = 0) -> tuple[Figure, Axes]:
    """Axes x₁ and x₂ with one scale, about 4 inches high, and inches of room beside them."""
    left, right, lower, upper = extent
    figure = new_figure(min(8.0, 3.6 * (right - left) / (upper - lower) + 1.0) + beside, 4.3)
    axes = figure.add_subplot()
    axes.set_xlim(left, right)
    axes.set_ylim(lower, upper)
    axes.set_aspect("equal")
    axes.set_xlabel("$x_1$", fontsize=TITLE)
    axes.set_ylabel("$x_2$", fontsize=TITLE)
    axes.tick_params(labelsize=TEXT)
    return figure, axes


def _grid(extent: Extent) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    left, right, lower, upper = extent
    cell = max(right - left, upper - lower) / CELLS
    across, up = np.meshgrid(np.arange(left, right + cell, cell), np.arange(lower, upper + cell, cell))
    return across, up
