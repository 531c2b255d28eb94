"""nbgrader's own doors lead through the same graft and the same box: `nbgrader autograde`, and formgrader's button.

nbgrader converts a submission twice: it sanitizes it, then autogrades it. Each step gets one preprocessor of ours,
and keeps those of nbgrader's that write to the gradebook.
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import (
    AssignLatePenalties,
    CheckCellMetadata,
    ClearOutput,
    NbGraderPreprocessor,
    SaveAutoGrades,
)
from traitlets.config import Config

from . import feedback, intake, release
from .box.levels import open_boxes
from .classroom import Classroom
from .grade import Graded, run
from .graft import graft

Resources = dict[str, Any]


def configure(c: Config) -> None:
    """nbgrader's settings for a class: the course's folders, and the box in place of a kernel."""
    c.CourseDirectory.source_directory = "solutions"
    c.CourseDirectory.release_directory = "exercises"
    release.configure(c)
    feedback.configure(c)
    c.Autograde.sanitize_preprocessors = [ClearOutput, GraftSubmission, CheckCellMetadata]
    c.Autograde.autograde_preprocessors = [RunInBox, SaveAutoGrades, AssignLatePenalties, CheckCellMetadata]


class GraftSubmission(NbGraderPreprocessor):  # type: ignore[misc]
    """First step: nothing of the submission but the text of its cells."""

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        classroom, names = _where(self), resources["nbgrader"]
        assignment = classroom.notebooks(names["assignment"])[names["notebook"]]
        folder = classroom.folder("submitted", names["student"], names["assignment"])
        intake.inspect_folder(folder)
        cells = intake.read_cells(intake.read_bytes(folder / f"{names['notebook']}.ipynb"))
        return graft(assignment.source, cells, assignment.checksums), resources


class RunInBox(NbGraderPreprocessor):  # type: ignore[misc]
    """Second step: student cells in the box, test cells here."""

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        classroom, names = _where(self), resources["nbgrader"]
        assignment = classroom.notebooks(names["assignment"])[names["notebook"]]
        graded = Graded(nb)
        with closing(open_boxes(assignment.modules, assignment.limits)) as boxes, boxes.open() as box:
            run(assignment, graded, classroom.seed(names["assignment"]), box)
        for remark in [*graded.remarks, *graded.faults]:
            self.log.warning("%s: %s", names["student"], remark)
        return graded.notebook, resources


def _where(preprocessor: NbGraderPreprocessor) -> Classroom:
    """The class whose settings nbgrader runs with; nbgrader works from its root."""
    root = CourseDirectory(config=preprocessor.config).root
    return Classroom(Path(root))
