"""A formula as a graph, and the way forwards and backwards through it, gate by gate, as plain data.

A graph is a list of gates in topological order, each `(name, kind, names of its inputs)`. A kind is a word, or a sign
and a constant: "+3" adds 3, "*-1" multiplies by −1.
"""

import ast
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import numpy as np

from course import graph
from course.graph.gates import Gate

__all__ = ["GRAPHS", "Answer", "Formula", "Spec", "State", "Step", "ask", "compute", "gate_of", "parse", "values_of"]

Spec = tuple[str, str, list[str]]  # name, kind, inputs
Numbers = dict[str, float]

MOST = 24  # gates that one picture holds
LONGEST = 200  # characters of a formula

# what to draw, and the inputs' values
GRAPHS: dict[str, tuple[str, str]] = {
    "(x + y)·z": ("q = x + y; f = q * z", "x = -2, y = 5, z = -4"),
    "sigmoid, gate by gate": (
        "a = w0 * x0; b = w1 * x1; c = a + b; s = c + w2; m = -s; e = exp(m); d = e + 1; f = 1 / d",
        "w0 = 2, x0 = -1, w1 = -3, x1 = -2, w2 = -3",
    ),
    "sigmoid, one gate": (
        "a = w0 * x0; b = w1 * x1; c = a + b; s = c + w2; f = sigmoid(s)",
        "w0 = 2, x0 = -1, w1 = -3, x1 = -2, w2 = -3",
    ),
    "(−x + 3)²": ("a = -x; b = a + 3; f = b ** 2", "x = 5"),
    "with a branch": ("q = x + y; f = q * x", "x = 3, y = -2"),
    "your own": ("f = max(x * y, x + z) * x", "x = 2, y = -1, z = 1"),
}  # fmt: skip


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
                value = self.read(operand)
                return -value if isinstance(value, float) else self.gate("*-1", [value], name)
            case ast.BinOp(left=base, op=ast.Pow(), right=ast.Constant(value=2)):
                value = self.read(base)
                return value**2 if isinstance(value, float) else self.gate("square", [value], name)
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


def values_of(text: str, names: tuple[str, ...]) -> Numbers:
    """Read `x = -2, y = 5`; a name without a value gets 1.

    Raises:
        ValueError: in words, what cannot be read.

    >>> values_of("x = -2", ("x", "y"))
    {'x': -2.0, 'y': 1.0}
    """
    values = dict.fromkeys(names, 1.0)
    for part in filter(str.strip, text.replace("−", "-").replace(";", ",").split(",")):
        name, sign, number = (piece.strip() for piece in part.partition("="))
        try:
            value = float(number)
        except ValueError:
            sign = ""
        if not sign or not abs(value) < 1e6:
            raise ValueError(f"{part.strip()[:40]!r} gives no value; x = -2 would fit")
        if name in values:
            values[name] = value
    return values


@dataclass(frozen=True)
class State:
    """What the controls say; step 0 knows the inputs only, and the last step every gradient."""

    formula: str = GRAPHS["(x + y)·z"][0]
    values: str = GRAPHS["(x + y)·z"][1]
    step: int = 0


@dataclass(frozen=True)
class Answer:
    """What the student's graph said, or in words why there is nothing to show."""

    values: Mapping[str, float] = field(default_factory=dict)
    gradients: Mapping[str, float] = field(default_factory=dict)
    problem: str = ""


@dataclass(frozen=True)
class Step:
    """All that there is to see in one state."""

    state: State
    answer: Answer
    formula: Formula | None = None
    right: graph.ComputationalGraph | None = None
    problem: str = ""

    @property
    def steps(self) -> int:
        """The number of the last step: every gate forwards, the gradient of the output, every gate backwards."""
        return 2 * len(self.formula.gates) + 1 if self.formula else 0

    @property
    def at(self) -> int:
        return min(max(self.state.step, 0), self.steps)

    @property
    def active(self) -> str:
        """The gate at work in this step, "" if none is."""
        gates = self.formula.gates if self.formula else ()
        if 1 <= self.at <= len(gates):
            return gates[self.at - 1][0]
        return gates[self.steps - self.at][0] if self.at >= len(gates) + 2 else ""

    @property
    def backwards(self) -> bool:
        return self.formula is not None and self.at > len(self.formula.gates)

    def known(self) -> tuple[set[str], set[str]]:
        """The names whose value, and whose gradient, is known: a gradient once every branch has sent its share."""
        if self.formula is None:
            return set(), set()
        gates = self.formula.gates
        values = {*self.formula.inputs, *(name for name, _, _ in gates[: self.at])}
        sent = {name for name, _, _ in gates[self.steps - self.at :]} if self.at >= len(gates) + 2 else set()
        users = {name: {gate for gate, _, inputs in gates if name in inputs} for name in values}
        return values, {name for name in values if self.backwards and users[name] <= sent}


def ask(state: State, student: Callable[[list[Spec]], Any]) -> Answer:
    """Run the student's graph on the formula. Whatever it does becomes an answer; the step plays no part."""
    try:
        formula = parse(state.formula)
        inputs = values_of(state.values, formula.inputs)
    except ValueError:
        return Answer()
    try:
        made = student([(name, kind, list(inputs)) for name, kind, inputs in formula.gates])
        made.forward(dict(inputs))
        values = _numbers(made.values)
    except NotImplementedError as error:
        return Answer(problem=f"Not written yet: {error}. The numbers are the course's.")
    except Exception as error:
        return Answer(problem=f"Your graph raised {type(error).__name__}: {error}. The numbers are the course's.")
    try:
        return Answer(values, _numbers(made.backward()))
    except NotImplementedError as error:
        return Answer(values, problem=f"Not written yet: {error}. The gradients are the course's.")
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
        return Answer(values, problem=f"backward raised {said}. The gradients are the course's.")


def _numbers(found: Any) -> Numbers:
    if not isinstance(found, dict):
        raise TypeError(f"a {type(found).__name__} where a dict from name to number would fit")
    return {str(name): float(value) for name, value in found.items()}


def compute(state: State, answer: Answer) -> Step:
    """Work out every value and every gradient with the course's own graph.

    >>> step = compute(State(step=5), Answer())
    >>> step.active, [(node.name, node.gradient) for node in step.right.nodes]
    ('q', [('x', -4.0), ('y', -4.0), ('q', -4.0), ('z', 3.0), ('f', 1.0)])
    """
    try:
        formula = parse(state.formula)
        right = formula.build()
        with np.errstate(all="ignore"):  # what is infinite is shown
            right.forward(values_of(state.values, formula.inputs))
            right.backward()
    except (ValueError, ZeroDivisionError, OverflowError) as error:
        return Step(state, answer, problem=f"{error}"[:160])
    return Step(state, answer, formula, right)
