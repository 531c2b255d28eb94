"""Handwritten digits: 1797 real ones in 8×8 pixels, and the same at random places of a larger, noisy frame."""

from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from course.data.arguments import check_number, check_rng, whole, whole_pair

Pictures = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]
Part = Literal["all", "train", "test"]

_FILE = Path(__file__).parent / "files" / "digits.npz"


@cache
def _archive() -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    with np.load(_FILE) as archive:
        return archive["x"], archive["y"]


def digits(part: Part = "all") -> tuple[Pictures, Labels]:
    """Real handwritten digits of thirteen writers, upright and centred.

    Args:
        part: "all" 1797, or the same 1347 for "train" and 450 for "test" every time: each fourth is for testing.

    Returns:
        x: (N, 1, 8, 8) float32 in steps of 1/16 from 0, paper, to 1, ink.
        y: (N,) int64, the digit, 0 to 9.

    Raises:
        ValueError: part is none of the three.

    Source: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI, 1998 (CC BY 4.0).

    >>> x, y = digits()
    >>> x.shape, x.dtype, y[:5]
    ((1797, 1, 8, 8), dtype('float32'), array([0, 1, 2, 3, 4]))
    >>> [len(digits(part)[0]) for part in ("train", "test")]
    [1347, 450]
    """
    pixels, labels = _archive()
    for_test = np.arange(len(labels)) % 4 == 0
    if part == "all":
        chosen = np.ones_like(for_test)
    elif part in ("train", "test"):
        chosen = for_test if part == "test" else ~for_test
    else:
        raise ValueError(f'part is {part!r}; "all", "train" or "test" would fit')
    return pixels[chosen, None].astype(np.float32) / np.float32(16), labels[chosen].astype(np.int64)


def translated_digits(
    n: int | None = None,
    *,
    size: int | tuple[int, int] = 16,
    zoom: int = 1,
    noise: float = 0.1,
    part: Part = "all",
    rng: np.random.Generator,
) -> tuple[Pictures, Labels]:
    """Draw digits at random places of a larger frame, under noise.

    Where a digit stands says nothing about which it is: a network that shares its weights over all places
    learns from each picture what a fully connected one must see at every place. Pictures of the part "train"
    and of the part "test" never show the same handwriting.

    Args:
        n: how many; None shows each digit of the part once. More than there are begin again at other places.
        size: H = W of the frame, or (H, W).
        zoom: each of the 8×8 pixels becomes zoom × zoom, interpolated linearly, so that digits are 8·zoom high.
        noise: standard deviation of what is added to each pixel; the sum is cut to [0, 1].
        part: "all", "train" or "test", as in `digits`.
        rng: draws the order, the places and the noise.

    Returns:
        x: (n, 1, H, W) float32 in [0, 1].
        y: (n,) int64, the digit, 0 to 9.

    Raises:
        TypeError: rng is no generator, n, size or zoom is not whole, or noise is no number.
        ValueError: the frame is smaller than the digits, or n, zoom or noise is out of range.

    >>> x, y = translated_digits(100, size=(16, 20), rng=np.random.default_rng(0))
    >>> x.shape, x.dtype, y.shape
    ((100, 1, 16, 20), dtype('float32'), (100,))
    """
    x, y = digits(part)
    check_rng(rng)
    check_number("noise", noise)
    if noise < 0:
        raise ValueError(f"noise is {noise}; 0 or more would fit")
    count = len(y) if n is None else whole("n", n, least=0)
    x = _enlarge(x, whole("zoom", zoom))
    h, w = x.shape[2:]
    height, width = whole_pair("size", size, "(H, W)")
    if height < h or width < w:
        raise ValueError(f"size is {height}×{width}, a digit {h}×{w}; at least {h}×{w} would fit")

    rounds = [rng.permutation(len(y)) for _ in range(0, count, len(y))]
    which = np.concatenate([*rounds, np.empty(0, np.int64)])[:count]
    top = rng.integers(height - h + 1, size=count)[:, None] + np.arange(h)  # (n, h): the rows it covers
    left = rng.integers(width - w + 1, size=count)[:, None] + np.arange(w)  # (n, w): the columns
    frames = noise * rng.standard_normal((count, 1, height, width), dtype=np.float32)
    frames[np.arange(count)[:, None, None], 0, top[:, :, None], left[:, None, :]] += x[which, 0]
    return np.clip(frames, 0, 1, out=frames), y[which]


def _enlarge(x: Pictures, zoom: int) -> Pictures:
    """Make every pixel zoom × zoom, interpolated linearly, the paper around the picture being white."""
    for axis in (2, 3):
        size = x.shape[axis]
        centre = (np.arange(size * zoom) + 0.5) / zoom - 0.5  # of each new pixel, on the axis of the old ones
        # a triangle of width 2 about each old pixel: how much of it a new pixel takes
        share = np.maximum(0, 1 - np.abs(centre[:, None] - np.arange(size))).astype(x.dtype)
        x = np.moveaxis(np.moveaxis(x, axis, -1) @ share.T, -1, axis)
    return x
