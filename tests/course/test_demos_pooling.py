"""A gradient routed back: its steps against the reference, its pictures, and whatever a student's functions may do."""

import itertools
import xml.etree.ElementTree as ElementTree
from functools import cache

import numpy as np
import pytest
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath

from course import ops
from course.demos import pooling
from course.demos.pooling_steps import FIELDS, KINDS, PICTURES, Answer, State, ask, compute
from course.demos.scene import Scene, Text

SVG = "{http://www.w3.org/2000/svg}"
RIGHT = {
    "max": (ops.max_pool2d, ops.max_pool2d_backward),
    "mean": (ops.avg_pool2d, ops.avg_pool2d_backward),
}
SETTINGS = [
    State(picture, kind, field, stride, shift)
    for picture, kind, field, stride, shift in itertools.product(PICTURES, KINDS, FIELDS, (1, 2, 3), (0, 2))
]
FITTING = [state for state in SETTINGS if compute(state, Answer()).windows]
STROKE, BELOW = "6×6 stroke", "4×6 below 0, with ties"
TELLING = [
    State(window=2),
    State(STROKE, "max", "2×2", 1, 1, 13),
    State(STROKE, "mean", "3×3", 1, 0, 15),
    State(BELOW, "max", "2×2", 1, 3, 0),
    State(BELOW, "mean", "1×2", 1, 0, 19),
    State(field="3×3"),
]


def step_of(state, functions=RIGHT):
    return compute(state, ask(state, functions))


def parsed(scene: Scene) -> ElementTree.Element:
    return ElementTree.fromstring(scene.svg())


def words(svg: ElementTree.Element, css: str) -> list[str]:
    return [element.text or "" for element in svg.iter(f"{SVG}text") if element.get("class") == css]


def widths(scene: Scene, css: str) -> list[float]:
    texts = [item for item in scene.items if isinstance(item, Text) and item.css == css]
    return [_width(text.text, text.size, text.bold) for text in texts]


@cache
def _width(text: str, size: float, bold: bool) -> float:
    font = FontProperties(weight="bold" if bold else "normal", size=size)
    return TextPath((0, 0), text, prop=font).get_extents().width


# ---- the steps -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", FITTING, ids=str)
def test_what_all_windows_send_is_the_gradient(state: State) -> None:
    step = step_of(State(**{**vars(state), "window": 1000}))
    forward, backward = RIGHT[state.kind]
    y, cache = forward(state.x[None, None], FIELDS[state.field], stride=state.stride)
    np.testing.assert_array_equal(step.y, y[0, 0])
    np.testing.assert_allclose(step.dx, backward(step.dy[None, None], cache)[0, 0], rtol=0, atol=1e-12)
    np.testing.assert_allclose(step.answer.dx[-1], step.dx, rtol=0, atol=1e-12)
    cells = FIELDS[state.field][0] * FIELDS[state.field][1] if state.kind == "mean" else 1
    assert len(step.receivers) == cells


def test_eecs_442_s_numbers() -> None:
    assert step_of(State()).y.tolist() == [[6, 8], [3, 4]]
    assert step_of(State(kind="mean")).y.tolist() == [[3.25, 5.25], [1.75, 2]]
    assert [step_of(State(window=n)).receivers for n in range(4)] == [[(1, 1)], [(1, 3)], [(2, 0)], [(3, 3)]]


def test_of_equal_cells_the_first_one_wins_and_it_is_said() -> None:
    step = step_of(State(BELOW, "max", "2×2", 2, window=1))
    assert step.state.x[:2, 2:4].tolist() == [[-1, -4], [-1, -3]]
    assert step.receivers == [(0, 2)]
    assert "2 are equal, the first one wins" in pooling.draw(step).label


def test_a_small_shift_keeps_more_maxima_than_pixels_or_means() -> None:
    kept = {}
    for kind in KINDS:
        step = step_of(State(STROKE, kind, "2×2", 2, shift=1))
        kept[kind] = int(np.isclose(step.y, step.y_before).sum())
        svg = parsed(pooling.draw(step))
        assert words(svg, "stays") == ["="] * kept[kind]
    assert kept == {"max": 7, "mean": 5}
    assert "21 of 36 pixels and 7 of 9 outputs" in pooling.draw(step_of(State(STROKE, shift=1))).label
    moved = step_of(State(STROKE, shift=2))
    np.testing.assert_array_equal(moved.y[:, 1:], moved.y_before[:, :-1])


