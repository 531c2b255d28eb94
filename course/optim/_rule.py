"""What the update rules have in common: the shape of a state, and which arguments mean something."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
State = dict[str, Any]
Rule = Callable[..., tuple[Array, State]]


def start(state: State | None, symbol: str, w: Array) -> Array:
    """What the state remembers under a symbol; at first, zeros."""
    if not state:
        return np.zeros_like(w)
    if symbol not in state:
        raise ValueError(f"state has {sorted(state)}, not {symbol!r}; {{}} or a state of this rule would fit")
    remembered: Array = state[symbol]
    if remembered.shape != w.shape:
        raise ValueError(f"state[{symbol!r}] has shape {remembered.shape}, w has {w.shape}; alike would fit")
    return remembered


def check(w: Array, dw: Array, **hyper: float) -> tuple[float, ...]:
    """Refuse what cannot mean anything; return the hyperparameters as plain floats.

    Python's own floats take the precision of the weights; one of NumPy's would turn float32 into float64.
    """
    if w.dtype not in (np.float32, np.float64):
        raise TypeError(f"w has dtype {w.dtype}; float32 or float64 would fit")
    if dw.shape != w.shape:
        raise ValueError(f"dw has shape {dw.shape}, w has {w.shape}; a gradient for each weight would fit")
    if dw.dtype != w.dtype:
        raise TypeError(f"dw has dtype {dw.dtype}, w has {w.dtype}; alike would fit")
    for name, value in hyper.items():
        if name == "delta":
            if not value > 0:
                raise ValueError(f"delta is {value}; more than 0 would fit")
        elif name in ("lr", "weight_decay"):
            if not value >= 0:
                raise ValueError(f"{name} is {value}; 0 or more would fit")
        elif not 0 <= value < 1:
            raise ValueError(f"{name} is {value}; from 0 up to, not including, 1 would fit")
    return tuple(float(value) for value in hyper.values())
