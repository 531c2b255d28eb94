"""What the build records so that a check can say more: the answers of known mistakes, and salted digests of blanks.

Both stand in a JSON file beside the notebook. A mistake's answer is kept as a fingerprint, a few rounded numbers of it;
a blank's answer as a slow salted hash, so that the file tells nobody what to fill in.
"""

import hashlib
import json
import math
import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from .calls import Outcome
from .wording import is_array, is_number, say

__all__ = ["FORMAT", "alike", "canonical", "diagnose", "digest", "fingerprint", "load"]

FORMAT = "convnet-course.records/1"
RIGHT = "="  # in place of a fingerprint: the mistake does not show here

_SAMPLES = 6
_ITEMS, _DEPTH = 20, 3  # of lists and dicts
_ITERATIONS = 40_000  # about 15 ms: nothing for a student, much for a search
_LARGEST = 5_000_000  # bytes of a file that may hold records

Fingerprint = dict[str, Any] | str
Records = dict[str, Any]


def load(exercise: str, folder: Path | None = None) -> Records:
    """The records of one exercise, from the file beside the notebook; {} if there is none."""
    folder = folder or Path.cwd()
    opened = Path(os.environ.get("JPY_SESSION_NAME", "")).stem  # set by Jupyter's server
    beside = [path for path in folder.glob("*.json") if path.with_suffix(".ipynb").exists()]
    files = sorted(beside, key=lambda path: (path.stem != opened, path.name))
    for path in files:
        try:
            if path.stat().st_size <= _LARGEST:
                found = of_exercise(json.loads(path.read_text(encoding="utf-8")), exercise)
                if found:
                    return found
        except (OSError, ValueError):  # somebody else's file
            continue
    return {}


def of_exercise(records: Any, exercise: str) -> Records:
    """The part of a records file that is about one exercise."""
    if not isinstance(records, dict) or records.get("format") != FORMAT:
        return {}
    found = records.get("exercises", {}).get(exercise, {})
    return found if _is_sound(found) else {}


def _is_sound(found: Any) -> bool:
    """Whether records have the form that the build gives them: the file is the student's to damage."""
    if not isinstance(found, dict) or not isinstance(found.get("blanks", {}), dict):
        return False
    mistakes = found.get("mistakes", [])
    return isinstance(mistakes, list) and all(
        isinstance(mistake, dict) and isinstance(mistake.get("answers"), dict) for mistake in mistakes
    )


@np.errstate(all="ignore")  # whatever the student has set
def fingerprint(outcome: Outcome) -> Fingerprint | None:
    """A few rounded numbers that tell this answer from others, as JSON; None if there is nothing to compare.

    `form` holds everything that must be equal: types, shapes, keys, arguments changed in place; of an error its type
    and a short digest of its message.
    """
    if outcome.verdict in ("unwritten", "timeout"):
        return None
    if outcome.verdict:
        return {"form": f"{outcome.error} {hashlib.sha256(outcome.message.encode()).hexdigest()[:8]}", "numbers": []}
    numbers: list[str] = []
    form = _form(outcome.value, numbers)
    return {"form": " ".join([form, *(f"changed {name}" for name in outcome.changed)]), "numbers": numbers}


def _form(value: Any, numbers: list[str], depth: int = 0) -> str:
    if is_array(value) or (is_number(value) and not isinstance(value, bool | np.bool_)):
        array = np.asarray(value)
        numbers.append(_numbers(array))
        return f"{array.dtype.kind}{array.dtype.itemsize}{list(array.shape)}".replace(" ", "")
    if type(value) in (list, tuple) and depth < _DEPTH:
        return f"[{', '.join(_form(item, numbers, depth + 1) for item in value[:_ITEMS])}]"
    if type(value) is dict and depth < _DEPTH:
        items = sorted([(say(key), item) for key, item in list(value.items())[:_ITEMS]], key=lambda pair: pair[0])
        return f"{{{', '.join(f'{key}: {_form(item, numbers, depth + 1)}' for key, item in items)}}}"
    return say(value)


