"""What a test cell of a graded notebook found, read from what it displayed: for feedback pages and class reports."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nbformat import NotebookNode

from .grade import CHECK

UNWRITTEN = "not written yet"
_SAYS = {  # what a test that ended with one of these errors found
    "NotImplementedError": UNWRITTEN,
    "BoxError": "stopped, as told above",
    "TestCellError": "the test itself went wrong",
}


def checks(cell: NotebookNode | dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The reports, as data, that a test cell made; a mistake that the check names itself is not reported again."""
    said = None
    for output in cell.get("outputs", []):
        report = output.get("data", {}).get(CHECK)
        if isinstance(report, dict) and ("cases" in report or report.get("mistake") != said):
            said = said or report.get("mistake")
            yield report


def found(cell: NotebookNode) -> list[str]:
    """What a test found, in a few words."""
    words = []
    for report in checks(cell):
        if report.get("written") is False:
            words.append(UNWRITTEN)
        elif cases := report.get("cases"):
            right = sum(case.get("verdict") == "right" for case in cases)
            words.append(f"{right} of {len(cases)} cases right")
        if report.get("mistake"):
            words.append(f"known mistake: {report['mistake'].get('name')}")
    errors = error_names(cell)
    if not words and errors:
        words.append(_SAYS.get(" ".join(errors), "ended with an error"))
    return words


def error_names(cell: NotebookNode) -> set[str]:
    """The types of the errors with which a cell ended."""
    return {output.ename for output in cell.outputs if output.output_type == "error"}
