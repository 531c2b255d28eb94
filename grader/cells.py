"""The kinds of cell in an instructor's notebook, read from nbgrader's metadata and the cell's tags."""

from __future__ import annotations

from nbformat import NotebookNode

NOT_RUN = frozenset({"demo", "experiment"})


def grade_id(cell: NotebookNode) -> str | None:
    """The cell's name in the gradebook, if it has one."""
    return _mark(cell).get("grade_id")


def is_solution(cell: NotebookNode) -> bool:
    """A cell that the student writes: code or words."""
    return bool(_mark(cell).get("solution"))


def is_graded(cell: NotebookNode) -> bool:
    """A cell that is worth points: a test, an answer in words, a task."""
    return bool(_mark(cell).get("grade") or _mark(cell).get("task"))


def is_exercise(cell: NotebookNode) -> bool:
    """A cell of code that the student writes."""
    return cell.cell_type == "code" and is_solution(cell)


def is_test(cell: NotebookNode) -> bool:
    """A cell of code of the instructor's that earns points."""
    return cell.cell_type == "code" and is_graded(cell) and not is_solution(cell)


def is_setup(cell: NotebookNode) -> bool:
    """A cell that the tests need too, run in the trusted process as well."""
    return cell.cell_type == "code" and "setup" in _tags(cell)


def runs_when_graded(cell: NotebookNode) -> bool:
    """A cell of code that is neither a demo nor an experiment."""
    return cell.cell_type == "code" and not NOT_RUN & set(_tags(cell))


def points(cell: NotebookNode) -> float:
    """What a graded cell is worth."""
    return float(_mark(cell)["points"])


def _mark(cell: NotebookNode) -> dict[str, str]:
    mark = cell.metadata.get("nbgrader")
    return mark if isinstance(mark, dict) else {}


def _tags(cell: NotebookNode) -> list[str]:
    tags = cell.metadata.get("tags")
    return tags if isinstance(tags, list) else []