def _numbers(array: Any) -> str:
    """The root of the mean square, a sum with unequal weights, and elements from all over the array, in five digits.

    What differs between machines is lost.
    """
    flat = array.ravel().astype(np.complex128 if array.dtype.kind == "c" else np.float64)
    if not flat.size:
        return ""
    size = np.sqrt(np.mean(np.abs(flat) ** 2))
    # an order of the elements that was changed shows in a sum whose weights never repeat
    weighted = np.mean(flat * np.cos(np.arange(flat.size) * 0.7))
    at = np.unique(np.linspace(0, flat.size - 1, _SAMPLES).astype(int))
    return " ".join(f"{float(x.real + 2 * x.imag):.5g}" for x in (size, weighted, *flat[at]))


def alike(one: Fingerprint | None, other: Fingerprint | None) -> bool:
    """Whether two fingerprints are those of the same answer, up to rounding."""
    if not isinstance(one, dict) or not isinstance(other, dict):
        return one is not None and one == other  # digests of blanks
    try:
        pairs = zip(one["numbers"], other["numbers"], strict=True)
        return bool(one["form"] == other["form"]) and all(_near(a, b) for a, b in pairs)
    except (KeyError, TypeError, ValueError, AttributeError):  # from a damaged file, or of another length
        return False


def _near(one: str, other: str) -> bool:
    a, b = ([float(x) for x in text.split()] for text in (one, other))
    if len(a) != len(b):
        return False
    scale = abs(a[0]) if a and math.isfinite(a[0]) else 0.0
    return all(
        abs(x - y) <= 1e-4 * max(abs(x), abs(y)) + 1e-5 * scale
        if math.isfinite(x) and math.isfinite(y)
        else str(x) == str(y)
        for x, y in zip(a, b, strict=True)
    )


def _tells_much(answer: Fingerprint | None) -> bool:
    """An answer with numbers, an error: hardly the same by chance; not so a truth value."""
    return isinstance(answer, str) or (isinstance(answer, dict) and answer["form"] not in ("True", "False", "None"))


def diagnose(records: Records, answers: Mapping[str, Fingerprint | None], failed: set[str]) -> dict[str, str] | None:
    """The known mistake that these answers look like, as its name and message, or None.

    Args:
        records: of the exercise.
        answers: the fingerprint of the answer in each case.
        failed: the cases whose answer is wrong.
    """
    best, best_score = None, (0.0, 0)
    for mistake in records.get("mistakes", []):
        recorded = mistake["answers"]
        known = [label for label in answers if recorded.get(label) is not None]
        agree = [
            label
            for label in known
            if (label not in failed if recorded[label] == RIGHT else alike(answers[label], recorded[label]))
        ]
        shown = [label for label in agree if label in failed]
        score = (len(agree) / max(len(known), 1), len(shown))
        # that a condition does not hold says little: then every case must agree
        enough = 0.6 if any(_tells_much(answers[label]) for label in shown) else 0.99
        if shown and score[0] > enough and score > best_score:
            best, best_score = mistake, score
    return None if best is None else {key: str(best.get(key, "")) for key in ("name", "message")}


def canonical(value: Any, decimals: int) -> str | None:
    """One text for all ways to write the same answer: 5, 5.0 and np.int64(5); None if it is no answer."""
    if isinstance(value, bool | np.bool_):
        return str(bool(value)).lower()
    if is_number(value) and not isinstance(value, complex | np.complexfloating):
        rounded = round(float(value), decimals) + 0.0  # and not −0.0
        return f"{rounded:.{decimals}f}" if np.isfinite(rounded) else str(rounded)
    if type(value) is str:
        return " ".join(value.casefold().split())[:200]
    return None


@lru_cache(maxsize=4096)  # a class gives the same right answers: each is worked out once in a worker
def digest(value: str, salt: str) -> str:
    """A slow salted hash of a canonical answer."""
    return hashlib.pbkdf2_hmac("sha256", value.encode(), salt.encode(), _ITERATIONS, 12).hex()
