"""What of a graded notebook an instructor should look at: what raised, what is missing, what was too slow and more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .found import checks
from .graft import MISSING
from .marks import Sheet
from .pages import exercise_name

RAISED = "raised an error"
ABSENT = "the cell is missing"
SLOW = "did not finish in time"
STOPPED = "was stopped with the whole submission"
NOTHING = "0 points, though something was written"
OUTDATED = "handed in again after a mark by hand"
CHARACTERS = 120  # of what an error says

Found = tuple[str, str]  # one of these, and what exactly


@dataclass(frozen=True)
class Look:
    """Something to look at in one submission."""

    student: str
    notebook: str
    exercise: str
    why: str
    what: str = ""


def look(graded: dict[str, Any], notebook: str, sheet: Sheet) -> Iterator[Look]:
    """Everything to look at in a graded notebook: of an exercise the first thing, of other cells the first that raised.

    What was left as it came is no reason to look, nor is what the report tells elsewhere: a known mistake, a notebook
    that was not accepted or of which no exercise was found.

    Args:
        graded: the notebook, as JSON.
        notebook: its name.
        sheet: the student's marks.
    """
    texts = [
        "".join(cell["source"]) for cell in graded["cells"] if cell["metadata"].get("nbgrader", {}).get("solution")
    ]
    if all(text in (MISSING, "") for text in texts):
        return
    seen: set[str] = set()
    stopped: set[Found] = set()
    for cell in graded["cells"]:
        mark = cell["metadata"].get("nbgrader", {})
        name = mark.get("grade_id", "")
        exercise, key = exercise_name(name), (notebook, name)
        if key in sheet.outdated:
            yield Look(sheet.student, notebook, exercise, OUTDATED)
        if cell["cell_type"] != "code" or exercise in seen:
            continue
        if mark.get("solution"):
            reason = _of_exercise(cell)
        elif mark.get("grade"):
            written = (notebook, exercise) not in sheet.untouched
            reason = _of_test(cell, lost=written and sheet.scores.get(key) == 0)
        elif seen:
            continue  # most likely for what was found before
        else:
            reason = _of_other(cell)
        if reason and reason not in stopped:
            seen.add(exercise)
            stopped |= {reason} if reason[0] == STOPPED else set()  # so is every cell that comes later
            yield Look(sheet.student, notebook, exercise or "a cell between the exercises", *reason)


def _of_exercise(cell: dict[str, Any]) -> Found | None:
    if "".join(cell["source"]) == MISSING:
        return ABSENT, ""
    return next(_errors(cell), None)


def _of_other(cell: dict[str, Any]) -> Found | None:
    """Of a cell that tries what is not written yet, nothing."""
    return next((found for found in _errors(cell) if not found[1].startswith("NotImplementedError")), None)


def _of_test(cell: dict[str, Any], *, lost: bool) -> Found | None:
    """What a test says: always if it had to wait, else only where all points were lost."""
    reports = list(checks(cell))
    bad = [case for report in reports for case in report.get("cases", []) if case.get("verdict") != "right"]
    for verdict, why in (("timeout", SLOW), ("error", RAISED)):
        for case in bad:
            if case.get("verdict") == verdict and (lost or why == SLOW):
                return why, _short(str(case.get("message", "")))
    unwritten = any(report.get("written") is False for report in reports)
    if not lost or unwritten or any(report.get("mistake") for report in reports):
        return None
    for why, what in _errors(cell):
        if what.startswith("NotImplementedError"):
            return None
        if not bad and not what.startswith("AssertionError"):
            return why, what
    return NOTHING, ""


def _errors(cell: dict[str, Any]) -> Iterator[Found]:
    """The errors with which a cell ended; the grader's own words say what it stopped."""
    for output in cell.get("outputs", []):
        if output["output_type"] == "error":
            name, said = output["ename"], output["evalue"]
            if name in ("SandboxError", "BoxError"):
                yield STOPPED, _short(said)
            else:
                yield RAISED, _short(f"{name}: {said}" if said else name)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= CHARACTERS else line[: CHARACTERS - 1] + "…"
