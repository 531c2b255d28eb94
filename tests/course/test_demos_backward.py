"""From a pixel to its outputs: the steps against the reference, the pictures, and a student's function at its worst."""

import itertools
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from course import ops
from course.demos import backward, backward_race
from course.demos.backward_steps import FILTERS, SIZE, Answer, State, Step, X, ask, compute, upstream

SVG = "{http://www.w3.org/2000/svg}"
SETTINGS = [
    State(filter_, stride, pad) for filter_, stride, pad in itertools.product(FILTERS, (1, 2, 3), (0, 1))
]  # fmt: skip
FITTING = [state for state in SETTINGS if not compute(state, Answer()).misfit]
# the middle, a corner, the padding, the most outputs, a pixel that nobody sees, a misfit
TELLING = [
    State(),
    State(row=0, column=0),
    State("2×3", pad=1, row=0, column=3),
    State("3×3", pad=1, row=3, column=4),
    State("1×1", stride=2, row=1, column=1),
    State("3×3", stride=3),
]


def right(dy, cache):
    x, w, stride, pad = cache
    return ops.conv2d_backward(dy, ops.conv2d(x, w, np.zeros(len(w)), stride=stride, pad=pad)[1])


def step_of(state: State, conv2d_backward=right) -> Step:
    return compute(state, ask(state, conv2d_backward))


def parsed(scene) -> ElementTree.Element:
    return ElementTree.fromstring(scene.svg())


def words(svg: ElementTree.Element, css: str) -> list[str]:
    return [element.text or "" for element in svg.iter(f"{SVG}text") if element.get("class") == css]


# ---- the steps -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", FITTING, ids=str)
def test_what_comes_back_is_dx_of_the_reference(state: State) -> None:
    dx = right(upstream(state)[None, None], (X[None, None], state.w[None, None], state.stride, state.pad))[0][0, 0]
    for row, column in np.ndindex(SIZE, SIZE):
        pixel = State(state.filter, state.stride, state.pad, row + state.pad, column + state.pad)
        step = step_of(pixel)
        assert step.pixel == (row, column) and not step.is_padding
        assert step.total == pytest.approx(dx[row, column]) == step.said


@pytest.mark.parametrize("state", FITTING, ids=str)
def test_a_way_leads_to_the_outputs_that_grow_with_the_pixel_and_by_that_weight(state: State) -> None:
    def forward(x):
        return ops.conv2d(x[None, None], state.w[None, None], None, stride=state.stride)[0][0, 0]

    padded = np.pad(X, state.pad)
    for row, column in np.ndindex(padded.shape):
        raised = padded.copy()
        raised[row, column] += 1
        grown = np.zeros(upstream(state).shape)
        for way in compute(State(state.filter, state.stride, state.pad, row, column), Answer()).ways:
            grown[way.i, way.j] = state.w[way.u, way.v]
        np.testing.assert_allclose(forward(raised) - forward(padded), grown, atol=1e-12)


def test_the_weight_that_sysu_misprints() -> None:
    (way,) = [way for way in step_of(State()).ways if (way.i, way.j) == (1, 2)]
    assert (way.u, way.v) == (1, 0)


def test_a_pixel_beyond_the_last_is_the_last() -> None:
    assert compute(State(row=99, column=99), Answer()).pixel == (SIZE - 1, SIZE - 1)


# ---- what a student's function may do ------------------------------------------------------------------------------


def stub(dy, cache):
    raise NotImplementedError("conv2d_backward")


def broken(dy, cache):
    raise IndexError('index 5 is out of bounds for <axis> & "more" ' + "on and on " * 40)


MISBEHAVIOUR = {
    "unwritten": (stub, "Your conv2d_backward is not written yet."),
    "raises": (broken, "Your conv2d_backward raised IndexError: index 5"),
    "nothing": (lambda dy, cache: None, "returned a NoneType; (dx, dw, db) would fit"),
    "dx alone": (lambda dy, cache: right(dy, cache)[0], "returned a ndarray; (dx, dw, db) would fit"),
    "a list": (lambda dy, cache: ([1], 2, 3), "Your dx is a list"),
    "objects": (lambda dy, cache: (np.full((1, 1, 5, 5), None), 2, 3), "Your dx is a ndarray"),
    "a shape": (lambda dy, cache: (np.zeros((5, 5)), 2, 3), "dx of shape (5, 5); (1, 1, 5, 5) would fit"),
}


@pytest.mark.parametrize("name", MISBEHAVIOUR)
def test_what_a_function_does_wrong_is_said_in_the_picture(name: str) -> None:
    conv2d_backward, message = MISBEHAVIOUR[name]
    scene = backward.draw(step_of(State(), conv2d_backward))
    svg = parsed(scene)
    assert message in " ".join(words(svg, "problem")) and message in scene.label
    assert words(svg, "answer") == []
    assert words(svg, "sum")[-1].endswith("= 34"), "the sum is shown all the same"


