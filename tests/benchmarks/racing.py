"""Two contenders in turns: what the machine does besides meets both, and the ratio of a pair is left of it.

Threads of PyTorch that have finished keep their core busy for some milliseconds, waiting for more; whoever comes next
would pay for it. So each turn begins with a rest.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Contender = Callable[[], object]
Clock = Callable[[], float]


@dataclass(frozen=True)
class Race:
    """The outcome of a race between ours and the peer's."""

    ours: float  # seconds, median
    theirs: float
    ratio: float  # median of the pairs' ratios, ours / theirs
    low: float  # the ratios' quartiles
    high: float


REST = 0.02
"""Seconds before each turn."""


def race(
    ours: Contender, theirs: Contender, *, rounds: int, seconds: float = 0.02, clock: Clock = time.perf_counter
) -> Race:
    """Run both in turns, the order changing from round to round; each turn repeats what is very short."""
    repeats = [_repeats(contender, seconds) for contender in (ours, theirs)]
    times: list[tuple[float, float]] = []
    for number in range(rounds):
        pair = [0.0, 0.0]
        for which in (0, 1) if number % 2 else (1, 0):
            contender = (ours, theirs)[which]
            time.sleep(REST)
            start = clock()
            for _ in range(repeats[which]):
                contender()
            pair[which] = (clock() - start) / repeats[which]
        times.append((pair[0], pair[1]))
    ratios = sorted(a / b for a, b in times)
    quarter = len(ratios) // 4
    return Race(
        statistics.median(a for a, _ in times),
        statistics.median(b for _, b in times),
        statistics.median(ratios),
        ratios[quarter],
        ratios[-1 - quarter],
    )


def _repeats(contender: Contender, seconds: float) -> int:
    contender()  # warm: what is made at first use is made now
    start = time.perf_counter()
    contender()
    return max(1, round(seconds / max(1e-6, time.perf_counter() - start)))


def gemm_peak(rounds: int = 7, size: int = 1536, clock: Clock = time.perf_counter) -> float:
    """The best rate of a float32 matrix product that NumPy reaches here, in floating point operations a second."""
    rng = np.random.default_rng(0)
    a, b = (rng.standard_normal((size, size), dtype=np.float32) for _ in range(2))
    out = np.empty_like(a)
    best = np.inf
    for _ in range(rounds):
        start = clock()
        np.matmul(a, b, out=out)
        best = min(best, clock() - start)
    return 2 * size**3 / best