def test_a_window_that_does_not_fit_is_explained() -> None:
    step = step_of(State(field="3×3"))
    assert step.windows == 0 and "(4 − 3)/2 + 1 = 1.5" in step.misfit
    assert step.answer.problem == "Your function refuses it too ✓"
    rounding = {"max": (lambda x, field, stride: (np.zeros((1, 1, 1, 1)), ()), None)}
    assert "an error would fit" in ask(step.state, rounding).problem


# ---- what a student's functions may do ---------------------------------------------------------------------------


def stub(*_, **__):
    raise NotImplementedError("max_pool2d")


def overwrites(dy, cache):
    """The classic: = for +=."""
    shape, winner = cache
    dx = np.zeros(shape)
    dx.reshape(-1)[winner.ravel()[dy.ravel() > 0]] = dy[dy > 0]
    return dx


def with_winner(x, field, *, stride):
    y, cache = ops.max_pool2d(x, field, stride=stride)
    each = [ops.max_pool2d_backward(dy.reshape(y.shape), cache).argmax() for dy in np.eye(y.size)]
    return y, (x.shape, np.array(each))


MISBEHAVIOUR = {
    "unwritten": ((stub, stub), "Your forward function is not written yet."),
    "backward unwritten": ((ops.max_pool2d, stub), "Your backward function is not written yet."),
    "raises": ((lambda x, field, stride: 1 / 0, None), "your forward function raised ZeroDivisionError"),
    "backward raises": ((ops.max_pool2d, lambda dy, cache: 1 / 0), "your backward function raised ZeroDivisionError"),
    "no cache": ((lambda x, field, stride: x, None), "should return y and a cache"),
    "a list": ((lambda x, field, stride: ([1], ()), None), "returned a list; an array (1, 1, 2, 2)"),
    "a shape": ((lambda x, field, stride: (x, ()), None), "returned shape (1, 1, 4, 4); (1, 1, 2, 2) would fit"),
    "names": ((lambda x, field, stride: (np.full((1, 1, 2, 2), "a"), ()), None), "numbers would fit"),
    "dx of another shape": ((ops.max_pool2d, lambda dy, cache: dy), "shape (1, 1, 2, 2); (1, 1, 4, 4) would fit"),
    "nothing": ((ops.max_pool2d, lambda dy, cache: None), "returned a NoneType"),
}


@pytest.mark.parametrize("name", MISBEHAVIOUR)
def test_what_a_function_does_wrong_is_said_in_the_picture(name: str) -> None:
    pair, message = MISBEHAVIOUR[name]
    step = step_of(State(), {"max": pair})
    scene = pooling.draw(step)
    assert message in step.answer.problem and message in scene.label
    assert message[:30] in " ".join(words(parsed(scene), "problem"))
    assert scene.png(scale=1).startswith(b"\x89PNG")


def test_what_overwrites_is_found_at_the_window_where_it_does() -> None:
    functions = {"max": (with_winner, overwrites)}
    state = State(STROKE, "max", "3×3", 1)
    wrong = []
    for window in range(16):
        step = step_of(State(**{**vars(state), "window": window}), functions)
        wrong.append(len(parsed(pooling.draw(step)).findall(f"{SVG}rect[@class='wrong']")))
    assert wrong[0] == 0 and wrong[-1] >= 3 and wrong == sorted(wrong)


def test_wrong_outputs_are_marked() -> None:
    doubled = {"max": (lambda x, field, stride: (2 * ops.max_pool2d(x, field, stride=stride)[0], ()), stub)}
    svg = parsed(pooling.draw(step_of(State(), doubled)))
    assert len(svg.findall(f"{SVG}rect[@class='wrong']")) == 4
    assert "4 of 4 outputs are wrong" in " ".join(words(svg, "problem"))


