"""The inside's start: load what every notebook loads once, then fork a box for each submission.

python -m box.zygote CHANNEL warm           each message carries a box's limits and its socket
python -m box.zygote CHANNEL cold LIMITS    this process itself becomes the one box, in bubblewrap's walls
python -m box.zygote CHANNEL alone PATHS    as warm, without bubblewrap's walls: Landlock leaves these paths readable
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any

from . import walls, wire
from .cells import Cells
from .limits import Limits
from .session import Session

READY = b"R"
PRELOADED = ("numpy", "matplotlib.pyplot", "pygments", "course.plots", "course.data")


def preload() -> Cells:
    """Import what a course's notebooks import, so that no submission pays for it."""
    for name in PRELOADED:
        try:
            importlib.import_module(name)
        except ImportError:
            continue  # this assignment's box has no such module, and its notebooks need none
    return Cells()


def forget_paths(readable: list[str], listable: list[str]) -> None:
    """Import from nowhere else: a folder whose name can be seen would pass for a package without code."""
    kept = (*readable, *listable)
    sys.path[:] = [path for path in sys.path if any(Path(path).resolve().is_relative_to(folder) for folder in kept)]


def become_box(
    channel: socket.socket, cells: Cells, limits: Limits, *, mode: str, readable: walls.Readable | None = None
) -> None:
    """Lock this process in and answer requests until the other side hangs up. Does not return."""
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        if mode == "warm":
            walls.enter_namespaces(channel, limits)
        else:
            walls.leave_supervisor(channel, limits)
        walls.close_other_files(channel.fileno())
        if mode != "alone":
            os.chdir(walls.HOME)
            sys.path.insert(0, "")
        os.umask(0o077)
        walls.set_limits(limits, processes=mode != "alone")
        walls.lock(readable)
    except BaseException as error:
        wire.send(channel, {"fatal": f"{type(error).__name__}: {error}"})
        os._exit(1)
    wire.send(channel, {"ready": True})
    Session(channel, cells, limits).serve()


def main() -> None:
    channel, mode = socket.socket(fileno=int(sys.argv[1])), sys.argv[2]
    given: Any = json.loads(sys.argv[3]) if len(sys.argv) > 3 else None
    walls.leave_root(still_read=mode == "alone")
    if mode == "alone":
        forget_paths(*given)
    cells = preload()
    channel.sendall(READY)
    if mode == "cold":
        become_box(channel, cells, Limits(**given), mode=mode)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the boxes' supervisors
    while True:
        message, files, _, _ = socket.recv_fds(channel, 65_536, 1)
        if not message:
            os._exit(0)
        if os.fork() == 0:
            channel.close()
            limits = Limits(**json.loads(message))
            become_box(socket.socket(fileno=files[0]), cells, limits, mode=mode, readable=given)
        os.close(files[0])


if __name__ == "__main__":
    main()
