"""What Jupyter knows of how cells were run: whether an exercise has changed since, or was never run at all.

A kernel sees what is run, not what is typed. What was typed it finds in the notebook's file, as it was last saved.
Outside Jupyter nothing is known, and nothing said.
"""

import ast
import json
import os
import re
import sys
import time
import traceback
from pathlib import Path
from types import CodeType, FunctionType, ModuleType, TracebackType
from typing import Any

__all__ = ["changed", "is_defined", "no_value", "points", "quiet", "uses_reference", "watch"]

_LARGEST = 20_000_000  # bytes of a notebook that is read
_DEFINED = re.compile(r"^(?:def\s+|class\s+)?(\w+)\s*[=(:]", re.MULTILINE)  # also in text that does not parse

_THEN = "(Shift+Enter), then this check again."

_ran: dict[str, float] = {}  # when a text was last run, since watching began
_began = 0.0


def watch() -> None:
    """Note from now on which cells are run; called when checks are imported."""
    global _began
    shell = _shell()
    if shell is not None and not _began:
        _began = time.time()
        shell.events.register("post_run_cell", _note)
        if not shell.custom_exceptions:
            shell.set_custom_exc((NotImplementedError,), _show_unwritten)


def changed(exercise: str) -> str:
    """A sentence if what was run is not what now stands in the exercise's cell; else nothing.

    The cell was changed, and saved, after its text was last run; or Python could not read that text, so that what is
    defined comes from an earlier one.
    """
    shell, file = _shell(), _file()
    if shell is None or not _began:
        return ""
    try:
        saved = file.stat().st_mtime
        typed = next(iter(_sources(file, exercise)), "")
    except OSError:
        saved, typed = 0.0, ""
    names = set(_DEFINED.findall(typed)) if typed else {exercise}
    versions = [text.strip() for text in shell.history_manager.input_hist_raw if names <= set(_DEFINED.findall(text))]
    if not names or not versions:
        return ""
    # what was run before watching began was run before that moment
    if typed and typed != versions[-1] and saved > _ran.get(versions[-1], _began):
        return f"What was run is not what now stands in the exercise's cell. Run that cell {_THEN}"
    if _is_readable(versions[-1]):
        return ""
    return f"The last run of the exercise's cell failed: this is its earlier definition. Mend the cell, run it {_THEN}"


def uses_reference(exercise: str) -> str:
    """A sentence if the exercise's function calls the course's own; else nothing."""
    shell = _shell()
    function = shell.user_ns.get(exercise) if shell is not None else None
    if type(function) is not FunctionType:
        return ""
    names, known = _names(function.__code__), function.__globals__
    values = [known[name] for name in names & known.keys() if type(known[name]) in (ModuleType, FunctionType)]
    homes = [str(getattr(value, "__module__", None) or value.__name__) for value in values]
    inside = "course.ops" in names or {"course", "ops"} <= names  # imported in the function itself
    if inside or any(f"{home}.".startswith("course.ops.") for home in homes):
        return f"{exercise} uses course.ops, which is not there when it is graded: write it with NumPy."
    return ""


def _names(code: CodeType) -> set[str]:
    """The names that a function uses, and those inside it."""
    inner = (_names(constant) for constant in code.co_consts if type(constant) is CodeType)
    return set(code.co_names).union(*inner)


def _is_readable(text: str) -> bool:
    from IPython.core.inputtransformer2 import TransformerManager

    try:
        ast.parse(TransformerManager().transform_cell(text))
    except SyntaxError:
        return False
    return True


def is_defined(name: str) -> bool:
    """Whether a cell of the notebook, as saved, defines a name that this kernel does not know."""
    shell = _shell()
    return (
        shell is not None
        and name not in shell.user_ns
        and any(name in _DEFINED.findall(text) for text in _sources(_file()))
    )


def no_value(name: str) -> str:
    """What to do about a name whose cell was not run."""
    return f"{name} has no value yet. Run the cell above that defines it {_THEN}"


class _Points(float):
    """A number that a notebook does not show: the report above it has said it."""

    def _ipython_display_(self) -> None:
        pass


def points(value: float) -> float:
    """The points as a cell's last value: not shown once more where somebody reads the report."""
    # set by Jupyter's server only: what runs a notebook by itself wants to see the points
    return _Points(value) if _shell() is not None and os.environ.get("JPY_SESSION_NAME") else value


def quiet(error: NotImplementedError) -> NotImplementedError:
    """The same error, of which a notebook shows one line: its traceback would be ours, not the student's."""
    error._render_traceback_ = lambda: [f"NotImplementedError: {error}"]  # type: ignore[attr-defined]
    return error


def _show_unwritten(
    shell: Any, kind: type[BaseException], error: Any, trace: TracebackType | None, tb_offset: int | None = None
) -> None:
    """One line for a stub of the notebook that something called: how the library came to call it tells nothing."""
    *_, (frame, _) = traceback.walk_tb(trace)
    stub = frame.f_code.co_qualname if frame.f_globals is shell.user_ns else "<"
    if not stub.startswith("<") and not error.args and not hasattr(error, "_render_traceback_"):
        error = quiet(NotImplementedError(f"{stub} is not written yet"))
    shell.showtraceback((kind, error, trace), tb_offset=tb_offset)


def _file() -> Path:
    return Path.cwd() / f"{Path(os.environ.get('JPY_SESSION_NAME', '')).stem}.ipynb"  # set by Jupyter's server


def _sources(file: Path, exercise: str | None = None) -> list[str]:
    """The texts of a notebook's code cells, of all or of the one in which an exercise is written; [] if damaged."""
    try:
        cells = json.loads(file.read_text(encoding="utf-8"))["cells"] if file.stat().st_size <= _LARGEST else []
        return [
            "".join(cell["source"]).strip()
            for cell in cells
            if cell["cell_type"] == "code" and exercise in (None, cell["metadata"].get("nbgrader", {}).get("grade_id"))
        ]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):  # somebody else's file, or none
        return []


def _note(result: Any) -> None:
    """After each cell: remember it; if a check met a name that has no value yet, say what to do."""
    text, error = str(result.info.raw_cell), result.error_in_exec
    _ran[text.strip()] = time.time()
    if isinstance(error, NameError) and error.name and "Check(" in text and error.name not in _DEFINED.findall(text):
        print(no_value(error.name))


def _shell() -> Any:
    """The kernel's shell, if this is one."""
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython is not None else None
