"""Hand the released notebooks out into a student's own folder, and never overwrite work there.

Each notebook comes as a small folder, `05_convolution/` with the notebook and the records that its checks read.
The student's folder remembers in `.handout.json` the digests of what it was last given. So three versions of every
file are known: given, released now, and the student's. They decide what happens when the course is opened again:

    not there yet                            copied
    released unchanged                       left alone; a file that the student deleted comes back
    released changed, student has not        replaced: nothing is lost
    released changed, and so has student     put beside, in `05_convolution.new/`
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

MANIFEST = ".handout.json"

Digests = dict[str, str]  # path inside a notebook's folder -> SHA-256 of its bytes


class HandoutError(Exception):
    """The notebooks could not be handed out; the message is a sentence for the student."""


@dataclass(frozen=True)
class Change:
    """What opening the course did to one notebook: `where` is its folder, relative to the student's."""

    kind: Literal["new", "restored", "updated", "beside"]
    notebook: str
    where: str


def released_folder() -> Path:
    """Where the released notebooks are: inside an installed package, or at the top of a checkout."""
    package = Path(__file__).parent
    for candidate in (package / "exercises", package.parent / "exercises"):
        if names_in(candidate):
            return candidate
    raise HandoutError(f"no released notebooks beside {package}: is the installation of convnet-course complete?")


def names_in(released: Path) -> list[str]:
    """The names of the released notebooks, in the order of the course."""
    return sorted(path.stem for path in released.glob("*/*.ipynb") if path.stem == path.parent.name)


START = "05_convolution"
"""Where the course opens unless told otherwise: its heart. Each notebook runs alone, none is needed before it."""


def find_notebook(wanted: str | None, names: list[str]) -> str:
    """The notebook that `wanted` means: a number, a name, its topic or a part of it; if None, the one to begin with.

    >>> find_notebook("5", ["05_convolution", "06_backward"])
    '05_convolution'
    >>> find_notebook("backward", ["05_convolution", "06_backward"])
    '06_backward'
    """
    if wanted is None:
        return START if START in names else names[0]
    if wanted.isdecimal():
        matches = [name for name in names if name.startswith(f"{int(wanted):02d}_")]
    else:
        matches = [name for name in names if wanted in (name, name[3:])]
        matches = matches or [name for name in names if wanted.lower() in name]
    if len(matches) > 1:
        raise HandoutError(f"{wanted!r} means more than one notebook: {' or '.join(matches)}? The number will do.")
    if not matches:
        raise HandoutError(f"{wanted!r} is no notebook of the course. There is {', '.join(names)}.")
    return matches[0]


def hand_out(released: Path, folder: Path) -> list[Change]:
    """Bring `folder` up to date with the `released` notebooks; what the student changed is never written over."""
    if folder.exists() and not folder.is_dir():
        raise HandoutError(f"{folder} is a file. Name a folder for your notebooks with --folder.")
    if folder.resolve().is_relative_to(released.resolve()):
        raise HandoutError(
            f"{folder} holds the released notebooks themselves. Name a folder of your own with --folder."
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        manifest = _read_manifest(folder)
        changes = []
        for name in names_in(released):
            change = _hand_out_one(name, released / name, folder, manifest)
            if change is not None:
                changes.append(change)
        _write(folder / MANIFEST, json.dumps(manifest, indent=1, sort_keys=True).encode())
    except OSError as error:
        where = error.filename or folder
        raise HandoutError(f"cannot write your notebooks to {folder}: {error.strerror} ({where}).") from error
    return changes


def _hand_out_one(name: str, source: Path, folder: Path, manifest: dict[str, Digests]) -> Change | None:
    """Hand out one notebook and note in `manifest` what was given."""
    home = folder / name
    released = _digests(source, _files(source))
    given = manifest.get(name, {})
    own = _digests(home, released)
    manifest[name] = released

    differing = {path for path in own if own[path] != released[path]}
    if released == given or not differing:
        _copy(released.keys() - own.keys(), source, home)
        if f"{name}.ipynb" in own:
            return None
        return Change("restored" if given else "new", name, name)
    if all(own[path] == given.get(path) for path in differing):
        _copy(released, source, home)
        return Change("updated", name, name)
    beside = _free_place(home, released)
    _copy(released, source, beside)
    return Change("beside", name, beside.name)


def _free_place(home: Path, released: Digests) -> Path:
    """`home.new`; `home.new2` and so on where an earlier one was worked on."""
    for suffix in ("new", *(f"new{number}" for number in range(2, 100))):
        place = home.with_name(f"{home.name}.{suffix}")
        if _digests(place, released).items() <= released.items():
            return place
    raise HandoutError(f"{home.name}.new to {home.name}.new99 all hold work of yours: move some of it away.")


def _files(home: Path) -> list[str]:
    """The files of a released notebook's folder, without what Jupyter and Python leave there."""
    paths = (path.relative_to(home) for path in sorted(home.rglob("*")) if path.is_file())
    return [path.as_posix() for path in paths if not any(part.startswith((".", "__")) for part in path.parts)]


def _digests(home: Path, paths: Iterable[str]) -> Digests:
    """Of those `paths` that exist."""
    existing = [path for path in paths if (home / path).is_file()]
    return {path: hashlib.sha256((home / path).read_bytes()).hexdigest() for path in existing}


def _copy(paths: Iterable[str], source: Path, home: Path) -> None:
    for path in sorted(paths):
        (home / path).parent.mkdir(parents=True, exist_ok=True)
        _write(home / path, (source / path).read_bytes())


def _write(path: Path, data: bytes) -> None:
    """Write through a neighbour, so that an interruption leaves either the old file or the new one."""
    neighbour = path.with_name(f".{path.name}.part")
    neighbour.write_bytes(data)
    neighbour.replace(path)


def _read_manifest(folder: Path) -> dict[str, Digests]:
    """What was given before. Unreadable means unknown: then everything that differs counts as the student's."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
        return {str(name): dict(digests) for name, digests in manifest.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}
