"""Networks without convolution: one affine map, or several with a bend between."""

from course.layers import Affine, Flatten, Model, ReLU, Sequential
from course.models.blocks import scores

__all__ = ["linear", "mlp"]


def linear(classes: int = 10) -> Sequential:
    """Score each class by one template: s = W·x + b.

    Source: HLCV, "Parametric Approach".
    """
    return Sequential(Flatten(), scores(classes), name="linear")


def mlp(*hidden: int, classes: int = 10) -> Sequential:
    """Put hidden layers of so many ReLU neurons before the scores: `mlp(100, 50)` has three affine layers.

    Source: HLCV, "Standard Neural Networks"; EECS 442, "How many parameters does this network have?"

    >>> mlp(4, 4, classes=2).cost((2,)).parameters
    42
    """
    layers: list[Model] = [Flatten()]
    for neurons in hidden:
        layers += [Affine(neurons), ReLU()]
    return Sequential(*layers, scores(classes), name=f"{len(hidden) + 1}-layer net")
