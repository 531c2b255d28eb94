"""Runs a notebook of the instructor's here, as grading would: what each test gave, and what it told.

For the instructor's own code only. Strangers' code runs in the box.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from nbformat import NotebookNode

from .cells import grade_id, is_test, runs_when_graded
from .trusted import Collector, Output, run_cell

CHECK = "application/vnd.convnet-course.check+json"
SECONDS = 20.0  # for one case: a known mistake may well loop for ever


@dataclass
class Tested:
    """What one test cell did."""

    value: object = None
    error: str = ""  # the type of the exception
    message: str = ""
    printed: str = ""  # on stderr
    report: dict[str, Any] = field(default_factory=dict)
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)  # by the name of the check, then of the case

    @property
    def score(self) -> float:
        """The points, 0 if there was an error or no number came out."""
        return float(self.value) if isinstance(self.value, int | float) and not self.error else 0.0


@dataclass
class Run:
    """What a notebook did."""

    tests: dict[str, Tested] = field(default_factory=dict)  # by grade id
    errors: dict[str, str] = field(default_factory=dict)  # of other cells, by grade id or cell id


def run(
    notebook: NotebookNode,
    *,
    records: dict[str, Any] | None = None,
    salt: str = "",
    seed: int | None = None,
    only: Collection[str] | None = None,
) -> Run:
    """Run the cells that grading runs, in their order, in one fresh namespace.

    Args:
        notebook: of the instructor's.
        records: those known so far; the digests of blanks among them.
        salt: of the digests to make.
        seed: of the draws; None for the public ones.
        only: the tests to run, by grade id; all by default. Cells after the last of them are not run.
    """
    found = Run()
    tests = [str(grade_id(cell)) for cell in notebook.cells if is_test(cell)]
    wanted = [name for name in tests if only is None or name in only]
    namespace: dict[str, Any] = {"__name__": "__main__", "display": lambda *_, **__: None}
    with _without_windows():
        for cell in notebook.cells:
            name = str(grade_id(cell) or cell.id)
            if is_test(cell):
                if name in wanted:
                    found.tests[name] = _test(cell, namespace, {"seed": seed, "records": records, "salt": salt})
                    if name == wanted[-1]:
                        break
            elif runs_when_graded(cell):
                outputs = run_cell(cell.source, namespace, filename=f"<{name}>")
                if failed := _error(outputs):
                    found.errors[name] = f"{failed['ename']}: {failed['evalue']}"
    return found


def _test(cell: NotebookNode, namespace: dict[str, Any], grading: dict[str, Any]) -> Tested:
    collector, answers = Collector(), dict[str, dict[str, Any]]()
    grading |= {"display": collector.display, "answers": answers, "seconds": SECONDS}
    # a namespace of its own: what one test defines is not there in the next, nor in the student's cells
    own = {**namespace, "__grading__": grading}
    outputs = run_cell(cell.source, own, filename=f"<{grade_id(cell)}>", collector=collector)
    tested = Tested(collector.value, answers=answers)
    if failed := _error(outputs):
        tested.error, tested.message = failed["ename"], failed["evalue"]
    for output in outputs:
        tested.report = output.get("data", {}).get(CHECK, tested.report)
        tested.printed += output["text"] if output.get("name") == "stderr" else ""
    return tested


def _error(outputs: list[Output]) -> Output | None:
    return next((output for output in outputs if output["output_type"] == "error"), None)


@contextmanager
def _without_windows() -> Iterator[None]:
    """Pictures are drawn and thrown away."""
    before = os.environ.get("MPLBACKEND")
    os.environ["MPLBACKEND"] = "agg"
    try:
        yield
    finally:
        if "matplotlib.pyplot" in sys.modules:
            sys.modules["matplotlib.pyplot"].close("all")
        if before is None:
            del os.environ["MPLBACKEND"]
        else:
            os.environ["MPLBACKEND"] = before
