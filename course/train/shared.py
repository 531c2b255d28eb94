"""Arrays in memory that several processes share, and the process that works in them for `course.train.parallel`.

The memory is a file that all of them map. It has no name any more as soon as all have it open (on Windows, as soon as
the last has closed it), so that nothing is left behind, however they end.
"""

import os
import pickle
import select
import signal
import sys
import time
import traceback
from collections.abc import Mapping
from contextlib import suppress
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from course.layers import Model
from course.train.evaluation import Array

__all__ = ["Layout", "Task", "map_arrays"]

Layout = Mapping[str, tuple[tuple[int, ...], str]]
"""For each array its shape and its dtype."""

LINGER = 0.005
"""Seconds for which a worker waits for its next task without sleeping."""

ALIGN = 64
"""Bytes of a line of the processor's cache: no two arrays share one."""


class Task(NamedTuple):
    """What a worker is asked to do with some of the samples."""

    backward: bool
    need_dx: bool = True
    samples: slice = slice(0)
    errors: dict[str, Any] | None = None
    """`np.geterr()` of who asks."""


def map_arrays(path: Path, layout: Layout) -> dict[str, Array]:
    """Map a file as arrays of these shapes, and make it as large as they need.

    Raises:
        OSError: there is no room for it.
    """
    sizes = {name: prod(shape) * np.dtype(dtype).itemsize for name, (shape, dtype) in layout.items()}
    needed = sum(-(-size // ALIGN) * ALIGN for size in sizes.values())
    if path.stat().st_size < needed:
        with path.open("r+b") as file:
            file.truncate(needed)
            if hasattr(os, "posix_fallocate"):  # where there is no room, say so now: later it would be a bus error
                os.posix_fallocate(file.fileno(), 0, needed)
    memory = np.memmap(path, np.uint8, "r+").view(np.ndarray)
    arrays, start = {}, 0
    for name, (shape, dtype) in layout.items():
        arrays[name] = memory[start : start + sizes[name]].view(dtype).reshape(shape)
        start += -(-sizes[name] // ALIGN) * ALIGN
    return arrays


def work(model: Model, task: Task, arrays: Mapping[str, Array], number: int) -> None:
    """Go forwards or backwards through a model with some samples, all in shared arrays."""
    some = task.samples
    if not task.backward:
        arrays["y"][some] = model.forward(arrays["x"][some], training=True)
        return
    dx = model.backward(arrays["dy"][some], need_dx=task.need_dx)
    if task.need_dx:
        arrays["dx"][some] = dx
    for name, gradient in model.grads.items():
        arrays[f"grads/{number}/{name}"][...] = gradient


def linger(pipe: int) -> None:
    """Wait for a while without sleeping: a processor that has been sent to sleep takes its time to wake up again."""
    if hasattr(os, "sched_yield"):
        until = time.monotonic() + LINGER
        while time.monotonic() < until and not select.select([pipe], [], [], 0)[0]:
            os.sched_yield()


def main() -> None:
    """Work until there are no more tasks: what reaches us on standard input, and an answer for each on the output."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the training, which ends us
    tasks, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # what a layer prints is no answer

    def answer(said: str) -> None:
        with suppress(BrokenPipeError):  # nobody listens any more, and the next task will not come
            answers.write(pickle.dumps(said))

    try:
        number, path, layout, packed = pickle.load(tasks)
        model: Model = pickle.loads(packed)
        arrays = map_arrays(path, layout)
        model.rebind({name: arrays[f"params/{name}"] for name in model.params})
        answer("")
        while True:
            linger(tasks.fileno())
            try:
                task = pickle.load(tasks)
            except EOFError:
                return
            with np.errstate(**task.errors or {}):
                work(model, task, arrays, number)
            answer("")
    except Exception:
        answer(traceback.format_exc())
