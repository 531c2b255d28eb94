"""What several of the networks are built from."""

from typing import Any

from course.data.arguments import whole
from course.initializers import he
from course.layers import Affine, BatchNorm, Conv2d, Model, ReLU

__all__ = ["conv_norm", "conv_norm_relu", "scores", "separable", "small"]


def small(shape: tuple[int, ...], **how: Any) -> Any:
    """Draw a tenth of He's weights, for a layer after which nothing is rectified."""
    w = he(shape, **how)
    w *= 0.1
    return w


def scores(classes: int) -> Affine:
    """End a network with small scores, so that the first loss is near log(classes): no class has an advantage yet."""
    return Affine(whole("classes", classes), init=small)


def conv_norm(filters: int, field: int, *, eps: float = 1e-5, **hyper: Any) -> tuple[Model, ...]:
    """Convolve and normalise; the normalisation's shift β stands for the bias.

    Windows that do not fit are rounded down, as the published networks have it.
    """
    return Conv2d(filters, field, bias=False, floor=True, **hyper), BatchNorm(eps=eps)


def conv_norm_relu(filters: int, field: int, *, eps: float = 1e-5, **hyper: Any) -> tuple[Model, ...]:
    """Convolve, normalise and rectify."""
    return *conv_norm(filters, field, eps=eps, **hyper), ReLU()


def separable(channels: int, filters: int, *, stride: int = 1) -> tuple[Model, ...]:
    """Convolve depth-wise, then mix the channels with 1×1 filters: M·K² + N·M weights instead of N·M·K².

    Source: SYSU, "Conventional vs. depth-wise convolution" (M channels in, N out, K×K filters).
    """
    return (
        *conv_norm_relu(channels, 3, stride=stride, pad=1, groups=channels),
        *conv_norm_relu(filters, 1),
    )
