"""The sliding window, step by step, as plain data: no widget and no picture."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from course.shapes import output_size

__all__ = ["KERNELS", "PICTURES", "Answer", "Array", "Conv2d", "State", "Step", "ask", "compute"]

Array = npt.NDArray[np.float64]
Conv2d = Callable[..., Any]


def _rows(digits: str) -> Array:
    return np.array([[float(digit) for digit in row] for row in digits.split()])


PICTURES: dict[str, Array] = {
    "5×5 of SYSU": _rows("11100 01110 00111 00110 01100"),
    "3×3 of EECS 545": np.array([[0, 80, 40], [20, 40, 0], [0, 0, 40]], float),
    "7×7 box": np.pad(np.full((3, 3), 9.0), 2),
    "4×7 edge": _rows("1115555 1115555 1115555 1115555"),
}
KERNELS: dict[str, Array] = {
    "cross of SYSU": _rows("101 010 101"),
    "left–right": np.array([[-1, 0, 1], [-1, 0, 1], [-1, 0, 1]], float),
    "2×2 of EECS 545": np.array([[0, 0.25], [0.5, 1]]),
    "1×3 sum": np.ones((1, 3)),
}


@dataclass(frozen=True)
class State:
    """What the controls say."""

    picture: str = "5×5 of SYSU"
    kernel: str = "cross of SYSU"
    turned: bool = False
    stride: int = 1
    pad: int = 0
    window: int = 0

    @property
    def x(self) -> Array:
        """The picture (H, W)."""
        return PICTURES[self.picture]

    @property
    def w(self) -> Array:
        """The kernel (FH, FW) as it meets the window: turned by 180° it makes the operation a convolution."""
        return KERNELS[self.kernel][::-1, ::-1] if self.turned else KERNELS[self.kernel]

    def sizes(self) -> tuple[int, int]:
        """OH and OW.

        Raises:
            ValueError: the window does not fit.
        """
        (h, w), (fh, fw) = self.x.shape, self.w.shape
        oh = output_size(h, fh, stride=self.stride, pad=self.pad)
        return oh, output_size(w, fw, stride=self.stride, pad=self.pad)


@dataclass(frozen=True)
class Answer:
    """What the student's function said: its numbers (OH, OW), or in words why there are none to show."""

    y: Array | None = None
    problem: str = ""


@dataclass(frozen=True)
class Step:
    """All that there is to see in one state. Where the window does not fit there are no products."""

    state: State
    answer: Answer
    padded: Array  # (H + 2P, W + 2P)
    products: Array | None = None  # (OH, OW, FH, FW)
    misfit: str = ""  # why the window does not fit

    @property
    def place(self) -> tuple[int, int]:
        """Row and column of the window among all windows; a window beyond the last is the last."""
        assert self.products is not None
        oh, ow = self.products.shape[:2]
        row, column = divmod(min(self.state.window, oh * ow - 1), ow)
        return row, column

    @property
    def windows(self) -> int:
        """How many places the window has."""
        return 0 if self.products is None else self.products.shape[0] * self.products.shape[1]

    @property
    def sums(self) -> Array | None:
        """The right answer (OH, OW): the sum of the products of each window."""
        return None if self.products is None else np.asarray(self.products.sum(axis=(2, 3)))


def ask(state: State, conv2d: Conv2d) -> Answer:
    """Call the student's function as the state says. Whatever it does becomes an answer; the window plays no part.

    >>> ask(State(), lambda x, w, b, *, stride, pad: x[:, :, :2]).problem
    'Your conv2d returned shape (1, 1, 2, 5); (1, 1, 3, 3) would fit.'
    """
    x, w = state.x[None, None].copy(), state.w[None, None].copy()
    try:
        shape: tuple[int, ...] | None = (1, 1, *state.sizes())
    except ValueError:
        shape = None
    try:
        y = conv2d(x, w, np.zeros(1), stride=state.stride, pad=state.pad)
    except NotImplementedError:
        return Answer(problem="Your conv2d is not written yet.")
    except Exception as error:
        if shape is None and isinstance(error, ValueError):
            return Answer(problem="Your conv2d refuses it too ✓")
        return Answer(problem=f"Your conv2d raised {type(error).__name__}: {error}")
    if type(y) is tuple and y:  # with a cache
        y = y[0]
    would = "an error" if shape is None else str(shape)
    if not isinstance(y, np.ndarray):
        return Answer(problem=f"Your conv2d returned a {type(y).__name__}; {would} would fit.")
    if y.dtype.kind not in "fiu":
        return Answer(problem=f"Your conv2d returned an array of {y.dtype}; numbers would fit.")
    if y.shape != shape:
        return Answer(problem=f"Your conv2d returned shape {y.shape}; {would} would fit.")
    return Answer(y[0, 0].astype(float))


def compute(state: State, answer: Answer) -> Step:
    """Work out every product of every window.

    >>> step = compute(State(window=1), Answer())
    >>> step.place, step.sums[step.place]
    ((0, 1), np.float64(3.0))
    """
    padded = np.pad(state.x, state.pad)
    try:
        state.sizes()
    except ValueError as error:
        return Step(state, answer, padded, misfit=str(error).split(";")[0])
    windows = np.lib.stride_tricks.sliding_window_view(padded, state.w.shape)
    return Step(state, answer, padded, windows[:: state.stride, :: state.stride] * state.w + 0.0)  # no −0
