"""What the gradebook says of everyone in an assignment, read at once: feedback, report and export rest on it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from nbgrader.api import Assignment, BaseCell, Comment, Grade, Notebook, Student, SubmittedAssignment, SubmittedNotebook
from sqlalchemy import make_url
from sqlalchemy.exc import SQLAlchemyError

from .cells import grade_id, is_graded, points
from .classroom import Classroom
from .command import command
from .errors import BadGradebook
from .gradebook import Book

Key = tuple[str, str]  # notebook, grade id


@dataclass
class Sheet:
    """One student's marks in one assignment."""

    student: str
    scores: dict[Key, float | None] = field(default_factory=dict)  # None waits for a person
    comments: dict[Key, str] = field(default_factory=dict)  # a person's; of what nbgrader notes by itself, `untouched`
    penalty: float = 0.0
    handed_in: datetime | None = None
    untouched: list[Key] = field(default_factory=list)  # cells that were handed in as they were handed out
    outdated: list[Key] = field(default_factory=list)  # marked by hand, before something else was handed in

    @property
    def earned(self) -> float:
        """What the exercises gave, before a penalty for being late."""
        return sum(score for score in self.scores.values() if score is not None)

    @property
    def score(self) -> float:
        return max(0.0, self.earned - self.penalty)

    @property
    def waiting(self) -> int:
        """How many answers a person has yet to grade."""
        return sum(score is None for score in self.scores.values())


@dataclass(frozen=True)
class Person:
    """What the gradebook knows of a student besides their marks."""

    student: str
    last_name: str = ""
    first_name: str = ""
    email: str = ""


@dataclass
class Marks:
    """An assignment's marks: its graded cells in the notebooks' order with their points, and everyone's sheet."""

    exercises: dict[Key, float]
    sheets: dict[str, Sheet]  # of those who submitted and were graded
    roster: list[Person]  # of everyone in the gradebook, by name of student

    @property
    def points(self) -> float:
        return sum(self.exercises.values())


def read(classroom: Classroom, name: str) -> Marks:
    """Read the marks of an assignment.

    Raises:
        BadAssignment: there is no such assignment.
        BadGradebook: it cannot be used, or the assignment has not been released with it.
    """
    exercises = {
        (notebook, str(grade_id(cell))): points(cell)
        for notebook, assignment in classroom.notebooks(name).items()
        for cell in assignment.source.cells
        if is_graded(cell)
    }
    if not _exists(classroom.db_url):  # opening it would make one
        raise _unreleased(classroom, name)
    try:
        with Book(classroom.db_url, classroom.config) as book:
            if not book.knows(name):
                raise _unreleased(classroom, name)
            session = book.book.db
            roster = [Person(*(value or "" for value in row)) for row in session.execute(_people())]
            sheets = _sheets(session, name)
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise BadGradebook(f"the gradebook cannot be read: {reason}") from None
    return Marks(exercises, sheets, sorted(roster, key=lambda person: person.student))


def _unreleased(classroom: Classroom, name: str) -> BadGradebook:
    first = command("release", name, folder=classroom.root)
    return BadGradebook(f"{name} has not been released in this class; {first} does it")


def _exists(url: str) -> bool:
    parsed = make_url(url)
    return parsed.get_backend_name() != "sqlite" or not parsed.database or Path(parsed.database).exists()


def _people() -> Any:
    return Student.__table__.select().with_only_columns(
        Student.id, Student.last_name, Student.first_name, Student.email
    )


def _sheets(session: Any, name: str) -> dict[str, Sheet]:
    """Everyone's sheet, from one query for each kind of thing: a class of thousands is read in a second."""
    submissions = (
        session.query(SubmittedAssignment.student_id, SubmittedAssignment.timestamp)
        .join(Assignment, SubmittedAssignment.assignment_id == Assignment.id)
        .filter(Assignment.name == name)
    )
    sheets = {student: Sheet(student, handed_in=timestamp) for student, timestamp in submissions}
    penalty = SubmittedNotebook.late_submission_penalty
    for student, late in _of(name, session.query(SubmittedAssignment.student_id, penalty)):
        sheets[student].penalty += late or 0.0
    cell = (SubmittedAssignment.student_id, Notebook.name, BaseCell.name)
    grades = session.query(*cell, Grade.score, Grade.needs_manual_grade, Grade.manual_score)
    for student, notebook, exercise, score, waits, manual in _of(name, grades, Grade):
        sheets[student].scores[notebook, exercise] = None if waits else float(score)
        if waits and manual is not None:
            sheets[student].outdated.append((notebook, exercise))
    comments = session.query(*cell, Comment.manual_comment, Comment.auto_comment)
    for student, notebook, exercise, comment, noted in _of(name, comments, Comment):
        if comment and (notebook, exercise) not in sheets[student].outdated:  # it is about another answer
            sheets[student].comments[notebook, exercise] = comment
        if noted:  # "No response.": nbgrader notes nothing else
            sheets[student].untouched.append((notebook, exercise))
    return sheets


def _of(name: str, query: Any, what: Any = None) -> Any:
    """A query about submitted notebooks, or about what belongs to their cells, for one assignment."""
    if what is None:
        query = query.select_from(SubmittedNotebook)
    else:
        query = query.select_from(what).join(SubmittedNotebook, what.notebook_id == SubmittedNotebook.id)
        query = query.join(BaseCell.__table__, what.cell_id == BaseCell.__table__.c.id)
    return (
        query.join(Notebook, SubmittedNotebook.notebook_id == Notebook.id)
        .join(SubmittedAssignment, SubmittedNotebook.assignment_id == SubmittedAssignment.id)
        .join(Assignment, SubmittedAssignment.assignment_id == Assignment.id)
        .filter(Assignment.name == name)
        .order_by(SubmittedAssignment.student_id, Notebook.name, *([BaseCell.name] if what else []))
    )
