"""Seconds a submission: `grader autograde` beside stock `nbgrader autograde`, on the same submissions, in one run.

    python -m tests.benchmarks.grading                       a small notebook of 8 cells
    python -m tests.benchmarks.grading --notebook 05_convolution
    python -m tests.benchmarks.grading --memory              whether the head's memory grows with the class

Stock nbgrader starts a kernel for each submission and gets fewer of them, since it takes so much longer; both are timed
as commands, start-up included, in turns, and the medians of the rounds are printed.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated

import nbformat
import typer
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from rich.console import Console
from rich.progress import track
from rich.table import Table

from grader import new_class
from grader.classroom import CONFIG, CONFIG_TEXT, Classroom

ROOT = Path(__file__).parents[2]
STOCK = """c = get_config()
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "exercises"
"""
HEAD = """
import resource, sys
from pathlib import Path
from grader.classroom import Classroom
from grader.pool import Local, autograde
if __name__ == "__main__":
    autograde(Classroom(Path(sys.argv[1])), sys.argv[2], Local(2))
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
console = Console()


def small() -> nbformat.NotebookNode:
    """A notebook of eight cells: two exercises, a test for each, and text."""

    def mark(name: str, points: int | None = None) -> dict[str, object]:
        nbgrader: dict[str, object] = {"schema_version": 3, "grade_id": name, "task": False}
        nbgrader |= {"solution": points is None, "grade": points is not None, "locked": points is not None}
        return {"nbgrader": nbgrader if points is None else nbgrader | {"points": points}}

    def exercise(name: str, body: str) -> nbformat.NotebookNode:
        code = f"def {name}(x):\n    ### BEGIN SOLUTION\n    return {body}\n    ### END SOLUTION"
        return new_code_cell(code, id=name, metadata=mark(name))

    def test(name: str, right: str) -> nbformat.NotebookNode:
        code = f"x = np.arange(-3.0, 4.0)\nassert np.array_equal({name}(x), {right})\n2"
        return new_code_cell(code, id=f"{name}-check", metadata=mark(f"{name}-check", 2))

    notebook = new_notebook(
        cells=[
            new_markdown_cell("# Small", id="title"),
            new_code_cell("import numpy as np", id="setup", metadata={"tags": ["setup"]}),
            new_markdown_cell("Write `relu`.", id="text-1"),
            exercise("relu", "np.maximum(x, 0)"),
            test("relu", "np.maximum(x, 0)"),
            new_markdown_cell("Write `square`.", id="text-2"),
            exercise("square", "x * x"),
            test("square", "x * x"),
        ]
    )
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook.metadata.convnet_course = {"box_modules": []}
    return notebook


def make_class(folder: Path, notebook: str | None, count: int) -> str:
    """A class whose students all hand in the solution; the name of its assignment."""
    name = notebook or "small"
    if notebook is None:
        place = folder / "solutions" / name / f"{name}.ipynb"
        place.parent.mkdir(parents=True)
        nbformat.write(small(), place)
        (folder / CONFIG).write_text(CONFIG_TEXT, encoding="utf-8")
    else:
        new_class.make(folder, ROOT)
        place = folder / "solutions" / name / f"{name}.ipynb"
    new_class.release(Classroom(folder), name)
    for number in range(count):
        submitted = folder / "submitted" / f"student{number:04}" / name
        submitted.mkdir(parents=True)
        shutil.copy(place, submitted)
    return name


def timed(folder: Path, *command: str) -> float:
    """Seconds that a command takes."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    start = time.perf_counter()
    done = subprocess.run(command, cwd=folder, env={**os.environ, "PATH": path}, capture_output=True, encoding="utf-8")
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}\n{done.stderr}")
    return time.perf_counter() - start


def measure_memory(notebook: str | None) -> None:
    """Print the most that the head of the grader had resident, for a class and for one ten times as large."""
    table = Table(title="The head's memory at its peak, 2 workers", title_justify="left")
    for column in ("submissions", "MiB", "s in all"):
        table.add_column(column, justify="right")
    for count in (200, 2000):
        with tempfile.TemporaryDirectory() as place:
            name = make_class(Path(place), notebook, count)
            start = time.perf_counter()
            done = subprocess.run(
                [sys.executable, "-c", HEAD, place, name], capture_output=True, encoding="utf-8", check=True
            )
            table.add_row(str(count), f"{int(done.stdout) / 1024:.1f}", f"{time.perf_counter() - start:.1f}")
    console.print(table)


def main(
    notebook: Annotated[str | None, typer.Option(help="A notebook of the course; by default a small one.")] = None,
    submissions: Annotated[int, typer.Option(help="Submissions a round for the grader.")] = 200,
    stock: Annotated[int, typer.Option(help="Submissions a round for stock nbgrader.")] = 6,
    rounds: Annotated[int, typer.Option(help="Rounds, each command once a round.")] = 3,
    memory: Annotated[bool, typer.Option("--memory", help="Instead, the head's memory for 200 and for 2000.")] = False,
) -> None:
    """Compare the grader with stock nbgrader on copies of one submission."""
    if memory:
        measure_memory(notebook)
        return
    seconds: dict[str, list[float]] = {}
    counts: dict[str, int] = {}
    with tempfile.TemporaryDirectory() as place:
        ours, theirs = Path(place) / "ours", Path(place) / "stock"
        ours.mkdir()
        theirs.mkdir()
        name = make_class(ours, notebook, submissions)
        make_class(theirs, notebook, stock)
        (theirs / CONFIG).write_text(STOCK, encoding="utf-8")
        for _ in track(range(rounds), description="rounds", console=console):
            for label, count, folder, command in (
                ("nbgrader autograde", stock, theirs, ("nbgrader", "autograde", name, "--force")),
                (
                    "grader autograde, 1 worker",
                    submissions,
                    ours,
                    ("grader", "autograde", name, "--force", "--workers", "1"),
                ),
                (
                    "grader autograde, 2 workers",
                    submissions,
                    ours,
                    ("grader", "autograde", name, "--force", "--workers", "2"),
                ),
                ("grader, start-up alone", 1, ours, ("grader", "autograde", name, "--force", "-s", "student0000")),
            ):
                seconds.setdefault(label, []).append(timed(folder, *command))
                counts[label] = count
    each = {label: statistics.median(times) / counts[label] for label, times in seconds.items()}
    table = Table(title=f"{name}: commands, start-up included; medians of {rounds} rounds", title_justify="left")
    for column in ("command", "submissions", "s in all", "s a submission", "times stock"):
        table.add_column(column, justify="left" if column == "command" else "right")
    for label, times in seconds.items():
        ratio = each["nbgrader autograde"] / each[label]
        row = (f"{counts[label]}", f"{statistics.median(times):.2f}", f"{each[label]:.3f}", f"{ratio:.1f}")
        table.add_row(label, *row)
    console.print(table)


if __name__ == "__main__":
    typer.run(main)
