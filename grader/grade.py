"""One pure function: an assignment, a submission's bytes and a seed become a graded notebook. All else maps it."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import Any

from nbformat import NotebookNode

from . import graft as grafting
from . import intake
from .absent import absent
from .assignment import Assignment
from .box.host import Box, BoxError
from .box.levels import Boxes
from .box.remote import Names
from .cells import grade_id, is_test, points, runs_when_graded
from .trusted import Collector, Output, run_cell

CHECK = "application/vnd.convnet-course.check+json"
ROUNDING = 1e-9
FOREIGN = 10  # so many times more cells of another notebook than of the right one: it is the other one
UNRECOGNISED = """None of the notebook's exercises was found: their cells were deleted, or a program dropped the names \
of the cells. Whatever code there is was run, but no answer in words was found."""
OURS = {"Rejected", "SandboxError", "BoxError", "TestCellError", "UnreadableCell", "NotInTheBox"}  # in our own words


@dataclass
class Graded:
    """The outcome of one submission."""

    notebook: NotebookNode
    scores: dict[str, float] = field(default_factory=dict)  # of the test cells, by grade id
    remarks: list[str] = field(default_factory=list)  # what happened to this submission, for its author
    faults: list[str] = field(default_factory=list)  # errors of the instructor's own test cells
    seconds: float = 0.0

    @property
    def total(self) -> float:
        return math.fsum(self.scores.values())


def grade(assignment: Assignment, submitted: bytes, seed: int, boxes: Boxes) -> Graded:
    """Grade one submission.

    The student's cells run in a fresh box, in the notebook's order; each test cell runs here when its turn comes and
    reaches the student's functions through the box. Points need a number that trusted code returned.

    Args:
        assignment: the instructor's notebook.
        submitted: the bytes of the student's notebook.
        seed: of the tests' random draws; the same seed gives the same draws.
        boxes: where boxes for this assignment come from.
    """
    started = time.monotonic()
    try:
        cells = intake.read_cells(submitted)
    except intake.Rejected as rejection:
        return reject(assignment, str(rejection))
    own, foreign = grafting.recognise(assignment.source, cells)
    if foreign and foreign >= FOREIGN * own:
        begin = next((intake.show(line) for cell in cells for line in cell.text.splitlines()), "nothing")
        return reject(assignment, f"this is another notebook than {assignment.name}: it begins with {begin}")
    graded = Graded(grafting.graft(assignment.source, cells, assignment.checksums))
    if not own:
        graded.remarks.append(UNRECOGNISED)
    with boxes.open() as box:
        run(assignment, graded, seed, box)
    graded.seconds = time.monotonic() - started
    return graded


def reject(assignment: Assignment, reason: str) -> Graded:
    """The outcome of a submission that cannot be graded: nothing earned, and the reason."""
    graded = Graded(grafting.graft(assignment.source, []), remarks=[reason])
    for cell in graded.notebook.cells:
        if is_test(cell):
            _settle(cell, [_error("Rejected", reason)], None, graded)
    return graded


def run(assignment: Assignment, graded: Graded, seed: int, box: Box) -> None:
    """Run a grafted notebook: student cells in the box, test cells here."""
    trusted: dict[str, Any] = {"__name__": "__main__"}
    for source in assignment.setup:
        run_cell(source, trusted)
    faults = _faults(graded.notebook, box)
    for cell in graded.notebook.cells:
        if is_test(cell):
            grading, interrupted = {"seed": seed, "records": assignment.records}, box.interrupted
            outputs, value = _test(cell.source, trusted, grading, assignment, box)
            score = _settle(cell, outputs, value, graded)
            in_time = box.broken is None and box.interrupted == interrupted
            if score < points(cell) and assignment.records is not None and in_time:
                cell.outputs += _diagnosis(cell.source, trusted, assignment, box)
        elif runs_when_graded(cell):
            try:
                outputs = box.run(cell.source)
            except BoxError as error:
                cell.outputs = _nodes([_error("SandboxError", str(error))])
                continue
            cell.outputs = _nodes(_in_our_words(outputs, faults.get(cell.source, "")))
            if why := absent(cell.source, assignment.modules):
                cell.outputs += _nodes([_error("NotInTheBox", why)])
    if box.broken is not None:
        graded.remarks.append(f"Stopped: {box.broken}. What was earned before is kept.")


