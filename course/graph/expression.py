"""Gates joined to a graph: values flow forwards through it, gradients backwards."""

from collections.abc import Mapping
from copy import copy
from numbers import Real
from reprlib import repr as shortened
from typing import TYPE_CHECKING, Any

import numpy as np

from course.graph.gates import Add, Gate, Multiply, Power, Reciprocal, Scale, Shift, Value

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["ComputationalGraph", "Input", "Node", "apply"]


class Node:
    """One place of a graph, with the value that arrives forwards and the gradient that arrives backwards.

    +, −, ·, / and powers make the node that follows: `(x + y) * z`, `(-x + 3) ** 2`; `apply` any other gate. What
    stands beside a node is another node or a number, a constant of the gate.

    Attributes:
        gate: computes the value from the inputs' values; None where a value comes from outside.
        inputs: the nodes before this one.
        name: what the drawing calls it; it may be empty.
        value: z, after `forward`.
        gradient: ∂L/∂z, after `backward`: the sum over all the branches that leave this node.
        input_gradients: after `backward`, the share that goes back to each of the inputs.
    """

    __slots__ = ("gate", "gradient", "input_gradients", "inputs", "name", "value")
    __array_ufunc__ = None  # an array beside a node asks the node, and does not multiply its elements one by one

    def __init__(self, gate: Gate | None, inputs: "tuple[Node, ...]" = (), name: str = "") -> None:
        # a gate keeps what it saw: each node has one of its own
        self.gate, self.inputs, self.name = copy(gate), inputs, name
        self.value: Value = None
        self.gradient: Value = None
        self.input_gradients: tuple[Value, ...] = ()

    def forward(self) -> None:
        """Compute the value from those of the inputs."""
        if self.gate is not None:
            self.value = _plain(self.gate.forward(*(node.value for node in self.inputs)))

    def backward(self) -> None:
        """Send the gradient back to the inputs, where it is added to what came along other branches."""
        if self.gate is None or self.gradient is None:
            return
        self.input_gradients = tuple(map(_plain, self.gate.backward(self.gradient)))
        for node, gradient in zip(self.inputs, self.input_gradients, strict=True):
            if gradient is not None:
                node.gradient = gradient if node.gradient is None else node.gradient + gradient

    def __add__(self, other: "Node | float") -> "Node":
        return apply(Add(), self, other) if isinstance(other, Node) else apply(Shift(other), self)

    def __mul__(self, other: "Node | float") -> "Node":
        return apply(Multiply(), self, other) if isinstance(other, Node) else apply(Scale(other), self)

    __radd__, __rmul__ = __add__, __mul__

    def __neg__(self) -> "Node":
        return apply(Scale(-1), self)

    def __sub__(self, other: "Node | float") -> "Node":
        return self + (-other if isinstance(other, Node | Real) else other)  # + says what would fit

    def __rsub__(self, other: float) -> "Node":
        return -self + other

    def __truediv__(self, other: "Node | float") -> "Node":
        return self * (1 / other if isinstance(other, Node | Real) else other)

    def __rtruediv__(self, other: float) -> "Node":
        inverse = apply(Reciprocal(), self)
        return inverse if isinstance(other, Real) and other == 1 else inverse * other

    def __pow__(self, n: float) -> "Node":
        return apply(Power(n), self)

    def __repr__(self) -> str:
        what = self.name or "·"
        if self.gate is not None:
            what += f" = {self.gate.symbol} of {', '.join(node.name or '·' for node in self.inputs)}"
        return f"{what}: value {self.value}, gradient {self.gradient}"


def Input(name: str) -> Node:
    """Make a node whose value comes from outside, by this name."""
    if not isinstance(name, str) or not name:
        raise ValueError(f"name={name!r} does not name an input; a word would fit")
    return Node(None, name=name)


def apply(gate: Gate, *inputs: Node, name: str = "") -> Node:
    """Apply a gate to the nodes of its inputs: the node of its output.

    Raises:
        TypeError: gate is no gate, or an input is no node.

    Source: HLCV, "Modularized implementation: forward / backward API".

    >>> from course.graph.gates import Max
    >>> x, y = Input("x"), Input("y")
    >>> ComputationalGraph(apply(Max(), x, y)).forward({"x": 2, "y": 7})
    7.0
    """
    if isinstance(gate, type) or not callable(getattr(gate, "forward", None)):
        raise TypeError(f"gate is {gate!r}; a gate would fit, such as Max()")
    for node in inputs:
        if not isinstance(node, Node):
            raise TypeError(f"a gate's input is {node!r}; a Node would fit, such as Input('x')")
    return Node(gate, inputs, name)


