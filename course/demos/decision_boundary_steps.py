"""What the demo of decision boundaries computes: hidden neurons as lines, output weights to fit, and a score."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from course import data

__all__ = ["CELLS", "POINTS", "REACH", "UNITS", "State", "Step", "Unit", "compute"]

Array = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]
Unit = tuple[int, int]  # the angle of w in degrees, and the distance of the line from the origin in tenths

N, REACH, CELLS = 120, 1.6, 80  # points; the edge of the plane; cells of the map along either axis
RIDGE = 1e-3  # keeps the output weights small where several neurons say the same
UNITS: tuple[Unit, ...] = ((90, 4), (210, 4), (330, 4), (150, 4), (30, 4), (270, 4), (0, 8), (180, 8))


@dataclass(frozen=True)
class State:
    """What the controls say: the name of the points, the hidden neurons, and which of them is being moved."""

    points: str = "island"
    units: tuple[Unit, ...] = UNITS[:3]
    chosen: int = 0


@dataclass(frozen=True)
class Step:
    """What is drawn for a state.

    Attributes:
        x: (N, 2), the points; labels: (N,), 0 or 1.
        w1, b1, w2, b2: the weights.
        scores: (CELLS + 1, CELLS + 1), of the student's functions; row 0 is the lower edge. None if they failed.
        right: which of the points are on their side of the boundary.
        problem: what is wrong with the student's functions; "" if nothing is.
    """

    state: State
    x: Array
    labels: Labels
    w1: Array
    b1: Array
    w2: Array
    b2: Array
    scores: Array | None
    right: npt.NDArray[np.bool_]
    problem: str


def _island(rng: np.random.Generator) -> tuple[Array, Labels]:
    radius = np.concatenate([0.62 * np.sqrt(rng.uniform(0, 1, N // 2)), rng.uniform(0.85, 1.45, N // 2)])
    angle = rng.uniform(0, 2 * np.pi, N)
    x = radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return x, np.repeat(np.array([1, 0]), N // 2)


def _moons(rng: np.random.Generator) -> tuple[Array, Labels]:
    x, labels = data.moons(N, noise=0.08, rng=rng)
    return 0.9 * x.astype(np.float64), labels


def _spirals(rng: np.random.Generator) -> tuple[Array, Labels]:
    x, labels = data.spirals(N, classes=2, turns=0.6, noise=0.02, rng=rng)
    return 1.4 * x.astype(np.float64), labels


POINTS: dict[str, Callable[[np.random.Generator], tuple[Array, Labels]]] = {
    "island": _island,
    "moons": _moons,
    "spirals": _spirals,
}


def compute(state: State, affine: Callable[..., Any], relu: Callable[..., Any]) -> Step:
    """Choose output weights for these hidden neurons by least squares, and let the student's functions score the plane.

    >>> from course import ops
    >>> step = compute(State(), ops.affine, ops.relu)
    >>> step.w1.shape, step.scores.shape, step.problem
    ((2, 3), (81, 81), '')
    """
    x, labels = _points(state.points)
    angles, offsets = np.radians([a for a, _ in state.units]), np.array([d for _, d in state.units]) / 10
    w1, b1 = np.stack([np.cos(angles), np.sin(angles)]), -offsets
    w2, b2 = _fit(np.maximum(x @ w1 + b1, 0), np.where(labels == 1, 1.0, -1.0))
    places = np.concatenate([_grid(), x])
    right = np.maximum(places @ w1 + b1, 0) @ w2 + b2
    said, problem = _ask(affine, relu, places, w1, b1, w2, b2)
    if said is None:
        return Step(state, x, labels, w1, b1, w2, b2, None, np.zeros(N, dtype=bool), problem)
    wrong = int((~np.isclose(said, right, rtol=1e-6, atol=1e-9)).sum())
    if wrong:
        problem = f"Of {len(places)} scores {wrong} are not relu(x·w1 + b1)·w2 + b2."
    side = (said[-N:, 0] > 0) == (labels == 1)
    return Step(state, x, labels, w1, b1, w2, b2, said[:-N, 0].reshape(CELLS + 1, CELLS + 1), side, problem)


@lru_cache
def _points(name: str) -> tuple[Array, Labels]:
    return POINTS[name](np.random.default_rng(4))


@lru_cache
def _grid() -> Array:
    along = np.linspace(-REACH, REACH, CELLS + 1)
    across, up = np.meshgrid(along, along)
    return np.stack([across.ravel(), up.ravel()], axis=1)


def _fit(hidden: Array, target: Array) -> tuple[Array, Array]:
    """The output weights and the bias with the smallest mean of (score − target)², the weights kept small."""
    mean, middle = hidden.mean(axis=0), target.mean()
    h, t = hidden - mean, target - middle
    w2 = np.linalg.solve(h.T @ h / N + RIDGE * np.eye(h.shape[1]), h.T @ t / N)
    return w2[:, None], np.array([middle - mean @ w2])


def _ask(
    affine: Callable[..., Any], relu: Callable[..., Any], x: Array, w1: Array, b1: Array, w2: Array, b2: Array
) -> tuple[Array | None, str]:
    """The scores (N, 1) of the student's functions, or None and what is wrong with them."""
    y: Any = x.copy()
    calls: tuple[tuple[str, Callable[..., Any], int], ...] = (
        ("affine", lambda h: affine(h, w1.copy(), b1.copy()), w1.shape[1]),
        ("relu", relu, w1.shape[1]),
        ("affine", lambda h: affine(h, w2.copy(), b2.copy()), 1),
    )
    for name, call, columns in calls:
        try:
            answer = call(y)
        except NotImplementedError:
            return None, f"Your {name} is not written yet."
        except Exception as error:
            return None, f"Your {name} raised {type(error).__name__}: {str(error)[:120]}"
        y = answer[0] if isinstance(answer, tuple) and answer else answer
        if not isinstance(y, np.ndarray):
            return None, f"Your {name} returned a {type(y).__name__}; an array of shape {len(x), columns} would fit."
        if y.shape != (len(x), columns) or y.dtype.kind != "f":
            return None, f"Your {name} returned shape {y.shape}, {y.dtype}; {len(x), columns}, float64 would fit."
        if not np.isfinite(y).all():
            return None, f"Your {name} returned numbers that are not finite."
    return y.astype(np.float64), ""
