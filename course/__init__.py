"""A course on convolutional neural networks, and the reference CNN in NumPy that goes with it.

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
