"""Activations through depth: a deep network with weights of any scale, with and without the student's `batch_norm`.

    from course.demos import normalisation
    normalisation.demo(batch_norm)

`compute` runs both networks, `draw` makes a picture of what they give out, `demo` binds both to widgets.
"""

import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from course.plots.figure import BLUE, GREY, INK, ORANGE, VERMILLION

from .scene import Item, Line, Rect, Scene, Text

if TYPE_CHECKING:
    from .live import Live

__all__ = ["ACTIVATIONS", "State", "Step", "compute", "demo", "draw"]

Array = npt.NDArray[np.float64]
BatchNorm = Callable[..., Any]

N, NEURONS, LAYERS, BARS = 200, 100, 6, 25
# by name: the function, and the interval that is drawn; what lies beyond is counted in the last bar
ACTIVATIONS: dict[str, tuple[Callable[[Array], Array], tuple[float, float]]] = {
    "tanh": (np.tanh, (-1.0, 1.0)),
    "ReLU": (lambda x: np.maximum(x, 0), (0.0, 3.0)),
}
NAMES = ("without", "with")  # batch normalisation

WIDTH, HEIGHT, LEFT, TOP = 880, 452, 118, 74
PANEL, ROOM, TALL, ROW = 112, 126, 104, 168  # width of a panel and with its gap, height of a panel and of a row


@dataclass(frozen=True)
class State:
    """What the controls say: the deviation of the weights in hundredths, and the name of the activation."""

    scale: int = 5
    activation: str = "tanh"


@dataclass(frozen=True)
class Step:
    """What is drawn for a state.

    Attributes:
        outputs: for "without" and "with", what each layer gives out, (N, 100); fewer layers where something failed.
        problem: what is wrong with the student's function; "" if nothing is.
    """

    state: State
    outputs: dict[str, list[Array]]
    problem: str

    def spreads(self, name: str) -> list[float]:
        """The standard deviation of all activations of each layer."""
        return [float(y.std()) for y in self.outputs[name]]


def compute(state: State, batch_norm: BatchNorm) -> Step:
    """Send one batch through both networks, which have the same weights.

    >>> step = compute(State(scale=1), lambda x, gamma, beta, running, *, training: ((x - x.mean(0)) / x.std(0), None))
    >>> [f"{spread:.3f}" for spread in step.spreads("without")[:3]], [f"{s:.1f}" for s in step.spreads("with")[:3]]
    (['0.098', '0.010', '0.001'], ['0.6', '0.6', '0.6'])
    """
    activate, _ = ACTIVATIONS[state.activation]
    rng = np.random.default_rng(8)
    x: Array = rng.standard_normal((N, NEURONS))
    weights = state.scale / 100 * rng.standard_normal((LAYERS, NEURONS, NEURONS))
    outputs: dict[str, list[Array]] = {name: [] for name in NAMES}
    y, problem = x, ""
    for w in weights:
        y = activate(y @ w)
        outputs["without"].append(y)
    y = x
    for w in weights:
        normal, problem = _ask(batch_norm, y @ w)
        if normal is None:
            break
        y = activate(normal)
        outputs["with"].append(y)
    return Step(state, outputs, problem)


def demo(batch_norm: BatchNorm) -> "Live":
    """Move the scale of the weights, and see what each layer gives out.

    Args:
        batch_norm: `y = batch_norm(x, gamma, beta, running, *, training)`, or one that returns y and a cache.

    Returns:
        the demo, which shows itself as the last value of a cell.
    """
    import ipywidgets as widgets  # late: whoever draws a step needs no widgets

    from .live import Live

    start = State()
    scale = widgets.IntSlider(value=start.scale, min=1, max=50, description="scale")
    activation = widgets.ToggleButtons(options=list(ACTIVATIONS), value=start.activation, description="activation")
    scale.layout.width = "60%"

    def show() -> Scene:
        return draw(compute(State(scale.value, activation.value), batch_norm))

    return Live("normalisation", [[scale], [activation]], show)


