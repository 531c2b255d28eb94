"""The command `course`: open the notebooks, or find out why they do not open."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from course.handout import Change
    from course.rehearsal import Result

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Convolutional neural networks, by hand and in NumPy.\n\n"
    "Begin with [bold]course lab[/]: it copies the notebooks into a folder of your own and opens JupyterLab on them.",
)


@app.callback(invoke_without_command=True)
def course(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        from course import __version__

        typer.echo(__version__)
        raise typer.Exit


@app.command(
    epilog="[bold]course lab[/] opens the one on convolution, the heart of the course; [bold]course lab 3[/] or "
    "[bold]course lab backprop[/] the one on backpropagation. To begin a notebook anew, delete or rename it and open "
    "the course again. To hand one in, save it and hand in the file NAME/NAME.ipynb of your folder. Ctrl-C stops."
)
def lab(
    notebook: Annotated[
        str | None,
        typer.Argument(help="Number, name, or part of the name of the notebook to open.", show_default=False),
    ] = None,
    folder: Annotated[
        Path, typer.Option(help="Your own folder; made at the first time, your work in it is never overwritten.")
    ] = Path("my-course"),
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open a browser, or only print the address.")
    ] = True,
    port: Annotated[
        int, typer.Option(min=1024, max=65535, help="Where JupyterLab listens; if busy, the next free port.")
    ] = 8888,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show JupyterLab's own log.")] = False,
) -> None:
    """Open the course in JupyterLab, in a folder of your own."""
    from course.handout import HandoutError, find_notebook, hand_out, names_in, released_folder
    from course.lab import LabError, serve

    def announce(url: str, chosen: int) -> None:
        if chosen != port:
            typer.echo(f"Port {port} is busy, so this is port {chosen}.")
        typer.echo(
            f"Your notebooks are in {folder.resolve()}\n\nOpen this address in a browser"
            f"{', unless one opens by itself' if browser else ''}:\n\n    {url}\n\n"
            "Ctrl-C stops JupyterLab; what you saved stays."
        )

    try:
        released = released_folder()
        name = find_notebook(notebook, names_in(released))
        for change in hand_out(released, folder):
            typer.echo(_sentence(change))
        serve(folder, f"{name}/{name}.ipynb", port=port, browser=browser, verbose=verbose, announce=announce)
    except (HandoutError, LabError) as error:
        _fail(str(error))
    except KeyboardInterrupt:
        pass  # before the server listened, or a second Ctrl-C
    typer.echo(f"\nStopped. Your notebooks are in {folder.resolve()}; the same command opens them again.")


def _sentence(change: Change) -> str:
    return {
        "new": f"New: {change.notebook}",
        "restored": f"There again: {change.notebook}",
        "updated": f"Newer version: {change.notebook} (you had not changed yours)",
        "beside": f"Newer version: {change.where}, beside {change.notebook}, which is as you left it.",
    }[change.kind]


@app.command(
    epilog="[bold]course check 5[/] runs the notebook on convolution; without a number, the one that you saved last. "
    "Your file is not changed."
)
def check(
    notebook: Annotated[
        str | None, typer.Argument(help="Number, name, or part of the name.", show_default=False)
    ] = None,
    folder: Annotated[Path, typer.Option(help="Your own folder.")] = Path("my-course"),
) -> None:
    """Run a notebook from the top, as it will be graded, and show its points: before you hand it in."""
    from tqdm import tqdm

    from course.handout import HandoutError, find_notebook, names_in, released_folder
    from course.rehearsal import RehearsalError, rehearse

    try:
        files = {name: folder / name / f"{name}.ipynb" for name in names_in(released_folder())}
        saved = [name for name, file in files.items() if file.exists()]
        if notebook is None and saved:
            notebook = max(saved, key=lambda name: files[name].stat().st_mtime)
        name = find_notebook(notebook, list(files))
        file = files[name]
        with tqdm(desc=name, unit=" cells", leave=False, disable=None) as bar:

            def told(done: int, all_: int) -> None:
                bar.total = all_
                bar.update(done - bar.n)

            results = rehearse(file, told)
    except (HandoutError, RehearsalError) as error:
        _fail(str(error))
    except KeyboardInterrupt:
        _fail("Stopped. Your notebook is as it was.")
    _show(file, results)


def _show(file: Path, results: list[Result]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table("exercise", "points", "", title=str(file), title_justify="left", title_style="bold")
    for result in results:
        earned = "…" if result.points is None else f"{result.points:.3g}"
        full = result.points == result.most or (result.points is None and not result.remark)
        remark = Text(result.remark or ("✓" if result.points is not None else "a person reads it"))
        table.add_row(Text(result.exercise), f"{earned} of {result.most:g}", remark, style="" if full else "yellow")
    console = Console()
    console.print(table)
    counted = [result for result in results if result.points is not None]
    read = sum(result.most for result in results if result.points is None)
    sum_, most = sum(result.points or 0 for result in counted), sum(result.most for result in counted)
    words = f", and up to {read:g} for answers in words" if read else ""
    console.print(
        f"{sum_:.3g} of {most:g} points by these checks{words}. When it is graded the numbers are others, and some "
        "cases are not shown here."
    )


@app.command()
def doctor() -> None:
    """Check what the notebooks need by trying it, and say how to mend what is broken.

    Changes nothing and asks nothing of the network. What only instructors and developers need comes last. Exit code 1
    when something is broken that a student needs.
    """
    from course.doctor import examine, report

    findings = examine()
    report(findings)
    if any(finding.state == "broken" for finding in findings):
        raise typer.Exit(1)


def _fail(sentence: str) -> NoReturn:
    typer.secho(sentence, err=True, fg=typer.colors.RED)
    raise typer.Exit(2)


def main() -> None:
    app(prog_name="course")
