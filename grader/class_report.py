"""How a class did, counted: points, exercises, known mistakes, what happened. Knows no files and no layout."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .classroom import Outcome
from .looks import Look
from .marks import Key, Marks
from .pages import amount, exercise_name

SMALL = 10  # of a smaller class a correlation would be chance
WEAK = 0.1  # discrimination
HARD = 0.25  # mean share of the points


@dataclass
class Exercise:
    """How one exercise went, once nothing of it waits for a person. What was not accepted counts as 0 points."""

    title: str
    worth: float
    shares: list[float] = field(default_factory=list)  # of its points, by submission
    waiting: int = 0
    discrimination: float | None = None
    failed: Counter[str] = field(default_factory=Counter)  # cases of its check, by label

    @property
    def mean(self) -> float | None:
        return statistics.fmean(self.shares) if self.shares else None

    @property
    def full(self) -> int:
        return sum(share >= 1 for share in self.shares)

    @property
    def notes(self) -> list[str]:
        """What to look at, if anything."""
        notes = []
        if self.waiting:
            notes.append(f"{self.waiting} {'waits' if self.waiting == 1 else 'wait'} for a person")
        if self.discrimination is not None and self.discrimination < WEAK:
            notes.append("does not tell strong from weak: look at its text and its test")
        if self.mean is not None and self.mean < HARD and len(self.shares) >= SMALL:
            notes.append("too hard, or its text or its test is wrong")
        for label, count in self.failed.most_common(1):
            if count > 1:
                notes.append(f"{count} fail at “{label}”")
        return notes


@dataclass
class Mistake:
    """A known mistake that was recognised."""

    exercise: str
    name: str
    message: str
    count: int


@dataclass
class Line:
    """One student."""

    student: str
    score: float | None = None  # None is not graded yet
    accepted: bool = True  # or nothing of it could be run, and it counts as 0 points
    penalty: float = 0.0
    waiting: int = 0
    level: str = ""
    seconds: float = 0.0
    remarks: list[str] = field(default_factory=list)

    @property
    def notes(self) -> list[str]:
        """All that is odd."""
        late = [f"late: −{amount(self.penalty)}"] if self.penalty else []
        return [*self.remarks, *late, *([f"{self.waiting} to grade by hand"] if self.waiting else [])]


@dataclass
class ClassReport:
    """How a class did in one assignment."""

    assignment: str
    points: float
    lines: list[Line]
    exercises: list[Exercise]
    mistakes: list[Mistake]
    faults: Counter[str]
    looks: dict[str, list[Look]] = field(default_factory=dict)  # by exercise and reason, the most frequent first

    @property
    def scores(self) -> list[float]:
        return [line.score for line in self.lines if line.score is not None]

    @property
    def waiting(self) -> int:
        return sum(line.waiting for line in self.lines)

    @property
    def ungraded(self) -> list[str]:
        return [line.student for line in self.lines if line.score is None]

    @property
    def rejections(self) -> dict[str, list[str]]:
        """Whose submission was not accepted, by the reason, the most frequent first."""
        return _by_remark(line for line in self.lines if not line.accepted)

    @property
    def remarks(self) -> dict[str, list[str]]:
        """What happened to odd submissions that were accepted: who, by what happened, the most frequent first."""
        return _by_remark(line for line in self.lines if line.accepted)

    @property
    def levels(self) -> Counter[str]:
        """How many submissions were run at each level of the box, as far as it is known."""
        return Counter(line.level for line in self.lines if line.level and line.accepted)

    @property
    def discriminates(self) -> bool:
        """Whether there is any discrimination to show."""
        return any(exercise.discrimination is not None for exercise in self.exercises)

    @property
    def summary(self) -> str:
        """The distribution of points in words."""
        if not self.scores:
            return "No submission has been graded."
        rejected = sum(not line.accepted for line in self.lines)
        were, count = ("was", "counts") if rejected == 1 else ("were", "count")
        apart = f" {rejected} of them {were} not accepted, and {count} as 0 points." if rejected else ""
        if len(self.scores) == 1:
            apart = " It was not accepted." if rejected else ""
            return f"1 submission: {amount(self.scores[0])} of {amount(self.points)} points.{apart}"
        low, middle, high = (amount(float(q)) for q in np.quantile(self.scores, [0.25, 0.5, 0.75]))
        return (
            f"{len(self.scores)} submissions: from {amount(min(self.scores))} to {amount(max(self.scores))} of "
            f"{amount(self.points)} points, median {middle}; half of them between {low} and {high}.{apart}"
        )

    @property
    def time(self) -> str:
        """How long grading took, in words."""
        seconds = [line.seconds for line in self.lines if line.seconds > 0]
        if not seconds:
            return "No submission was run."
        return (
            f"A submission took {statistics.median(seconds):.2f} s (median), the longest {max(seconds):.2f} s, "
            f"all together {amount(sum(seconds))} s."
        )


def summarize(
    name: str,
    marks: Marks,
    outcomes: Mapping[str, Outcome | None],
    reports: Iterable[tuple[Key, dict[str, Any]]] = (),
    looks: Iterable[Look] = (),
) -> ClassReport:
    """Make a report of an assignment's marks, of what happened, what the checks reported, and what needs a look."""
    several = len({notebook for notebook, _ in marks.exercises}) > 1
    exercises = {
        key: Exercise(f"{key[0]}: {exercise_name(key[1])}" if several else exercise_name(key[1]), worth)
        for key, worth in marks.exercises.items()
    }
    accepted = [sheet for who, sheet in marks.sheets.items() if _is_accepted(outcomes.get(who))]
    for key, exercise in exercises.items():
        scores = [sheet.scores.get(key, 0.0) for sheet in marks.sheets.values()]
        exercise.waiting = sum(score is None for score in scores)
        if not exercise.waiting:
            exercise.shares = [(score or 0.0) / exercise.worth for score in scores] if exercise.worth else []
            here = [(sheet.scores.get(key) or 0.0, sheet.earned) for sheet in accepted]
            exercise.discrimination = discrimination([(score, earned - score) for score, earned in here])
    mistakes: dict[tuple[Key, str], Mistake] = {}
    for key, report in reports:
        if found := report.get("mistake"):
            what = str(found.get("name"))
            known_so_far = mistakes.setdefault(
                (key, what), Mistake(exercises[key].title, what, str(found.get("message")), 0)
            )
            known_so_far.count += 1
        for case in report.get("cases", []):
            exercises[key].failed[str(case.get("label"))] += case.get("verdict") not in ("right", "unwritten")
    order = list(exercises)
    faults = Counter(fault for outcome in outcomes.values() if outcome for fault in set(outcome.faults))
    return ClassReport(
        name,
        marks.points,
        [_line(student, marks, outcome) for student, outcome in outcomes.items()],
        list(exercises.values()),
        [mistakes[key] for key in sorted(mistakes, key=lambda key: (-mistakes[key].count, order.index(key[0])))],
        faults,
        _by_reason(looks, several),
    )


