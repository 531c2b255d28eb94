"""The instructor's command. Each subcommand calls one module; here are only words, tables and bars."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from . import crew

app = typer.Typer(
    help="""Release notebooks, autograde what strangers submit, read reports, send feedback.

Student code runs in a sandbox that holds neither tests nor solutions; the tests run outside it. Try it first with
`grader demo`. A class of your own is a folder, laid out as nbgrader does:

    grader init my-class
    grader release 5 -c my-class     # hand out exercises/05_convolution
    grader autograde 5 -c my-class   # grade submitted/STUDENT/05_convolution
    grader feedback 5 -c my-class    # a page for each student
    grader report 5 -c my-class      # a page for you
    grader export 5 -c my-class      # the points as CSV
""",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
console = Console()
TROUBLE = 2  # the exit code of everything foreseeable

Class = Annotated[
    Path,
    typer.Option(
        "--class", "-c", metavar="FOLDER", help="The folder of the class; by default this one.", show_default=False
    ),
]
Name = Annotated[str, typer.Argument(metavar="ASSIGNMENT", help="The assignment: 05_convolution, or 5.")]
Workers = Annotated[int | None, typer.Option(min=1, help="Worker processes; by default one a processor.")]
CSV = "The file; by default ASSIGNMENT.csv, for Canvas ASSIGNMENT-canvas.csv."
Only = Annotated[list[str] | None, typer.Option("--student", "-s", help="Only this student; may be repeated.")]


@app.callback(invoke_without_command=True)
def grader(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        from importlib.metadata import version as version_of

        typer.echo(version_of("convnet-course"))
        raise typer.Exit


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="The folder to make.")],
    root: Annotated[Path, typer.Option("--course", help="The checkout that holds solutions/.")] = Path(),
    update: Annotated[bool, typer.Option("--update", help="Replace notebooks that differ from the course's.")] = False,
) -> None:
    """Make the folder of a class: the course's notebooks and nbgrader's settings. What is there is kept."""
    from . import new_class
    from .command import command

    with in_words():
        made, kept = new_class.make(folder, root, update=update)
        say(f"The class {folder} has {', '.join(made.assignments())}.")
        if kept:
            say("Kept, though the course's differ, for you may have edited them; --update replaces them:")
        for place in kept:
            say(f"  {place}")
        say(f"Next, for each notebook that you hand out: {command('release', made.assignments()[0], folder=folder)}")


@app.command()
def build(
    root: Annotated[Path, typer.Argument(help="The checkout that holds solutions/.")] = Path(),
    check: Annotated[bool, typer.Option("--check", help="Change nothing; fail if a generated file differs.")] = False,
    only: Annotated[list[str] | None, typer.Option("--only", help="Only this notebook; may be repeated.")] = None,
) -> None:
    """Turn solutions/NN_topic.py into notebooks and the students' exercises; record what known mistakes answer."""
    from . import build as building

    with in_words():
        building.build(root, check=check, only=only)


@app.command()
def release(name: Name, folder: Class = Path()) -> None:
    """Make the students' version of an assignment in a class, and enter it in the gradebook."""
    from . import new_class
    from .command import command, enter

    with in_words():
        classroom, name = enter(folder, name)
        place = new_class.release(classroom, name)
        say(f"Released {name}. Hand out the folder {place}: the notebook, and the file beside it that its checks read.")
        submission = classroom.folder("submitted", "STUDENT", name) / f"{name}.ipynb"
        say(f"Put what comes back to {submission}, and grade it: {command('autograde', name, folder=folder)}")


@app.command()
def autograde(
    name: Name,
    folder: Class = Path(),
    workers: Workers = None,
    student: Only = None,
    force: Annotated[bool, typer.Option("--force", help="Grade again what was graded before.")] = False,
) -> None:
    """Grade every submission in the sandbox, side by side. An interrupted run goes on where it stopped."""
    with in_words():
        crew.muster()
        from .command import command, enter, who
        from .terminal import autograde_class

        classroom, name = enter(folder, name)
        who(classroom, name, student)  # a slip of the pen must not enter somebody in the gradebook
        autograde_class(classroom, name, console, workers=workers, students=student, force=force)
        say("Next:")
        for pages in ("feedback", "report"):
            say(f"  {command(pages, name, folder=folder)}")


@app.command()
def feedback(name: Name, folder: Class = Path(), student: Only = None) -> None:
    """Write each student's feedback as a page that reads offline."""
    from .command import enter
    from .terminal import write_feedback

    with in_words():
        classroom, name = enter(folder, name)
        write_feedback(classroom, name, console, students=student)
        page = classroom.folder("feedback", "STUDENT", name) / f"{next(iter(classroom.notebooks(name)))}.html"
        say(f"Send each student their page, {page}; with nbgrader's exchange: nbgrader release_feedback {name}")


@app.command()
def report(name: Name, folder: Class = Path()) -> None:
    """Show how the class did, and write it as a page: points, difficulty, known mistakes, odd submissions."""
    from .command import enter
    from .terminal import write_report

    with in_words():
        classroom, name = enter(folder, name)
        write_report(classroom, name, console)


@app.command()
def export(
    name: Name,
    folder: Class = Path(),
    output: Annotated[Path | None, typer.Option("--output", "-o", help=CSV)] = None,
    canvas: Annotated[bool, typer.Option("--canvas", help="In the columns that Canvas imports.")] = False,
) -> None:
    """Write the points as CSV for a learning management system."""
    from .command import enter
    from .export import empty_fields, write_csv

    with in_words():
        classroom, name = enter(folder, name)
        path = output or folder / f"{name}{'-canvas' if canvas else ''}.csv"
        marks = write_csv(classroom, name, path, layout="canvas" if canvas else "table")
        say(f"Wrote {path}")
        if canvas and (empty := empty_fields(marks)):
            say(empty)


@app.command()
def demo(
    folder: Annotated[Path, typer.Argument(help="Where the class of the demonstration is made.")] = Path("demo-class"),
    name: Annotated[str, typer.Option("--notebook", help="Which notebook the class has.")] = "05_convolution",
    root: Annotated[Path, typer.Option("--course", help="The checkout that holds solutions/.")] = Path(),
    workers: Workers = None,
) -> None:
    """Make a class whose students make every known mistake, and grade it: the whole way in a minute."""
    from . import demo as demonstration

    with in_words():
        demonstration.run(folder, name, root, console, workers=workers)


@app.command()
def doctor() -> None:
    """Find out which sandbox this machine can build, by running hostile code in it."""
    from .doctor import examine

    with in_words():
        if not examine(console):
            raise typer.Exit(1)


@contextmanager
def in_words() -> Iterator[None]:
    """Foreseeable trouble is one sentence and exit code 2; an interruption leaves everything complete so far."""
    from .errors import Trouble

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    try:
        yield
    except Trouble as trouble:
        Console(stderr=True).print(f"[bold red]✗[/] {escape(str(trouble))}", soft_wrap=True, highlight=False)
        raise typer.Exit(TROUBLE) from None
    except KeyboardInterrupt:
        say("Interrupted. What was finished is kept; the same command goes on from there.")
        raise typer.Exit(130) from None


def _stop(number: int, _: object) -> None:
    """Stop now: what is under way is not waited for, and pressing Ctrl-C again does not disturb the cleaning up."""
    signal.signal(number, signal.SIG_IGN)
    crew.dismiss()
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    sys.exit(143)


def say(text: str) -> None:
    console.print(escape(text), soft_wrap=True, highlight=False)


def main() -> None:
    app()


if __name__ == "__main__":
    main()
