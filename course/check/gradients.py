"""What the gradients of a pair should be: from the reference's own pair, or from difference quotients."""

from collections.abc import Callable, Sequence
from inspect import signature
from typing import Any

import numpy as np

from ..gradcheck import numerical_gradient
from .calls import copied

__all__ = ["expected_gradients", "parameter_names"]

Function = Callable[..., Any]


def expected_gradients(forward: Function, args: Sequence[Any], hyper: dict[str, Any], dy: Any) -> Any:
    """Differentiate ⟨dy, y⟩ for each argument that is an array of floats, element by element.

    Args:
        forward: gives y, or y and a cache.
        args: its arguments.
        hyper: its keyword arguments.
        dy: the upstream gradient, with the shape of y.

    Returns:
        a tuple of arrays, or the array if there is only one: what a backward function returns.
    """
    places = [i for i, arg in enumerate(args) if isinstance(arg, np.ndarray) and arg.dtype.kind == "f"]

    def along(place: int) -> Any:
        def product(moved: Any) -> float:
            given = [moved if i == place else copied(arg) for i, arg in enumerate(args)]
            return float(np.sum(dy * first(forward(*given, **copied(hyper)))))

        return numerical_gradient(product, args[place].astype(np.float64)).astype(args[place].dtype)

    gradients = tuple(along(place) for place in places)
    return gradients[0] if len(gradients) == 1 else gradients


def first(answer: Any) -> Any:
    """y of an answer that is y, or y with a cache."""
    return answer[0] if type(answer) is tuple and answer else answer


def parameter_names(*functions: Any) -> list[str]:
    """The names of the positional parameters, of the first function that has a signature."""
    for function in functions:
        try:
            parameters = signature(function).parameters.values()
        except (TypeError, ValueError):
            continue
        return [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return []