def _faults(notebook: NotebookNode, box: Box) -> dict[str, str]:
    """Why Python cannot read a cell, by its text. Asked before anything of the student's ran: it can be believed."""
    sources = [cell.source for cell in notebook.cells if runs_when_graded(cell) and not is_test(cell)]
    try:
        return dict(zip(sources, map(str, box.request("faults", sources)), strict=True))
    except (BoxError, TimeoutError):  # whoever hands in what even the parser cannot bear
        return {}


def _in_our_words(outputs: list[Output], fault: str) -> list[Output]:
    """A cell's outputs: a known fault told, and nothing that the student raised passing for words of ours."""
    told = []
    for output in outputs:
        if output["output_type"] != "error":
            told.append(output)
        elif fault:
            told.append(_error("UnreadableCell", fault))
        else:
            told.append({**output, "ename": "StudentError"} if output["ename"] in OURS else output)
    return told


def _test(
    source: str, trusted: dict[str, Any], grading: dict[str, Any], assignment: Assignment, box: Box
) -> tuple[list[Output], object]:
    collector = Collector()
    grading["display"] = collector.display
    names = Names({**trusted, "__grading__": grading}, assignment.defined, box)
    return run_cell(source, names, collector=collector), collector.value


def _settle(cell: NotebookNode, outputs: list[Output], value: object, graded: Graded) -> float:
    """Turn what a test cell did into its score: a finite number within the cell's points, or nothing."""
    name, worth = str(grade_id(cell)), points(cell)
    kept = [output for output in outputs if output["output_type"] != "execute_result"]
    failed = any(output["output_type"] == "error" for output in kept)
    fault = None
    if not failed:
        if any(output.get("name") == "stderr" for output in kept):
            fault = "printed a warning or an error"
        elif not _is_score(value, worth):
            fault = f"ended with {value!r}, not with a number from 0 to {worth:g}"
    if fault is not None:
        graded.faults.append(f"the test cell {name} {fault}")
        kept.append(_error("TestCellError", "This test did not work. Your instructor has been told."))
    score = 0.0 if failed or fault is not None else min(float(value), worth)  # type: ignore[arg-type]
    kept = [output for output in kept if output.get("name") != "stderr"]
    if not failed and fault is None:
        data = {"text/plain": repr(score)}
        kept.append({"output_type": "execute_result", "data": data, "metadata": {}, "execution_count": None})
    cell.outputs = _nodes(kept)
    graded.scores[name] = score
    return score


def _is_score(value: object, worth: float) -> bool:
    number = type(value) in (int, float) and math.isfinite(value)  # type: ignore[arg-type]
    return number and -ROUNDING <= value <= worth + ROUNDING  # type: ignore[operator]


def _diagnosis(source: str, trusted: dict[str, Any], assignment: Assignment, box: Box) -> list[NotebookNode]:
    """Run a failed test again on the public draws, for which the answers of the known mistakes are recorded."""
    grading = {"seed": None, "records": assignment.records}
    outputs, _ = _test(source, trusted, grading, assignment, box)
    found: list[Output] = []
    for output in outputs:
        report = output.get("data", {}).get(CHECK)
        if isinstance(report, dict) and report.get("mistake"):
            mistake = report["mistake"]
            text = f"This looks like a known mistake: {mistake['name']}. {mistake['message']}"
            data = {"text/plain": text, CHECK: {"mistake": mistake}}
            found.append({"output_type": "display_data", "data": data, "metadata": {}})
    return _nodes(found)


def _error(name: str, message: str) -> Output:
    return {"output_type": "error", "ename": name, "evalue": message, "traceback": [f"{name}: {message}"]}


def _nodes(outputs: list[Output]) -> list[NotebookNode]:
    return [NotebookNode(output) for output in outputs]
