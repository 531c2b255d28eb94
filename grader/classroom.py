"""The folder of one class, laid out as nbgrader does: solutions, exercises, submitted, autograded, feedback."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader

from . import intake
from .assignment import Assignment
from .errors import BadAssignment, BadClassroom

CONFIG = "nbgrader_config.py"
CONFIG_TEXT = '''"""nbgrader's settings for this class. Student code runs in the grader's sandbox, not in a kernel."""

from grader.nbgrader_glue import configure

c = get_config()  # noqa: F821
configure(c)
'''
STATE = ".grader"  # seeds and outcomes: never released, never sent to a student


@dataclass
class Outcome:
    """What became of one submission, kept so that an interrupted run goes on where it stopped."""

    student: str
    digest: str  # of the assignment, the submission and the seed
    level: str = ""
    scores: dict[str, float] = field(default_factory=dict)  # of the test cells, by notebook/cell
    points: float = 0.0
    remarks: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    seconds: float = 0.0
    answers: dict[str, str] = field(default_factory=dict)  # digests of what a person marks, by notebook/cell

    @property
    def score(self) -> float:
        return sum(self.scores.values())


class Classroom:
    """One class: where its files are, and what is in them."""

    def __init__(self, root: Path) -> None:
        """Open the folder of a class.

        Raises:
            BadClassroom: there is no such folder, or no settings of nbgrader's in it.
        """
        self.root = root.resolve()
        if not self.root.is_dir():
            raise BadClassroom(f"there is no folder {root}")
        if not (self.root / CONFIG).is_file():
            raise BadClassroom(f"{root} is not the folder of a class: it has no {CONFIG} (`grader init` makes one)")
        try:
            self.config: Config = PyFileConfigLoader(CONFIG, path=str(self.root)).load_config()
        except Exception as error:
            raise BadClassroom(f"{self.root / CONFIG} cannot be read: {type(error).__name__}: {error}") from None
        self.course = CourseDirectory(config=self.config)
        self.course.root = str(self.root)

    @property
    def db_url(self) -> str:
        return str(self.course.db_url)

    def folder(self, step: str, student: str, assignment: str) -> Path:
        """The folder of a step: `source`, `release`, `submitted`, `autograded` or `feedback`."""
        directory = getattr(self.course, f"{step}_directory")
        return self.root / str(self.course.format_path(directory, student, assignment))

    def assignments(self) -> list[str]:
        """The names of the assignments that have a source."""
        parent = self.folder("source", ".", "_").parent
        return sorted(place.parent.name for place in parent.glob("*/*.ipynb")) if parent.is_dir() else []

    def notebooks(self, assignment: str) -> dict[str, Assignment]:
        """The instructor's notebooks of an assignment, by name.

        Raises:
            BadAssignment: there is no such assignment, or a notebook of it cannot be used.
        """
        paths = sorted(self.folder("source", ".", assignment).glob("*.ipynb")) if _plain_name(assignment) else []
        if not paths:
            known = ", ".join(self.assignments()) or "none"
            raise BadAssignment(f"there is no assignment {intake.show(assignment)}; the assignments here: {known}")
        release = self.folder("release", ".", assignment)
        return {path.stem: Assignment.read(path, release / path.name) for path in paths}

    def students(self, assignment: str) -> list[str]:
        """Who submitted, by name of folder."""
        parent = self.folder("submitted", "_", assignment).parent.parent
        if not parent.is_dir():
            return []
        return sorted(place.name for place in parent.iterdir() if os.path.lexists(place / assignment))

    def seed(self, assignment: str) -> int:
        """The secret seed of an assignment's tests: drawn once, kept, so that a regrade repeats its draws."""
        place = self.root / STATE / "seeds.json"
        seeds: dict[str, int] = _read_json(place) or {}
        if assignment not in seeds:
            seeds[assignment] = secrets.randbits(63)
            write(place, json.dumps(seeds, indent=1))
        return seeds[assignment]

    def outcome(self, student: str, assignment: str) -> Outcome | None:
        """What is known of a submission from an earlier run."""
        values = _read_json(self._outcome(student, assignment))
        try:
            return Outcome(**values) if values else None
        except TypeError:
            return None

    def keep_outcome(self, assignment: str, outcome: Outcome) -> None:
        write(self._outcome(outcome.student, assignment), json.dumps(asdict(outcome), indent=1))

    def _outcome(self, student: str, assignment: str) -> Path:
        return self.root / STATE / assignment / f"{student}.json"


def write(path: Path, text: str) -> None:
    """Write a file whole or not at all.

    Raises:
        BadClassroom: it cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise BadClassroom(f"{path} cannot be written: {error.strerror}") from None
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None


def _plain_name(name: str) -> bool:
    return bool(name) and Path(name).name == name and name not in (".", "..")
