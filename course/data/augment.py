"""Pictures changed in ways that do not change what they show, so that a network learns what does not matter.

Every transformation of the plane here is a 2×2 matrix about the picture's centre and a shift. `transform` moves
pictures by any of them; the other functions say which. With coordinates (x, y), to the right and downwards:

    rotation by φ     [[cos φ, sin φ], [−sin φ, cos φ]]     anticlockwise, as y runs downwards
    scaling by s      [[s, 0], [0, s]]
    stretch by s      [[s, 0], [0, 1/s]]                    wider and lower by the same, so that the area stays
    shear by φ        [[1, tan φ], [0, 1]]
    flips             [[−1, 0], [0, 1]], [[1, 0], [0, −1]]

`augment.random(x, rng=rng)` draws one of each for every picture, from the ranges that the lecture gives.

Source of the ranges: Sun Yat-sen University, "Data Augmentation".
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from course.data.arguments import check_number, check_rng, truths
from course.data.plane import Float, check_pictures, transform

__all__ = ["flip", "random", "rotate", "scale", "shear", "stretch", "transform", "translate"]

Numbers = float | npt.ArrayLike


def rotate(x: npt.NDArray[Float], degrees: Numbers, *, fill: float = 0.0) -> npt.NDArray[Float]:
    """Turn pictures about their centre, anticlockwise.

    Args:
        x: (N, C, H, W).
        degrees: one angle, or one for each picture (N,).
        fill: the value outside of a picture.

    Raises:
        TypeError, ValueError: as `transform`.

    >>> rotate(np.array([[[[1.0, 2.0], [3.0, 4.0]]]]), 90).round(6)
    array([[[[2., 4.],
             [1., 3.]]]])
    """
    angle = np.deg2rad(_finite("degrees", degrees, x))
    cos, sin = np.cos(angle), np.sin(angle)
    return transform(x, _matrix(cos, sin, -sin, cos), fill=fill)


def translate(x: npt.NDArray[Float], right: Numbers, down: Numbers, *, fill: float = 0.0) -> npt.NDArray[Float]:
    """Move pictures by so many pixels, also fractions; what leaves at one edge does not come in at another.

    Args:
        x: (N, C, H, W).
        right: pixels to the right, one number or one for each picture (N,); negative is to the left.
        down: pixels downwards, likewise.
        fill: the value that comes in.

    Raises:
        TypeError, ValueError: as `transform`.

    >>> translate(np.array([[[[1.0, 2.0], [3.0, 4.0]]]]), 0, -1)
    array([[[[3., 4.],
             [0., 0.]]]])
    """
    shift = np.stack(np.broadcast_arrays(_finite("right", right, x), _finite("down", down, x)), axis=-1)
    return transform(x, np.eye(2), shift, fill=fill)


def scale(x: npt.NDArray[Float], factor: Numbers, *, fill: float = 0.0) -> npt.NDArray[Float]:
    """Enlarge (factor > 1) or reduce what pictures show, about their centre; their size in pixels stays.

    Args:
        x: (N, C, H, W).
        factor: one, or one for each picture (N,).
        fill: the value outside of a picture.

    Raises:
        TypeError, ValueError: as `transform`, and for a factor that is not positive.

    >>> x = np.zeros((1, 1, 3, 3))
    >>> x[0, 0, 1, 1] = 1
    >>> scale(x, 2)
    array([[[[0.25, 0.5 , 0.25],
             [0.5 , 1.  , 0.5 ],
             [0.25, 0.5 , 0.25]]]])
    """
    s = _positive(factor, x)
    return transform(x, _matrix(s, 0, 0, s), fill=fill)


def stretch(x: npt.NDArray[Float], factor: Numbers, *, fill: float = 0.0) -> npt.NDArray[Float]:
    """Make what pictures show wider by a factor and lower by the same.

    Args:
        x: (N, C, H, W).
        factor: one, or one for each picture (N,); below 1 the result is narrower and higher.
        fill: the value outside of a picture.

    Raises:
        TypeError, ValueError: as `transform`, and for a factor that is not positive.

    >>> stretch(np.array([[[[0.0, 1, 0], [0, 1, 0], [0, 1, 0]]]]), 2)       # twice as wide, half as high
    array([[[[0. , 0. , 0. ],
             [0.5, 1. , 0.5],
             [0. , 0. , 0. ]]]])
    """
    s = _positive(factor, x)
    return transform(x, _matrix(s, 0, 0, 1 / s), fill=fill)


def shear(x: npt.NDArray[Float], degrees: Numbers, *, fill: float = 0.0) -> npt.NDArray[Float]:
    """Slant pictures: upright lines lean to the left by an angle, level ones stay.

    Args:
        x: (N, C, H, W).
        degrees: one angle, or one for each picture (N,); negative leans to the right.
        fill: the value outside of a picture.

    Raises:
        TypeError, ValueError: as `transform`, and for an angle of 90 degrees or more, which lays everything flat.

    >>> shear(np.array([[[[1.0, 0, 0], [1, 0, 0], [1, 0, 0]]]]), -45).round(6)
    array([[[[0., 1., 0.],
             [1., 0., 0.],
             [0., 0., 0.]]]])
    """
    angle = _finite("degrees", degrees, x)
    if not (abs(angle) < 90).all():
        raise ValueError(f"degrees is {angle[abs(angle) >= 90].flat[0]:g}; more than -90 and less than 90 would fit")
    tangent = np.tan(np.deg2rad(angle))
    return transform(x, _matrix(1, tangent, 0, 1), fill=fill)


def flip(
    x: npt.NDArray[Float], *, horizontally: npt.ArrayLike = True, vertically: npt.ArrayLike = False
) -> npt.NDArray[Float]:
    """Mirror pictures: left and right swap, or top and bottom, or both.

    Args:
        x: (N, C, H, W).
        horizontally: whether left and right swap, for all or for each picture (N,).
        vertically: whether top and bottom swap, likewise.

    Raises:
        TypeError: x is not an array of float32 or float64, or it does not say whether to flip.
        ValueError: a shape does not fit.

    >>> flip(np.array([[[[1.0, 2.0], [3.0, 4.0]]]]))
    array([[[[2., 1.],
             [4., 3.]]]])
    """
    check_pictures(x)
    for name, chosen, axis in (("horizontally", horizontally, 3), ("vertically", vertically, 2)):
        which = truths(name, chosen)
        _check_length(name, which, x)
        x = np.where(which.reshape(-1, 1, 1, 1), np.flip(x, axis), x)
    return x


def random(
    x: npt.NDArray[Float],
    *,
    rotation: float = 180.0,
    translation: float = 10.0,
    scaling: float = 1.6,
    flips: tuple[bool, bool] = (True, True),
    shearing: float = 20.0,
    stretching: float = 1.3,
    fill: float = 0.0,
    rng: np.random.Generator,
) -> npt.NDArray[Float]:
    """Draw a transformation of each kind for every picture and apply them together.

    The matrices are multiplied first, so that a picture is interpolated once and not five times. The ranges are the
    lecture's; what does not change the meaning depends on the pictures: a 6 that is turned or flipped is no 6.

    Args:
        x: (N, C, H, W).
        rotation: the largest angle in degrees either way; 180 is any angle.
        translation: the farthest shift in pixels along each axis either way.
        scaling: the largest factor s; drawn from 1/s to s, and as often below 1 as above.
        flips: whether to flip half of the pictures (horizontally, vertically).
        shearing: the largest angle in degrees either way, less than 90.
        stretching: the largest factor, drawn like scaling.
        fill: the value outside of a picture.
        rng: draws everything.

    Returns:
        of the shape and dtype of x, which stays as it is.

    Raises:
        TypeError: x is not an array of float32 or float64, rng is no generator, or another argument no number.
        ValueError: a shape does not fit, an angle or the translation is negative, a factor is less than 1, or a number
            is not finite.

    Source: Sun Yat-sen University, "Data Augmentation".

    >>> x = np.ones((5, 3, 8, 8), np.float32)
    >>> random(x, rotation=15, translation=1, flips=(True, False), rng=np.random.default_rng(0)).shape
    (5, 3, 8, 8)
    """
    check_pictures(x)
    check_rng(rng)
    for name, reach in {"rotation": rotation, "translation": translation, "shearing": shearing}.items():
        check_number(name, reach)
        if not reach >= 0:
            raise ValueError(f"{name} is {reach}; 0 or more would fit")
    if not shearing < 90:
        raise ValueError(f"shearing is {shearing}; less than 90 would fit")
    for name, factor in {"scaling": scaling, "stretching": stretching}.items():
        check_number(name, factor)
        if not factor >= 1:
            raise ValueError(f"{name} is {factor}; 1 or more would fit")
    if np.shape(flips) != (2,):
        raise TypeError(f"flips is {flips!r}; (True, False) would fit, to flip horizontally, not vertically")
    swaps = truths("flips", flips)
    n = len(x)
    angle = np.deg2rad(rng.uniform(-rotation, rotation, n))
    shift = rng.uniform(-translation, translation, (n, 2))
    s, r = scaling ** rng.uniform(-1, 1, n), stretching ** rng.uniform(-1, 1, n)
    tangent = np.tan(np.deg2rad(rng.uniform(-shearing, shearing, n)))
    mirror = np.where(rng.random((2, n)) < 0.5 * swaps[:, None], -1.0, 1.0)
    turned = _matrix(np.cos(angle), np.sin(angle), -np.sin(angle), np.cos(angle))
    sheared, stretched = _matrix(1, tangent, 0, 1), _matrix(s * r * mirror[0], 0, 0, s / r * mirror[1])
    return transform(x, turned @ sheared @ stretched, shift, fill=fill)


def _matrix(a: npt.ArrayLike, b: npt.ArrayLike, c: npt.ArrayLike, d: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Put [[a, b], [c, d]] together, one matrix or one for each picture."""
    entries = np.stack(np.broadcast_arrays(a, b, c, d), axis=-1).astype(np.float64)
    return entries.reshape(*entries.shape[:-1], 2, 2)


def _positive(factor: Numbers, x: npt.NDArray[Float]) -> npt.NDArray[np.float64]:
    s = _finite("factor", factor, x)
    if not (s > 0).all():
        raise ValueError(f"factor is {s[s <= 0].flat[0]:g}; more than 0 would fit")
    return s


def _finite(name: str, given: Numbers, x: npt.NDArray[Float]) -> npt.NDArray[np.float64]:
    """Read one number, or one for each picture."""
    check_pictures(x)
    numbers = np.asarray(given)
    if numbers.dtype.kind not in "iuf":
        raise TypeError(f"{name} is {given!r}; a number would fit, or one for each picture")
    if not np.isfinite(numbers).all():
        raise ValueError(f"{name} is {numbers[~np.isfinite(numbers)].flat[0]}; a finite number would fit")
    _check_length(name, numbers, x)
    return numbers.astype(np.float64)


def _check_length(name: str, given: npt.NDArray[Any], x: npt.NDArray[Float]) -> None:
    if given.shape not in ((), (len(x),)):
        raise ValueError(f"{name} has shape {given.shape}; one value or {len(x)} would fit")
