"""The lecture's gates: each knows its output and its local gradient, and nothing of the graph around it.

A gate is asked twice. `forward` computes its output and keeps what the derivative will need; `backward` takes the
upstream gradient dz = ∂L/∂z and gives one gradient for each input, upstream times local: ∂L/∂x = ∂L/∂z · ∂z/∂x.
Numbers and arrays will do alike; arrays that meet in one gate must have the same shape.

Three patterns to remember (HLCV, "Patterns in backward flow"): add hands the gradient on, max sends it to the
winner alone, multiply gives each input the gradient times the *other* input.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from course.data.arguments import check_number

__all__ = [
    "Add", "Exp", "Gate", "Lifted", "Max", "Multiply", "Power", "Reciprocal", "Scale", "Shift", "Sigmoid",
]  # fmt: skip

Value: TypeAlias = Any
"""A number or an array."""

_RAISED = str.maketrans("0123456789-.", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻˙")


class Gate:
    """One operation of a computational graph; a new gate needs `forward`, `backward` and a `symbol`.

    Source: HLCV, "Modularized implementation: forward / backward API".

    >>> class Double(Gate):
    ...     symbol = "2×"
    ...     def forward(self, x):
    ...         return 2 * x
    ...     def backward(self, dz):
    ...         return (2 * dz,)
    """

    symbol: str = "?"

    forward: Callable[..., Value]
    """Compute the output from the inputs; keep what `backward` needs."""

    backward: Callable[[Value], tuple[Value, ...]]
    """Turn the gradient of the output into the gradients of the inputs, in their order."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class Add(Gate):
    """z = x + y; both local gradients are 1: the gradient distributor.

    Source: HLCV, "Patterns in backward flow" (add gate).

    >>> gate = Add()
    >>> gate.forward(-2, 5), gate.backward(-4)
    (3, (-4, -4))
    """

    symbol = "+"

    def forward(self, x: Value, y: Value) -> Value:
        _require_alike("add", x, y)
        return x + y

    def backward(self, dz: Value) -> tuple[Value, Value]:
        return dz, dz


class Multiply(Gate):
    """z = x·y; the local gradients are y and x: the gradient switcher.

    Source: HLCV, "Patterns in backward flow" (mul gate).

    >>> gate = Multiply()
    >>> gate.forward(3, -4), gate.backward(1)
    (-12, (-4, 3))
    """

    symbol = "×"

    def forward(self, x: Value, y: Value) -> Value:
        _require_alike("multiply", x, y)
        self.x, self.y = x, y
        return x * y

    def backward(self, dz: Value) -> tuple[Value, Value]:
        return dz * self.y, dz * self.x


class Max(Gate):
    """z = max(x, y); the local gradient is 1 for the larger input, 0 for the other: the gradient router.

    Of two equal inputs the first wins, so that no gradient is counted twice.

    Source: HLCV, "Patterns in backward flow" (max gate).

    >>> gate = Max()
    >>> gate.forward(np.array([2, 1, 3]), np.array([1, 4, 3]))
    array([2, 4, 3])
    >>> gate.backward(np.array([5, 6, 7]))
    (array([5, 0, 7]), array([0, 6, 0]))
    """

    symbol = "max"

    def forward(self, x: Value, y: Value) -> Value:
        _require_alike("max", x, y)
        self.first_wins = np.greater_equal(x, y)
        return np.where(self.first_wins, x, y)

    def backward(self, dz: Value) -> tuple[Value, Value]:
        return dz * self.first_wins, dz * ~self.first_wins


class Sigmoid(Gate):
    """z = 1/(1 + e⁻ˣ), a whole subgraph as one gate; its local gradient is (1 − z)·z.

    Source: HLCV, "Backpropagation": a graph's representation is not unique.

    >>> gate = Sigmoid()
    >>> z, (dx,) = gate.forward(1.0), gate.backward(1.0)
    >>> f"{z:.2f} {dx:.2f}"
    '0.73 0.20'
    """

    symbol = "σ"

    @np.errstate(under="ignore")  # e⁻¹⁰⁰⁰ is meant to be 0
    def forward(self, x: Value) -> Value:
        e = np.exp(-np.abs(x))  # at most 1, so that no input overflows
        self.z = np.where(np.greater_equal(x, 0), 1, e) / (1 + e)
        return self.z

    def backward(self, dz: Value) -> tuple[Value]:
        return (dz * (1 - self.z) * self.z,)


class Exp(Gate):
    """z = eˣ, its own local gradient.

    Source: HLCV, "Backpropagation" (another example: the local gradients beside the graph).

    >>> gate = Exp()
    >>> z, (dx,) = gate.forward(-1.0), gate.backward(2.0)
    >>> f"{z:.2f} {dx:.2f}"
    '0.37 0.74'
    """

    symbol = "exp"

    @np.errstate(under="ignore")
    def forward(self, x: Value) -> Value:
        self.z = np.exp(x)
        return self.z

    def backward(self, dz: Value) -> tuple[Value]:
        return (dz * self.z,)


