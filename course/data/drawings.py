"""Generated pictures of shapes whose class, box, mask and corners are known exactly."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from course.data.arguments import check_number, check_rng, whole, whole_pair

Array = npt.NDArray[Any]

# Each shape in its own frame: u to the right, v downwards, both from −1 to 1.
_INSIDE: dict[str, Callable[[Array, Array], Array]] = {
    "disk": lambda u, v: u**2 + v**2 <= 1,
    "square": lambda u, v: np.maximum(abs(u), abs(v)) <= 1,
    "triangle": lambda u, v: (2 * abs(u) <= 1 + v) & (v <= 1),
    "cross": lambda u, v: (np.minimum(abs(u), abs(v)) <= 1 / 3) & (np.maximum(abs(u), abs(v)) <= 1),
}
_CORNERS: dict[str, list[tuple[float, float]]] = {
    "disk": [],
    "square": [(-1, -1), (1, -1), (1, 1), (-1, 1)],
    "triangle": [(0, -1), (1, 1), (-1, 1)],
    "cross": [(0, -1), (1, 0), (0, 1), (-1, 0)],  # the middles of its four ends
}
KINDS = tuple(_INSIDE)


class Shapes(NamedTuple):
    """N pictures, M places for shapes in each.

    A coordinate counts pixels from the left or upper edge of the picture, so that pixel j reaches from j to j + 1.

    Attributes:
        x: (N, 1, H, W) float32 in [0, 1].
        labels: (N, M) int64, which of the kinds; −1 where a picture holds fewer than M shapes.
        boxes: (N, M, 4) float32: left, top, right and bottom edge of the shape's pixels; 0 where there is no shape.
        masks: (N, H, W) int64, for each pixel 0 or the label plus 1 of the shape that covers it.
        corners: (N, M, 4, 2) float32: (x, y) of up to four corners, clockwise from the upper left or the top of the
            upright shape, and nan for those that a kind does not have: a disk has none, a triangle three.
    """

    x: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int64]
    boxes: npt.NDArray[np.float32]
    masks: npt.NDArray[np.int64]
    corners: npt.NDArray[np.float32]


def shapes(
    n: int,
    *,
    size: int | tuple[int, int] = 32,
    count: int | tuple[int, int] = 1,
    kinds: Sequence[str] = KINDS,
    radius: tuple[float, float] = (0.15, 0.3),
    tilt: float = 0.0,
    noise: float = 0.1,
    rng: np.random.Generator,
) -> Shapes:
    """Draw bright shapes of random kind, place, size and brightness on a dark, noisy ground.

    Args:
        n: N, how many pictures.
        size: H = W, or (H, W).
        count: shapes in a picture, or (fewest, most); their boxes never overlap.
        kinds: which to choose from, of "disk", "square", "triangle" and "cross".
        radius: smallest and largest half width, as a share of the picture's shorter side.
        tilt: the largest angle in degrees by which a shape is turned either way.
        noise: standard deviation of what is added to each pixel; the sum is cut to [0, 1].
        rng: draws everything.

    Raises:
        TypeError: rng is no generator, n, size or count is not whole, radius is no pair, or tilt or noise no number.
        ValueError: an argument is out of range, a shape would be under 3 pixels wide or wider than the picture, or
            so many shapes of that size do not fit side by side.

    >>> pictures = shapes(8, size=(24, 32), count=(1, 3), rng=np.random.default_rng(0))
    >>> for name, values in pictures._asdict().items(): print(name, values.shape, values.dtype)
    x (8, 1, 24, 32) float32
    labels (8, 3) int64
    boxes (8, 3, 4) float32
    masks (8, 24, 32) int64
    corners (8, 3, 4, 2) float32
    """
    check_rng(rng)
    height, width = whole_pair("size", size, "(H, W)")
    fewest, most = whole_pair("count", count, "(fewest, most)", least=0)
    _check(n, (height, width), (fewest, most), kinds, radius, tilt, noise)
    pictures = Shapes(
        x=noise * rng.standard_normal((n, 1, height, width), dtype=np.float32),
        labels=np.full((n, most), -1),
        boxes=np.zeros((n, most, 4), np.float32),
        masks=np.zeros((n, height, width), np.int64),
        corners=np.full((n, most, 4, 2), np.nan, np.float32),
    )
    for i in range(n):
        places = _arrange(int(rng.integers(fewest, most + 1)), height, width, radius, tilt, rng)
        for m, (centre, r, angle) in enumerate(zip(*places, strict=True)):
            label = int(rng.integers(len(kinds)))
            inside, corners = _draw(kinds[label], height, width, centre, r, angle)
            pictures.x[i, 0] += inside * np.float32(rng.uniform(0.5, 1))
            pictures.labels[i, m] = label
            pictures.boxes[i, m] = _box(inside)
            pictures.masks[i][inside] = label + 1
            pictures.corners[i, m, : len(corners)] = corners
    np.clip(pictures.x, 0, 1, out=pictures.x)
    return pictures


def _arrange(
    m: int, height: int, width: int, radius: tuple[float, float], tilt: float, rng: np.random.Generator
) -> tuple[Array, Array, Array]:
    """Find places for m shapes side by side: centres (m, 2), radii (m,) and angles in radians (m,)."""
    for _ in range(100):  # draw 64 arrangements at a time and take the first that has no overlap
        r = min(height, width) * rng.uniform(*radius, size=(64, m))
        angle = np.deg2rad(rng.uniform(-tilt, tilt, size=(64, m)))
        reach = _reach(r, angle)
        room = np.array([width, height]) - 2 * reach[..., None]
        centre = reach[..., None] + room * rng.random((64, m, 2))
        apart = abs(centre[:, :, None] - centre[:, None]).max(axis=-1) >= reach[:, :, None] + reach[:, None]
        free = (apart | np.eye(m, dtype=bool)).all(axis=(1, 2))
        if free.any():
            first = int(free.argmax())
            return centre[first], r[first], angle[first]
    raise ValueError(
        f"no room for {m} shapes (count) of radius {radius} in a picture of {height}×{width}; "
        "fewer or smaller ones would fit"
    )


def _reach(radius: Array, angle: Array) -> Array:
    """Half the width of a turned frame."""
    reach: Array = radius * (abs(np.cos(angle)) + abs(np.sin(angle)))
    return reach


def _draw(kind: str, height: int, width: int, centre: Array, radius: float, angle: float) -> tuple[Array, Array]:
    """Turn the grid of pixel centres into the shape's own frame; return which lie inside, and the corners."""
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    dx, dy = np.arange(width) + 0.5 - centre[0], np.arange(height)[:, None] + 0.5 - centre[1]
    u, v = (turn[0, 0] * dx + turn[1, 0] * dy) / radius, (turn[0, 1] * dx + turn[1, 1] * dy) / radius
    return _INSIDE[kind](u, v), centre + radius * np.reshape(_CORNERS[kind], (-1, 2)) @ turn.T


