"""ResNet: each block learns only what to add to its input."""

from collections.abc import Callable, Sequence
from functools import partial

from course.layers import GlobalAvgPool2d, MaxPool2d, Model, ReLU, Residual, Sequential
from course.models.blocks import conv_norm, conv_norm_relu, scores

__all__ = ["basic_block", "bottleneck", "resnet18", "resnet34", "resnet50"]


def basic_block(channels: int, filters: int, *, stride: int = 1, name: str = "") -> tuple[Residual, ReLU]:
    """Two 3×3 convolutions and the way past them; the shortcut is a 1×1 convolution where the shape changes.

    Source: SYSU, "ResNet" (its `forward`, step by step) and "ResNet details for the curious".
    """
    body = (*conv_norm_relu(filters, 3, stride=stride, pad=1), *conv_norm(filters, 3, pad=1))
    return Residual(*body, shortcut=_shortcut(channels, filters, stride), name=name), ReLU()


def bottleneck(
    channels: int, filters: int, *, stride: int = 1, stride_at: int = 3, name: str = ""
) -> tuple[Residual, ReLU]:
    """Fewer channels by 1×1 filters, a 3×3 convolution on those, and back to four times as many by 1×1.

    Args:
        channels: of the input; the output has 4·filters.
        filters: of the 3×3 convolution.
        stride: of the block.
        stride_at: the window that takes the stride: 1 as in the paper, 3 as in torchvision, which loses less.
        name: as on the paper's table.
    """
    body = (
        *conv_norm_relu(filters, 1, stride=stride if stride_at == 1 else 1),
        *conv_norm_relu(filters, 3, stride=stride if stride_at == 3 else 1, pad=1),
        *conv_norm(4 * filters, 1),
    )
    return Residual(*body, shortcut=_shortcut(channels, 4 * filters, stride), name=name), ReLU()


def resnet18(classes: int = 1000) -> Sequential:
    """Build ResNet-18 for pictures (3, 224, 224).

    Source: SYSU, "ResNet" ("batch normalization after each convolution"); He, Zhang, Ren & Sun 2016, table 1.

    >>> resnet18().cost((3, 224, 224)).parameters
    11689512
    """
    return _resnet("ResNet-18", basic_block, 1, (2, 2, 2, 2), classes)


def resnet34(classes: int = 1000) -> Sequential:
    """Build ResNet-34 for pictures (3, 224, 224).

    >>> resnet34().cost((3, 224, 224)).parameters
    21797672
    """
    return _resnet("ResNet-34", basic_block, 1, (3, 4, 6, 3), classes)


def resnet50(classes: int = 1000, *, stride_at: int = 3) -> Sequential:
    """Build ResNet-50 for pictures (3, 224, 224).

    Its multiply-adds are 4.09·10⁹ as torchvision builds it, with the stride of a block in its 3×3 convolution. The
    slide's 3.8 have the stride in the first 1×1, as the paper had it: that makes the maps smaller one convolution
    earlier, 3.86·10⁹, which the paper cut off after the first decimal. The weights are as many either way.

    Args:
        classes: the number of scores.
        stride_at: as of `bottleneck`.

    Source: EECS 545, "Residual Networks" (25M, 3.8B); He, Zhang, Ren & Sun 2016, table 1.

    >>> cost = resnet50().cost((3, 224, 224))
    >>> cost.parameters, cost.multiply_adds
    (25557032, 4089184256)
    >>> resnet50(stride_at=1).cost((3, 224, 224)).multiply_adds
    3857973248
    """
    return _resnet("ResNet-50", partial(bottleneck, stride_at=stride_at), 4, (3, 4, 6, 3), classes)


def _resnet(
    name: str, block: Callable[..., tuple[Residual, ReLU]], widen: int, blocks: Sequence[int], classes: int
) -> Sequential:
    layers: list[Model] = [*conv_norm_relu(64, 7, stride=2, pad=3), MaxPool2d(3, stride=2, pad=1, floor=True)]
    channels = 64
    for stage, count in enumerate(blocks):
        filters = 64 * 2**stage
        for i in range(count):
            stride = 2 if stage and not i else 1
            layers += block(channels, filters, stride=stride, name=f"conv{stage + 2}_{i + 1}")
            channels = widen * filters
    return Sequential(*layers, GlobalAvgPool2d(), scores(classes), name=name)


def _shortcut(channels: int, filters: int, stride: int) -> Model | None:
    return None if channels == filters and stride == 1 else Sequential(*conv_norm(filters, 1, stride=stride))
