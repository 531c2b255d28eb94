"""What the update rules have in common: they are written in place and called pure."""

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, cast

import numpy as np
import numpy.typing as npt

from course.data.arguments import check_array, check_number

Array = npt.NDArray[Any]
State = dict[str, Any]
Rule = Callable[..., tuple[Array, State]]
P = ParamSpec("P")

IN_PLACE: dict[Rule, Rule] = {}
"""For each rule of the course the function as it was written, which changes w and state: for the Optimizer."""


def pure(update: Callable[P, tuple[Array, State]]) -> Callable[P, tuple[Array, State]]:
    """Make a rule that leaves its arguments alone from one that changes w and state, and let it check them."""

    @wraps(update)
    def rule(w: Array, dw: Array, state: State | None = None, **hyper: float) -> tuple[Array, State]:
        _check(w, dw, {} if state is None else state)
        copies = {symbol: np.copy(v) if isinstance(v, np.ndarray) else v for symbol, v in (state or {}).items()}
        return in_place(w.copy(), dw, copies, **plain(hyper))

    in_place = cast(Rule, update)
    typed = cast(Callable[P, tuple[Array, State]], rule)
    IN_PLACE[typed] = in_place
    return typed


def start(state: State | None, symbol: str, w: Array) -> Array:
    """Take what the state remembers under a symbol; at first, zeros."""
    if not state:
        return np.zeros_like(w)
    if symbol not in state:
        raise ValueError(f"state has {', '.join(state)}, not {symbol}; {{}} or a state of this rule would fit")
    remembered: Array = state[symbol]
    return remembered


def plain(hyper: dict[str, float]) -> dict[str, float]:
    """Check hyperparameters and make them Python's own floats; one of NumPy's would turn float32 into float64."""
    for name, value in hyper.items():
        check_number(name, value)
        if name == "delta":
            if not value > 0:
                raise ValueError(f"delta is {value}; more than 0 would fit")
        elif name in ("lr", "weight_decay"):
            if not value >= 0:
                raise ValueError(f"{name} is {value}; 0 or more would fit")
        elif not 0 <= value < 1:
            raise ValueError(f"{name} is {value}; from 0 up to, not including, 1 would fit")
    return {name: float(value) for name, value in hyper.items()}


def _check(w: Array, dw: Array, state: State) -> None:
    check_array("w", w)
    check_array("dw", dw)
    if not isinstance(state, dict):
        raise TypeError(f"state is {state!r}; {{}} would fit, or the state that the last step returned")
    if w.dtype not in (np.float32, np.float64):
        raise TypeError(f"w has dtype {w.dtype}; float32 or float64 would fit")
    if dw.dtype != w.dtype:
        raise TypeError(f"dw has dtype {dw.dtype}, w has {w.dtype}; alike would fit")
    if dw.shape != w.shape:
        raise ValueError(f"dw has shape {dw.shape}, w has {w.shape}; a gradient for each weight would fit")
    for symbol, value in state.items():
        if isinstance(value, np.ndarray) and value.shape != w.shape:
            raise ValueError(f"state[{symbol!r}] has shape {value.shape}, w has {w.shape}; alike would fit")
