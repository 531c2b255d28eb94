"""The sliding window: its steps against the reference, its pictures, and whatever a student's function may do to it."""

import itertools
import threading
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from course import ops
from course.demos import convolution
from course.demos.convolution_steps import KERNELS, PICTURES, Answer, State, Step, ask, compute
from course.demos.scene import Scene

SVG = "{http://www.w3.org/2000/svg}"
SETTINGS = [
    State(picture, kernel, turned, stride, pad)
    for picture, kernel, turned, stride, pad in itertools.product(
        PICTURES, KERNELS, (False, True), (1, 2, 3), (0, 1, 2)
    )
]
FITTING = [state for state in SETTINGS if compute(state, Answer()).windows]
# the smallest, the largest, padding, a picture and kernels that are not square, a misfit
TELLING = [
    State(window=4),
    State("7×7 box", "left–right", pad=2, window=80),
    State("3×3 of EECS 545", "2×2 of EECS 545", turned=True, window=1),
    State("4×7 edge", "1×3 sum", pad=1, window=20),
    State("3×3 of EECS 545", "left–right"),
    State("7×7 box", "left–right", stride=3),
]


def right(x, w, b, *, stride, pad):
    return ops.conv2d(x, w, b, stride=stride, pad=pad)[0]


def step_of(state: State, conv2d=right) -> Step:
    return compute(state, ask(state, conv2d))


def parsed(scene: Scene) -> ElementTree.Element:
    return ElementTree.fromstring(scene.svg())


def words(svg: ElementTree.Element, css: str) -> list[str]:
    return [element.text or "" for element in svg.iter(f"{SVG}text") if element.get("class") == css]


