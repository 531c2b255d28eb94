"""How the learning rate changes: a schedule is a function of what has happened so far.

    factor = schedule(epoch, measured)

`epoch` counts those that are over, `measured` holds the validation loss of each (the training loss, if there is no
validation). The epoch that follows uses the first learning rate times the factor. A schedule remembers nothing, so
that a training which is resumed goes on as if it had never stopped; any function of this form will do.
"""

from collections.abc import Callable, Sequence
from math import cos, inf, pi

__all__ = ["Schedule", "constant", "cosine", "plateau", "step"]

Schedule = Callable[[int, Sequence[float]], float]


def constant() -> Schedule:
    """Keep the first learning rate.

    >>> constant()(7, [])
    1.0
    """
    return lambda epoch, measured: 1.0


def step(*, every: int, factor: float = 0.1) -> Schedule:
    """Multiply the learning rate by a factor after every so many epochs.

    Raises:
        ValueError: every is less than 1, or factor is not between 0 and 1.

    Source: Sun Yat-sen University, "ResNet": "divide by 10".

    >>> [step(every=2, factor=0.5)(epoch, []) for epoch in range(5)]
    [1.0, 1.0, 0.5, 0.5, 0.25]
    """
    _check(factor, every=every)
    return lambda epoch, measured: float(factor ** (epoch // every))


def cosine(*, epochs: int, floor: float = 0.0) -> Schedule:
    """Sink from 1 to the floor in `epochs` epochs, along half a cosine, slowly at both ends; then stay there.

    Raises:
        ValueError: epochs is less than 1, or floor is not between 0 and 1.

    Source: Loshchilov and Hutter, "SGDR: Stochastic gradient descent with warm restarts", 2017, equation 5.

    >>> [round(cosine(epochs=4)(epoch, []), 3) for epoch in range(6)]
    [1.0, 0.854, 0.5, 0.146, 0.0, 0.0]
    """
    if not 0 <= floor <= 1:
        raise ValueError(f"floor is {floor}; 0 to 1 would fit")
    _check(0.5, epochs=epochs)
    return lambda epoch, measured: floor + (1 - floor) * (1 + cos(pi * min(epoch, epochs) / epochs)) / 2


def plateau(*, patience: int = 2, factor: float = 0.1, tolerance: float = 0.0) -> Schedule:
    """Multiply the learning rate by a factor when `patience` epochs in a row brought no new best.

    Args:
        patience: how many epochs to wait; a reduction begins a new wait.
        factor: what the rate is multiplied by.
        tolerance: a loss counts as a new best when it is lower by more than this.

    Raises:
        ValueError: patience is less than 1, factor is not between 0 and 1, or tolerance is negative.

    Source: Sun Yat-sen University, "Learning magic in AlexNet": divided by 10 every time the validation accuracy
    plateaus.

    >>> plateau(patience=2)(5, [0.9, 0.5, 0.6, 0.5, 0.4])       # epochs 3 and 4 were no better than epoch 2
    0.1
    """
    _check(factor, patience=patience)
    if not tolerance >= 0:
        raise ValueError(f"tolerance is {tolerance}; 0 or more would fit")

    def schedule(epoch: int, measured: Sequence[float]) -> float:
        rate, best, waited = 1.0, inf, 0
        for loss in measured:
            best, waited = (loss, 0) if loss < best - tolerance else (best, waited + 1)
            if waited == patience:
                rate, waited = rate * factor, 0
        return rate

    return schedule


def _check(factor: float, **counts: int) -> None:
    if not 0 < factor < 1:
        raise ValueError(f"factor is {factor}; between 0 and 1 would fit")
    for name, count in counts.items():
        if count < 1:
            raise ValueError(f"{name} is {count}; 1 or more would fit")
