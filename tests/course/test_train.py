"""Training: every sample once an epoch, measured truly, reported, stopped politely, resumed to the same bits."""

import functools
import os
import re
import signal
import subprocess
import sys
import textwrap
import threading
import time
from contextlib import nullcontext
from io import StringIO

import numpy as np
import pytest

from course import data, models, ops
from course.data import augment
from course.layers import Affine, BatchNorm, Conv2d, Dropout, Flatten, ReLU, Sequential, Tanh
from course.optim import RULES, Optimizer, cosine, plateau, step
from course.train import Bar, History, accuracy, curves, evaluate, fit, predict
from course.train.checkpoint import Checkpoint


def rng(seed=0):
    return np.random.default_rng(seed)


class Linear:
    """The smallest model that can be trained: x·w, and a record of what it was asked."""

    def __init__(self, inputs, classes, dtype=np.float64):
        self.params = {"w": rng(5).standard_normal((inputs, classes)).astype(dtype)}
        self.grads = {}
        self.seen = []

    def forward(self, x, training=False):
        self.seen.append((x.copy(), training))
        self.x = x
        return x @ self.params["w"]

    def backward(self, dy):
        self.grads = {"w": self.x.T @ dy}
        return dy @ self.params["w"].T

    def batches(self, training):
        return [x for x, trained in self.seen[1:] if trained == training]  # the first is fit's own look


class Wider(Linear):
    """Another kind of network, with weights of the same names and shapes."""


def numbered(n=10, classes=3):
    """Samples that can be told apart: number i is (i, 1)."""
    return np.column_stack([np.arange(n), np.ones(n)]), np.arange(n) % classes


def train(model=None, pair=None, **arguments):
    pair = numbered() if pair is None else pair
    model = Linear(2, 3) if model is None else model
    given = {"epochs": 2, "batch_size": 4, "rng": rng(), **arguments}
    optimizer = given.pop("optimizer", None) or Optimizer(model, "sgd", lr=given.pop("lr", 0.01))
    return model, fit(model, pair, optimizer=optimizer, **given)


# ---- what a training does


@pytest.mark.parametrize(("batch_size", "sizes"), [(4, [4, 4, 2]), (1, [1] * 10), (None, [10]), (99, [10])])
def test_every_sample_once_an_epoch_in_an_order_drawn_anew(batch_size, sizes):
    model, _ = train(batch_size=batch_size, epochs=3)
    numbers = [x[:, 0] for x in model.batches(training=True)]
    assert [len(x) for x in numbers] == sizes * 3
    epochs = np.concatenate(numbers).reshape(3, 10)
    np.testing.assert_array_equal(np.sort(epochs), np.tile(np.arange(10), (3, 1)))
    assert len({tuple(epoch) for epoch in epochs}) == 3
    assert tuple(range(10)) not in {tuple(epoch) for epoch in epochs}


def test_labels_stay_with_their_samples():
    asked = []

    def loss(scores, labels):
        asked.append(labels)
        return ops.softmax_loss(scores, labels)

    model, _ = train(loss=loss)
    for x, labels in zip(model.batches(training=True), asked, strict=True):
        np.testing.assert_array_equal(labels, x[:, 0] % 3)


def test_batch_descent_by_hand():
    x, y = numbered()
    w = Linear(2, 3).params["w"].copy()
    losses = []
    for _ in range(4):
        loss, dscores = ops.softmax_loss(x @ w, y)
        losses.append(loss)
        w = w - 0.01 * (x.T @ dscores)
    model, history = train(batch_size=None, epochs=4)
    np.testing.assert_allclose(model.params["w"], w)
    np.testing.assert_allclose(history.loss, losses)


def test_the_history_says_what_was():
    validation = numbered(7)
    model, history = train(validation=validation, epochs=2)
    assert history.epochs == 2
    assert history.batches == 3
    assert len(history.batch_loss) == 6
    sizes = np.array([4, 4, 2])
    for epoch in range(2):  # the mean over samples, not over batches, the last of which is smaller
        assert history.loss[epoch] == pytest.approx(sizes @ history.batch_loss[3 * epoch : 3 * epoch + 3] / 10)
    loss, share = evaluate(model, validation)
    assert (history.val_loss[-1], history.val_accuracy[-1]) == (loss, share)
    assert loss == pytest.approx(float(ops.softmax_loss(validation[0] @ model.params["w"], validation[1])[0]))
    assert share == ((validation[0] @ model.params["w"]).argmax(axis=1) == validation[1]).mean()
    assert history.lr == [0.01, 0.01]
    assert len(history.seconds) == 2
    assert min(history.seconds) > 0
    assert history.stopped == "all 2 epochs are over"
    assert "2 epochs in" in str(history)


def test_the_best_epoch_is_never_one_without_a_number():
    assert History(loss=[1, 2], val_loss=[np.nan, 3, 2, np.nan, 2]).best_epoch == 3
    assert History().best_epoch == 0


def test_the_training_accuracy_is_that_of_the_scores_that_were_learned_from():
    seen = []

    def loss(scores, labels):
        seen.append((scores.argmax(axis=1) == labels).sum())
        return ops.softmax_loss(scores, labels)

    _, history = train(loss=loss, epochs=1)
    assert history.accuracy == [sum(seen) / 10]


def test_validation_is_only_looked_at():
    model, _ = train(validation=numbered(7), epochs=1)
    assert [len(x) for x in model.batches(training=False)] == [7]
    without, _ = train(epochs=1)
    np.testing.assert_array_equal(model.params["w"], without.params["w"])


