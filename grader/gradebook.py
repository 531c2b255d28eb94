"""The one writer to nbgrader's gradebook: the scores of a submission arrive all together or not at all."""

from __future__ import annotations

import hashlib
import logging
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from nbgrader import utils
from nbgrader.api import Gradebook, InvalidEntry, MissingEntry
from nbgrader.preprocessors import AssignLatePenalties
from sqlalchemy import create_engine, inspect, make_url
from sqlalchemy.exc import SQLAlchemyError
from traitlets.config import Config

from .assignment import Assignment
from .cells import grade_id, is_graded, is_solution, is_test
from .errors import BadGradebook
from .grade import Graded
from .graft import is_students

TABLES = {"assignment", "student", "submitted_assignment", "grade"}


@dataclass(frozen=True)
class Row:
    """One student's line in the table of points."""

    student: str
    score: float
    max_score: float
    penalty: float
    needs_manual: bool


class Book:
    """An open gradebook. Use as a context manager."""

    def __init__(self, url: str, config: Config | None = None) -> None:
        """Open the gradebook at an SQLAlchemy URL, or make a new one there.

        Raises:
            BadGradebook: it cannot be opened, or something else made it.
        """
        self.url, self.config = url, config or Config()
        with _in_words(url):
            _refuse_foreign(url)
            with alembic_on_path():
                self.book: Any = Gradebook(url)

    def close(self) -> None:
        self.book.close()

    def __enter__(self) -> Book:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def knows(self, assignment: str) -> bool:
        """Whether the assignment has been released with this gradebook."""
        with _in_words(self.url):
            try:
                return bool(self.book.find_assignment(assignment).notebooks)
            except MissingEntry:
                return False

    def record(
        self,
        student: str,
        assignment: str,
        graded: dict[str, tuple[Assignment, Graded]],
        timestamp: str | None,
        before: Mapping[str, str] | None = None,
    ) -> None:
        """Write the scores of one submission, notebook by notebook; manual scores and comments stay as they are.

        Args:
            before: `answers` of this student's last submission, by which a mark by hand is known to be still about
                what was handed in; by default none is.
        """
        with _in_words(self.url):
            try:
                self.book.update_or_create_student(student)
                with self.book.db.no_autoflush:
                    submission = self.book.update_or_create_submission(
                        assignment, student, timestamp=_moment(timestamp)
                    )
                late = submission.total_seconds_late
                for notebook in submission.notebooks:
                    if notebook.name in graded:
                        self._record(notebook, graded[notebook.name][1], before or {})
                        self._penalize(notebook, student, late)
                self.book.db.commit()
            except BaseException:
                self.book.db.rollback()
                raise

    def _record(self, notebook: Any, graded: Graded, before: Mapping[str, str]) -> None:
        cells = {grade_id(cell): cell for cell in graded.notebook.cells}
        nothing, now = is_rejected(graded.notebook), answers(notebook.name, graded.notebook)
        for grade in notebook.grades:
            cell, key = cells[grade.name], f"{notebook.name}/{grade.name}"
            by_hand = 0.0 if nothing else _unanswered(cell)
            grade.auto_score = graded.scores[grade.name] if is_test(cell) else by_hand
            grade.needs_manual_grade = waits(grade, grade.needs_manual_grade, before.get(key) != now[key])
        for comment in notebook.comments:
            cell = cells[comment.name]
            comment.auto_comment = "No response." if _untouched(cell) and is_solution(cell) else None

    def _penalize(self, notebook: Any, student: str, seconds_late: float) -> None:
        """nbgrader's own plugin decides what being late costs."""
        rule = AssignLatePenalties(config=self.config)
        rule.init_plugin()
        notebook.late_submission_penalty = None
        if seconds_late > 0:
            self.book.db.flush()
            penalty = rule.plugin_inst.late_submission_penalty(student, notebook.score, seconds_late)
            if penalty is not None:
                notebook.late_submission_penalty = rule._check_late_penalty(notebook, penalty)

    def table(self, assignment: str) -> list[Row]:
        """The points of everyone who submitted, by student."""
        with _in_words(self.url):
            rows = [
                Row(
                    s.student_id,
                    sum(notebook.score for notebook in s.notebooks),
                    sum(notebook.max_score for notebook in s.notebooks),
                    sum(notebook.late_submission_penalty or 0.0 for notebook in s.notebooks),
                    s.needs_manual_grade,
                )
                for s in self.book.assignment_submissions(assignment)
            ]
        return sorted(rows, key=lambda row: row.student)


