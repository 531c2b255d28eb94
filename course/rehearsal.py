"""Run a notebook as it will be graded: from the top, in a fresh kernel, in an empty folder, without what is only shown.

In JupyterLab cells run in any order, and a name stays known after its cell is gone; graded is what stands in the file.
"""

from __future__ import annotations

import ast
import os
import re
import shutil
import tempfile
from asyncio import CancelledError
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from course.lab import calm_kernels

SHOWN = {"demo", "experiment"}  # cells that are not run while grading
ALLOWED = ("course.data", "course.plots", "course.shapes")  # unless the notebook says otherwise
UNANSWERED = "*Your answer here.*"
CHECK = "application/vnd.convnet-course.check+json"
SECONDS = 60


class RehearsalError(Exception):
    """The notebook cannot be run; the message is a sentence for the student."""


@dataclass(frozen=True)
class Result:
    """What one graded cell came to: `points` is None where a person reads the answer; `remark` says what is missing."""

    exercise: str
    points: float | None
    most: float
    remark: str


def rehearse(file: Path, told: Callable[[int, int], None] = lambda done, all_: None) -> list[Result]:
    """Run a notebook's own cells and checks; the file stays as it is.

    Args:
        file: the notebook, as it was saved.
        told: is called with the number of cells that are done, and of all.

    Raises:
        RehearsalError: it is no notebook, none of the course's, or its kernel does not start or ends.
    """
    notebook = _read(file)
    cells = notebook.cells
    notebook.cells = [c for c in cells if c.cell_type == "code" and not SHOWN & set(c.metadata.get("tags", []))]
    with tempfile.TemporaryDirectory(prefix="course-check-") as folder:
        for path in (file, file.with_suffix(".json")):  # the checks read their records beside the notebook
            if path.exists():
                shutil.copy(path, folder)
        _run(notebook, folder, told)
    allowed = notebook.metadata.get("convnet_course", {}).get("box_modules", ALLOWED)
    return list(_results(cells, tuple(allowed)))


def _read(file: Path) -> Any:
    import nbformat

    try:
        notebook = nbformat.read(file, as_version=4)
    except FileNotFoundError:
        raise RehearsalError(f"There is no {file}. `course lab` puts the notebooks into a folder of yours.") from None
    except Exception as error:  # nbformat has many
        raise RehearsalError(f"{file} cannot be read as a notebook: {error}") from error
    if not any(_grading(cell).get("grade") for cell in notebook.cells):
        raise RehearsalError(f"{file} has no exercises: is it a notebook of the course?")
    return notebook


def _run(notebook: Any, folder: str, told: Callable[[int, int], None]) -> None:
    from nbclient import NotebookClient
    from nbclient.exceptions import DeadKernelError
    from traitlets.config import Config

    calm_kernels()
    # set where JupyterLab runs the notebook: there, checks hide their points
    environment = {name: value for name, value in os.environ.items() if name != "JPY_SESSION_NAME"}
    now: list[str] = []

    def begun(cell: Any, cell_index: int) -> None:
        now[:] = [_grading(cell).get("grade_id", "")]
        told(cell_index, len(notebook.cells))

    client = NotebookClient(
        notebook,
        timeout=SECONDS,
        interrupt_on_timeout=True,
        allow_errors=True,
        shutdown_kernel="immediate",
        resources={"metadata": {"path": folder}},
        on_cell_start=begun,
        config=Config({"KernelManager": {"transport_encryption": "auto"}}),  # else Jupyter warns of listeners
    )
    try:
        client.execute(env=environment)
    except (Exception, CancelledError) as error:
        # nbclient's answer to Ctrl-C: it ends the kernel, and then fails for want of it
        if hasattr(client, "_async_cleanup_kernel_future"):
            raise KeyboardInterrupt from None
        if not isinstance(error, DeadKernelError):
            raise
        where = f" in the cell of {now[0]}" if now and now[0] else ""
        raise RehearsalError(f"The kernel ended{where}: did the code end Python, or take all memory?") from None
    told(len(notebook.cells), len(notebook.cells))


def _results(cells: list[Any], allowed: tuple[str, ...]) -> Iterator[Result]:
    """What each graded cell came to; what went wrong in the cells of the student above it says why."""
    troubles: list[str] = []
    for cell in cells:
        grading = _grading(cell)
        if grading.get("solution") and not grading.get("grade"):
            troubles += [*_raised(cell), *_not_there(cell.source, allowed)]
        elif grading.get("grade") and cell.cell_type == "code":
            name, most = grading["grade_id"].removesuffix("-check"), float(grading["points"])
            points, remarks = _points(cell)
            if troubles:  # a cell that failed defined nothing: that says it all
                remarks = [remark for remark in remarks if not remark.startswith("NameError")]
            yield Result(name, min(points, most), most, "; ".join([*troubles, *remarks]))
            troubles = []
        elif grading.get("grade"):
            written = UNANSWERED not in cell.source
            yield Result(grading["grade_id"], None, float(grading["points"]), "" if written else "not answered yet")


def _points(check: Any) -> tuple[float, list[str]]:
    """The points of a check's cell, and what it found wrong first."""
    shown = [output.data[CHECK] for output in check.outputs if CHECK in output.get("data", {})]
    values = [output.data["text/plain"] for output in check.outputs if output.output_type == "execute_result"]
    if not shown or not values:
        errors = _raised(check)
        return 0.0, ["not written yet"] if errors and errors[0].startswith("NotImplementedError") else errors
    wrong = [case["label"] for case in shown[-1]["cases"] if case["verdict"] != "right"]
    return float(values[-1]), [f"not right: {', '.join(wrong)}"] if wrong else []


def _raised(cell: Any) -> list[str]:
    errors = [output for output in cell.outputs if output.output_type == "error"]
    said = [f"{error.ename}: {error.evalue.splitlines()[0] if error.evalue else ''}" for error in errors]
    return [re.sub(r"\(\d+\.py, line", "(line", text) for text in said]  # a cell's name means nothing


def _not_there(source: str, allowed: tuple[str, ...]) -> Iterator[str]:
    """The modules of the course that a cell imports and that are not there while grading."""
    try:
        nodes = list(ast.walk(ast.parse(source)))
    except SyntaxError:
        return  # or a line that only Jupyter understands; the run has said what is wrong
    for node in nodes:
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [f"course.{a.name}" for a in node.names] if node.module == "course" else [node.module]
        for name in names:
            is_allowed = any(name == module or name.startswith(f"{module}.") for module in allowed)
            if name.split(".")[0] == "course" and not is_allowed:
                yield f"{name} is not there when graded: write it with NumPy"


def _grading(cell: Any) -> dict[str, Any]:
    return dict(cell.metadata.get("nbgrader", {}))
