"""The command line as a person meets it: an assignment by its number, and a command in the way it is really typed."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path

from .classroom import CONFIG, Classroom
from .errors import BadAssignment, BadClassroom
from .intake import show


def enter(folder: Path, wanted: str) -> tuple[Classroom, str]:
    """Open a class, and find an assignment in it by its name, its number or a part of its name.

    Raises:
        BadClassroom: the folder is not that of a class.
        BadAssignment: there is no such assignment, or more than one.
    """
    if not (folder / CONFIG).is_file():
        new = command("init", "my-class")
        raise BadClassroom(
            f"{folder.resolve()} is not the folder of a class: name one with --class, or make one: {new}"
        )
    classroom = Classroom(folder)
    return classroom, which(wanted, classroom.assignments())


def who(classroom: Classroom, name: str, students: list[str] | None) -> list[str]:
    """The students that are meant: all who submitted an assignment, unless some are named.

    Raises:
        BadClassroom: one who is named has not submitted it.
    """
    everyone = classroom.students(name)
    for student in students or []:
        if student not in everyone:
            place = classroom.folder("submitted", show(student).strip("'"), name).relative_to(classroom.root)
            raise BadClassroom(f"{show(student)} has not submitted {name}: there is no {place} in {classroom.root}")
    return everyone if students is None else students


def which(wanted: str, names: list[str]) -> str:
    """The name of an assignment that was named in short.

    >>> which("5", ["05_convolution", "06_convolution_backward"])
    '05_convolution'
    >>> which("backward", ["05_convolution", "06_convolution_backward"])
    '06_convolution_backward'

    Raises:
        BadAssignment: there is no such assignment, or more than one.
    """
    if wanted in names:
        return wanted
    if wanted.isascii() and wanted.isdecimal():
        found = [name for name in names if name.partition("_")[0] == f"{int(wanted):02d}"]
    else:
        whole = [name for name in names if wanted and name.partition("_")[2] == wanted]
        found = whole or [name for name in names if wanted and wanted.lower() in name.lower()]
    if len(found) == 1:
        return found[0]
    if found:
        raise BadAssignment(f"{show(wanted)} means more than one assignment: {', '.join(found)}")
    raise BadAssignment(f"there is no assignment {show(wanted)}; the assignments here: {', '.join(names) or 'none'}")


def command(*words: str, folder: Path | None = None) -> str:
    """A command of the grader's to copy into the terminal where this one was called.

    Args:
        words: after `grader`.
        folder: of the class, if the command is about one.
    """
    if folder is not None and folder.resolve() != Path.cwd():
        place = folder.resolve()
        here = place.relative_to(Path.cwd()) if place.is_relative_to(Path.cwd()) else place
        words = (*words, "--class", str(here))
    return f"{_program()} {shlex.join(words)}"


def _program() -> str:
    """How the grader was called: through uv, by its name, or by where it lies."""
    called = Path(sys.argv[0])
    if "UV" in os.environ or called.stem != "grader":
        return "uv run grader"
    found = shutil.which("grader")
    return "grader" if found and Path(found).resolve() == called.resolve() else shlex.quote(str(called))
