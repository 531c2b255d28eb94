"""In a real kernel: a check says so when an exercise's cell was changed and not run again, or never run."""

import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from jupyter_client.manager import start_new_kernel

CHECK = """from course.check import Check
check = Check("double", double, lambda x: 2 * x)
check("seven", 7)
check.score()"""
HOLDS = """from course.check import Check
check = Check("size")
check.equal("size", size, 5)
check.score()"""
NOT_RUN = "What was run is not what now stands in the exercise's cell."

Run = Callable[[str], str]
Save = Callable[..., None]


@pytest.fixture
def save(tmp_path: Path) -> Save:
    """Save the notebook with this text in its cells of exercises, `later` seconds from now."""

    def save(later: float = 1.0, **texts: str) -> None:
        marks = {name: {"nbgrader": {"grade_id": name}} for name in texts}
        cells = [
            {"cell_type": "code", "metadata": marks[name], "source": text.splitlines(keepends=True)}
            for name, text in texts.items()
        ]
        file = tmp_path / "05 convolution.ipynb"
        file.write_text(json.dumps({"cells": cells}), encoding="utf-8")
        os.utime(file, (time.time() + later,) * 2)

    return save


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """Run a cell in a fresh kernel beside the notebook, as Jupyter's server starts it; gives what was shown."""
    environment = os.environ | {"JPY_SESSION_NAME": "somewhere/05 convolution.ipynb"}
    manager, client = start_new_kernel(60, "python3", cwd=tmp_path, env=environment)

    def run(cell: str) -> str:
        shown: list[str] = []

        def collect(message: dict) -> None:  # type: ignore[type-arg]
            content = message["content"]
            said = content.get("text") or content.get("data", {}).get("text/plain")
            shown.append(said or "\n".join(content.get("traceback", [])))

        client.execute_interactive(cell, timeout=60, output_hook=collect)
        return "\n".join(shown)

    yield run
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def test_an_exercise_that_was_changed_and_not_run_again(run: Run, save: Save) -> None:
    first, second = "def double(x):\n    return x", "def double(x):\n    return x + x"
    run(first)
    save(double=first)
    assert NOT_RUN not in run(CHECK), "what was run is what was saved"
    save(later=-3600, double=second)
    assert NOT_RUN not in run(CHECK), "saved before it was run: then changed again and run, not yet saved"
    save(double=second)
    assert run(CHECK).lstrip().startswith(f"double: 0 of 1 point\n  {NOT_RUN}")
    run(second)
    assert NOT_RUN not in run(CHECK)
    save(double=first)
    assert NOT_RUN in run(CHECK), "an older text again, now that watching has begun"
    run("double(3)")
    assert NOT_RUN in run(CHECK), "another cell changes nothing"
    save(another=first)
    assert NOT_RUN not in run(CHECK), "no such exercise"


def test_a_check_that_is_run_first_says_what_to_run(run: Run) -> None:
    says = "has no value yet. Run the cell above that defines it (Shift+Enter), then this check again."
    assert f"size {says}" in run(HOLDS)
    assert f"double {says}" in run(CHECK)
    assert "has no value yet" not in run("size")
    run("size = ...")
    assert "has no value yet" not in run(HOLDS)


def test_a_name_that_only_the_exercise_itself_misses(run: Run, save: Save) -> None:
    double = "def double(x):\n    return twice * x"
    save(twice="twice = 2", double=double)
    run(double)
    assert "twice has no value yet. Run the cell above that defines it (Shift+Enter)" in run(CHECK)
    run(double.replace("twice", "twcie"))
    assert "NameError: name 'twcie' is not defined" in run(CHECK)


def test_an_earlier_definition_is_called_so(run: Run, save: Save) -> None:
    right, broken = "def double(x):\n    return x + x", "def double(x):\n    return (x + x"
    says = "The last run of the exercise's cell failed: this is its earlier definition."
    run(right)
    assert "failed" not in run(CHECK)
    assert "SyntaxError" in run(broken)
    assert says in run(CHECK), "nothing was saved"
    save(double=broken)
    assert run(CHECK).lstrip().startswith(f"double: 1 of 1 point\n  {says}")
    run("%time 3 + 4")
    assert says in run(CHECK), "another cell changes nothing"
    save(double=right)
    assert NOT_RUN in run(CHECK)
    run(right)
    assert "failed" not in run(CHECK)


@pytest.mark.parametrize(
    ("double", "uses"),
    [
        ("from course import ops\ndef double(x): return ops.relu and x + x", True),
        ("from course.ops import relu\ndef double(x): return [relu and y + y for y in [x]][0]", True),
        ("def double(x):\n    from course import ops\n    return ops.relu and x + x", True),
        ("def double(x):\n    import course.ops as o\n    return o.relu and x + x", True),
        ("from course import ops\ndef relu(x): return x\ndef double(x): return relu and x + x", False),
        ("double = lambda x: x + x", False),
    ],
)
def test_the_courses_own_functions_are_told_not_to_be_there_when_graded(run: Run, double: str, uses: bool) -> None:
    run(double)
    shown = run(CHECK)
    assert "1 of 1 point" in shown
    assert ("double uses course.ops, which is not there when it is graded" in shown) is uses


def test_a_stub_that_the_library_calls_is_told_in_one_line(run: Run) -> None:
    run("from course.check import Check\ndef f(x):\n    raise NotImplementedError")
    run("from course.gradcheck import numerical_gradient\nimport numpy as np\nx = np.ones(2)")
    assert run("numerical_gradient(f, x)").strip() == "NotImplementedError: f is not written yet"
    run("class Gate:\n    def forward(self, x):\n        raise NotImplementedError")
    assert "NotImplementedError: Gate.forward is not written yet" in run("Gate().forward(1)")
    assert "not written yet" not in run("raise NotImplementedError")
    assert "the reason" in run("def g(x): raise NotImplementedError('the reason')\nnumerical_gradient(g, x)")
    assert "NotImplementedError: double: not written yet" in run(CHECK.replace("double, lambda", "f, lambda"))
    assert "ZeroDivisionError" in run("1 / 0")


def test_the_points_are_not_shown_once_more_below_the_report(run: Run) -> None:
    run("size = 5")
    assert run(HOLDS).strip() == "size: 1 of 1 point\n  ✓ a size".replace("a size", "size")
    assert "1.0" in run("print(_)"), "the value is there all the same"
    run("import os; del os.environ['JPY_SESSION_NAME']")
    assert run(HOLDS).strip().endswith("1.0"), "what runs the notebook by itself reads the points"


@pytest.mark.parametrize("damage", ["", "[]", "{not json", '{"cells": [1]}', '{"cells": [{}]}'])
def test_a_damaged_notebook_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str) -> None:
    from types import SimpleNamespace

    from course.check import desk

    shell = SimpleNamespace(history_manager=SimpleNamespace(input_hist_raw=["double = 1"]))
    monkeypatch.setattr(desk, "_shell", lambda: shell)
    monkeypatch.setattr(desk, "_began", 1.0)
    monkeypatch.setenv("JPY_SESSION_NAME", "05.ipynb")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "05.ipynb").write_text(damage, encoding="utf-8")
    assert desk.changed("double") == ""
    cells = [{"cell_type": "code", "metadata": {"nbgrader": {"grade_id": "double"}}, "source": "double = 2"}]
    (tmp_path / "05.ipynb").write_text(json.dumps({"cells": cells}), encoding="utf-8")
    assert desk.changed("double").startswith(NOT_RUN)
