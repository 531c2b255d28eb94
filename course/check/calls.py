"""Calls what a student wrote, and survives whatever it does: the answer or, in words, what went wrong and where."""

import copy
import ctypes
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, is_dataclass
from types import FrameType
from typing import Any

import numpy as np

from .faults import explain, where
from .wording import one_line

__all__ = ["Outcome", "call", "copied"]


@dataclass
class Outcome:
    """What one call did. Without a problem, `value` is the answer; with one, `error` names its type."""

    value: Any = None
    verdict: str = ""  # "", "error", "timeout" or "unwritten"
    error: str = ""
    message: str = ""
    said: str = ""  # instead of type and message, where there is something better to say
    remark: str = ""  # what else may help
    where: str = ""  # the student's line, as "in conv2d, line 7: return y"
    exception: BaseException | None = None
    without_return: bool = False  # the answer is None, and the function has no `return` of a value
    changed: list[str] = field(default_factory=list)  # arguments that are not what they were
    warned: list[str] = field(default_factory=list)


class _OutOfTime(BaseException):
    """Raised inside a call that takes too long. Not an Exception: `except Exception` must not keep it."""


def call(
    function: Callable[..., Any],
    args: Sequence[Any] = (),
    kwargs: Mapping[str, Any] | None = None,
    *,
    seconds: float | None,
    names: Sequence[str] = (),
    cell: str = "",
) -> Outcome:
    """Call a student's function with copies of the arguments.

    Args:
        function: what to call.
        args: positional arguments; plain data and generators are copied, anything else is handed over as it is.
        kwargs: keyword arguments.
        seconds: how long it may take; None for as long as it likes.
        names: of the positional arguments, to say which was changed in place.
        cell: the file name of the check's own cell, whose lines are not the student's.
    """
    kwargs = dict(kwargs or {})
    given, named = [copied(arg) for arg in args], {name: copied(arg) for name, arg in kwargs.items()}
    outcome = Outcome()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            with _limited(seconds):
                outcome.value = function(*given, **named)
        except _OutOfTime as stopped:
            outcome.verdict, outcome.error, outcome.where = "timeout", "TimeoutError", where(stopped, cell)
            outcome.message = f"did not finish within {seconds:g} s: is there a loop that never ends?"
        except KeyboardInterrupt as stopped:
            outcome.verdict, outcome.error, outcome.where = "timeout", "KeyboardInterrupt", where(stopped, cell)
            outcome.message = "was interrupted"
        except BaseException as error:  # SystemExit too, and whatever the student derives from BaseException
            _explain(outcome, error, cell)
    outcome.warned = list(dict.fromkeys(one_line(f"{w.category.__name__}: {w.message}") for w in caught))
    before = [*args, *kwargs.values()]
    labels = [*(names[i] if i < len(names) else f"argument {i + 1}" for i in range(len(args))), *kwargs]
    pairs = zip(labels, before, [*given, *named.values()], strict=True)
    outcome.changed = [label for label, old, new in pairs if not _same(old, new)]
    return outcome


def copied(value: Any) -> Any:
    """A copy of plain data, also of what is inside lists, tuples and dicts; anything else is returned as it is."""
    if type(value) is list or type(value) is tuple:
        return type(value)(copied(item) for item in value)
    if type(value) is dict:
        return {key: copied(item) for key, item in value.items()}
    if type(value) is np.ndarray:
        return value.copy()
    if isinstance(value, np.random.Generator) or (is_dataclass(value) and not isinstance(value, type)):
        return copy.deepcopy(value)
    return value


def _same(before: Any, after: Any) -> bool:
    if type(before) is not type(after):
        return False
    if type(before) is np.ndarray:
        alike = before.shape == after.shape and before.dtype == after.dtype
        return alike and bool(before.tobytes() == after.tobytes())  # also where there are NaNs
    if type(before) is list or type(before) is tuple:
        return len(before) == len(after) and all(map(_same, before, after))
    if type(before) is dict:
        return before.keys() == after.keys() and all(_same(before[key], after[key]) for key in before)
    return True


def _explain(outcome: Outcome, error: BaseException, cell: str) -> None:
    outcome.exception, outcome.error = error, type(error).__name__
    fault = explain(error, cell)
    outcome.message, outcome.said, outcome.remark, outcome.where = fault.message, fault.said, fault.remark, fault.where
    if isinstance(error, NotImplementedError):
        outcome.verdict = "unwritten"
    elif isinstance(error, TimeoutError):  # the box's own time limit
        outcome.verdict = "timeout"
    else:
        outcome.verdict = "error"


@contextmanager
def _limited(seconds: float | None) -> Iterator[None]:
    """Raise `_OutOfTime` in the body once the time is over, and again until it gives up."""
    if seconds is None:
        yield
    elif hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread():
        with _alarm(seconds):
            yield
    else:
        with _watchdog(seconds):
            yield


@contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    def ring(_: int, __: FrameType | None) -> None:
        raise _OutOfTime

    before = signal.signal(signal.SIGALRM, ring)
    started = time.monotonic()
    left, interval = signal.setitimer(signal.ITIMER_REAL, seconds, 0.2)
    try:
        yield
    finally:
        try:  # a last ring may come here
            signal.setitimer(signal.ITIMER_REAL, 0)
        finally:
            signal.signal(signal.SIGALRM, before)
            if left:  # somebody else's alarm goes on
                left = max(left - (time.monotonic() - started), 0.001)
                signal.setitimer(signal.ITIMER_REAL, left, interval)


@contextmanager
def _watchdog(seconds: float) -> Iterator[None]:
    """For threads and for Windows, where there is no alarm: another thread throws the exception in."""
    here, finished = ctypes.c_ulong(threading.get_ident()), threading.Event()
    throw = ctypes.pythonapi.PyThreadState_SetAsyncExc

    def watch() -> None:
        wait = seconds
        while not finished.wait(wait):
            throw(here, ctypes.py_object(_OutOfTime))
            wait = 0.2

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        finished.set()
        watcher.join()
        throw(here, None)  # one that was thrown too late
