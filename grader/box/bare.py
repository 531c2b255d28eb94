"""A box without bubblewrap: what of this machine's files the student's code may read. Landlock refuses all others."""

from __future__ import annotations

import os
import shutil
import site
import sys
import sysconfig
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from . import bubblewrap, walls

PACKAGE = Path(__file__).parent
WRITTEN_AT_START = ("ipython", "matplotlib", "home")


class Folder:
    """What a box finds on its path: this package as `box`, and the modules of the course that the notebook lists."""

    def __init__(self, modules: Iterable[str]) -> None:
        """Make it; nothing is copied but matplotlib's list of fonts."""
        self.path = Path(tempfile.mkdtemp(prefix="course-box-"))
        try:
            self.path.chmod(0o755)
            self.sources = [PACKAGE]
            (self.path / "box").symlink_to(PACKAGE)
            for source in bubblewrap.course(modules):
                inside = self.path / "course" / source.name
                inside.parent.mkdir(exist_ok=True)
                inside.symlink_to(source)
                self.sources.append(source)
            for name in WRITTEN_AT_START:
                (self.path / name).mkdir()
            for fonts in _matplotlib_cache().glob("fontlist-*.json"):
                shutil.copy(fonts, self.path / "matplotlib")
            if os.getuid() == 0:
                for name in WRITTEN_AT_START:
                    os.chown(self.path / name, walls.NOBODY, walls.NOBODY)
        except BaseException:
            self.close()
            raise

    def environment(self) -> dict[str, str]:
        inside = {
            "PYTHONPATH": str(self.path),
            "HOME": str(self.path / "home"),
            "IPYTHONDIR": str(self.path / "ipython"),
            "MPLCONFIGDIR": str(self.path / "matplotlib"),
        }
        return bubblewrap.ENVIRONMENT | inside

    def readable(self) -> tuple[list[str], list[str]]:
        """What the box may read, and the folders that it may only list, since something of ours lies in them."""
        roots = [Path(folder) for folder in bubblewrap.SYSTEM]
        roots += [self.path, *self.sources, Path(sys.base_prefix), Path(sys.prefix)]
        packages = {Path(folder) for folder in [*site.getsitepackages(), sysconfig.get_path("purelib")]}
        hidden = {folder / name for folder in packages for name in bubblewrap.HIDDEN if (folder / name).exists()}
        allowed, listed = set[Path](), set[Path]()
        for root in roots:
            for path, whole in _around(root.resolve(), {place.resolve() for place in hidden}):
                (allowed if whole else listed).add(path)
        return sorted(map(str, allowed)), sorted(map(str, listed))

    def close(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)


def _around(path: Path, hidden: set[Path]) -> Iterator[tuple[Path, bool]]:
    """The parts of a folder that hold nothing hidden, whole; the folders on the way to what is, not whole."""
    if path in hidden:
        return
    if not any(place.is_relative_to(path) for place in hidden):
        yield path, True
        return
    yield path, False
    for child in path.iterdir():
        yield from _around(child, hidden)


def _matplotlib_cache() -> Path:
    import matplotlib

    return Path(matplotlib.get_cachedir())
