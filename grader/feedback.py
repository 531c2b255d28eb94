"""What a student reads after grading: one page for each notebook, complete in itself.

At the top what happened to the submission and the points of each exercise; below the notebook, as it was graded.
Of hidden tests the page says only whether they passed, and from the first of them on it shows nothing that student
code printed, drew or raised, for that could be a copy of the test's inputs. What a check says of a case that is not
hidden is shown all the same: a few words and numbers, of which a student's error message may be one.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import nbformat
from nbconvert.exporters import Exporter
from nbgrader.coursedir import CourseDirectory
from traitlets import default
from traitlets.config import Config

from . import intake
from .classroom import Classroom, Outcome, write
from .command import command, who
from .errors import BadClassroom
from .feedback_view import Regions, view
from .marks import Marks, Sheet, read
from .pages import templates

Progress = Callable[[str], None]


def write_feedback(
    classroom: Classroom, name: str, *, students: list[str] | None = None, progress: Progress = lambda student: None
) -> list[Path]:
    """Write the feedback pages of an assignment where nbgrader's `release_feedback` looks for them.

    A page that is up to date, down to the last comment, is left alone. Who has not been graded yet gets none.

    Args:
        students: by default everyone who submitted.
        progress: called after each student.

    Returns:
        the pages that now exist, in the order of the students.

    Raises:
        BadAssignment, BadGradebook: nothing was written.
        BadClassroom: a student who did not submit, or nothing has been graded; or a page cannot be written, and
            those written before are complete.
    """
    marks = read(classroom, name)
    chosen = who(classroom, name, students)
    notebooks = classroom.notebooks(name)
    pages: list[Path] = []
    for student in chosen:
        for notebook in notebooks:
            try:
                pages += _write_page(classroom, name, student, notebook, marks)
            except OSError as error:
                raise BadClassroom(f"the feedback cannot be written: {error.filename}: {error.strerror}") from None
        progress(student)
    if chosen and not pages:
        first = command("autograde", name, folder=classroom.root)
        raise BadClassroom(f"no submission of {name} has been graded yet; {first} does it")
    return pages


def _write_page(classroom: Classroom, name: str, student: str, notebook: str, marks: Marks) -> list[Path]:
    graded = classroom.folder("autograded", student, name) / f"{notebook}.ipynb"
    if student not in marks.sheets or not graded.is_file():
        return []
    text = graded.read_text(encoding="utf-8")
    sheet, outcome = marks.sheets[student], classroom.outcome(student, name)
    # keyed with the secret seed: nobody can test a guess of a hidden test against the page
    state = (classroom.seed(name), _source(), text, sheet, outcome, marks.exercises)
    version = hashlib.sha256(repr(state).encode("ascii", "backslashreplace")).hexdigest()
    folder = classroom.folder("feedback", student, name)
    path = folder / f"{notebook}.html"
    if not _is_version(path, version):
        regions = Regions.configured(classroom.config)
        write(path, page(json_notebook(text), name, notebook, sheet, marks.exercises, outcome, regions, version))
    _accompany(folder, classroom.folder("submitted", student, name), sheet)
    return [path]


def page(
    graded: nbformat.NotebookNode,
    assignment: str,
    notebook: str,
    sheet: Sheet,
    exercises: dict[tuple[str, str], float],
    outcome: Outcome | None,
    regions: Regions,
    version: str = "",
) -> str:
    """A feedback page.

    Args:
        graded: the notebook as it was graded.
        assignment: its name.
        notebook: the notebook's name.
        sheet: the student's marks.
        exercises: every graded cell of the assignment, with its points.
        outcome: what happened while grading, if it is known.
        regions: what of the instructor's cells no student may see.
        version: identifies what the page was made of.
    """
    shown = view(graded, notebook, sheet, exercises, regions)
    template = templates().get_template("feedback.html.j2")
    return template.render(
        assignment=assignment, notebook=notebook, sheet=sheet, exercises=exercises, outcome=outcome, version=version,
        view=shown,
    )  # fmt: skip


def json_notebook(text: str) -> nbformat.NotebookNode:
    """A notebook that the grader wrote; it need not be validated again."""
    notebook: nbformat.NotebookNode = nbformat.v4.reads_json(text)
    return notebook


@cache
def _source() -> str:
    """What the pages are made by: a newer grader writes them anew."""
    here = Path(__file__).parent
    modules = [here / name for name in ("feedback.py", "feedback_view.py", "found.py", "harmless.py", "pages.py")]
    files = [*modules, *sorted((here / "templates").iterdir())]
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()


def _is_version(path: Path, version: str) -> bool:
    try:
        with path.open(encoding="utf-8") as file:
            return f'content="{version}"' in file.read(2000)
    except (FileNotFoundError, UnicodeDecodeError):
        return False


def _accompany(folder: Path, submitted: Path, sheet: Sheet) -> None:
    """Put what `release_feedback` needs beside a page: when it was submitted, and the secret by which to fetch it.

    Where the exchange was not used there is no secret: a fresh one, which nobody knows, keeps the page from being
    fetched by whoever guesses an empty one, and one student's missing file from stopping everyone's release.
    """
    time = f"{sheet.handed_in:%Y-%m-%d %H:%M:%S.%f} UTC" if sheet.handed_in else ""
    secret, file = _secret(submitted), folder / "submission_secret.txt"
    if secret is None:
        secret = file.read_text(encoding="utf-8") if file.exists() else secrets.token_hex(64)
    for path, text in ((folder / "timestamp.txt", time), (file, secret)):
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            write(path, text)


def _secret(submitted: Path) -> str | None:
    try:
        intake.refuse_link(submitted.parent)
        intake.refuse_link(submitted)
        return intake.read_bytes(submitted / "submission_secret.txt").decode("ascii") or None
    except (intake.Rejected, UnicodeDecodeError):
        return None


# ---- nbgrader's own door -------------------------------------------------------------------------------------------


def configure(c: Config) -> None:
    """nbgrader's settings, so that `nbgrader generate_feedback` and formgrader's button write the same pages."""
    c.GenerateFeedback.exporter_class = "grader.feedback.FeedbackExporter"
    c.GenerateFeedback.preprocessors = []


class FeedbackExporter(Exporter):
    """Makes a feedback page where nbgrader would use nbconvert's HTML."""

    output_mimetype = "text/html"

    @default("file_extension")
    def _file_extension_default(self) -> str:
        return ".html"

    def from_notebook_node(  # type: ignore[override]
        self, nb: nbformat.NotebookNode, resources: Any = None, **kwargs: Any
    ) -> tuple[str, dict[str, Any]]:
        nb, resources = super().from_notebook_node(nb, resources, **kwargs)
        names = resources["nbgrader"]
        student, assignment, notebook = names["student"], names["assignment"], names["notebook"]
        classroom = Classroom(Path(CourseDirectory(config=self.config).root))
        marks = self._read(classroom, assignment)
        outcome = classroom.outcome(student, assignment)
        regions = Regions.configured(classroom.config)
        sheet = marks.sheets.get(student) or Sheet(student)
        return page(nb, assignment, notebook, sheet, marks.exercises, outcome, regions), resources

    def _read(self, classroom: Classroom, assignment: str) -> Marks:
        """The marks, read once for all the students that nbgrader converts with one exporter."""
        if not hasattr(self, "_marks"):
            self._marks: dict[str, Marks] = {}
        if assignment not in self._marks:
            self._marks[assignment] = read(classroom, assignment)
        return self._marks[assignment]
