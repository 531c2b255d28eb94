"""What hostile submissions do to stock `nbgrader autograde`, and to ours: every case once through each.

    python -m tests.benchmarks.hostile                              the table
    python -m tests.benchmarks.hostile --markdown FILE              and as markdown
    python -m tests.benchmarks.hostile --only 24 --only 07_memory   these cases

Stock nbgrader runs hostile code for real. So both run inside bubblewrap: no network, processes of their own, a
read-only root, scratch folders of bounded size, limits, a minute in all; nothing remains but a description of what
happened. Every case has a class of its own, in which the hostile student sits between two honest ones. What counts as
harm is observed (`harm.py`), against a run in which everyone is honest.
"""

from __future__ import annotations

import importlib.util
import inspect
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import nbformat
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from grader import new_class, source
from grader.classroom import CONFIG, CONFIG_TEXT, Classroom
from tests.hostile import mutations
from tests.hostile.conftest import CODE, HONEST, LIMITS

from . import harm
from .grading import ROOT, STOCK

NAME = mutations.NAME  # some cases know the assignment's name
SOURCE = Path(__file__).parent / "sources" / f"{NAME}.py"
POINTS = 24  # that its tests give
MALLORY = "mallory"  # between the honest, by name
UNTOUCHED = "00_untouched"
MARKER = "no_one_shall_see"  # stands in every hidden test
HOME, CLASS, GIVEN, OBSERVED, OBSERVER = "/home/teacher", "/class", "/given", "/observed", "/harm.py"
SCRATCH = [HOME, "/tmp", "/dev/shm"]
SECONDS = 60
UID = 61_185  # of nobody, who runs stock nbgrader; the observer stays root where it is, out of reach
SUITED = {  # texts that were written against our box, or our points, so that they make sense to both
    "888": "2",  # stock nbgrader refuses more points than there are
    "os.path.exists('/opt/box')": "(os.path.exists('/opt/box') or 'NBGRADER_EXECUTION' in os.environ)",  # when graded
    "for place in [*found, '../../../sol": "for place in ['../../../sol",  # not its own text, which is found first
}
ACTIVE = r"(?i)<script>window\.pwned|<img src=x onerror|href=.javascript:window\.pwned"
LARGE = 5_000_000
STOCK_CONFIG = STOCK + "c.ExecutePreprocessor.timeout = c.Execute.timeout = 10\n"
COMMANDS = {
    "stock": (["nbgrader", "autograde", NAME], ["nbgrader", "generate_feedback", NAME, "--student", MALLORY]),
    "ours": (["grader", "autograde", NAME, "--workers", "1"], ["grader", "feedback", NAME, "--student", MALLORY]),
}
console = Console()


@dataclass(frozen=True)
class Case:
    """A hostile submission: what it tries, and how it changes a class's folder that holds the student's stub."""

    name: str
    tries: str
    hand_in: Callable[[Path, str], None]
    deserves: float = 0.0


@dataclass
class Result:
    """What one case came to on one side."""

    gained: float
    harm: list[str] = field(default_factory=list)
    ungraded: bool = False  # its own work: no harm, but no verdict either


# ---- the class -----------------------------------------------------------------------------------------------------


def make_class(folder: Path) -> str:
    """A released assignment and two honest submissions; the text of the students' stub."""
    place = folder / "solutions" / NAME / f"{NAME}.ipynb"
    place.parent.mkdir(parents=True)
    made = source.parse(SOURCE.read_text(encoding="utf-8"), NAME).notebook
    made.metadata.convnet_course["limits"] = LIMITS
    nbformat.write(made, place)
    (folder / CONFIG).write_text(CONFIG_TEXT, encoding="utf-8")
    new_class.release(Classroom(folder), NAME)
    for student in HONEST:
        hand_in(folder, student, json.loads(place.read_text(encoding="utf-8")))
    return (folder / "exercises" / NAME / f"{NAME}.ipynb").read_text(encoding="utf-8")


