"""A gradient on its way back through a pooling layer, window by window, as plain data: no widget and no picture."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from course import ops
from course.shapes import output_size

__all__ = ["FIELDS", "KINDS", "PICTURES", "Answer", "Array", "Pair", "State", "Step", "ask", "compute"]

Array = npt.NDArray[np.float64]
Pair = tuple[Callable[..., Any], Callable[..., Any]]  # forward and backward


def _rows(numbers: str) -> Array:
    return np.array([[float(number) for number in row.split()] for row in numbers.split(",")])


PICTURES: dict[str, Array] = {
    "4×4 of EECS 442": _rows("1 1 2 4, 5 6 7 8, 3 2 1 0, 1 1 3 4"),
    "6×6 stroke": _rows("0 0 7 2 0 0, 0 0 9 1 0 0, 0 0 8 0 0 0, 0 0 6 0 0 0, 0 0 9 3 0 0, 0 0 5 0 0 0"),
    "4×6 below 0, with ties": _rows("-3 -1 -1 -4 -2 -2, -2 -5 -1 -3 -2 -6, -4 -4 -7 -2 -2 -1, -4 -4 -3 -5 -8 -1"),
}
FIELDS = {"2×2": (2, 2), "3×3": (3, 3), "1×2": (1, 2)}
KINDS = ("max", "mean")
_RIGHT: dict[str, Pair] = {
    "max": (ops.max_pool2d, ops.max_pool2d_backward),
    "mean": (ops.avg_pool2d, ops.avg_pool2d_backward),
}


@dataclass(frozen=True)
class State:
    """What the controls say."""

    picture: str = "4×4 of EECS 442"
    kind: str = "max"
    field: str = "2×2"
    stride: int = 2
    shift: int = 0
    window: int = 0

    @property
    def before(self) -> Array:
        """The picture (H, W) where it stood first."""
        return PICTURES[self.picture]

    @property
    def x(self) -> Array:
        """The picture, moved to the right; its smallest number enters on the left."""
        x = np.full_like(self.before, min(self.before.min(), 0.0))
        x[:, self.shift :] = self.before[:, : x.shape[1] - self.shift]
        return x

    def sizes(self) -> tuple[int, int]:
        """OH and OW.

        Raises:
            ValueError: the window does not fit.
        """
        (h, w), (fh, fw) = self.before.shape, FIELDS[self.field]
        return output_size(h, fh, stride=self.stride), output_size(w, fw, stride=self.stride)

    def dy(self) -> Array:
        """The upstream gradient (OH, OW): multiples of 36, whose shares are whole."""
        oh, ow = self.sizes()
        return np.asarray(36.0 * (1 + np.arange(oh * ow) % 5)).reshape(oh, ow)


@dataclass(frozen=True)
class Answer:
    """What the student's functions said: y (OH, OW); dx (windows, H, W) after each window; or why there is none."""

    y: Array | None = None
    dx: Array | None = None
    problem: str = ""


@dataclass(frozen=True)
class Step:
    """All that there is to see in one state. Where the window does not fit, y and all that follows is empty."""

    state: State
    answer: Answer
    y: Array  # (OH, OW), the right answer
    y_before: Array  # (OH, OW), that of the picture where it stood first
    dy: Array  # (OH, OW)
    share: Array  # (windows, H, W): what each window sends back
    misfit: str = ""  # why the window does not fit

    @property
    def windows(self) -> int:
        """How many places the window has."""
        return self.y.size

    @property
    def last(self) -> int:
        """The number of the window at hand; one beyond the last is the last."""
        return min(self.state.window, self.windows - 1)

    @property
    def place(self) -> tuple[int, int]:
        """Its row and column among all windows."""
        row, column = divmod(self.last, self.y.shape[1])
        return row, column

    @property
    def dx(self) -> Array:
        """The right gradient (H, W), so far."""
        return np.asarray(self.share[: self.last + 1].sum(axis=0))

    @property
    def receivers(self) -> list[tuple[int, int]]:
        """The cells to which the window at hand sends: one for the maximum, all of its cells for the mean."""
        return [(int(p), int(q)) for p, q in zip(*np.nonzero(self.share[self.last]), strict=True)]


def ask(state: State, functions: Mapping[str, Pair]) -> Answer:
    """Call the student's pair as the state says. Whatever it does becomes an answer; the window plays no part.

    The backward function is asked once for every number of windows: what overwrites instead of adding shows.

    >>> ask(State(), {"max": (lambda x, field, stride: (x[:, :, :2, :2], ()), None)}).problem
    "'NoneType' object is not callable: your backward function raised TypeError."
    """
    forward, backward = functions[state.kind]
    try:
        shape: tuple[int, ...] | None = (1, 1, *state.sizes())
    except ValueError:
        shape = None
    try:
        answer = forward(state.x[None, None], FIELDS[state.field], stride=state.stride)
    except NotImplementedError:
        return Answer(problem="Your forward function is not written yet.")
    except Exception as error:
        if shape is None and isinstance(error, ValueError):
            return Answer(problem="Your function refuses it too ✓")
        return Answer(problem=f"{error}: your forward function raised {type(error).__name__}.")
    if shape is None:
        return Answer(problem="Your forward function gives an answer all the same; an error would fit.")
    if type(answer) is not tuple or len(answer) != 2:
        return Answer(problem="Your forward function should return y and a cache.")
    if problem := _misshapen(answer[0], shape, "forward"):
        return Answer(problem=problem)
    y = answer[0][0, 0].astype(float)
    dx, problem = _backwards(state, backward, answer[1])
    return Answer(y, dx, problem)


def _backwards(state: State, backward: Callable[..., Any], cache: Any) -> tuple[Array | None, str]:
    dy, shape = state.dy(), (1, 1, *state.x.shape)
    parts = []
    for count in range(1, dy.size + 1):
        so_far = np.where(np.arange(dy.size) < count, dy.ravel(), 0.0).reshape(1, 1, *dy.shape)
        try:
            dx = backward(so_far, cache)
        except NotImplementedError:
            return None, "Your backward function is not written yet."
        except Exception as error:
            return None, f"{error}: your backward function raised {type(error).__name__}."
        if problem := _misshapen(dx, shape, "backward"):
            return None, problem
        parts.append(dx[0, 0].astype(float))
    return np.array(parts), ""


def _misshapen(value: Any, shape: tuple[int, ...], which: str) -> str:
    if not isinstance(value, np.ndarray):
        return f"Your {which} function returned a {type(value).__name__}; an array {shape} would fit."
    if value.dtype.kind not in "fiu":
        return f"Your {which} function returned an array of {value.dtype}; numbers would fit."
    return "" if value.shape == shape else f"Your {which} function returned shape {value.shape}; {shape} would fit."


def compute(state: State, answer: Answer) -> Step:
    """Work out what every window says and sends back.

    >>> step = compute(State(window=1), Answer())
    >>> step.place, step.y[step.place], step.receivers
    ((0, 1), np.float64(8.0), [(1, 3)])
    """
    try:
        dy = state.dy()
    except ValueError as error:
        nothing = np.zeros((0, 0))
        return Step(state, answer, nothing, nothing, nothing, nothing, misfit=str(error).split(";")[0])
    forward, backward = _RIGHT[state.kind]
    how = {"field": FIELDS[state.field], "stride": state.stride}
    y, cache = forward(state.x[None, None], **how)
    each = np.eye(dy.size).reshape(-1, 1, 1, *dy.shape) * dy
    share = np.array([backward(part, cache)[0, 0] for part in each])
    return Step(state, answer, y[0, 0], forward(state.before[None, None], **how)[0][0, 0], dy, share)