def test_targets_that_are_no_labels_have_no_accuracy():
    x, _ = numbered()
    _, history = train(Linear(2, 2), (x, 0.1 * x), loss=ops.squared_loss, validation=(x, x), lr=1e-4)
    assert history.accuracy == history.val_accuracy == []
    assert len(history.val_loss) == 2


def test_labels_for_every_pixel():
    s = data.shapes(24, size=16, rng=rng())
    model = models.mini_fcn(5).build((1, 16, 16), rng=rng())
    history = fit(model, (s.x, s.masks), optimizer=Optimizer(model, "adam", lr=0.01), epochs=3, rng=rng())
    assert history.loss[-1] < history.loss[0]
    assert 0.5 < history.accuracy[-1] <= 1
    assert accuracy(predict(model, s.x), s.masks) > 0.5


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_dtype_stays(dtype):
    x, y = data.digits("test")
    model = models.mini_cnn().build((1, 8, 8), rng=rng(), dtype=dtype)
    optimizer = Optimizer(model, "adam", lr=1e-3, weight_decay=1e-4)
    turn = functools.partial(augment.random, translation=1, rotation=5, flips=(False, False))
    fit(model, (x.astype(dtype), y), optimizer=optimizer, epochs=1, schedule=cosine(epochs=3), augment=turn, rng=rng())
    assert {w.dtype for w in model.params.values()} == {np.dtype(dtype)}
    assert {a.dtype for s in optimizer.state.values() for a in s.values() if isinstance(a, np.ndarray)} == {
        np.dtype(dtype)
    }


def test_data_are_not_changed_and_may_be_read_only():
    x, y = numbered()
    x.flags.writeable = y.flags.writeable = False
    train(pair=(x[::-1], y[::-1]), validation=(x, y))


