"""Data parallelism: the same numbers from several processes, the same bits every time, and nothing left behind."""

import os
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from course import models, ops
from course.layers import Affine, BatchNorm, Dropout, ReLU, Sequential, layer_from
from course.ops import _workers
from course.optim import Optimizer
from course.train import DataParallel, evaluate, fit, parallel


def rng(seed=0):
    return np.random.default_rng(seed)


def small(dtype=np.float32):
    return models.mini_cnn().build((1, 8, 8), rng=rng(), dtype=dtype)


def batch(n, dtype=np.float32):
    return rng(n).standard_normal((n, 1, 8, 8)).astype(dtype), rng(n).integers(0, 10, n)


def step(model, x, labels, **backward):
    """Forwards and backwards: scores, dx, gradients."""
    scores = model.forward(x, training=True)
    return scores, model.backward(ops.softmax_loss(scores, labels)[1], **backward), dict(model.grads)


def children():
    """Processes that this one has started and that have not ended."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended meanwhile
            parent = (process / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1]
            if parent == str(os.getpid()) and b"course.train.shared" in (process / "cmdline").read_bytes():
                found.append(process.name)
    return found


@pytest.fixture(autouse=True)
def nothing_is_left(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    yield
    assert children() == []
    assert list(tmp_path.glob("course-*")) == []


@pytest.mark.parametrize(("dtype", "error"), [(np.float32, 1e-5), (np.float64, 1e-13)])
@pytest.mark.parametrize("workers", [1, 2, 3])
def test_they_compute_what_the_model_would(workers, dtype, error):
    model, alone = small(dtype), small(dtype)
    with DataParallel(model, workers) as team:
        for n in 7, 2, 1, 16, 3:  # not in equal parts, fewer than workers, more than at first
            got, expected = step(team, *batch(n, dtype)), step(alone, *batch(n, dtype))
            assert got[2].keys() == expected[2].keys() == team.params.keys()
            for mine, peer in zip([*got[:2], *got[2].values()], [*expected[:2], *expected[2].values()], strict=True):
                assert (mine.shape, mine.dtype) == (peer.shape, peer.dtype)
                np.testing.assert_allclose(mine, peer, rtol=0, atol=error * np.abs(peer).max())


def test_a_first_layer_is_spared_its_dx_in_every_process():
    with DataParallel(small(), 2) as team:
        x, labels = batch(6)
        *_, needed = step(team, x, labels)
        *_, spared = step(team, x, labels, need_dx=False)
    for name, gradient in needed.items():
        np.testing.assert_array_equal(spared[name], gradient)


def test_a_training_learns_and_comes_to_the_same_bits_every_time():
    x, y = batch(40)
    weights = []
    for _ in range(2):
        model = small()
        with DataParallel(model, 2) as team:
            optimizer = Optimizer(team, "momentum", lr=0.05, alpha=0.9)
            history = fit(team, (x, y), optimizer=optimizer, epochs=8, batch_size=16, validation=(x, y), rng=rng(1))
            assert children() != []
        assert history.loss[-1] < 0.8 * history.loss[0]
        assert evaluate(model, (x, y))[0] == history.val_loss[-1]  # the model itself has learned
        weights.append(model.params)
    for name, w in weights[0].items():
        np.testing.assert_array_equal(w, weights[1][name])


def test_a_training_goes_on_to_the_same_bits(tmp_path):
    x, y = batch(24)

    def train(epochs, **how):
        model = small()
        with DataParallel(model, 2) as team:
            optimizer = Optimizer(team, "adam", lr=0.01)
            fit(team, (x, y), optimizer=optimizer, epochs=epochs, batch_size=8, rng=rng(1), **how)
        return model.params

    whole = train(4)
    train(2, checkpoint=tmp_path / "half.npz")
    halves = train(4, checkpoint=tmp_path / "half.npz", resume=True)
    for name, w in whole.items():
        np.testing.assert_array_equal(halves[name], w)


def test_weights_are_shared_and_stay_when_the_workers_end():
    model = small()
    x, labels = batch(6)
    with DataParallel(model, 2) as team:
        first, *_ = step(team, x, labels)
        for w in model.params.values():  # in place, as an optimizer does
            w *= 0.5
        second, *_ = step(team, x, labels)
        kept = {name: w.copy() for name, w in model.params.items()}
    assert np.abs(first[3:] - second[3:]).max() > 1e-3  # the other process has seen it
    np.testing.assert_allclose(model.forward(x), second, atol=1e-5)
    for name, w in model.params.items():
        np.testing.assert_array_equal(w, kept[name])
        assert w.base is None  # no view of memory that others had


def test_without_training_the_model_computes_by_itself():
    model = small()
    x, _ = batch(6)
    with DataParallel(model, 2) as team:
        np.testing.assert_array_equal(team.forward(x), model.forward(x))
        dx = team.backward(np.ones((6, 10), np.float32))
        assert children() == []
        np.testing.assert_array_equal(team.grads["0.w"], model.grads["0.w"])
        assert dx.shape == x.shape


def test_this_process_does_its_part_with_one_thread(monkeypatch):
    monkeypatch.setenv("COURSE_WORKERS", "2")
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    seen = []

    def watched(x):
        seen.append(_workers.workers())
        return ops.relu(x)

    model = Sequential(Affine(3), ReLU()).build((2,), rng=rng())
    with DataParallel(model, 2) as team:
        team.forward(np.ones((4, 2), np.float32), training=True)
        model.layers[1].op = watched  # here, not in the other process
        team.forward(np.ones((4, 2), np.float32), training=True)
        model.forward(np.ones((4, 2), np.float32))
    assert seen == [1, 2]


@pytest.mark.parametrize(
    ("model", "workers", "error", "message"),
    [
        (object(), 2, TypeError, "model is a object; a model of course.layers would fit"),
        (small(), 0, ValueError, "workers is 0; 1 or more would fit"),
        (small(), 2.5, TypeError, "workers is 2.5; a whole number would fit"),
        (small(), True, TypeError, "workers is True; a whole number would fit"),
        (models.lenet5(), 2, ValueError, "no weights"),
        (Sequential(Affine(3), BatchNorm()), 2, ValueError, "statistics of the whole batch"),
        (Sequential(Affine(3), Dropout(0.5)), 2, ValueError, "one order of its draws"),
    ],
    ids=["not a model", "no workers", "half a worker", "yes", "not built", "batch norm", "dropout"],
)
def test_what_cannot_be_shared_is_refused(model, workers, error, message):
    if isinstance(model, Sequential) and model.name != "LeNet-5" and not model.params:
        model.build((2,), rng=rng())
    with pytest.raises(error, match=message):
        DataParallel(model, workers)


def test_weights_that_were_drawn_anew_or_went_to_another_team_are_noticed():
    model = small()
    x, labels = batch(6)
    with DataParallel(model, 2) as team, DataParallel(model, 2) as other:
        for built in False, True, False:
            if built:
                model.build((1, 8, 8), rng=rng(7))
            for each in team, other, team:
                np.testing.assert_allclose(step(each, x, labels)[0], model.forward(x), atol=1e-5)
        other.close()  # whose weights are not the model's any more
        np.testing.assert_allclose(step(team, x, labels)[0], model.forward(x), atol=1e-5)


def test_a_checkpoint_tells_how_many_took_part(tmp_path):
    x, y = batch(8)
    for workers in 2, 1:
        with DataParallel(small(), workers) as team:
            how = {"optimizer": Optimizer(team, lr=0.1), "epochs": 1, "checkpoint": tmp_path / "c.npz", "resume": True}
            if workers == 2:
                fit(team, (x, y), rng=rng(), **how)
            else:
                with pytest.raises(ValueError, match="a training with workers 2; this one has 1"):
                    fit(team, (x, y), rng=rng(), **how)


def test_a_list_is_refused():
    with DataParallel(small(), 2) as team, pytest.raises(TypeError, match="x is a list; a NumPy array would fit"):
        team.forward([1.0, 2.0], training=True)


def test_where_there_is_no_room_nothing_starts(monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    x, _ = batch(6)
    model = small()
    with DataParallel(model, 2) as team, pytest.raises(OSError, match="No space"):
        team.forward(x, training=True)
    assert all(w.base is None for w in model.params.values())


def test_how_numpy_takes_an_overflow_holds_in_every_process():
    x, labels = batch(6)
    x[5] = 3e38
    with DataParallel(small(), 2) as team:
        with np.errstate(all="raise"), pytest.raises(RuntimeError, match="FloatingPointError"):
            team.forward(x, training=True)
        with np.errstate(all="ignore"):
            step(team, x, labels)


def test_a_script_beside_which_a_module_of_the_library_seems_to_lie_trains_as_well(tmp_path, monkeypatch):
    (tmp_path / "random.py").write_text("raise SystemExit('not this one')", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    x, labels = batch(6)
    with DataParallel(small(), 2) as team:
        assert step(team, x, labels)[0].shape == (6, 10)


def test_what_goes_wrong_here_makes_no_noise_there(capfd):
    x, _ = batch(6)
    with DataParallel(small(), 2) as team:
        team.forward(x, training=True)
        with pytest.raises(ValueError, match="channels"):
            team.forward(np.ones((6, 2, 8, 8), np.float32), training=True)
        with pytest.raises(TypeError, match="x"):
            team.forward(np.ones((6, 1, 8, 8), np.uint8), training=True)
    assert capfd.readouterr().err == ""


def test_numpy_counts_workers_too():
    assert DataParallel(small().build((1, 8, 8), rng=rng()), workers=np.int64(2)).workers == 2


def test_a_dy_of_another_shape_is_refused():
    x, _ = batch(6)
    with DataParallel(small(), 2) as team:
        team.forward(x, training=True)
        with pytest.raises(ValueError, match=r"dy has shape \(6, 9\); \(6, 10\) would fit"):
            team.backward(np.ones((6, 9), np.float32))
        with pytest.raises(TypeError, match="dy is a list; a NumPy array would fit"):
            team.backward([[1.0]])
        assert team.backward(np.ones((6, 10), np.float32)).shape == x.shape  # the right one still goes through


def test_a_function_that_no_module_has_is_refused_and_nothing_starts():
    layer = layer_from(lambda x: (x, None), lambda dy, cache: dy)
    model = Sequential(Affine(3), layer).build((2,), rng=rng())
    with DataParallel(model, 2) as team, pytest.raises(ValueError, match=r"cannot be given the model.*a \.py file"):
        team.forward(np.ones((4, 2), np.float32), training=True)
    assert model.forward(np.ones((4, 2), np.float32)).shape == (4, 3)


def test_what_goes_wrong_in_a_worker_is_told():
    model = Sequential(Affine(3), layer_from(refuse_ones)).build((2,), rng=rng())
    x = np.zeros((4, 2), np.float32)
    with DataParallel(model, 2) as team:
        team.forward(x, training=True)
        x[3] = 1  # in the other process's half
        model.params["0.w"][...] = 1
        with pytest.raises(RuntimeError, match=r"a worker says:(.|\n)*no ones, please"):
            team.forward(x, training=True)
        assert children() == []
        assert team.forward(0 * x, training=True).shape == (4, 3)  # it starts anew


def test_a_function_that_a_worker_does_not_find_is_told_and_nothing_is_left(monkeypatch):
    monkeypatch.setattr(refuse_ones, "__module__", "__main__")
    monkeypatch.setattr(sys.modules["__main__"], "refuse_ones", refuse_ones, raising=False)
    model = Sequential(Affine(3), layer_from(refuse_ones)).build((2,), rng=rng())
    x = np.zeros((4, 2), np.float32)
    with DataParallel(model, 2) as team:
        with pytest.raises(RuntimeError, match=r"refuse_ones(.|\n)*a \.py file beside the notebook"):
            team.forward(x, training=True)
        assert children() == []
    assert all(w.base is None for w in model.params.values())
    assert model.forward(x).shape == (4, 3)


def refuse_ones(x):
    if x.max() > 0:
        raise ValueError("no ones, please")
    return x


def test_a_worker_that_is_killed_ends_the_step_with_a_sentence_and_the_next_one_works():
    x, labels = batch(6)
    with DataParallel(small(), 2) as team:
        expected, *_ = step(team, x, labels)
        team._team.processes[0].kill()
        with pytest.raises(RuntimeError, match="a worker has ended with code -9"):
            team.forward(x, training=True)
        np.testing.assert_array_equal(step(team, x, labels)[0], expected)


def test_an_interruption_between_question_and_answer_leaves_no_stale_answer(monkeypatch):
    x, labels = batch(6)
    with DataParallel(small(), 2) as team:
        expected, *_ = step(team, x, labels)
        with monkeypatch.context() as patch:
            patch.setattr(parallel._Team, "hear", interrupted)
            with pytest.raises(KeyboardInterrupt):
                team.forward(x * 2, training=True)
        np.testing.assert_array_equal(step(team, x, labels)[0], expected)


def interrupted(*_):
    raise KeyboardInterrupt


def test_ctrl_c_does_not_reach_the_workers():
    x, labels = batch(6)
    with DataParallel(small(), 2) as team:
        expected, *_ = step(team, x, labels)
        worker = team._team.processes[0]
        assert os.getpgid(worker.pid) != os.getpgid(0)
        worker.send_signal(signal.SIGINT)
        np.testing.assert_array_equal(step(team, x, labels)[0], expected)


def test_workers_end_with_the_process_that_started_them(tmp_path):
    program = textwrap.dedent("""
        import numpy as np, os, time
        from course import models
        from course.train import DataParallel
        team = DataParallel(models.mini_cnn().build((1, 8, 8), rng=np.random.default_rng(0)), 3)
        team.forward(np.ones((6, 1, 8, 8), np.float32), training=True)
        print(*[process.pid for process in team._team.processes], flush=True)
        time.sleep(60)
    """)
    running = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    pids = running.stdout.readline().split()
    running.kill()
    running.wait()
    running.stdout.close()
    assert len(pids) == 2
    until = time.monotonic() + 10
    while (left := [pid for pid in pids if is_running(pid)]) and time.monotonic() < until:
        time.sleep(0.05)
    assert left == []


def is_running(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"