def hand_in(folder: Path, student: str, submitted: Any) -> Path:
    place = folder / "submitted" / student / NAME
    place.mkdir(parents=True)
    (place / f"{NAME}.ipynb").write_text(json.dumps(submitted), encoding="utf-8")
    return place


def cases() -> Iterator[Case]:
    """The honest case, every text in a solution cell, every mutation."""

    def untouched(folder: Path, stub: str) -> None:
        hand_in(folder, MALLORY, json.loads(stub))

    def honest(folder: Path, _: str) -> None:
        solution = folder / "solutions" / NAME / f"{NAME}.ipynb"
        hand_in(folder, MALLORY, json.loads(solution.read_text(encoding="utf-8")))

    yield Case("00_honest", "nothing: all that follows is measured against it", honest, POINTS)
    yield Case(UNTOUCHED, "nothing: hands in what was released", untouched)

    def write(code: str, into: str) -> Callable[[Path, str], None]:
        def text(folder: Path, stub: str) -> None:
            submitted = json.loads(stub)
            for cell in submitted["cells"]:
                exercise = cell["cell_type"] == "code" and mutations.mark(cell).get("solution")
                if exercise and into in ("all", mutations.mark(cell)["grade_id"]):
                    cell["source"] = code
            hand_in(folder, MALLORY, submitted)

        return text

    for case in CODE.values():
        code = case.code
        for text, instead in SUITED.items():
            code = code.replace(text, instead)
        yield Case(case.name, case.tries, write(code, case.into))

    def mutated(mutate: Callable[..., None]) -> Callable[[Path, str], None]:
        def mutation(folder: Path, stub: str) -> None:
            submitted = json.loads(stub)
            if len(inspect.signature(mutate).parameters) == 1:
                mutate(submitted)
                hand_in(folder, MALLORY, submitted)
            else:
                mutate(submitted, hand_in(folder, MALLORY, submitted))

        return mutation

    for name, mutate in mutations.MUTATIONS.items():
        said = (mutate.__doc__ or name.partition("_")[2].replace("_", " ")).partition("\n")[0].rstrip(".")
        yield Case(name, said, mutated(mutate))


# ---- the sandbox ---------------------------------------------------------------------------------------------------


def walls(given: Path, *, ours: bool) -> list[str]:
    """The command that starts another inside: a system, Python and its packages, the course, and scratch folders."""
    spec = importlib.util.find_spec("course")
    assert spec is not None and spec.origin is not None
    course = Path(spec.origin).parent
    mounts = {Path(sys.base_prefix), Path(sys.prefix), course} | ({ROOT / "grader"} if ours else set())
    command = ["bwrap", "--die-with-parent", "--new-session", "--clearenv", "--hostname", "class"]
    command += ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"]
    variables = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "HOME": HOME, "LANG": "C.UTF-8"}
    variables["PYTHONPATH"] = str(course.parent)
    variables |= dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "PYTHONDONTWRITEBYTECODE"), "1")
    for name, value in variables.items():
        command += ["--setenv", name, value]
    command += ["--perms", "0755", "--dir", "/etc", "--ro-bind", "/usr", "/usr"]
    for link in ("lib", "lib64", "bin"):
        command += ["--symlink", f"usr/{link}", f"/{link}"]
    for place in ("/etc/fonts", "/etc/ld.so.cache", "/etc/alternatives"):
        command += ["--ro-bind-try", place, place]
    for mount in sorted(mounts):
        if not mount.is_relative_to("/usr"):
            for parent in reversed(mount.parents[:-1]):
                command += ["--perms", "0755", "--dir", str(parent)]
            command += ["--ro-bind", str(mount), str(mount)]
    command += [
        "--ro-bind",
        str(given),
        GIVEN,
        "--ro-bind",
        harm.__file__,
        OBSERVER,
        "--proc",
        "/proc",
        "--dev",
        "/dev",
    ]
    for place, size in {**dict.fromkeys(SCRATCH, 64), CLASS: 400, OBSERVED: 64}.items():
        mode = "0700" if place == OBSERVED else "1777" if place in ("/tmp", "/dev/shm") else "0777"
        command += ["--size", str(size << 20), "--perms", mode, "--tmpfs", place]
    return [*command, "--chdir", CLASS, "--remount-ro", "/dev", "--remount-ro", "/"]


