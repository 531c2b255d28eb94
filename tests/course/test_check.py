"""What a student sees of a check, from the first line to the last."""

import json
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from course.check import Check
from course.check.report import MIME

Array = np.ndarray[Any, Any]


def conv2d(x: Array, w: Array, b: Array, *, stride: int = 1, pad: int = 0) -> tuple[Array, tuple[Array, Array]]:
    """A reference with a cache."""
    x = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    n, c, h, width = x.shape
    k, channels, fh, fw = w.shape
    if channels != c:
        raise ValueError(f"w has {channels} channels, x has {c}")
    oh, ow = (h - fh) // stride + 1, (width - fw) // stride + 1
    y = np.empty((n, k, oh, ow), x.dtype)
    for i in range(oh):
        for j in range(ow):
            window = x[:, :, i * stride : i * stride + fh, j * stride : j * stride + fw]
            y[:, :, i, j] = np.tensordot(window, w, ((1, 2, 3), (1, 2, 3))) + b
    return y, (x, w)


def of_conv2d(function: Any, **kwargs: Any) -> Check:
    check = Check("conv2d", function, conv2d, returns="y (N, K, OH, OW)", **kwargs)
    x, w, b = check.normal(2, 3, 7, 8), check.normal(4, 3, 3, 2), check.normal(4)
    check("stride 1", x, w, b)
    check("stride 2, padding 1", x, w, b, stride=2, pad=1)
    check.raises("channels that do not fit", ValueError, x, w[:, :2], b)
    return check


@pytest.fixture
def shown(capsys: pytest.CaptureFixture[str]) -> Callable[[Check], tuple[float, str]]:
    """The score of a check and the report that a student without a notebook sees."""

    def score(check: Check, points: float | None = None) -> tuple[float, str]:
        value = check.score(points)
        return value, capsys.readouterr().out

    return score


Shown = Callable[..., tuple[float, str]]


@pytest.mark.parametrize(
    "answer",
    [conv2d, lambda *a, **k: conv2d(*a, **k)[0], lambda *a, **k: (conv2d(*a, **k)[0], object())],
    ids=["with the reference's cache", "without a cache", "with a cache of one's own"],
)
def test_a_right_answer_earns_every_point(answer: Any, shown: Shown) -> None:
    score, report = shown(of_conv2d(answer))
    assert type(score) is float
    assert score == 3.0
    assert report.splitlines()[0] == "conv2d: 3 of 3 points"
    assert "✗" not in report


def forgets_to_return(x: Array, w: Array, b: Array, **how: int) -> None:
    y = [conv2d(x, w, b, **how) for _ in range(1)]
    y.sort(key=lambda pair: len(pair))


def returns_too_late(x: Array, w: Array, b: Array, **how: int) -> Any:
    if x.ndim == 5:
        return conv2d(x, w, b, **how)
    return None


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda x, w, b, **k: conv2d(x, w[..., ::-1, ::-1], b, **k), r"y\[0, 0, 0, 0\] is \S+, should be \S+; 280 of"),
        (lambda x, w, b, **k: conv2d(x, w, 0 * b, **k), r"along axis 1 \(K\) each part is off by one constant"),
        (lambda x, w, b, **k: conv2d(x, w, 1.01 * b, **k), r"wrong \(all\), the largest relative error is"),
        (lambda x, w, b, stride=1, **k: conv2d(x, w, b, **k), r"axis 2 \(OH\): 7, should be 4; axis 3 \(OW\): 9"),
        (lambda x, w, b, **k: conv2d(x, w, b, **k)[0].swapaxes(2, 3), r"the right sizes in another order"),
        (lambda x, w, b, **k: conv2d(x, w, b, **k)[0][0], r"y has shape \(4, 5, 7\), should have .* \(N, K, OH, OW\)"),
        (lambda x, w, b, **k: None, r"y is None, should be an array"),
        (forgets_to_return, r"y is None \(is there a `return`\?\), should be an array"),
        (returns_too_late, r"y is None, should be an array"),
        (lambda x, w, b, **k: 3, r"y is a number, should be an array of shape \(2, 4, 5, 7\), float64"),
        (lambda x, w, b, **k: conv2d(x, w, b, **k)[0].tolist(), r"y is a list of 2, should be an array"),
        (lambda x, w, b, **k: conv2d(x, w, b, **k)[0].astype("f4"), r"dtype float32, should have float64; the values"),
        (lambda x, w, b, **k: np.log(conv2d(x, w, b, **k)[0]), r"\d+ elements are NaN"),
        (lambda x, w, b, **k: np.log(conv2d(x, w, b, **k)[0]), r"NumPy warned: RuntimeWarning: invalid value"),
        (lambda x, w, b: conv2d(x, w, b), r"TypeError: .* unexpected keyword argument 'stride'"),
        (5, r"conv2d is an int, should be a function"),
        (lambda x, w, b, **k: [1][7], r"IndexError: list index out of range"),
    ],
)  # fmt: skip
def test_a_wrong_answer_is_told_what_differs(wrong: Any, says: str, shown: Shown) -> None:
    score, report = shown(of_conv2d(wrong))
    assert score < 3
    assert re.search(says, report)
    assert "Traceback" not in report
    assert len(report.splitlines()) <= 24, "one screen"


