"""LeNet-5, the network that read cheques."""

from course.layers import Affine, Conv2d, Flatten, MaxPool2d, ReLU, Sequential
from course.models.blocks import scores

__all__ = ["lenet5"]


def lenet5(classes: int = 10) -> Sequential:
    """Build LeNet-5 for pictures (1, 32, 32): 6@28, 6@14, 16@10, 16@5, 120, 84, 10.

    As on the slide: max pooling, and every filter of the second convolution sees all six maps. ReLU follows the
    pooling, where the network of 1998 squashed as well: max(0, ·) of the largest is the largest of the max(0, ·),
    at a quarter of the work.

    Source: SYSU, "LeNet-5"; LeCun, Bottou, Bengio & Haffner 1998 (EECS 545 says 1989).

    >>> model = lenet5()
    >>> [model[:n].output_shape((1, 32, 32)) for n in (1, 2, 4, 5)]
    [(6, 28, 28), (6, 14, 14), (16, 10, 10), (16, 5, 5)]
    >>> model.cost((1, 32, 32)).parameters
    61706
    """
    return Sequential(
        Conv2d(6, 5), MaxPool2d(2), ReLU(),
        Conv2d(16, 5), MaxPool2d(2), ReLU(),
        Flatten(),
        Affine(120), ReLU(),
        Affine(84), ReLU(),
        scores(classes),
        name="LeNet-5",
    )  # fmt: skip
