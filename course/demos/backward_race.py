"""Who is how fast: forward and backward passes against the size of the picture, drawn while they run.

from course.demos import backward_race
backward_race.run({"loops": (conv2d, conv2d_backward), "course.ops": (ops.conv2d, ops.conv2d_backward)})
"""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from time import perf_counter
from typing import Any

import numpy as np

from course.plots.backward import times
from course.plots.figure import PAGE, bundle, figure_png

__all__ = ["Pair", "measure", "race", "run"]

Pair = tuple[Callable[..., Any], Callable[..., Any]]

SIZES = (8, 16, 32, 64, 128)
BATCH, CHANNELS, FILTERS, FIELD = 4, 3, 8, 3
PATIENCE = 0.2  # seconds; whoever took longer is not asked for the next size, four times the work
TIMES, LONG = 20, 0.3  # the best of so many runs counts, or of fewer if they take so many seconds together


def measure(pair: Pair, size: int, *, least: int = 1) -> float:
    """Seconds for one forward and one backward pass on pictures of size × size, the best of at least so many."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((BATCH, CHANNELS, size, size)).astype(np.float32)
    w = rng.standard_normal((FILTERS, CHANNELS, FIELD, FIELD)).astype(np.float32)
    b = np.zeros(FILTERS, np.float32)
    forward, backward = pair
    taken: list[float] = []
    while len(taken) < least or (len(taken) < TIMES and sum(taken) < LONG):
        start = perf_counter()
        y, cache = forward(x, w, b, pad=FIELD // 2)
        backward(y, cache)
        taken.append(perf_counter() - start)
    return min(taken)


def race(contestants: Mapping[str, Pair], sizes: Sequence[int]) -> Iterator[dict[str, list[float]]]:
    """Measure one size after the other, all contestants at each; after each measurement give all so far.

    >>> def forward(x, w, b, *, pad):
    ...     return x, None
    >>> *_, last = race({"nobody": (forward, lambda dy, cache: dy)}, (8, 16))
    >>> len(last["nobody"])
    2
    """
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for number, size in enumerate(sizes):
        for name, pair in contestants.items():
            row = seconds[name]
            if len(row) == number and (not row or row[-1] <= PATIENCE):
                # on a busy machine even a short run may be held up: one that should be short is asked again
                row.append(measure(pair, size, least=3 if row and row[-1] < PATIENCE / 10 else 1))
            yield {known: list(values) for known, values in seconds.items()}


def run(contestants: Mapping[str, Pair], sizes: Sequence[int] = SIZES) -> None:
    """Race before the reader's eyes: a progress bar, and a picture that grows.

    Args:
        contestants: by name, `y, cache = forward(x, w, b, *, pad)` and `dx, dw, db = backward(dy, cache)`.
        sizes: H = W of the pictures, ascending.
    """
    from IPython.display import DisplayHandle
    from tqdm.std import tqdm

    def picture(seconds: Mapping[str, Sequence[float]]) -> dict[str, str]:
        figure = times(sizes, seconds)
        return bundle(figure_png(figure), _words(sizes, seconds), int(figure.get_figwidth() * PAGE))

    handle: Any = DisplayHandle()
    handle.display(picture({name: [] for name in contestants}), raw=True)  # first, so that the bar stands below it
    total = len(contestants) * len(sizes)
    for seconds in tqdm(race(contestants, sizes), total=total, unit=" runs", file=sys.stdout, ncols=70):
        handle.update(picture(seconds), raw=True)


def _words(sizes: Sequence[int], seconds: Mapping[str, Sequence[float]]) -> str:
    said = [
        f"{name} {1000 * row[-1]:.1f} ms at {sizes[len(row) - 1]}×{sizes[len(row) - 1]}"
        for name, row in seconds.items()
        if row
    ]
    axes = "Time of a forward and a backward pass against the size of the picture, both axes logarithmic"
    return f"{axes}: {', '.join(said) or 'nothing yet'}."
