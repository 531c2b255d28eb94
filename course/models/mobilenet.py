"""MobileNet: convolutions in two stages, first within each channel, then across them."""

from course.layers import GlobalAvgPool2d, Model, Sequential
from course.models.blocks import conv_norm_relu, scores, separable

__all__ = ["mobilenet"]


def mobilenet(classes: int = 1000) -> Sequential:
    """Build MobileNet (version 1) for pictures (3, 224, 224).

    Source: SYSU, "Depth-wise convolution"; Howard et al. 2017, table 1.

    >>> mobilenet().cost((3, 224, 224)).parameters
    4231976
    """
    layers: list[Model] = list(conv_norm_relu(32, 3, stride=2, pad=1))
    channels = 32
    strides = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1)]
    for number, (filters, stride) in enumerate(strides, start=1):
        layers.append(Sequential(*separable(channels, filters, stride=stride), name=f"separable {number}"))
        channels = filters
    return Sequential(*layers, GlobalAvgPool2d(), scores(classes), name="MobileNet")
