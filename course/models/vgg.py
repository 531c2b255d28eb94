"""VGG: nothing but 3×3 windows, and many of them."""

from course.layers import Affine, Conv2d, Dropout, Flatten, MaxPool2d, Model, ReLU, Sequential
from course.models.blocks import scores

__all__ = ["vgg16"]


def vgg16(classes: int = 1000) -> Sequential:
    """Build VGG-16 (configuration D), for pictures (3, 224, 224).

    Two 3×3 windows see as much as one 5×5, three as much as a 7×7, with fewer weights and more bends between.

    Its multiply-adds are 15.47·10⁹: 15.35 in the convolutions and 0.12 in the three affine layers. The slide's 15.3
    are the convolutions alone, cut off after the first decimal.

    Source: EECS 545, "VGG-16" and "Residual Networks" (138M, 15.3B); Simonyan & Zisserman 2014.

    >>> cost = vgg16().cost((3, 224, 224))
    >>> cost.parameters, cost.multiply_adds
    (138357544, 15470264320)
    >>> vgg16()[:31].cost((3, 224, 224)).multiply_adds
    15346630656
    """
    layers: list[Model] = []
    for filters, convolutions in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        for _ in range(convolutions):
            layers += [Conv2d(filters, 3, pad=1), ReLU()]
        layers += [MaxPool2d(2)]
    return Sequential(
        *layers,
        Flatten(),
        Affine(4096), ReLU(), Dropout(0.5),
        Affine(4096), ReLU(), Dropout(0.5),
        scores(classes),
        name="VGG-16",
    )  # fmt: skip
