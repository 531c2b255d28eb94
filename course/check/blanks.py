"""Answers filled in by hand, checked without knowing them."""

import math
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from .cases import Case
from .records import Fingerprint, Records, alike, canonical, digest
from .wording import is_array, say

__all__ = ["Blanks"]

_EXPRESSION = re.compile(r"\s*[-+(]*\d[\d\s.,eE()*/+-]*")  # a number, or numbers to be worked out

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
        given = value
        if is_array(value) or (type(value) is np.ndarray and value.dtype == object):
            value = value.tolist()
        # what is recorded is what was asked for, whatever the student gives
        size = self._size(label)
        unknown = self.recording or label not in self.known
        if type(value) in (list, tuple) and (unknown if size is None else len(value) == size):
            for i, item in enumerate(value):
                yield from self.check(f"{label}[{i}]", item, decimals)
        elif size is None:
            yield self._check_one(label, given if type(value) is list else value, decimals)
        else:
            verdict, line = "wrong", f"this is {say(given)}, should be {self._form(label)}"
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
        if type(value) is str and _EXPRESSION.fullmatch(value):
            line = f"{say(value)} is a text: write it without quotes"
        elif self._is_rounded(label, value, decimals):
            line = f"{say(value)} is not right: rounded? {decimals} decimals are asked for"
        else:
            line = f"{say(value)} is not right"
        return Case(label, "wrong", lines=[line], hint=self._mistake(label, answer), blank=True), answer

    def _is_rounded(self, label: str, value: Any, decimals: int) -> bool:
        """Whether the right answer, cut or rounded by one decimal more than was asked for, is this number.

        Only the digests are known: the 15 numbers that it may come from are tried.
        """
        if type(value) not in (float, np.float64) or not 1e-3 < abs(value) < 1e6 or decimals < 2:
            return False
        if round(value, decimals - 1) != value or round(value, decimals - 2) == value:
            return False
        tried = (value + step * math.copysign(10.0**-decimals, value) for step in range(-5, 10) if step)
        texts = (canonical(number, decimals) for number in tried)
        return any(digest(text, f"{self.salt}/{label}") == self.known[label] for text in texts if text)

    def _mistake(self, label: str, answer: Fingerprint) -> str:
        for mistake in self.records.get("mistakes", []):
            if alike(answer, mistake["answers"].get(label)):
                return str(mistake.get("message", ""))
        return ""
