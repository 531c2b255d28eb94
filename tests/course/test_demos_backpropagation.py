"""The stepper through a graph: how formulas are read, its steps against the lecture's numbers, its pictures."""

import io
import itertools
import xml.etree.ElementTree as ElementTree

import matplotlib.image
import numpy as np
import pytest

from course.demos import backpropagation
from course.demos.backpropagation_steps import GRAPHS, State, Step, ask, compute, values_of
from course.demos.formula import Spec, gate_of, parse
from course.demos.scene import Scene, Text
from course.plots.graphs import decision

SVG = "{http://www.w3.org/2000/svg}"
NEURON = {"w0": -0.1966, "x0": 0.3932, "w1": -0.3932, "x1": -0.5898, "w2": 0.1966}


class Graph:
    """What a student would write."""

    def __init__(self, nodes: list[Spec]) -> None:
        self.nodes = [(name, gate_of(kind), inputs) for name, kind, inputs in nodes]

    def forward(self, inputs):
        self.values = dict(inputs)
        for name, gate, names in self.nodes:
            self.values[name] = gate.forward(*(self.values[i] for i in names))

    def backward(self):
        gradients = dict.fromkeys(self.values, 0.0)
        gradients[self.nodes[-1][0]] = 1.0
        for name, gate, names in reversed(self.nodes):
            for i, share in zip(names, gate.backward(gradients[name]), strict=True):
                gradients[i] = self.join(gradients[i], share)
        return gradients

    def join(self, sum_, share):
        return sum_ + share


class LastBranchWins(Graph):
    def join(self, sum_, share):
        return share


def step_of(formula: str, values: str = "", step: int = 0, student=Graph) -> Step:
    state = State(formula, values, step)
    return compute(state, ask(state, student))


def words(scene: Scene, css: str) -> list[str]:
    svg = ElementTree.fromstring(scene.svg())
    return [element.text or "" for element in svg.iter(f"{SVG}text") if element.get("class") == css]


