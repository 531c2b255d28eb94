"""How many threads share the pictures of a batch, and the sharing.

By default one. NumPy's matrix products may use several threads of their own; to share the batch as well would set
threads against threads, which is slower than either by far. Whoever wants the batch shared says so in the environment,
before Python starts:

    OPENBLAS_NUM_THREADS=1 COURSE_WORKERS=2 jupyter lab

Convolutions then take little more than half the time on two cores. COURSE_WORKERS counts only where the products keep
to one thread: where the first that is set of OPENBLAS_NUM_THREADS, MKL_NUM_THREADS and OMP_NUM_THREADS is 1.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import cache
from typing import TypeVar

Result = TypeVar("Result")

_OF_THE_PRODUCTS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS")

LEAST = 8
"""Pictures that are worth the handing over to another thread."""


def workers() -> int:
    """Read from the environment how many threads share a batch.

    Raises:
        ValueError: COURSE_WORKERS is not a whole number of at least 1.
    """
    wanted = os.environ.get("COURSE_WORKERS", "1")
    if not wanted.isdecimal() or int(wanted) < 1:
        raise ValueError(f"COURSE_WORKERS={wanted!r} in the environment; a whole number of at least 1 would fit")
    threads = next((os.environ[name] for name in _OF_THE_PRODUCTS if name in os.environ), None)
    return int(wanted) if threads == "1" else 1


def share(work: Callable[[slice], Result], n: int) -> list[Result]:
    """Let each worker do its part of n pictures: the results in the order of the pictures, however they ran."""
    count = max(1, min(workers(), n // LEAST))
    parts = [slice(n * i // count, n * (i + 1) // count) for i in range(count)]
    if count == 1:
        return [work(parts[0])]
    # each in a copy of the caller's context, so that np.errstate holds for every part
    others = [_pool(os.getpid(), count - 1).submit(copy_context().run, work, part) for part in parts[1:]]
    return [work(parts[0]), *(other.result() for other in others)]


@cache
def _pool(process: int, threads: int) -> ThreadPoolExecutor:
    """Keep the threads of this process: a forked child has none of its parent's and starts its own."""
    return ThreadPoolExecutor(threads, thread_name_prefix="course.ops")