def draw(step: Step) -> Scene:
    """Draw a histogram for each layer, above without and below with batch normalisation."""
    label = _label(step)
    words = (
        f"weights drawn from N(0, {step.state.scale / 100:.2f}²), {NEURONS} inputs a neuron, {step.state.activation}"
    )
    items: list[Item] = [Text(16, 22, words, 17, anchor="start", bold=True)]
    items += [Text(LEFT + n * ROOM + PANEL / 2, 54, f"layer {n + 1}") for n in range(LAYERS)]
    for row, (name, colour) in enumerate(zip(NAMES, (ORANGE, BLUE), strict=True)):
        top = TOP + row * ROW
        for n, text in enumerate((name, "batch", "norm")):
            items.append(Text(16, top + 24 + 22 * n, text, 16, anchor="start", bold=n == 0))
        for n in range(LAYERS):
            items += _panel(step, name, n, LEFT + n * ROOM, top, colour)
    for n, text in enumerate(textwrap.wrap(step.problem, 104)[:2]):
        items.append(Text(16, HEIGHT - 36 + 22 * n, text, 15, VERMILLION, "start", css="problem"))
    data = {"demo": "normalisation", "scale": str(step.state.scale), "activation": step.state.activation}
    return Scene(WIDTH, HEIGHT, label, tuple(items), data)


def _panel(step: Step, name: str, layer: int, left: float, top: float, colour: str) -> Iterator[Item]:
    """The histogram of one layer, its axis, and the standard deviation below."""
    _, (low, high) = ACTIVATIONS[step.state.activation]
    bottom = top + TALL
    yield Rect(left, top, PANEL, TALL, "#F7F7F7", GREY)
    if layer >= len(step.outputs[name]):
        yield Text(left + PANEL / 2, top + TALL / 2, "?", 28, GREY)
        return
    y = step.outputs[name][layer]
    counts, _ = np.histogram(y.clip(low, high), BARS, (low, high))
    tallest, wide = max(counts[1:-1].max(), 0.25 * counts.max()), PANEL / BARS
    for n in np.flatnonzero(counts):
        height = TALL * min(float(counts[n] / tallest), 1.0) * 0.94
        yield Rect(left + n * wide, bottom - height, wide, height, colour, INK, 0.5, css=f"bar-{name}")
    if low < 0:
        yield Line(left + PANEL / 2, top, left + PANEL / 2, bottom, GREY, dashes=True)
    yield Text(left, bottom + 12, _short(low), 13, anchor="start")
    yield Text(left + PANEL, bottom + 12, _short(high) + ("+" if low == 0 else ""), 13, anchor="end")
    yield Text(left + PANEL / 2, bottom + 34, f"std {_spread(y.std())}", 15, css=f"std-{name}")


def _ask(batch_norm: BatchNorm, x: Array) -> tuple[Array | None, str]:
    """What the student's function makes of x, or None and what is wrong with it."""
    running = {"mean": np.zeros(NEURONS), "var": np.ones(NEURONS)}
    try:
        answer = batch_norm(x, np.ones(NEURONS), np.zeros(NEURONS), running, training=True)
    except NotImplementedError:
        return None, "Your batch_norm is not written yet."
    except Exception as error:
        return None, f"Your batch_norm raised {type(error).__name__}: {str(error)[:150]}"
    y = answer[0] if isinstance(answer, tuple) and answer else answer
    if not isinstance(y, np.ndarray):
        return None, f"Your batch_norm returned a {type(y).__name__}; an array of shape {x.shape} would fit."
    if y.shape != x.shape or y.dtype.kind != "f":
        return None, f"Your batch_norm returned shape {y.shape}, {y.dtype}; {x.shape}, {x.dtype} would fit."
    if not np.isfinite(y).all():
        return None, "Your batch_norm returned numbers that are not finite."
    return y, ""


def _spread(std: float) -> str:
    """Three digits or all before the point; a power of ten only of what would else read 0.000."""
    if 0 < std < 0.001:
        mantissa, exponent = f"{std:.0e}".split("e")
        return f"{mantissa}e{int(exponent)}".replace("-", "−")
    decimals = 3 if std < 0.1 else 2 if std < 10 else 1 if std < 100 else 0
    return f"{std:.{decimals}f}"


def _short(value: float) -> str:
    return f"{value:g}".replace("-", "−")


def _label(step: Step) -> str:
    """The state in words, for whoever does not see the picture."""
    said = [
        f"{name} batch normalisation {', '.join(_spread(s) for s in step.spreads(name)) or 'nothing'}" for name in NAMES
    ]
    return (
        f"Histograms of the activations of {LAYERS} layers of {step.state.activation}, weights of deviation "
        f"{step.state.scale / 100:.2f}. Standard deviations from layer 1 to {LAYERS}: {'; '.join(said)}. {step.problem}"
    ).strip()
