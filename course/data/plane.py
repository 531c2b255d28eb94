"""Pictures moved by a linear transformation of the plane, and read between their pixels."""

from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from course.data.arguments import check_array, check_number

__all__ = ["Float", "check_pictures", "transform"]

Array = npt.NDArray[Any]
Float = TypeVar("Float", np.float32, np.float64)


def transform(
    x: npt.NDArray[Float], matrix: npt.ArrayLike, shift: npt.ArrayLike = (0.0, 0.0), *, fill: float = 0.0
) -> npt.NDArray[Float]:
    """Move every point p of a picture to A·(p − c) + c + t, where c is the picture's centre.

    Computed backwards, as there must be a value for every pixel of the result: pixel q takes what was at
    A⁻¹·(q − c − t) + c, between four pixels the mean of them, weighted by nearness (bilinear).

    Args:
        x: (N, C, H, W), float32 or float64.
        matrix: A, (2, 2) for all pictures or (N, 2, 2), in coordinates (x, y), to the right and downwards.
        shift: t, (2,) or (N, 2), in pixels.
        fill: the value outside of a picture.

    Returns:
        of the shape and dtype of x.

    Raises:
        TypeError: x is not an array of float32 or float64, or fill no number.
        ValueError: a shape does not fit, a number is not finite, or a matrix cannot be inverted.

    >>> x = np.array([[[[1.0, 2.0], [3.0, 4.0]]]])
    >>> transform(x, np.eye(2), (1, 0))             # one pixel to the right
    array([[[[0., 1.],
             [0., 3.]]]])
    >>> transform(x, np.eye(2), (0.5, 0))           # half a pixel
    array([[[[0.5, 1.5],
             [1.5, 3.5]]]])
    """
    check_pictures(x)
    check_number("fill", fill)
    n, _, height, width = x.shape
    backwards, shifts = _invert(matrix, n), _shifts(shift, n)
    centre = np.array([(width - 1) / 2, (height - 1) / 2])
    rows, columns = np.mgrid[:height, :width]
    q = np.stack([columns.ravel(), rows.ravel()]) - centre[:, None]  # (2, H·W)
    p = backwards @ (q - shifts[:, :, None]) + centre[:, None]  # (N, 2, H·W): where each pixel comes from
    return _bilinear(x, p[:, 0].reshape(n, height, width), p[:, 1].reshape(n, height, width), fill)


def _bilinear(x: npt.NDArray[Float], px: Array, py: Array, fill: float) -> npt.NDArray[Float]:
    """Read pictures between their pixels: at (px, py), each (N, H, W)."""
    n, channels, height, width = x.shape
    # A border of two pixels around the picture holds the fill, and all that lies farther out is as good as there.
    framed = np.pad(x, ((0, 0), (0, 0), (2, 2), (2, 2)), constant_values=fill)
    px, py = np.clip(px + 2, 0, width + 2), np.clip(py + 2, 0, height + 2)
    left, top = np.floor(px).astype(np.intp), np.floor(py).astype(np.intp)
    a, b = (px - left).astype(x.dtype), (py - top).astype(x.dtype)  # how far to the right, how far down
    corner = top * (width + 4) + left  # the upper left of four neighbours, counted along the framed picture
    pixels = framed.reshape(n, channels, (height + 4) * (width + 4))

    def at(offset: int) -> npt.NDArray[Float]:
        found = np.take_along_axis(pixels, (corner + offset).reshape(n, 1, height * width), axis=2)
        return found.reshape(n, channels, height, width)

    a, b, down = a[:, None], b[:, None], width + 4
    upper = (1 - a) * at(0) + a * at(1)
    lower = (1 - a) * at(down) + a * at(down + 1)
    between: npt.NDArray[Float] = (1 - b) * upper + b * lower
    return between


def check_pictures(x: Array) -> None:
    check_array("x", x)
    if x.ndim != 4:
        raise ValueError(f"x has shape {x.shape}; (N, C, H, W) would fit")
    if x.dtype not in (np.float32, np.float64):
        raise TypeError(f"x has dtype {x.dtype}; float32 or float64 would fit: x.astype(np.float32)")


def _invert(matrix: npt.ArrayLike, n: int) -> npt.NDArray[np.float64]:
    """Check the matrices and give the inverse of each: (N, 2, 2)."""
    matrix = np.asarray(matrix, dtype=np.float64)
    if matrix.shape not in ((2, 2), (n, 2, 2)):
        raise ValueError(f"matrix has shape {matrix.shape}; (2, 2) or {(n, 2, 2)} would fit")
    if not np.isfinite(matrix).all():
        raise ValueError("matrix holds nan or infinity; finite numbers would fit")
    if not (abs(np.linalg.det(matrix)) > 1e-12).all():
        raise ValueError("matrix has no inverse: it would flatten the pictures; a factor other than 0 would fit")
    return np.broadcast_to(np.linalg.inv(matrix), (n, 2, 2))


def _shifts(shift: npt.ArrayLike, n: int) -> npt.NDArray[np.float64]:
    shift = np.asarray(shift, dtype=np.float64)
    if shift.shape not in ((2,), (n, 2)):
        raise ValueError(f"shift has shape {shift.shape}; (2,) or {(n, 2)} would fit")
    if not np.isfinite(shift).all():
        raise ValueError("shift holds nan or infinity; finite numbers would fit")
    return np.broadcast_to(shift, (n, 2))
