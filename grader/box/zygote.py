"""The inside's start: load what every notebook loads once, then fork a box for each submission.

python -m box.zygote CHANNEL         pre-warmed: each message carries a box's limits and its socket
python -m box.zygote CHANNEL LIMITS  cold: this process itself becomes the one box, in bubblewrap's walls
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import socket
import sys

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


def become_box(channel: socket.socket, cells: Cells, limits: Limits, *, namespaces: bool) -> None:
    """Lock this process in and answer requests until the other side hangs up. Does not return."""
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        if namespaces:
            walls.enter_namespaces(channel, limits)
        else:
            walls.leave_supervisor(channel, limits)
        walls.close_other_files(channel.fileno())
        os.chdir(walls.HOME)
        os.umask(0o077)
        sys.path.insert(0, "")
        walls.set_limits(limits)
        walls.lock()
    except BaseException as error:
        wire.send(channel, {"fatal": f"{type(error).__name__}: {error}"})
        os._exit(1)
    wire.send(channel, {"ready": True})
    Session(channel, cells, limits).serve()


def main() -> None:
    channel = socket.socket(fileno=int(sys.argv[1]))
    walls.leave_root()
    cells = preload()
    channel.sendall(READY)
    if len(sys.argv) > 2:
        become_box(channel, cells, Limits(**json.loads(sys.argv[2])), namespaces=False)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the boxes' supervisors
    while True:
        message, files, _, _ = socket.recv_fds(channel, 65_536, 1)
        if not message:
            os._exit(0)
        if os.fork() == 0:
            channel.close()
            limits = Limits(**json.loads(message))
            become_box(socket.socket(fileno=files[0]), cells, limits, namespaces=True)
        os.close(files[0])


if __name__ == "__main__":
    main()
