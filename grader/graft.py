"""Puts the text of a student's cells into the instructor's notebook. Nothing else of a submission survives.

Ids, order, tests, points, kernel and metadata come from the instructor's notebook; from the student come the text of
the cells that are theirs to write, and cells of their own, each after the cell that stood before it.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Mapping

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell

from .cells import grade_id, is_solution
from .intake import Cell

MISSING = "# This cell was missing from the submission."
TAG = re.compile(r"<(?=[a-zA-Z/!?])")
ENTITY = re.compile(r"&(?=#|\w+;)")  # could spell what the other two look for
PICTURE = re.compile(r"!(?=\[)")  # a request to anywhere, in the name of whoever reads: `![](/logout)`
LINK = re.compile(  # where a link leads, inline or in a definition, if that might be more than a page
    r"""(\]\([\s>]*
      | ^[ \t>*+\-\d.)]*\[(?:[^\\\[\]]|\\[\s\S]){0,999}\]:[\s>]*)
    (?!https?://|mailto:|\#)
    (?=<|[^\s/?\#()<>\[\]]*[:&])  # a scheme, however its colon is written""",
    re.IGNORECASE | re.MULTILINE | re.VERBOSE,
)


def graft(source: NotebookNode, submitted: Iterable[Cell], checksums: Mapping[str, str] | None = None) -> NotebookNode:
    """The notebook to grade.

    Args:
        source: the instructor's notebook, with solutions and hidden tests.
        submitted: the student's cells, in their order.
        checksums: of the cells as they were released; by them nbgrader knows an answer that was left as it came.

    Returns:
        a copy of `source` without outputs, in which every cell that is the student's to write has their text.
    """
    names = {name for cell in source.cells for name in _names(cell)}
    texts: dict[str, str] = {}
    extra: dict[str | None, list[Cell]] = {}
    for cell, known in _recognised(submitted, names):
        if known is None:
            extra.setdefault(_last(texts), []).append(cell)
        else:
            texts.pop(known, None)  # so that it is now the last one
            texts[known] = cell.text

    notebook = copy.deepcopy(source)
    notebook.cells = [_own(cell, n) for n, cell in enumerate(extra.get(None, []))]
    for original in source.cells:
        cell = copy.deepcopy(original)
        own = [name for name in _names(cell) if name in texts]
        if is_students(cell):
            cell.source = _text(cell, texts[own[0]] if own else None)
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        for name in own:
            if checksums and name in checksums:
                cell.metadata.nbgrader["checksum"] = checksums[name]
        if is_students(cell) and cell.cell_type != "code" and not _is_as_released(cell):
            cell.source = escape(cell.source)
        notebook.cells.append(cell)
        for name in _names(original):
            added = len(notebook.cells)
            notebook.cells += [_own(piece, added + n) for n, piece in enumerate(extra.pop(name, []))]
    return notebook


def recognise(source: NotebookNode, submitted: Iterable[Cell]) -> tuple[int, int]:
    """How many of the source's exercises and questions a submission holds, and how many cells of another notebook.

    A program that drops the cells' names leaves neither.
    """
    names = {name for cell in source.cells for name in _names(cell)}
    exercises = {name for cell in source.cells if is_solution(cell) for name in _names(cell)}
    cells = list(submitted)
    own = {name for cell in cells for name in (cell.grade_id, cell.cell_id) if name in exercises}
    return len(own), len({cell.grade_id for cell in cells} - names - {None})


def is_students(cell: NotebookNode) -> bool:
    """Whether a cell of the source is the student's to write: an exercise, an answer, or an open cell of code."""
    if cell.metadata.get("nbgrader"):
        return is_solution(cell)
    return bool(cell.cell_type == "code")


def escape(text: str) -> str:
    """Markdown that runs and fetches nothing in the browser of whoever reads it: raw HTML shows as text, pictures are
    links, and links lead to pages only.

    >>> escape("a < b and <script>")
    'a < b and &lt;script>'
    >>> escape("[here](javascript:alert(1))")
    '[here](#javascript:alert(1))'
    >>> escape("![me](https://example.org/me.png)")
    '&#33;[me](https://example.org/me.png)'
    """
    return PICTURE.sub("&#33;", LINK.sub(r"\1#", TAG.sub("&lt;", ENTITY.sub("&amp;", text))))


def _recognised(submitted: Iterable[Cell], names: set[str]) -> list[tuple[Cell, str | None]]:
    """Each of the student's cells with the source cell that it is, if any. Of copies, the last one counts."""
    cells = list(submitted)
    seen: set[str] = set()
    result: list[tuple[Cell, str | None]] = []
    for cell in reversed(cells):
        known = next((name for name in (cell.grade_id, cell.cell_id) if name is not None and name in names), None)
        if known in seen:
            known = None
        elif known is not None:
            seen.add(known)
        result.append((cell, known))
    return result[::-1]


def _names(cell: NotebookNode) -> list[str]:
    """What a cell of the source may be called in a submission: its grade id, else its cell id."""
    name = grade_id(cell) or cell.get("id")
    return [name] if name else []


def _last(texts: dict[str, str]) -> str | None:
    return next(reversed(texts), None)


def _text(cell: NotebookNode, text: str | None) -> str:
    if cell.cell_type != "code":
        return text or ""
    if text is None:
        return MISSING if cell.metadata.get("nbgrader") else str(cell.source)
    return text


def _is_as_released(cell: NotebookNode) -> bool:
    """Whether an answer is still the question: the instructor's own text, with pictures and HTML of theirs."""
    checksum = cell.metadata.get("nbgrader", {}).get("checksum")
    if checksum is None or escape(cell.source) == cell.source:
        return False
    from nbgrader.utils import compute_checksum  # loads all of nbgrader, and few answers need it

    return bool(checksum == compute_checksum(cell))


def _own(cell: Cell, number: int) -> NotebookNode:
    """A cell that the student added."""
    new: NotebookNode = new_code_cell(cell.text) if cell.kind == "code" else new_markdown_cell(escape(cell.text))
    new.id = f"student-{number}"
    new.metadata["convnet_course"] = {"added": True}
    return new
