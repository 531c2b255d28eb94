"""Which walls this machine can build, strongest first; where it can build none, nothing of a student's is run.

    A    bubblewrap, then namespaces of its own for each submission, forked from a warm process
    A′   bubblewrap started anew for each submission
    B    without bubblewrap: a fork locked in by Landlock and a narrower filter of system calls; reduced

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
from .starting import Alone, Cold, Warm

INSTALL = "bubblewrap is not installed (Debian, Ubuntu: apt install bubblewrap; Fedora: dnf install bubblewrap)"
REDUCED = "B"


class Boxes(Protocol):
    """Where boxes come from."""

    level: str
    meaning: str
    missed: list[str]  # why no stronger level was had

    def open(self) -> Box:
        """A fresh box for one submission."""

    def close(self) -> None:
        """End what stays between submissions."""


LEVELS: dict[str, Callable[[Sequence[str], Limits], Boxes]] = {"A": Warm, "A′": Cold, "B": Alone}


def open_boxes(modules: Sequence[str], limits: Limits | None = None) -> Boxes:
    """The strongest boxes that this machine can build.

    Raises:
        NoBox: none can be built.
    """
    if not sys.platform.startswith("linux"):
        raise NoBox("student code is graded in a sandbox that needs Linux; use a Linux machine, or WSL 2 on Windows")
    reasons, names = [], list(LEVELS)
    if bubblewrap.program() is None:
        reasons, names = [INSTALL], [REDUCED]
    for name in names:
        try:
            boxes = open_level(name, modules, limits or Limits())
            boxes.missed = reasons
            return boxes
        except (BoxError, NoBox) as error:
            reasons.append(f"{name}: {error}")
    raise NoBox(f"no sandbox can be built here. {'; '.join(reasons)}")


def open_level(name: str, modules: Sequence[str], limits: Limits) -> Boxes:
    """Boxes of one level, after it held against the quick probes.

    Raises:
        BoxError: it cannot be built.
        NoBox: it did not hold.
    """
    boxes = LEVELS[name](modules, limits)
    try:
        with boxes.open() as box:
            failed = [probe.name for probe in QUICK if name in probe.levels and not probe.holds(box)]
    except BaseException:
        boxes.close()
        raise
    if failed:
        boxes.close()
        raise NoBox(f"it did not hold against code that tries to {', '.join(failed)}")
    return boxes
