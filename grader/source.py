"""Percent text becomes a notebook: the short marks of the course's sources become nbgrader's metadata.

    # %% exercise="conv2d"                        code that the student writes
    # %% check="conv2d" points=6                  the test cell of that exercise
    # %% [markdown] question="why" points=2       an answer in words, graded by hand

Known mistakes are cut out of the exercise cells. The same text always gives the same bytes.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jupytext
import nbformat
from nbformat import NotebookNode

from .cells import NOT_RUN, grade_id, is_exercise, is_test
from .errors import Trouble
from .mistakes import BadMistake, Mistake, cut

SCHEMA = 3
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
RAISES = "raises-exception"  # Run All goes on after such a cell, also in a notebook that is not filled in
OF_JUPYTEXT = ("lines_to_next_cell", "lines_to_end_of_cell_marker", "title")
ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")


class BadSource(Trouble):
    """A source that cannot become a notebook; says why, one sentence a line."""


@dataclass(frozen=True)
class Solution:
    """A source: the notebook with solutions and hidden tests, and the mistakes that stood beside them."""

    name: str
    notebook: NotebookNode
    mistakes: tuple[Mistake, ...]

    def exercises(self) -> list[str]:
        """The exercises' names, in order."""
        return [str(grade_id(cell)) for cell in self.notebook.cells if is_exercise(cell)]


def load_solution(root: Path, name: str) -> Solution:
    """Read `solutions/NAME.py`.

    Raises:
        BadSource: it is missing, or no percent text of the course's form.
    """
    path = root / "solutions" / f"{name}.py"
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        if not (known := names(root)):
            where = f"{root.resolve()} is not the course's folder: there is no solutions/NN_topic.py in it"
            raise BadSource(f"{where}; say where that is with --course") from None
        raise BadSource(f"there is no {path}; the sources are {', '.join(known)}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise BadSource(f"{path} cannot be read: {error}") from None
    return parse(text, name)


def names(root: Path) -> list[str]:
    """The notebooks that have a source in `solutions/`."""
    return sorted(path.stem for path in (root / "solutions").glob("*.py"))


def parse(text: str, name: str) -> Solution:
    """Turn percent text into a notebook and its known mistakes."""
    try:
        read = jupytext.reads(text, fmt="py:percent")
    except Exception as error:  # jupytext lets errors of its several parsers through
        raise BadSource(f"{name}.py is not percent text: {str(error).splitlines()[0]}") from None
    metadata = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    if "convnet_course" in read.metadata:
        metadata["convnet_course"] = read.metadata.convnet_course
    faults: list[str] = []
    mistakes: list[Mistake] = []
    cells = []
    for position, cell in enumerate(read.cells):
        try:
            cells.append(_cell(cell, name, position))
            if is_exercise(cells[-1]):
                cells[-1].source, found = cut(cells[-1].source, str(grade_id(cells[-1])))
                mistakes += found
        except (BadSource, BadMistake) as fault:
            faults.append(f"{name}: {fault}")
    for identity, count in Counter(cell.id for cell in cells).items():
        if count > 1:
            faults.append(f"{name}: {count} cells are called {identity}")
    if faults:
        raise BadSource("\n".join(faults))
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=metadata)
    notebook.nbformat_minor = 5
    return Solution(name, notebook, tuple(mistakes))


def write(notebook: NotebookNode) -> bytes:
    """The bytes of a notebook file."""
    text: str = nbformat.writes(notebook)
    return f"{text.rstrip()}\n".encode()


def _cell(cell: NotebookNode, name: str, position: int) -> NotebookNode:
    metadata = {key: value for key, value in cell.metadata.items() if key not in OF_JUPYTEXT}
    if "incorrectly_encoded_metadata" in metadata:
        raise BadSource(f"the marks {metadata['incorrectly_encoded_metadata']!r} are not key=value with JSON values")
    metadata = _expanded(metadata, cell.cell_type)
    marks = metadata.get("nbgrader", {})
    identity = marks.get("grade_id")
    if identity is None:
        identity = hashlib.sha256(f"{name}:{position}".encode()).hexdigest()[:12]
    elif not ID.fullmatch(str(identity)):
        raise BadSource(f"the name {identity!r} does not suit a cell: letters, digits, - and _, at most 64")
    new_cell = getattr(nbformat.v4, f"new_{cell.cell_type}_cell")
    made: NotebookNode = new_cell(cell.source, metadata=metadata, id=identity)
    tags = list(metadata.get("tags", []))
    stops = is_test(made) or (made.cell_type == "code" and NOT_RUN & set(tags))
    if stops and RAISES not in tags:
        made.metadata["tags"] = [*tags, RAISES]
    return made


def _expanded(metadata: dict[str, Any], cell_type: str) -> dict[str, Any]:
    """Replace a short mark by nbgrader's metadata."""
    short = [key for key in ("exercise", "check", "question") if key in metadata]
    if not short:
        return metadata
    kind = short[0]
    if len(short) > 1 or "nbgrader" in metadata:
        raise BadSource(f"the cell {metadata[kind]!r} is marked twice")
    if cell_type != ("markdown" if kind == "question" else "code"):
        raise BadSource(f"the {kind} {metadata[kind]!r} is a cell of {cell_type}")
    called, points = metadata.pop(kind), metadata.pop("points", None)
    marks: dict[str, Any] = {
        "grade": kind != "exercise",
        "grade_id": f"{called}-check" if kind == "check" else called,
        "locked": kind == "check",
        "schema_version": SCHEMA,
        "solution": kind != "check",
        "task": False,
    }
    if points is not None:
        marks["points"] = points
    return {**metadata, "nbgrader": marks}
