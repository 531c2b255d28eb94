"""nbgrader's own doors lead the same way: `nbgrader autograde`, its API, and formgrader's button.

nbgrader converts a submission twice: it sanitizes it, then autogrades it. Where it would read what was submitted, it
reads that submission graded: taken in, grafted and run in the box, as by `grader autograde`. Of nbgrader's own steps
those stay that write to the gradebook.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nbconvert.exporters import NotebookExporter
from nbformat import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.converters import Autograde
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import AssignLatePenalties, CheckCellMetadata, SaveAutoGrades
from traitlets.config import Config

from . import feedback, intake, release
from .classroom import Classroom, Outcome
from .gradebook import answers, is_rejected, waits
from .worker import Done, Job, work

Resources = dict[str, Any]


def configure(c: Config) -> None:
    """nbgrader's settings for a class: the course's folders, and the box in place of a kernel."""
    c.CourseDirectory.source_directory = "solutions"
    c.CourseDirectory.release_directory = "exercises"
    release.configure(c)
    feedback.configure(c)
    c.Autograde.exporter_class = "grader.nbgrader_glue.GradedExporter"
    c.Autograde.sanitize_preprocessors = [CheckCellMetadata]
    c.Autograde.autograde_preprocessors = [SaveGrades, AssignLatePenalties, CheckCellMetadata]
    Autograde.init_assignment = init_assignment


class GradedExporter(NotebookExporter):
    """Reads a submitted notebook graded, and any other as it is."""

    def from_filename(  # type: ignore[override]
        self, filename: str, resources: Resources, **kwargs: Any
    ) -> tuple[str, Resources]:
        names = resources["nbgrader"]
        classroom = Classroom(Path(CourseDirectory(config=self.config).root))
        written = classroom.folder("autograded", names["student"], names["assignment"])
        if Path(filename).parent.resolve() == written.resolve():  # in the first step, a moment ago
            return super().from_filename(filename, resources, **kwargs)  # type: ignore[return-value]
        name = names["notebook"]
        assignment = classroom.notebooks(names["assignment"])[name]
        folder = classroom.folder("submitted", names["student"], names["assignment"])
        try:
            content: bytes | str = intake.read_bytes(folder / f"{name}.ipynb")
        except intake.Rejected as rejection:
            content = str(rejection)
        seed = classroom.seed(names["assignment"])
        done = work(Job(names["student"], {name: assignment}, {name: content}, seed, ""))
        graded = done.graded[name]
        if not done.final:
            raise RuntimeError(graded.faults[0])  # nbgrader logs it, writes no points, and goes on
        _remember(classroom, names["assignment"], name, done)
        for remark in [*graded.remarks, *graded.faults]:
            self.log.warning("%s: %s", names["student"], remark)
        made: tuple[str, Resources] = self.from_notebook_node(graded.notebook, resources)  # type: ignore[no-untyped-call]
        return made


class SaveGrades(SaveAutoGrades):  # type: ignore[misc]
    """Writes the scores, of a notebook that could not be read also 0 for what a person would grade, and what waits."""

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        names = resources["nbgrader"]
        which = names["notebook"], names["assignment"], names["student"]
        with Gradebook(names["db_url"]) as book:
            asked = {grade.name for grade in book.find_submission_notebook(*which).grades if grade.needs_manual_grade}
        nb, resources = super().preprocess(nb, resources)
        classroom = Classroom(Path(CourseDirectory(config=self.config).root))
        outcome = classroom.outcome(names["student"], names["assignment"]) or Outcome(names["student"], "")
        now = answers(names["notebook"], nb)
        with Gradebook(names["db_url"]) as book:
            for grade in book.find_submission_notebook(*which).grades:
                key = f"{names['notebook']}/{grade.name}"
                if is_rejected(nb):
                    grade.auto_score = 0.0
                grade.needs_manual_grade = waits(grade, grade.name in asked, outcome.answers.get(key) != now[key])
            book.db.commit()
        outcome.answers |= now
        classroom.keep_outcome(names["assignment"], outcome)
        return nb, resources


def _remember(classroom: Classroom, assignment: str, notebook: str, done: Done) -> None:
    """Add a notebook to what is known of the submission; without a digest, so that `grader autograde` looks again."""
    student, graded = done.job.student, done.graded[notebook]
    outcome = classroom.outcome(student, assignment) or Outcome(student, "")
    outcome.level = done.level or outcome.level
    outcome.scores |= {f"{notebook}/{cell}": score for cell, score in graded.scores.items()}
    outcome.points += done.job.notebooks[notebook].automatic_points
    outcome.remarks += graded.remarks
    outcome.faults += graded.faults
    outcome.seconds += graded.seconds
    classroom.keep_outcome(assignment, outcome)


_init_assignment = Autograde.init_assignment


def init_assignment(self: Autograde, assignment_id: str, student_id: str) -> None:
    """Refuse a submission before nbgrader copies what lies beside its notebooks: links are followed, pipes waited for.

    nbgrader has no hook that may refuse. It logs the reason, grades nothing of this submission, and goes on.

    Raises:
        Rejected: something in the folder is no ordinary file.
    """
    folder = Path(self._format_source(assignment_id, student_id))
    intake.refuse_link(folder.parent)
    intake.inspect_folder(folder)
    classroom = Classroom(Path(self.coursedir.root))
    known = classroom.outcome(student_id, assignment_id)
    classroom.keep_outcome(assignment_id, Outcome(student_id, "", answers=known.answers if known else {}))
    _init_assignment(self, assignment_id, student_id)
