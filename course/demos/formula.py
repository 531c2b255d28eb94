"""Reads a formula as a graph of gates: the text is taken apart with `ast`, and never run.

A graph is a list of gates in topological order, each `(name, kind, names of its inputs)`. A kind is a word, or a sign
and a constant: "+3" adds 3, "*-1" multiplies by −1.
"""

import ast
import operator
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Any

from course import graph
from course.graph.gates import Gate

__all__ = ["Formula", "Spec", "gate_of", "parse"]

Spec = tuple[str, str, list[str]]  # name, kind, inputs

MOST = 24  # gates that one picture holds
LONGEST = 200  # characters of a formula


class _Subtract(Gate):
    symbol = "−"

    def forward(self, x: Any, y: Any) -> Any:
        return x - y

    def backward(self, dz: Any) -> tuple[Any, Any]:
        return dz, -dz


class _Divide(Gate):
    symbol = "÷"

    def forward(self, x: Any, y: Any) -> Any:
        self.x, self.y = x, y
        return x / y

    def backward(self, dz: Any) -> tuple[Any, Any]:
        return dz / self.y, -dz * self.x / self.y**2


_GATES: dict[str, Callable[[], Gate]] = {
    "add": graph.Add, "subtract": _Subtract, "multiply": graph.Multiply, "divide": _Divide, "max": graph.Max,
    "exp": graph.Exp, "sigmoid": graph.Sigmoid, "reciprocal": graph.Reciprocal, "square": lambda: graph.Power(2),
}  # fmt: skip
_OPERATORS = {ast.Add: "add", ast.Sub: "subtract", ast.Mult: "multiply", ast.Div: "divide"}
_FOLD: dict[str, Callable[[float, float], float]] = {
    "add": operator.add, "subtract": operator.sub, "multiply": operator.mul, "divide": operator.truediv,
}  # fmt: skip
_FUNCTIONS = {"max": 2, "exp": 1, "sigmoid": 1}


def gate_of(kind: str) -> Gate:
    """A new gate of a kind.

    >>> gate_of("+3").forward(2.0), gate_of("*-1").backward(5.0)
    (5.0, (-5.0,))
    """
    if kind[0] in "+*":
        return (graph.Shift if kind[0] == "+" else graph.Scale)(float(kind[1:]))
    return _GATES[kind]()


@dataclass(frozen=True)
class Formula:
    """A formula as a graph.

    Attributes:
        gates: in topological order; the last is the output.
        inputs: the names that have no gate, in the order in which they occur.
        given: the names that stand in the formula; the others were made up.
    """

    gates: tuple[Spec, ...]
    inputs: tuple[str, ...]
    given: frozenset[str]

    def build(self) -> graph.ComputationalGraph:
        """The course's own graph of it."""
        nodes = {name: graph.Input(name) for name in self.inputs}
        for name, kind, inputs in self.gates:
            nodes[name] = graph.apply(gate_of(kind), *(nodes[i] for i in inputs), name=name)
        return graph.ComputationalGraph(nodes[self.gates[-1][0]])


def parse(text: str) -> Formula:
    """Read `q = x + y; f = q * z`: names, numbers, + − * /, a square as ** 2, max, exp and sigmoid.

    Nothing is ever run: the text is taken apart, and whatever is not on this list is refused.

    Raises:
        ValueError: in words, what cannot be read.

    >>> parse("(x + y) * z").gates
    (('a', 'add', ['x', 'y']), ('f', 'multiply', ['a', 'z']))
    """
    if len(text) > LONGEST:
        raise ValueError(f"the formula has {len(text)} characters; at most {LONGEST} would fit")
    try:
        body = ast.parse(text.strip().replace("−", "-").replace("·", "*")).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ValueError(f"{text!r} is no formula; (x + y) * z would fit") from None
    return _Reader(body).formula()


