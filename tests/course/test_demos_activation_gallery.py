"""The gallery of activations: what it shows of right functions, and of whatever else it is given."""

import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from course import ops
from course.demos import activation_gallery
from course.demos.activation_gallery import FLAT, PANEL, TALL, State, draw
from course.demos.activation_gallery_steps import REACH, RIGHT, STEPS, X, ask
from course.demos.scene import Curve, Rect

SVG = "{http://www.w3.org/2000/svg}"
STATES = [State(), State(0, 1), State(-60, 30), State(60, 3), State(-30, 10)]


def parsed(state: State, functions=RIGHT) -> ElementTree.Element:
    return ElementTree.fromstring(draw(state, ask(functions)).svg())


def words(svg: ElementTree.Element, css: str) -> list[str]:
    return [element.text or "" for element in svg.iter(f"{SVG}text") if element.get("class") == css]


@pytest.mark.parametrize("state", STATES, ids=str)
def test_the_picture_tells_its_state_and_no_text_leaves_it(state: State, legible) -> None:
    curves, svg = ask(RIGHT), parsed(state)
    scene = draw(state, curves)
    assert svg.get("role") == "img" and svg.get("aria-label") == scene.label
    assert (svg.get("data-x"), svg.get("data-layers")) == (str(state.x), str(state.layers))
    for name, text in zip(RIGHT, words(svg, "words"), strict=True):
        forward, backward = RIGHT[name]
        if name == "maxout":  # of x and −x
            y, slope = abs(state.x) / STEPS, 1.0 if state.x >= 0 else -1.0
        else:
            y, cache = forward(np.array([state.x / STEPS]))
            y, slope = float(y[0]), float(backward(np.ones(1), cache)[0])
        said, sloped = (part.split(" ")[-1].replace("−", "-") for part in text.split(", "))
        if "⁻" not in text:
            assert (float(said), float(sloped)) == (pytest.approx(y, rel=1e-2), pytest.approx(slope, rel=1e-2))
        assert f"{name}: y" in scene.label
    legible(scene.figure())


def test_what_many_layers_leave_is_the_power_of_the_slope() -> None:
    sigmoid, _, relu, leaky, *_ = words(parsed(State(0, 4)), "left")
    assert sigmoid == "4 layers: 0.00391" and relu == "4 layers: 0" and leaky == "4 layers: 1.0·10⁻⁴"
    assert words(parsed(State(10, 30)), "left")[2] == "30 layers: 1"
    assert words(parsed(State(-10, 1)), "left")[3] == "1 layer: 0.1"
    assert words(parsed(State(-30, 10)), "left")[0] == "10 layers: 3.5·10⁻¹⁴"


def test_grey_is_where_the_slope_is_small() -> None:
    for name, pair in RIGHT.items():
        if name == "maxout":
            continue
        svg = parsed(State(), {name: pair})
        bands = [rect for rect in svg.iter(f"{SVG}rect") if rect.get("class") == "saturated"]
        share = sum(float(band.get("width", 0)) for band in bands) / PANEL
        _, cache = pair[0](X)
        flat = np.mean(np.abs(pair[1](np.ones_like(X), cache)) < FLAT)
        assert share == pytest.approx(flat, abs=0.02), name
    assert len(bands) == 2, "Swish has a dip with a level bottom, and is flat far to the left"


def test_curves_stay_in_their_panels() -> None:
    for steep in (9, 1e300):
        scene = draw(State(), ask({"steep": (lambda x, k=steep: (k * x, ()), lambda dy, cache, k=steep: k * dy)}))
        curves = {item.css: item.pieces for item in scene.items if isinstance(item, Curve)}
        (frame,) = (item for item in scene.items if isinstance(item, Rect) and item.height == TALL)
        (piece,) = curves["y"]
        assert (piece[:, 1].max(), piece[:, 1].min()) == pytest.approx((frame.y + TALL, frame.y))
        assert np.all(np.diff(piece[:, 1]) < 0) and np.all(np.diff(piece[:, 0]) >= 0)
        assert curves["slope"] == [], "it lies above the panel"


def stub(*_):
    raise NotImplementedError("f")


def broken(x):
    raise IndexError("index 5 is out of bounds for <axis> " + "on and on " * 40)


