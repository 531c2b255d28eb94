"""One training under way: what it was started with, where it is, and its next step."""

import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from inspect import signature
from math import isfinite
from pathlib import Path
from time import perf_counter
from typing import Any, Literal

import numpy as np

from course.layers import Model
from course.optim import Optimizer, Schedule
from course.train.callbacks import Callback, Event
from course.train.checkpoint import Checkpoint, check_alike
from course.train.evaluation import Array, Loss, Trainable, accuracy, batches, counts_as_labels, evaluate
from course.train.history import History
from course.train.interrupt import Interrupt, interrupt_politely

__all__ = ["Plan", "Run"]


@dataclass(frozen=True)
class Plan:
    """The arguments of `fit`, which describes them."""

    model: Trainable
    data: tuple[Array, Array]
    optimizer: Optimizer
    epochs: int
    batch_size: int
    loss: Loss
    validation: tuple[Array, Array] | None
    schedule: Schedule | None
    patience: int | None
    augment: Callable[..., Array] | None
    callbacks: tuple[Callback, ...]
    path: Path | None
    save_every: int | None
    rng: np.random.Generator

    def setup(self) -> dict[str, Any]:
        """What must be the same where a training goes on; everything but how long it is to last."""
        return {
            "model": _architecture(self.model),
            "data": [*map(_fingerprint, self.data)],
            "validation": self.validation and [*map(_fingerprint, self.validation)],
            "early stopping": self.patience is not None,  # else the best weights were not kept
            "batch_size": self.batch_size,
            "rule": _name(self.optimizer.rule),
            "lr": self.optimizer.lr,
            "weight_decay": self.optimizer.weight_decay,
            "hyperparameters": {name: repr(value) for name, value in sorted(self.optimizer.hyper.items())},
            "loss": _name(self.loss),
            "schedule": _name(self.schedule),
            "augment": _name(self.augment),
            "workers": getattr(self.model, "workers", 1),  # the sum of their gradients is rounded by their number
        }