def test_one_failed_case_does_not_hide_the_others(shown: Shown) -> None:
    score, report = shown(of_conv2d(lambda x, w, b, **k: conv2d(x, w, b)))
    assert score == 2
    assert [line[:4] for line in report.splitlines() if line[2:3] in "✓✗"] == ["  ✓ ", "  ✗ ", "  ✓ "]


def test_an_exception_is_shown_with_the_students_line(shown: Shown) -> None:
    def helper(x: Array) -> Any:
        return np.linalg.inv(x[0])  # fails deep inside NumPy

    def mine(x: Array, w: Array, b: Array, **_: Any) -> Any:
        return helper(x)

    _, report = shown(of_conv2d(mine))
    assert "LinAlgError: Last 2 dimensions of the array must be square" in report
    assert "in helper, line " in report
    assert "return np.linalg.inv(x[0]) # fails deep inside NumPy" in report


def test_an_exception_from_the_box_is_shown_with_the_line_that_came_with_it(shown: Shown) -> None:
    def proxy(*_: Any, **__: Any) -> None:
        error = ZeroDivisionError("division by zero")
        error.student_tb = '  File "<cell>", line 3, in conv2d\n    return 1 / 0\n'  # type: ignore[attr-defined]
        raise error

    _, report = shown(of_conv2d(proxy))
    assert "in conv2d, line 3: return 1 / 0" in report


def test_an_argument_changed_in_place_is_named(shown: Shown) -> None:
    def mine(x: Array, w: Array, b: Array, **k: Any) -> Any:
        y = conv2d(x, w, b, **k)
        w *= 2
        return y

    score, report = shown(of_conv2d(mine))
    assert score == 2, "one mistake costs one case"
    assert report.count("the answer is right, but w was changed in place: work on a copy") == 1
    assert "✓ stride 2, padding 1\n      w was changed in place here too, which costs only once" in report


def test_the_cases_do_not_see_each_others_changes(shown: Shown) -> None:
    def mine(x: Array, w: Array, b: Array, **k: Any) -> Any:
        y = conv2d(x, w, b, **k)[0]
        x[:] = 0
        return y

    _, report = shown(of_conv2d(mine))
    assert "the answer is right, but x was changed in place" in report, "of the second case, drawn anew, too"
    assert "x was changed in place here too" in report


def test_an_untouched_exercise_is_not_written_yet(shown: Shown) -> None:
    def stub(*_: Any, **__: Any) -> None:
        raise NotImplementedError("conv2d")

    with pytest.raises(NotImplementedError, match=r"^conv2d: not written yet$") as raised:
        of_conv2d(stub).score()
    assert type(raised.value) is NotImplementedError
    assert raised.value._render_traceback_() == ["NotImplementedError: conv2d: not written yet"]  # type: ignore[attr-defined]


def test_an_exercise_half_written_earns_its_half(shown: Shown) -> None:
    def half(x: Array, w: Array, b: Array, stride: int = 1, pad: int = 0) -> Any:
        if stride > 1:
            raise NotImplementedError
        return conv2d(x, w, b)

    score, report = shown(of_conv2d(half))
    assert score == 2
    assert "… stride 2, padding 1   not written yet" in report


def test_points_are_spread_over_the_cases_by_weight(shown: Shown) -> None:
    check = Check("half", lambda x: x if x > 0 else 0.0, lambda x: x)
    check("positive", 2.0, points=3)
    check("negative", -2.0)
    assert shown(check, points=10)[0] == 7.5


