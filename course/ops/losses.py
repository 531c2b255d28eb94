"""Losses, the last gates of a network: each gives the mean loss of a batch and its gradient at once.

No upstream gradient comes into a last gate (it is 1), so there is no `_backward`: `loss, dscores = op(…)`.
A NaN or an infinite score makes the loss NaN, and all the gradients of its own sample; the others keep theirs. (An
infinite prediction of `squared_loss` gives an infinite loss, as the formula says.)
"""

from math import isfinite

import numpy as np
import numpy.typing as npt

from course.ops._validation import (
    ARRAY,
    Array,
    Cache,
    check_axes,
    check_cache,
    check_floats,
    check_number,
    check_shape,
    check_upstream,
)

__all__ = [
    "hinge_loss", "log_softmax", "log_softmax_backward", "softmax", "softmax_backward", "softmax_loss",
    "squared_loss",
]  # fmt: skip

Labels = npt.NDArray[np.integer]

NEAR = 8.0
"""Up to here nothing is taken off the scores, which saves (256, 1000) of them, random-normal, a fifth of the time.

e^s is safe from both ends for longer, e^40 is 2·10^17 and float32 goes to 10^38, but log Σ e^s is then a number near s,
and what is left of it beside the label's score is no finer than they: 5·10⁻⁷ at 8, 2·10⁻⁶ at 39.
"""


@np.errstate(under="ignore", invalid="ignore")  # e⁻¹⁰⁰⁰ is meant to be 0, and ∞ − ∞ NaN
def softmax(scores: Array) -> tuple[Array, Cache]:
    """Turn scores into probabilities: pⱼ = e^sⱼ / Σₖ e^sₖ over the classes.

    Only differences of scores matter, so the largest is subtracted first: no exponential overflows.
    HLCV's slide "Convolutional Neural Networks" prints e^(−z), which prefers the lowest score; the loss on its
    slide "Where we are..." has the usual e^s, and so has this.
    A class with the score −∞ has probability 0, as a mask wants it; NaN, ∞ or nothing but −∞ makes its sample NaN.

    Shapes: scores and y (N, C) or (N, C, H, W); axis 1 counts the C classes.
    Raises: TypeError if scores is not an array of float32 or float64; ValueError for other axes or no class.
    Source: HLCV, "Where we are... : Parametric Approach".

    >>> softmax(np.array([[1000.0, 1000.0, -1000.0]]))[0]
    array([[0.5, 0.5, 0. ]])
    """
    _check_scores(scores)
    y = np.exp(scores - scores.max(axis=1, keepdims=True))
    y /= y.sum(axis=1, keepdims=True)
    return y, (y,)


@np.errstate(under="ignore")
def softmax_backward(dy: Array, cache: Cache) -> Array:
    """Compute dx = y·(dy − Σⱼ dyⱼ·yⱼ): a class gains only what it gains over the average.

    Shapes: dy, dx and scores alike. Raises: TypeError, ValueError if dy has not the dtype or the shape of y.
    Source: HLCV, "Where we are... : Parametric Approach" and "A Simple Example" (chain rule).

    >>> softmax_backward(np.array([[1.0, 0.0]]), softmax(np.array([[0.0, 0.0]]))[1])
    array([[ 0.25, -0.25]])
    """
    (y,) = check_cache(cache, "softmax", ARRAY)
    check_upstream(dy, y.shape, y.dtype)
    dx: Array = dy * y
    dx -= y * dx.sum(axis=1, keepdims=True)
    return dx


@np.errstate(under="ignore", invalid="ignore")
def log_softmax(scores: Array) -> tuple[Array, Cache]:
    """Compute log pⱼ = sⱼ − log Σₖ e^sₖ, exact even where pⱼ is too small for a number.

    Infinite scores mean what they mean to `softmax`.

    Shapes: scores and y (N, C) or (N, C, H, W); axis 1 counts the C classes.
    Raises: TypeError if scores is not an array of float32 or float64; ValueError for other axes or no class.
    Source: HLCV, "Where we are... : Parametric Approach" (the logarithm inside the softmax loss).

    >>> log_softmax(np.array([[0.0, -1000.0]]))[0]
    array([[    0., -1000.]])
    """
    _check_scores(scores)
    y: Array = scores - scores.max(axis=1, keepdims=True)
    y -= np.log(np.exp(y).sum(axis=1, keepdims=True))
    return y, (y,)


