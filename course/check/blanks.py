"""Answers filled in by hand, checked without knowing them."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from .cases import Case
from .records import Fingerprint, Records, alike, canonical, digest
from .wording import is_array, say

__all__ = ["Blanks"]

_NO_RECORDS = (
    "cannot be checked: the .json file that belongs beside this notebook is missing or older; "
    "opening the course again with `course lab` puts it there"
)


class Blanks:
    """The blanks of one exercise.

    Args:
        exercise: its name.
        records: its records, with the digests of the right answers.
        grading: `__grading__`; if it has "answers", the build is recording, and an unknown blank counts as right.
    """

    def __init__(self, exercise: str, records: Records, grading: dict[str, Any]) -> None:
        self.exercise, self.records = exercise, records
        self.known: dict[str, Any] = records.get("blanks", {})
        self.recording = "answers" in grading
        self.salt = str(records.get("salt") or f"{grading.get('salt', '')}/{exercise}")

    def check(self, label: str, value: Any, decimals: int) -> Iterator[tuple[Case, Fingerprint | None]]:
        """Judge a blank, or each of a list of them; gives the case and the digest of the answer."""
        if is_array(value) or (type(value) is np.ndarray and value.dtype == object):
            value = value.tolist()
        # what is recorded is what was asked for, whatever the student gives
        size = self._size(label)
        unknown = self.recording or label not in self.known
        if type(value) in (list, tuple) and (unknown if size is None else len(value) == size):
            for i, item in enumerate(value):
                yield from self.check(f"{label}[{i}]", item, decimals)
        elif size is None:
            yield self._check_one(label, value, decimals)
        else:
            verdict, line = "wrong", f"this is {say(value)}, should be {self._form(label)}"
            if value is Ellipsis:
                verdict, line = "unwritten", "still ..."
            for blank in self.known:
                if blank.startswith(f"{label}["):
                    yield Case(blank, verdict, lines=[line]), None

    def _size(self, label: str) -> int | None:
        """How many items were asked for; None for a single answer, or where that is not known."""
        found = [] if self.recording else [name.removeprefix(f"{label}[").partition("]")[0] for name in self.known]
        places = [int(place) for place in found if place.isdecimal()]
        return 1 + max(places) if places else None

    def _form(self, label: str) -> str:
        """What was asked for, in words: "a list of 2 lists of 3"."""
        form, size = [], self._size(label)
        while size is not None:
            form.append(size)
            label += "[0]"
            size = self._size(label)
        return "a list of " + " lists of ".join(map(str, form))

    def _check_one(self, label: str, value: Any, decimals: int) -> tuple[Case, Fingerprint | None]:
        if value is Ellipsis:
            return Case(label, "unwritten", lines=["still ..."]), None
        text = canonical(value, decimals)
        if text is None:
            return Case(label, "wrong", lines=[f"this is {say(value)}, should be a single number"]), None
        answer = digest(text, f"{self.salt}/{label}")
        right = self.known.get(label)
        if right is None and not self.recording:
            return Case(label, "wrong", lines=[_NO_RECORDS]), answer
        if right is None or answer == right:
            return Case(label), answer
        return Case(label, "wrong", lines=[f"{say(value)} is not right"], hint=self._mistake(label, answer)), answer

    def _mistake(self, label: str, answer: Fingerprint) -> str:
        for mistake in self.records.get("mistakes", []):
            if alike(answer, mistake["answers"].get(label)):
                return str(mistake.get("message", ""))
        return ""
