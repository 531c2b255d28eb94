"""A class in a minute: its students hand in the solution, every known mistake, and what goes wrong in real classes."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from rich.console import Console

from . import new_class, terminal
from .cells import is_exercise
from .classroom import CONFIG, STATE, write
from .errors import BadClassroom, Trouble
from .mistakes import mistaken
from .source import Solution, load_solution

MARK = "demonstration"  # a file that tells the demonstration's class from one of real students
ENDLESS = "\n\ndef {name}(*args, **kwargs):\n    while True:\n        pass\n"


class WrongPoints(Trouble):
    """The demonstration's class did not get the points that it must."""


def run(folder: Path, name: str, checkout: Path, console: Console, *, workers: int | None = None) -> None:
    """Make the class, release, hand in, grade, write feedback and the report.

    Raises:
        BadClassroom: the folder holds something else, such as a class of real students.
        WrongPoints: the solution lacks points, or someone else has them all.
    """
    if (folder / CONFIG).exists() and not (folder / STATE / MARK).exists():
        raise BadClassroom(f"{folder} is the folder of a class, not of a demonstration; name a new folder")
    solution = load_solution(checkout, name)
    classroom, _ = new_class.make(folder, checkout, update=True)
    write(folder / STATE / MARK, "")
    released = new_class.release(classroom, name)
    stub = nbformat.read(released / f"{name}.ipynb", as_version=4)
    students = dict(submissions(solution, stub))
    for student, text in students.items():
        write(classroom.folder("submitted", student, name) / f"{name}.ipynb", text)
    console.print(f"A class of {len(students)} in {folder}, each with a submission of {name}.", highlight=False)
    outcomes = terminal.autograde_class(classroom, name, console, workers=workers, students=list(students))
    terminal.write_feedback(classroom, name, console, students=list(students))
    terminal.write_report(classroom, name, console)
    complete = [outcome.student for outcome in outcomes if outcome.score >= outcome.points]
    if complete != ["solution"] or len(outcomes) != len(students):
        raise WrongPoints(f"full marks should go to the solution alone; they went to {', '.join(complete) or 'nobody'}")


def submissions(solution: Solution, stub: NotebookNode) -> Iterator[tuple[str, str]]:
    """The students of the demonstration and the text of their notebooks."""
    exercises = [cell.id for cell in stub.cells if is_exercise(cell)]
    yield "solution", nbformat.writes(solution.notebook)
    for mistake in solution.mistakes:
        yield student_of(mistake.exercise, mistake.name), nbformat.writes(mistaken(solution.notebook, mistake))
    half = with_solutions(solution, stub, exercises[: len(exercises) // 2])
    yield "half-finished", nbformat.writes(half)
    yield "untouched", nbformat.writes(stub)
    endless = copy.deepcopy(solution.notebook)
    cell = next(cell for cell in endless.cells if is_exercise(cell) and functions(cell.source))
    cell.source += ENDLESS.format(name=functions(cell.source)[0])
    yield "endless-loop", nbformat.writes(endless)
    yield "broken-json", nbformat.writes(stub)[:-200]


def functions(source: str) -> list[str]:
    """The names of the functions and classes that a cell defines; calling one of either can be made endless."""
    kinds = (ast.FunctionDef, ast.ClassDef)
    return [statement.name for statement in ast.parse(source).body if isinstance(statement, kinds)]


def student_of(exercise: str, mistake: str) -> str:
    """A student's name that says which mistake they make.

    >>> student_of("conv2d", "H and W swapped")
    'mistake-conv2d-h-and-w-swapped'
    """
    words = "".join(c if c.isalnum() else " " for c in f"{exercise} {mistake}".lower()).split()
    return "-".join(["mistake", *words])


def with_solutions(solution: Solution, stub: NotebookNode, exercises: list[str]) -> NotebookNode:
    """The stub with some of its exercises solved."""
    texts = {cell.id: cell.source for cell in solution.notebook.cells}
    made = copy.deepcopy(stub)
    for cell in made.cells:
        if cell.id in exercises:
            cell.source = texts[cell.id]
    return made
