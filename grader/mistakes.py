"""Known mistakes: small textual changes of a solution, written at the end of its cell and cut from every notebook.

    ### BEGIN MISTAKES
    # flipped kernel: that is convolution, a CNN layer cross-correlates. Drop the [::-1, ::-1].
    #   - w[k] * window
    #   + w[k, :, ::-1, ::-1] * window
    ### END MISTAKES

After the name comes what the student is told; a line that is indented further goes on with it. The `-` lines stand
exactly once in the solution. Lines in a row are one replacement; another group of them is a further one.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from nbformat import NotebookNode

from .cells import grade_id
from .errors import Trouble

BEGIN, END = "### BEGIN MISTAKES", "### END MISTAKES"
REGION = re.compile(r"^[ \t]*### BEGIN (SOLUTION|BLANKS)\n(.*?)^[ \t]*### END \1", re.DOTALL | re.MULTILINE)
HEADER = re.compile(r"# ?(\S[^:]*):\s+(\S.*)")
CHANGE = re.compile(r"#\s+([-+])(?: (.*))?")
MORE = re.compile(r"#\s{2,}(\S.*)")


class BadMistake(Trouble):
    """A mistake that cannot be read or applied."""


@dataclass(frozen=True)
class Mistake:
    """One thing that students get wrong in one exercise."""

    exercise: str
    name: str
    message: str
    changes: tuple[tuple[str, str], ...]  # what stands in the solution, and what stands there instead


def cut(source: str, exercise: str) -> tuple[str, list[Mistake]]:
    """Take the mistakes out of an exercise cell; gives the cell without them, and them."""
    lines = source.split("\n")
    begins = [i for i, line in enumerate(lines) if line.strip() == BEGIN]
    ends = [i for i, line in enumerate(lines) if line.strip() == END]
    if not begins and not ends:
        return source, []
    if len(begins) != 1 or len(ends) != 1 or ends[0] < begins[0]:
        raise BadMistake(f"the exercise {exercise} has {BEGIN} and {END}, but not once each and in this order")
    block = lines[begins[0] + 1 : ends[0]]
    rest = "\n".join([*lines[: begins[0]], *lines[ends[0] + 1 :]])
    return rest.rstrip(), _read(block, exercise)


@dataclass
class _Draft:
    """A mistake while it is read."""

    name: str
    message: str
    groups: list[list[tuple[str, str]]] = field(default_factory=list)

    def add(self, sign: str, text: str) -> None:
        if not self.groups or (sign == "-" and self.groups[-1][-1][0] == "+"):
            self.groups.append([])
        self.groups[-1].append((sign, text))

    def finished(self, exercise: str) -> Mistake:
        changes = []
        for group in self.groups:
            width = min((len(text) - len(text.lstrip()) for _, text in group if text.strip()), default=0)
            old, new = ("\n".join(text[width:] for sign, text in group if sign == which) for which in "-+")
            if not old.strip():
                raise BadMistake(f"the mistake {self.name!r} of {exercise} has + lines without - lines before them")
            changes.append((old, new))
        if not changes:
            raise BadMistake(f"the mistake {self.name!r} of {exercise} changes nothing: it needs lines with - and +")
        return Mistake(exercise, self.name, self.message, tuple(changes))


def _read(lines: list[str], exercise: str) -> list[Mistake]:
    drafts: list[_Draft] = []
    for line in (line.strip() for line in lines):
        if line in ("", "#"):
            continue
        if drafts and (change := CHANGE.fullmatch(line)):
            drafts[-1].add(change[1], change[2] or "")
        elif drafts and not drafts[-1].groups and (more := MORE.fullmatch(line)):
            drafts[-1].message += f" {more[1]}"
        elif header := HEADER.fullmatch(line):
            drafts.append(_Draft(header[1].strip(), header[2]))
        else:
            raise BadMistake(
                f"in the mistakes of {exercise}, this is neither a name with its message nor a change: {line}"
            )
    if len({draft.name for draft in drafts}) < len(drafts):
        raise BadMistake(f"two mistakes of {exercise} have one name")
    return [draft.finished(exercise) for draft in drafts]


def mistaken(notebook: NotebookNode, mistake: Mistake) -> NotebookNode:
    """A copy of a solution notebook in which one mistake was made.

    Raises:
        BadMistake: what it replaces does not stand there exactly once.
    """
    changed = copy.deepcopy(notebook)
    for cell in changed.cells:
        if grade_id(cell) == mistake.exercise:
            cell.source = apply(cell.source, mistake)
    return changed


def apply(source: str, mistake: Mistake) -> str:
    """The source of an exercise cell with the mistake made."""
    for old, new in mistake.changes:
        places = [place for span in _regions(source) for place in _find(source, old, *span)]
        if len(places) != 1:
            count = f"{len(places)} times" if places else "nowhere"
            shown = old.replace("\n", " ⏎ ")
            raise BadMistake(
                f"the mistake {mistake.name!r} of {mistake.exercise} replaces {shown!r}, "
                f"which stands {count} in the solution"
            )
        start, end, indent = places[0]
        is_whole_line = source[start - 1 : start] in ("", "\n")
        source = source[:start] + _indented(new, indent, is_whole_line) + source[end:]
    return source


def solution_text(source: str) -> str:
    """What stands between the solution markers of a cell."""
    return "".join(source[start:end] for start, end in _regions(source))


def _regions(source: str) -> list[tuple[int, int]]:
    """Where the solution is; the whole cell if it has no markers."""
    return [match.span(2) for match in REGION.finditer(source)] or [(0, len(source))]


def _find(source: str, old: str, start: int, end: int) -> Iterator[tuple[int, int, str]]:
    """Each place where the text stands: its start, its end, and the indentation of the line it begins in.

    Lines after the first are looked for at that indentation, so that a mistake need not repeat it. A text that begins
    a line is found together with its indentation.
    """
    first = old.split("\n")[0]
    at = source.find(first.lstrip(), start, end)
    while at != -1:
        line_start = source.rfind("\n", 0, at) + 1
        line = source[line_start:at]
        begins_line = not line.strip()
        deeper = len(first) - len(first.lstrip()) if begins_line else 0
        indent = line[: len(line) - len(line.lstrip()) - deeper]
        here = line_start if begins_line else at
        wanted = _indented(old, indent, begins_line)
        if source.startswith(wanted, here) and here + len(wanted) <= end:
            yield here, here + len(wanted), indent
        at = source.find(first.lstrip(), at + 1, end)


def _indented(text: str, indent: str, whole_line: bool) -> str:
    """Lines at an indentation; the first without one if it goes on within a line."""
    lines = [f"{indent}{line}" if line.strip() else "" for line in text.split("\n")]
    return "\n".join(lines if whole_line else [lines[0].lstrip(), *lines[1:]])
