"""The picture of an optimiser race: the landscape with the paths, the losses from step to step, who is where."""

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import pairwise
from typing import cast

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path as Outline

from course.plots.figure import GREY, INK, VERMILLION
from course.plots.gradient_descent import LOOKS

from .optimiser_race import STEPS, SURFACES, Race, Run
from .plane import Plane
from .scene import POINT, Item, Line, Rect, Scene, Text

__all__ = ["CHART", "HEIGHT", "MAP", "UNIT", "WIDTH", "Curve", "draw"]

Array = npt.NDArray[np.float64]

WIDTH, HEIGHT = 900, 516
UNIT = 84.0  # pixels for a length of 1: arrow keys then move by 0.1
MAP = Plane(44, 60, 6 * UNIT, 4 * UNIT, x=(-3, 3), y=(-2, 2))
CHART = Plane(622, 60, 256, 176, x=(0, STEPS), y=(-6, 2))  # upwards: the logarithm of the loss
TABLE, ROW = 288, 26
LABEL = 88  # width of a label with a name
FAR = 9.0  # a path that has gone so far is not followed any further

# from high to low: lighter, as a map that is lit from above; the lines carry the same
TINTS = ("#C4CDD6", "#CCD4DC", "#D4DBE2", "#DCE2E8", "#E3E8ED", "#EAEEF2", "#F1F4F6", "#F8F9FB", "#FFFFFF")
MARKERS = {
    "o": [(np.cos(a), np.sin(a)) for a in np.linspace(0, 2 * np.pi, 13)[:-1]],
    "s": [(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)],
    "^": [(0, -1.2), (1.1, 0.8), (-1.1, 0.8)],
    "D": [(0, -1.25), (1.25, 0), (0, 1.25), (-1.25, 0)],
    "v": [(0, 1.2), (1.1, -0.8), (-1.1, -0.8)],
}


@dataclass(frozen=True)
class Curve:
    """Lines through many points, in one piece or several; an item of a scene.

    Attributes:
        pieces: each (n, 2), pixels.
        dash: lengths of strokes and gaps in line widths; () is a solid line.
        closed: whether each piece returns to its first point.
    """

    pieces: Sequence[Array]
    stroke: str = INK
    line: float = 1.0
    dash: tuple[float, ...] = ()
    fill: str = "none"
    closed: bool = False
    css: str = ""

    @cached_property
    def outline(self) -> str:
        """The points in the language of SVG: the longest part of the picture, written once for the ground."""
        end = "Z" if self.closed else ""
        return "".join("M" + "L".join(f"{x:.1f},{y:.1f}" for x, y in piece.tolist()) + end for piece in self.pieces)

    def svg(self) -> str:
        dash = f' stroke-dasharray="{" ".join(f"{n * self.line:g}" for n in self.dash)}"' if self.dash else ""
        mark = f' class="{self.css}"' if self.css else ""
        look = f'fill="{self.fill}" stroke="{self.stroke}" stroke-width="{self.line:g}"{dash}'
        return f'<path{mark} d="{self.outline}" {look}/>'

    def draw(self, axes: Axes, depth: int) -> None:
        style = (0, self.dash) if self.dash else "-"
        for piece in self.pieces:
            outline = Outline(piece, closed=False) if not self.closed else Outline([*piece, piece[0]], closed=True)
            axes.add_patch(
                PathPatch(outline, fc=self.fill, ec=self.stroke, lw=self.line * POINT, ls=style, zorder=depth)
            )


def draw(race: Race) -> Scene:
    """Draw a race: on the left the landscape, on the right losses and a table."""
    state = race.state
    surface = SURFACES[state.surface]
    items: list[Item | Curve] = [Text(16, 22, f"{state.surface}: {surface.words}", 17, anchor="start", bold=True)]
    items += _ground(state.surface)
    items += [item for name, run in race.runs.items() for item in _path(name, run)]
    items += _names(race)
    items += [item for name, run in race.runs.items() for item in _ends(name, run)]
    items += _frame(state.start)
    items += _chart(race)
    for row, (name, run) in enumerate(race.runs.items()):
        items += _row(name, run, TABLE + ROW * row)
    settings = f"ε = {state.rate:.3g}, α of momentum = {state.alpha:.2g}, {state.steps} steps"
    items.append(Text(MAP.left, 456, f"{settings}, from ({_number(state.start[0])}, {_number(state.start[1])})",
                      15, anchor="start"))  # fmt: skip
    problem = " ".join(run.problem for run in race.runs.values() if run.problem)
    for n, text in enumerate(textwrap.wrap(problem, 118, max_lines=2, placeholder=" …")):
        items.append(Text(16, HEIGHT - 32 + 18 * n, text, 14, VERMILLION, "start", css="problem"))
    data = {
        "demo": "race", "surface": state.surface, "rate": f"{state.rate:.4g}", "alpha": f"{state.alpha:.4g}",
        "steps": str(state.steps), "start": f"{state.start[0]:g},{state.start[1]:g}",
    }  # fmt: skip
    # a Curve draws itself as every other item does
    return Scene(WIDTH, HEIGHT, _label(race, problem), cast(tuple[Item, ...], tuple(items)), data)


