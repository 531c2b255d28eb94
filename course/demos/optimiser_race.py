"""The optimiser race: the student's own five update rules on one landscape, from a start that can be dragged.

    from course.demos import optimiser_race
    optimiser_race.demo(sgd, momentum, adagrad, rmsprop, adam)

`compute` runs the race, `optimiser_race_scene.draw` makes a picture of it, `demo` binds both to widgets.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from course import optim

if TYPE_CHECKING:
    from .drag import Dragged
    from .scene import Scene

__all__ = ["STEPS", "SURFACES", "Race", "Run", "State", "Surface", "compute", "demo"]

Array = npt.NDArray[np.float64]
Rule = Callable[..., Any]

STEPS = 100  # of the longest race
GONE = 1e6  # weights beyond: this run has diverged
WATCHED = 12  # first steps that are compared with the course's own rule


@dataclass(frozen=True)
class Surface:
    """A landscape over two weights.

    Attributes:
        words: its formula, and what to know about it.
        loss: of weights (…, 2).
        gradient: at weights (2,).
        levels: the losses at which contour lines are drawn.
        minima: where the loss is 0.
        start: where a race begins unless somebody drags it elsewhere.
        noise: standard deviation of what is added to each gradient.
    """

    words: str
    loss: Callable[[Array], Array]
    gradient: Callable[[Array], Array]
    levels: tuple[float, ...]
    minima: tuple[tuple[float, float], ...]
    start: tuple[float, float]
    noise: float = 0.0


SURFACES = {
    "ravine": Surface(
        "L = ½(w₀² + 20 w₁²): the largest curvature is 20, so 2/λmax = 0.1",
        lambda w: 0.5 * (w[..., 0] ** 2 + 20 * w[..., 1] ** 2),
        lambda w: w * [1.0, 20.0],
        (0.1, 0.5, 1.5, 4.0, 8.0, 15.0, 25.0, 37.0),
        ((0.0, 0.0),),
        (-2.5, 0.9),
    ),
    "saddle": Surface(
        "L = ½w₀² + ¼(w₁² − 1)²: a saddle at (0, 0), minima at (0, −1) and (0, 1)",
        lambda w: 0.5 * w[..., 0] ** 2 + 0.25 * (w[..., 1] ** 2 - 1) ** 2,
        lambda w: np.stack([w[..., 0], w[..., 1] * (w[..., 1] ** 2 - 1)], axis=-1),
        (0.03, 0.12, 0.25, 0.5, 0.9, 1.6, 2.6, 4.0),
        ((0.0, 1.0), (0.0, -1.0)),
        (-2.5, 0.1),
    ),
    "noise": Surface(
        "L = ½(w₀² + w₁²), and to each gradient noise of deviation 1 is added",
        lambda w: 0.5 * (w[..., 0] ** 2 + w[..., 1] ** 2),
        lambda w: w * 1.0,
        (0.03, 0.12, 0.35, 0.8, 1.5, 2.5, 3.8, 5.2),
        ((0.0, 0.0),),
        (-2.5, 1.2),
        noise=1.0,
    ),
}


@dataclass(frozen=True)
class State:
    """What the controls say: the landscape, the start, ε, the α of momentum, how many steps the race has gone."""

    surface: str = "ravine"
    start: tuple[float, float] = (-2.5, 0.9)
    rate: float = 0.05
    alpha: float = 0.9
    steps: int = 40


@dataclass(frozen=True)
class Run:
    """What one rule did.

    Attributes:
        path: (T + 1, 2), the start first; shorter than the race where something went wrong.
        losses: (T + 1,), along the path.
        problem: why the rule does not run; "" if it does.
        doubt: where it goes elsewhere than the course's own rule of that name; "" if it does not.
    """

    path: Array
    losses: Array
    problem: str
    doubt: str = ""

    @property
    def is_gone(self) -> bool:
        return bool(np.abs(self.path[-1]).max() > GONE)


@dataclass(frozen=True)
class Race:
    """The runs of all rules, by name."""

    state: State
    runs: Mapping[str, Run]


def compute(state: State, rules: Mapping[str, Rule]) -> Race:
    """Let all rules run from the same start, with the same rate and the same noise.

    >>> race = compute(State(rate=0.5, steps=2), {"sgd": lambda w, dw, state, *, lr: (w - lr * dw, {})})
    >>> race.runs["sgd"].path[:, 0]
    array([-2.5  , -1.25 , -0.625])
    """
    surface = SURFACES[state.surface]
    noise = surface.noise * np.random.default_rng(2).standard_normal((STEPS, 2))
    return Race(state, {name: _run(name, rule, state, surface, noise) for name, rule in rules.items()})


def demo(sgd: Rule, momentum: Rule, adagrad: Rule, rmsprop: Rule, adam: Rule) -> "Dragged":
    """Drag the start, choose landscape, rate and α, and let the race go on step by step.

    Args:
        sgd: `w, state = sgd(w, dw, state, *, lr)`; the other rules alike.
        momentum: takes `alpha` as well.
        adagrad: the third rule.
        rmsprop: the fourth.
        adam: the fifth.

    Returns:
        the demo, which shows itself as the last value of a cell.
    """
    import ipywidgets as widgets  # late: whoever draws a race needs no widgets

    from .drag import Dragged, DragPoint
    from .optimiser_race_scene import MAP, UNIT, draw

    rules = {"sgd": sgd, "momentum": momentum, "adagrad": adagrad, "rmsprop": rmsprop, "adam": adam}
    first = State()
    x, y = MAP.to_scene(*first.start)
    point = DragPoint(x=x, y=y, bounds=MAP.bounds, step=0.1 * UNIT, label="start of the race")
    surface = widgets.ToggleButtons(options=list(SURFACES), value=first.surface, description="surface")
    rate = widgets.FloatLogSlider(
        value=first.rate, base=10, min=-3, max=0.5, step=0.05, description="rate", readout_format=".3f"
    )
    alpha = widgets.FloatSlider(value=first.alpha, min=0, max=0.99, step=0.01, description="alpha")
    steps = widgets.IntSlider(value=first.steps, min=0, max=STEPS, description="steps")
    for slider in (rate, alpha, steps):
        slider.layout.width = "45%"
    drawn = first.surface

    def show() -> "Scene":
        nonlocal drawn
        if surface.value != drawn:  # each landscape has a start that is worth a look
            drawn = surface.value
            point.x, point.y = MAP.to_scene(*SURFACES[drawn].start)
        at = MAP.to_numbers(point.x, point.y)
        start = round(at[0], 2) + 0.0, round(at[1], 2) + 0.0  # + 0: no −0
        point.text = f"w₀ = {start[0]:g}, w₁ = {start[1]:g}"
        return draw(compute(State(drawn, start, rate.value, alpha.value, steps.value), rules))

    return Dragged("race", point, [[surface, steps], [rate, alpha]], show)


def _run(name: str, rule: Rule, state: State, surface: Surface, noise: Array) -> Run:
    """Run one rule until the race's last step, or until it cannot go on."""
    w = np.array(state.start, dtype=np.float64)
    hyper = {"lr": state.rate, "alpha": state.alpha} if name == "momentum" else {"lr": state.rate}
    path, problem, doubt = [w], "", ""
    memory: Any = {}
    rightly: dict[str, Any] = {}  # what the course's own rule would remember of the same gradients
    with np.errstate(all="ignore"):
        for t in range(state.steps):
            dw = surface.gradient(w) + noise[t]
            if watched := t < WATCHED and not doubt:
                right, rightly = getattr(optim, name)(w, dw, rightly, **hyper)
            try:
                answer = rule(w.copy(), dw, memory, **hyper)
            except NotImplementedError:
                problem = f"Your {name} is not written yet."
                break
            except Exception as error:
                problem = f"Your {name} raised {type(error).__name__}: {str(error)[:120]}"
                break
            if not isinstance(answer, tuple) or len(answer) != 2:
                problem = f"Your {name} returned a {type(answer).__name__}; the new weights and the state would fit."
                break
            w, memory = answer
            if problem := _fault(name, w):
                break
            if watched and np.abs(w - right).max() > 1e-6 * max(1.0, np.abs(right).max()):
                doubt = f"Your {name} is not right: step {t + 1} goes elsewhere; its check says more."
            path.append(w)
            if np.abs(w).max() > GONE:
                break
        places = np.array(path)
        return Run(places, surface.loss(places), problem, doubt)


def _fault(name: str, w: Any) -> str:
    if not isinstance(w, np.ndarray) or w.shape != (2,) or w.dtype.kind != "f":
        found = f"shape {w.shape}, {w.dtype}" if isinstance(w, np.ndarray) else f"a {type(w).__name__}"
        return f"Your {name} returned {found} for the weights; an array of shape (2,) would fit."
    return "" if np.isfinite(w).all() else f"Your {name} returned weights that are not finite."