def test_augmentation_changes_training_batches_only():
    def shift(x, *, rng):
        return x + 1000 * rng.integers(1, 3)

    model, _ = train(augment=shift, validation=numbered(), epochs=2, lr=0.0)
    numbers = np.concatenate(model.batches(training=True))[:, 0]
    assert (numbers >= 1000).all()
    assert len(np.unique(numbers // 1000)) == 2
    np.testing.assert_array_equal(np.sort(numbers % 1000), np.repeat(np.arange(10), 2))
    assert (np.concatenate(model.batches(training=False))[:, 0] < 1000).all()


def test_one_seed_one_training():
    one, two, other = (train(rng=rng(seed))[0].params["w"] for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, two)
    assert not np.array_equal(one, other)


def test_the_first_layer_is_spared_the_gradient_of_the_pictures():
    calls = []
    model = models.mini_cnn().build((1, 8, 8), rng=rng())
    whole = model.backward
    model.backward = lambda dy, *, need_dx=True: calls.append(need_dx) or whole(dy, need_dx=need_dx)
    x, y = data.digits("test")
    fit(model, (x, y), optimizer=Optimizer(model, lr=0.1), epochs=1, batch_size=450, rng=rng())
    assert calls == [False]


# ---- learning rate, early stopping


def test_the_schedule_sees_the_validation_losses_and_steers_from_the_next_epoch_on():
    asked = []

    def schedule(epoch, measured):
        asked.append((epoch, list(measured)))
        return 0.5**epoch

    model = Linear(2, 3)
    optimizer = Optimizer(model, "sgd", lr=0.08)
    _, history = train(model, epochs=3, validation=numbered(7), schedule=schedule, optimizer=optimizer)
    assert history.lr == [0.08, 0.04, 0.02]
    assert asked == [(k, history.val_loss[:k]) for k in range(3)]
    assert optimizer.lr == 0.08  # as it was: another fit begins there


def test_without_validation_the_training_loss_is_measured():
    losses = iter([3.0, 2.0, 4.0, 4.0, 4.0, 4.0])

    def loss(scores, labels):
        return next(losses), np.zeros_like(scores)

    _, history = train(batch_size=None, epochs=6, loss=loss, schedule=plateau(patience=2), lr=1.0)
    assert history.lr == pytest.approx([1, 1, 1, 1, 0.1, 0.1])


def scripted(values):
    """A loss whose validation values are given in advance; the weights tell the epochs apart."""
    remaining = iter(values)

    def loss(scores, labels):
        if len(scores) == 7:
            return next(remaining), np.zeros_like(scores)
        return 1.0, np.ones_like(scores)

    return loss


def weights_after(epochs):
    return train(batch_size=None, epochs=epochs, loss=scripted([]))[0].params["w"]


def test_early_stopping_brings_the_best_weights_back():
    loss = scripted([5, 3, 4, 3, 9, 9])
    model, history = train(batch_size=None, epochs=9, loss=loss, validation=numbered(7), patience=3)
    assert history.epochs == 5  # 3 in epoch 2 was the best, and 4, 3, 9 are no better
    assert history.best_epoch == 2
    assert history.stopped == "no better for 3 epochs: back to the weights of epoch 2"
    np.testing.assert_array_equal(model.params["w"], weights_after(2))


def test_the_best_weights_come_back_too_when_the_epochs_are_over():
    loss = scripted([5, 3, 4])
    model, history = train(batch_size=None, epochs=3, loss=loss, validation=numbered(7), patience=3)
    assert history.stopped == "all 3 epochs are over"
    np.testing.assert_array_equal(model.params["w"], weights_after(2))


def test_without_patience_the_last_weights_stay():
    loss = scripted([5, 3, 4])
    model, _ = train(batch_size=None, epochs=3, loss=loss, validation=numbered(7))
    np.testing.assert_array_equal(model.params["w"], weights_after(3))


def test_early_stopping_brings_the_running_statistics_back_too():
    model = Sequential(Flatten(), BatchNorm(), Affine(3)).build((2,), rng=rng())
    x, y = numbered()
    kept = {}

    def keep(event):
        if event.when == "epoch" and event.epoch == 1:
            kept.update({name: array.copy() for name, array in event.model.state.items()})

    values = iter([1.0, 2.0, 2.0])

    def loss(scores, labels):
        value, dscores = ops.softmax_loss(scores, labels)
        return (next(values) if len(scores) == 7 else value), dscores

    pair, validation = (x.astype(np.float32), y), (x[:7].astype(np.float32), y[:7])
    train(model, pair, batch_size=None, epochs=3, loss=loss, validation=validation, patience=2, callbacks=[keep])
    assert kept
    for name, array in model.state.items():
        np.testing.assert_array_equal(array, kept[name])


# ---- reports


def test_callbacks_hear_of_everything_in_order():
    heard = []

    def listen(event):
        heard.append((event.when, event.epoch, event.batch))
        assert (event.epochs, event.batches) == (2, 3)
        assert len(event.history.batch_loss) == 3 * (event.epoch - 1) + event.batch
        assert event.history.epochs == (event.epoch if event.when in ("epoch", "end") else event.epoch - 1)

    train(callbacks=[listen])
    batches = [("batch", 1), ("batch", 2), ("batch", 3)]
    expected = [("start", 1, 0)]
    for epoch in (1, 2):
        expected += [(when, epoch, batch) for when, batch in batches] + [("epoch", epoch, 3)]
    assert heard == [*expected, ("end", 2, 3)]


def test_what_a_callback_returns_besides_true_stops_nothing():
    _, history = train(epochs=2, callbacks=[lambda e: "seen", lambda e: 1, lambda e: np.bool_(False)])
    assert history.stopped == "all 2 epochs are over"
    _, history = train(epochs=2, callbacks=[lambda e: np.bool_(e.when == "batch")])
    assert len(history.batch_loss) == 1


def test_after_early_stopping_s_weights_came_back_nothing_else_is_said(capsys):
    loss = scripted([3, 4, 5])
    model, _ = train(
        batch_size=None, epochs=5, loss=loss, validation=numbered(7), patience=3,
        callbacks=[lambda e: e.when == "epoch" and e.epoch == 2],
    )  # fmt: skip
    assert "after 2 of 5 epochs. The model goes back to the weights of epoch 1." in capsys.readouterr().out
    np.testing.assert_array_equal(model.params["w"], weights_after(1))


def test_a_callback_may_stop_the_training(capsys):
    others = []
    _, history = train(
        epochs=5, callbacks=[lambda e: e.when == "batch" and e.batch == 2, lambda e: others.append(e.when)]
    )
    assert len(history.batch_loss) == 2
    assert history.stopped == "a callback asked to stop in epoch 1, after 2 of 3 batches"
    assert others == ["start", "batch", "batch", "end"]  # every callback hears of the batch at which one of them stops
    assert "Training stopped: a callback asked to stop" in capsys.readouterr().out
    _, history = train(epochs=5, callbacks=[lambda e: e.when == "epoch"])
    assert history.epochs == 1
    assert history.stopped == "a callback asked to stop after 1 of 5 epochs"


def test_the_end_is_told_even_after_an_error():
    heard = []

    def loss(scores, labels):
        raise ZeroDivisionError

    model = Linear(2, 3)
    optimizer = Optimizer(model, "sgd", lr=0.5)
    with pytest.raises(ZeroDivisionError):
        train(model, loss=loss, optimizer=optimizer, schedule=step(every=1), callbacks=[lambda e: heard.append(e.when)])
    assert heard == ["start", "end"]
    assert optimizer.lr == 0.5


def test_the_bar():
    out = StringIO()
    train(validation=numbered(7), callbacks=[Bar(out)])
    last = out.getvalue().split("\r")[-1]
    assert "epoch 2 of 2: 100%" in last
    assert "6/6" in last
    assert re.search(r"loss=[\d.]+, val_loss=[\d.]+, val_accuracy=[\d.]+", last)


def test_curves_show_each_measurement():
    history = History(
        loss=[2, 1],
        val_loss=[3, 2],
        accuracy=[0.2, 0.4],
        val_accuracy=[0.1, 0.3],
        batch_loss=[4, 3, 2, 1, 0.5],
        batches=2,
    )
    left, right = curves(history).axes
    lines = {line.get_label(): (list(line.get_xdata()), list(line.get_ydata())) for line in left.lines}
    assert lines == {
        "each batch": ([0.5, 1, 1.5, 2, 2.5], [4, 3, 2, 1, 0.5]),
        "training": ([1, 2], [2, 1]),
        "validation": ([1, 2], [3, 2]),
    }
    assert len({line.get_linestyle() for line in right.lines}) == 2  # not by colour alone
    assert len(curves(History()).axes) == 1


def test_live_curves_in_a_real_notebook(tmp_path, home):
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    code = """
        import numpy as np
        from course import data, models
        from course.optim import Optimizer
        from course.train import LiveCurves, fit
        x, y = data.digits("test")
        model = models.mini_cnn().build((1, 8, 8), rng=np.random.default_rng(0))
        history = fit(model, (x, y), optimizer=Optimizer(model, "adam", lr=0.01), epochs=3, batch_size=50,
                      callbacks=[LiveCurves(seconds=0)], rng=np.random.default_rng(0))
    """
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(textwrap.dedent(code))])
    nbclient.execute(notebook, cwd=str(tmp_path), timeout=120)
    (output,) = notebook.cells[0].outputs  # one picture, drawn anew
    assert output.output_type == "display_data"
    assert output.data["text/plain"].startswith("Curves of a training: 3 epochs")
    assert 'alt="Curves of a training: 3 epochs' in output.data["text/html"]
    assert "image/png" in output.data


