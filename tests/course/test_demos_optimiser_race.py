"""The optimiser race: who gets where, its picture, its controls, and whatever a student's rules may do to it."""

import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from course import gradcheck, optim
from course.demos import optimiser_race
from course.demos.optimiser_race import STEPS, SURFACES, Race, State, compute
from course.demos.optimiser_race_scene import CHART, MAP, draw
from course.plots.gradient_descent import LOOKS

SVG = "{http://www.w3.org/2000/svg}"
RULES = {name: getattr(optim, name) for name in LOOKS}
STATES = {
    "as it opens": State(),
    "before the first step": State(steps=0),
    "sgd diverges": State(rate=0.11, steps=STEPS),
    "all but one diverge": State(rate=3.0, alpha=0.99, steps=STEPS),
    "saddle": State("saddle", (-2.5, 0.1), 0.1, steps=STEPS),
    "on the ridge": State("saddle", (-2.5, 0.0), 0.1, steps=STEPS),
    "noise": State("noise", (-2.5, 1.2), 0.1, steps=STEPS),
    "from a corner": State("noise", (3.0, -2.0), 0.3, steps=7),
}


def parsed(race: Race) -> ElementTree.Element:
    return ElementTree.fromstring(draw(race).svg())


def words(svg: ElementTree.Element, css: str) -> list[str]:
    return [element.text or "" for element in svg.iter(f"{SVG}text") if element.get("class") == css]


def points(svg: ElementTree.Element, css: str) -> np.ndarray:
    found = [element.get("d", "") for element in svg.iter(f"{SVG}path") if element.get("class") == css]
    return np.array([[float(v) for v in pair.split(",")] for d in found for pair in re.split("[MLZ]+", d) if pair])


@pytest.mark.parametrize("name", SURFACES)
def test_the_gradient_is_that_of_the_loss_and_the_minima_are_minima(name: str) -> None:
    surface = SURFACES[name]
    for w in np.random.default_rng(0).uniform(-2, 2, (5, 2)):
        slope = gradcheck.numerical_gradient(lambda w: float(surface.loss(w)), w)
        np.testing.assert_allclose(surface.gradient(w), slope, rtol=1e-6, atol=1e-6)
    for minimum in surface.minima:
        assert surface.loss(np.array(minimum)) == 0 and not surface.gradient(np.array(minimum)).any()


def test_sgd_diverges_in_the_ravine_exactly_beyond_two_over_the_largest_curvature() -> None:
    losses = {rate: compute(State(rate=rate, steps=STEPS), RULES).runs["sgd"].losses for rate in (0.099, 0.101)}
    assert np.all(np.diff(losses[0.099]) < 0)
    assert losses[0.101][-1] > losses[0.101][-10] > 0.1
    assert compute(STATES["sgd diverges"], RULES).runs["sgd"].is_gone


def test_the_saddle_holds_what_comes_along_its_ridge_and_only_that() -> None:
    stuck = compute(STATES["on the ridge"], RULES).runs
    assert all(np.all(run.path[:, 1] == 0) for run in stuck.values())
    free = compute(State("saddle", (-2.5, 0.1), 0.1, steps=10), RULES).runs
    assert all(abs(free[name].path[-1, 1]) > 0.7 for name in ("rmsprop", "adam")), "a step of ε, however flat it is"
    assert abs(free["sgd"].path[-1, 1]) < 0.3


def test_all_rules_meet_the_same_noise() -> None:
    one, other = (compute(STATES["noise"], {name: optim.sgd}).runs[name] for name in ("sgd", "adam"))
    assert np.array_equal(one.path, other.path)
    noise = -np.diff(one.path, axis=0) / STATES["noise"].rate - one.path[:-1]  # what was added to the gradient w
    assert noise.std() == pytest.approx(1, rel=0.15)


@pytest.mark.parametrize("name", STATES)
def test_the_picture_tells_its_state_and_no_text_leaves_it(name: str, legible) -> None:
    state = STATES[name]
    race = compute(state, RULES)
    svg, scene = parsed(race), draw(race)
    assert svg.get("role") == "img" and svg.get("aria-label") == scene.label
    assert (svg.get("data-surface"), svg.get("data-steps")) == (state.surface, str(state.steps))
    assert sorted(words(svg, "name")) == sorted(LOOKS)
    for rule, run in race.runs.items():
        (standing,) = words(svg, f"standing-{rule}")
        assert f"{rule} {standing}" in scene.label
        assert (standing == "diverged") == run.is_gone == (np.abs(run.path[-1]).max() > 1e6)
        if not run.is_gone:
            assert float(standing.removeprefix("L = ").replace("−", "-")) == pytest.approx(run.losses[-1], rel=0.05)
        places = points(svg, f"path-{rule}")
        if len(places):
            assert np.all(places >= np.array(MAP.bounds[:2]) - 0.1) and np.all(places <= np.array(MAP.bounds[2:]) + 0.1)
        chart = points(svg, f"loss-{rule}")
        assert len(chart) == len(run.losses)
        assert np.all(chart >= np.array(CHART.bounds[:2]) - 0.1) and np.all(chart <= np.array(CHART.bounds[2:]) + 0.1)
    legible(draw(race).figure())


def test_a_path_is_drawn_where_it_ran() -> None:
    race = compute(State(steps=5), RULES)
    expected = [MAP.to_scene(*place) for place in race.runs["adam"].path]
    np.testing.assert_allclose(points(parsed(race), "path-adam"), expected, atol=0.06)


