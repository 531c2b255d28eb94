"""The computational graph gives the lecture's numbers, adds at branches, and draws what it knows."""

from io import BytesIO

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.patches import Circle, PathPatch

from course.gradcheck import check_gradients
from course.graph import (
    Add,
    ComputationalGraph,
    Exp,
    Gate,
    Input,
    Lifted,
    Max,
    Multiply,
    Power,
    Reciprocal,
    Scale,
    Shift,
    Sigmoid,
    apply,
)
from course.graph.drawing import GRADIENT, VALUE, draw


@pytest.fixture
def rng():
    return np.random.default_rng(0)


# ---- the lecture's three graphs --------------------------------------------------------------------------------


def test_a_simple_example():
    """HLCV, "A Simple Example": f = (x + y)·z at (−2, 5, −4)."""
    x, y, z = Input("x"), Input("y"), Input("z")
    q = x + y
    graph = ComputationalGraph(q * z)
    assert graph.forward({"x": -2, "y": 5, "z": -4}) == -12
    assert q.value == 3
    assert graph.backward() == {"x": -4, "y": -4, "z": 3}
    assert q.gradient == -4 and q.input_gradients == (-4, -4)


def sigmoid_circuit(last):
    w0, x0, w1, x1, w2 = map(Input, ["w0", "x0", "w1", "x1", "w2"])
    graph = ComputationalGraph(last(w0 * x0 + w1 * x1 + w2))
    graph.forward({"w0": 2, "x0": -1, "w1": -3, "x1": -2, "w2": -3})
    return graph


def test_sigmoid_circuit_gate_by_gate():
    """HLCV, "Backpropagation, another example": every edge, to the two decimals of the slide."""
    graph = sigmoid_circuit(lambda s: apply(Reciprocal(), apply(Exp(), -s) + 1))
    graph.backward()
    values = [2, -1, -2, -3, -2, 6, 4, -3, 1, -1, 0.37, 1.37, 0.73]
    gradients = [-0.20, 0.39, 0.20, -0.39, -0.59, 0.20, 0.20, 0.20, 0.20, -0.20, -0.53, -0.53, 1.00]
    assert [round(node.value, 2) for node in graph.nodes] == values
    assert [round(node.gradient, 2) for node in graph.nodes] == gradients


def test_sigmoid_circuit_is_the_same_with_one_gate():
    gradients = {"w0": -0.1966, "x0": 0.3932, "w1": -0.3932, "x1": -0.5898, "w2": 0.1966}
    for last in (lambda s: apply(Reciprocal(), apply(Exp(), -s) + 1), lambda s: apply(Sigmoid(), s)):
        graph = sigmoid_circuit(last)
        assert round(graph.output.value, 4) == 0.7311
        assert {name: round(dx, 4) for name, dx in graph.backward().items()} == gradients


def test_square_of_three_minus_x():
    """EECS 442, "Previously – Backpropagation": f = (−x + 3)², f' = −2·(−x + 3)."""
    x = Input("x")
    for f in ((-x + 3) ** 2, (3 - x) ** 2, (-x + 3) * (-x + 3)):
        graph = ComputationalGraph(f)
        assert graph.forward({"x": 1}) == 4
        assert graph.backward() == {"x": -4}


# ---- patterns of the backward flow -----------------------------------------------------------------------------


def test_gradients_add_at_branches():
    x = Input("x")
    graph = ComputationalGraph(x * x + x)
    assert graph.forward({"x": 3}) == 12
    assert graph.backward() == {"x": 7}  # 2x + 1; an "=" in place of "+=" gives 1 or 3
    assert graph.backward() == {"x": 7}, "a second backward starts from zero"


def test_max_routes_and_a_tie_goes_to_the_first():
    gate = Max()
    gate.forward(np.array([2.0, -1.0, 5.0]), np.array([-1.0, 3.0, 5.0]))
    first, second = gate.backward(np.array([10.0, 20.0, 30.0]))
    assert first.tolist() == [10, 0, 30] and second.tolist() == [0, 20, 0]


def test_a_chain_of_100_000_gates():
    x = Input("x")
    node = x
    for _ in range(50_000):
        node = -(node + 1)
    graph = ComputationalGraph(node)
    assert len(graph.nodes) == 100_001
    assert graph.forward({"x": 5}) == 5  # −(x + 1), twice, is x
    assert graph.backward() == {"x": 1}


