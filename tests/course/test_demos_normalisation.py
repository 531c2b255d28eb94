"""Activations through depth: the two networks, their picture, and whatever a student's function may do to it."""

import itertools
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from course import ops
from course.demos import normalisation
from course.demos.normalisation import BARS, LAYERS, State, Step, compute, draw

SVG = "{http://www.w3.org/2000/svg}"
STATES = [State(), State(1), State(50), State(5, "ReLU"), State(50, "ReLU"), State(14, "ReLU")]


def right(x, gamma, beta, running, *, training):
    return ops.batch_norm(x, gamma, beta, ops.RunningStatistics(running["mean"], running["var"]), training=training)


def parsed(step: Step) -> ElementTree.Element:
    return ElementTree.fromstring(draw(step).svg())


def words(svg: ElementTree.Element, css: str) -> list[str]:
    return [element.text or "" for element in svg.iter(f"{SVG}text") if element.get("class") == css]


def test_without_normalisation_small_weights_let_the_numbers_die_out_and_large_ones_saturate() -> None:
    spreads = compute(State(1), right).spreads("without")
    assert all(0.05 < after / before < 0.15 for before, after in itertools.pairwise(spreads)), "0.01·√100 a layer"
    assert np.mean(np.abs(compute(State(50), right).outputs["without"][-1]) > 0.9) > 0.7
    assert compute(State(50, "ReLU"), right).spreads("without")[-1] > 1000


@pytest.mark.parametrize("activation", ["tanh", "ReLU"])
def test_with_normalisation_the_scale_does_not_matter(activation: str) -> None:
    for small, large in zip(
        compute(State(3, activation), right).outputs["with"], compute(State(50, activation), right).outputs["with"],
        strict=True,
    ):  # fmt: skip
        np.testing.assert_allclose(small, large, atol=1e-2)
        assert 0.5 < large.std() < 0.7


def test_he_s_scale_keeps_relu_alive() -> None:
    spreads = compute(State(14, "ReLU"), right).spreads("without")
    assert 0.5 < spreads[-1] / spreads[0] < 1.5


@pytest.mark.parametrize("state", STATES, ids=str)
def test_the_picture_tells_its_state_and_no_text_leaves_it(state: State, legible) -> None:
    step = compute(state, right)
    svg, scene = parsed(step), draw(step)
    assert svg.get("role") == "img" and svg.get("aria-label") == scene.label
    assert (svg.get("data-scale"), svg.get("data-activation")) == (str(state.scale), state.activation)
    for name in ("without", "with"):
        stds = words(svg, f"std-{name}")
        assert len(stds) == LAYERS
        for text, spread in zip(stds, step.spreads(name), strict=True):
            assert float(text.removeprefix("std ").replace("−", "-")) == pytest.approx(spread, rel=0.5)
            assert text.removeprefix("std ") in scene.label
        bars = [rect for rect in svg.iter(f"{SVG}rect") if rect.get("class") == f"bar-{name}"]
        assert LAYERS <= len(bars) <= LAYERS * BARS
        assert all(0 < float(bar.get("height", 0)) <= normalisation.TALL for bar in bars)
    legible(draw(step).figure())


def test_growing_deviations_are_written_in_one_way() -> None:
    svg = parsed(compute(State(35, "ReLU"), right))
    assert words(svg, "std-without") == [f"std {text}" for text in ("2.05", "5.32", "13.5", "32.2", "67.7", "148")]


def stub(x, gamma, beta, running, *, training):
    raise NotImplementedError("batch_norm")


def broken(x, gamma, beta, running, *, training):
    raise IndexError("index 5 is out of bounds for <axis> " + "on and on " * 40)


MISBEHAVIOUR = {
    "unwritten": (stub, "Your batch_norm is not written yet."),
    "raises": (broken, "Your batch_norm raised IndexError: index 5"),
    "no keywords": (lambda x, gamma, beta, running: x, "Your batch_norm raised TypeError"),
    "nothing": (lambda *_, training: None, "returned a NoneType"),
    "a shape": (lambda x, *_, training: (x.T, None), "returned shape (100, 200), float64; (200, 100), float64 would"),
    "whole numbers": (lambda x, *_, training: x.astype(int), "returned shape (200, 100), int64"),
    "nan": (lambda x, *_, training: x * np.nan, "returned numbers that are not finite"),
}


@pytest.mark.parametrize("name", MISBEHAVIOUR)
def test_what_a_function_does_wrong_is_said_in_the_picture(name: str, legible) -> None:
    function, message = MISBEHAVIOUR[name]
    step = compute(State(), function)
    svg = parsed(step)
    assert message in step.problem and message in draw(step).label
    assert message[:40] in " ".join(words(svg, "problem"))
    assert len(words(svg, "std-without")) == LAYERS and words(svg, "std-with") == []
    legible(draw(step).figure())


def test_what_lies_beyond_the_axis_is_counted_in_its_last_bar() -> None:
    svg = parsed(compute(State(50, "ReLU"), right))
    bars = [rect for rect in svg.iter(f"{SVG}rect") if rect.get("class") == "bar-without"]
    right_edge = normalisation.LEFT + 5 * normalisation.ROOM + normalisation.PANEL
    ends = [float(bar.get("x", 0)) + float(bar.get("width", 0)) for bar in bars]
    assert max(ends) == pytest.approx(right_edge, abs=0.01)
    last = bars[int(np.argmax(ends))]
    assert float(last.get("height", 0)) == max(float(bar.get("height", 0)) for bar in bars), "almost all is beyond 3"


def test_the_picture_follows_the_controls() -> None:
    live = normalisation.demo(right)
    control = {c.description: c for row in live.widget.children[:-1] for c in row.children}
    assert {name: type(c).__name__ for name, c in control.items()} == {
        "scale": "IntSlider", "activation": "ToggleButtons"
    }  # fmt: skip
    html = live.widget.children[-1]
    assert 'data-scale="5"' in html.value
    before = html.value
    control["scale"].value = 6
    assert 'data-scale="6"' in html.value and html.value != before
    control["activation"].value = "ReLU"
    assert 'data-activation="ReLU"' in html.value
