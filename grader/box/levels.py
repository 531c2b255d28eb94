"""Which walls this machine can build, strongest first; where it can build none, nothing of a student's is run.

A    bubblewrap, then namespaces of its own for each submission, forked from a warm process
A′   bubblewrap started anew for each submission
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from types import TracebackType
from typing import Protocol

from ..errors import NoBox
from . import bubblewrap
from .host import Box, BoxError, Zygote
from .limits import Limits


class Boxes(Protocol):
    """Where boxes come from."""

    level: str
    meaning: str

    def open(self) -> Box: ...

    def close(self) -> None: ...


class Warm:
    """Level A: boxes forked from one warm process."""

    level = "A"
    meaning = "bubblewrap, own namespaces for each submission, seccomp, limits"

    def __init__(self, modules: Sequence[str], limits: Limits) -> None:
        self.zygote = Zygote(modules, limits)

    def open(self) -> Box:
        return self.zygote.box()

    def close(self) -> None:
        self.zygote.close()

    def __enter__(self) -> Warm:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_boxes(modules: Sequence[str], limits: Limits | None = None) -> Warm:
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
    try:
        boxes = Warm(modules, limits or Limits())
        boxes.open().close()
    except BoxError as error:
        raise NoBox(f"{error}. `grader doctor` says more") from None
    return boxes
