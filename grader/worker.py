"""What a worker does: grade one submission. It knows nothing of classes, gradebooks or other submissions."""

from __future__ import annotations

import atexit
import os
import signal
import threading
import traceback
from dataclasses import dataclass, field
from multiprocessing import parent_process
from multiprocessing.connection import wait
from pathlib import Path

from .assignment import Assignment
from .box.levels import Boxes, open_boxes
from .box.limits import Limits
from .grade import Graded, grade, reject


@dataclass(frozen=True)
class Job:
    """One submission to grade: everything a worker needs, and nothing that it must look up."""

    student: str
    notebooks: dict[str, Assignment]
    files: dict[str, bytes | str]  # a notebook's bytes, or why it was rejected
    seed: int
    digest: str
    beside: dict[str, str] = field(default_factory=dict)  # nbgrader's small files beside the notebooks


@dataclass
class Done:
    """A graded submission."""

    job: Job
    graded: dict[str, Graded] = field(default_factory=dict)
    level: str = ""
    final: bool = True  # False: a failure of ours, so the next run tries again


FAILED = "The grader failed on this submission. That is no fault of yours: your instructor has been told."

_boxes: dict[tuple[tuple[str, ...], Limits], Boxes] = {}  # warm boxes of this process, by what they may import and use


def start() -> None:
    """Begin a worker process: Ctrl-C is the head's to handle, and a head that is killed takes its workers along."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_head, daemon=True).start()


def _end_with_head() -> None:
    """The kernel tells a process of its parent's end, but a worker's parent is the fork server."""
    head = parent_process()
    if head is not None:
        wait([head.sentinel])
    os._exit(1)


def close_boxes() -> None:
    """End the warm boxes of this process."""
    while _boxes:
        _boxes.popitem()[1].close()


def work(job: Job) -> Done:
    """Grade one submission in this process."""
    done = Done(job)
    for name, assignment in job.notebooks.items():
        content = job.files[name]
        if isinstance(content, str):
            done.graded[name] = reject(assignment, content)
            continue
        key = (assignment.modules, assignment.limits)
        if not _boxes:
            atexit.register(close_boxes)
        if key not in _boxes:
            _boxes[key] = open_boxes(assignment.modules, assignment.limits)
        done.level = _boxes[key].level
        try:
            done.graded[name] = grade(assignment, content, job.seed, _boxes[key])
        except Exception as error:  # a fault of the grader's: this one submission waits, everyone else's goes on
            done.graded[name] = reject(assignment, FAILED)
            done.graded[name].faults.append(_told(error))
            done.final = False
    return done


def _told(error: Exception) -> str:
    """Where our own code failed, for whoever reports it."""
    where = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{Path(where.filename).name}:{where.lineno}"
    return f"the grader itself failed ({type(error).__name__}: {error}, at {place}); please report it"
