"""What the gradients of a pair should be: difference quotients, of every element or along one direction."""

from collections.abc import Callable, Sequence
from inspect import signature
from typing import Any

import numpy as np

from ..gradcheck import numerical_gradient
from .calls import copied
from .compare import compare
from .draws import Array, Draws
from .elements import Difference
from .wording import is_array, is_number, say

__all__ = ["Quotients", "forward_fault", "parameter_names"]

Function = Callable[..., Any]

_ELEMENTS = 500  # of more, every single one would take too long
_H = 1e-5


class Quotients:
    """Difference quotients of ⟨dy, y⟩ for each argument that is an array of floats.

    Args:
        forward: gives y, or y and a cache.
        args: its arguments.
        hyper: its keyword arguments.
        dy: the upstream gradient, with the shape of y.
    """

    def __init__(self, forward: Function, args: Sequence[Any], hyper: dict[str, Any], dy: Any) -> None:
        self.forward, self.args, self.hyper, self.dy = forward, args, hyper, dy
        self.places = [i for i, arg in enumerate(args) if isinstance(arg, np.ndarray) and arg.dtype.kind == "f"]
        self.are_many = sum(args[place].size for place in self.places) > _ELEMENTS

    def gradients(self) -> Any:
        """Every element: a tuple of arrays, or the array if there is only one, as backward functions return them."""
        found = tuple(
            numerical_gradient(self._of(place), self.args[place].astype(np.float64)).astype(self.args[place].dtype)
            for place in self.places
        )
        return found[0] if len(found) == 1 else found

    def slopes(self, gradients: Any, draws: Draws) -> tuple[Any, Any]:
        """One number a gradient, along a random direction v: ⟨dx, v⟩, and what it should be.

        A gradient of another shape has no such number and is given as it is, beside its argument.
        """
        given = gradients if type(gradients) is tuple else (gradients,)
        if len(given) != len(self.places):
            return gradients, tuple(self.args[place] for place in self.places)
        mine, right = [], []
        for place, gradient in zip(self.places, given, strict=True):
            x = self.args[place]
            if type(gradient) is not np.ndarray or gradient.shape != x.shape or gradient.dtype != x.dtype:
                return gradient, x
            v, of = draws.normal(*x.shape), self._of(place)
            mine.append(float((gradient * v).sum()))
            right.append((of(x + _H * v) - of(x - _H * v)) / (2 * _H))
        return tuple(mine), tuple(right)

    def _of(self, place: int) -> Callable[[Array], float]:
        def product(moved: Array) -> float:
            given = [moved if i == place else copied(arg) for i, arg in enumerate(self.args)]
            answer = self.forward(*given, **copied(self.hyper))
            y = answer[0] if type(answer) is tuple and answer else answer
            return float(np.sum(self.dy * y))

        return product


def forward_fault(answer: Any, right: Any, tolerance: float | None) -> Difference | None:
    """Why a forward function's answer is no use for a gradient; None if it is y and a cache.

    Args:
        answer: what it returned.
        right: y as it should be; None if there is no reference.
        tolerance: the relative error allowed.
    """
    if type(answer) is not tuple or len(answer) != 2:
        return Difference("type", f"the forward function gives {say(answer)}, should give y and a cache")
    y = answer[0]
    if right is not None and (difference := compare(y, right, tolerance=tolerance)):
        return Difference("value", f"already the forward function is wrong: {difference.message}")
    if not is_array(y) and not is_number(y):
        return Difference("type", f"y is {say(y)}, should be an array")
    return None


def parameter_names(*functions: Any) -> list[str]:
    """The names of the positional parameters, of the first function that has a signature."""
    for function in functions:
        try:
            parameters = signature(function).parameters.values()
        except (TypeError, ValueError):
            continue
        return [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return []