# ---- Ctrl-C and other ends


def interrupt_at(batch, times=1):
    def press(event):
        if event.when == "batch" and event.batch == batch:
            for _ in range(times):
                signal.raise_signal(signal.SIGINT)

    return press


def test_ctrl_c_leaves_a_usable_model_and_its_history(capsys, tmp_path):
    handler = signal.getsignal(signal.SIGINT)
    whole, _ = train(epochs=1, batch_size=5)
    model, history = train(epochs=9, batch_size=5, callbacks=[interrupt_at(2)], checkpoint=tmp_path / "run.npz")
    assert signal.getsignal(signal.SIGINT) is handler
    assert len(history.batch_loss) == 2
    np.testing.assert_array_equal(model.params["w"], whole.params["w"])
    assert history.stopped.startswith("interrupted")
    said = capsys.readouterr().out
    assert "Training stopped: interrupted" in said
    assert "The model keeps what it has learned so far." in said
    assert len(predict(model, numbered()[0])) == 10
    assert (tmp_path / "run.npz").exists()


def test_ctrl_c_in_the_middle_of_an_epoch():
    _, history = train(epochs=9, callbacks=[interrupt_at(2)])
    assert history.epochs == 0
    assert history.stopped == "interrupted in epoch 1, after 2 of 3 batches"


def test_a_second_ctrl_c_stops_at_once():
    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        train(epochs=9, callbacks=[interrupt_at(1, times=2)])
    assert signal.getsignal(signal.SIGINT) is handler


def test_training_in_a_thread():
    """There no signal can be handled; training works all the same."""
    results = []
    thread = threading.Thread(target=lambda: results.append(train()[1]))
    thread.start()
    thread.join()
    assert results[0].epochs == 2


def test_a_loss_that_is_not_finite_never_reaches_the_weights(capsys):
    losses = iter([1.0, 1.0, np.nan])

    def loss(scores, labels):
        return next(losses), np.full_like(scores, 0.1)

    model, history = train(loss=loss, epochs=3)
    assert np.isfinite(model.params["w"]).all()
    assert history.epochs == 0
    assert len(history.batch_loss) == 3
    assert history.stopped == "the loss is nan in epoch 1, after 2 of 3 batches; a smaller learning rate would fit"
    assert "Training stopped: the loss is nan" in capsys.readouterr().out


# ---- checkpoints


def network(dtype=np.float32):
    """Dropout draws, batch normalisation remembers: everything that a checkpoint must hold."""
    layers = [Conv2d(4, 3), BatchNorm(), ReLU(), Flatten(), Dropout(0.3), Affine(10)]
    return Sequential(*layers).build((1, 8, 8), rng=rng(3), dtype=dtype)


def long_training(path, *, rule="adam", epochs=4, every=None, resume=False, stop=None, bits=np.random.PCG64):
    x, y = data.digits("test")
    model = network()
    generator = np.random.Generator(bits(7))
    history = fit(
        model,
        (x[:200], y[:200]),
        optimizer=Optimizer(model, rule, lr=0.002, weight_decay=0.01),
        epochs=epochs,
        batch_size=48,
        validation=(x[200:260], y[200:260]),
        schedule=plateau(patience=1, factor=0.5),
        patience=3,
        augment=functools.partial(augment.random, rotation=5, translation=1, flips=(False, False)),
        callbacks=[stop] if stop else [],
        checkpoint=path,
        checkpoint_every=every,
        resume=resume,
        rng=generator,
    )
    return model, history, generator


def same_bits(one, two):
    (model, history, generator), (other, other_history, other_generator) = one, two
    for kind in ("params", "state"):
        arrays, others = getattr(model, kind), getattr(other, kind)
        assert arrays.keys() == others.keys()
        for name, array in arrays.items():
            assert array.tobytes() == others[name].tobytes(), name
    for name in ("loss", "accuracy", "val_loss", "val_accuracy", "lr", "batch_loss", "stopped"):
        assert getattr(history, name) == getattr(other_history, name), name
    assert str(generator.bit_generator.state) == str(other_generator.bit_generator.state)
    for name, own in model.generators.items():
        assert own.bit_generator.state == other.generators[name].bit_generator.state


@pytest.mark.parametrize("rule", RULES)
def test_a_training_that_was_stopped_goes_on_to_the_same_bits(rule, tmp_path):
    straight = long_training(None, rule=rule)
    path = tmp_path / "run.npz"
    stop = lambda event: (event.when, event.epoch, event.batch) in [("batch", 2, 3), ("epoch", 3, 5)]  # noqa: E731
    assert long_training(path, rule=rule, stop=stop)[1].epochs == 1  # in the middle of the second epoch
    assert long_training(path, rule=rule, stop=stop, resume=True)[1].epochs == 3
    resumed = long_training(path, rule=rule, resume=True)
    same_bits(resumed, straight)


