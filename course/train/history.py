"""What a training has measured, epoch by epoch."""

from dataclasses import dataclass, field, fields
from math import inf, isfinite

__all__ = ["History"]


@dataclass
class History:
    """The measurements of a training. Every list but `batch_loss` has one entry for each epoch that is over.

    Attributes:
        loss: mean training loss over the epoch, while the weights were changing.
        accuracy: mean training accuracy, likewise; empty if the targets are no labels.
        val_loss: validation loss after the epoch; empty without validation data.
        val_accuracy: validation accuracy after the epoch; empty without validation data or labels.
        lr: the learning rate of the epoch.
        seconds: how long the epoch took, without validation.
        batch_loss: the loss of each batch so far, those of an unfinished epoch too.
        batches: how many batches an epoch has.
        stopped: why the training ended; "" while it is under way.
    """

    loss: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)
    val_loss: list[float] = field(default_factory=list)
    val_accuracy: list[float] = field(default_factory=list)
    lr: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    batch_loss: list[float] = field(default_factory=list)
    batches: int = 0
    stopped: str = ""

    @classmethod
    def lists(cls) -> tuple[str, ...]:
        """The names of what is measured."""
        return tuple(f.name for f in fields(cls) if f.name not in ("batches", "stopped"))

    @property
    def epochs(self) -> int:
        """How many epochs are over."""
        return len(self.loss)

    @property
    def measured(self) -> list[float]:
        """What a training is steered by: the validation loss, or without validation the training loss."""
        return self.val_loss or self.loss

    @property
    def best_epoch(self) -> int:
        """The epoch, counted from 1, after which `measured` was lowest; 0 before the first is over.

        >>> History(loss=[0.9, 0.5, 0.6], val_loss=[1.0, 0.8, 0.7]).best_epoch
        3
        """
        candidates = [value if isfinite(value) else inf for value in self.measured]
        return candidates.index(min(candidates)) + 1 if candidates else 0

    def __str__(self) -> str:
        """Say in a line how it went.

        >>> print(History(loss=[2.3, 0.5], val_loss=[2.0, 0.6], val_accuracy=[0.4, 0.85], seconds=[1.2, 1.3]))
        2 epochs in 2.5 s: loss 2.3 → 0.5, validation loss 0.6, validation accuracy 85.0 %
        """
        if not self.loss:
            return f"no epoch is over, {len(self.batch_loss)} batches are"
        text = f"{self.epochs} epoch{'s' * (self.epochs > 1)} in {sum(self.seconds):.1f} s: "
        text += f"loss {self.loss[0]:.3g} → {self.loss[-1]:.3g}"
        if self.val_loss:
            text += f", validation loss {self.val_loss[-1]:.3g}"
        if self.val_accuracy or self.accuracy:
            which = "validation" if self.val_accuracy else "training"
            text += f", {which} accuracy {(self.val_accuracy or self.accuracy)[-1]:.1%}".replace("%", " %")
        return text
