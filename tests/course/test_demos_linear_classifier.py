"""Three classes in the plane: what the demo computes, its picture, and whatever a student's function may do to it."""

import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import numpy as np
import pytest

from course import ops
from course.demos import linear_classifier
from course.demos.linear_classifier import PLANE, draw
from course.demos.linear_classifier_steps import LABELS, POINTS, B, Functions, State, Step, compute
from course.demos.scene import Line, Text

SVG = "{http://www.w3.org/2000/svg}"
RIGHT = Functions(ops.affine, ops.hinge_loss, ops.softmax, ops.softmax_loss)
STATES = [
    State(),
    State(x=(-2.1, 2.1), label=1),
    State(x=(2.1, -2.1), label=2, scale=4.0),
    State(w=((2.1, 2.1), (-2.1, -2.1), (0.0, 0.0)), scale=0.5),
    State(w=((0.0, 0.0),) * 3),
    State(x=(2.1, 0.0), w=((-2.1, 0.0), (2.1, 0.1), (0.01, 0.0)), scale=4.0),
]


def parsed(step: Step) -> ElementTree.Element:
    return ElementTree.fromstring(draw(step).svg())


def words(svg: ElementTree.Element, css: str) -> list[str]:
    return [element.text or "" for element in svg.iter(f"{SVG}text") if element.get("class") == css]


def numbers(svg: ElementTree.Element, css: str) -> list[float]:
    return [float(text.split(" →")[0].replace("−", "-")) for text in words(svg, css)]


def lines(step: Step, css: str) -> list[np.ndarray]:
    """The two ends (2, 2) of each line of a class."""
    found = [item for item in draw(step).items if item.css == css]
    return [
        np.array([[item.x1, item.y1], [item.x2, item.y2]]) if isinstance(item, Line) else item.pieces[0]
        for item in found
    ]


def test_a_point_by_hand() -> None:
    step = compute(State(x=(1.0, 0.0), w=((2.0, 0.0), (0.0, 1.0), (1.0, 1.0)), label=2), RIGHT)
    np.testing.assert_allclose(step.scores, [2.3, 0.0, 0.7])
    np.testing.assert_allclose(step.gaps, [2.6, 0.3, 1.0])
    assert step.losses["hinge"] == pytest.approx(2.6 + 0.3)
    p = np.exp([2.3, 0.0, 0.7]) / np.exp([2.3, 0.0, 0.7]).sum()
    np.testing.assert_allclose(step.p, p)
    assert step.losses["softmax"] == pytest.approx(-np.log(p[2]))
    svg = parsed(step)
    assert numbers(svg, "score") == [2.3, 0.0, 0.7]
    assert numbers(svg, "gap") == [2.6, 0.3], "the label has none"
    assert numbers(svg, "hinge-loss") == [2.9]
    assert numbers(svg, "probability") == pytest.approx(p, abs=6e-4)


def test_the_scale_changes_the_losses_and_no_decision() -> None:
    small, large = (compute(State(scale=scale), RIGHT) for scale in (1.0, 4.0))
    assert small.accuracy == large.accuracy
    np.testing.assert_allclose(4 * small.scores, large.scores)
    assert large.means["softmax"] < small.means["softmax"]


def test_the_means_are_those_of_the_dots() -> None:
    state = State()
    w, b = state.weights
    scores = POINTS @ w + b
    step = compute(state, RIGHT)
    assert step.means["hinge"] == pytest.approx(ops.hinge_loss(scores, LABELS)[0])
    assert step.means["softmax"] == pytest.approx(ops.softmax_loss(scores, LABELS)[0])
    wins = int(np.sum(scores.argmax(axis=1) == LABELS))
    assert words(parsed(step), "accuracy") == [f"{wins} of 30 dots lie where their class wins"]
    assert compute(replace(state, x=(-2.0, -2.0), label=0), RIGHT).means == step.means, "the point is none of them"