def observe(case: Case, side: str, template: Path, stub: str) -> dict[str, Any] | None:
    """Run a case; what the observer saw, or None if it did not live to tell."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "class"
        shutil.copytree(template, folder, symlinks=True)
        case.hand_in(folder, stub)
        written = folder / "submitted" / MALLORY / NAME / f"{NAME}.ipynb"
        if side == "stock":
            (folder / CONFIG).write_text(STOCK_CONFIG, encoding="utf-8")
        commands = list(COMMANDS[side][: 2 if case.deserves or "pwned" in _text(written) else 1])
        job = {
            "given": GIVEN, "class": CLASS, "scratch": SCRATCH, "log": f"{OBSERVED}/log", "commands": commands,
            "seconds": SECONDS, "user": UID if side == "stock" else None, "student": MALLORY, "assignment": NAME,
            "marker": MARKER, "active": ACTIVE,
        }  # fmt: skip
        try:
            done = subprocess.run(
                [*walls(folder, ours=side == "ours"), sys.executable, OBSERVER],
                input=json.dumps(job),
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                timeout=2 * SECONDS + 30,
            )
            return json.loads(done.stdout)  # type: ignore[no-any-return]
        except (subprocess.TimeoutExpired, ValueError):
            return None


def _text(path: Path) -> str:
    """Of an ordinary file; a pipe would be waited for."""
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() and not path.is_symlink() else ""


# ---- the verdict ---------------------------------------------------------------------------------------------------


def judge(case: Case, seen: dict[str, Any] | None, honest: dict[str, Any]) -> Result:
    """What of a run is gain and harm, compared with the honest run."""
    if seen is None:
        return Result(0.0, ["ended the whole session of grading"], ungraded=True)
    rows = seen["gradebook"]["rows"]
    mine = rows.get(MALLORY, [0.0, 0, 0])
    result = Result(round(float(mine[0]) - case.deserves, 2), ungraded=not mine[2])
    tell = result.harm.append
    if "broken" in seen["gradebook"]:
        tell(f"gradebook unusable: {seen['gradebook']['broken']}")
    if "time-out" in seen["codes"]:
        tell(f"no end within {SECONDS} s")
    for student in HONEST:
        score, by_hand, graded = rows.get(student, [0.0, 0, 0])
        if by_hand or (graded and score != POINTS):
            tell(f"{student} has {score:g} of {POINTS} points")
        elif not graded or student not in seen["graded"]:
            tell(f"{student} is not graded")
    if seen["changed"]:
        tell(f"{len(seen['changed'])} files of the class changed or gone")
    if planted := sorted(set(seen["planted"]) - set(honest["planted"]) - _expected(seen)):
        tell(f"left behind: {', '.join(planted[:2])}{f' and {len(planted) - 2} more' * (len(planted) > 2)}")
    if seen["survivors"] and "time-out" not in seen["codes"]:
        tell(f"{len(seen['survivors'])} processes still run")
    if seen["received"]:
        tell(f"sent out {seen['received']} bytes")
    if seen["leaks"]["output"]:
        tell("a hidden test in its outputs")
    if seen["leaks"]["traceback"] and case.name == UNTOUCHED:  # of stock nbgrader's doing, whoever fails
        tell("a hidden test in the traceback of a failed one")
    if seen["active"]:
        tell("a script in the feedback")
    if seen["bytes"] > LARGE:
        tell(f"{seen['bytes'] / 1e6:.0f} MB of output kept")
    return result


def _expected(seen: dict[str, Any]) -> set[str]:
    """Files that only copies of the submission's own may have, where they belong."""
    own = tuple(f"{CLASS}/{step}/{MALLORY}" for step in ("autograded", "feedback"))
    return {path for path in seen["planted"] if path.startswith((*own, f"{CLASS}/feedback", f"{CLASS}/.grader"))}


