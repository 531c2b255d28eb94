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

__all__ = ["changed", "watch"]

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
    shell = _shell()
    file = Path.cwd() / f"{Path(os.environ.get('JPY_SESSION_NAME', '')).stem}.ipynb"  # set by Jupyter's server
    if shell is None or not _began:
        return ""
    try:
        saved = file.stat().st_mtime
        typed = _source(json.loads(file.read_text(encoding="utf-8")), exercise) if _is_small(file) else ""
    except (OSError, ValueError, KeyError, TypeError, AttributeError):  # somebody else's file, or none
        return ""
    names = set(_DEFINED.findall(typed))
    versions = [text.strip() for text in shell.history_manager.input_hist_raw if names <= set(_DEFINED.findall(text))]
    # what was run before watching began was run before that moment
    if not names or not versions or typed == versions[-1] or saved <= _ran.get(versions[-1], _began):
        return ""
    return f"What was run is not what now stands in the exercise's cell. Run that cell {_THEN}"


def _source(notebook: Any, exercise: str) -> str:
    """The text of the cell in which the exercise is written, or nothing."""
    for cell in notebook["cells"]:
        mark = cell["metadata"].get("nbgrader", {})
        if mark.get("grade_id") == exercise and cell["cell_type"] == "code":
            return "".join(cell["source"]).strip()
    return ""


def _is_small(file: Path) -> bool:
    return file.stat().st_size <= _LARGEST


def _note(result: Any) -> None:
    """After each cell: remember it; if a check met a name that has no value yet, say what to do."""
    text, error = str(result.info.raw_cell), result.error_in_exec
    _ran[text.strip()] = time.time()
    if isinstance(error, NameError) and error.name and "Check(" in text and error.name not in _DEFINED.findall(text):
        print(f"{error.name} has no value yet. Run the cell above that defines it {_THEN}")


def _shell() -> Any:
    """The kernel's shell, if this is one."""
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython is not None else None
