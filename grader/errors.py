"""Trouble that can be foreseen: one sentence for a person, never a traceback."""

from __future__ import annotations


class Trouble(Exception):
    """Base of the errors that the command line shows as a sentence."""


class BadAssignment(Trouble):
    """An assignment that does not exist, or a notebook of the instructor's that cannot be used for grading."""


class BadClassroom(Trouble):
    """The folder of a class cannot be used."""


class BadGradebook(Trouble):
    """A gradebook that cannot be used."""


class NoWorkers(Trouble):
    """The processes that grade cannot be started."""


class NoBox(Trouble):
    """No sandbox can be built here; the message says why and what would mend it."""