def test_full_points_are_exact(shown: Shown) -> None:
    check = Check("same", lambda x: x, lambda x: x)
    for i in range(7):
        check(f"case {i}", i)
    assert shown(check, points=6)[0] == 6.0


def test_a_hint_is_shown_where_it_helps(shown: Shown) -> None:
    check = Check("double", lambda x: x * x, lambda x: 2 * x)
    check("two", 2, hint="never seen")
    check("three", 3, hint="add it to itself")
    report = shown(check)[1]
    assert "Hint: add it to itself" in report
    assert "never seen" not in report


def test_equal_holds_and_raises(shown: Shown) -> None:
    check = Check("odds", lambda: 1 / 0)
    check.equal("a value", 5, 5)
    check.equal("an array", np.arange(3), np.array([0, 1, 3]))
    check.equal("an error", lambda: {}["missing"], 1)
    check.holds("true", np.bool_(True))
    check.holds("false", lambda: 2 > 3, "2 should be larger")
    check.holds("not a truth value", 7, "a number is no truth")
    check.raises("divides", ZeroDivisionError)
    check.raises("another error", KeyError)
    score, report = shown(check)
    assert score == 3
    for said in (
        "element [2] is 2, should be 3", "KeyError: 'missing'", "2 should be larger", "a number is no truth",
        "ZeroDivisionError: division by zero (should raise KeyError)",
    ):  # fmt: skip
        assert said in report


def test_a_function_that_only_raises_earns_nothing(shown: Shown) -> None:
    def refuse(x: object) -> None:
        raise ValueError("no")

    for function, points in ((refuse, 0), (lambda x: 2 * x if x > 0 else refuse(x), 2)):
        check = Check("double", function, lambda x: 2 * x)
        check("two", 2)
        check.raises("a bad size", ValueError, -1)
        score, report = shown(check)
        assert score == points
        assert ("counts only once some other case is right" in report) == (points == 0)


def test_nothing_returned_is_no_error_raised(shown: Shown) -> None:
    check = Check("refuse", lambda x: x)
    check.raises("a bad size", ValueError, -1)
    assert "returned -1, should raise ValueError" in shown(check)[1]


def test_a_subclass_of_array_is_not_believed(shown: Shown) -> None:
    class Liar(np.ndarray):
        def __eq__(self, other: object) -> Any:
            return True

        def __array_ufunc__(self, *args: Any, **kwargs: Any) -> Any:
            return np.zeros(3)

    check = Check("lie", lambda x: x.view(Liar), lambda x: x + 1)
    check("an array", check.normal(3))
    score, report = shown(check)
    assert score == 0
    assert "the answer is an object of type Liar, not a plain array, should be an array of shape (3,)" in report


