"""The boundary that bends: its scores against the reference, its pictures, and whatever functions it is given."""

import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from course import ops
from course.demos import decision_boundary
from course.demos.decision_boundary import PLANE, SIDE
from course.demos.decision_boundary_steps import CELLS, POINTS, REACH, UNITS, State, Step, compute
from course.demos.scene import Curve

SVG = "{http://www.w3.org/2000/svg}"
STATES = [
    State(),
    State("island", ((90, 4),)),
    State("moons", UNITS[:5], 2),
    State("spirals", UNITS, 7),
    State("moons", ((0, 15), (0, -15), (45, 15)), 2),
    State("spirals", ((90, 0), (90, 0)), 1),
]


def right(state: State) -> Step:
    return compute(state, ops.affine, ops.relu)


def parsed(step: Step) -> ElementTree.Element:
    return ElementTree.fromstring(decision_boundary.draw(step).svg())


def elements(svg: ElementTree.Element, tag: str, css: str) -> list[ElementTree.Element]:
    return [element for element in svg.iter(f"{SVG}{tag}") if element.get("class") == css]


# ---- the steps -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", STATES, ids=str)
def test_the_scores_are_those_of_the_network(state: State) -> None:
    step = right(state)
    assert step.problem == "" and step.scores is not None
    np.testing.assert_allclose(np.hypot(*step.w1), 1)
    rows, columns = [0, 13, CELLS], [CELLS, 40, 2]
    for i, j in zip(rows, columns, strict=True):
        place = np.array([j, i]) * 2 * REACH / CELLS - REACH
        score = np.maximum(place @ step.w1 + step.b1, 0) @ step.w2 + step.b2
        assert step.scores[i, j] == pytest.approx(score[0])
    scores = np.maximum(step.x @ step.w1 + step.b1, 0) @ step.w2[:, 0] + step.b2
    np.testing.assert_array_equal(step.right, (scores > 0) == (step.labels == 1))


def test_the_output_weights_are_the_best_ones() -> None:
    step = right(State("moons", UNITS[:4]))
    hidden, target = np.maximum(step.x @ step.w1 + step.b1, 0), np.where(step.labels == 1, 1, -1)

    def cost(w2, b2):
        return np.mean((hidden @ w2 + b2 - target) ** 2) + 1e-3 * np.sum(w2**2)

    best = cost(step.w2[:, 0], step.b2[0])
    rng = np.random.default_rng(0)
    for _ in range(20):
        assert cost(step.w2[:, 0] + 0.05 * rng.standard_normal(4), step.b2[0] + 0.05 * rng.standard_normal()) > best


def test_three_neurons_enclose_the_island_and_two_do_not() -> None:
    def border(count):
        z = right(State("island", UNITS[:count])).scores
        return np.concatenate([z[0], z[-1], z[:, 0], z[:, -1]])

    assert (border(2) > 0).any() and (border(1) > 0).any()
    assert (border(3) < 0).all() and (right(State()).scores > 0).any()


@pytest.mark.parametrize("name", POINTS)
def test_the_points_lie_in_the_plane_and_both_classes_are_there(name: str) -> None:
    step = right(State(name))
    assert np.abs(step.x).max() < REACH and set(step.labels) == {0, 1}


# ---- the picture ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", STATES, ids=str)
def test_the_picture_tells_its_state_and_no_text_leaves_it(state: State, legible) -> None:
    step = right(state)
    svg, scene = parsed(step), decision_boundary.draw(step)
    assert svg.get("role") == "img" and svg.get("aria-label") == scene.label
    assert svg.get("data-neurons") == str(len(state.units)) and svg.get("data-chosen") == str(state.chosen + 1)
    assert (int(svg.get("data-angle", "")), int(svg.get("data-offset", ""))) == state.units[state.chosen]
    assert len(elements(svg, "text", "weight")) == len(state.units)
    said = f"{step.right.sum()} of {len(step.x)} points are on the right side"
    assert elements(svg, "text", "right")[0].text == said and said in scene.label
    assert len(elements(svg, "rect", "wrong")) == (~step.right).sum()
    assert len(elements(svg, "text", "point-0")) == (step.labels == 0).sum()
    legible(decision_boundary.draw(step).figure(), apart=lambda text: text.get_text() not in "●▲+−")


def test_the_drawn_boundary_is_where_the_score_is_0() -> None:
    step = right(State())
    (boundary,) = (item for item in decision_boundary.draw(step).items if isinstance(item, Curve))
    (piece,) = boundary.pieces
    places = np.array([PLANE.to_numbers(x, y) for x, y in piece])
    assert len(places) > 8
    scores = np.maximum(places @ step.w1 + step.b1, 0) @ step.w2 + step.b2
    assert np.abs(scores).max() < 0.15, "two pixels at the steepest place"


def test_the_lines_are_where_the_neurons_are_0() -> None:
    step = right(State("moons", UNITS[:5], 2))
    svg = parsed(step)
    lines = elements(svg, "line", "unit") + elements(svg, "line", "chosen")
    assert len(lines) == 5 and len(elements(svg, "line", "chosen")) == 1
    for line in lines:
        ends = [
            PLANE.to_numbers(float(line.get(f"x{n}", 0)), float(line.get(f"y{n}", 0))) for n in (1, 2)
        ]  # fmt: skip
        near = np.abs(np.array(ends) @ step.w1 + step.b1).max(axis=0).min()
        assert near < 1e-3 and np.abs(ends).max() < REACH + 1e-3