# ---- formulas ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("formula", "value"),
    [
        ("x + y", 5), ("x - y", -1), ("x * y", 6), ("y / x", 1.5), ("-x", -2), ("x ** 2", 4), ("max(x, y)", 3),
        ("exp(x)", np.exp(2)), ("sigmoid(x)", 1 / (1 + np.exp(-2))), ("1 / x", 0.5), ("6 / x", 3), ("x / 4", 0.5),
        ("5 - x", 3), ("x - 5", -3), ("5 + x", 7), ("3 * x", 6), ("2 * 3 * x", 12), ("(1 + 2) ** 2 + x", 11),
        ("q = x + y; q * q", 25), ("q = x + y\nr = q − 1\nf = q · r", 20), ("-3 * x + -(2 - 1)", -7),
    ],
)  # fmt: skip
def test_a_formula_is_read_as_it_is_written(formula: str, value: float) -> None:
    graph = parse(formula).build()
    given = {name: {"x": 2.0, "y": 3.0}[name] for name in graph.inputs}
    assert graph.forward(given) == pytest.approx(value, abs=1e-12)


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        ("", "there is no formula"), ("x +", "is no formula"), ("x", "needs a gate"), ("3", "needs a gate"),
        ("x % y", "is no part of a formula"), ("x ** 3", "only the square"), ("x ** y", "only the square"),
        ("max(x)", "max has 1 inputs; 2"), ("max(x, 3)", "of a number"), ("sin(x)", "is no part"),
        ("exp + x", "a function"),
        ("__import__('os').system('true')", "is no part"), ("x.real + y", "is no part"),
        ("(lambda: 0)()", "is no part"),
        ("[x][0] + x", "is no part"), ("x if y else x", "is no part"), ("import os", "neither"),
        ("x = y = z + 1", "neither"),
        ("True + x", "is no part"), ("1j * x", "is no part"), ("q = x + y; x * x", "q is never used"),
        ("q = x + y; q = x * y; q + x", "set twice"), ("x = x + y", "used before"), ("x / 0", "divides by 0"),
        ("x + " * 80 + "x", "characters"), ("+".join("x" * 40), "more than 24 gates"), ("x\0 + 1", "is no formula"),
        ("(" * 99 + "x" + ")" * 99 + "+1", "characters"), ("max(*x, y)", "is no part"), ("max(x, y=x)", "is no part"),
    ],
)  # fmt: skip
def test_what_is_no_formula_is_refused_in_words_and_never_run(formula: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse(formula)
    step = step_of(formula)
    assert message in step.problem and step.steps == 0
    assert "cannot be drawn" in backpropagation.draw(step).label


@pytest.mark.parametrize("text", ["x", "x =", "x = y", "x = 1e9", "x = nan", "= 3", "x == 2"])
def test_values_that_cannot_be_read_are_said(text: str) -> None:
    with pytest.raises(ValueError, match="gives no value; x = -2 would fit"):
        values_of(text, ("x",))


def test_a_name_without_a_value_is_1_and_a_value_without_a_name_is_left() -> None:
    assert values_of(" x = −2 ; z=7", ("x", "y")) == {"x": -2.0, "y": 1.0}


# ---- the lectures' numbers -----------------------------------------------------------------------------------------


def gradients(name: str) -> dict[str, float]:
    formula, values = GRAPHS[name]
    found = ask(State(formula, values), Graph).gradients
    return {key: round(found[key], 4) for key in parse(formula).inputs}


def test_the_lectures_three_graphs() -> None:
    assert gradients("(x + y)·z") == {"x": -4, "y": -4, "z": 3}
    assert gradients("sigmoid, gate by gate") == NEURON
    assert gradients("sigmoid, one gate") == NEURON
    assert gradients("(−x + 3)²") == {"x": 4}


def test_forwards_gate_by_gate_then_backwards() -> None:
    formula, values = GRAPHS["(x + y)·z"]
    steps = [step_of(formula, values, n) for n in range(6)]
    assert {step.steps for step in steps} == {5}
    assert [step.active for step in steps] == ["", "q", "f", "", "f", "q"]
    assert [step.backwards for step in steps] == [False] * 3 + [True] * 3
    known = [tuple("".join(sorted(names)) for names in step.known()) for step in steps]
    assert known == [
        ("xyz", ""), ("qxyz", ""), ("fqxyz", ""), ("fqxyz", "f"), ("fqxyz", "fqz"), ("fqxyz", "fqxyz"),
    ]  # fmt: skip
    assert step_of(formula, values, 99).at == 5


def test_a_branch_has_its_gradient_only_when_every_share_has_come() -> None:
    formula, values = GRAPHS["with a branch"]
    assert "x" not in step_of(formula, values, 4).known()[1]
    assert "x" in step_of(formula, values, 5).known()[1]


# ---- pictures ------------------------------------------------------------------------------------------------------


def all_steps() -> list[Step]:
    return [
        step_of(formula, values, step)
        for formula, values in GRAPHS.values()
        for step in range(2 * len(parse(formula).gates) + 2)
    ]


def test_every_step_shows_the_numbers_that_are_known_and_no_others() -> None:
    for step in all_steps():
        scene = backpropagation.draw(step)
        values, back = step.known()
        assert len(words(scene, "value")) == len(values)
        assert len(words(scene, "gradient")) == len(back)
        assert words(scene, "problem") == []
        assert scene.data["step"] == str(step.at)
        for item in scene.items:
            if isinstance(item, Text):
                assert 0 <= item.y <= scene.height
        for one, other in itertools.combinations([i for i in scene.items if isinstance(i, Text)], 2):
            if one.css in ("value", "gradient") and other.css in ("value", "gradient"):
                assert abs(one.x - other.x) > 30 or abs(one.y - other.y) > 15, "numbers do not cover each other"


def test_a_step_as_png() -> None:
    formula, values = GRAPHS["sigmoid, gate by gate"]
    png = matplotlib.image.imread(io.BytesIO(backpropagation.draw(step_of(formula, values, 12)).png(scale=1)))
    assert png.shape[:2] == (470, 900) and png.std() > 0.05


def test_the_label_says_what_the_picture_shows() -> None:
    label = backpropagation.draw(step_of(*GRAPHS["(x + y)·z"], step=4)).label
    assert "to z:  1 × 3 = 3" in label and "Gradients: q: −4, z: 3, f: 1." in label


def test_a_wrong_gradient_is_dashed_and_said() -> None:
    scene = backpropagation.draw(step_of(*GRAPHS["with a branch"], step=5, student=LastBranchWins))
    assert words(scene, "problem") == ["Your graph is not right (dashed): the gradient of x is 3, should be 4."]
    assert len([item for item in scene.items if getattr(item, "css", "") == "wrong"]) == 1


class Unwritten(Graph):
    def forward(self, inputs):
        raise NotImplementedError("ComputationalGraph")


class HalfWritten(Graph):
    def backward(self):
        raise NotImplementedError("ComputationalGraph")


class Broken(Graph):
    def backward(self):
        raise KeyError("<q> & more " * 40)


class NoDict(Graph):
    def backward(self):
        return [1.0]


class Forgetful(Graph):
    def backward(self):
        return {"f": 1.0}


@pytest.mark.parametrize(
    ("student", "message"),
    [
        (Unwritten, "Not written yet: ComputationalGraph"), (HalfWritten, "Not written yet"),
        (Broken, "backward raised"),
        (NoDict, "a list where a dict"), (Forgetful, "of x is ?, should be −4"), (lambda nodes: None, "AttributeError"),
    ],
)  # fmt: skip
def test_whatever_the_student_s_graph_does_is_said_in_the_picture(student, message: str) -> None:
    scene = backpropagation.draw(step_of(*GRAPHS["(x + y)·z"], step=5, student=student))
    assert message in " ".join(words(scene, "problem"))
    assert len(words(scene, "gradient")) == 5


def test_infinite_numbers_are_shown() -> None:
    scene = backpropagation.draw(step_of("exp(x * x) - exp(x)", "x = 1000", 99))
    assert "∞" in scene.label


# ---- the demo and the figures --------------------------------------------------------------------------------------


def test_the_demo_follows_its_controls() -> None:
    live = backpropagation.demo(Graph)
    (name,), (formula, values), (step,) = (row.children for row in live.widget.children[:3])
    assert live.scene.data["step"] == "4"
    step.value = 5
    assert live.scene.data["active"] == "q"
    name.value = "(−x + 3)²"
    assert (formula.value, values.value) == GRAPHS["(−x + 3)²"]
    assert live.scene.data == {"demo": "backpropagation", "step": "0", "steps": "7", "active": ""}
    formula.value, values.value = "max(x, y) * x", "x = 2, y = 5"
    step.value = 5
    assert "x: 5" in live.scene.label
    formula.value = "x +"
    assert "cannot be drawn" in live.scene.label


def test_a_still_figure_shows_the_inputs_alone_or_everything() -> None:
    def texts(**how: bool) -> list[str]:
        figure = backpropagation.figure(*GRAPHS["(x + y)·z"], **how)
        return [text.get_text() for text in figure.axes[0].texts]

    assert "−12" not in texts(forwards=False) and {"−2", "5", "−4"} <= set(texts(forwards=False))
    assert "−12" in texts() and texts().count("−4") == 1
    assert texts(backwards=True).count("−4") == 4


def test_a_decision_is_drawn_with_its_border_and_both_classes() -> None:
    figure = decision(lambda x: 1 / (1 + np.exp(-x[:, 0])), [[-1, 0], [1, 1], [2, 0]], [0, 1, 1])
    lines = figure.axes[0].lines
    assert [len(line.get_xdata()) for line in lines] == [1, 2]
    assert lines[0].get_marker() != lines[1].get_marker()
    assert len(figure.axes[0].collections) == 2, "areas and the border"
    flat = decision(lambda x: np.full(len(x), 0.2), [[0, 0], [1, 1]], [0, 1])
    assert len(flat.axes[0].collections) == 1, "no border where there is none"