class _Reader:
    """Takes statements apart; a value is a name, or a number where there is nothing but constants."""

    def __init__(self, body: list[ast.stmt]) -> None:
        self.body, self.gates, self.inputs = body, list[Spec](), list[str]()
        self.given = {node.id for statement in body for node in ast.walk(statement) if isinstance(node, ast.Name)}
        self.made_up = (name for n in count() if (name := _letter(n)) not in self.given | {"f"})

    def formula(self) -> Formula:
        for n, statement in enumerate(self.body):
            match statement:
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    pass
                case ast.Expr(value=value):
                    name = "f" if n == len(self.body) - 1 and "f" not in self.given else next(self.made_up)
                case _:
                    raise ValueError("a part is neither a formula nor a name = formula; q = x + y would fit")
            if any(name == gate[0] for gate in self.gates):
                raise ValueError(f"{name} is set twice; a new name would fit")
            if self.read(value, name) != name:
                raise ValueError(f"{name} needs a gate: + − * / ** 2, max, exp or sigmoid, on at least one name")
            if name in self.inputs:
                raise ValueError(f"{name} is used before it is set; a new name would fit")
        used = {name for _, _, inputs in self.gates for name in inputs}
        if unused := [name for name, _, _ in self.gates[:-1] if name not in used]:
            raise ValueError(f"{unused[0]} is never used; the last part has to depend on it")
        if not self.gates:
            raise ValueError("there is no formula; (x + y) * z would fit")
        return Formula(tuple(self.gates), tuple(self.inputs), frozenset(self.given | {"f"}))

    def read(self, node: ast.expr, name: str = "") -> str | float:
        """The name of the node's value; `name` is what it is to be called."""
        match node:
            case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
                return float(value)
            case ast.Name(id=given):
                if given in _FUNCTIONS:
                    raise ValueError(f"{given} is a function; {given}(x{', y' * (given == 'max')}) would fit")
                if given not in self.inputs and all(given != gate[0] for gate in self.gates):
                    self.inputs.append(given)
                return given
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                x = self.read(operand)
                return -x if isinstance(x, float) else self.gate("*-1", [x], name)
            case ast.BinOp(left=base, op=ast.Pow(), right=ast.Constant(value=2)):
                x = self.read(base)
                return x**2 if isinstance(x, float) else self.gate("square", [x], name)
            case ast.BinOp(op=ast.Pow()):
                raise ValueError("of the powers only the square, ** 2, is a gate here")
            case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _OPERATORS:
                return self.binary(_OPERATORS[type(sign)], self.read(left), self.read(right), name)
            case ast.Call(func=ast.Name(id=function), args=args, keywords=[]) if function in _FUNCTIONS:
                if len(args) != _FUNCTIONS[function]:
                    raise ValueError(f"{function} has {len(args)} inputs; {_FUNCTIONS[function]} would fit")
                values = [self.read(arg) for arg in args]
                names = [value for value in values if isinstance(value, str)]
                if len(names) < len(values):
                    raise ValueError(f"{function} of a number; a name would fit")
                return self.gate(function, names, name)
        raise ValueError(f"{ast.unparse(node)!r} is no part of a formula; + − * / ** 2 max exp sigmoid would fit")

    def binary(self, kind: str, x: str | float, y: str | float, name: str) -> str | float:
        if isinstance(x, str) and isinstance(y, str):
            return self.gate(kind, [x, y], name)
        if kind == "divide" and y == 0:
            raise ValueError("this divides by 0")
        if isinstance(x, float) and isinstance(y, float):
            return _FOLD[kind](x, y)
        if isinstance(x, str):  # a constant on the right
            c = float(y)
            c = {"subtract": -c, "divide": 1 / (c or 1)}.get(kind, c)
            return self.gate(f"{'+' if kind in ('add', 'subtract') else '*'}{c:g}", [x], name)
        other = str(y)
        if kind == "subtract":
            return self.gate(f"+{x:g}", [self.gate("*-1", [other])], name)
        if kind == "divide":
            if x == 1:
                return self.gate("reciprocal", [other], name)
            return self.gate(f"*{x:g}", [self.gate("reciprocal", [other])], name)
        return self.gate(f"{'+' if kind == 'add' else '*'}{x:g}", [other], name)

    def gate(self, kind: str, inputs: list[str], name: str = "") -> str:
        if len(self.gates) == MOST:
            raise ValueError(f"the formula has more than {MOST} gates, too many for a picture")
        name = name or next(self.made_up)
        self.gates.append((name, kind, inputs))
        return name


def _letter(n: int) -> str:
    return "abcdeghijklmnopqrstuvwxyz"[n % 25] + (str(n // 25) if n >= 25 else "")
