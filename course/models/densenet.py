"""DenseNet: each layer looks at the union of the maps of all layers before it."""

from course.layers import (
    AvgPool2d,
    BatchNorm,
    Concat,
    Conv2d,
    GlobalAvgPool2d,
    Identity,
    MaxPool2d,
    Model,
    ReLU,
    Sequential,
)
from course.models.blocks import conv_norm_relu, scores

__all__ = ["dense_block", "densenet121", "transition"]


def dense_block(layers: int, growth: int, *, name: str = "") -> Sequential:
    """Add `growth` maps to the union, so many times over: (C, H, W) → (C + layers·growth, H, W).

    Each layer normalises, rectifies, brings the union down to 4·growth channels by 1×1 filters, and convolves 3×3.

    Source: SYSU, "DenseNet".

    >>> dense_block(6, 32).output_shape((64, 56, 56))
    (256, 56, 56)
    """

    def new_maps() -> Sequential:
        less = (BatchNorm(), ReLU(), Conv2d(4 * growth, 1, bias=False))
        return Sequential(*less, BatchNorm(), ReLU(), Conv2d(growth, 3, pad=1, bias=False))

    return Sequential(
        *(Concat(Identity(), new_maps(), name=f"union {i + 1}") for i in range(layers)), name=name or "dense block"
    )


def transition(filters: int, *, name: str = "") -> Sequential:
    """Bring the union down to so many maps of half the size."""
    return Sequential(
        BatchNorm(), ReLU(), Conv2d(filters, 1, bias=False), AvgPool2d(2, floor=True), name=name or "transition"
    )


def densenet121(classes: int = 1000) -> Sequential:
    """Build DenseNet-121 for pictures (3, 224, 224).

    Source: SYSU, "DenseNet"; Huang, Liu, van der Maaten & Weinberger 2017, table 1.

    >>> densenet121().cost((3, 224, 224)).parameters
    7978856
    """
    growth, channels = 32, 64
    layers: list[Model] = [*conv_norm_relu(64, 7, stride=2, pad=3), MaxPool2d(3, stride=2, pad=1, floor=True)]
    for number, count in enumerate((6, 12, 24, 16), start=1):
        layers.append(dense_block(count, growth, name=f"dense block {number}"))
        channels += count * growth
        if number < 4:
            channels //= 2
            layers.append(transition(channels, name=f"transition {number}"))
    return Sequential(*layers, BatchNorm(), ReLU(), GlobalAvgPool2d(), scores(classes), name="DenseNet-121")
