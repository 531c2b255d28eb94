"""What a cell imports of the course that a box does not hold: said beside the cell, with the student's own line."""

from __future__ import annotations

import ast
import importlib.util
import re
from collections.abc import Iterable

_IMPORT = re.compile(r"^[ \t]*((?:from|import)[ \t]+course\b[^\n(]{0,200}(?:\([^()]{0,200}\))?)", re.MULTILINE)


def absent(source: str, modules: Iterable[str]) -> str:
    """A sentence about the first such import; "" if there is none.

    Args:
        source: the text of a cell.
        modules: of the course, that the boxes of this notebook hold.

    >>> absent("from course import data, ops", ["course.data"])
    'course.ops is not there when graded: write it with NumPy. Line 1: from course import data, ops'
    """
    held = {"course", *modules}
    for found in _IMPORT.finditer(source):
        for name in _modules(found[1]):
            if name not in held and importlib.util.find_spec(name):
                number = source.count("\n", 0, found.start()) + 1
                line = found[1].partition("\n")[0].strip()
                return f"{name} is not there when graded: write it with NumPy. Line {number}: {line}"
    return ""


def _modules(statement: str) -> list[str]:
    """The modules that an import needs, by the first two parts of their names."""
    try:
        node = ast.parse(statement).body[0]
    except (SyntaxError, ValueError):
        return []
    match node:
        case ast.ImportFrom(module="course"):
            names = [f"course.{alias.name}" for alias in node.names]
        case ast.ImportFrom(module=str() as name):
            names = [name]
        case ast.Import():
            names = [alias.name for alias in node.names]
        case _:
            names = []
    return [".".join(name.split(".")[:2]) for name in names if name.split(".")[0] == "course"]
