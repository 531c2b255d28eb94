"""The way forwards and backwards through a graph, gate by gate, as plain data: no widget and no picture."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from course import graph

from .formula import Formula, Spec, parse

__all__ = ["GRAPHS", "Answer", "State", "Step", "ask", "compute", "values_of"]

Numbers = dict[str, float]

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
    "with a branch": ("q = y + x; f = q * x", "x = 3, y = -2"),
    "your own": ("f = max(x * y, x + z) * x", "x = 2, y = -1, z = 1"),
}  # fmt: skip


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
        if not name or not sign or not abs(value) < 1e6:
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
    with np.errstate(all="ignore"):
        return _ask(student, [(name, kind, list(names)) for name, kind, names in formula.gates], inputs)


def _ask(student: Callable[[list[Spec]], Any], gates: list[Spec], inputs: Numbers) -> Answer:
    try:
        made = student(gates)
        made.forward(inputs)
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
