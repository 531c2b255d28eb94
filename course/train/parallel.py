"""Data parallelism: several processes share each batch, and their gradients add up.

The loss is a mean over the samples, so its gradient is a sum over them, and a sum can be taken in parts. Every process
has the same weights, in memory that all of them share, and goes forwards and backwards through its own samples:

    x ──┬─ samples 0 … 63   ──►  y, dw₀ ─┐
        └─ samples 64 … 127 ──►  y, dw₁ ─┴─►  dw = dw₀ + dw₁

Processes rather than threads, since Python lets one thread at a time run, and a step of a small network is many short
calls: threads wait for each other in most of them, processes once on the way forwards and once on the way back.
"""

import os
import pickle
import subprocess
import sys
import tempfile
import weakref
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from course.data.arguments import check_array, whole
from course.layers import Model
from course.ops._workers import THREADS, alone, cut
from course.train.evaluation import Array
from course.train.shared import Layout, Task, map_arrays

__all__ = ["DataParallel"]

_ONE = dict.fromkeys((*THREADS, "COURSE_WORKERS"), "1")
"""Each worker has one processor to itself, and so one thread."""


class DataParallel:
    """A model whose training batches several processes share.

    It takes the model's place in `fit` and `Optimizer`, and trains its weights in place:

        with DataParallel(model) as team:
            fit(team, (x, y), optimizer=Optimizer(team, "adam", lr=1e-3), epochs=10, rng=rng)

    Up to rounding it computes what the model would, and with the same number of workers the same to the last bit.
    The first part of each batch this process takes itself; the others start with the first batch that is trained on,
    in half a second, and end with `close`, the `with` block or Python. Without training, as in `evaluate`, the model
    computes by itself.

    It pays for large batches: LeNet-5 takes 0.7 of the time for 128 pictures on two processors, and gains nothing for
    64. The products of this process should keep to one thread, as in a notebook that `course lab` opened, or with
    OPENBLAS_NUM_THREADS=1 in the environment.

    The optimizer must be the team's, since the model itself only has the gradients of its own part; and `params` are
    to be asked for anew once the workers have started, since the weights then lie elsewhere.

    Args:
        model: a built model of `course.layers`. Its layers' functions must be found in modules: a worker is a Python
            of its own, which knows nothing of a notebook's cells.
        workers: how many processes, with this one; None takes one for each processor.

    Raises:
        TypeError: the model is not one of `course.layers`, or workers is no whole number.
        ValueError: the model has no weights yet; workers is less than 1; or the model needs the batch as a whole, as
            batch normalisation does, or draws at random, as dropout does.

    Source: A. Krizhevsky, "One weird trick for parallelizing convolutional neural networks", 2014.

    >>> from course import models
    >>> model = models.lenet5().build((1, 32, 32), rng=np.random.default_rng(0))
    >>> with DataParallel(model, workers=2) as team:
    ...     scores = team.forward(np.ones((8, 1, 32, 32), np.float32), training=True)
    ...     dx = team.backward(np.ones((8, 10), np.float32))
    >>> scores.shape, dx.shape, team.grads["0.w"].shape
    ((8, 10), (8, 1, 32, 32), (6, 1, 5, 5))
    """

    def __init__(self, model: Model, workers: int | None = None) -> None:
        if not isinstance(model, Model):
            raise TypeError(f"model is a {type(model).__name__}; a model of course.layers would fit")
        if workers is None:
            workers = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        workers = whole("workers", workers)
        if not model.params:
            raise ValueError("model has no weights; model.build(in_shape, rng=…) before it would fit")
        for kept, why in (model.state, "statistics of the whole batch"), (model.generators, "one order of its draws"):
            if kept:
                raise ValueError(f"{', '.join(kept)} of the model needs {why}; a model without would fit")
        self.model, self.workers = model, workers
        self._team: _Team | None = None
        self._parts: list[slice] = []  # of the last forward, if the team did it
        self._grads: dict[str, Array] = {}

    @property
    def params(self) -> dict[str, Array]:
        return self.model.params

    @property
    def grads(self) -> dict[str, Array]:
        return self._grads

    def forward(self, x: Array, training: bool = False) -> Array:
        """Compute y for a batch x (N, …); in training each process for its part."""
        check_array("x", x)
        self._parts = []
        count = min(self.workers, len(x))
        if not training or count < 2:
            return self.model.forward(x, training)
        if self._team is None or not self._team.has(self.model) or not self._team.fits(x):
            self.close()
            self._team = _Team(self.model, self.workers - 1, x)
        mine, *others = parts = cut(len(x), count)
        rest, room = slice(mine.stop, len(x)), self._team.arrays
        room["x"][rest] = x[rest]
        y = self._share(Task(False), others, lambda: self.model.forward(x[mine], training))
        self._parts = parts
        return np.concatenate([y, room["y"][rest]])

    def backward(self, dy: Array, *, need_dx: bool = True) -> Array:
        """Compute the gradients of the parameters for the last forward, and dx (N, …) if it is needed."""
        if not self._parts or self._team is None:
            dx = self.model.backward(dy, need_dx=need_dx)
            self._grads = self.model.grads
            return dx
        parts, room = self._parts, self._team.arrays
        (mine, *others), rest = parts, slice(parts[0].stop, parts[-1].stop)
        check_array("dy", dy)
        expected = (rest.stop, *room["dy"].shape[1:])
        if dy.shape != expected:
            raise ValueError(f"dy has shape {dy.shape}; {expected} would fit, that of y")
        self._parts = []
        room["dy"][rest] = dy[rest]
        task = Task(True, need_dx=need_dx)
        dx = self._share(task, others, lambda: self.model.backward(dy[mine], need_dx=need_dx))
        self._grads = {name: np.array(gradient) for name, gradient in self.model.grads.items()}
        for number in range(len(others)):  # in their order, so that the sum is the same every time
            for name, gradient in self._grads.items():
                gradient += room[f"grads/{number}/{name}"]
        return np.concatenate([dx, room["dx"][rest]]) if need_dx else dx

    def _share(self, task: Task, parts: list[slice], own: Callable[[], Array]) -> Array:
        """Let the workers do a task with these parts of the batch, while this process does its own."""
        assert self._team is not None
        try:
            self._team.ask([task._replace(samples=part, errors=dict(np.geterr())) for part in parts])
            with alone():
                done = own()
            self._team.hear(len(parts))
        except BaseException:  # a second Ctrl-C too: an answer that nobody heard would be taken for the next one
            self.close()
            raise
        return done

    def close(self) -> None:
        """End the workers; the model keeps its weights. The next training batch would start them again."""
        team, self._team = self._team, None
        if team is not None:
            if team.has(self.model):
                _take_back(self.model)
            team.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Team:
    """Worker processes, and the memory that they share."""

    def __init__(self, model: Model, workers: int, x: Array) -> None:
        self.most = len(x)
        y, dtype = (self.most, *model.output_shape(x.shape[1:])), x.dtype.str
        shapes = {name: (w.shape, w.dtype.str) for name, w in model.params.items()}
        layout: dict[str, Any] = {f"params/{name}": shape for name, shape in shapes.items()}
        layout |= {"x": (x.shape, dtype), "dx": (x.shape, dtype), "y": (y, dtype), "dy": (y, dtype)}
        layout |= {f"grads/{i}/{name}": shape for i in range(workers) for name, shape in shapes.items()}
        try:
            packed = pickle.dumps(model)
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            raise ValueError(f"a worker cannot be given the model: {error}; {_MODULE}") from error
        handle, name = tempfile.mkstemp(prefix="course-", suffix=".shared")
        os.close(handle)
        path = Path(name)
        self.processes: list[subprocess.Popen[bytes]] = []
        self.close = weakref.finalize(self, _end, self.processes, path)
        self.arrays = map_arrays(path, layout)
        model.rebind({name: self.arrays[f"params/{name}"] for name in shapes})
        try:
            for number in range(workers):
                self.processes.append(_start(number, path, layout, packed))
            self.hear(workers)
        except BaseException:  # such as a layer's function that a worker does not find
            _take_back(model)
            self.close()
            raise
        with suppress(OSError):  # Windows keeps the name of what is open
            path.unlink()

    def has(self, model: Model) -> bool:
        """Tell whether a model's weights are ours: it may have been built anew, or have gone to another team."""
        return all(w is self.arrays.get(f"params/{name}") for name, w in model.params.items())

    def fits(self, x: Array) -> bool:
        """Tell whether there is room for this batch."""
        room = self.arrays["x"]
        return len(x) <= self.most and x.shape[1:] == room.shape[1:] and x.dtype == room.dtype

    def ask(self, tasks: list[Task]) -> None:
        """Give each worker a task."""
        for process, task in zip(self.processes, tasks, strict=False):
            _send(process, task)

    def hear(self, count: int) -> None:
        """Wait for the answers of so many workers.

        Raises:
            RuntimeError: one has ended, or could not do what it was asked.
        """
        for process in self.processes[:count]:
            assert process.stdout is not None
            try:
                trouble = pickle.load(process.stdout)
            except EOFError:
                code = process.wait()
                raise RuntimeError(f"a worker has ended with code {code}; was it stopped, or memory short?") from None
            if trouble:
                hint = f"\n{_MODULE}" if "__main__" in trouble else ""
                raise RuntimeError(f"a worker says:\n{trouble.rstrip()}{hint}")


def _take_back(model: Model) -> None:
    """Let a model's weights live in memory of its own again."""
    model.rebind({name: np.empty_like(w) for name, w in model.params.items()})


_MODULE = "functions that a module defines, a .py file beside the notebook, would fit"


def _start(number: int, path: Path, layout: Layout, packed: bytes) -> "subprocess.Popen[bytes]":
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", "from course.train.shared import main; main()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, **_ONE, "PYTHONPATH": os.pathsep.join(where or str(Path.cwd()) for where in sys.path)},
        start_new_session=True,  # Ctrl-C in a terminal reaches the training only
    )
    _send(process, (number, path, layout, packed))
    return process


def _send(process: "subprocess.Popen[bytes]", what: object) -> None:
    assert process.stdin is not None
    with suppress(BrokenPipeError):  # it has ended: its missing answer tells
        pickle.dump(what, process.stdin)
        process.stdin.flush()


def _end(processes: list["subprocess.Popen[bytes]"], path: Path) -> None:
    """End workers, and remove the file if it still has a name."""
    for process in processes:
        for pipe in (process.stdin, process.stdout):
            assert pipe is not None
            with suppress(OSError):
                pipe.close()
    for process in processes:
        try:
            process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    with suppress(OSError):
        path.unlink()
