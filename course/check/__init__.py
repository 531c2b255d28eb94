"""Tells a student at once whether their function is right and, if not, what differs: see `Check`."""

from . import desk
from .check import Check

__all__ = ["Check"]

desk.watch()