MISBEHAVIOUR = {
    "unwritten": ((stub, stub), "not written yet"),
    "raises": ((broken, stub), "IndexError: index 5 is out of"),
    "nothing": ((lambda x: None, stub), "returned a NoneType"),
    "a shape": ((lambda x: (x[:3], ()), stub), "returned shape (3,), float64"),
    "whole numbers": ((lambda x: x.astype(int), stub), "returned shape (121,), int64"),
    "nan": ((lambda x: (x * np.nan, ()), stub), "not finite"),
    "backward unwritten": ((ops.tanh, stub), "backward: not written yet"),
    "backward raises": ((ops.tanh, lambda dy: dy), "backward: TypeError"),
    "changes x": ((lambda x: (np.multiply(x, 0, out=x), ()), lambda dy, cache: dy), ""),
}


@pytest.mark.parametrize("name", MISBEHAVIOUR)
def test_what_a_function_does_wrong_is_said_in_its_panel(name: str, legible) -> None:
    pair, message = MISBEHAVIOUR[name]
    functions = {"mine": pair, "tanh": RIGHT["tanh"]}
    curves = ask(functions)
    assert message in curves["mine"].problem
    svg, scene = parsed(State(), functions), draw(State(), curves)
    assert (curves["mine"].problem in scene.label) and message[:24] in " ".join(words(svg, "problem"))
    assert curves["tanh"].problem == "" and X[0] == -REACH
    legible(scene.figure())


def test_a_function_without_a_cache_is_enough() -> None:
    curves = ask({"sine": (np.sin, lambda dy, cache: dy * np.cos(X))})
    np.testing.assert_array_equal(curves["sine"].y, np.sin(X))
    assert curves["sine"].problem == ""


def test_the_picture_follows_the_controls() -> None:
    calls = []

    def counted(x):
        calls.append(x)
        return ops.tanh(x)

    live = activation_gallery.demo({"tanh": (counted, ops.tanh_backward)})
    control = {c.description: c for row in live.widget.children[:-1] for c in row.children}
    assert {name: type(c).__name__ for name, c in control.items()} == {"x": "IntSlider", "layers": "IntSlider"}
    html = live.widget.children[-1]
    assert 'data-x="-20"' in html.value
    control["x"].value = -19
    assert 'data-x="-19"' in html.value
    control["layers"].value = 3
    assert 'data-layers="3"' in html.value and "3 layers" in html.value
    assert len(calls) == 1, "moving a slider asks nobody again"


def test_right_functions_are_not_blamed() -> None:
    assert all(found.wrong == () for found in ask(RIGHT).values())
    np.testing.assert_array_equal(ask(RIGHT)["maxout"].y, np.abs(X))
    assert ask({"mine": (np.abs, np.copysign)})["mine"].wrong == (), "no name, no judgement"


WRONG = {
    "y": ((lambda x: (np.abs(x), (np.maximum(x, 0),)), ops.relu_backward), "y wrong"),
    "slope": ((ops.relu, lambda dy, cache: dy), "slope wrong"),
    "both": ((ops.tanh, ops.tanh_backward), "y, slope wrong"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_function_is_told_from_a_right_one(name: str, legible) -> None:
    pair, message = WRONG[name]
    functions = {"leaky ReLU": pair, "ReLU": pair}  # the longest name is the narrowest place
    svg, scene = parsed(State(), functions), draw(State(), ask(functions))
    assert words(svg, "wrong")[-1] == message and scene.label.count(f"({message})") >= 1
    frames = [rect for rect in svg.iter(f"{SVG}rect") if rect.get("class") == "wrong-panel"]
    assert len(frames) == len(words(svg, "wrong")) >= 1
    legible(scene.figure())


def test_a_wrong_maxout_is_told_too() -> None:
    def smallest(x, w, b):
        y, (_, _, winner) = ops.maxout(x, -w, b)
        return -y, (x, w, winner)

    assert ask({"maxout": (smallest, ops.maxout_backward)})["maxout"].wrong == ("y", "slope")
    assert "returned shape" in ask({"maxout": (lambda x, w, b: x[:5], ops.maxout_backward)})["maxout"].problem
