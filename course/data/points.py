"""Points in the plane that belong to classes, from easy to hard: blobs, moons, spirals.

A straight line tells two blobs apart, not two moons; spirals need several bends.
"""

import numpy as np
import numpy.typing as npt

from course.data.arguments import check_number, check_rng, whole

Points = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]


def blobs(n: int = 300, *, classes: int = 3, noise: float = 0.35, rng: np.random.Generator) -> tuple[Points, Labels]:
    """Clouds around the corners of a regular polygon of radius 1.

    Args:
        n: points in all, shared out evenly.
        classes: C, how many clouds.
        noise: standard deviation of a cloud along each axis.
        rng: draws the points and their order.

    Returns:
        x: (n, 2) float32, y: (n,) int64 from 0 to classes − 1.

    Raises:
        TypeError: rng is no generator, or a count is not whole.
        ValueError: n, classes or noise is negative, or there are fewer points than classes.

    >>> x, y = blobs(90, rng=np.random.default_rng(0))
    >>> x.shape, x.dtype, np.bincount(y)
    ((90, 2), dtype('float32'), array([30, 30, 30]))
    """
    y = _labels(n, classes, rng)
    angle = np.pi / 2 + 2 * np.pi * y / classes
    return _finish(np.stack([np.cos(angle), np.sin(angle)], axis=1), y, noise, rng)


def moons(n: int = 300, *, noise: float = 0.1, rng: np.random.Generator) -> tuple[Points, Labels]:
    """Two half circles of radius 1, each reaching into the other.

    Args:
        n: points in all, shared out evenly.
        noise: standard deviation along each axis.
        rng: draws the points and their order.

    Returns:
        x: (n, 2) float32, y: (n,) int64, 0 above and 1 below.

    Raises:
        TypeError: rng is no generator, or a count is not whole.
        ValueError: n < 2 or noise is negative.

    >>> x, y = moons(100, rng=np.random.default_rng(0))
    >>> x.shape, np.bincount(y)
    ((100, 2), array([50, 50]))
    """
    y = _labels(n, 2, rng)
    angle = rng.uniform(0, np.pi, n) + np.pi * y
    centre = np.where(y == 0, -0.5, 0.5), np.where(y == 0, -0.25, 0.25)
    return _finish(np.stack([centre[0] + np.cos(angle), centre[1] + np.sin(angle)], axis=1), y, noise, rng)


def spirals(
    n: int = 300, *, classes: int = 3, turns: float = 0.75, noise: float = 0.03, rng: np.random.Generator
) -> tuple[Points, Labels]:
    """Arms that wind from the centre out to radius 1.

    Args:
        n: points in all, shared out evenly.
        classes: C, how many arms.
        turns: how often an arm goes round.
        noise: standard deviation along each axis.
        rng: draws the points and their order.

    Returns:
        x: (n, 2) float32, y: (n,) int64 from 0 to classes − 1.

    Raises:
        TypeError: rng is no generator, or a count is not whole.
        ValueError: n, classes or noise is negative, turns is not finite, or there are fewer points than classes.

    >>> x, y = spirals(90, rng=np.random.default_rng(0))
    >>> x.shape, np.bincount(y)
    ((90, 2), array([30, 30, 30]))
    """
    check_number("turns", turns)
    y = _labels(n, classes, rng)
    radius = rng.uniform(0.05, 1, n)
    angle = 2 * np.pi * (turns * radius + y / classes)
    return _finish(radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1), y, noise, rng)


def _labels(n: int, classes: int, rng: np.random.Generator) -> Labels:
    """Share n points out evenly, once it is sure that they can be drawn."""
    check_rng(rng)
    n, classes = whole("n", n, least=0), whole("classes", classes)
    if n < classes:
        raise ValueError(f"n is {n}; at least {classes} would fit, one point a class")
    return np.arange(n, dtype=np.int64) % classes


def _finish(x: npt.NDArray[np.float64], y: Labels, noise: float, rng: np.random.Generator) -> tuple[Points, Labels]:
    """Add noise and mix the classes, so that any piece of the result holds all of them."""
    check_number("noise", noise)
    if noise < 0:
        raise ValueError(f"noise is {noise}; 0 or more would fit")
    order = rng.permutation(len(y))
    noisy = x + noise * rng.standard_normal(x.shape)
    return noisy[order].astype(np.float32), y[order]