def test_a_path_that_leaves_the_map_ends_at_its_edge_and_comes_back_there() -> None:
    outside_and_back = iter(np.array([[1.0, -2.5], [2.0, -1.5]]))
    race = compute(State(start=(1.0, 0.5), steps=2), {"sgd": lambda w, dw, state, *, lr: (next(outside_and_back), {})})
    expected = [MAP.to_scene(*w) for w in [(1.0, 0.5), (1.0, -2.0), (1.5, -2.0), (2.0, -1.5)]]
    np.testing.assert_allclose(points(parsed(race), "path-sgd"), expected, atol=0.06)


def test_each_rule_has_a_colour_a_dash_and_a_marker_of_its_own() -> None:
    assert len(LOOKS) == len(set(LOOKS.values()))
    for trait in ("colour", "dash", "marker"):
        assert len({getattr(look, trait) for look in LOOKS.values()}) == len(LOOKS), trait


def stub(w, dw, state, *, lr, alpha=0.9):
    raise NotImplementedError("adam")


def broken(w, dw, state, *, lr):
    raise IndexError("index 5 is out of bounds for <axis> " + "on and on " * 40)


MISBEHAVIOUR = {
    "unwritten": (stub, "Your adam is not written yet."),
    "raises": (broken, "Your adam raised IndexError: index 5"),
    "no keywords": (lambda w, dw, state: (w, {}), "Your adam raised TypeError"),
    "weights only": (lambda w, dw, state, *, lr: w - lr * dw, "returned a ndarray; the new weights and the state"),
    "a number": (lambda w, dw, state, *, lr: (1.0, {}), "returned a float for the weights"),
    "a shape": (lambda w, dw, state, *, lr: (np.ones(3), {}), "returned shape (3,), float64 for the weights"),
    "nan": (lambda w, dw, state, *, lr: (w * np.nan, {}), "returned weights that are not finite"),
    "a strange state": (lambda w, dw, state, *, lr: (w - state["v"], 5), "raised KeyError: 'v'"),
}


@pytest.mark.parametrize("name", MISBEHAVIOUR)
def test_what_a_rule_does_wrong_is_said_and_the_others_race_on(name: str, legible) -> None:
    function, message = MISBEHAVIOUR[name]
    race = compute(State(), {**RULES, "adam": function})
    svg = parsed(race)
    assert message in race.runs["adam"].problem and message in draw(race).label
    assert message[:30] in " ".join(words(svg, "problem"))
    assert words(svg, "standing-adam") == ["does not run"]
    assert all(len(race.runs[other].path) == 41 for other in RULES if other != "adam")
    legible(draw(race).figure())


def uphill(w, dw, state, *, lr):
    return w + lr * dw, {}


def forgetful(w, dw, state, *, lr):  # right in the first step only
    return optim.adam(w, dw, {}, lr=lr)


@pytest.mark.parametrize("rule, function, step", [("sgd", uphill, 1), ("adam", forgetful, 2), ("adam", optim.sgd, 1)])
def test_a_rule_that_goes_elsewhere_runs_on_and_is_doubted(rule, function, step, legible) -> None:
    race = compute(State(), {**RULES, rule: function})
    svg = parsed(race)
    assert f"Your {rule} is not right: step {step} goes elsewhere" in draw(race).label
    assert words(svg, "problem") == [f"Your {rule} is not right: step {step} goes elsewhere; its check says more."]
    assert words(svg, f"standing-{rule}") != ["does not run"] and len(race.runs[rule].path) > 20
    legible(draw(race).figure())


@pytest.mark.parametrize("name", STATES)
def test_a_right_rule_is_never_doubted(name: str) -> None:
    assert not any(run.doubt for run in compute(STATES[name], RULES).runs.values())


def test_nothing_written_yet(legible) -> None:
    race = compute(State(), dict.fromkeys(RULES, stub))
    svg = parsed(race)
    assert "Your sgd is not written yet. Your momentum is not" in " ".join(words(svg, "problem"))
    legible(draw(race).figure())


def test_the_picture_follows_the_controls_and_the_point() -> None:
    live = optimiser_race.demo(*RULES.values())
    *rows, point = live.widget.children
    control = {c.description: c for row in rows for c in row.children}
    assert {name: type(c).__name__ for name, c in control.items()} == {
        "surface": "ToggleButtons", "steps": "IntSlider", "rate": "FloatLogSlider", "alpha": "FloatSlider"
    }  # fmt: skip
    assert 'data-start="-2.5,0.9"' in point.value
    point.x += point.step
    point.y += 9 * point.step
    assert 'data-start="-2.4,0"' in point.value and point.text == "w₀ = -2.4, w₁ = 0"
    control["rate"].value = 0.1
    control["alpha"].value = 0.5
    control["steps"].value = 12
    assert 'data-rate="0.1"' in point.value and 'data-alpha="0.5"' in point.value and 'data-steps="12"' in point.value
    control["surface"].value = "saddle"
    assert 'data-surface="saddle"' in point.value and 'data-start="-2.5,0.1"' in point.value
    assert (point.x, point.y) == pytest.approx(MAP.to_scene(-2.5, 0.1)), "the ring goes to the surface's own start"
    assert point.text == "w₀ = -2.5, w₁ = 0.1"


def test_only_momentum_is_given_alpha() -> None:
    asked = {}

    def spy(name):
        def rule(w, dw, state, **hyper):
            asked[name] = hyper
            return w, {}

        return rule

    compute(State(alpha=0.4), {name: spy(name) for name in RULES})
    assert asked["momentum"] == {"lr": 0.05, "alpha": 0.4}
    assert all(asked[name] == {"lr": 0.05} for name in RULES if name != "momentum")
