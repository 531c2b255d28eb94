"""Hostile code that every box must hold against. A level is believed because these were run in it, not by its name."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from .host import Box, BoxError

HELD = "held"


@dataclass(frozen=True)
class Probe:
    """One attempt.

    Args:
        name: what is tried.
        code: prints `held` if the box held against it.
        judge: says whether it held, where the code itself cannot.
        levels: those which promise to hold against it.
    """

    name: str
    code: str
    judge: Callable[[Box, str], bool] | None = None
    levels: tuple[str, ...] = ("A", "A′", "B")

    def holds(self, box: Box) -> bool:
        """Try it in a fresh box."""
        if self.judge is not None:
            return self.judge(box, self.code)
        try:
            outputs = box.run(self.code)
        except BoxError:
            return False
        return "".join(str(output.get("text", "")) for output in outputs).strip() == HELD


def _each_refused(setup: str, cases: str, attempt: str) -> str:
    """Code that holds if `attempt` raises for every `case`."""
    return f"""
import ctypes, os, socket, sys
{setup}
open_doors = []
for case in {cases}:
    try:
        {attempt}
        open_doors.append(case)
    except (OSError, ImportError):
        pass
print(open_doors or "{HELD}")
"""


def _ends(seconds: float) -> Callable[[Box, str], bool]:
    """Judges whether the code is ended, one way or the other, in time."""

    def judge(box: Box, code: str) -> bool:
        start = time.monotonic()
        try:
            outputs = box.run(code)
        except BoxError:
            outputs = []
        finished = any("survived" in str(output.get("text", "")) for output in outputs)
        return not finished and time.monotonic() - start < seconds

    return judge


def _bounded(box: Box, code: str) -> bool:
    """Judges whether what comes out is bounded."""
    try:
        return sum(len(str(output.get("text", ""))) for output in box.run(code)) < 1_000_000
    except BoxError:
        return True


LIBC = """
libc = ctypes.CDLL(None, use_errno=True)
def call(name, *arguments):
    if getattr(libc, name)(*arguments) == -1:
        raise OSError(ctypes.get_errno(), name)
"""

QUICK = (  # run whenever boxes are opened
    Probe("be root", f"import os; print('{HELD}' if os.getuid() and os.geteuid() else 'root')"),
    Probe("become root", _each_refused(LIBC, "('setuid', 'setgid')", "call(case, 0)")),
    Probe(
        "import the reference, the grader or the solutions",
        _each_refused("", "('course.ops', 'course.check', 'grader', 'solutions', 'tests')", "__import__(case)"),
    ),
    Probe(
        "write outside the scratch folders",
        _each_refused(
            "", "('/', '/opt', '/opt/box', '/opt/venv', '/usr', '/etc', '/dev', '/proc')", "open(case + '/evil', 'w')"
        ),
    ),
    Probe(
        "read what is not the box's",
        _each_refused(
            "", "('/etc/shadow', '/etc/passwd', '/var/log', '/proc/1/root/etc/shadow')", "os.open(case, os.O_RDONLY)"
        ),
    ),
    Probe(
        "learn what files there are",
        _each_refused("", "('/etc/shadow', '/etc/passwd', '/var/log', '/proc/1/root/etc/shadow')", "os.stat(case)"),
        levels=("A", "A′"),
    ),
    Probe(
        "change the mode, the times or the owner of files that are not its own",
        _each_refused(
            "",
            "('chmod', 'utime', 'chown')",
            "getattr(os, case)(os.__file__, *{'chmod': (0o666,), 'utime': (), 'chown': (os.getuid(), -1)}[case])",
        ),
    ),
    Probe(
        "signal a process that is not its own",
        _each_refused("", "(os.getppid() or 2,)", "os.kill(case, 0)"),
        levels=("A", "B"),  # in A′ it may end its supervisor, and with it itself
    ),
    Probe(
        "reach a network",
        _each_refused(
            "",
            "('127.0.0.1', '10.0.0.1', '192.168.0.1')",
            "socket.create_connection((case, 80), timeout=1)",
        ),
    ),
    Probe(
        "make sockets that pass network namespaces",
        _each_refused("", "('AF_VSOCK', 'AF_NETLINK', 'AF_PACKET')", "socket.socket(getattr(socket, case), 3)"),
    ),
    Probe(
        "make namespaces or mounts",
        _each_refused(
            LIBC,
            "('unshare', 'setns', 'mount', 'chroot')",
            "call(case, *{'unshare': (0x10000000,), 'setns': (0, 0), 'chroot': (b'/',),"
            " 'mount': (b'none', b'/tmp', b'tmpfs', 0, None)}[case])",
        ),
    ),
    Probe(
        "trace or read another process",
        _each_refused(LIBC, "(1, os.getppid())", "call('ptrace', 16, case, 0, 0)"),
    ),
    Probe(
        "write into its supervisor's memory",
        _each_refused("", "(os.getppid(),)", "open(f'/proc/{case}/mem', 'r+b')"),
    ),
)

PROBES = (
    *QUICK,
    Probe(
        "see other processes",  # but those that the box itself is made of
        "import os; own = (1, os.getppid(), os.getpid())\n"
        "try: found = os.listdir('/proc')\nexcept PermissionError: found = []\n"
        "others = [p for p in found if p.isdigit() and int(p) not in own]\n"
        f"print(others or '{HELD}')",
    ),
    Probe(
        "start processes without end",
        "import os, time\nfor _ in range(1000):\n    if os.fork() == 0: time.sleep(30); os._exit(0)\nprint('survived')",
        _ends(10),
    ),
    Probe(
        "take 16 GB of memory",
        f"try: block = bytearray(16 << 30)\nexcept MemoryError: print('{HELD}')",
    ),
    Probe(
        "take 2.5 GB of memory with 40 processes",
        "import os, time\n"
        "for _ in range(40):\n"
        "    if os.fork() == 0: block = bytearray(b'1') * (64 << 20); time.sleep(30); os._exit(0)\n"
        "time.sleep(2)\nprint('survived')",
        _ends(10),
    ),
    Probe(
        "fill the disk",
        "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "try:\n    with open('big', 'wb') as f:\n        for _ in range(1000): f.write(bytes(1 << 20))\n"
        f"except OSError: print('{HELD}')",
    ),
    Probe("print without end", "import sys\nfor _ in range(100): sys.stdout.write('A' * 1_000_000)", _bounded),
    Probe("loop without end", "while True: pass\nprint('survived')", _ends(10)),
    Probe(
        "loop and ignore the interruption",
        "import signal\nsignal.signal(signal.SIGALRM, signal.SIG_IGN)\nwhile True: pass\nprint('survived')",
        _ends(10),
    ),
)
