"""Which walls this machine can build, strongest first; where it can build none, nothing of a student's is run.

    A    bubblewrap, then namespaces of its own for each submission, forked from a warm process
    A′   bubblewrap started anew for each submission

A level counts only after the probes that cost no time were held in it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Protocol

from ..errors import NoBox
from . import bubblewrap
from .host import Box, BoxError
from .limits import Limits
from .probes import QUICK
from .starting import Cold, Warm


class Boxes(Protocol):
    """Where boxes come from."""

    level: str
    meaning: str

    def open(self) -> Box:
        """A fresh box for one submission."""

    def close(self) -> None:
        """End what stays between submissions."""


LEVELS: dict[str, Callable[[Sequence[str], Limits], Boxes]] = {"A": Warm, "A′": Cold}


def open_boxes(modules: Sequence[str], limits: Limits | None = None) -> Boxes:
    """The strongest boxes that this machine can build.

    Raises:
        NoBox: none can be built.
    """
    if not sys.platform.startswith("linux"):
        raise NoBox("student code is graded in a sandbox that needs Linux; use a Linux machine, or WSL 2 on Windows")
    if bubblewrap.program() is None:
        raise NoBox(
            "bubblewrap is not installed (Debian, Ubuntu: apt install bubblewrap; Fedora: dnf install bubblewrap)"
        )
    reasons = []
    for name in LEVELS:
        try:
            return open_level(name, modules, limits or Limits())
        except (BoxError, NoBox) as error:
            reasons.append(f"{name}: {error}")
    raise NoBox(f"no sandbox can be built here. {'; '.join(reasons)}. `grader doctor` says more")


def open_level(name: str, modules: Sequence[str], limits: Limits) -> Boxes:
    """Boxes of one level, after it held against the quick probes.

    Raises:
        BoxError: it cannot be built.
        NoBox: it did not hold.
    """
    boxes = LEVELS[name](modules, limits)
    try:
        with boxes.open() as box:
            failed = [probe.name for probe in QUICK if not probe.holds(box)]
    except BaseException:
        boxes.close()
        raise
    if failed:
        boxes.close()
        raise NoBox(f"it did not hold against code that tries to {', '.join(failed)}")
    return boxes
