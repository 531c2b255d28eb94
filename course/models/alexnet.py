"""AlexNet, the network that won ImageNet in 2012 by ten points, and its layers one by one."""

from collections.abc import Collection

from course.layers import (
    Affine,
    Conv2d,
    Dropout,
    Flatten,
    LocalResponseNorm,
    MaxPool2d,
    Model,
    ReLU,
    Sequential,
)
from course.models.blocks import scores

__all__ = ["alexnet", "alexnet2012"]

Blocks = dict[int, tuple[Model, ...]]


def alexnet(classes: int = 1000, *, without: Collection[int] = ()) -> Sequential:
    """Build AlexNet in one column, for pictures (3, 224, 224): 64, 192, 384, 256 and 256 filters.

    This is the variant of 2014 that torchvision builds, without groups or local response normalisation.

    Args:
        classes: the number of scores.
        without: remove layers by their number, 1 to 7, as the lecture does to see what depth is worth.

    Source: Krizhevsky 2014, "One weird trick for parallelizing convolutional neural networks".

    >>> alexnet().cost((3, 224, 224)).parameters
    61100840
    """
    blocks: Blocks = {
        1: (Conv2d(64, 11, stride=4, pad=2, floor=True), ReLU(), MaxPool2d(3, stride=2)),
        2: (Conv2d(192, 5, pad=2), ReLU(), MaxPool2d(3, stride=2)),
        3: (Conv2d(384, 3, pad=1), ReLU()),
        4: (Conv2d(256, 3, pad=1), ReLU()),
        5: (Conv2d(256, 3, pad=1), ReLU(), MaxPool2d(3, stride=2)),
    }
    return _assemble(blocks, classes, without, "AlexNet")


def alexnet2012(classes: int = 1000, *, without: Collection[int] = ()) -> Sequential:
    """Build AlexNet as published, for pictures (3, 227, 227): 96, 256, 384, 384 and 256 filters.

    It lived on two GPUs, half of the maps on each: layers 2, 4 and 5 have two groups, which see only their own half.
    (The paper writes 224, with which 11×11 windows 4 apart do not fit. SYSU gives layer 2 stride 2; the paper and
    the map sizes say 1.)

    Args:
        classes: the number of scores.
        without: remove layers by their number, 1 to 7, as the lecture does to see what depth is worth.

    Source: SYSU, "AlexNet"; EECS 545, "AlexNet"; HLCV, "Architecture of Krizhevsky et al."; Krizhevsky, Sutskever
    & Hinton 2012.

    >>> model = alexnet2012()
    >>> model[0].output_shape((3, 227, 227)), model[0].cost((3, 227, 227)).parameters
    ((96, 55, 55), 34944)
    >>> model.cost((3, 227, 227)).parameters
    60965224
    """
    blocks: Blocks = {
        1: (Conv2d(96, 11, stride=4), ReLU(), LocalResponseNorm(), MaxPool2d(3, stride=2)),
        2: (Conv2d(256, 5, pad=2, groups=2), ReLU(), LocalResponseNorm(), MaxPool2d(3, stride=2)),
        3: (Conv2d(384, 3, pad=1), ReLU()),
        4: (Conv2d(384, 3, pad=1, groups=2), ReLU()),
        5: (Conv2d(256, 3, pad=1, groups=2), ReLU(), MaxPool2d(3, stride=2)),
    }
    return _assemble(blocks, classes, without, "AlexNet (2012)")


def _assemble(convolutions: Blocks, classes: int, without: Collection[int], name: str) -> Sequential:
    blocks: Blocks = {
        **convolutions,
        6: (Dropout(0.5), Affine(4096), ReLU()),
        7: (Dropout(0.5), Affine(4096), ReLU()),
        8: (scores(classes),),
    }
    if not isinstance(without, Collection):
        raise TypeError(f"without={without!r}; numbers from 1 to 7 would fit, such as (6, 7)")
    if not set(without) <= set(range(1, 8)):
        raise ValueError(f"without={without}; numbers from 1 to 7 would fit, layer 8 gives the scores")
    kept = {number: block for number, block in blocks.items() if number not in without}
    maps = [layer for number, block in kept.items() if number < 6 for layer in block]
    rows = [layer for number, block in kept.items() if number > 5 for layer in block]
    return Sequential(*maps, Flatten(), *rows, name=name)
