"""Long work in a terminal: a bar while it runs, a table when it is done."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from .box.levels import REDUCED
from .classroom import Classroom, Outcome
from .gradebook import Book
from .pool import Local, autograde

MISSED = """student code cannot write files or start programs, and sees the names of others' files. \
`grader doctor` says why there is no full box here; where there is one, `--force` grades again in it."""


def bar(console: Console) -> Progress:
    """The progress bar of all long work."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, transient=True)


def autograde_class(
    classroom: Classroom,
    name: str,
    console: Console,
    *,
    workers: int | None = None,
    students: list[str] | None = None,
    force: bool = False,
) -> list[Outcome]:
    """Autograde an assignment with a bar, then show everyone's points."""
    everyone = students if students is not None else classroom.students(name)
    fresh = 0

    with bar(console) as progress:
        task = progress.add_task(f"grading {name}", total=len(everyone))

        def report(outcome: Outcome, now: bool) -> None:
            nonlocal fresh
            fresh += now
            progress.advance(task)

        pool = Local(workers)
        outcomes = autograde(classroom, name, pool, students=students, force=force, report=report)
        seconds = progress.tasks[0].finished_time or 0.0
    show_points(classroom, name, outcomes, console)
    levels = ", ".join(sorted({outcome.level for outcome in outcomes if outcome.level})) or "none"
    line = f"{fresh} graded now, {len(outcomes) - fresh} already graded; {pool.count} workers, box level {levels}"
    if fresh:
        line += f"; {seconds:.1f} s, {seconds / fresh:.2f} s a submission with the start-up"
    console.print(line, highlight=False)
    if any(outcome.level == REDUCED for outcome in outcomes):
        console.print(f"[yellow]Box level {REDUCED} is reduced[/]: {MISSED}", highlight=False)
    return outcomes


def show_points(classroom: Classroom, name: str, outcomes: list[Outcome], console: Console) -> None:
    """The table of points, as the gradebook has them, with what happened to odd submissions."""
    known = {outcome.student: outcome for outcome in outcomes}
    table = Table(title=f"Points in {name}", title_justify="left", header_style="bold")
    table.add_column("student", overflow="fold")
    table.add_column("tests", justify="right")
    table.add_column("of", justify="right")
    table.add_column("answers in words")
    table.add_column("remark", overflow="fold")
    with Book(classroom.db_url, classroom.config) as book:
        rows = [row for row in book.table(name) if row.student in known]
    for row in rows:
        outcome = known[row.student]
        waiting = "to be read" if row.needs_manual else ""
        points, of = f"{outcome.score:g}", f"{outcome.points:g}"
        table.add_row(escape(row.student), points, of, waiting, escape("; ".join(outcome.remarks)))
    console.print(table)
    faults = sorted({fault for outcome in outcomes for fault in outcome.faults})
    for fault in faults:
        console.print(f"[bold red]To mend:[/] {escape(fault)}", highlight=False)


def write_feedback(classroom: Classroom, name: str, console: Console, *, students: list[str] | None = None) -> None:
    """Write the feedback pages with a bar."""
    from . import feedback

    everyone = students if students is not None else classroom.students(name)
    with bar(console) as progress:
        task = progress.add_task(f"feedback for {name}", total=len(everyone))
        paths = feedback.write_feedback(classroom, name, students=students, progress=lambda *_: progress.advance(task))
    console.print(f"{len(paths)} pages of feedback in {classroom.root / 'feedback'}", soft_wrap=True, highlight=False)


def write_report(classroom: Classroom, name: str, console: Console) -> None:
    """Show the class report and write it as a page."""
    from . import report

    collected = report.collect(classroom, name)
    report.show(collected, console)
    path = classroom.root / f"report-{name}.html"
    report.write_html(collected, path)
    console.print(f"Report: {path}", soft_wrap=True, highlight=False)