@pytest.mark.parametrize("state", STATES, ids=range(len(STATES)))
def test_the_picture_tells_its_state_and_no_text_leaves_it(state: State, legible) -> None:
    step = compute(state, RIGHT)
    svg, scene = parsed(step), draw(step)
    assert svg.get("role") == "img" and svg.get("aria-label") == scene.label
    assert (float(svg.get("data-x", "")), float(svg.get("data-y", ""))) == state.x
    assert svg.get("data-label") == str(state.label) and f"A point of class {state.label}" in scene.label
    assert len(words(svg, "dot")) == 30 and words(svg, "problem") == []
    assert [rect for rect in svg.iter(f"{SVG}rect") if "wrong" in (rect.get("class") or "")] == []
    for name, loss in step.losses.items():
        (said,) = words(svg, f"{name}-loss")
        assert float(said.replace("−", "-")) == pytest.approx(loss, abs=6e-3) and f"{name} loss {said}" in scene.label
    left, top, right, bottom = PLANE.bounds
    for ends in [*lines(step, "border"), *lines(step, "lead")]:
        assert np.all(ends >= np.array([left, top]) - 0.1) and np.all(ends <= np.array([right, bottom]) + 0.1)
    legible(draw(step).figure(), apart=lambda text: text.get_position()[0] > PLANE.bounds[2])


def test_on_a_border_two_classes_score_alike_and_on_a_dashed_line_the_label_leads_by_one() -> None:
    state = State(scale=2.0)
    w, b = state.weights
    step = compute(state, RIGHT)
    for css, count in (("border", 3), ("lead", 2)):
        found = lines(step, css)
        assert len(found) == count
        for ends in found:
            scores = np.array(PLANE.to_numbers(*ends.mean(axis=0))) @ w + b
            leads = np.sort(scores[state.label] - np.delete(scores, state.label))
            if css == "border":
                assert np.ptp(np.sort(scores)[1:]) == pytest.approx(0, abs=0.01)
            else:
                assert np.abs(leads - 1).min() == pytest.approx(0, abs=0.01)


def test_dashed_lines_differ_in_more_than_colour_and_the_table_says_whose_they_are() -> None:
    for label in range(3):
        items = draw(compute(State(label=label), RIGHT)).items
        leads, samples = ({i.stroke: i.dash for i in items if i.css == css} for css in ("lead", "sample"))
        assert leads == samples and len(set(leads.values())) == 2 and () not in leads.values()


@pytest.mark.parametrize(("label", "x"), [(0, (0.6, 2.1)), (1, (-2.1, 0.0)), (2, (1.5, -1.5))])
def test_a_loss_that_is_never_0_does_not_read_0(label: int, x: tuple[float, float]) -> None:
    svg = parsed(compute(State(x=x, label=label, scale=4.0), RIGHT))
    assert words(svg, "hinge-loss") == ["0.00"]
    assert 0 < numbers(svg, "softmax-loss")[0] < 0.001


def test_a_loss_whose_mean_alone_is_wrong_is_right_of_the_point() -> None:
    without_n = replace(RIGHT, softmax_loss=lambda s, y: (len(s) * ops.softmax_loss(s, y)[0], None))
    assert compute(State(), without_n).wrong == {"softmax-mean"}
    (frame,) = (item for item in draw(compute(State(), without_n)).items if item.css.startswith("wrong"))
    for css, framed in (("softmax-loss", False), ("softmax-mean", True)):
        (text,) = (item for item in draw(compute(State(), without_n)).items if item.css == css)
        assert (frame.y < text.y < frame.y + frame.height) == framed and frame.x < text.x < frame.x + frame.width


def test_there_is_room_for_the_ring_around_the_plane() -> None:
    left, top, right, bottom = np.array(PLANE.bounds) + 24 * np.array([-1, -1, 1, 1])  # with its outline
    texts = [item for item in draw(compute(State(), RIGHT)).items if isinstance(item, Text)]
    above, below = (text for text in texts if text.x == PLANE.left and text.anchor == "start")
    assert left >= 0 and above.y + above.size / 2 < top and below.y - below.size / 2 > bottom
    assert right < min(text.x for text in texts if text.x > PLANE.bounds[2])


def stub(*_):
    raise NotImplementedError("an exercise")


def broken(*_):
    raise IndexError("index 5 is out of bounds for <axis> " + "on and on " * 40)