class ComputationalGraph:
    """All that one output depends on, in topological order: each node after its inputs.

    Nothing here is recursive, so that a chain of any length will do.

    Args:
        output: the last node, f.

    Attributes:
        nodes: every node, in topological order; the last is the output.
        inputs: the nodes without a gate, by name.

    Raises:
        TypeError: output is no node.
        ValueError: two inputs share a name.

    Source: HLCV, "Modularized implementation: forward / backward API" and "A Simple Example".

    >>> x, y, z = Input("x"), Input("y"), Input("z")
    >>> graph = ComputationalGraph((x + y) * z)
    >>> graph.forward({"x": -2, "y": 5, "z": -4})
    -12.0
    >>> graph.backward()
    {'x': -4.0, 'y': -4.0, 'z': 3.0}
    """

    def __init__(self, output: Node) -> None:
        if not isinstance(output, Node):
            raise TypeError(f"output is {output!r}; a Node would fit, such as Input('x') + 1")
        self.output = output
        self.nodes = _topological_order(output)
        self.inputs: dict[str, Node] = {}
        for node in self.nodes:
            if node.gate is None and self.inputs.setdefault(node.name, node) is not node:
                raise ValueError(f"two inputs are called {node.name!r}; one Input used twice would fit")

    def forward(self, inputs: Mapping[str, Any]) -> Value:
        """Compute the output from the inputs' values, whole numbers or floats or arrays.

        Raises:
            TypeError: a value is neither a number nor an array of numbers.
            ValueError: an input has no value, or a value no input, or a gate cannot take what arrives there.
        """
        if inputs.keys() != self.inputs.keys():
            raise ValueError(f"inputs has values for {sorted(inputs)}; {sorted(self.inputs)} would fit")
        for name, value in inputs.items():
            _check_value(name, value)
        for node in self.nodes:
            node.gradient, node.input_gradients = None, ()
            if node.gate is None:
                node.value = _plain(inputs[node.name])
            node.forward()
        return self.output.value

    def backward(self, upstream: Value = None) -> dict[str, Value]:
        """Compute the gradient of the output for every node, and return those of the inputs by name.

        Args:
            upstream: ∂L/∂f, of the shape of f; by default 1, the gradient of f itself, if f is a single number.

        Raises:
            RuntimeError: there was no `forward`.
            TypeError: the upstream gradient is neither a number nor an array.
            ValueError: the upstream gradient does not have the shape of f, or a gate has no slope where it is.
        """
        if self.output.value is None:
            raise RuntimeError("backward needs the values of a forward; call forward first")
        shape = np.shape(self.output.value)
        upstream = 1.0 if upstream is None else upstream
        _check_value("upstream", upstream)
        if np.shape(upstream) != shape:
            raise ValueError(f"upstream has shape {np.shape(upstream)}; {shape} would fit, the shape of the output")
        for node in self.nodes:
            node.gradient, node.input_gradients = None, ()
        self.output.gradient = _plain(upstream)
        for node in reversed(self.nodes):
            node.backward()
        return {name: node.gradient for name, node in self.inputs.items() if node.gradient is not None}

    def figure(self, *, values: int | None = None, gradients: int | None = None) -> "Figure":
        """Draw the graph, values above the wires and gradients below them; see `course.graph.drawing`."""
        from course.graph.drawing import draw

        return draw(self, values=values, gradients=gradients)

    def __repr__(self) -> str:
        return "\n".join(map(repr, self.nodes))


def _topological_order(output: Node) -> list[Node]:
    """Sort depth first, with a stack of our own: a node is done when all its inputs are."""
    order: list[Node] = []
    seen = {id(output)}
    stack = [(output, iter(output.inputs))]
    while stack:
        node, rest = stack[-1]
        for before in rest:
            if id(before) not in seen:
                seen.add(id(before))
                stack.append((before, iter(before.inputs)))
                break
        else:
            order.append(node)
            stack.pop()
    return order


def _check_value(name: str, value: object) -> None:
    # lists have a + and a · of their own, which mean something else
    if not (isinstance(value, np.ndarray) and value.dtype.kind in "biuf") and not isinstance(value, Real | np.bool_):
        raise TypeError(f"{name} is {shortened(value)}; a number or an array of numbers would fit")


def _plain(value: Value) -> Value:
    """Read a single number as a float; leave arrays, and a gradient that is None, as they are."""
    return value if value is None or np.ndim(value) else float(value)
