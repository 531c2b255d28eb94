"""Builds the course: `solutions/NAME.py` → the solution's notebook and records → the students' notebook.

Everything is built before anything is written, and only what differs is written.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .command import command
from .errors import Trouble
from .lint import lint, lint_mistake, lint_run, tests_of
from .mistakes import mistaken
from .recording import run
from .release import release
from .source import BadSource, Solution, load_solution, names, write

FORMAT = "convnet-course.records/1"
SAME = "="  # a mistake that does not show in this case


class Refused(Trouble):
    """A source has faults; one sentence a line."""


class Differs(Trouble):
    """`--check` found generated files that are not what their source says."""


@dataclass(frozen=True)
class Built:
    """What one source becomes: files by their path below the course's folder."""

    solution: Solution
    files: dict[Path, bytes]


def build(
    root: Path, *, check: bool = False, only: Sequence[str] | None = None, tell: Callable[[str], None] = print
) -> list[Path]:
    """Turn sources into notebooks.

    Args:
        root: the course's folder, which holds `solutions/`.
        check: write nothing, and fail if a file differs by a byte.
        only: these notebooks; all by default.
        tell: is told how each notebook went.

    Returns:
        the files written.

    Raises:
        Trouble: a source is missing or has faults, or, with `check`, a file differs. Nothing is written then.
    """
    made, faults = [], []
    for name in chosen(root, only):
        try:
            made.append(make(load_solution(root, name)))
        except Trouble as trouble:
            faults.append(str(trouble))
    if faults:
        raise Refused("\n".join(faults))
    files = {path: content for built in made for path, content in built.files.items()}
    different = [path for path, content in files.items() if not _holds(root / path, content)]
    if check:
        stray = _stray(root, files)
        if different or stray:
            raise Differs(_difference(different, stray))
    for path in [] if check else different:
        _replace(root / path, files[path])
    for built in made:
        tell(_summary(built, changed=any(path in different for path in built.files)))
    return [] if check else different


def chosen(root: Path, only: Sequence[str] | None) -> list[str]:
    """The names of the notebooks to build."""
    known = names(root)
    if not known:
        raise BadSource(f"{root.resolve()} is not the course's folder: it has no solutions/NN_topic.py; name it")
    for name in only or []:
        if name not in known:
            raise BadSource(f"there is no solutions/{name}.py; the sources are {', '.join(known)}")
    return sorted(set(only)) if only else known


def make(solution: Solution) -> Built:
    """Build one notebook: the solution's, its records, and the students'.

    Raises:
        Refused: the source has faults.
    """
    if faults := lint(solution):
        raise Refused("\n".join(faults))
    records = record(solution)
    notebook = write(solution.notebook)
    beside = f"{json.dumps(records, ensure_ascii=False, indent=1, sort_keys=True)}\n".encode()
    stub = write(release(notebook, solution.name))
    source, students = (Path(folder) / solution.name / solution.name for folder in ("solutions", "exercises"))
    files = {
        source.with_suffix(".ipynb"): notebook,
        source.with_suffix(".json"): beside,
        students.with_suffix(".ipynb"): stub,
        students.with_suffix(".json"): beside,
    }
    return Built(solution, files)


def record(solution: Solution) -> dict[str, Any]:
    """What each known mistake answers on the public draws, and the digests of the blanks.

    Raises:
        Refused: the solution does not earn its points, or a mistake does.
    """
    right = run(solution.notebook, salt=solution.name)
    if faults := lint_run(solution, right):
        raise Refused("\n".join(faults))
    exercises: dict[str, Any] = {}
    for tested in right.tests.values():
        for check, answers in tested.answers.items():
            blanks = {case: answer for case, answer in answers.items() if isinstance(answer, str)}
            exercises[check] = {"mistakes": []}
            if blanks:
                exercises[check] |= {"blanks": blanks, "salt": f"{solution.name}/{check}"}
    records = {"format": FORMAT, "exercises": exercises}
    faults, tests = [], tests_of(solution.notebook)
    for mistake in solution.mistakes:
        changed = mistaken(solution.notebook, mistake)
        wrong = run(changed, records=records, salt=solution.name, only=tests[mistake.exercise])
        faults += lint_mistake(solution, mistake, wrong)
        for name, tested in wrong.tests.items():
            for check, answers in tested.answers.items():
                before = right.tests[name].answers[check]
                found = {case: SAME if answer == before.get(case) else answer for case, answer in answers.items()}
                entry = {"name": mistake.name, "message": mistake.message, "answers": found}
                exercises[check]["mistakes"].append(entry)
    if faults:
        raise Refused("\n".join(faults))
    return records


def _holds(path: Path, content: bytes) -> bool:
    try:
        return path.read_bytes() == content
    except OSError:
        return False


def _stray(root: Path, files: Iterable[Path]) -> list[Path]:
    """Files among the students' that no source makes; they would be handed out."""
    folders = {path.parent for path in files if path.parts[0] == "exercises"}
    found = (path.relative_to(root) for folder in folders for path in (root / folder).rglob("*") if path.is_file())
    return sorted(path for path in found if path not in files and not any(part.startswith(".") for part in path.parts))


def _difference(different: Iterable[Path], stray: Iterable[Path]) -> str:
    lines = [f"{path} is not what its source says" for path in different]
    lines += [f"{path} comes from no source" for path in stray]
    return "\n".join([*lines, f"{command('build')} writes them anew."])


def _replace(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole or as it was."""
    half = path.with_name(f".{path.name}.half")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        half.write_bytes(content)
        half.replace(path)
    except OSError as error:
        raise Trouble(f"{path} cannot be written: {error.strerror}") from None
    finally:
        with contextlib.suppress(OSError):
            half.unlink()


def _summary(built: Built, changed: bool) -> str:
    solution = built.solution
    return (
        f"{solution.name}: {len(solution.notebook.cells)} cells, {len(solution.exercises())} exercises, "
        f"{len(solution.mistakes)} known mistakes; {'written' if changed else 'unchanged'}"
    )
