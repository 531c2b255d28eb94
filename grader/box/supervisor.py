"""Watches a box from outside its namespaces, and ends it: when nobody listens any more, or when it takes too much.

The address-space limit bounds one process; what all of a box's processes take together is counted here. The kernel
shows everyone what a process has resident, even where its owner hides the rest. Pages that processes share count once
for each of them: too much rather than too little.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
from typing import NoReturn

from . import wire
from .limits import Limits

EVERY = 50  # milliseconds between two looks
COUNTED = ("RssAnon:", "RssShmem:", "VmSwap:")  # not the files of Python and NumPy, which everyone shares
MEMORY = "memory"  # the reason in a last message


def supervise(inner: int, channel: socket.socket, proc: int, limits: Limits) -> NoReturn:
    """Wait until the process `inner` ends, the other side hangs up, or the box takes too much memory. Does not return.

    Args:
        inner: the first process of the box, a child of this one.
        channel: shared with it; its other end is the trusted side's.
        proc: an open descriptor of a /proc that shows the box's processes to this one.
    """
    either = select.poll()
    either.register(channel.fileno(), select.POLLHUP | select.POLLRDHUP)
    either.register(os.pidfd_open(inner), select.POLLIN)
    while not (over := memory(proc, inner) > limits.total_memory) and not either.poll(EVERY):
        pass
    os.kill(inner, signal.SIGKILL)
    os.waitpid(inner, 0)
    if over:
        with contextlib.suppress(wire.Closed, OSError):  # hung up meanwhile: nobody is there to be told
            wire.send(channel, {"fatal": MEMORY})
    os._exit(0)


def memory(proc: int, inner: int) -> int:
    """Bytes that the processes of a box have resident together."""
    parents: dict[int, int] = {}
    resident: dict[int, int] = {}
    for name in os.listdir(proc):
        if name.isdigit() and (status := _status(proc, name)):
            parents[int(name)] = int(status["PPid:"])
            resident[int(name)] = sum(1024 * int(status.get(field, 0)) for field in COUNTED)
    if os.getppid() == 1:  # nothing here but a cold box: orphans go to process 1 and still belong to it
        return sum(amount for pid, amount in resident.items() if pid not in (1, os.getpid()))
    return sum(amount for pid, amount in resident.items() if _descends(pid, inner, parents))


def _descends(pid: int, ancestor: int, parents: dict[int, int]) -> bool:
    while pid in parents and pid != ancestor:
        pid = parents[pid]
    return pid == ancestor


def _status(proc: int, name: str) -> dict[str, str]:
    """The first word of each line of a process's status; nothing if it has just ended."""
    try:
        file = os.open(f"{name}/status", os.O_RDONLY, dir_fd=proc)
        try:
            lines = os.read(file, 1 << 16).decode("utf-8", "replace").splitlines()
        finally:
            os.close(file)
    except OSError:
        return {}
    words = [line.split() for line in lines]
    status = {word[0]: word[1] for word in words if len(word) > 1}
    return status if "PPid:" in status else {}
