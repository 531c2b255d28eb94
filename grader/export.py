"""The points of a class as CSV, for a spreadsheet or a learning management system.

Both files are utf-8 with a byte order mark: a spreadsheet needs it to read names rightly, Moodle drops it, and Canvas
looks for its headings inside the first field. Moodle's import maps columns by hand: `student` (or `email`) to the
user, `score` to the grade. Canvas takes only its own headings; `layout="canvas"` writes those, with the student as SIS
Login ID. An empty field means that there is no grade yet, and both leave such a grade as it is.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from .classroom import Classroom, write
from .harmless import name as visible
from .marks import Marks, Sheet, read
from .pages import exercise_name

Layout = Literal["table", "canvas"]
_FORMULA = ("=", "+", "-", "@", "\N{FULLWIDTH EQUALS SIGN}", "\N{FULLWIDTH PLUS SIGN}", "\N{FULLWIDTH HYPHEN-MINUS}",
            "\N{FULLWIDTH COMMERCIAL AT}")  # fmt: skip


def write_csv(classroom: Classroom, name: str, path: Path, *, layout: Layout = "table") -> Marks:
    """Write everyone's points in an assignment, whole or not at all.

    Args:
        layout: `table` has a line for everyone in the gradebook: `student, score, max_score, late_penalty, waiting`
            (how many answers a person has yet to grade), the points of each exercise, names and e-mail. `canvas`
            has what Canvas imports, and only scores that nothing waits for.

    Returns:
        the marks that were written.

    Raises:
        BadAssignment, BadGradebook: there is no such assignment, or no gradebook to read.
        BadClassroom: the file cannot be written.
    """
    marks = read(classroom, name)
    lines = _canvas(name, marks) if layout == "canvas" else _table(marks)
    text = io.StringIO()
    csv.writer(text).writerows([_field(value) for value in line] for line in lines)
    write(path, "\N{BYTE ORDER MARK}" + text.getvalue())
    return marks


def empty_fields(marks: Marks) -> str:
    """In words, how many grades the file for Canvas leaves empty, and why; nothing if there are none."""
    waiting = sum(sheet.waiting > 0 for sheet in marks.sheets.values())
    graded = {sheet.student for sheet in marks.sheets.values() if sheet.scores}
    ungraded = sum(person.student not in graded for person in marks.roster)
    if not waiting + ungraded:
        return ""
    reasons = [f"of {waiting} an answer waits for a person"] if waiting else []
    reasons += [f"{ungraded} {'is' if ungraded == 1 else 'are'} not graded yet"] if ungraded else []
    total = "1 grade is" if waiting + ungraded == 1 else f"{waiting + ungraded} grades are"
    return f"{total} left empty, and Canvas keeps what it has: {', '.join(reasons)}."


def _table(marks: Marks) -> Iterator[list[str | float | None]]:
    several = len({notebook for notebook, _ in marks.exercises}) > 1
    titles = [f"{key[0]}: {exercise_name(key[1])}" if several else exercise_name(key[1]) for key in marks.exercises]
    yield [
        *("student", "score", "max_score", "late_penalty", "waiting"),
        *titles,
        *("last_name", "first_name", "email"),
    ]
    for person in marks.roster:
        sheet = marks.sheets.get(person.student, Sheet(person.student))
        points = [sheet.scores.get(key) for key in marks.exercises]
        known = sheet.scores != {}
        yield [
            person.student,
            *((sheet.score, marks.points, sheet.penalty, sheet.waiting) if known else (None, marks.points, None, None)),
            *points,
            *(person.last_name, person.first_name, person.email),
        ]


def _canvas(name: str, marks: Marks) -> Iterator[list[str | float | None]]:
    yield ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", name]
    yield ["    Points Possible", None, None, None, None, marks.points]
    for person in marks.roster:
        sheet = marks.sheets.get(person.student)
        score = sheet.score if sheet and sheet.scores and not sheet.waiting else None
        full_name = ", ".join(part for part in (person.last_name, person.first_name) if part) or person.student
        yield [full_name, None, None, person.student, None, score]


def _field(value: str | float | None) -> str:
    """A field that no spreadsheet takes for a formula: students choose their names, and an instructor opens the file.

    >>> _field("=HYPERLINK(A1)"), _field("Eve"), _field(2.5), _field(-1.0), _field(None)
    ("'=HYPERLINK(A1)", 'Eve', '2.5', '-1', '')
    """
    if value is None:
        return ""
    if isinstance(value, int | float):
        return f"{value:.4f}".rstrip("0").rstrip(".")
    text = visible(value)
    return f"'{text}" if text.lstrip().startswith(_FORMULA) else text
