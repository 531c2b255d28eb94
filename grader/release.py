"""From the solution to the students' notebook: nbgrader's own steps, with stubs that name the exercise."""

from __future__ import annotations

import ast
import logging
import re
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader import preprocessors as nbgrader
from nbgrader.converters import GenerateAssignment
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config

from .cells import grade_id, is_solution
from .errors import Trouble

Resources = dict[str, Any]

BLANKS = re.compile(r"^[ \t]*### BEGIN BLANKS\n(.*?)^[ \t]*### END BLANKS[ \t]*\n?", re.DOTALL | re.MULTILINE)
ANSWER = "*Your answer here.*"


class CannotRelease(Trouble):
    """nbgrader could not make the students' version; the message is its own."""


class ClearSolutions(nbgrader.ClearSolutions):  # type: ignore[misc]
    """Replaces each solution by an error that names the exercise, and each number in the blanks by `...`."""

    def preprocess_cell(
        self, cell: NotebookNode, resources: Resources, cell_index: int
    ) -> tuple[NotebookNode, Resources]:
        if cell.cell_type == "code":
            self.code_stub = {"python": f'raise NotImplementedError("{grade_id(cell)}")'}
        else:
            self.text_stub = ANSWER
        if is_solution(cell) and BLANKS.search(cell.source):
            cell.source = blanked(cell.source).rstrip()
            self._replace_solution_region(cell, resources["language"])
            return cell, resources
        if is_solution(cell) and cell.cell_type == "markdown" and self.begin_solution_delimeter not in cell.source:
            cell.source = f"{cell.source.rstrip()}\n\n{ANSWER}"
            return cell, resources
        return super().preprocess_cell(cell, resources, cell_index)  # type: ignore[no-any-return]


class Tidy(nbgrader.NbGraderPreprocessor):  # type: ignore[misc]
    """Takes away the empty lines that were left of what was cut, and locks the course's own text."""

    def preprocess_cell(
        self, cell: NotebookNode, resources: Resources, cell_index: int
    ) -> tuple[NotebookNode, Resources]:
        cell.source = cell.source.rstrip()
        if cell.cell_type == "markdown" and not cell.metadata.get("nbgrader"):
            cell.metadata.update(deletable=False, editable=False)
        return cell, resources


def _steps() -> list[type]:
    """nbgrader's steps, with our way to clear solutions, and tidy before the last checksums are taken."""
    steps = [ClearSolutions if step is nbgrader.ClearSolutions else step for step in GenerateAssignment().preprocessors]
    last = max(i for i, step in enumerate(steps) if step is nbgrader.ComputeChecksums)
    return [*steps[:last], Tidy, *steps[last:]]


PREPROCESSORS = _steps()


def configure(c: Config) -> None:
    """nbgrader's settings with which `nbgrader generate_assignment` and formgrader's button do what `build` does."""
    c.GenerateAssignment.preprocessors = PREPROCESSORS
    # the rubric of an answer in words stands in the answer's cell, not only in task cells
    c.ClearMarkScheme.enforce_metadata = False


def release(notebook: bytes, name: str) -> NotebookNode:
    """Make the students' version of a solution notebook; no gradebook is touched.

    Raises:
        CannotRelease: nbgrader refuses the notebook.
    """
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "source" / name / f"{name}.ipynb"
        source.parent.mkdir(parents=True)
        source.write_bytes(notebook)
        config = Config()
        configure(config)
        config.CourseDirectory.update(root=folder, assignment_id=name, db_url="sqlite://")
        # what `nbgrader generate_assignment --no-db` sets
        config.GenerateAssignment.no_database = True
        config.SaveCells.enabled = False
        heard = Heard()
        try:
            with heard:
                converter = GenerateAssignment(coursedir=CourseDirectory(config=config), config=config, log=heard.log)
                converter.start()
        except (Exception, SystemExit) as error:
            said = heard.lines[-1] if heard.lines else str(error)
            raise CannotRelease(f"{name}: nbgrader cannot make the students' notebook: {said}") from None
        made: NotebookNode = nbformat.read(Path(folder) / "release" / name / f"{name}.ipynb", as_version=4)
        return made


def blanked(source: str) -> str:
    """Replace the numbers in the blanks of a cell, and take the markers out.

    >>> blanked("### BEGIN BLANKS\\nsize = -5  # cells\\nrow = [1, 2.5]\\n### END BLANKS\\n")
    'size = ...  # cells\\nrow = [..., ...]\\n'
    """
    return BLANKS.sub(lambda region: _without_numbers(region[1]), source)


def _without_numbers(code: str) -> str:
    lines = [line.encode() for line in code.split("\n")]  # ast counts columns in bytes
    numbers = [node for statement in ast.parse(code).body for node in numbers_of(statement)]
    for node in sorted(numbers, key=lambda node: (node.lineno, node.col_offset), reverse=True):
        line = lines[node.lineno - 1]
        lines[node.lineno - 1] = line[: node.col_offset] + b"..." + line[node.end_col_offset :]
    return b"\n".join(lines).decode()


def numbers_of(statement: ast.stmt) -> list[ast.expr]:
    """The numbers on the right-hand side of an assignment, with their signs."""
    value = statement.value if isinstance(statement, ast.Assign | ast.AnnAssign) else None
    found: list[ast.expr] = []
    pending: list[ast.AST] = [value] if value is not None else []
    while pending:
        node = pending.pop()
        if isinstance(node, ast.expr) and _is_number(node):
            found.append(node)
        else:
            pending.extend(ast.iter_child_nodes(node))
    return found


def _is_number(node: ast.expr) -> bool:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        node = node.operand
    return isinstance(node, ast.Constant) and type(node.value) in (int, float)


class Heard(logging.Handler):
    """nbgrader's log, kept instead of shown: its last error says why it refused."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.lines: list[str] = []
        self.log = logging.getLogger("grader.release")
        self.log.propagate = False

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage().strip().splitlines()[-1])

    def __enter__(self) -> None:
        self.log.addHandler(self)

    def __exit__(self, *_: object) -> None:
        self.log.removeHandler(self)