@cache
def _ground(name: str) -> tuple[Curve, ...]:
    """The landscape, from the highest level to the lowest: each covers the one before."""
    surface = SURFACES[name]
    across, up = np.meshgrid(np.linspace(*MAP.x, 73), np.linspace(*MAP.y, 49))
    heights = surface.loss(np.stack([across, up], axis=-1))
    axes = Figure().add_subplot()
    whole = [np.array([[MAP.x[0], MAP.y[0]], [MAP.x[1], MAP.y[0]], [MAP.x[1], MAP.y[1]], [MAP.x[0], MAP.y[1]]])]
    grounds = [Curve([_scene(MAP, piece) for piece in whole], "none", 0, fill=TINTS[0], closed=True)]
    for level, tint in zip(surface.levels[::-1], TINTS[1:], strict=True):
        (pieces,) = axes.contourf(across, up, heights, levels=[-1.0, level]).allsegs
        grounds.append(Curve([_scene(MAP, piece) for piece in pieces], "#9AA5B1", 1, fill=tint, closed=True))
    return tuple(grounds)


def _frame(start: tuple[float, float]) -> Iterator[Item | Curve]:
    """The edge of the map, the numbers along it, and a ring around the start."""
    left, top, right, bottom = MAP.bounds
    yield Rect(left, top, right - left, bottom - top, "none", INK, 1.5)
    for w in range(-3, 4):
        yield Text(MAP.to_scene(w, 0)[0], bottom + 14, _number(w), 13)
    for w in range(-2, 3):
        yield Text(left - 8, MAP.to_scene(0, w)[1], _number(w), 13, anchor="end")
    x, y = MAP.to_scene(*start)
    yield Curve([_marker("o", np.array([x, y]), 11)], INK, 2.5, closed=True, css="start")
    yield Text(right - UNIT / 2, bottom + 14, "w₀", 15)
    yield Text(left - 8, top + UNIT / 2, "w₁", 15, anchor="end")


def _path(name: str, run: Run) -> Iterator[Curve]:
    """What is on the map of a path, with a marker every ten steps."""
    look = LOOKS[name]
    far = np.abs(run.path).max(axis=1) > FAR
    places = _scene(MAP, run.path[: int(np.argmax(far)) + 1] if far.any() else run.path)
    if pieces := _inside(places):
        yield Curve(pieces, look.colour, 2.2, look.dash, css=f"path-{name}")
    tens = [place for place in places[:-1:10] if _is_inside(place)]
    if tens:
        yield Curve([_marker(look.marker, place, 3.6) for place in tens], look.colour, 1, fill=look.colour, closed=True)


def _ends(name: str, run: Run) -> Iterator[Curve]:
    """A large marker where the rule is now."""
    (place,) = _scene(MAP, run.path[-1:])
    if _is_inside(place):
        yield Curve([_marker(LOOKS[name].marker, place, 7)], "white", 1.5, fill=LOOKS[name].colour, closed=True)


def _names(race: Race) -> Iterator[Item]:
    """The names in a row below the map, in the order of their ends from left to right, each with a line to its end."""
    ends = {name: _scene(MAP, run.path[-1:])[0] for name, run in race.runs.items()}
    left, _, right, bottom = MAP.bounds
    for n, name in enumerate(sorted(ends, key=lambda name: float(ends[name][0]))):
        colour, (x, y), middle = LOOKS[name].colour, ends[name], left + (n + 0.5) * (right - left) / len(ends)
        if _is_inside(ends[name]):
            yield Line(middle, bottom + 26, float(x), float(y), "#6B6B6B", 1, css=f"leader-{name}")
        yield Rect(middle - LABEL / 2, bottom + 26, LABEL, 20, "white", colour, 2)
        yield Text(middle, bottom + 36, name, 14, css="name")