def test_inputs_may_be_spoilt() -> None:
    def spoils(dy, cache):
        found = right(dy, cache)
        for array in (dy, *cache[:2]):
            array[...] = 7
        return found

    before = X.copy()
    for _ in range(2):
        assert step_of(State(), spoils).said == 34
    np.testing.assert_array_equal(X, before)


def test_a_wrong_number_is_called_so() -> None:
    for by, verdict in [(0, "✓ the same"), (1, "✗ not the sum"), (np.nan, "✗ not the sum")]:
        scene = backward.draw(step_of(State(), lambda dy, cache, by=by: (right(dy, cache)[0] + by, 0, 0)))
        assert words(parsed(scene), "verdict") == [verdict]
        assert ("which is not the sum" in scene.label) == (verdict[0] == "✗")


# ---- the picture ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", TELLING, ids=str)
def test_the_picture_tells_its_state(state: State) -> None:
    step = step_of(state)
    scene = backward.draw(step)
    svg = parsed(scene)
    assert svg.get("role") == "img" and svg.get("aria-label") == scene.label
    assert svg.get("data-ways") == str(len(step.ways))
    assert (svg.get("data-row"), svg.get("data-column")) == tuple(map(str, step.pixel))
    assert words(svg, "weight") == [f"w{way.u},{way.v}" for way in step.ways]
    assert len(svg.findall(f"{SVG}rect[@class='touched']")) == len(step.ways)
    if step.misfit:
        assert step.misfit in scene.label and words(svg, "sum") == []
    elif step.is_padding:
        assert words(svg, "verdict") == ["cut off: padding learns nothing"]
    else:
        assert words(svg, "sum")[-1].endswith(f"= {words(svg, 'answer')[0]}")


@pytest.mark.parametrize("state", TELLING, ids=str)
@pytest.mark.parametrize("conv2d_backward", [right, broken], ids=["right", "broken"])
def test_no_text_leaves_the_picture_or_lies_on_another(state: State, conv2d_backward, legible) -> None:
    legible(backward.draw(step_of(state, conv2d_backward)).figure())


# ---- alive ---------------------------------------------------------------------------------------------------------


def controls(live) -> dict[str, object]:
    return {control.description: control for row in live.widget.children[:-1] for control in row.children}


def shown(live) -> ElementTree.Element:
    html = live.widget.children[-1].value
    return ElementTree.fromstring(html[html.index("<svg") :])


def test_the_picture_follows_the_controls_and_asks_once_for_each_setting() -> None:
    calls = []

    def counted(dy, cache):
        calls.append(cache[2:])
        return right(dy, cache)

    live = backward.demo(counted)
    control = controls(live)
    assert shown(live).get("data-ways") == "9" and calls == [(1, 0)]
    control["row"].value = 0
    assert shown(live).get("data-ways") == "3"
    control["column"].value = 0
    assert shown(live).get("data-ways") == "1" and calls == [(1, 0)], "the pixel does not change the answer"
    control["pad"].value = 1
    assert (control["row"].min, control["row"].max) == (-1, 5)
    assert (shown(live).get("data-row"), shown(live).get("data-ways")) == ("0", "4"), "the same pixel as before"
    control["row"].value = -1
    assert shown(live).get("data-row") == "-1" and words(shown(live), "answer") == []
    control["pad"].value = 0
    assert (control["row"].min, control["row"].value, shown(live).get("data-row")) == (0, 0, "0")
    control["stride"].value = 3
    assert "does not fit" in " ".join(words(shown(live), "problem"))


def test_every_control_can_be_found_and_moved_by_keyboard() -> None:
    live = backward.demo(right)
    kinds = {name: type(control).__name__ for name, control in controls(live).items()}
    assert set(kinds) == {"filter", "stride", "pad", "row", "column"}
    assert set(kinds.values()) == {"IntSlider", "ToggleButtons"}
    for name, control in controls(live).items():
        assert f"demo-backward-{name}" in control._dom_classes


# ---- the race ------------------------------------------------------------------------------------------------------


def test_whoever_is_too_slow_is_not_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backward_race, "measure", lambda pair, size, least: pair[0] * size)
    *_, last = backward_race.race({"slow": (0.099, 0), "fast": (0.001, 0)}, (2, 4, 8, 16))
    assert {name: len(row) for name, row in last.items()} == {"slow": 2, "fast": 4}
    assert last["slow"] == pytest.approx([0.198, 0.396])


def test_the_race_runs_both_ways_and_counts_what_it_has_seen() -> None:
    seen = []

    def forward(x, w, b, *, pad):
        seen.append(x.shape)
        return ops.conv2d(x, w, b, pad=pad)

    steps = list(backward_race.race({"ops": (forward, ops.conv2d_backward)}, (8, 16)))
    assert [len(step["ops"]) for step in steps] == [1, 2]
    assert {shape[2] for shape in seen} == {8, 16} and min(steps[-1]["ops"]) > 0
