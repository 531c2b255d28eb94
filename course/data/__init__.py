"""Pictures and points to learn from. What the course itself uses travels with it; nothing is downloaded unasked.

Pictures are float32 (N, C, H, W) with values in [0, 1], labels int64 (N,). A module is loaded when one of
its names is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the same names, said twice: once for type checkers and editors, once for __getattr__
    from . import augment as augment
    from .drawings import KINDS as KINDS
    from .drawings import Shapes as Shapes
    from .drawings import shapes as shapes
    from .handwriting import digits as digits
    from .handwriting import translated_digits as translated_digits
    from .originals import CIFAR10_CLASSES as CIFAR10_CLASSES
    from .originals import FASHION_MNIST_CLASSES as FASHION_MNIST_CLASSES
    from .originals import cifar10 as cifar10
    from .originals import fashion_mnist as fashion_mnist
    from .originals import mnist as mnist
    from .photographs import photograph as photograph
    from .points import blobs as blobs
    from .points import moons as moons
    from .points import spirals as spirals
    from .preparation import split as split
    from .preparation import standardize as standardize

_HOMES = {
    "KINDS": "drawings",
    "Shapes": "drawings",
    "shapes": "drawings",
    "digits": "handwriting",
    "translated_digits": "handwriting",
    "CIFAR10_CLASSES": "originals",
    "FASHION_MNIST_CLASSES": "originals",
    "cifar10": "originals",
    "fashion_mnist": "originals",
    "mnist": "originals",
    "photograph": "photographs",
    "blobs": "points",
    "moons": "points",
    "spirals": "points",
    "split": "preparation",
    "standardize": "preparation",
}

__all__ = ["augment", *_HOMES]


def __getattr__(name: str) -> object:
    if name == "augment":
        return import_module(f"{__name__}.augment")
    if name in _HOMES:
        value: object = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
        globals()[name] = value  # found without this function the next time
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
