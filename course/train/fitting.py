"""The training loop: shuffle, take a batch, go forwards and backwards, update, measure, report, save."""

import os
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from course import ops
from course.data.arguments import check_array, check_callable, check_rng, pair, whole
from course.optim import Optimizer, Schedule
from course.train.callbacks import Callback
from course.train.evaluation import Array, Loss, Trainable, check_pair, counts_as_labels
from course.train.history import History
from course.train.run import Plan, Run

__all__ = ["fit"]


def fit(
    model: Trainable,
    data: tuple[Array, Array],
    *,
    optimizer: Optimizer,
    epochs: int,
    batch_size: int | None = 32,
    loss: Loss = ops.softmax_loss,
    validation: tuple[Array, Array] | None = None,
    schedule: Schedule | None = None,
    patience: int | None = None,
    augment: Callable[..., Array] | None = None,
    callbacks: Iterable[Callback] = (),
    checkpoint: str | os.PathLike[str] | None = None,
    checkpoint_every: int | None = None,
    resume: bool = False,
    rng: np.random.Generator,
) -> History:
    """Train a model in place, and return what was measured.

    Each epoch shows every sample once, in an order drawn anew. After every batch the optimizer updates the model.

    Ctrl-C (in Jupyter ■) stops after the batch under way: the model keeps what it has learned, a checkpoint is
    written where one is wanted, and the history comes back; a second Ctrl-C stops at once. A loss that is not
    finite stops too, before it reaches the weights. Either is printed and stands in `history.stopped`.

    Args:
        model: a built model of `course.layers`, or an object with forward, backward, params and grads.
        data: x (N, …) and y (N, …), for a classifier the labels (N,), integers.
        optimizer: holds the update rule for this model, and the learning rate to begin with.
        epochs: how often the model sees all samples.
        batch_size: samples in a batch: 1 is stochastic, None (all of them) batch gradient descent, anything else
            mini-batch. The last batch of an epoch may be smaller.
        loss: `value, dscores = loss(scores, y)`, the mean over the batch and its gradient.
        validation: x and y that are only measured, after each epoch.
        schedule: `factor = schedule(epoch, measured)` for the learning rate, as in `course.optim`; None keeps it.
        patience: stop early when so many epochs in a row brought no lower validation loss (or, without validation,
            training loss). The model then gets back the weights of its best epoch, also if the training ends
            otherwise.
        augment: `x = augment(x, rng=rng)`, applied to each training batch.
        callbacks: each is called with every `Event`.
        checkpoint: a file to save to after each epoch, in one step that a crash cannot halve.
        checkpoint_every: save also after so many batches.
        resume: go on from the checkpoint if it exists, to the same bits as if there had been no break.
        rng: draws the order and the augmentation.

    Raises:
        FileExistsError: the checkpoint exists, and resume is not asked for. Nothing has been changed.
        TypeError, ValueError: data, validation, model, loss, optimizer or checkpoint do not fit one another, a count is
            not whole or out of range, or an argument is not of its kind. Nothing has been changed. (What a model or a
            loss of yours refuses only later, as batch normalisation does a last batch of one sample, stops a
            training under way.)

    Source: HLCV, "Gradient Descent - Variants..."; SYSU, "Learning magic in AlexNet".

    >>> from course import data, models, optim
    >>> rng = np.random.default_rng(0)
    >>> x, y = data.digits("train")
    >>> model = models.mini_cnn().build((1, 8, 8), rng=rng)
    >>> history = fit(model, (x, y), optimizer=optim.Optimizer(model, "adam", lr=3e-3), epochs=2, rng=rng)
    >>> history.loss[1] < history.loss[0] < 2.3             # log 10, a guess
    True
    """
    data = x, y = pair("data", data)
    _check_data("data", x, y)
    if validation is not None:
        validation = pair("validation", validation)
        _check_data("validation", *validation)
    if not isinstance(callbacks, Iterable):
        raise TypeError(f"callbacks is {callbacks!r}; a list would fit, such as [Bar()]")
    callbacks = tuple(callbacks)
    _check_functions(loss, schedule, augment, callbacks)
    check_rng(rng)
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"optimizer is {optimizer!r}; Optimizer(model, …) would fit")
    if optimizer.model is not model:
        raise ValueError("optimizer belongs to another model; Optimizer(model, …) for this one would fit")
    epochs, batch_size = whole("epochs", epochs), whole("batch_size", len(x) if batch_size is None else batch_size)
    patience = None if patience is None else whole("patience", patience)
    checkpoint_every = None if checkpoint_every is None else whole("checkpoint_every", checkpoint_every)
    if checkpoint is None and (resume or checkpoint_every):
        raise ValueError("checkpoint is None; a file would fit, to save to or to resume from")
    path = None if checkpoint is None else _file(checkpoint)
    if path is not None and path.exists() and not resume:
        raise FileExistsError(f"{path} holds a training; resume=True goes on with it, another name begins a new one")
    _check_model(model, data, validation, loss)
    plan = Plan(
        model=model,
        data=data,
        optimizer=optimizer,
        epochs=epochs,
        batch_size=batch_size,
        loss=loss,
        validation=validation,
        schedule=schedule,
        patience=patience,
        augment=augment,
        callbacks=callbacks,
        path=path,
        save_every=checkpoint_every,
        rng=rng,
    )
    run = Run(plan)
    if path is not None and path.exists():
        run.restore()
    return run.go()