def waits(grade: Any, asked: bool, changed: bool) -> bool:
    """Whether a person has yet to mark a grade: what `needs_manual_grade` says wherever points are counted.

    nbgrader asks for each mark by hand again after every run. Here it stands as long as what it is about does.

    Args:
        grade: nbgrader's, with its new automatic score.
        asked: whether a person was asked before.
        changed: whether something else was handed in than at that time.
    """
    return grade.auto_score is None if grade.manual_score is None else asked or changed


def answers(name: str, notebook: NotebookNode) -> dict[str, str]:
    """A digest of what a mark by hand is about, by notebook/cell: of an answer its text, else all the student's code.

    Args:
        name: of the notebook.
        notebook: as it was graded.
    """
    own = [cell.source for cell in notebook.cells if is_students(cell) and not is_graded(cell)]
    about = {
        f"{name}/{grade_id(cell)}": [cell.source] if is_solution(cell) else own
        for cell in notebook.cells
        if is_graded(cell)
    }
    return {key: hashlib.sha256(repr(texts).encode()).hexdigest() for key, texts in about.items()}


def _moment(timestamp: str | None) -> datetime | None:
    """When something was handed in, from a file that its author may have written: whatever is no date is no date."""
    try:
        return utils.parse_utc(timestamp)  # type: ignore[no-any-return]
    except (ValueError, OverflowError, TypeError, AttributeError):
        return None


def _unanswered(cell: NotebookNode) -> float | None:
    """An answer in words waits for a person, unless it was left as it came."""
    return 0.0 if is_solution(cell) and _untouched(cell) else None


def is_rejected(notebook: NotebookNode) -> bool:
    """Whether there was nothing to grade, so that no person need look at it, not even for a task."""
    outputs = (output for cell in notebook.cells for output in cell.get("outputs", []))
    return any(output.get("ename") == "Rejected" for output in outputs)


def _untouched(cell: NotebookNode) -> bool:
    """Whether an answer is as it was released, or empty."""
    if not cell.source.strip():
        return True
    checksum = cell.metadata.nbgrader.get("checksum")
    return checksum is not None and checksum == utils.compute_checksum(cell)


@contextmanager
def alembic_on_path() -> Iterator[None]:
    """nbgrader starts a bare `alembic` when it makes a gradebook: it lies beside this interpreter."""
    before = os.environ.get("PATH")
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), before or os.defpath])
    try:
        yield
    finally:
        if before is None:
            del os.environ["PATH"]
        else:
            os.environ["PATH"] = before


def _refuse_foreign(url: str) -> None:
    """A database with other tables is somebody else's: not even an empty table is added to it."""
    database = make_url(url).database
    if url.startswith("sqlite") and database and not Path(database).exists():
        return
    engine = create_engine(url)
    try:
        tables = set(inspect(engine).get_table_names())
    finally:
        engine.dispose()
    if tables and not tables >= TABLES:
        raise BadGradebook(f"{_public(url)} is a database, but not a gradebook of nbgrader's; nothing was changed")


@contextmanager
def _in_words(url: str) -> Iterator[None]:
    log = logging.getLogger("tornado.application")  # where nbgrader logs tracebacks of what is said here in a sentence
    before, log.disabled = log.disabled, True
    try:
        yield
    except (SQLAlchemyError, InvalidEntry) as error:  # nbgrader wraps some of the database's errors in one of its own
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise BadGradebook(f"the gradebook {_public(url)} cannot be used: {reason}") from None
    finally:
        log.disabled = before


def _public(url: str) -> str:
    """A URL as it may be printed: without its password; of SQLite only the file."""
    parsed = make_url(url)
    return parsed.database or "" if url.startswith("sqlite") else parsed.render_as_string(hide_password=True)
