"""GoogLeNet: windows of several sizes side by side, and 1×1 filters to pay for them."""

from course.layers import Concat, Dropout, GlobalAvgPool2d, MaxPool2d, Sequential
from course.models.blocks import conv_norm_relu, scores

__all__ = ["googlenet", "inception"]

_EPS = 1e-3  # as torchvision has it, from TensorFlow


def inception(ones: int, less3: int, threes: int, less5: int, fives: int, pooled: int, *, name: str = "") -> Concat:
    """Look with windows of several sizes at once and stack the maps.

    Args:
        ones: 1×1 filters.
        less3, threes: first so many 1×1 filters, to have fewer channels, then so many 3×3.
        less5, fives: the same for the larger window; it is 3×3 as well, see `googlenet`.
        pooled: 1×1 filters after a 3×3 max pooling that keeps the size.
        name: as on the paper's table.

    Source: EECS 545, "Going deep with convolutions" (inception module).

    >>> inception(64, 96, 128, 16, 32, 32).output_shape((192, 28, 28))
    (256, 28, 28)
    """
    return Concat(
        Sequential(*conv_norm_relu(ones, 1, eps=_EPS)),
        Sequential(*conv_norm_relu(less3, 1, eps=_EPS), *conv_norm_relu(threes, 3, pad=1, eps=_EPS)),
        Sequential(*conv_norm_relu(less5, 1, eps=_EPS), *conv_norm_relu(fives, 3, pad=1, eps=_EPS)),
        Sequential(MaxPool2d(3, stride=1, pad=1), *conv_norm_relu(pooled, 1, eps=_EPS)),
        name=name or "inception",
    )


def googlenet(classes: int = 1000) -> Sequential:
    """Build GoogLeNet for pictures (3, 224, 224), as torchvision has it, without the auxiliary heads.

    That is: batch normalisation after every convolution, and 3×3 where the paper has 5×5 (a mistake in the weights
    that were published first; it stayed). Where torchvision rounds a pooling's size up, a pad gives the same size.

    Source: EECS 545, "Very Deep Models"; Szegedy et al. 2015, table 1.

    >>> googlenet().cost((3, 224, 224)).parameters
    6624904
    """
    return Sequential(
        *conv_norm_relu(64, 7, stride=2, pad=3, eps=_EPS),
        MaxPool2d(3, stride=2, pad=1, floor=True),
        *conv_norm_relu(64, 1, eps=_EPS),
        *conv_norm_relu(192, 3, pad=1, eps=_EPS),
        MaxPool2d(3, stride=2, pad=1, floor=True),
        inception(64, 96, 128, 16, 32, 32, name="inception 3a"),
        inception(128, 128, 192, 32, 96, 64, name="inception 3b"),
        MaxPool2d(3, stride=2, pad=1, floor=True),
        inception(192, 96, 208, 16, 48, 64, name="inception 4a"),
        inception(160, 112, 224, 24, 64, 64, name="inception 4b"),
        inception(128, 128, 256, 24, 64, 64, name="inception 4c"),
        inception(112, 144, 288, 32, 64, 64, name="inception 4d"),
        inception(256, 160, 320, 32, 128, 128, name="inception 4e"),
        MaxPool2d(2),
        inception(256, 160, 320, 32, 128, 128, name="inception 5a"),
        inception(384, 192, 384, 48, 128, 128, name="inception 5b"),
        GlobalAvgPool2d(),
        Dropout(0.2),
        scores(classes),
        name="GoogLeNet",
    )
