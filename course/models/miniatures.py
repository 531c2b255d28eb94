"""The same ideas at a size that trains in seconds, on pictures from 12×12 to 32×32 with any number of channels."""

from course.data.arguments import whole
from course.layers import (
    Affine,
    Concat,
    Conv2d,
    ConvTranspose2d,
    Flatten,
    GlobalAvgPool2d,
    MaxPool2d,
    Model,
    ReLU,
    Sequential,
)
from course.models.blocks import conv_norm, conv_norm_relu, scores, separable, small
from course.models.densenet import dense_block, transition
from course.models.googlenet import inception
from course.models.resnet import basic_block

__all__ = [
    "mini_cnn", "mini_densenet", "mini_fcn", "mini_inception", "mini_localizer", "mini_mobilenet", "mini_resnet",
]  # fmt: skip


def mini_cnn(classes: int = 10, *, width: int = 8) -> Sequential:
    """Two convolutions, two poolings, one affine layer.

    >>> mini_cnn().cost((1, 12, 12)).parameters
    2698
    """
    return Sequential(*_features(width), Flatten(), scores(classes), name="mini CNN")


def mini_resnet(classes: int = 10, *, width: int = 16, blocks: int = 1, shortcuts: bool = True) -> Sequential:
    """Three stages of residual blocks, 6·blocks + 2 layers deep: as He et al. built them for CIFAR-10.

    Args:
        classes: the number of scores.
        width: maps of the first stage; each stage has twice as many, of half the size.
        blocks: in each stage.
        shortcuts: False leaves the ways past the blocks out, to see what they are worth at the same depth.

    Source: EECS 545, "Residual Networks" (deeper plain networks perform worse); He et al. 2016, section 4.2.
    """
    layers: list[Model] = list(conv_norm_relu(width, 3, pad=1))
    channels, blocks = width, whole("blocks", blocks)
    for stage in range(3):
        filters = width * 2**stage
        for i in range(blocks):
            stride = 2 if stage and not i else 1
            if shortcuts:
                layers += basic_block(channels, filters, stride=stride, name=f"block {stage + 1}.{i + 1}")
            else:
                layers += [*conv_norm_relu(filters, 3, stride=stride, pad=1), *conv_norm_relu(filters, 3, pad=1)]
            channels = filters
    name = "mini ResNet" if shortcuts else "mini plain net"
    return Sequential(*layers, GlobalAvgPool2d(), scores(classes), name=f"{name}-{6 * blocks + 2}")


def mini_inception(classes: int = 10) -> Sequential:
    """Two inception modules after one convolution."""
    return Sequential(
        *conv_norm_relu(16, 3, pad=1), MaxPool2d(2, floor=True),
        inception(8, 8, 12, 4, 6, 6), MaxPool2d(2, floor=True),
        inception(16, 12, 24, 6, 12, 12),
        GlobalAvgPool2d(), scores(classes),
        name="mini inception",
    )  # fmt: skip


def mini_densenet(classes: int = 10, *, growth: int = 8) -> Sequential:
    """Two dense blocks of three layers."""
    half = growth + 3 * growth // 2
    return Sequential(
        *conv_norm_relu(2 * growth, 3, pad=1),
        dense_block(3, growth), transition(half),
        dense_block(3, growth),
        GlobalAvgPool2d(), scores(classes),
        name="mini DenseNet",
    )  # fmt: skip


def mini_mobilenet(classes: int = 10, *, width: int = 16) -> Sequential:
    """One convolution and three that are depth-wise separable."""
    return Sequential(
        *conv_norm_relu(width, 3, pad=1),
        *separable(width, 2 * width, stride=2),
        *separable(2 * width, 2 * width),
        *separable(2 * width, 4 * width, stride=2),
        GlobalAvgPool2d(), scores(classes),
        name="mini MobileNet",
    )  # fmt: skip


def mini_localizer(classes: int, coordinates: int = 8, *, width: int = 8, hidden: int = 32) -> Sequential:
    """Two heads on the same features: the scores of the classes, then the coordinates of the corners.

    The output is one row, (classes + coordinates,): split it there, and add the losses of the two pieces.

    Source: SYSU, "Finding Bounding Boxes" (8 coordinates) and "Pose estimation" (the joints of a body).

    >>> mini_localizer(3).output_shape((1, 16, 16))
    (11,)
    """
    heads = Concat(
        scores(classes),
        Sequential(Affine(hidden), ReLU(), Affine(coordinates, init=small), name="corners"),
        name="two heads",
    )
    return Sequential(*_features(width), Flatten(), Affine(hidden), ReLU(), heads, name="mini localizer")


def mini_fcn(classes: int, *, width: int = 8) -> Sequential:
    """Score every pixel: down by two poolings, and up again by two transposed convolutions that are learned.

    The sides of the picture must be multiples of 4.

    Source: EECS 545, "From Classification to Semantic Segmentation".

    >>> mini_fcn(3).output_shape((1, 16, 20))
    (3, 16, 20)
    """
    return Sequential(
        *_features(width),
        *conv_norm(4 * width, 3, pad=1), ReLU(),
        ConvTranspose2d(2 * width, 4, stride=2, pad=1), ReLU(),
        ConvTranspose2d(width, 4, stride=2, pad=1), ReLU(),
        Conv2d(whole("classes", classes), 1, init=small),
        name="mini FCN",
    )  # fmt: skip


def _features(width: int) -> tuple[Model, ...]:
    # ReLU after the pooling: the same values for a quarter of the work, see lenet5
    return (
        Conv2d(width, 3, pad=1), MaxPool2d(2, floor=True), ReLU(),
        Conv2d(2 * width, 3, pad=1), MaxPool2d(2, floor=True), ReLU(),
    )  # fmt: skip
