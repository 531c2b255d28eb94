"""Which outputs a pixel acts on and what comes back from them, as plain data: no widget and no picture."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from course.shapes import output_size

__all__ = ["FILTERS", "SIZE", "Answer", "Array", "State", "Step", "Way", "X", "ask", "compute", "upstream"]

Array = npt.NDArray[np.float64]

SIZE = 5  # of the picture
FILTERS: dict[str, Array] = {
    "3×3": np.array([[1, 2, 3], [4, 5, 6], [7, 8, 9]], float),
    "2×3": np.array([[1, 2, 3], [4, 5, 6]], float),
    "1×1": np.array([[3.0]]),
}
X = np.array([[2, 0, 1, 3, 1], [1, 4, 0, 2, 0], [3, 1, 2, 0, 1], [0, 2, 1, 4, 3], [1, 0, 3, 1, 2]], float)
DY = np.array([2, -1, 1, 3, -2, 1, 2, 1, -3, 1, -1, 2, 1])  # for as many outputs as there are, over and over


@dataclass(frozen=True)
class State:
    """What the controls say. Row and column count from the upper left cell of the padding."""

    filter: str = "3×3"
    stride: int = 1
    pad: int = 0
    row: int = 2
    column: int = 2

    @property
    def w(self) -> Array:
        """The filter (FH, FW)."""
        return FILTERS[self.filter]

    def sizes(self) -> tuple[int, int]:
        """OH and OW.

        Raises:
            ValueError: the window does not fit.
        """
        fh, fw = self.w.shape
        oh = output_size(SIZE, fh, stride=self.stride, pad=self.pad)
        return oh, output_size(SIZE, fw, stride=self.stride, pad=self.pad)


@dataclass(frozen=True)
class Way:
    """From the pixel to one output (i, j) and back: by the weight (u, v), with this dy."""

    i: int
    j: int
    u: int
    v: int
    weight: float
    dy: float

    @property
    def product(self) -> float:
        return self.weight * self.dy


@dataclass(frozen=True)
class Answer:
    """What the student's function said: its dx (H, W), or in words why there is none to show."""

    dx: Array | None = None
    problem: str = ""


@dataclass(frozen=True)
class Step:
    """All that there is to see in one state. Where the window does not fit there is no dy."""

    state: State
    answer: Answer
    dy: Array | None = None  # (OH, OW)
    ways: tuple[Way, ...] = ()
    misfit: str = ""  # why the window does not fit

    @property
    def pixel(self) -> tuple[int, int]:
        """Row and column in the picture; outside of it in the padding. Beyond the last cell is the last."""
        last = SIZE + self.state.pad - 1
        return min(self.state.row - self.state.pad, last), min(self.state.column - self.state.pad, last)

    @property
    def is_padding(self) -> bool:
        return not all(0 <= place < SIZE for place in self.pixel)

    @property
    def total(self) -> float:
        """The right dx of this pixel: the sum of what comes back."""
        return sum((way.product for way in self.ways), 0.0)

    @property
    def said(self) -> float | None:
        """The student's dx of this pixel, if there is one."""
        return None if self.answer.dx is None or self.is_padding else float(self.answer.dx[self.pixel])


def upstream(state: State) -> Array:
    """The dy (OH, OW) that has come from above."""
    oh, ow = state.sizes()
    return np.resize(DY, (oh, ow)).astype(float)


def ask(state: State, conv2d_backward: Callable[..., Any]) -> Answer:
    """Call the student's function as the state says. Whatever it does becomes an answer; the pixel plays no part.

    >>> ask(State(), lambda dy, cache: (cache[0][0], 1, 2)).problem
    'Your conv2d_backward returned a dx of shape (1, 5, 5); (1, 1, 5, 5) would fit.'
    """
    try:
        dy = upstream(state)[None, None]
    except ValueError:
        return Answer()  # nothing to ask
    cache = (X[None, None].copy(), state.w[None, None].copy(), state.stride, state.pad)
    try:
        found = conv2d_backward(dy, cache)
    except NotImplementedError:
        return Answer(problem="Your conv2d_backward is not written yet.")
    except Exception as error:
        return Answer(problem=f"Your conv2d_backward raised {type(error).__name__}: {error}")
    if type(found) is not tuple or len(found) != 3:
        return Answer(problem=f"Your conv2d_backward returned a {type(found).__name__}; (dx, dw, db) would fit.")
    dx = found[0]
    if not isinstance(dx, np.ndarray) or dx.dtype.kind not in "fiu":
        return Answer(problem=f"Your dx is a {type(dx).__name__}; an array of numbers would fit.")
    if dx.shape != (1, 1, SIZE, SIZE):
        return Answer(
            problem=f"Your conv2d_backward returned a dx of shape {dx.shape}; {(1, 1, SIZE, SIZE)} would fit."
        )
    return Answer(dx[0, 0].astype(float))


def compute(state: State, answer: Answer) -> Step:
    """Find every output that the pixel acts on.

    >>> step = compute(State(row=0, column=1), Answer())
    >>> [(way.i, way.j, way.u, way.v) for way in step.ways]
    [(0, 0, 0, 1), (0, 1, 0, 0)]
    """
    try:
        dy = upstream(state)
    except ValueError as error:
        return Step(state, answer, misfit=str(error).split(";")[0])
    step = Step(state, answer, dy)
    p, q = (place + state.pad for place in step.pixel)  # in the padded picture
    fh, fw = state.w.shape
    ways = []
    for i, j in np.ndindex(dy.shape):
        u, v = p - i * state.stride, q - j * state.stride
        if 0 <= u < fh and 0 <= v < fw:
            ways.append(Way(i, j, u, v, float(state.w[u, v]), float(dy[i, j])))
    return Step(state, answer, dy, tuple(ways))