def _chart(race: Race) -> Iterator[Item | Curve]:
    """The losses, by their logarithm, from step to step."""
    left, top, right, bottom = CHART.bounds
    yield Rect(left, top, right - left, bottom - top, "none", GREY)
    for exponent, text in {2: "100", 0: "1", -2: "0.01", -4: "10⁻⁴", -6: "10⁻⁶"}.items():
        height = CHART.to_scene(0, exponent)[1]
        yield Line(left, height, right, height, "#DDDDDD")
        yield Text(left - 6, height, text, 13, anchor="end")
    for step in (0, 50, 100):
        yield Text(CHART.to_scene(step, 0)[0], bottom + 13, str(step), 13)
    yield Text(CHART.to_scene(75, 0)[0], bottom + 13, "step", 13)
    yield Text(left, top - 14, "loss L", 15, anchor="start", bold=True)
    for name, run in race.runs.items():
        height = np.log10(run.losses.clip(1e-6, 1e2))
        points = _scene(CHART, np.stack([np.arange(len(height)), height], axis=1))
        look = LOOKS[name]
        yield Curve([points], look.colour, 2, look.dash, css=f"loss-{name}")
        yield Curve([_marker(look.marker, points[-1], 5)], "white", 1, fill=look.colour, closed=True)


def _row(name: str, run: Run, top: float) -> Iterator[Item | Curve]:
    """A row of the table: what the rule looks like, its name, its loss now."""
    look, left = LOOKS[name], CHART.left - 36
    yield Curve([np.array([[left, top], [left + 58, top]])], look.colour, 2.4, look.dash)
    yield Curve([_marker(look.marker, np.array([left + 29, top]), 6)], "white", 1, fill=look.colour, closed=True)
    yield Text(left + 68, top, name, 15, anchor="start", bold=True)
    yield Text(CHART.bounds[2], top, _standing(run), 15, anchor="end", css=f"standing-{name}")


def _standing(run: Run) -> str:
    if run.problem:
        return "does not run"
    return "diverged" if run.is_gone else f"L = {_loss(run.losses[-1])}"


def _loss(loss: float) -> str:
    if loss == 0 or 1e-3 <= loss < 1e5:
        return f"{loss:.3g}"
    mantissa, exponent = f"{loss:.1e}".split("e")
    return f"{mantissa}e{int(exponent)}".replace("-", "−")


def _scene(plane: Plane, points: Array) -> Array:
    """The pixels of many points."""
    (left, top), (right, bottom) = plane.to_scene(plane.x[0], plane.y[1]), plane.to_scene(plane.x[1], plane.y[0])
    across = (points[:, 0] - plane.x[0]) / (plane.x[1] - plane.x[0])
    down = (plane.y[1] - points[:, 1]) / (plane.y[1] - plane.y[0])
    return np.stack([left + across * (right - left), top + down * (bottom - top)], axis=1)


def _inside(places: Array) -> list[Array]:
    """The pieces of a path within the map: a segment that leaves ends at the edge."""
    if all(map(_is_inside, places)):  # as most paths are
        return [places] if len(places) > 1 else []
    pieces: list[list[Array]] = []
    for a, b in pairwise(places):
        ends = _clipped(a, b)
        if ends is None:
            continue
        if pieces and np.array_equal(pieces[-1][-1], ends[0]):
            pieces[-1].append(ends[1])
        else:
            pieces.append([ends[0], ends[1]])
    return [np.array(piece) for piece in pieces]


def _clipped(a: Array, b: Array) -> tuple[Array, Array] | None:
    """What of the segment from a to b is on the map (Liang and Barsky)."""
    low, high = np.array(MAP.bounds[:2]), np.array(MAP.bounds[2:])
    first, last = 0.0, 1.0
    for axis in (0, 1):
        way = b[axis] - a[axis]
        if way == 0:
            if not low[axis] <= a[axis] <= high[axis]:
                return None
            continue
        enter, leave = sorted(((low[axis] - a[axis]) / way, (high[axis] - a[axis]) / way))
        first, last = max(first, enter), min(last, leave)
    if first >= last:
        return None
    return (a if first == 0 else a + first * (b - a)), (b if last == 1 else a + last * (b - a))


def _is_inside(place: Array) -> bool:
    left, top, right, bottom = MAP.bounds
    return bool(left <= place[0] <= right and top <= place[1] <= bottom)


def _marker(shape: str, place: Array, size: float) -> Array:
    return np.asarray(place + size * np.array(MARKERS[shape]), dtype=np.float64)


def _number(value: float) -> str:
    return f"{value:g}".replace("-", "−")


def _label(race: Race, problem: str) -> str:
    """The race in words, for whoever does not see the picture."""
    state = race.state
    standings = ", ".join(f"{name} {_standing(run)}" for name, run in race.runs.items())
    return (
        f"A race on the surface {state.surface} from w₀ = {_number(state.start[0])}, w₁ = {_number(state.start[1])} "
        f"with learning rate {state.rate:.3g}, momentum {state.alpha:.2g}. After {state.steps} steps: {standings}. "
        f"{problem}"
    ).strip()
