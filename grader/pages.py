"""The frame of every page that the grader writes: its templates, and how numbers and names stand in them."""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from . import harmless


@cache
def templates() -> Environment:
    """The pages' templates: whatever is not marked as HTML is escaped."""
    environment = Environment(
        loader=PackageLoader("grader"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"amount": amount, "share": share, "name": harmless.name}
    return environment


def amount(points: float) -> str:
    """A number of points as a person writes it.

    >>> amount(3.0), amount(2.6667), amount(0.0)
    ('3', '2.67', '0')
    """
    return f"{points:.2f}".rstrip("0").rstrip(".")


def share(part: float) -> str:
    """A part of a whole.

    >>> share(0.5)
    '50 %'
    """
    return f"{100 * part:.0f} %"


def exercise_name(cell: str) -> str:
    """An exercise as a person calls it: `conv2d-check` tests `conv2d`.

    >>> exercise_name("conv2d-check")
    'conv2d'
    """
    return cell.removesuffix("-check")
