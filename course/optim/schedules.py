"""How the learning rate changes: a schedule is a function of what has happened so far.

    factor = schedule(epoch, measured)

`epoch` counts those that are over, `measured` holds the validation loss of each (the training loss, if there is no
validation). The epoch that follows uses the first learning rate times the factor. A schedule remembers nothing, so
that a training which is resumed goes on as if it had never stopped; any function of this form will do.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import cos, inf, pi

from course.data.arguments import check_number, whole

__all__ = ["Schedule", "cosine", "plateau", "step"]

Schedule = Callable[[int, Sequence[float]], float]

# Classes rather than functions that return functions, so that a schedule can say what it is: a checkpoint notes it.


@dataclass(frozen=True, kw_only=True)
class step:
    """Multiply the learning rate by a factor after every so many epochs.

    Raises:
        TypeError: every is not whole, or factor no number.
        ValueError: every is less than 1, or factor is not between 0 and 1.

    Source: Sun Yat-sen University, "ResNet": divide by 10.

    >>> schedule = step(every=2, factor=0.5)
    >>> [schedule(epoch, []) for epoch in range(5)]
    [1.0, 1.0, 0.5, 0.5, 0.25]
    """

    every: int
    factor: float = 0.1

    def __post_init__(self) -> None:
        _check(self.factor, every=self.every)

    def __call__(self, epoch: int, measured: Sequence[float]) -> float:
        return float(self.factor ** (epoch // self.every))


@dataclass(frozen=True, kw_only=True)
class cosine:
    """Sink from 1 to the floor in `epochs` epochs, along half a cosine, slowly at both ends; then stay there.

    Raises:
        TypeError: epochs is not whole, or floor no number.
        ValueError: epochs is less than 1, or floor is not between 0 and 1.

    Source: Loshchilov and Hutter, "SGDR: Stochastic gradient descent with warm restarts", 2017, equation 5.

    >>> schedule = cosine(epochs=4)
    >>> [round(schedule(epoch, []), 3) for epoch in range(6)]
    [1.0, 0.854, 0.5, 0.146, 0.0, 0.0]
    """

    epochs: int
    floor: float = 0.0

    def __post_init__(self) -> None:
        check_number("floor", self.floor)
        if not 0 <= self.floor <= 1:
            raise ValueError(f"floor is {self.floor}; 0 to 1 would fit")
        _check(epochs=self.epochs)

    def __call__(self, epoch: int, measured: Sequence[float]) -> float:
        return self.floor + (1 - self.floor) * (1 + cos(pi * min(epoch, self.epochs) / self.epochs)) / 2


@dataclass(frozen=True, kw_only=True)
class plateau:
    """Multiply the learning rate by a factor when `patience` epochs in a row brought no new best.

    Args:
        patience: how many epochs to wait; a reduction begins a new wait.
        factor: what the rate is multiplied by.
        tolerance: a loss counts as a new best when it is lower by more than this.

    Raises:
        TypeError: patience is not whole, or another argument no number.
        ValueError: patience is less than 1, factor is not between 0 and 1, or tolerance is negative.

    Source: Sun Yat-sen University, "Learning magic in AlexNet": divided by 10 every time the validation accuracy
    plateaus.

    >>> schedule = plateau(patience=2)
    >>> schedule(5, [0.9, 0.5, 0.6, 0.5, 0.4])       # epochs 3 and 4 were no better than epoch 2
    0.1
    """

    patience: int = 2
    factor: float = 0.1
    tolerance: float = 0.0

    def __post_init__(self) -> None:
        _check(self.factor, patience=self.patience)
        check_number("tolerance", self.tolerance)
        if not self.tolerance >= 0:
            raise ValueError(f"tolerance is {self.tolerance}; 0 or more would fit")

    def __call__(self, epoch: int, measured: Sequence[float]) -> float:
        rate, best, waited = 1.0, inf, 0
        for loss in measured:
            best, waited = (loss, 0) if loss < best - self.tolerance else (best, waited + 1)
            if waited == self.patience:
                rate, waited = rate * self.factor, 0
        return rate


def _check(factor: float = 0.5, **counts: int) -> None:
    check_number("factor", factor)
    if not 0 < factor < 1:
        raise ValueError(f"factor is {factor}; between 0 and 1 would fit")
    for name, count in counts.items():
        whole(name, count)