@np.errstate(under="ignore")
def log_softmax_backward(dy: Array, cache: Cache) -> Array:
    """Compute dx = dy − p·Σⱼ dyⱼ.

    Shapes: dy, dx and scores alike. Raises: TypeError, ValueError if dy has not the dtype or the shape of y.
    Source: HLCV, "Where we are... : Parametric Approach" and "A Simple Example" (chain rule).

    >>> log_softmax_backward(np.array([[1.0, 0.0]]), log_softmax(np.array([[0.0, 0.0]]))[1])
    array([[ 0.5, -0.5]])
    """
    (y,) = check_cache(cache, "log_softmax", ARRAY)
    check_upstream(dy, y.shape, y.dtype)
    dx: Array = np.exp(y)
    dx *= -dy.sum(axis=1, keepdims=True)
    dx += dy
    return dx


@np.errstate(under="ignore")
def softmax_loss(scores: Array, labels: Labels) -> tuple[np.floating, Array]:
    """Compute the cross-entropy L = 1/N Σᵢ −log pᵢ of the labels, and dscores = (p − 1 at the label)/N.

    Every pixel of a map counts as a sample of its own: N then means N·H·W.

    Shapes: scores (N, C) with labels (N,), or scores (N, C, H, W) with labels (N, H, W).
    Raises: TypeError if scores is not float32 or float64 or labels not integer; ValueError if a label is not a
    class, the shapes do not match or there is no sample.
    Source: HLCV, "Where we are... : Parametric Approach"; EECS 545, "Object classification" and, for maps,
    "Semantic Segmentation".

    >>> loss, dscores = softmax_loss(np.array([[1000.0, 1000.0], [0.0, -1000.0]]), np.array([0, 1]))
    >>> loss.round(4), dscores
    (np.float64(500.3466), array([[-0.25,  0.25], [ 0.5 , -0.5 ]]))
    """
    _check_scores(scores)
    at = _places(scores, labels)
    top = scores.max(axis=1, keepdims=True)
    farthest = np.abs(top).max()
    if not (isfinite(farthest) and isfinite(scores.min())):
        scores = _poisoned(scores)
    # only differences matter: the largest is taken off before e^s could overflow, a sum of them be 0, or digits be lost
    shifted = scores if farthest < NEAR else scores - top
    p: Array = np.exp(shifted, order="C")
    total = np.einsum("nc...->n...", p)
    loss = np.mean(np.log(total) - shifted.take(at).reshape(total.shape))

    p *= (1 / (total * labels.size))[:, None]
    p.reshape(-1)[at] -= p.dtype.type(1 / labels.size)
    return loss, p


def hinge_loss(scores: Array, labels: Labels, *, margin: float = 1.0) -> tuple[np.floating, Array]:
    """Compute the multi-class SVM loss L = 1/N Σᵢ Σ_{j≠yᵢ} max(0, sⱼ − s_yᵢ + margin) and dscores.

    Every class within the margin pushes its own score down and the label's up, by 1/N. A class exactly at the
    margin does not push.

    Shapes: scores and dscores (N, C), labels (N,).
    Raises: TypeError if scores is not float32 or float64, labels not integer or margin no number; ValueError if a
    label is not a class, the shapes do not match, there is no sample or the margin is negative or infinite.
    Source: HLCV, "Where we are... : Parametric Approach" (SVM).

    >>> loss, dscores = hinge_loss(np.array([[3.0, 5.0, -2.0]]), np.array([0]))
    >>> loss, dscores
    (np.float64(3.0), array([[-1.,  1.,  0.]]))
    """
    _check_scores(scores, "N, C")
    at = _places(scores, labels)
    margin = check_number("margin", margin, "0 or more")
    if margin < 0:
        raise ValueError(f"margin={margin}; 0 or more would fit")
    if not (isfinite(scores.min()) and isfinite(scores.max())):
        scores = _poisoned(scores)
    own = scores.take(at)
    short = np.subtract(scores, own[:, None], order="C")
    short += margin
    short.reshape(-1)[at] = 0 * own  # 0, but NaN in a poisoned sample
    np.maximum(short, 0, out=short)
    loss = short.sum(axis=1).mean()

    dscores = (short > 0).astype(scores.dtype)
    dscores.reshape(-1)[at] = -dscores.sum(axis=1)
    dscores /= (len(scores) + 0 * own)[:, None]
    return loss, dscores