def _box(inside: Array) -> tuple[int, int, int, int]:
    """Bound the true pixels: left, top, right and bottom edge."""
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _check(
    n: int,
    size: tuple[int, int],
    count: tuple[int, int],
    kinds: Sequence[str],
    radius: tuple[float, float],
    tilt: float,
    noise: float,
) -> None:
    whole("n", n, least=0)
    if np.shape(radius) != (2,):
        raise TypeError(f"radius is {radius!r}; (smallest, largest) would fit, such as (0.15, 0.3)")
    for half in radius:
        check_number("radius", half)
    check_number("tilt", tilt)
    check_number("noise", noise)
    if not count[0] <= count[1]:
        raise ValueError(f"count is {count}; (fewest, most) with 0 ≤ fewest ≤ most would fit")
    if not kinds or isinstance(kinds, str) or not set(kinds) <= set(KINDS):
        raise ValueError(f"kinds is {kinds!r}; some of {KINDS} would fit")
    if not 0 <= tilt <= 45:
        raise ValueError(f"tilt is {tilt}; 0 to 45 degrees would fit")
    most = 0.5 / float(_reach(np.array(1.0), np.deg2rad(tilt)))
    least = 1.5 / min(size)
    if not least <= radius[0] <= radius[1] <= most:
        raise ValueError(
            f"radius is {radius}; between {least:.3f} (3 pixels across) and {most:.3f} (the whole picture) would fit"
        )
    if noise < 0:
        raise ValueError(f"noise is {noise}; 0 or more would fit")
