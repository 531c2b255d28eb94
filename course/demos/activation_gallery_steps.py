"""What the gallery of activations asks of the student's functions: y, its slope, and whether they are right."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from course import ops

__all__ = ["REACH", "RIGHT", "STEPS", "Answer", "Array", "Pair", "X", "ask"]

Array = npt.NDArray[np.float64]
Pair = tuple[Callable[..., Any], Callable[..., Any]]

REACH, STEPS = 6, 10  # x runs from −REACH to REACH, with so many steps to a unit
X: Array = np.arange(-REACH * STEPS, REACH * STEPS + 1) / STEPS
RIGHT: dict[str, Pair] = {
    "sigmoid": (ops.sigmoid, ops.sigmoid_backward),
    "tanh": (ops.tanh, ops.tanh_backward),
    "ReLU": (ops.relu, ops.relu_backward),
    "leaky ReLU": (ops.leaky_relu, ops.leaky_relu_backward),
    "ELU": (ops.elu, ops.elu_backward),
    "Swish": (ops.swish, ops.swish_backward),
    "maxout": (ops.maxout, ops.maxout_backward),
}


@dataclass(frozen=True, eq=False)
class Answer:
    """What a student's functions say at each of X: y and its slope; or what is wrong with them.

    Attributes:
        y: (len(X),), or None if there is no such array.
        slope: as y.
        problem: why there is none.
        wrong: which of y and slope are not those of the function of this name.
    """

    y: Array | None = None
    slope: Array | None = None
    problem: str = ""
    wrong: tuple[str, ...] = ()


def ask(functions: Mapping[str, Pair]) -> dict[str, Answer]:
    """Run each pair once: forwards on X, and backwards with dy = 1.

    Args:
        functions: by name, `y, cache = f(x)` and `dx = f_backward(dy, cache)`, for x of shape (N,); "maxout" as in
            `course.ops`, it gets the pieces x and −x. Those with a name of RIGHT are compared with it.

    >>> ask({"twice": (lambda x: (2 * x, ()), lambda dy, cache: 2 * dy)})["twice"].slope[:3]
    array([2., 2., 2.])
    """
    return {name: _judged(name, _ask(*_single(name, pair))) for name, pair in functions.items()}


def _single(name: str, pair: Pair) -> Pair:
    """Maxout with one input and one neuron, of the pieces x and −x; any other pair as it is."""
    if name != "maxout":
        return pair
    forward, backward = pair

    def backward_of_x(dy: Array, cache: Any) -> Any:
        answer = backward(dy[:, None], cache)
        return _column(answer[0] if type(answer) is tuple and answer else answer)

    def forward_of_x(x: Array) -> Any:
        answer = forward(x[:, None], np.array([[[1.0]], [[-1.0]]]), np.zeros((2, 1)))
        return (_column(answer[0]), *answer[1:]) if type(answer) is tuple and answer else _column(answer)

    return forward_of_x, backward_of_x


def _column(y: Any) -> Any:
    return y[:, 0] if isinstance(y, np.ndarray) and y.shape == (len(X), 1) else y


def _judged(name: str, found: Answer) -> Answer:
    """The same answer, and whether it is that of the function of this name."""
    if name not in RIGHT:
        return found
    right = _ask(*_single(name, RIGHT[name]))
    pairs = (("y", found.y, right.y), ("slope", found.slope, right.slope))
    wrong = tuple(
        part for part, mine, other in pairs if mine is not None and other is not None and not np.allclose(mine, other)
    )
    return replace(found, wrong=wrong)


def _ask(forward: Callable[..., Any], backward: Callable[..., Any]) -> Answer:
    y, cache, problem = _try(lambda: forward(X.copy()))
    if y is None:
        return Answer(problem=problem)
    dx, _, problem = _try(lambda: backward(np.ones_like(X), cache), cached=False)
    return Answer(y, dx, f"backward: {problem}" if problem else "")


def _try(call: Callable[[], Any], *, cached: bool = True) -> tuple[Array | None, Any, str]:
    """An array of the shape of X and the cache behind it, or None and what is wrong."""
    try:
        answer = call()
    except NotImplementedError:
        return None, None, "not written yet"
    except Exception as error:
        return None, None, f"{type(error).__name__}: {str(error)[:100]}"
    y, cache = answer if cached and type(answer) is tuple and len(answer) == 2 else (answer, ())
    if not isinstance(y, np.ndarray):
        return None, None, f"returned a {type(y).__name__}; an array would fit"
    if y.shape != X.shape or y.dtype.kind != "f":
        return None, None, f"returned shape {y.shape}, {y.dtype}; {X.shape}, float64 would fit"
    if not np.isfinite(y).all():
        return None, None, "returned numbers that are not finite"
    return y.astype(np.float64), cache, ""