def _check_data(name: str, x: Array, y: Array) -> None:
    for part, array in (("x", x), ("y", y)):
        check_array(f"{part} of {name}", array)
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            sample = int(np.argwhere(~np.isfinite(array))[0][0])
            raise ValueError(f"{part} of {name} holds nan or infinity, first in sample {sample}")
    check_pair(x, y)


def _file(checkpoint: object) -> Path:
    if not isinstance(checkpoint, str | os.PathLike) or not os.fspath(checkpoint):
        raise TypeError(f"checkpoint is {checkpoint!r}; the name of a file would fit")
    path = Path(checkpoint)
    if path.is_dir():
        raise ValueError(f"checkpoint is {str(path)!r}, a folder; the name of a file would fit")
    return path


def _check_functions(
    loss: object, schedule: object | None, augment: object | None, callbacks: tuple[object, ...]
) -> None:
    check_callable("loss", loss, "ops.softmax_loss")
    if schedule is not None:
        check_callable("schedule", schedule, "cosine(epochs=10)")
    if augment is not None:
        check_callable("augment", augment, "data.augment.random")
    for callback in callbacks:
        check_callable("a callback", callback, "Bar()")


def _check_model(
    model: Trainable, data: tuple[Array, Array], validation: tuple[Array, Array] | None, loss: Loss
) -> None:
    """Ask the model about one sample, so that what does not fit is said before anything has changed."""
    (x, y), (x_val, y_val) = data, validation or data
    scores = seen = model.forward(x[:1], training=False)
    _check_labels("y", scores, y)
    try_out = loss in (ops.softmax_loss, ops.hinge_loss, ops.squared_loss)  # one of yours may count its calls
    if try_out:
        loss(scores, y[:1])
    if (x_val.shape[1:], x_val.dtype) != (x.shape[1:], x.dtype):  # not yet seen, and not always wrong
        try:
            seen = model.forward(x_val[:1], training=False)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"x of validation is {x_val.dtype} {x_val.shape}, x of data {x.dtype} {x.shape}; "
                f"samples alike would fit: {error}"
            ) from error
    if counts_as_labels(scores, y[:1]):
        alike = counts_as_labels(seen, y_val[:1])
    else:
        alike = y_val.dtype == y.dtype and (y_val.shape[1:] == y.shape[1:] or seen.shape != scores.shape)
    if not alike:
        raise ValueError(
            f"y of validation is {y_val.dtype} {y_val.shape}, y of data {y.dtype} {y.shape}; targets alike would fit"
        )
    _check_labels("y of validation", seen, y_val)
    if try_out and validation is not None:
        loss(seen, y_val[:1])


def _check_labels(name: str, scores: Array, y: Array) -> None:
    if counts_as_labels(scores, y[:1]) and not 0 <= y.min() <= y.max() < scores.shape[1]:
        raise ValueError(
            f"{name} has labels from {y.min()} to {y.max()}, the model {scores.shape[1]} scores; "
            f"labels from 0 to {scores.shape[1] - 1} would fit"
        )
