"""An assignment's notebook as the instructor wrote it: what grading needs of it, read once."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from . import cells
from .box.limits import Limits
from .box.remote import Defined
from .errors import BadAssignment

MODULES = ("course.data", "course.plots", "course.shapes")  # what a box may import unless the notebook says less


@dataclass(frozen=True)
class Assignment:
    """One notebook of the instructor's, and what stands beside it."""

    name: str
    source: NotebookNode
    records: dict[str, Any] | None
    limits: Limits
    modules: tuple[str, ...]
    digest: str  # of everything that grading depends on
    checksums: dict[str, str]  # of the cells as they were released, by grade id

    @classmethod
    def read(cls, path: Path, released: Path | None = None) -> Assignment:
        """Read `solutions/NAME/NAME.ipynb`, the records beside it, and what of it was released.

        Raises:
            BadAssignment: it is missing, no notebook, or its settings make no sense.
        """
        try:
            text = path.read_text(encoding="utf-8")
            source = nbformat.reads(text, as_version=4)
        except FileNotFoundError:
            raise BadAssignment(f"there is no notebook {path}") from None
        except (OSError, ValueError) as error:
            raise BadAssignment(f"{path} cannot be read: {error}") from None
        beside = path.with_suffix(".json")
        records = beside.read_text(encoding="utf-8") if beside.exists() else "null"
        settings = source.metadata.get("convnet_course", {})
        try:
            limits = Limits.from_dict(dict(settings.get("limits", {})))
            loaded = json.loads(records)
        except ValueError as error:
            raise BadAssignment(f"{path}: {error}") from None
        modules = tuple(settings.get("box_modules", MODULES))
        digest = hashlib.sha256(f"{text}\0{records}".encode()).hexdigest()
        return cls(path.stem, source, loaded, limits, modules, digest, _checksums(released))

    @cached_property
    def defined(self) -> Defined:
        """The names that the student is asked to define: they come from the box."""
        return Defined([cell.source for cell in self.source.cells if cells.is_exercise(cell)])

    @cached_property
    def setup(self) -> list[str]:
        """The cells that the tests need too, run in the trusted process."""
        return [cell.source for cell in self.source.cells if cells.is_setup(cell)]

    @property
    def automatic_points(self) -> float:
        """What the test cells are worth together."""
        return sum(cells.points(cell) for cell in self.source.cells if cells.is_test(cell))


def _checksums(released: Path | None) -> dict[str, str]:
    """nbgrader's checksums in a released notebook: by them an answer that was left as it came is known."""
    if released is None or not released.is_file():
        return {}
    notebook = nbformat.read(released, as_version=4)
    marks = [cell.metadata.get("nbgrader", {}) for cell in notebook.cells]
    return {mark["grade_id"]: mark["checksum"] for mark in marks if "checksum" in mark}