class Run:
    """A training under way.

    What decides how it goes on is the model, the optimizer's state, the random generators, the history, the number
    of the epoch and, within an epoch, the number of the batch, the order and the sums so far. A checkpoint holds
    exactly that.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.history = History(batches=len(list(batches(len(plan.data[0]), plan.batch_size))))
        self.epoch = 0  # epochs that are over
        self.batch = 0  # batches of this epoch that are over
        self.order = np.empty(0, np.int64)  # in which this epoch shows the samples
        self.sums = {"loss": 0.0, "right": 0.0, "seconds": 0.0}  # over the samples of this epoch
        self.best: dict[str, dict[str, Array]] = {}  # of the best epoch, if early stopping wants it back
        self.first_lr = plan.optimizer.lr
        self.setup = plan.setup() if plan.path else {}
        self.interrupt = Interrupt()
        # the gradient of the pictures is of no use here, and a first layer can be spared the work for it
        backward: Callable[..., Array] = plan.model.backward
        self.backward = partial(backward, need_dx=False) if "need_dx" in signature(backward).parameters else backward

    def go(self) -> History:
        """Train until there is a reason to stop."""
        self.history.stopped = ""
        with interrupt_politely() as self.interrupt:
            try:
                self._tell("start")
                while not self._is_over():
                    self._run_epoch()
            finally:
                self.plan.optimizer.lr = self.first_lr
                self._tell("end")
        if self.best:
            self._put_back(self.best)
        return self.history

    def _is_over(self) -> bool:
        plan, history = self.plan, self.history
        if not history.stopped:
            if self.best and plan.patience and history.epochs - history.best_epoch >= plan.patience:
                history.stopped = (
                    f"no better for {plan.patience} epochs: back to the weights of epoch {history.best_epoch}"
                )
            elif self.epoch >= plan.epochs:
                history.stopped = f"all {plan.epochs} epochs are over"
        return bool(history.stopped)

    def _run_epoch(self) -> None:
        plan, n = self.plan, len(self.plan.data[0])
        if plan.schedule is not None:
            plan.optimizer.lr = self.first_lr * plan.schedule(self.epoch, self.history.measured)
        if self.batch == 0:
            self.order = plan.rng.permutation(n)
            self.sums = dict.fromkeys(self.sums, 0.0)
        for batch in list(batches(n, plan.batch_size))[self.batch :]:
            began = perf_counter()
            if not self._step(self.order[batch]):
                return
            self.sums["seconds"] += perf_counter() - began
            self.batch += 1
            self._tell("batch")
            if self.history.stopped:
                self._save()
                return
            if plan.save_every and self.batch % plan.save_every == 0 and self.batch < self.history.batches:
                self._save()
        self._finish_epoch()

    def _step(self, chosen: Array) -> bool:
        """Learn from the chosen samples; say whether the training can go on."""
        plan = self.plan
        x, y = plan.data[0][chosen], plan.data[1][chosen]
        if plan.augment is not None:
            x = plan.augment(x, rng=plan.rng)
        scores = plan.model.forward(x, training=True)
        loss, dscores = plan.loss(scores, y)
        self.history.batch_loss.append(float(loss))
        if not isfinite(loss):
            self._stop(f"the loss is {float(loss)}", hint="; a smaller learning rate would fit")
            return False
        self.backward(dscores)
        plan.optimizer.step()
        self.sums["loss"] += float(loss) * len(y)
        self.sums["right"] += accuracy(scores, y) * len(y) if counts_as_labels(scores, y) else np.nan
        return True

    def _finish_epoch(self) -> None:
        plan, history, n = self.plan, self.history, len(self.plan.data[0])
        history.loss.append(self.sums["loss"] / n)
        history.seconds.append(self.sums["seconds"])
        history.lr.append(plan.optimizer.lr)
        if isfinite(self.sums["right"]):
            history.accuracy.append(self.sums["right"] / n)
        if plan.validation is not None:
            size = max(plan.batch_size, 256)
            loss, right = evaluate(plan.model, plan.validation, loss=plan.loss, batch_size=size)
            history.val_loss.append(loss)
            if isfinite(right):
                history.val_accuracy.append(right)
        self.epoch, self.batch = self.epoch + 1, 0
        if plan.patience and history.best_epoch == self.epoch:
            self.best = {kind: {k: v.copy() for k, v in named.items()} for kind, named in self._model().items()}
        self._save()
        self._tell("epoch")

    def _tell(self, when: Literal["start", "batch", "epoch", "end"]) -> None:
        """Report an event; hear whether to stop."""
        plan = self.plan
        over = when == "epoch" or self.epoch == plan.epochs
        epoch, batch = (self.epoch, self.history.batches) if over else (self.epoch + 1, self.batch)
        event = Event(when, epoch, plan.epochs, batch, self.history.batches, plan.model, self.history)
        asked = [isinstance(stop := callback(event), bool | np.bool_) and stop for callback in plan.callbacks]
        if when in ("start", "end"):
            return
        if self.interrupt.requested:
            self._stop("interrupted")
        elif any(asked):
            self._stop("a callback asked to stop")

    def _stop(self, why: str, hint: str = "") -> None:
        where = f"in epoch {self.epoch + 1}, after {self.batch} of {self.history.batches} batches"
        if self.batch == 0 and self.epoch:
            where = f"after {self.epoch} of {self.plan.epochs} epochs"
        self.history.stopped = f"{why} {where}{hint}"
        best = f"goes back to the weights of epoch {self.history.best_epoch}"
        print(f"Training stopped: {self.history.stopped}. The model {best if self.best else _KEEPS}.")

    # ---- what goes on disk, and back

    def _model(self) -> dict[str, dict[str, Array]]:
        """The arrays of the model that training changes."""
        return {"params": dict(self.plan.model.params), "state": dict(getattr(self.plan.model, "state", {}))}

    def _generators(self) -> dict[str, np.random.Generator]:
        own: dict[str, np.random.Generator] = getattr(self.plan.model, "generators", {})
        return {"fit": self.plan.rng, **{f"model/{name}": generator for name, generator in own.items()}}

    def _save(self) -> None:
        if self.plan.path is None:
            return
        best = {f"best_{kind}": named for kind, named in self.best.items()}
        Checkpoint(
            arrays={
                **self._model(),
                **best,
                "optimizer": self.plan.optimizer.state_dict(),
                "order": {"order": self.order},
            },
            generators={name: generator.bit_generator.state for name, generator in self._generators().items()},
            history=self.history,
            position={"epoch": self.epoch, "batch": self.batch, **self.sums},
            setup=self.setup,
        ).save(self.plan.path)

    def restore(self) -> None:
        """Go to where the checkpoint was written.

        Raises:
            ValueError: it is of another training. Nothing has been changed then.
        """
        assert self.plan.path is not None
        saved = Checkpoint.load(self.plan.path)
        for name, now in self.setup.items():
            if now != saved.setup.get(name):
                raise ValueError(
                    f"{self.plan.path} is of a training with {name} {saved.setup.get(name)}; this one has {now}"
                )
        arrays, generators, here = saved.arrays, self._generators(), self._model()
        for kind, named in here.items():
            check_alike(named, arrays.get(kind, {}), kind)
        states = {name: generator.bit_generator.state for name, generator in generators.items()}
        if {k: v["bit_generator"] for k, v in states.items()} != {
            k: v["bit_generator"] for k, v in saved.generators.items()
        }:
            raise ValueError(f"{self.plan.path} is of a training with other random generators")
        self.plan.optimizer.load_state_dict(arrays["optimizer"])
        self._put_back(arrays)
        for name, generator in generators.items():
            generator.bit_generator.state = saved.generators[name]
        self.history = saved.history
        self.epoch, self.batch = int(saved.position["epoch"]), int(saved.position["batch"])
        self.sums = {name: saved.position[name] for name in self.sums}
        self.order = arrays["order"]["order"]
        if "best_params" in arrays:
            self.best = {"params": arrays["best_params"], "state": arrays.get("best_state", {})}

    def _put_back(self, arrays: dict[str, dict[str, Array]]) -> None:
        """Copy arrays into those of the model."""
        for kind, named in self._model().items():
            for name, array in named.items():
                array[...] = arrays[kind][name]


_KEEPS = "keeps what it has learned so far"
_ADDRESS = re.compile(r" at 0x[0-9A-Fa-f]+")


def _architecture(model: Trainable) -> str:
    """What kind of network it is; its weights are compared by themselves."""
    model = getattr(model, "model", model)  # the one that several processes share
    name = " ".join(_name(model).split()) if isinstance(model, Model) else type(model).__qualname__
    return name if len(name) < 400 else f"{name[:60]}… {zlib.crc32(name.encode()):08x}"


def _fingerprint(array: Array) -> str:
    return f"{array.dtype} {array.shape} {zlib.crc32(np.ascontiguousarray(array).data):08x}"


def _name(thing: Any) -> str:
    """A name that is the same in the next process, as an address in memory is not."""
    if isinstance(thing, partial):
        return f"{_name(thing.func)}{thing.args}{thing.keywords}"
    name = getattr(thing, "__qualname__", None) or _ADDRESS.sub("", repr(thing))
    if name.endswith("<lambda>"):  # they all have this name
        code = thing.__code__
        written = _ADDRESS.sub("", repr((code.co_code, code.co_consts, code.co_names)))
        return f"{name} {zlib.crc32(written.encode()):08x}"
    return str(name)