@pytest.mark.parametrize("bits", [np.random.MT19937, np.random.Philox, np.random.SFC64])
def test_any_random_generator_can_be_saved(bits, tmp_path):
    path = tmp_path / "run.npz"
    long_training(path, bits=bits, epochs=2, stop=lambda event: event.batch == 2)
    same_bits(long_training(path, bits=bits, epochs=2, resume=True), long_training(None, bits=bits, epochs=2))


def test_a_finished_training_comes_back_and_can_be_made_longer(tmp_path):
    path = tmp_path / "run.npz"
    first = long_training(path, epochs=2, resume=True)  # nothing there yet: begins
    same_bits(long_training(path, epochs=2, resume=True), first)
    same_bits(long_training(path, epochs=4, resume=True), long_training(None, epochs=4))


KILLED = """
    import sys, time
    sys.path.insert(0, {tests!r})
    from test_train import long_training, same_bits

    def slowly(event):
        if event.when == "batch":
            print(event.epoch, event.batch, flush=True)
            time.sleep(0.02)

    long_training({path!r}, every=2, epochs=4, resume=True, stop=slowly)
"""


def test_a_training_that_was_killed_goes_on_to_the_same_bits(tmp_path):
    """SIGKILL leaves no time to tidy up; wherever it strikes, the file on disk is whole, and the end is the same."""
    path = tmp_path / "run.npz"
    code = textwrap.dedent(KILLED).format(tests=os.path.dirname(__file__), path=str(path))  # noqa: PTH120
    for deaths in (4, 7):  # batches that a life lasts; the second goes on from the file that the first left
        with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
            for _ in range(deaths):
                assert process.stdout.readline()
            process.send_signal(signal.SIGKILL)
            assert process.wait() == -signal.SIGKILL
    saved = Checkpoint.load(path)
    assert 0 < len(saved.history.batch_loss) < 20
    same_bits(long_training(path, resume=True), long_training(None))


def test_when_checkpoints_are_written(tmp_path):
    path, saved = tmp_path / "run.npz", []

    def look(event):
        position = Checkpoint.load(path).position if path.exists() else {"epoch": 0, "batch": 0}
        saved.append((event.when, position["epoch"], position["batch"]))

    train(epochs=2, batch_size=2, checkpoint=path, checkpoint_every=2, callbacks=[look])
    first = [("batch", 0, 0), ("batch", 0, 0), ("batch", 0, 2), ("batch", 0, 2), ("batch", 0, 4), ("epoch", 1, 0)]
    second = [(when, epoch or 1, batch) for when, epoch, batch in first[:-1]] + [("epoch", 2, 0)]
    assert saved == [("start", 0, 0), *first, *second, ("end", 2, 0)]


def test_a_checkpoint_is_replaced_in_one_step(tmp_path):
    """Whoever reads while a training writes finds a whole file, every time."""
    path = tmp_path / "run.npz"
    long_training(path, epochs=1)
    problems, done, reads = [], threading.Event(), 0

    def read():
        nonlocal reads
        while not done.is_set():
            try:
                Checkpoint.load(path)
                reads += 1
            except Exception as e:
                problems.append(e)

    reader = threading.Thread(target=read)
    reader.start()
    long_training(path, epochs=4, every=1, resume=True)
    done.set()
    reader.join()
    assert not problems
    assert reads > 3
    assert [p.name for p in tmp_path.iterdir()] == ["run.npz"]


def test_a_write_that_fails_leaves_the_old_file(tmp_path):
    path = tmp_path / "run.npz"
    long_training(path, epochs=1)
    before = path.read_bytes()
    saved = Checkpoint.load(path)
    saved.arrays["params"]["bad"] = np.array([object()])  # would have to be pickled
    with pytest.raises(ValueError, match="Object arrays cannot be saved when allow_pickle=False"):
        saved.save(path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["run.npz"]


def test_nothing_is_pickled(tmp_path):
    path = tmp_path / "run.npz"
    long_training(path, epochs=1)
    with np.load(path, allow_pickle=False) as archive:
        assert not any(archive[name].dtype.hasobject for name in archive.files)


def test_an_existing_checkpoint_is_not_overwritten_by_accident(tmp_path):
    path = tmp_path / "run.npz"
    long_training(path, epochs=1)
    before = path.read_bytes()
    with pytest.raises(FileExistsError, match=r"run.npz holds a training; resume=True goes on with it"):
        long_training(path, epochs=1)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"batch_size": 5}, "run.npz is of a training with batch_size 4; this one has 5"),
        ({"lr": 0.5}, "with lr 0.01; this one has 0.5"),
        ({"pair": numbered(11)}, "with data .*; this one has"),
        ({"schedule": step(every=3)}, r"with schedule None; this one has step\(every=3"),
        ({"loss": ops.hinge_loss}, "with loss softmax_loss; this one has hinge_loss"),
        ({"model": Linear(2, 4)}, r"another model: its params w is float64 \(2, 3\), the model's float64 \(2, 4\)"),
        ({"rng": np.random.Generator(np.random.SFC64(0))}, "with other random generators"),
        ({"validation": numbered(5)}, r"with validation None; this one has \['float64 \(5, 2\)"),
        ({"patience": 2}, "with early stopping False; this one has True"),
        ({"model": Wider(2, 3)}, "with model Linear; this one has Wider"),
    ],
)
def test_a_checkpoint_of_another_training_is_refused_and_nothing_changes(change, message, tmp_path):
    path = tmp_path / "run.npz"
    train(checkpoint=path, epochs=1)
    before = path.read_bytes()
    model = change.pop("model", None) or Linear(2, 3)
    w = model.params["w"].copy()
    with pytest.raises(ValueError, match=message):
        train(model, checkpoint=path, resume=True, **change)
    np.testing.assert_array_equal(model.params["w"], w)
    assert path.read_bytes() == before


