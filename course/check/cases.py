"""One case of a check and how it went, in words."""

import math
from dataclasses import dataclass, field
from typing import Any

from .calls import Outcome
from .elements import Difference

__all__ = ["Case", "judge", "settle"]


@dataclass
class Case:
    """One case of a check and how it went."""

    label: str
    verdict: str = "right"  # right, wrong, error, timeout or unwritten
    lines: list[str] = field(default_factory=list)  # what happened, the main thing first
    called: str = ""  # the call as one would write it
    plane: str = ""
    difference: Difference | None = None
    points: float = 1.0
    hint: str = ""
    hidden: bool = False
    refusal: bool = False  # right if the function refuses its arguments
    changed: str = ""  # arguments that were changed in place by an otherwise right call
    blank: bool = False  # an answer filled in by hand

    @property
    def is_right(self) -> bool:
        return self.verdict == "right"

    def data(self) -> dict[str, Any]:
        """The case as JSON; of a hidden case nothing that depends on its inputs."""
        data: dict[str, Any] = {
            "label": self.label, "verdict": self.verdict, "points": self.points, "hidden": self.hidden
        }  # fmt: skip
        if self.hidden or self.is_right:
            return data
        data["message"] = " ".join(self.lines)
        if self.difference is not None:
            d = self.difference
            data["difference"] = {
                "kind": d.kind, "output": d.output, "index": list(d.index) if d.index is not None else None,
                "got": _json(d.got), "expected": _json(d.expected), "wrong": d.wrong, "total": d.total,
                "relative_error": _json(d.error), "pattern": d.pattern,
            }  # fmt: skip
        return data


def judge(label: str, outcome: Outcome, difference: Difference | None, called: str = "") -> Case:
    """Put into words what a call did.

    Args:
        label: the case.
        outcome: what happened.
        difference: from the right answer, if there is one.
        called: the call as one would write it.
    """
    case = Case(label, difference=difference, called=called)
    if outcome.verdict:
        case.verdict = outcome.verdict
        error = "" if outcome.verdict == "timeout" else outcome.error
        said = outcome.said or ": ".join(filter(None, [error, outcome.message]))
        case.lines = [said, *filter(None, [outcome.where, outcome.remark])]
    elif difference is not None:
        case.verdict, case.plane = "wrong", difference.plane
        case.lines = [difference.message, *filter(None, [difference.pattern])]
    elif outcome.changed:
        case.verdict = "wrong"
        case.changed = " and ".join(outcome.changed)
        case.lines = [f"the answer is right, but {case.changed} was changed in place: work on a copy, as in x.copy()"]
    if not case.is_right:
        case.lines += [f"NumPy warned: {text}" for text in outcome.warned[:2]]
    return case


def settle(cases: list[Case]) -> None:
    """What can be judged only when all cases are known.

    Changing arguments in place is one mistake: it costs the first case in which it shows. A function that does nothing
    but raise has proved nothing: refusals count beside a right answer only.
    """
    for case in [case for case in cases if case.changed][1:]:
        case.verdict, case.lines = "right", [f"{case.changed} was changed in place here too, which costs only once"]
    answers = [case for case in cases if not case.refusal]
    if answers and not any(case.is_right for case in answers):
        for case in cases:
            if case.is_right:
                case.verdict = "wrong"
                case.lines = ["the error is right, but it counts only once some other case is right too"]


def _json(x: float | None) -> float | str | None:
    """A number as JSON can hold it."""
    return x if x is None or math.isfinite(x) else str(x)