def test_nodes_come_after_their_inputs():
    x, y = Input("x"), Input("y")
    a = x * y
    b = apply(Max(), a, x)
    graph = ComputationalGraph((a + b) * (b + y))
    place = {id(node): i for i, node in enumerate(graph.nodes)}
    assert len(place) == len(graph.nodes) == 7
    assert all(place[id(before)] < place[id(node)] for node in graph.nodes for before in node.inputs)
    assert graph.nodes[-1] is graph.output


def test_one_gate_in_two_places_remembers_both():
    x, y, z = Input("x"), Input("y"), Input("z")
    multiply = Multiply()
    graph = ComputationalGraph(apply(multiply, apply(multiply, x, y), z))
    assert graph.forward({"x": 2, "y": 3, "z": 5}) == 30
    assert graph.backward() == {"x": 15, "y": 10, "z": 6}


# ---- every gate's gradient -------------------------------------------------------------------------------------


def away_from(kink, x):
    return x + kink + np.sign(x)


@pytest.mark.parametrize(
    ("gate", "inputs"),
    [
        (Add(), 2), (Multiply(), 2), (Max(), 2), (Sigmoid(), 1), (Exp(), 1), (Reciprocal(), 1), (Scale(-2.5), 1),
        (Shift(0.7), 1), (Power(3), 1), (Power(-2), 1),
    ],
    ids=lambda value: value.symbol if isinstance(value, Gate) else "",
)  # fmt: skip
def test_gradient_of_every_gate(gate, inputs, rng):
    arrays = [away_from(0, rng.standard_normal((3, 2))) for _ in range(inputs)]
    if inputs == 2:
        arrays[1] += np.sign(arrays[1] - arrays[0]) * 0.1  # no ties
    errors = check_gradients(
        lambda *x: (gate.forward(*x), ()),
        lambda dz, _: gate.backward(dz),
        *arrays,
        rng=rng,
    )
    assert len(errors) == inputs


def test_sigmoid_gate_does_not_overflow():
    with np.errstate(all="raise"):
        assert Sigmoid().forward(np.array([-1000.0, 0.0, 1000.0])).tolist() == [0, 0.5, 1]
        assert Exp().forward(np.array([-1000.0, 0.0])).tolist() == [0, 1]


def pair(x, w, *, power):
    return (x * w) ** power, (x, w, power)


def pair_backward(dy, cache):
    x, w, power = cache
    local = power * (x * w) ** (power - 1)
    return dy * local * w, dy * local * x


def test_a_lifted_pair_is_a_gate(rng):
    x, w = rng.standard_normal((2, 3, 4))
    graph = ComputationalGraph(apply(Lifted(pair, pair_backward, power=2), Input("x"), Input("w")) * Input("v"))
    v = rng.standard_normal((3, 4))

    def forward(x, w, v):
        return graph.forward({"x": x, "w": w, "v": v}), ()

    def backward(dy, _):
        gradients = graph.backward(dy)
        return gradients["x"], gradients["w"], gradients["v"]

    assert max(check_gradients(forward, backward, x, w, v, rng=rng).values()) < 1e-6


def test_a_lifted_loss_gives_no_gradient_to_the_labels():
    def loss(scores, labels):
        return float(((scores - labels) ** 2).sum()), 2 * (scores - labels)

    graph = ComputationalGraph(apply(Lifted(loss, None), Input("scores") * Input("a"), Input("labels")))
    inputs = {"scores": np.array([1.0, 2.0]), "a": np.array([1.0, 3.0]), "labels": np.array([0, 5])}
    assert graph.forward(inputs) == 2
    gradients = graph.backward()
    assert gradients.keys() == {"scores", "a"}
    assert gradients["scores"].tolist() == [2, 6] and gradients["a"].tolist() == [2, 4]


def test_a_gate_of_ones_own():
    class Cube(Gate):
        symbol = "x³"

        def forward(self, x):
            self.x = x
            return x**3

        def backward(self, dz):
            return [dz * 3 * self.x**2]  # the lecture's gates give a list

    graph = ComputationalGraph(apply(Cube(), Input("x")))
    assert graph.forward({"x": 2}) == 8 and graph.backward() == {"x": 12}


# ---- bad input -------------------------------------------------------------------------------------------------


def test_mistakes_are_named():
    x, y = Input("x"), Input("y")
    graph = ComputationalGraph(x + y)
    with pytest.raises(RuntimeError, match="call forward first"):
        graph.backward()
    with pytest.raises(ValueError, match=r"values for \['x'\]; \['x', 'y'\] would fit"):
        graph.forward({"x": 1})
    with pytest.raises(ValueError, match=r"add meets x of shape \(2,\) and y of shape \(3,\)"):
        graph.forward({"x": np.ones(2), "y": np.ones(3)})
    graph.forward({"x": np.ones(2), "y": np.ones(2)})
    with pytest.raises(ValueError, match=r"upstream has shape \(\); \(2,\) would fit"):
        graph.backward()
    with pytest.raises(ValueError, match="two inputs are called 'x'"):
        ComputationalGraph(x + Input("x"))
    with pytest.raises(TypeError, match=r"a gate's input is 3; a Node would fit"):
        apply(Add(), x, 3)
    with pytest.raises(ValueError, match="name='' does not name an input"):
        Input("")


