"""How many threads share the pictures of a batch, and the sharing.

By default one. NumPy's matrix products may use several threads of their own; to share the batch as well would set
threads against threads, which is slower than either by far. Whoever wants the batch shared says so in the environment,
before Python starts:

    OPENBLAS_NUM_THREADS=1 COURSE_WORKERS=2 jupyter lab

Convolutions and max pooling then take little more than half the time on two cores. COURSE_WORKERS counts only where the
products keep to one thread: where the first that is set of OPENBLAS_NUM_THREADS, MKL_NUM_THREADS and OMP_NUM_THREADS
is 1.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from functools import cache
from typing import Any, TypeVar

import numpy.typing as npt

Item = TypeVar("Item")
Result = TypeVar("Result")

THREADS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS")
"""Where the environment says how many threads a matrix product takes; NumPy reads it as it loads."""

LEAST = 1 << 17
"""Bytes of pictures that are worth the handing over to another thread."""


def workers() -> int:
    """Read from the environment how many threads share a batch.

    Raises:
        ValueError: COURSE_WORKERS is not a whole number of at least 1.
    """
    wanted = os.environ.get("COURSE_WORKERS")
    if wanted is None or _is_alone.get():
        return 1
    if not wanted.isdecimal() or int(wanted) < 1:
        raise ValueError(f"COURSE_WORKERS={wanted!r} in the environment; a whole number of at least 1 would fit")
    threads = next((os.environ[name] for name in THREADS if name in os.environ), None)
    return int(wanted) if threads == "1" else 1


_is_alone = ContextVar("_is_alone", default=False)


@contextmanager
def alone() -> Iterator[None]:
    """Share no batch within this block: other processes have the other processors."""
    token = _is_alone.set(True)
    try:
        yield
    finally:
        _is_alone.reset(token)


def parts(x: npt.NDArray[Any]) -> list[slice]:
    """Cut a batch of pictures into a part for each worker, if it is large enough for that."""
    return cut(len(x), max(1, min(workers(), len(x), x.nbytes // LEAST)))


def blocks(x: npt.NDArray[Any], most: int) -> list[slice]:
    """Cut a batch into blocks of at most so many bytes, or of one picture; each worker gets as many as the next."""
    count, shares = -(-x.nbytes // most), len(parts(x))
    return cut(len(x), min(len(x), -(-count // shares) * shares))


def cut(n: int, count: int) -> list[slice]:
    """Cut range(n) into slices as equal as can be."""
    return [slice(n * i // count, n * (i + 1) // count) for i in range(count)]


def share(work: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """Let each worker do its share of the items, `parts` or `blocks`: results in their order, however they ran."""
    count = min(workers(), len(items))
    if count < 2:
        return [work(item) for item in items]

    def each(mine: slice) -> list[Result]:
        return [work(item) for item in items[mine]]

    first, *rest = cut(len(items), count)
    # each in a copy of the caller's context, so that np.errstate holds for every part
    others = [_pool(os.getpid(), count - 1).submit(copy_context().run, each, mine) for mine in rest]
    return sum((other.result() for other in others), each(first))


@cache
def _pool(process: int, threads: int) -> ThreadPoolExecutor:
    """Keep the threads of this process: a forked child has none of its parent's and starts its own."""
    return ThreadPoolExecutor(threads, thread_name_prefix="course.ops")
