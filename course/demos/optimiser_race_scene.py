"""The picture of an optimiser race: the landscape with the paths, the losses from step to step, who is where."""

import textwrap
from collections.abc import Iterator
from functools import cache

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from course.plots.figure import GREY, INK, VERMILLION
from course.plots.gradient_descent import LOOKS

from .optimiser_race import STEPS, SURFACES, Race, Run
from .plane import Plane
from .scene import Curve, Item, Line, Rect, Scene, Text

__all__ = ["CHART", "HEIGHT", "MAP", "UNIT", "WIDTH", "draw"]

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


def draw(race: Race) -> Scene:
    """Draw a race: on the left the landscape, on the right losses and a table."""
    state = race.state
    surface = SURFACES[state.surface]
    items: list[Item] = [Text(16, 22, f"{state.surface}: {surface.words}", 17, anchor="start", bold=True)]
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
    problem = " ".join(run.problem or run.doubt for run in race.runs.values() if run.problem or run.doubt)
    for n, text in enumerate(textwrap.wrap(problem, 118, max_lines=2, placeholder=" …")):
        items.append(Text(16, HEIGHT - 32 + 18 * n, text, 14, VERMILLION, "start", css="problem"))
    data = {
        "demo": "race", "surface": state.surface, "rate": f"{state.rate:.4g}", "alpha": f"{state.alpha:.4g}",
        "steps": str(state.steps), "start": f"{state.start[0]:g},{state.start[1]:g}",
    }  # fmt: skip
    return Scene(WIDTH, HEIGHT, _label(race, problem), tuple(items), data)


@cache
def _ground(name: str) -> tuple[Curve, ...]:
    """The landscape, from the highest level to the lowest: each covers the one before."""
    surface = SURFACES[name]
    across, up = np.meshgrid(np.linspace(*MAP.x, 73), np.linspace(*MAP.y, 49))
    heights = surface.loss(np.stack([across, up], axis=-1))
    axes = Figure().add_subplot()
    whole = [np.array([[MAP.x[0], MAP.y[0]], [MAP.x[1], MAP.y[0]], [MAP.x[1], MAP.y[1]], [MAP.x[0], MAP.y[1]]])]
    grounds = [Curve([MAP.pixels(piece) for piece in whole], "none", 0, fill=TINTS[0], closed=True)]
    for level, tint in zip(surface.levels[::-1], TINTS[1:], strict=True):
        (pieces,) = axes.contourf(across, up, heights, levels=[-1.0, level]).allsegs
        grounds.append(Curve([MAP.pixels(piece) for piece in pieces], "#9AA5B1", 1, fill=tint, closed=True))
    return tuple(grounds)


def _frame(start: tuple[float, float]) -> Iterator[Item]:
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
    places = MAP.pixels(run.path[: int(np.argmax(far)) + 1] if far.any() else run.path)
    if pieces := MAP.clipped(places):
        yield Curve(pieces, look.colour, 2.2, look.dash, css=f"path-{name}")
    tens = [place for place in places[:-1:10] if MAP.holds(place)]
    if tens:
        yield Curve([_marker(look.marker, place, 3.6) for place in tens], look.colour, 1, fill=look.colour, closed=True)


def _ends(name: str, run: Run) -> Iterator[Curve]:
    """A large marker where the rule is now."""
    (place,) = MAP.pixels(run.path[-1:])
    if MAP.holds(place):
        yield Curve([_marker(LOOKS[name].marker, place, 7)], "white", 1.5, fill=LOOKS[name].colour, closed=True)


def _names(race: Race) -> Iterator[Item]:
    """The names in a row below the map, in the order of their ends from left to right, each with a line to its end."""
    ends = {name: MAP.pixels(run.path[-1:])[0] for name, run in race.runs.items()}
    left, _, right, bottom = MAP.bounds
    for n, name in enumerate(sorted(ends, key=lambda name: float(ends[name][0]))):
        colour, (x, y), middle = LOOKS[name].colour, ends[name], left + (n + 0.5) * (right - left) / len(ends)
        if MAP.holds(ends[name]):
            yield Line(middle, bottom + 26, float(x), float(y), "#6B6B6B", 1, css=f"leader-{name}")
        yield Rect(middle - LABEL / 2, bottom + 26, LABEL, 20, "white", colour, 2)
        yield Text(middle, bottom + 36, name, 14, css="name")


def _chart(race: Race) -> Iterator[Item]:
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
        points = CHART.pixels(np.stack([np.arange(len(height)), height], axis=1))
        look = LOOKS[name]
        yield Curve([points], look.colour, 2, look.dash, css=f"loss-{name}")
        yield Curve([_marker(look.marker, points[-1], 5)], "white", 1, fill=look.colour, closed=True)


def _row(name: str, run: Run, top: float) -> Iterator[Item]:
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