def main(
    only: Annotated[list[str] | None, typer.Option(help="Only cases whose name begins so; may be repeated.")] = None,
    markdown: Annotated[Path | None, typer.Option(help="Write the table as markdown, too.")] = None,
    raw: Annotated[Path | None, typer.Option(help="Write everything that was observed, as JSON.")] = None,
    jobs: Annotated[int, typer.Option(help="Runs at a time.")] = 2,
) -> None:
    """Run every hostile case through stock nbgrader and through the grader."""
    every = list(cases())
    chosen = [case for case in every[1:] if only is None or case.name.startswith((UNTOUCHED, *only))]
    seen: dict[tuple[str, str], dict[str, Any] | None] = {}
    with tempfile.TemporaryDirectory() as place, ThreadPoolExecutor(jobs) as pool:
        template = Path(place) / "class"
        stub = make_class(template)
        runs = [(case, side) for case in (every[0], *chosen) for side in COMMANDS]
        futures = [pool.submit(observe, case, side, template, stub) for case, side in runs]
        for (case, side), future in zip(runs, futures, strict=True):
            seen[case.name, side] = future.result()
            console.print(f"{case.name}, {side}", style="dim")
    if raw is not None:
        raw.write_text(json.dumps({" ".join(key): value for key, value in seen.items()}, indent=1), encoding="utf-8")
    honest = {side: seen[every[0].name, side] for side in COMMANDS}
    for side, baseline in honest.items():
        if baseline is None or judge(every[0], baseline, baseline) != Result(0.0):
            raise SystemExit(f"the honest run failed, {side}: {json.dumps(baseline, indent=1)}")
    results = {
        (case.name, side): judge(case, seen[case.name, side], honest[side] or {})
        for case in chosen
        for side in COMMANDS
    }
    show(chosen, results)
    if markdown is not None:
        markdown.write_text(as_markdown(chosen, results), encoding="utf-8")


def totals(results: dict[tuple[str, str], Result], side: str) -> tuple[str, str]:
    """Of one side: who gained points, and who did harm."""
    mine = [result for (case, there), result in results.items() if there == side and case != UNTOUCHED]
    gained = [result.gained for result in mine if result.gained > 0]
    harmed, ungraded = (sum(bool(get(result)) for result in mine) for get in (lambda r: r.harm, lambda r: r.ungraded))
    return f"{len(gained)} gained {sum(gained):g}", f"{harmed} did harm; {ungraded} got no grade of their own"


def show(chosen: list[Case], results: dict[tuple[str, str], Result]) -> None:
    table = Table(
        title=f"{len(chosen) - 1} hostile submissions, {POINTS} points to be had; they deserve 0", show_lines=True
    )
    for column in ("case", "tries", "stock: points", "stock: harm", "ours: points", "ours: harm"):
        table.add_column(column, justify="right" if "points" in column else "left", no_wrap=column == "case")
    for case in chosen:
        row = [escape(text) for side in COMMANDS for text in _cells(results[case.name, side])]
        table.add_row(case.name, escape(case.tries), *row)
    table.add_section()
    table.add_row("in all", f"{len(chosen) - 1} cases", *totals(results, "stock"), *totals(results, "ours"))
    console.print(table)


def as_markdown(chosen: list[Case], results: dict[tuple[str, str], Result]) -> str:
    lines = ["| case | tries | stock: points gained | stock: harm | ours: points gained | ours: harm |"]
    lines.append("|---|---|--:|---|--:|---|")
    for case in chosen:
        row = [case.name, case.tries, *(text for side in COMMANDS for text in _cells(results[case.name, side]))]
        lines.append(f"| {' | '.join(text.replace('|', '∣') for text in row)} |")
    sums = " | ".join([*totals(results, "stock"), *totals(results, "ours")])
    lines.append(f"| **in all** | {len(chosen) - 1} cases | {sums} |")
    return "\n".join(lines) + "\n"


def _cells(result: Result) -> tuple[str, str]:
    return f"{result.gained:+g}" if result.gained else "0", "; ".join(result.harm) or (
        "(itself ungraded)" if result.ungraded else "–"
    )


if __name__ == "__main__":
    typer.run(main)
