"""A course on convolutional neural networks, and the reference CNN in NumPy that goes with it.

    ops           functions and their gradients: convolution, pooling, normalisation, losses
    graph         the lecture's computational graph, gate by gate
    layers        ops with weights; Sequential, Residual and Concat make networks of them
    optim         update rules and learning rates
    train         fit, evaluate, predict
    models        the published networks, and small ones that train in seconds
    data          digits, photographs, shapes, points; augmentation; loaders of MNIST and CIFAR-10
    vision        boxes, precision, saliency, the receptive field
    gradcheck     is a gradient right?
    plots, demos  pictures, and figures to play with in a notebook
    check         what tells a student whether a function is right, and if not, why

NOTATION.md beside this file explains the symbols and the short names of the lectures: HLCV, SYSU, EECS 545 and others.
`import course` is cheap: a submodule is loaded when it is first used, as in `course.ops.conv2d`.
"""

from importlib import import_module
from types import ModuleType

__version__ = "0.1.0"

_SUBMODULES = frozenset(
    {
        "check", "data", "demos", "gradcheck", "graph", "initializers", "layers", "models", "ops",
        "optim", "plots", "shapes", "train", "vision",
    }
)  # fmt: skip


def __getattr__(name: str) -> ModuleType:
    if name in _SUBMODULES:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_SUBMODULES})
