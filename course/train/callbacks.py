"""The one way in which a training reports: it calls functions with what has just happened."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from course.train.evaluation import Trainable
from course.train.history import History

__all__ = ["Bar", "Callback", "Event"]


@dataclass(frozen=True)
class Event:
    """What a callback is told.

    Attributes:
        when: "start" once, "batch" after each update, "epoch" after each epoch, when it is in the history, and
            "end" once, whatever the reason.
        epoch: the epoch under way, counted from 1.
        epochs: how many there are to be.
        batch: how many batches of this epoch are done.
        batches: how many an epoch has.
        model: being trained; look, do not change.
        history: all that is measured so far.
    """

    when: Literal["start", "batch", "epoch", "end"]
    epoch: int
    epochs: int
    batch: int
    batches: int
    model: Trainable
    history: History


Callback = Callable[[Event], bool | None]
"""Called with each event; returning True asks the training to stop after this batch."""


class Bar:
    """A progress bar in text, for the terminal and the notebook: `fit(…, callbacks=[Bar()])`.

    Args:
        file: where to write; None for standard output.
    """

    def __init__(self, file: Any = None) -> None:
        self._file = file
        self._bar: Any = None

    def __call__(self, event: Event) -> None:
        done = (event.epoch - 1) * event.batches + event.batch
        if self._bar is None:
            from tqdm.std import tqdm  # late: a training without a bar needs no tqdm

            self._bar = tqdm(
                total=event.epochs * event.batches,
                initial=done,
                unit=" batches",
                file=self._file or sys.stdout,
                dynamic_ncols=True,
            )
        if event.when == "batch":
            self._bar.update(done - self._bar.n)
        elif event.when == "epoch":
            h = event.history
            figures = {"loss": h.loss, "val_loss": h.val_loss, "val_accuracy": h.val_accuracy}
            self._bar.set_description(f"epoch {event.epoch} of {event.epochs}")
            self._bar.set_postfix({name: f"{values[-1]:.3g}" for name, values in figures.items() if values})
        elif event.when == "end":
            self._bar.close()
            self._bar = None