class Hostile:
    """An object all of whose special methods fail."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)

    __eq__ = __hash__ = __repr__ = __str__ = __len__ = __bool__ = __array__ = __iter__ = __float__ = __getattr__  # type: ignore[assignment]


def in_an_array(thing: Any) -> Array:
    array = np.empty(1, object)
    array[0] = thing
    return array


def in_a_set_of_keys(thing: Any) -> dict[Any, Any]:
    class Key(Hostile):
        __hash__ = object.__hash__

    return {"a": thing, Key(): 1}


@pytest.mark.parametrize(
    "wrap", [lambda h: h, lambda h: [h], lambda h: (h, 1), lambda h: {"a": h}, in_a_set_of_keys, in_an_array]
)
@pytest.mark.parametrize("expected", [1, 1.5, "a", [1], {"a": 1}, np.zeros(3), (np.zeros(2), np.zeros(2))])
def test_no_answer_makes_the_check_fail(wrap: Any, expected: Any, shown: Shown) -> None:
    answer = wrap(Hostile())
    check = Check("hostile", lambda: answer, lambda: expected)
    check("any")
    assert shown(check)[0] == 0


def test_an_error_that_cannot_be_printed_is_still_an_error(shown: Shown) -> None:
    class Unprintable(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    def mine() -> None:
        raise Unprintable

    check = Check("bad", mine, lambda: 1)
    check("any")
    assert "Unprintable" in shown(check)[1]


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, GeneratorExit, type("Mine", (BaseException,), {})])
def test_no_exception_leaves_the_check(error: type[BaseException], shown: Shown) -> None:
    def mine() -> None:
        raise error

    check = Check("leave", mine, lambda: 1)
    check("any")
    assert shown(check)[0] == 0


def test_numpy_set_to_raise_does_not_break_the_comparison(shown: Shown) -> None:
    before = np.seterr(all="raise")
    try:
        check = Check("tiny", lambda x: x * 0, lambda x: x)
        check("an array", np.array([1e-300, np.inf, 1e300]))
        assert shown(check)[0] == 0
    finally:
        np.seterr(**before)


def test_the_report_escapes_what_the_student_wrote() -> None:
    shown: list[dict[str, Any]] = []
    namespace: dict[str, Any] = {"__grading__": {"seed": None, "records": None, "display": shown.append}}
    exec(
        "from course.check import Check\n"
        "def f(): raise ValueError('<script>alert(1)</script>\\x1b[31m')\n"
        "check = Check('<b>', f, lambda: 1)\n"
        "check('<i>')\n"
        "score = check.score()",
        namespace,
    )
    (bundle,) = shown
    assert set(bundle) == {"text/plain", "text/html", MIME}
    assert "&lt;script&gt;" in bundle["text/html"]
    for tag in ("<script", "<b>", "<i>"):
        assert tag not in bundle["text/html"]
    assert "\x1b" not in bundle["text/plain"]


def graded(cell: str, **grading: Any) -> tuple[Any, dict[str, Any]]:
    """Run a test cell as the grader does; gives its last name `score` and the report as data."""
    shown: list[dict[str, Any]] = []
    namespace = {"__grading__": {"seed": 7, "records": None, "display": shown.append, **grading}, "np": np}
    exec(f"from course.check import Check\n{cell}", namespace)
    return namespace["score"], shown[0]


HIDDEN = """
check = Check("double", lambda x: 3 * x, lambda x: 2 * x)
check("seen", check.normal(2))
check.hide()
check("hidden", check.normal(3) + 1000)
score = check.score()
"""


def test_a_hidden_case_shows_label_and_verdict_only() -> None:
    score, bundle = graded(HIDDEN)
    assert score == 0
    seen, hidden = bundle[MIME]["cases"]
    assert "difference" in seen
    assert hidden == {"label": "hidden", "verdict": "wrong", "points": 1, "hidden": True}
    for text in (bundle["text/plain"], bundle["text/html"], json.dumps(bundle[MIME])):
        assert "hidden" in text
        assert not re.search(r"\b[123]\d{3}\.", text), "a value of about 1000, 2000 or 3000"


def test_hidden_tests_do_not_move_the_draws_of_the_visible_ones() -> None:
    def draws(hide: bool) -> Any:
        check = Check("order", None)
        first = check.normal(2)
        if hide:
            check.hide()
        return first, check.normal(3)

    (one, after), (same, hidden) = draws(False), draws(True)
    assert (one == same).all()
    assert not np.isclose(after, hidden).any()


def test_the_seed_of_a_grading_run_moves_the_draws_and_repeats_them() -> None:
    cell = "check = Check('x', lambda x: x, lambda x: 2 * x)\ncheck('a', check.normal())\nscore = check.score()"
    values = [graded(cell, seed=seed)[1][MIME]["cases"][0]["difference"]["expected"] for seed in (1, 1, 2, None)]
    assert values[0] == values[1]
    assert len(set(values)) == 3


def test_the_data_of_a_report_is_json_even_with_nan() -> None:
    cell = "check = Check('x', lambda: float('nan'), lambda: 1.0)\ncheck('a')\nscore = check.score()"
    _, bundle = graded(cell)
    text = json.dumps(bundle[MIME], allow_nan=False)
    assert json.loads(text)["cases"][0]["difference"]["got"] == "nan"


def test_what_an_instructor_gets_wrong_is_an_error_at_once() -> None:
    check = Check("mine", lambda: 1)
    with pytest.raises(TypeError, match="has no reference"):
        check("no reference")
    with pytest.raises(ValueError, match="has no case"):
        check.score()
    check.equal("twice", 1, 1)
    with pytest.raises(ValueError, match="two cases called 'twice'"):
        check.equal("twice", 1, 1)
    with pytest.raises(TypeError, match="plain data only"):
        check.equal("an object", 1, object())