# ---- the picture ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", TELLING, ids=str)
def test_the_picture_tells_its_state(state: State) -> None:
    step = step_of(state)
    scene = pooling.draw(step)
    svg = parsed(scene)
    assert svg.get("role") == "img" and svg.get("aria-label") == scene.label
    assert svg.get("data-demo") == "pooling" and svg.get("data-windows") == str(step.windows)
    if not step.windows:
        assert step.misfit in scene.label
        return
    shown = [float(text.replace("−", "-")) for text in words(svg, "dx")]
    np.testing.assert_allclose(shown, step.dx.ravel(), atol=0.006)
    assert len(words(svg, "y")) == len(words(svg, "dy")) == step.windows
    assert len(svg.findall(f"{SVG}rect[@class='winner']")) == (1 if state.kind == "max" else 0)
    (route,) = svg.findall(f"{SVG}path[@class='route']")
    assert bool(route.get("stroke-dasharray")) == (state.kind == "mean"), "max and mean differ in more than colour"
    assert words(svg, "problem") == []


@pytest.mark.parametrize("state", [state for state in TELLING if step_of(state).windows], ids=str)
def test_the_route_joins_the_output_at_hand_to_its_receivers_and_crosses_no_cell(state: State) -> None:
    step = step_of(state)
    items = pooling.draw(step).items
    (route,) = (item for item in items if item.css == "route")
    ((start, out, back, end),) = (piece.tolist() for piece in route.pieces)
    side, (row, column) = pooling._side(step.y), step.place
    left, top = pooling.OUTPUT + column * side, pooling.TOP + row * side
    assert start == pytest.approx([left + side, top + side]), "a corner of the output at hand"
    (to,) = (item for item in items if item.css == "to")
    assert end == [to.x, to.y]
    assert start[1] == out[1] and back[1] == end[1], "along the cells' edges"
    assert out[0] == pooling.OUTPUT + step.y.shape[1] * side and back[0] == pooling.BACK, "free only between the grids"


@pytest.mark.parametrize("state", FITTING, ids=str)
def test_every_number_stays_within_its_cell(state: State) -> None:
    step = step_of(state)
    scene = pooling.draw(step)
    for css, cells in (("y", step.y), ("dy", step.y), ("dx", step.dx)):
        assert len(widths(scene, css)) == cells.size and max(widths(scene, css)) < pooling._side(cells) - 2


@pytest.mark.parametrize("state", TELLING, ids=str)
@pytest.mark.parametrize("functions", [RIGHT, {"max": (stub, stub), "mean": (stub, stub)}], ids=["right", "stub"])
def test_no_text_leaves_the_picture_or_lies_on_another(state: State, functions, legible) -> None:
    legible(pooling.draw(step_of(state, functions)).figure())


# ---- alive ----------------------------------------------------------------------------------------------------------


def shown(live) -> ElementTree.Element:
    html = live.widget.children[-1].value
    return ElementTree.fromstring(html[html.index("<svg") :])


def test_the_picture_follows_the_controls_and_asks_once_for_each_setting() -> None:
    calls = []

    def counted(x, field, *, stride):
        calls.append((field, stride))
        return ops.max_pool2d(x, field, stride=stride)

    live = pooling.demo(counted, ops.max_pool2d_backward, ops.avg_pool2d, ops.avg_pool2d_backward)
    control = {c.description: c for row in live.widget.children[:-1] for c in row.children}
    assert set(control) == {"picture", "kind", "field", "stride", "shift", "window"}
    control["window"].value = 3
    assert (shown(live).get("data-row"), shown(live).get("data-column")) == ("1", "1")
    assert calls == [((2, 2), 2)], "the window does not change the answer"
    control["stride"].value = 1
    assert shown(live).get("data-windows") == "9" and control["window"].max == 8
    control["field"].value = "3×3"
    assert shown(live).get("data-windows") == "4"
    control["stride"].value = 3
    assert shown(live).get("data-windows") == "0" and control["window"].disabled
    control["picture"].value, control["kind"].value = STROKE, "mean"
    assert shown(live).get("data-windows") == "4" and len(calls) == 5
    control["shift"].value = 1
    assert "After the shift" in (shown(live).get("aria-label") or "")
    assert {type(c).__name__ for c in control.values()} == {"IntSlider", "ToggleButtons"}, "reached by keyboard"