def test_a_checkpoint_tells_networks_apart_that_have_the_same_weights(tmp_path):
    x, y = (part[:64] for part in data.digits())
    path = tmp_path / "run.npz"
    for activation in (ReLU, Tanh):
        model = Sequential(Flatten(), Affine(16), activation(), Affine(10)).build((1, 8, 8), rng=rng())
        refused = pytest.raises(ValueError, match=r"with model Sequential\(.*ReLU.*; this one has .*Tanh")
        with refused if activation is Tanh else nullcontext():
            fit(model, (x, y), optimizer=Optimizer(model, lr=0.1), epochs=1, checkpoint=path, resume=True, rng=rng())


def test_a_checkpoint_tells_schedules_apart_that_have_no_name(tmp_path):
    path = tmp_path / "run.npz"
    slow, other, again = (lambda epoch, _: 0.9**epoch), (lambda epoch, _: 0.1**epoch), (lambda epoch, _: 0.9**epoch)
    train(checkpoint=path, epochs=1, schedule=slow)
    with pytest.raises(ValueError, match=r"with schedule .*lambda.*; this one has .*lambda"):
        train(checkpoint=path, epochs=2, schedule=other, resume=True)
    assert train(checkpoint=path, epochs=2, schedule=again, resume=True)[1].epochs == 2


class Faint:
    """An augmentation that is an object, whose repr holds its address."""

    def __call__(self, x, *, rng):
        return x * rng.uniform(0.9, 1)


def test_an_object_of_ones_own_as_augmentation_can_be_resumed(tmp_path):
    path = tmp_path / "run.npz"
    train(checkpoint=path, epochs=1, augment=Faint())
    assert train(checkpoint=path, epochs=2, augment=Faint(), resume=True)[1].epochs == 2


def test_other_validation_data_is_another_training(tmp_path):
    path = tmp_path / "run.npz"
    train(checkpoint=path, epochs=1, validation=numbered(5))
    for other in (None, numbered(6)):
        with pytest.raises(ValueError, match=r"with validation .*; this one has"):
            train(checkpoint=path, epochs=2, validation=other, resume=True)
    _, history = train(checkpoint=path, epochs=2, validation=numbered(5), resume=True)
    assert len(history.loss) == len(history.val_loss) == 2


@pytest.mark.parametrize("content", [b"", b"no archive at all", None])
def test_a_file_that_is_no_checkpoint_is_refused(content, tmp_path):
    path = tmp_path / "run.npz"
    if content is None:
        np.savez(path, w=np.ones(3))
    else:
        path.write_bytes(content)
    with pytest.raises(ValueError, match=r"run.npz is not a checkpoint of a training, or is damaged"):
        train(checkpoint=path, resume=True)
    assert path.exists()


# ---- predict and evaluate


@pytest.mark.parametrize("batch_size", [1, 3, 10, 256])
def test_predict_in_batches(batch_size):
    x, _ = numbered()
    model = Linear(2, 3)
    np.testing.assert_allclose(predict(model, x, batch_size=batch_size), x @ model.params["w"])
    assert not any(training for _, training in model.seen)
    assert max(len(seen) for seen, _ in model.seen) == min(batch_size, 10)


@pytest.mark.parametrize("batch_size", [1, 3, 10, 256])
def test_evaluate_weighs_every_sample_alike(batch_size):
    x, y = numbered()
    model = Linear(2, 3)
    loss, share = evaluate(model, (x, y), batch_size=batch_size)
    assert loss == pytest.approx(float(ops.softmax_loss(x @ model.params["w"], y)[0]))
    assert share == pytest.approx(accuracy(x @ model.params["w"], y))


def test_accuracy():
    scores = np.array([[1.0, 2, 3], [3, 2, 1], [0, 5, 0], [9, 0, 0]])
    assert accuracy(scores, np.array([2, 0, 1, 1])) == 0.75
    with pytest.raises(ValueError, match=r"labels has shape \(3,\), scores has \(4, 3\)"):
        accuracy(scores, np.array([1, 2, 0]))
    with pytest.raises(ValueError, match=r"labels has shape \(0,\); at least one would fit"):
        accuracy(scores[:0], np.ones(0, int))


def test_a_nan_among_the_scores_is_not_right():
    scores = np.array([[np.nan, 2, 3], [3, np.nan, 1], [3, 2, 1]])
    assert accuracy(scores, np.array([0, 1, 0])) == 1 / 3


# ---- bad input


