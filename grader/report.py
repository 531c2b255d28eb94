"""How a class did: for the instructor, as a page in one file and as tables in a terminal."""

from __future__ import annotations

import base64
import io
import json
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from .class_report import SMALL, ClassReport, summarize
from .classroom import Classroom, write
from .found import checks
from .harmless import name as clean
from .looks import Look, look
from .marks import Key, read
from .pages import amount, share, templates

SHOWN = 20  # kinds of mistakes in a terminal
NAMED = 10  # students of one kind

__all__ = ["ClassReport", "collect", "show", "write_html"]


def collect(classroom: Classroom, name: str) -> ClassReport:
    """Gather what is known of an assignment: the gradebook, the outcomes, and the checks' reports.

    Raises:
        BadAssignment, BadGradebook: there is no such assignment, or no gradebook to read.
    """
    marks = read(classroom, name)
    students = sorted({*classroom.students(name), *marks.sheets})
    outcomes = {student: classroom.outcome(student, name) for student in students}
    notebooks = list(classroom.notebooks(name))
    reports: list[tuple[Key, dict[str, Any]]] = []
    looks: list[Look] = []
    for student, sheet in marks.sheets.items():
        for notebook in notebooks:
            path = classroom.folder("autograded", student, name) / f"{notebook}.ipynb"
            if path.is_file():
                graded = json.loads(path.read_text(encoding="utf-8"))
                reports += _reports(graded, notebook)
                looks += look(graded, notebook, sheet)
    return summarize(name, marks, outcomes, reports, looks)


def _reports(graded: dict[str, Any], notebook: str) -> Iterator[tuple[Key, dict[str, Any]]]:
    """What the checks of a graded notebook reported, by exercise."""
    for cell in graded["cells"]:
        mark = cell["metadata"].get("nbgrader", {})
        if mark.get("grade") and not mark.get("solution"):
            for report in checks(cell):
                yield (notebook, mark["grade_id"]), report


def write_html(report: ClassReport, path: Path) -> None:
    """Write the report as one file that loads nothing.

    Raises:
        BadClassroom: it cannot be written.
    """
    template = templates().get_template("report.html.j2")
    picture = base64.b64encode(histogram(report)).decode("ascii") if report.scores else ""
    write(path, template.render(report=report, picture=picture, small=SMALL))


def histogram(report: ClassReport) -> bytes:
    """The distribution of points, as a PNG."""
    top = max(report.points, *report.scores, 1.0)
    step = int(np.ceil((top + 1) / 26))  # whole points a bar, so that each holds as many of them
    edges = np.arange(-0.5, top + 0.5 + step, step)
    figure = Figure(figsize=(8, 2.8), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.hist(report.scores, bins=list(edges), color="#56b4e9", edgecolor="#1a1a1a", linewidth=0.8)
    middle, left = statistics.median(report.scores), statistics.median(report.scores) < 0.7 * top
    axes.axvline(middle, color="#d55e00", linestyle="--", linewidth=2)
    axes.annotate(
        f"median {amount(middle)}", (middle, 1), (4 if left else -4, 2), xycoords=("data", "axes fraction"),
        textcoords="offset points", ha="left" if left else "right", color="#b34700",
    )  # fmt: skip
    axes.set(xlabel=f"points, of {amount(report.points)}", ylabel="submissions", xlim=(edges[0], edges[-1]))
    axes.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=5))
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines["left"].set_position(("outward", 6))  # else it lies on the first bar
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=160)
    return content.getvalue()


def show(report: ClassReport, console: Console) -> None:
    """Show the report in a terminal."""
    console.print(f"[bold]{escape(report.assignment)}[/]  {report.summary}", highlight=False)
    for fault, count in report.faults.items():
        console.print(f"[bold red]The instructor's notebook:[/] {escape(clean(fault))} ({count}×)", highlight=False)
    table = Table(title="Exercises", title_justify="left", header_style="bold")
    table.add_column("exercise", overflow="fold")
    for heading in ("points", "mean", "full marks", *(["discrimination"] if report.discriminates else [])):
        table.add_column(heading, justify="right")
    table.add_column("look at", overflow="fold")
    for exercise in report.exercises:
        mean, correlation = exercise.mean, exercise.discrimination
        table.add_row(
            escape(clean(exercise.title)),
            amount(exercise.worth),
            "–" if mean is None else share(mean),
            str(exercise.full),
            *(["–" if correlation is None else f"{correlation:.2f}"] if report.discriminates else []),
            escape(clean("; ".join(exercise.notes))),
        )
    console.print(table)
    if report.mistakes:
        table = Table(title="Known mistakes", title_justify="left", header_style="bold")
        table.add_column("students", justify="right")
        table.add_column("exercise", overflow="fold")
        table.add_column("mistake", overflow="fold")
        for mistake in report.mistakes[:SHOWN]:
            table.add_row(str(mistake.count), escape(clean(mistake.exercise)), escape(clean(mistake.name)))
        console.print(table)
        if len(report.mistakes) > SHOWN:
            console.print(f"{len(report.mistakes) - SHOWN} more kinds of mistakes are in the page.", highlight=False)
    for apart, remarks in (("not accepted: ", report.rejections), ("", report.remarks)):
        for remark, students in remarks.items():
            _say(console, f"{len(students)}× {apart}{clean(remark)}", students)
    if report.looks:
        console.print("[bold]Needs a look[/]", highlight=False)
    for reason, looks in report.looks.items():
        _say(console, f"{len(looks)}× {clean(reason)}", [one.student for one in looks])
    if report.ungraded:
        console.print(f"{len(report.ungraded)} not graded yet.", highlight=False)
    levels = ", ".join(f"{level} ({count})" for level, count in report.levels.items())
    console.print(f"{report.time}{f' Box level {levels}.' if levels else ''}", highlight=False)


def _say(console: Console, what: str, students: list[str]) -> None:
    """A line about some students, of whom the first are named."""
    names = ", ".join(clean(student) for student in students[:NAMED])
    line = f"{what} ({names}{', …' if students[NAMED:] else ''})"
    console.print(escape(line), highlight=False, soft_wrap=True)
