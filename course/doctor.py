"""Examine an installation: what the notebooks need, by trying it, and how to mend what is broken.

Every check is a function that returns one Finding. A student needs those that can be `broken`; what only instructors
and developers need is at worst a `note`, and stands under a heading of its own.
"""

from __future__ import annotations

import json
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from subprocess import DEVNULL
from typing import Any, Literal

DISTRIBUTION = "convnet-course"


@dataclass(frozen=True)
class Finding:
    """What one check found, and a command or sentence that mends it."""

    state: Literal["fine", "note", "broken"]
    subject: str
    text: str
    mend: str = ""
    for_students: bool = True


def examine() -> list[Finding]:
    """All findings, in the order in which a broken one explains the next; first what a student needs."""
    others = [replace(check(), for_students=False) for check in FOR_OTHERS]
    return [*(check() for check in FOR_STUDENTS), *others]


def python_and_course() -> Finding:
    version = platform.python_version()
    course = _version(DISTRIBUTION)
    if course is None:
        mend = "in the course's folder: " + _install("-e .")
        return Finding("broken", "Python", f"{version}, but {DISTRIBUTION} is not installed in it", mend)
    return Finding("fine", "Python", f"{version} with {DISTRIBUTION} {course}, {sys.executable}")


def packages() -> Finding:
    """What the distribution itself says that it requires, against what is installed."""
    wrong, right = [], []
    for name, wanted, installed in _requirements():
        if installed is None:
            wrong.append((name, f"{name} is missing"))
        elif not wanted(installed):
            wrong.append((name, f"{name} {installed} is too old"))
        else:
            right.append(f"{name} {installed}")
    if wrong:
        mend = _install(f"--upgrade {' '.join(name for name, _ in wrong)}")
        return Finding("broken", "packages", ", ".join(text for _, text in wrong), mend)
    return Finding("fine", "packages", ", ".join(right))