def nan_at(sample):
    x, y = numbered()
    x[sample, 1] = np.nan
    return x, y


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"pair": (np.ones((0, 2)), np.ones(0, int))}, ValueError, r"x has shape \(0, 2\); at least one sample"),
        ({"pair": (np.ones((3, 2)), np.ones(2, int))}, ValueError, "x has 3 samples, y has 2; one label or target"),
        ({"pair": ([[1.0, 2.0]], [0])}, TypeError, "x of data is a list; a NumPy array would fit"),
        ({"pair": nan_at(4)}, ValueError, "x of data holds nan or infinity, first in sample 4"),
        ({"validation": nan_at(6)}, ValueError, "x of validation holds nan or infinity, first in sample 6"),
        ({"pair": (numbered()[0], np.full(10, 3))}, ValueError, "y has labels from 3 to 3, the model 3 .* 0 to 2"),
        ({"pair": (numbered()[0], np.arange(10) % 3 - 1)}, ValueError, "y has labels from -1 to 1"),
        ({"epochs": 0}, ValueError, "epochs is 0; 1 or more"),
        ({"batch_size": 0}, ValueError, "batch_size is 0; 1 or more"),
        ({"patience": 0}, ValueError, "patience is 0; 1 or more"),
        ({"resume": True}, ValueError, "checkpoint is None; a file would fit"),
        ({"checkpoint_every": 3}, ValueError, "checkpoint is None; a file would fit"),
        ({"optimizer": Optimizer(Linear(2, 3), lr=0.1)}, ValueError, "optimizer belongs to another model"),
        ({"optimizer": "adam"}, TypeError, r"optimizer is 'adam'; Optimizer\(model, …\) would fit"),
        ({"rng": 0}, TypeError, r"rng is 0; np.random.default_rng\(0\) would fit"),
        ({"rng": None}, TypeError, r"rng is None; np.random.default_rng\(0\) would fit"),
        ({"epochs": 1.5}, TypeError, "epochs is 1.5; a whole number would fit"),
        ({"epochs": None}, TypeError, "epochs is None; a whole number"),
        ({"batch_size": "all"}, TypeError, "batch_size is 'all'; a whole number"),
        ({"batch_size": 2.5}, TypeError, "batch_size is 2.5; a whole number"),
        ({"patience": True}, TypeError, "patience is True; a whole number"),
        ({"checkpoint_every": 2.0}, TypeError, "checkpoint_every is 2.0; a whole number"),
        ({"pair": 3}, TypeError, r"data is 3; a pair \(x, y\) would fit"),
        ({"validation": numbered()[0]}, TypeError, r"validation is array\(.*; a pair \(x, y\) would fit"),
        ({"loss": "softmax"}, TypeError, "loss is 'softmax', which is no function; ops.softmax_loss would fit"),
        ({"schedule": 0.1}, TypeError, r"schedule is 0.1, which is no function; cosine\(epochs=10\) would fit"),
        ({"augment": True}, TypeError, "augment is True, which is no function; data.augment.random would fit"),
        ({"callbacks": 5}, TypeError, r"callbacks is 5; a list would fit, such as \[Bar\(\)\]"),
        ({"callbacks": [None]}, TypeError, r"a callback is None, which is no function; Bar\(\) would fit"),
        ({"pair": (numbered()[0], np.ones(10))}, TypeError,
         "labels has dtype float64; an array of integers would fit"),
        ({"loss": ops.squared_loss}, TypeError, "target has dtype int64; float32 or float64 would fit"),
        ({"loss": ops.squared_loss, "pair": (numbered()[0], np.ones((10, 1)))}, ValueError,
         r"target has shape \(1, 1\); \(1, 3\) would fit, the shape of prediction"),
        ({"schedule": cosine}, TypeError, r"schedule is the class cosine; cosine\(epochs=10\) would fit"),
        ({"callbacks": [Bar]}, TypeError, r"a callback is the class Bar; Bar\(\) would fit"),
        ({"checkpoint": ""}, TypeError, "checkpoint is ''; the name of a file would fit"),
        ({"checkpoint": 3}, TypeError, "checkpoint is 3; the name of a file would fit"),
        ({"checkpoint": "."}, ValueError, r"checkpoint is '\.', a folder; the name of a file would fit"),
        ({"validation": (numbered()[0], np.arange(10))}, ValueError,
         "y of validation has labels from 0 to 9, the model 3 scores; labels from 0 to 2 would fit"),
        ({"validation": (np.ones((4, 5)), np.zeros(4, int))}, ValueError,
         r"x of validation is float64 \(4, 5\), x of data float64 \(10, 2\); samples alike would fit: matmul"),
        ({"validation": (numbered()[0], np.ones(10))}, ValueError,
         r"y of validation is float64 \(10,\), y of data int64 \(10,\); targets alike would fit"),
        ({"validation": (numbered()[0], np.ones((10, 1), int))}, ValueError, r"y of validation is int64 \(10, 1\)"),
        ({"pair": (numbered()[0], np.ones((10, 3))), "validation": (numbered()[0], np.ones((10, 2))),
          "loss": ops.squared_loss}, ValueError, r"y of validation is float64 \(10, 2\), y of data float64 \(10, 3\)"),
    ],
)  # fmt: skip
def test_what_fit_refuses_before_anything_changes(change, error, message):
    model = Linear(2, 3)
    before = model.params["w"].copy()
    with pytest.raises(error, match=message):
        train(model, **change)
    np.testing.assert_array_equal(model.params["w"], before)
    assert not any(training for _, training in model.seen)


