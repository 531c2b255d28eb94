"""A memory cgroup for all of a sandbox's processes, where this user may make one.

The box's supervisor counts what processes have resident and says so; a cgroup also bounds what it cannot see: pipes,
page tables, files in the scratch folders. Where none can be had, the supervisor and the kernel's other limits stay.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from .limits import MIB, Limits

MOUNT = Path("/sys/fs/cgroup")
NAME = "course-box"
OURS = 768 * MIB  # the fork server with what it has loaded, and the scratch folders
_numbers = itertools.count()


class Cgroup:
    """A cgroup of the second or the first kind, by the name of its limit's file."""

    def __init__(self, folder: Path, limit: str, size: int) -> None:
        """Make it.

        Raises:
            OSError: this user may not, or the limit does not hold.
        """
        self.folder = folder
        folder.mkdir()
        try:
            (folder / limit).write_text(str(size), encoding="utf-8")
            if int((folder / limit).read_text(encoding="utf-8")) > size:
                raise OSError(f"{folder / limit} keeps another limit")
        except (OSError, ValueError) as error:
            folder.rmdir()
            raise OSError(f"no memory limit in {folder}: {error}") from None

    def command(self, command: Sequence[str]) -> list[str]:
        """The command that first enters the cgroup, so that all it starts is in it."""
        return ["/bin/sh", "-c", 'echo $$ > "$0" && exec "$@"', str(self.folder / "cgroup.procs"), *command]

    def close(self) -> None:
        """End what is still in it, and remove it. The kernel may need a moment until the last process is gone."""
        for _ in range(100):
            try:
                self.folder.rmdir()
                return
            except FileNotFoundError:
                return
            except OSError:
                for pid in (self.folder / "cgroup.procs").read_text(encoding="utf-8").split():
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(int(pid), signal.SIGKILL)
                time.sleep(0.01)


def make(limits: Limits) -> Cgroup | None:
    """A cgroup for one sandbox; None where this user can have none."""
    for parent, limit in _places():
        _sweep(parent)
        with contextlib.suppress(OSError):
            return Cgroup(parent / f"{NAME}-{os.getpid()}-{next(_numbers)}", limit, limits.total_memory + OURS)
    return None


def _places() -> Iterator[tuple[Path, str]]:
    """Where a cgroup might be made, and the file of its limit: below our own cgroup, or beside it."""
    try:
        lines = Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if not controllers:
            mount, limit = MOUNT, "memory.max"
        elif "memory" in controllers.split(","):
            mount, limit = MOUNT / "memory", "memory.limit_in_bytes"
        else:
            continue
        own = mount / path.lstrip("/")
        for folder in (own, own.parent) if own != mount else (mount,):
            if folder.is_dir():
                yield folder, limit


def _sweep(parent: Path) -> None:
    """Remove what graders that were killed have left."""
    for folder in parent.glob(f"{NAME}-*"):
        pid = folder.name.split("-")[-2]
        if not Path("/proc", pid).exists():
            with contextlib.suppress(OSError):
                folder.rmdir()