def test_a_line_that_passes_by_is_not_drawn() -> None:
    far = ((0, 15), (45, 30), (90, 17), (180, -17))
    assert len(elements(parsed(right(State("moons", far))), "line", "unit")) == 0
    assert len(elements(parsed(right(State("moons", far))), "line", "chosen")) == 1


def test_the_shaded_rows_are_where_the_score_is_positive() -> None:
    step = right(State("spirals", UNITS, 7))
    scene = decision_boundary.draw(step)
    rows = [item for item in scene.items if getattr(item, "fill", "") == decision_boundary.INSIDE]
    share = sum(row.width * SIDE / CELLS for row in rows) / SIDE**2
    assert share == pytest.approx(np.mean(step.scores > 0), abs=0.01)
    assert all(row.x >= PLANE.left - 1e-6 and row.x + row.width <= PLANE.left + SIDE + 1e-6 for row in rows)


def test_a_shaded_row_ends_exactly_at_the_boundary() -> None:
    step = right(State("island", ((0, 4),)))  # one upright line, and an upright boundary behind it
    edge, _ = PLANE.to_scene(0.4 - step.b2[0] / step.w2[0, 0], 0)
    scene = decision_boundary.draw(step)
    rows = [item for item in scene.items if getattr(item, "fill", "") == decision_boundary.INSIDE]
    assert len(rows) == CELLS
    assert {round(row.x + row.width, 6) for row in rows} == {round(edge, 6)}


def stub(*_):
    raise NotImplementedError("affine")


def broken(*_):
    raise IndexError("index 5 is out of bounds for <axis> " + "on and on " * 40)


MISBEHAVIOUR = {
    "affine unwritten": (stub, ops.relu, "Your affine is not written yet."),
    "relu unwritten": (ops.affine, stub, "Your relu is not written yet."),
    "raises": (broken, ops.relu, "Your affine raised IndexError: index 5"),
    "nothing": (ops.affine, lambda x: None, "Your relu returned a NoneType"),
    "a shape": (lambda x, w, b: (x @ w)[:3], ops.relu, "Your affine returned shape (3, 3), float64"),
    "whole numbers": (lambda x, w, b: (x @ w + b).astype(int), ops.relu, "int64"),
    "nan": (ops.affine, lambda x: x * np.nan, "Your relu returned numbers that are not finite."),
}


@pytest.mark.parametrize("name", MISBEHAVIOUR)
def test_what_a_function_does_wrong_is_said_in_the_picture(name: str, legible) -> None:
    affine, relu, message = MISBEHAVIOUR[name]
    step = compute(State(), affine, relu)
    svg = parsed(step)
    assert step.scores is None and message in step.problem and message in decision_boundary.draw(step).label
    said = " ".join(element.text or "" for element in elements(svg, "text", "problem"))
    assert message[:30] in said
    assert not elements(svg, "path", "boundary") and not elements(svg, "rect", "wrong")
    legible(decision_boundary.draw(step).figure(), apart=lambda text: text.get_text() not in "●▲+−")


def test_a_wrong_network_draws_its_own_boundary_and_is_told(legible) -> None:
    step = compute(State(), lambda x, w, b: x @ w, ops.relu)  # no bias
    assert "are not relu(x·w1 + b1)·w2 + b2" in step.problem and step.scores is not None
    assert "not relu" in " ".join(e.text or "" for e in elements(parsed(step), "text", "problem"))
    legible(decision_boundary.draw(step).figure(), apart=lambda text: text.get_text() not in "●▲+−")


def test_the_picture_follows_the_controls() -> None:
    live = decision_boundary.demo(ops.affine, ops.relu)
    control = {c.description: c for row in live.widget.children[:-1] for c in row.children}
    assert {name: type(c).__name__ for name, c in control.items()} == {
        "points": "ToggleButtons", "neurons": "IntSlider", "chosen": "IntSlider", "angle": "IntSlider",
        "offset": "FloatSlider",
    }  # fmt: skip
    html = live.widget.children[-1]
    control["angle"].value = 95
    assert 'data-angle="95"' in html.value
    control["chosen"].value = 2  # the sliders now show that neuron, and the first one keeps its place
    assert (control["angle"].value, round(10 * control["offset"].value)) == UNITS[1] and "angle 95°" in html.value
    control["offset"].value = -0.3
    assert 'data-offset="-3"' in html.value and "offset −0.3" in html.value
    control["neurons"].value = 1  # the chosen one is taken away
    assert (control["chosen"].value, control["chosen"].max, control["angle"].value) == (1, 1, 95)
    assert 'data-neurons="1"' in html.value and 'data-chosen="1"' in html.value
    control["neurons"].value = 4
    assert "offset −0.3" in html.value, "the second neuron comes back where it was"
    control["points"].value = "moons"
    assert 'data-points="moons"' in html.value
