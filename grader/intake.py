"""The first look at a submission, before anything opens it: plain files only, bounded sizes, and text that parses.

Everything below `submitted/` is hostile. What does not pass is rejected with a reason in words, and graded as 0.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NOTEBOOK_BYTES = 20 << 20  # pictures that a student pasted count too
FOLDER_BYTES = 100 << 20
FOLDER_FILES = 1000
CELLS = 2000
CELL_CHARACTERS = 200_000
TIMESTAMP = "timestamp.txt"
BESIDE = (TIMESTAMP, "submission_secret.txt")


class Rejected(Exception):
    """A submission that cannot be graded, with the reason for its author and the instructor."""


@dataclass(frozen=True)
class Cell:
    """What is taken from a student's cell: its kind, its text, and what tells which cell of the source it is."""

    kind: str
    text: str
    grade_id: str | None
    cell_id: str | None


def refuse_link(folder: Path) -> None:
    """See that a folder is where it seems to be.

    Raises:
        Rejected: it is a link to another one.
    """
    if folder.is_symlink():
        raise Rejected(f"{show(folder.name)} is a link; only ordinary folders are accepted")


def inspect_folder(folder: Path) -> None:
    """See that a submission's folder holds nothing but ordinary files of bounded size.

    Raises:
        Rejected: a link, a device, a file with a second name, too many or too large files.
    """
    total = count = 0
    pending = [folder]
    while pending:
        place = pending.pop()
        refuse_link(place)
        with os.scandir(place) as listing:
            entries = list(itertools.islice(listing, FOLDER_FILES + 1))
        for entry in entries:
            status = entry.stat(follow_symlinks=False)
            count += 1
            if stat.S_ISDIR(status.st_mode):
                pending.append(Path(entry.path))
            elif not stat.S_ISREG(status.st_mode):
                raise Rejected(f"{show(entry.name)} is a link or a device; only ordinary files are accepted")
            elif status.st_nlink > 1:
                raise Rejected(f"{show(entry.name)} is a file with a second name elsewhere (a hard link)")
            total += status.st_size
            if count > FOLDER_FILES or total > FOLDER_BYTES:
                raise Rejected(f"the folder is too large: at most {FOLDER_FILES} files, {FOLDER_BYTES >> 20} MB in all")


def read_bytes(path: Path) -> bytes:
    """The bytes of one submitted notebook.

    Raises:
        Rejected: it is missing, not an ordinary file, or too large.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise Rejected(f"there is no {show(path.name)} in the submission{_beside(path)}") from None
    except OSError as error:
        raise Rejected(f"{show(path.name)} cannot be opened: {error.strerror}") from None
    status = os.fstat(descriptor)  # of what was opened, not of what lies there by now
    if not stat.S_ISREG(status.st_mode) or status.st_nlink > 1:
        os.close(descriptor)
        raise Rejected(f"{show(path.name)} is a folder, a link or a device; only ordinary files are accepted")
    with os.fdopen(descriptor, "rb") as file:
        data = file.read(NOTEBOOK_BYTES + 1)
    if len(data) > NOTEBOOK_BYTES:
        raise Rejected(
            f"{show(path.name)} is larger than {NOTEBOOK_BYTES >> 20} MB: clear its outputs and submit again"
        )
    return data


def _beside(path: Path) -> str:
    """In words, the files that lie where one is missing and may be meant: `hw (1).ipynb`, or `hw.ipynb.txt`."""
    found = []
    with contextlib.suppress(OSError), os.scandir(path.parent) as listing:
        names = [entry.name for entry in itertools.islice(listing, FOLDER_FILES)]
        found = sorted(show(name) for name in names if path.suffix in name.lower())
    return f", but {', '.join(found[:3])}{', …' if found[3:] else ''}" if found else ""


def read_beside(folder: Path) -> dict[str, str]:
    """The small files that nbgrader's exchange puts beside a submission, as far as they are there and are text."""
    found = {}
    for name in BESIDE:
        with contextlib.suppress(Rejected, ValueError):
            found[name] = read_bytes(folder / name)[:200].decode("utf-8").strip()
    return {name: text for name, text in found.items() if text}


def read_cells(data: bytes) -> list[Cell]:
    """The cells of a submitted notebook, of format 3 or 4. Nothing else of it is looked at.

    Raises:
        Rejected: not a notebook, or one of absurd size.
    """
    try:
        notebook = json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise Rejected("the notebook is not utf-8 text") from None
    except ValueError as error:
        raise Rejected(f"the notebook's file is damaged: it is not JSON ({error})") from None
    except RecursionError:
        raise Rejected("the notebook's file is damaged: it is nested too deeply") from None
    cells = _list_of_cells(notebook)
    if cells is None:
        raise Rejected("the file is not a notebook: it has no list of cells")
    if len(cells) > CELLS:
        raise Rejected(f"the notebook has {len(cells)} cells; at most {CELLS} are accepted")
    return [_cell(cell, number) for number, cell in enumerate(cells)]


def _list_of_cells(notebook: Any) -> list[Any] | None:
    match notebook:
        case {"cells": list() as cells}:
            return cells
        case {"worksheets": [{"cells": list() as cells}, *_]}:  # format 3
            return cells
    return None


def _cell(cell: Any, number: int) -> Cell:
    if not isinstance(cell, dict):
        raise Rejected(f"cell {number + 1} of the notebook is not a cell")
    text = cell.get("source", cell.get("input", ""))
    if isinstance(text, list):
        text = "".join(part for part in text if isinstance(part, str))
    if not isinstance(text, str):
        raise Rejected(f"the text of cell {number + 1} is not text")
    if len(text) > CELL_CHARACTERS:
        raise Rejected(f"cell {number + 1} has {len(text)} characters; at most {CELL_CHARACTERS} are accepted")
    kind = "code" if cell.get("cell_type") == "code" else "markdown"
    match cell.get("metadata"):
        case {"nbgrader": {"grade_id": str() as name}}:
            grade_id: str | None = name
        case _:
            grade_id = None
    cell_id = cell.get("id")
    return Cell(kind, _printable(text), grade_id, cell_id if isinstance(cell_id, str) else None)


def _printable(text: str) -> str:
    """Text that can be written as utf-8: a lone surrogate becomes a question mark."""
    return text.encode("utf-8", "replace").decode("utf-8")


def show(name: str) -> str:
    """A file's name as it may stand in a message: short, on one line, nothing that a terminal would obey."""
    clean = "".join(c if c.isprintable() else "�" for c in name)
    return repr(clean if len(clean) <= 80 else clean[:77] + "…")