X, Y = Input("x"), Input("y")


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: X + None, TypeError, "a gate's constant is None; a number would fit"),
        (lambda: X - "1", TypeError, "a gate's constant is '1'; a number would fit"),
        (lambda: X / None, TypeError, "a gate's constant is None; a number would fit"),
        (lambda: X * np.ones(2), TypeError, r"a gate's constant is array\(\[1., 1.\]\); a number would fit"),
        (lambda: np.ones(2) * X, TypeError, r"a gate's constant is array\(\[1., 1.\]\); a number would fit"),
        (lambda: np.ones(2) / X, TypeError, r"a gate's constant is array"),
        (lambda: X**Y, TypeError, "a gate's constant is y: value None, gradient None; a number would fit"),
        (lambda: X * np.nan, ValueError, "a gate's constant is nan; a finite number would fit"),
        (lambda: apply(Add, X, Y), TypeError, r"gate is <class '.*Add'>; a gate would fit, such as Max\(\)"),
        (lambda: apply(None, X), TypeError, "gate is None; a gate would fit"),
        (lambda: ComputationalGraph(3), TypeError, r"output is 3; a Node would fit, such as Input\('x'\) \+ 1"),
    ],
)
def test_what_no_graph_is_made_of(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize("value", [[1, 2], "3", None, 1j, np.array(["a"]), np.array([None])])
def test_what_is_no_value(value):
    graph = ComputationalGraph(X + Y)
    with pytest.raises(TypeError, match=r"y is .*; a number or an array of numbers would fit"):
        graph.forward({"x": 1.0, "y": value})
    graph.forward({"x": np.ones(2), "y": np.ones(2)})
    with pytest.raises(TypeError, match=r"upstream is \[1, 1\]; a number or an array of numbers would fit"):
        graph.backward([1, 1])


@pytest.mark.parametrize(
    ("f", "x", "message"),
    [
        (X**0.5, -1, "x⁰˙⁵ meets -1; 0 or more would fit"),
        (X**0.5, np.array([4.0, -2.0]), "x⁰˙⁵ meets -2; 0 or more would fit"),
        (X**0.5, 0, "x⁰˙⁵ meets 0; for a slope anything but 0 would fit"),
        (X**-2, 0, "x⁻² meets 0; anything but 0 would fit"),
        (1 / X, 0, "1/x meets 0; anything but 0 would fit"),
        (X / Y, np.array([1.0, 0.0]), "1/x meets 0; anything but 0 would fit"),
    ],
)
def test_where_a_gate_has_no_value_or_no_slope(f, x, message):
    graph = ComputationalGraph(f)
    with pytest.raises(ValueError, match=message):
        graph.forward(dict.fromkeys(graph.inputs, x))
        graph.backward()


def test_a_constant_has_no_slope_anywhere():
    graph = ComputationalGraph(X**0)
    for x in (0, -2, np.array([0.0, 3.0])):
        assert np.all(graph.forward({"x": x}) == 1)
        assert np.all(graph.backward(np.ones_like(x, float))["x"] == 0)


def test_quotients():
    graph = ComputationalGraph(X / Y + 6 / X - X / 4)
    assert graph.forward({"x": 2, "y": 4}) == 0.5 + 3 - 0.5
    assert graph.backward() == {"x": 1 / 4 - 6 / 4 - 1 / 4, "y": -2 / 16}
    assert [node.gate.symbol for node in ComputationalGraph(1 / X).nodes[1:]] == ["1/x"]
    assert ComputationalGraph(np.float64(3) * X).forward({"x": np.float32(2)}) == 6


def test_inputs_are_not_changed():
    x = np.array([1.0, -2.0])
    x.flags.writeable = False
    graph = ComputationalGraph(Input("x") ** 2)
    graph.forward({"x": x})
    upstream = np.ones(2)
    upstream.flags.writeable = False
    graph.backward(upstream)
    assert x.tolist() == [1, -2]


# ---- the picture -----------------------------------------------------------------------------------------------


def texts(figure, color):
    return [text.get_text() for text in figure.axes[0].texts if text.get_color() == color]


def test_the_picture_shows_values_and_gradients_in_different_places():
    graph = sigmoid_circuit(lambda s: apply(Sigmoid(), s))
    graph.backward()
    figure = draw(graph)
    assert texts(figure, VALUE) == ["2", "−1", "−2", "−3", "−2", "6", "4", "−3", "1", "0.73", "value"]
    assert texts(figure, GRADIENT)[-2:] == ["1", "gradient"] and len(texts(figure, GRADIENT)) == 11
    assert all(text.get_style() == "italic" for text in figure.axes[0].texts if text.get_color() == GRADIENT)


def test_the_picture_can_stop_half_way():
    graph = sigmoid_circuit(lambda s: apply(Sigmoid(), s))
    graph.backward()
    figure = draw(graph, values=3, gradients=1)
    assert texts(figure, VALUE) == ["2", "−1", "−2", "value"]
    assert texts(figure, GRADIENT) == ["1", "gradient"]


def test_branches_show_what_each_of_them_brings():
    x = Input("x")
    graph = ComputationalGraph(x * x + x)
    graph.forward({"x": 3})
    graph.backward()
    assert texts(draw(graph), GRADIENT) == ["7", "3", "3", "1", "1", "1", "gradient"]


@pytest.mark.parametrize(("x", "y"), [(1.5, -4567.89), (-1.3e10, 1.3e-10), (2, 3)])
def test_a_share_is_no_longer_than_its_wire(x, y):
    a, b = Input("a"), Input("b")
    graph = ComputationalGraph(a * b + a * 1234.5)
    graph.forward({"a": x, "b": y})
    graph.backward()
    figure = draw(graph)
    renderer = FigureCanvasAgg(figure).get_renderer()
    (axes,) = figure.axes
    gates = [gate.get_window_extent(renderer) for gate in axes.patches if isinstance(gate, Circle)]
    shares = [text.get_window_extent(renderer) for text in axes.texts if text.get_bbox_patch() is not None]
    assert len(shares) == 2
    assert not any(share.overlaps(gate) for share in shares for gate in gates)


def test_the_picture_shows_what_is_not_finite():
    graph = ComputationalGraph(X * Y)
    graph.forward({"x": np.inf, "y": np.nan})
    graph.backward(-np.inf)
    assert texts(draw(graph), VALUE) == ["∞", "nan", "nan", "value"]
    assert texts(draw(graph), GRADIENT) == ["nan", "−∞", "−∞", "gradient"]


@pytest.mark.parametrize("scale", [1, -0.2, 1e-7, -12345.678])
def test_no_wire_runs_through_a_number(scale):
    x, w, b = Input("x"), Input("w"), Input("b")
    graph = ComputationalGraph((x * w + b) * b)
    graph.forward({"x": -3 * scale, "w": 1.5, "b": -0.39})
    graph.backward()
    figure = draw(graph)
    renderer = FigureCanvasAgg(figure).get_renderer()
    (axes,) = figure.axes
    wires = [
        wire.get_transform().transform_path(wire.get_path()) for wire in axes.patches if isinstance(wire, PathPatch)
    ]
    numbers = [text for text in axes.texts if text.get_color() in (VALUE, GRADIENT) and text.get_bbox_patch() is None]
    assert len(wires) == 6 and len(numbers) == 2 + 2 * 6
    for number in numbers:
        frame = number.get_window_extent(renderer)
        assert not any(wire.intersects_bbox(frame, filled=False) for wire in wires), number.get_text()


@pytest.mark.parametrize("last", [lambda s: apply(Reciprocal(), apply(Exp(), -s) + 1), lambda s: s])
def test_nothing_is_clipped_or_overlaps(last):
    graph = sigmoid_circuit(last)
    graph.backward()
    figure = graph.figure()
    figure.savefig(BytesIO())
    boxes = [text.get_window_extent() for text in figure.axes[0].texts if text.get_text()]
    assert all(box.x0 >= 0 and box.y0 >= 0 and box.x1 <= figure.bbox.x1 and box.y1 <= figure.bbox.y1 for box in boxes)
    assert not [
        (a, b) for i, a in enumerate(boxes) for b in boxes[:i] if a.shrunk(0.9, 0.7).overlaps(b.shrunk(0.9, 0.7))
    ]


@pytest.mark.parametrize("part", [Add, Exp, Lifted, Max, Multiply, Power, Reciprocal, Scale, Shift, Sigmoid, apply])
def test_every_gate_names_its_source_and_shows_an_example(part):
    assert "Source: " in part.__doc__ and ">>> " in part.__doc__
