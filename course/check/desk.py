"""What Jupyter knows of how cells were run: whether an exercise has changed since, or was never run at all.

A kernel sees what is run, not what is typed. What was typed it finds in the notebook's file, as it was last saved.
Outside Jupyter nothing is known, and nothing said.
"""

import json
import os
import re
import sys
import time
from pathlib import Path
from typing import Any

__all__ = ["changed", "is_defined", "no_value", "points", "quiet", "watch"]

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


def changed(exercise: str) -> str:
    """A sentence if the exercise's cell was changed after its text was last run, and saved so; else nothing."""
    shell, file = _shell(), _file()
    if shell is None or not _began:
        return ""
    try:
        saved = file.stat().st_mtime
        typed = next(iter(_sources(file, exercise)), "")
    except OSError:
        return ""
    names = set(_DEFINED.findall(typed))
    versions = [text.strip() for text in shell.history_manager.input_hist_raw if names <= set(_DEFINED.findall(text))]
    # what was run before watching began was run before that moment
    if not names or not versions or typed == versions[-1] or saved <= _ran.get(versions[-1], _began):
        return ""
    return f"What was run is not what now stands in the exercise's cell. Run that cell {_THEN}"


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
