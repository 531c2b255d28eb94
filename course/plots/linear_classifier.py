"""Linear classifiers in the plane: where two classes score alike, and which class wins where."""

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .figure import BLUE, GREEN, INK, TEXT, TITLE, VERMILLION, new_figure

__all__ = ["HalfPlane", "borders", "hyperplanes", "segment", "square"]

Array = npt.NDArray[np.float64]
HalfPlane = tuple[Array, float]  # (n, c): where n·x + c ≥ 0
Segment = tuple[Array, Array]

LOOKS = ((BLUE, "o"), (VERMILLION, "^"), (GREEN, "s"))
NEAR_ZERO = 1e-9


def square(reach: float) -> list[HalfPlane]:
    """The half-planes that meet in the square |x|, |y| ≤ reach."""
    return [(np.array(n, dtype=float), reach) for n in ((1, 0), (-1, 0), (0, 1), (0, -1))]


def segment(n: Array, c: float, within: Sequence[HalfPlane]) -> Segment | None:
    """Cut the line n·x + c = 0 down to what lies in all of the half-planes.

    Returns:
        its two ends; None if nothing is left, if it has no end, or if n = 0.

    >>> right, left = (np.array([1.0, 0.0]), 1.0), (np.array([-1.0, 0.0]), 2.0)     # −1 ≤ x ≤ 2
    >>> segment(np.array([0.0, 2.0]), -6.0, [right, left])
    (array([2., 3.]), array([-1.,  3.]))
    """
    square = float(n @ n)
    if square < NEAR_ZERO:
        return None
    foot, along = -c * n / square, np.array([-n[1], n[0]])
    low, high = -np.inf, np.inf
    for m, d in within:
        slope, value = float(m @ along), float(m @ foot + d)
        if abs(slope) < NEAR_ZERO:
            if value < -NEAR_ZERO:
                return None
        elif slope > 0:
            low = max(low, -value / slope)
        else:
            high = min(high, -value / slope)
    return (foot + low * along, foot + high * along) if -np.inf < low < high < np.inf else None


def borders(w: npt.ArrayLike, b: npt.ArrayLike, box: Sequence[HalfPlane]) -> dict[tuple[int, int], Segment]:
    """The borders between the classes' regions: where two classes score alike, and none scores higher.

    Args:
        w: (2, C), one column a class.
        b: (C,).
        box: half-planes whose intersection is drawn.

    Returns:
        by the pair of classes, the two ends of their border; pairs that do not meet are missing.

    >>> borders([[1, -1], [0, 0]], [0, 0], square(1))
    {(0, 1): (array([ 0., -1.]), array([...0., 1.]))}
    """
    weights, bias = np.asarray(w, dtype=float), np.asarray(b, dtype=float)
    found = {}
    for i, j in combinations(range(len(bias)), 2):
        others: list[HalfPlane] = [
            (weights[:, i] - weights[:, k], float(bias[i] - bias[k])) for k in range(len(bias)) if k not in (i, j)
        ]
        ends = segment(weights[:, i] - weights[:, j], float(bias[i] - bias[j]), [*box, *others])
        if ends is not None:
            found[i, j] = ends
    return found


def hyperplanes(
    x: npt.ArrayLike,
    labels: npt.ArrayLike,
    classifiers: Sequence[tuple[npt.ArrayLike, npt.ArrayLike]],
    *,
    titles: Sequence[str],
) -> Figure:
    """Draw points, and how linear classifiers share out the plane among up to three classes, one panel for each.

    Every class has a colour and a marker; the solid lines are the borders, the arrows the directions of the columns
    of w, in which the scores grow. A point that is classified wrongly is hollow.

    Args:
        x: (N, 2), the points.
        labels: (N,).
        classifiers: pairs w (2, C), b (C,).
        titles: above the panels.

    >>> fig = hyperplanes([[0, 1], [0, -1]], [0, 1], [([[0, 0], [1, -1]], [0, 0])], titles=["up and down"])
    """
    points, classes = np.asarray(x, dtype=float), np.asarray(labels)
    reach = 1.12 * float(np.abs(points).max())
    box = square(reach)
    figure = new_figure(4.3 * len(titles), 4.5)
    panels = figure.subplots(1, len(titles), squeeze=False)[0]
    for axes, (w, b), title in zip(panels, classifiers, titles, strict=True):
        weights, bias = np.asarray(w, dtype=float), np.asarray(b, dtype=float)
        said = (points @ weights + bias).argmax(axis=1)
        for start, end in borders(weights, bias, box).values():
            axes.plot(*zip(start, end, strict=True), color=INK, linewidth=2)
        for c in range(len(bias)):
            colour, marker = LOOKS[c]
            for right in (True, False):
                of = points[(classes == c) & ((said == c) == right)]
                fill: dict[str, Any] = {"markerfacecolor": colour if right else "white"}
                axes.plot(*of.T, marker, color=colour, markersize=6.5, markeredgewidth=1.6, **fill)
            _arrow(axes, weights[:, c], reach, colour, str(c))
        axes.set_xlim(-reach, reach)
        axes.set_ylim(-reach, reach)
        axes.set_aspect("equal")
        axes.set_title(title, fontsize=TITLE, color=INK)
        axes.tick_params(labelsize=TEXT)
    return figure


def _arrow(axes: Axes, w: Array, reach: float, colour: str, name: str) -> None:
    """The direction of a class's weights, and near the edge, where few points are, the class's number."""
    length = float(np.hypot(*w))
    if length < NEAR_ZERO:
        return
    u, v = float(w[0]) / length * reach, float(w[1]) / length * reach
    style = {"arrowstyle": "-|>,head_width=0.35,head_length=0.6", "color": colour, "lw": 2.4}
    axes.annotate("", (0.36 * u, 0.36 * v), (0, 0), arrowprops=style, zorder=5)
    box = {"boxstyle": "circle,pad=0.2", "facecolor": "white", "edgecolor": colour, "linewidth": 2}
    axes.text(0.88 * u, 0.88 * v, name, fontsize=TEXT, color=INK, ha="center", va="center", bbox=box, zorder=6)