MISBEHAVIOUR = {
    "scores unwritten": ({"linear_scores": stub}, "Your linear_scores is not written yet."),
    "hinge unwritten": ({"hinge_loss": stub}, "Your hinge_loss is not written yet."),
    "hinge raises": ({"hinge_loss": broken}, "Your hinge_loss raised IndexError: index 5"),
    "softmax of a shape": (
        {"softmax": lambda s: s.sum(axis=1)},
        "Your softmax gave shape (1,); shape (1, 3) would fit.",
    ),
    "a loss of nothing": ({"softmax_loss": lambda *_: None}, "Your softmax_loss gave a NoneType; a number would fit."),
    "nan": ({"softmax": lambda s: s * np.nan}, "Your softmax gave something that is no finite number."),
    "objects": ({"softmax": lambda s: np.full((1, 3), "x")}, "Your softmax gave something that is no finite number."),
    "wrong scores": ({"linear_scores": lambda x, w, b: x @ w}, "Your linear_scores is not right (dashed)."),
    "wrong softmax": ({"softmax": lambda s: ops.softmax(-s)[0]}, "Your softmax is not right (dashed)."),
    "wrong loss": ({"hinge_loss": lambda s, y: (2.0, None)}, "Your hinge_loss is not right (dashed)."),
    "in place": ({"softmax": lambda s: np.multiply(s, 0, out=s)}, "Your softmax is not right (dashed)."),
}


@pytest.mark.parametrize("name", MISBEHAVIOUR)
def test_what_a_function_does_wrong_is_said_in_the_picture(name: str, legible) -> None:
    changed, message = MISBEHAVIOUR[name]
    step = compute(State(), replace(RIGHT, **changed))
    svg = parsed(step)
    assert message in draw(step).label
    assert " ".join(words(svg, "problem")).startswith(message[:45])
    frames = [rect for rect in svg.iter(f"{SVG}rect") if "wrong" in (rect.get("class") or "")]
    assert len(frames) == len(step.wrong) == (2 if name == "wrong loss" else "(dashed)" in message)
    legible(draw(step).figure(), apart=lambda text: text.get_position()[0] > PLANE.bounds[2])


def test_one_wrong_function_leaves_the_others_alone() -> None:
    step = compute(State(), replace(RIGHT, hinge_loss=broken))
    assert step.losses["hinge"] is None and step.losses["softmax"] == compute(State(), RIGHT).losses["softmax"]
    assert words(parsed(step), "hinge-loss") == ["?"]


def test_the_picture_follows_the_point_and_the_controls() -> None:
    live = linear_classifier.demo(ops.affine, ops.hinge_loss, ops.softmax, ops.softmax_loss)
    *rows, point = live.widget.children
    control = {c.description: c for row in rows for c in row.children}
    assert 'data-x="0.60"' in point.value and (point.x, point.y) == PLANE.to_scene(0.6, 0.3)
    point.x, point.y = PLANE.to_scene(-1.0, 0.5)
    assert 'data-x="-1.00" data-y="0.50"' in point.value and "(−1.00, 0.50)" in point.text
    control["label"].value = "2"
    assert 'data-label="2"' in point.value
    control["scale"].value = 2.0
    assert "arrows: the columns of w/2" in point.value
    control["drag"].value = "w1"
    assert point.label == "w1" and (point.x, point.y) == pytest.approx(PLANE.to_scene(-1.1, -0.4))
    point.x, point.y = PLANE.to_scene(0.0, -2.0)
    assert 'data-w1="0.00 -2.00"' in point.value and 'data-x="-1.00"' in point.value
    control["drag"].value = "the point x"
    assert (point.x, point.y) == pytest.approx(PLANE.to_scene(-1.0, 0.5)), "the point is where it was left"
    assert 'data-w1="0.00 -2.00"' in point.value


def test_a_move_is_drawn_once() -> None:
    calls = []

    def scores(x, w, b):
        calls.append(x)
        return ops.affine(x, w, b)

    live = linear_classifier.demo(scores, ops.hinge_loss, ops.softmax, ops.softmax_loss)
    point = live.widget.children[-1]
    calls.clear()
    point.set_state({"x": 100.0, "y": 120.0})  # as a message of the browser arrives
    assert len(calls) == 1


def test_the_biases_are_not_all_alike() -> None:
    assert len(set(B)) == 3, "or a forgotten bias would not show"


def test_what_a_function_changes_in_place_reaches_nobody_else() -> None:
    step = compute(State(), replace(RIGHT, softmax=lambda s: np.multiply(s, 0, out=s)))
    np.testing.assert_array_equal(step.scores, compute(State(), RIGHT).scores)