def discrimination(pairs: list[tuple[float, float]]) -> float | None:
    """Whether who did well elsewhere did well here: the correlation of an exercise's points with all other points.

    None for a small class, or where one of the two is the same for all.

    >>> discrimination([(float(n), 2.0 * n) for n in range(10)])
    1.0
    """
    here, elsewhere = (np.array(column) for column in zip(*pairs, strict=True)) if pairs else (np.empty(0),) * 2
    if len(pairs) < SMALL or np.ptp(here) == 0 or np.ptp(elsewhere) == 0:
        return None
    return round(float(np.corrcoef(here, elsewhere)[0, 1]), 2) + 0.0  # never −0.0


def _line(student: str, marks: Marks, outcome: Outcome | None) -> Line:
    sheet = marks.sheets.get(student)
    line = Line(student)
    if sheet:
        line.score, line.penalty, line.waiting = sheet.score, sheet.penalty, sheet.waiting
    if outcome:
        line.level, line.seconds, line.remarks = outcome.level, outcome.seconds, outcome.remarks
        line.accepted = _is_accepted(outcome)
    return line


def _is_accepted(outcome: Outcome | None) -> bool:
    """Whether anything of a submission was run; of one that nbgrader graded by itself nothing is known."""
    return outcome is None or outcome.seconds > 0


def _by_remark(lines: Iterable[Line]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in lines:
        for remark in line.remarks:
            found.setdefault(remark, []).append(line.student)
    return dict(sorted(found.items(), key=lambda item: -len(item[1])))


def _by_reason(looks: Iterable[Look], several: bool) -> dict[str, list[Look]]:
    found: dict[str, list[Look]] = {}
    for look in looks:
        place = f"{look.notebook}: {look.exercise}" if several else look.exercise
        found.setdefault(f"{place}: {look.why}", []).append(look)
    return dict(sorted(found.items(), key=lambda item: -len(item[1])))
