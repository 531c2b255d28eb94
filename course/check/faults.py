"""What an error says to a student: which line of theirs, and what they can do about it."""

import linecache
import os
import re
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

from . import desk
from .wording import is_array, one_line, returned

__all__ = ["Fault", "explain", "where"]

_OURS = ("course", "grader")  # packages; the grader's frames carry a call into the box
_LIBRARIES = tuple(f"{Path(p).resolve()}{os.sep}" for p in (sys.prefix, sys.base_prefix))
_NO_FILE = ("<frozen", "<__array_function__")
_REMOTE_LINE = re.compile(r'File "([^"]*)", line (\d+), in (\S+)\n?\s*(\S[^\n]*)?')
_REMOTE_CELL = "<ipython-input"  # how the shell in a box calls the student's cells
_NO_MODULE = re.compile(r"No module named '(course\.\w+)[\w.]*'")
_KEYS = 8  # of a dictionary, to be listed

Place = tuple[FrameType, int]


@dataclass(frozen=True)
class Fault:
    """An error in words."""

    message: str  # its own; recorded of known mistakes, so nothing is added to it
    said: str = ""  # what to say instead of type and message
    remark: str = ""  # what to add
    where: str = ""  # the student's line, as "in conv2d, line 7: return y"


def explain(error: BaseException, cell: str = "") -> Fault:
    """Put an error into words.

    Args:
        error: what was raised.
        cell: the file name of the check's own cell: a line in it is not the student's.
    """
    try:
        message = one_line(str(error), 300)
    except Exception:  # its __str__ is the student's code too
        message = ""
    if isinstance(error, RecursionError):
        message = "it calls itself without end"
    places = _places(error)
    mine = [place for place in places if not _is_of(place, cell)]
    said = (
        _missing_module(error, message) or _missing_name(error) or (_missing_key(error, *places[-1]) if places else "")
    )
    if not said and not mine and places and _text(*places[-1]).startswith("raise "):
        said = message + _instead(places[-1][0])
    return Fault(message, said, _tuple_taken_for_array(error, message, mine), where(error, cell))


def where(error: BaseException, cell: str = "") -> str:
    """The innermost line of the student's own, neither the library's below it nor ours above it."""
    remote = getattr(error, "student_tb", None)
    if isinstance(remote, str):
        found = _REMOTE_LINE.findall(remote)
        lines = [line for file, *line in found if file.startswith(_REMOTE_CELL)] or [line for _, *line in found]
        return _line(*lines[-1]) if lines else ""
    mine = [place for place in _places(error) if not _is_of(place, cell)]
    if not mine:
        return ""
    frame, number = mine[-1]
    return _line(str(number), frame.f_code.co_name, _text(frame, number))


def _missing_module(error: BaseException, message: str) -> str:
    """A module of the course that the grader's box does not hold."""
    found = _NO_MODULE.fullmatch(message) if hasattr(error, "student_tb") else None
    return f"{found[1]} is not there when graded: write it with NumPy" if found else ""


def _missing_name(error: BaseException) -> str:
    """A name that a cell of the notebook defines, but that cell was not run."""
    name = error.name if type(error) is NameError else None
    return desk.no_value(name) if type(name) is str and desk.is_defined(name) else ""


def _missing_key(error: BaseException, frame: FrameType, number: int) -> str:
    key, text = (error.args or (None,))[0], _text(frame, number)
    if type(error) is not KeyError or type(key) not in (str, int):
        return ""
    for name, value in frame.f_locals.items():
        plain = type(value) is dict and all(type(k) in (str, int) for k in value)
        if plain and key not in value and re.search(rf"\b{re.escape(name)}\[", text):
            keys = ", ".join(map(repr, list(value)[:_KEYS])) + (", …" if len(value) > _KEYS else "")
            return one_line(f"{name} has no key {key!r}; " + (f"its keys are {keys}" if keys else "it is empty"), 300)
    return ""


def _tuple_taken_for_array(error: BaseException, message: str, mine: list[Place]) -> str:
    """A local variable that holds (y, cache) where y was meant."""
    if not isinstance(error, ValueError | TypeError | AttributeError):
        return ""
    if not any(word in message for word in ("inhomogeneous", "sequence", "tuple")):
        return ""
    for frame, number in reversed(mine):
        code = frame.f_code
        given = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        used = set(re.findall(r"\w+", _text(frame, number))) - set(given)
        for name in used & frame.f_locals.keys():
            if _holds_arrays(value := frame.f_locals[name]):
                targets = ", ".join([name, *"_" * (len(value) - 1)])
                return f"{name} is a tuple: the function that made it returns more than one value; {targets} = …"
    return ""


def _holds_arrays(value: Any) -> bool:
    return type(value) is tuple and 2 <= len(value) <= 4 and (is_array(value[0]) or isinstance(value[0], np.generic))


def _instead(frame: FrameType) -> str:
    """What a check's own function, which raised, had been given as `answer`."""
    return f"; yours returned {returned(frame.f_locals['answer'])}" if "answer" in frame.f_locals else ""


def _places(error: BaseException) -> list[Place]:
    return [place for place in traceback.walk_tb(error.__traceback__) if not _is_library(place[0])]


def _is_of(place: Place, cell: str) -> bool:
    return bool(cell) and place[0].f_code.co_filename == cell


def _text(frame: FrameType, number: int) -> str:
    return linecache.getline(frame.f_code.co_filename, number, frame.f_globals).strip()


def _line(number: str, name: str, text: str) -> str:
    inside = "" if name.startswith("<") else f"in {name}, "
    return one_line(f"{inside}line {number}" + (f": {text}" if text else ""), 200)


def _is_library(frame: FrameType) -> bool:
    filename = frame.f_code.co_filename
    if str(frame.f_globals.get("__name__")).partition(".")[0] in _OURS or filename.startswith(_NO_FILE):
        return True
    return str(Path(filename).resolve()).startswith(_LIBRARIES)