def _requirements() -> Iterator[tuple[str, Callable[[str], bool], str | None]]:
    from packaging.requirements import Requirement

    try:
        lines = metadata.requires(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        return
    for requirement in map(Requirement, lines):
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield requirement.name, requirement.specifier.contains, _version(requirement.name)


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def kernel() -> Finding:
    """Start the kernel that every notebook names and let it say which Python it is."""
    subject = "kernel python3"
    mend = f"{sys.executable} -m ipykernel install --sys-prefix --name python3"
    try:
        place, answer = _ask_kernel(NEEDED)
    except Exception as error:  # whatever keeps a kernel from answering is the finding
        return Finding("broken", subject, f"does not start: {type(error).__name__}: {error}", mend)
    if answer == sys.prefix:
        return Finding("fine", subject, "starts this Python and imports the course")
    if not Path(place).is_relative_to(sys.prefix):
        mend = f"remove {place}, which hides the right one"
    if Path(answer).is_dir():
        return Finding("broken", subject, f"{place} starts another Python, {answer}", mend)
    mend = f"{sys.executable} -m pip install --force-reinstall convnet-course"
    return Finding("broken", subject, f"{place} starts, but cannot import what notebooks need: {answer}", mend)


# what notebooks begin with: that packages are listed as installed does not say that they can be imported
NEEDED = """
import sys, numpy, matplotlib, ipywidgets, anywidget
from course import data, plots
from course.check import Check
print(sys.prefix)
"""


def _ask_kernel(code: str) -> tuple[str, str]:
    """Where the kernel python3 is described, and what it prints, or its error."""
    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_client.manager import start_new_kernel

    place = KernelSpecManager().get_kernel_spec("python3").resource_dir
    manager, client = start_new_kernel(60, "python3", stderr=DEVNULL)
    printed: list[str] = []

    def collect(message: dict[str, Any]) -> None:
        content = message["content"]
        printed.append(content.get("text", content.get("evalue", "")))

    try:
        client.execute_interactive(code, timeout=60, output_hook=collect)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    return place, "".join(printed).strip()


def widgets() -> Finding:
    """The two parts of JupyterLab that draw sliders and demos."""
    missing = [name for name in ("@jupyter-widgets/jupyterlab-manager", "anywidget") if not _labextension(name)]
    if missing:
        mend = _install("--force-reinstall jupyterlab_widgets anywidget")
        return Finding("broken", "widgets", f"JupyterLab lacks {' and '.join(missing)}: demos will not show", mend)
    return Finding("fine", "widgets", "JupyterLab draws sliders and demos")


def notebooks() -> Finding:
    from course.handout import HandoutError, names_in, released_folder

    try:
        names = names_in(released_folder())
    except HandoutError as error:
        return Finding("broken", "notebooks", str(error), "in the course's folder: " + _install("."))
    return Finding("fine", "notebooks", ", ".join(names))


def nbgrader() -> Finding:
    version = _version("nbgrader")
    if version is None:
        return Finding(
            "note",
            "nbgrader",
            "not installed; needed for grading",
            "instructors, in the course's folder: " + _install("-e '.[grader]'"),
        )
    if not _labextension("@jupyter/nbgrader"):
        mend = _install("--force-reinstall nbgrader")
        return Finding("note", "nbgrader", f"{version}, but JupyterLab lacks its part", mend)
    wanted = {f"nbgrader.server_extensions.{name}" for name in ("formgrader", "validate_assignment", "assignment_list")}
    if off := sorted(wanted - _server_extensions()):
        mend = f"{sys.executable} -m jupyter server extension enable --sys-prefix --py nbgrader"
        return Finding("note", "nbgrader", f"{version}, but not enabled: {', '.join(off)}", mend)
    return Finding("fine", "nbgrader", f"{version} with formgrader, validate and the assignment list")


def alembic() -> Finding:
    """nbgrader makes its gradebook by calling a bare `alembic`."""
    commands = Path(sys.executable).parent
    if not shutil.which("alembic") and (commands / "alembic").exists():
        mend = f'export PATH="{commands}:$PATH"'
        return Finding("note", "alembic", "not on PATH: plain nbgrader cannot make a gradebook", mend)
    return _program("alembic", "nbgrader's gradebook", "instructors: it comes with nbgrader")


def bubblewrap() -> Finding:
    return _program("bwrap", "the box that runs students' code", "instructors: sudo apt install bubblewrap")


def chromium() -> Finding:
    return _program("chromium", "the browser tests", "developers: sudo apt install chromium")


def _program(name: str, purpose: str, mend: str) -> Finding:
    place = shutil.which(name)
    if place is None:
        return Finding("note", name, f"not on PATH; needed for {purpose}", mend)
    return Finding("fine", name, f"{place}, for {purpose}")


def _labextension(name: str) -> bool:
    from jupyter_core.paths import jupyter_path

    return any((Path(path) / name / "package.json").exists() for path in jupyter_path("labextensions"))


def _server_extensions() -> set[str]:
    from jupyter_core.paths import jupyter_config_path

    enabled: dict[str, bool] = {}
    for path in reversed(jupyter_config_path()):  # the first path wins
        for file in (
            *sorted(Path(path).glob("jupyter_server_config.d/*.json")),
            Path(path, "jupyter_server_config.json"),
        ):
            try:
                enabled |= json.loads(file.read_text("utf-8"))["ServerApp"]["jpserver_extensions"]
            except (OSError, ValueError, KeyError, TypeError):
                continue
    return {name for name, on in enabled.items() if on}


def _install(packages: str) -> str:
    """The command that installs into this interpreter, also where uv made it without pip."""
    if find_spec("pip") is None and shutil.which("uv"):
        return f"uv pip install --python {sys.executable} {packages}"
    return f"{sys.executable} -m pip install {packages}"


FOR_STUDENTS = (python_and_course, packages, kernel, widgets, notebooks)
FOR_OTHERS = (nbgrader, alembic, bubblewrap, chromium)


def report(findings: list[Finding]) -> None:
    """Print the findings; marks and words, not colour alone, and commands unwrapped so that they can be copied."""
    from rich.console import Console
    from rich.text import Text

    looks = {"fine": ("✓ fine  ", "green"), "note": ("· note  ", "cyan"), "broken": ("✗ broken", "bold red")}
    console = Console(soft_wrap=True, highlight=False)

    def show(some: list[Finding]) -> None:
        for finding in some:
            console.print(Text.assemble(looks[finding.state], f"  {finding.subject:15} {finding.text}"))
            if finding.mend:
                console.print(Text(f"{'':10}  → {finding.mend}", "bold"))

    console.print(Text("What the notebooks need", "bold underline"))
    show([finding for finding in findings if finding.for_students])
    broken = sum(finding.state == "broken" for finding in findings)
    if broken:
        console.print(f"\n{broken} to mend: begin at the top, where one may explain the next, and examine again.")
    else:
        console.print("\nAll that a student needs is there.")
    console.print(Text("\nOnly for instructors and developers", "bold underline"))
    show([finding for finding in findings if not finding.for_students])
