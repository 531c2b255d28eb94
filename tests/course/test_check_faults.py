"""What a student reads of an error, and of an answer of the wrong form, in cells as a notebook runs them."""

import linecache
from typing import Any

import numpy as np
import pytest

from course.check import Check, desk

WRAPPER = """
from course.check import Check

def student(wanted, x):
    answer = split(x)
    if type(answer) is not tuple or len(answer) != 2:
        raise TypeError("split returns two values: low, grads")
    return answer[0] if wanted == "low" else answer[1]["w1"]

def reference(wanted, x):
    return x.min() if wanted == "low" else x * 2

check = Check("split", student, reference)
x = check.normal(3)
for wanted in ("low", "w1"):
    check(wanted, wanted, x)
"""


def run(capsys: pytest.CaptureFixture[str], *cells: str) -> str:
    """Run cells in one namespace, each in a file of its own, and show the last `check`."""
    namespace: dict[str, Any] = {"np": np, "__name__": "__main__"}
    for i, cell in enumerate(cells):
        name = f"<cell {i} {hash(cells)}>"
        linecache.cache[name] = len(cell), None, cell.splitlines(keepends=True), name
        exec(compile(cell, name, "exec"), namespace)
    namespace["check"].score()
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("return [x.min(), {}]", "split returns two values: low, grads; yours returned a list of 2\n"),
        ("return x.min()", "split returns two values: low, grads; yours returned"),
        ("return x, x, {}", "yours returned (array (3,), array (3,), dict of 0)\n"),
        ("return", "yours returned None\n"),
    ],
)
def test_the_line_of_the_checks_own_function_is_not_the_students(
    capsys: pytest.CaptureFixture[str], body: str, says: str
) -> None:
    shown = run(capsys, f"def split(x):\n    {body}", WRAPPER)
    assert says in shown
    assert "TypeError" not in shown
    assert "line" not in shown


def test_the_students_own_line_is_still_shown(capsys: pytest.CaptureFixture[str]) -> None:
    shown = run(capsys, "def split(x):\n    raise TypeError('mine')", WRAPPER)
    assert "TypeError: mine\n      in split, line 2: raise TypeError('mine')" in shown


def test_a_key_that_is_missing_is_named_with_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    wrapper = WRAPPER.replace("return answer[0] if", "low, grads = answer\n    return low if")
    wrapper = wrapper.replace('answer[1]["w1"]', 'grads["w1"]')
    shown = run(capsys, "def split(x):\n    return x.min(), {'dw1': x, 'b1': x}", wrapper)
    assert "grads has no key 'w1'; its keys are 'dw1', 'b1'\n" in shown
    shown = run(capsys, "def split(x):\n    cache = {}\n    return cache['m']", WRAPPER)
    assert "cache has no key 'm'; it is empty\n      in split, line 3: return cache['m']" in shown


RELU = "def relu(z):\n    return np.maximum(z, 0), z > 0\n"


@pytest.mark.parametrize("use", ["np.array([h, z])", "h * 0.5", "np.exp(-h)", "h.sum()"])
def test_a_tuple_where_an_array_was_meant_is_named(capsys: pytest.CaptureFixture[str], use: str) -> None:
    shown = run(capsys, RELU + f"def split(z):\n    h = relu(z)\n    return {use}", WRAPPER)
    assert "h is a tuple: the function that made it returns more than one value; h, _ = …" in shown


def test_an_array_made_of_pieces_of_different_length(capsys: pytest.CaptureFixture[str]) -> None:
    shown = run(capsys, RELU + "def split(z):\n    h = relu(z)[0], z[:1]\n    return np.array(h)", WRAPPER)
    assert "inhomogeneous" in shown
    assert "h is a tuple" in shown
    shown = run(capsys, "def split(z):\n    return np.array([z, z[:1]])", WRAPPER)
    assert "is a tuple" not in shown


@pytest.mark.parametrize("wrapped", [True, False])
def test_exchanged_values_are_said_to_be(capsys: pytest.CaptureFixture[str], wrapped: bool) -> None:
    def right(x: Any) -> Any:
        return float(x.min()), 2 * x

    def wrong(x: Any) -> Any:
        return right(x)[::-1]

    if wrapped:
        check = Check("split", lambda name, x: wrong(x)[name == "dx"], lambda name, x: right(x)[name == "dx"])
    else:
        check = Check("split", wrong, right, returns="low, dx (N,)")
    x = check.normal(3)
    for name in ("low", "dx"):
        check(name, *([name, x] if wrapped else [x]), **({} if wrapped else {"only": name}))
    check.score()
    assert capsys.readouterr().out.count("low and dx are exchanged") == 2


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda x: [x, 2 * x], "split should return a tuple (y, dx); yours is a list of 2"),
        (lambda x: (x,), "split should return a tuple (y, dx); yours is 1 value"),
        (lambda x: (x, x, x), "split should return a tuple (y, dx); yours is 3 values"),
        (lambda x: x, "split should return a tuple (y, dx); yours is an array of shape (3,), float64"),
        (lambda x: (x, x), "dx[0] is"),
    ],
)
def test_one_value_of_several_by_its_name(capsys: pytest.CaptureFixture[str], answer: Any, says: str) -> None:
    check = Check("split", answer, lambda x: (x, 2 * x), returns="y (N,), dx (N,)")
    x = check.normal(3)
    check("y", x, only="y")
    check("dx", x, only="dx")
    assert check.score() == ("dx[0]" in says)
    assert says in capsys.readouterr().out
    with pytest.raises(TypeError, match="only='dw'"):
        check("dw", x, only="dw")


def test_a_name_whose_cell_was_not_run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk, "is_defined", lambda name: name == "relu")
    says = "relu has no value yet. Run the cell above that defines it (Shift+Enter), then this check again."
    assert says in run(capsys, "def split(x):\n    return relu(x)", WRAPPER)
    assert "has no value yet" not in run(capsys, "def split(x):\n    return rleu(x)", WRAPPER)


@pytest.mark.parametrize(
    ("check", "called"),
    [
        ("Check('twice', twice, lambda x: 2 * x)", True),
        ("Check('twice', lambda x: twice(x), lambda x: 2 * x)", False),
        ("Check('twice', partial(twice), lambda x: 2 * x)", False),
    ],
)
def test_only_a_call_that_the_student_can_type_is_shown(
    capsys: pytest.CaptureFixture[str], check: str, called: bool
) -> None:
    cell = f"from functools import partial\nfrom course.check import Check\ncheck = {check}\ncheck('seven', 7)"
    shown = run(capsys, "def twice(x):\n    return x", cell)
    assert "seven is" not in shown and "the answer is 7, should be 14" in shown
    assert ("called as twice(7)" in shown) is called


class InTheBox(ModuleNotFoundError):
    student_tb = (
        'File "<ipython-input-7-4991>", line 2, in g\n    from course import ops\n'
        'File "/opt/box/course/__init__.py", line 34, in __getattr__\n    return import_module(name)\n'
        'File "/usr/lib/python3.11/importlib/__init__.py", line 126, in import_module\n    return _gcd_import(name)'
    )


def test_a_module_that_the_box_does_not_hold_is_named_with_the_students_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def f(x: float) -> float:
        raise InTheBox("No module named 'course.ops'")

    check = Check("f", f, lambda x: x)
    check("one", 1.0)
    check.score()
    shown = capsys.readouterr().out
    assert "course.ops is not there when graded: write it with NumPy\n" in shown
    assert "in g, line 2: from course import ops" in shown
    assert "import_module" not in shown