# ---- the steps -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", FITTING, ids=str)
def test_the_sums_are_those_of_the_reference(state: State) -> None:
    step = step_of(state)
    expected = right(state.x[None, None], state.w[None, None], np.zeros(1), stride=state.stride, pad=state.pad)[0, 0]
    np.testing.assert_allclose(step.sums, expected, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(step.answer.y, expected)
    assert step.windows == expected.size


def test_a_turned_kernel_makes_it_the_convolution_of_eecs_545() -> None:
    state = State("3×3 of EECS 545", "2×2 of EECS 545", turned=True)
    assert step_of(state).sums.tolist() == [[45, 110], [40, 40]]
    assert step_of(State("3×3 of EECS 545", "2×2 of EECS 545")).sums.tolist() == [[70, 30], [10, 40]]
    assert step_of(State()).sums.tolist() == [[4, 3, 4], [2, 4, 3], [2, 3, 4]]


def test_a_window_that_does_not_fit_is_explained_with_the_lecture_s_arithmetic() -> None:
    step = step_of(State("7×7 box", "left–right", stride=3))
    assert step.windows == 0 and step.sums is None
    assert "(7 − 3)/3 + 1 = 2.33" in step.misfit
    assert step.answer.problem == "Your conv2d refuses it too ✓"
    rounding = ask(step.state, lambda x, w, b, *, stride, pad: np.zeros((1, 1, 2, 2)))
    assert rounding.problem == "Your conv2d returned shape (1, 1, 2, 2); an error would fit."


def test_a_window_beyond_the_last_is_the_last() -> None:
    assert step_of(State(window=1000)).place == (2, 2)
    assert step_of(State("4×7 edge", "1×3 sum", window=6)).place == (1, 1), "row by row"


# ---- what a student's function may do ---------------------------------------------------------------------------


def stub(x, w, b, *, stride, pad):
    raise NotImplementedError("conv2d")


def broken(x, w, b, *, stride, pad):
    raise IndexError('index 5 is out of bounds for <axis> & "more" ' + "on and on " * 40)


MISBEHAVIOUR = {
    "unwritten": (stub, "Your conv2d is not written yet."),
    "raises": (broken, "Your conv2d raised IndexError: index 5"),
    "no keywords": (lambda x, w, b: x, "Your conv2d raised TypeError"),
    "nothing": (lambda x, w, b, *, stride, pad: None, "returned a NoneType; (1, 1, 3, 3) would fit"),
    "a list": (lambda x, w, b, *, stride, pad: [[1]], "returned a list; (1, 1, 3, 3) would fit"),
    "a shape": (lambda x, w, b, *, stride, pad: x, "returned shape (1, 1, 5, 5); (1, 1, 3, 3) would fit"),
    "one picture": (lambda x, w, b, **_: np.ones((3, 3)), "returned shape (3, 3); (1, 1, 3, 3) would fit"),
    "objects": (lambda x, w, b, **_: np.full((1, 1, 3, 3), None), "returned an array of object; numbers would fit"),
    "an empty tuple": (lambda x, w, b, **_: (), "returned a tuple"),
}


@pytest.mark.parametrize("name", MISBEHAVIOUR)
def test_what_a_function_does_wrong_is_said_in_the_picture(name: str) -> None:
    conv2d, message = MISBEHAVIOUR[name]
    step = step_of(State(), conv2d)
    assert step.answer.y is None and message in step.answer.problem
    scene = convolution.draw(step)
    svg = parsed(scene)
    assert message[:40] in " ".join(words(svg, "problem"))
    assert words(svg, "sum") == ["4"], "the sum is shown all the same"
    assert words(svg, "answer") == []
    assert message in scene.label
    assert scene.png().startswith(b"\x89PNG")


def test_a_cache_may_come_along_and_inputs_may_be_spoilt() -> None:
    def spoils(x, w, b, *, stride, pad):
        y, cache = ops.conv2d(x.copy(), w.copy(), b, stride=stride, pad=pad)
        x[...], w[...] = 7, 7
        return y, cache

    before = PICTURES["5×5 of SYSU"].copy()
    for _ in range(2):
        assert step_of(State(), spoils).answer.y.tolist() == [[4, 3, 4], [2, 4, 3], [2, 3, 4]]
    np.testing.assert_array_equal(PICTURES["5×5 of SYSU"], before)


def off_by_one(x, w, b, *, stride, pad):
    y = right(x, w, b, stride=stride, pad=pad)
    y[..., 1] += 1
    return y


def test_a_wrong_number_is_marked_once_the_window_has_reached_it() -> None:
    for window, wrong in [(0, 0), (1, 1), (3, 1), (4, 2), (8, 3)]:
        svg = parsed(convolution.draw(step_of(State(window=window), off_by_one)))
        assert len(svg.findall(f"{SVG}rect[@class='wrong']")) == wrong
        problem = " ".join(words(svg, "problem"))
        assert problem == (
            f"{wrong} of {window + 1} so far are not the sum of their products (dashed)." if wrong else ""
        )
    assert words(parsed(convolution.draw(step_of(State(window=1), off_by_one))), "answer") == ["4"]
    assert words(parsed(convolution.draw(step_of(State(window=1), off_by_one))), "sum") == ["3"]


def test_nan_and_infinity_are_shown_and_wrong() -> None:
    step = step_of(
        State(window=8), lambda x, w, b, **_: np.array([np.nan, np.inf] + [0] * 7, float).reshape(1, 1, 3, 3)
    )
    shown = [element.text for element in parsed(convolution.draw(step)).iter(f"{SVG}text")]
    assert "nan" in shown and "inf" in shown


# ---- the picture ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", TELLING, ids=str)
def test_the_picture_tells_its_state(state: State) -> None:
    step = step_of(state)
    scene = convolution.draw(step)
    svg = parsed(scene)
    assert svg.get("role") == "img" and svg.get("aria-label") == scene.label
    assert svg.get("data-demo") == "convolution" and svg.get("data-windows") == str(step.windows)
    products = [float(text.replace("−", "-")) for text in words(svg, "product")]
    if not step.windows:
        assert products == [] and step.misfit in scene.label
        return
    row, column = step.place
    assert (svg.get("data-row"), svg.get("data-column")) == (str(row), str(column))
    assert products == step.products[row, column].ravel().tolist()
    assert [float(text.replace("−", "-")) for text in words(svg, "sum")] == [step.sums[row, column]]
    assert words(svg, "sum") == words(svg, "answer")
    assert f"sum to {words(svg, 'sum')[0]}" in scene.label


@pytest.mark.parametrize("state", TELLING, ids=str)
@pytest.mark.parametrize("conv2d", [right, broken, off_by_one], ids=["right", "broken", "wrong"])
def test_no_text_leaves_the_picture_or_lies_on_another(state: State, conv2d, legible) -> None:
    legible(convolution.draw(step_of(state, conv2d)).figure())


# ---- alive ----------------------------------------------------------------------------------------------------------


def controls(live) -> dict[str, object]:
    rows = live.widget.children[:-1]
    return {control.description: control for row in rows for control in row.children}


def shown(live) -> ElementTree.Element:
    html = live.widget.children[-1].value
    return ElementTree.fromstring(html[html.index("<svg") :])


def test_the_picture_follows_the_controls_and_asks_once_for_each_setting() -> None:
    calls = []

    def counted(x, w, b, *, stride, pad):
        calls.append((stride, pad))
        return right(x, w, b, stride=stride, pad=pad)

    live = convolution.demo(counted)
    control = controls(live)
    assert words(shown(live), "sum") == ["4"] and calls == [(1, 0)]
    for window, total in [(1, "3"), (3, "2"), (8, "4")]:
        control["window"].value = window
        assert words(shown(live), "sum") == [total]
    assert calls == [(1, 0)], "the window does not change the answer"
    control["pad"].value = 1
    assert shown(live).get("data-windows") == "25" and control["window"].max == 24
    control["stride"].value = 2
    assert shown(live).get("data-windows") == "9" and control["window"].max == 8
    control["kernel"].value, control["used"].value = "2×2 of EECS 545", True
    assert shown(live).get("data-windows") == "0", "(5 + 2 − 2)/2 is not whole"
    window = control["window"]
    assert window.value == 0 < window.max and window.disabled, "from 0 to 0 the handle would stand at the right end"
    control["stride"].value = 1
    assert shown(live).get("data-windows") == "36" and window.max == 35 and not window.disabled


def test_an_error_in_a_callback_is_shown_and_the_demo_goes_on() -> None:
    live = convolution.demo(lambda x, w, b, *, stride, pad: 1 / 0 if pad else right(x, w, b, stride=stride, pad=pad))
    controls(live)["pad"].value = 1
    assert "ZeroDivisionError" in " ".join(words(shown(live), "problem"))
    controls(live)["pad"].value = 0
    assert words(shown(live), "answer") == ["4"]


def test_callbacks_from_several_threads_leave_a_picture_of_the_final_state() -> None:
    live = convolution.demo(right)
    control = controls(live)

    def move(places: range) -> None:
        for place in places:
            control["window"].value = place

    threads = [threading.Thread(target=move, args=(range(start, 9, 2),)) for start in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    row, column = divmod(control["window"].value, 3)
    assert (shown(live).get("data-row"), shown(live).get("data-column")) == (str(row), str(column))


def test_every_control_can_be_found_and_moved_by_keyboard() -> None:
    live = convolution.demo(right)
    kinds = {name: type(control).__name__ for name, control in controls(live).items()}
    # JupyterLab keeps the arrow keys from other kinds
    assert set(kinds.values()) == {"IntSlider", "ToggleButtons"}
    for name, control in controls(live).items():
        assert f"demo-convolution-{name}" in control._dom_classes
    assert "demo-convolution" in live.widget._dom_classes