def test_validation_that_does_not_fit_a_real_model_changes_neither_weights_nor_statistics_nor_generators():
    model, generator = network(), rng(1)
    x, y = (part[:40] for part in data.digits("test"))
    kept = {kind: {k: v.copy() for k, v in getattr(model, kind).items()} for kind in ("params", "state")}
    assert kept["state"]
    drawn = [str(g.bit_generator.state) for g in (generator, *model.generators.values())]
    for validation in ((np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1))), y), (x.astype(np.float64), y), (x, y + 1)):
        with pytest.raises(ValueError, match="of validation"):
            fit(model, (x, y), optimizer=Optimizer(model, lr=0.1), epochs=1, validation=validation, rng=generator)
    for kind, arrays in kept.items():
        for name, array in arrays.items():
            np.testing.assert_array_equal(getattr(model, kind)[name], array)
    assert drawn == [str(g.bit_generator.state) for g in (generator, *model.generators.values())]


def test_validation_may_show_larger_pictures_where_the_model_can_read_them():
    model = models.mini_fcn(5).build((1, 16, 16), rng=rng())
    small, large = (data.shapes(8, size=size, rng=rng()) for size in (16, 32))
    optimizer = Optimizer(model, "adam", lr=0.01)
    history = fit(
        model, (small.x, small.masks), optimizer=optimizer, epochs=1, validation=(large.x, large.masks), rng=rng()
    )
    assert len(history.val_accuracy) == 1
    with pytest.raises(ValueError, match=r"y of validation is int64 \(8, 16, 16\)"):
        fit(model, (small.x, small.masks), optimizer=optimizer, epochs=1, validation=(large.x, small.masks), rng=rng())


@pytest.mark.parametrize("wrong", ["data", "validation"])
def test_targets_of_larger_pictures_are_tried_out_too(wrong):
    model = Sequential(Conv2d(2, 1)).build((1, 4, 4), rng=rng())
    sizes, channels = {"data": 4, "validation": 8}, {"data": 2, "validation": 2, wrong: 3}
    pairs = {
        which: (np.ones((5, 1, size, size), np.float32), np.ones((5, channels[which], size, size), np.float32))
        for which, size in sizes.items()
    }
    generator = rng(1)
    before = str(generator.bit_generator.state)
    with pytest.raises(ValueError, match=r"target has shape .*; .* would fit, the shape of prediction"):
        fit(
            model, pairs["data"], optimizer=Optimizer(model, lr=0.1), epochs=1, loss=ops.squared_loss,
            validation=pairs["validation"], rng=generator,
        )  # fmt: skip
    assert str(generator.bit_generator.state) == before


def test_numpys_whole_numbers_are_whole(tmp_path):
    counts = {"epochs": np.int64(2), "batch_size": np.int32(4), "patience": np.uint8(3), "checkpoint_every": np.int8(1)}
    _, history = train(**counts, checkpoint=tmp_path / "run.npz")
    assert history.stopped == "all 2 epochs are over"
    _, longer = train(**{**counts, "epochs": 3, "batch_size": 4}, checkpoint=tmp_path / "run.npz", resume=True)
    assert longer.epochs == 3


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda model: predict(model, [[1.0, 2.0]]), "x is a list; a NumPy array would fit"),
        (lambda model: predict(model, numbered()[0], batch_size=2.5), "batch_size is 2.5; a whole number"),
        (lambda model: evaluate(model, numbered()[0]), r"data is array\(.*; a pair \(x, y\) would fit"),
        (lambda model: evaluate(model, numbered(), loss=None), "loss is None, which is no function; ops.softmax_loss"),
        (lambda model: evaluate(model, ([[1.0, 2.0]], [0])), "x of data is a list; a NumPy array"),
        (lambda model: evaluate(model, numbered(), batch_size="all"), "batch_size is 'all'; a whole number"),
        (lambda model: accuracy([[1.0, 2.0]], np.array([0])), "scores is a list; a NumPy array"),
        (lambda model: accuracy(np.ones((1, 2)), [0]), "labels is a list; a NumPy array"),
    ],
)
def test_what_predict_and_evaluate_refuse(call, message):
    with pytest.raises(TypeError, match=message):
        call(Linear(2, 3))


def test_a_model_without_weights_says_so():
    model = models.mini_cnn()
    with pytest.raises(RuntimeError, match="has no weights yet"):
        fit(model, data.digits(), optimizer=Optimizer(model, lr=0.1), epochs=1, rng=rng())


def test_integer_pictures_are_refused_by_the_model():
    model = models.mini_cnn().build((1, 8, 8), rng=rng())
    x, y = data.digits()
    with pytest.raises(TypeError, match="x has dtype uint8"):
        fit(model, ((x * 16).astype(np.uint8), y), optimizer=Optimizer(model, lr=0.1), epochs=1, rng=rng())


# ---- the real thing


def test_lenet5_reads_translated_digits_that_it_has_not_seen():
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-m", "course.train"], capture_output=True, text=True, check=True)
    share = float(re.search(r"LeNet-5 reads ([\d.]+)% of 1000 unseen digits", done.stdout)[1])
    assert share >= 90, f"{done.stdout[-500:]} ({time.monotonic() - began:.0f} s)"


def test_the_command_says_what_it_does_before_it_does_it():
    done = subprocess.run([sys.executable, "-m", "course.train", "--help"], capture_output=True, text=True, check=True)
    assert "--epochs" in done.stdout and "LeNet-5" in done.stdout
    done = subprocess.run([sys.executable, "-m", "course.train", "--epochs", "0"], capture_output=True, text=True)
    assert done.returncode == 2 and "1 epoch or more" in done.stderr