class Reciprocal(Gate):
    """z = 1/x; its local gradient is −1/x².

    Source: HLCV, "Backpropagation" (another example: the local gradients beside the graph).

    >>> gate = Reciprocal()
    >>> gate.forward(4.0), gate.backward(1.0)
    (0.25, (-0.0625,))
    """

    symbol = "1/x"

    def forward(self, x: Value) -> Value:
        _require(np.not_equal(x, 0), self, x, "anything but 0")
        self.x = x
        return 1 / x

    def backward(self, dz: Value) -> tuple[Value]:
        return (-dz / self.x**2,)


class Scale(Gate):
    """z = a·x with a constant a; its local gradient is a.

    Source: HLCV, "Backpropagation" (another example: the local gradients beside the graph).

    >>> gate = Scale(-1)
    >>> gate.forward(3), gate.backward(5)
    (-3, (-5,))
    """

    def __init__(self, a: float) -> None:
        check_number("a gate's constant", a)
        self.a, self.symbol = a, f"×{_signed(a)}"

    def forward(self, x: Value) -> Value:
        return self.a * x

    def backward(self, dz: Value) -> tuple[Value]:
        return (self.a * dz,)


class Shift(Gate):
    """z = x + c with a constant c; its local gradient is 1.

    Source: HLCV, "Backpropagation" (another example: the local gradients beside the graph).

    >>> gate = Shift(2)
    >>> gate.forward(3), gate.backward(5)
    (5, (5,))
    """

    def __init__(self, c: float) -> None:
        check_number("a gate's constant", c)
        self.c, self.symbol = c, _signed(c) if c < 0 else f"+{c:g}"

    def forward(self, x: Value) -> Value:
        return x + self.c

    def backward(self, dz: Value) -> tuple[Value]:
        return (dz,)


class Power(Gate):
    """z = xⁿ with a constant n; its local gradient is n·xⁿ⁻¹.

    A root, n = ½ or another broken number, has no value below 0 and no slope at 0; 1/xⁿ has no value at 0.

    Source: EECS 442, "Previously – Backpropagation" (the square in f(x) = (−x + 3)²).

    >>> gate = Power(2)
    >>> gate.forward(3), gate.backward(5)
    (9, (30,))
    """

    def __init__(self, n: float) -> None:
        check_number("a gate's constant", n)
        self.n, self.symbol = n, "x" + f"{n:g}".translate(_RAISED)

    def forward(self, x: Value) -> Value:
        if self.n != int(self.n):
            _require(~np.less(x, 0), self, x, "0 or more")
        if self.n < 0:
            _require(np.not_equal(x, 0), self, x, "anything but 0")
        self.x = x
        return x**self.n

    def backward(self, dz: Value) -> tuple[Value]:
        if self.n == 0:  # not 0·x⁻¹, which is nothing at 0
            return (0 * dz,)
        if self.n < 1:
            _require(np.not_equal(self.x, 0), self, self.x, "for a slope anything but 0")
        return (dz * self.n * self.x ** (self.n - 1),)


class Lifted(Gate):
    """Any function pair as one gate, so that a whole layer is a node of the graph.

    Args:
        op: `y, cache = op(*inputs, **hyper)`; or, without `op_backward`, a loss: `loss, dx = op(*inputs, **hyper)`.
        op_backward: `gradients = op_backward(dy, cache)`, in the order of the inputs, one alone returned bare.
            Inputs beyond them (labels, say) get no gradient.
        symbol: what the drawing shows; by default the name of the op.
        hyper: the keyword-only arguments of the op.

    Source: HLCV, "Gradients for vectorized code"; EECS 442, 'Define New Block: "Linear Layer"'.

    >>> from course.ops.affine import affine, affine_backward
    >>> gate = Lifted(affine, affine_backward)
    >>> gate.forward(np.array([[1.0, 2.0]]), np.array([[1.0], [3.0]]), np.array([0.5]))
    array([[7.5]])
    >>> dx, dw, db = gate.backward(np.array([[1.0]]))
    >>> dw
    array([[1.], [2.]])
    """

    def __init__(
        self, op: Callable[..., Any], op_backward: Callable[..., Any] | None, *, symbol: str = "", **hyper: Any
    ) -> None:
        self.op, self.op_backward, self.hyper = op, op_backward, hyper
        self.symbol = symbol or getattr(op, "__name__", "op")

    def forward(self, *inputs: Value) -> Value:
        self.count = len(inputs)
        y, self.cache = self.op(*inputs, **self.hyper)
        return y

    def backward(self, dz: Value) -> tuple[Value, ...]:
        found = dz * self.cache if self.op_backward is None else self.op_backward(dz, self.cache)
        gradients = found if isinstance(found, tuple) else (found,)
        return gradients + (None,) * (self.count - len(gradients))

    def __repr__(self) -> str:
        return f"Lifted({self.symbol})"


def _signed(number: float) -> str:
    return f"{number:g}".replace("-", "−")


def _require(fits: Any, gate: Gate, x: Value, what: str) -> None:
    if not np.all(fits):
        raise ValueError(f"{gate.symbol} meets {np.asarray(x)[~np.asarray(fits)].flat[0]:g}; {what} would fit")


def _require_alike(gate: str, x: Value, y: Value) -> None:
    if np.shape(x) != np.shape(y):
        raise ValueError(f"{gate} meets x of shape {np.shape(x)} and y of shape {np.shape(y)}; equal shapes would fit")