def squared_loss(prediction: Array, target: Array) -> tuple[np.floating, Array]:
    """Compute the L2 loss L = 1/N Σᵢ ‖predictionᵢ − targetᵢ‖² and dprediction = 2(prediction − target)/N.

    Without a factor ½, as in EECS 442's first example f(x) = (−x + 3)².

    Shapes: prediction, target and dprediction alike, (N,) or (N, …).
    Raises: TypeError if the dtypes are not float32 or float64, both alike; ValueError if the shapes differ or
    there is no sample.
    Source: SYSU, "Finding Bounding Boxes" (L2 loss of the bounding-box predictor).

    >>> squared_loss(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 0.0], [0.0, 4.0]]))
    (np.float64(6.5), array([[0., 2.], [3., 0.]]))
    """
    check_floats(prediction=prediction, target=target)
    if prediction.ndim == 0 or not len(prediction):
        raise ValueError(f"prediction has shape {prediction.shape}; at least one sample, (N, …), would fit")
    check_shape("target", target, prediction.shape, "the shape of prediction")
    difference = prediction - target
    loss = np.square(difference).sum(axis=tuple(range(1, difference.ndim))).mean()
    difference *= 2 / len(difference)
    return loss, difference


def _check_scores(scores: Array, *layouts: str) -> None:
    check_floats(scores=scores)
    check_axes("scores", scores, *(layouts or ("N, C", "N, C, H, W")))
    if not scores.shape[1]:
        raise ValueError(f"scores has shape {scores.shape}; at least one class would fit")


def _poisoned(scores: Array) -> Array:
    """Turn each sample with a NaN or an infinite score into NaN: e^−∞ is 0, and max(0, −∞), and would hide it."""
    return np.where(np.isfinite(scores).all(axis=1, keepdims=True), scores, scores.dtype.type(np.nan))


def _places(scores: Array, labels: Labels) -> npt.NDArray[np.intp]:
    """Find the score of every label in the flat scores, after checking that there is one."""
    if not isinstance(labels, np.ndarray) or not np.issubdtype(labels.dtype, np.integer):
        found = f"dtype {labels.dtype}" if isinstance(labels, np.ndarray) else f"type {type(labels).__name__}"
        raise TypeError(f"labels has {found}; an array of integers would fit")
    n, classes, *picture = scores.shape
    check_shape("labels", labels, (n, *picture), "one label for each sample of scores")
    if not labels.size:
        raise ValueError(f"labels has shape {labels.shape}; a mean needs at least one sample")
    if labels.min() < 0 or labels.max() >= classes:
        where = tuple(int(i[0]) for i in np.nonzero((labels < 0) | (labels >= classes)))
        raise ValueError(
            f"labels[{', '.join(map(str, where))}] is {labels[where]}, scores has {classes} classes; "
            f"0 to {classes - 1} would fit"
        )
    pixels = labels.size // n
    sample, pixel = np.arange(n)[:, None], np.arange(pixels)
    flat: npt.NDArray[np.intp] = (sample * classes + labels.reshape(n, pixels).astype(np.intp)) * pixels + pixel
    return flat.reshape(-1)
