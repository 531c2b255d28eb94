"""The walls around one submission, built by the process that is to be locked in.


Order matters: namespaces and mounts need the privileges that `lock` then gives up for good.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import socket
from pathlib import Path

from . import landlock, seccomp
from .limits import Limits
from .supervisor import supervise

HOME = "/home/student"
NOBODY = 61_184  # the uid and gid that root becomes: no account, and none of systemd's dynamic ones

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC = 0x00020000, 0x04000000, 0x08000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_RDONLY = 2, 4, 8, 1
MS_REC, MS_PRIVATE = 0x4000, 0x40000
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_KEEPCAPS, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 1, 4, 8, 24, 38
CAP_DAC_READ_SEARCH = 1 << 2
CAPABILITY_VERSION_3 = 0x20080522

Readable = tuple[list[str], list[str]]  # paths to read, folders to list

_libc = ctypes.CDLL(None, use_errno=True)


def _call(name: str, *arguments: object) -> None:
    if getattr(_libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def leave_root(*, still_read: bool = False) -> None:
    """Become an unprivileged user, if this process is root.

    Args:
        still_read: keep the capability to read what is root's. Without bubblewrap's mounts the box needs it to read
            a Python that lies in root's home; Landlock then says what may be read at all.
    """
    if os.getuid() == 0:
        _call("prctl", PR_SET_KEEPCAPS, still_read, 0, 0, 0)
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
        _keep_only(CAP_DAC_READ_SEARCH if still_read else 0)
        _call("prctl", PR_SET_DUMPABLE, 1, 0, 0, 0)  # else /proc/self stays root's, and no namespace can be made


def enter_namespaces(channel: socket.socket, limits: Limits) -> None:
    """Give this process namespaces and scratch folders of its own; only the inner process returns.

    The outer one stays behind as a supervisor. When it kills the inner process, which is pid 1 of its namespace,
    everything that the submission started ends with it.
    """
    uid, gid = os.getuid(), os.getgid()
    _call(
        "unshare",
        CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS,
    )
    Path("/proc/self/setgroups").write_text("deny", encoding="utf-8")
    Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1", encoding="utf-8")
    Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1", encoding="utf-8")
    leave_supervisor(channel, limits)
    _mount_scratch(limits)


def leave_supervisor(channel: socket.socket, limits: Limits) -> None:
    """Fork: the child returns and becomes the box, this process stays behind and watches it."""
    proc = os.open("/proc", os.O_RDONLY | os.O_DIRECTORY)  # the box may get another /proc, or none
    inner = os.fork()
    if inner:
        _call("prctl", PR_SET_DUMPABLE, 0, 0, 0, 0)  # its memory is closed to the box, which may have the same user
        supervise(inner, channel, proc, limits)
    os.close(proc)
    os.setsid()  # kill(0, …) must not reach the supervisor's process group
    end_with_parent()
    with contextlib.suppress(OSError):  # where memory runs out, the kernel shall take this process first
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="utf-8")


def end_with_parent() -> None:
    """Be killed by the kernel when the thread that started this process ends."""
    _call("prctl", PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _mount_scratch(limits: Limits) -> None:
    """Private scratch folders: nothing that one submission writes is seen by the next."""
    _call("mount", b"none", b"/", None, MS_REC | MS_PRIVATE, None)
    size = f"size={limits.file_bytes},nr_inodes=4096,mode=700".encode()
    for folder in (b"/tmp", HOME.encode(), b"/dev/shm", b"/dev/mqueue"):
        if Path(os.fsdecode(folder)).is_dir():
            _call("mount", b"tmpfs", folder, b"tmpfs", MS_NOSUID | MS_NODEV, size)
    # A fresh /proc shows this namespace's processes only. Where the kernel refuses one (an outer /proc that
    # is partly masked), an empty folder is the safe answer.
    flags = MS_NOSUID | MS_NODEV | MS_NOEXEC
    if _libc.mount(b"proc", b"/proc", b"proc", flags, None) != 0:
        _call("mount", b"tmpfs", b"/proc", b"tmpfs", flags | MS_RDONLY, b"size=4k")


def set_limits(limits: Limits, *, processes: bool = True) -> None:
    """The kernel's limits for this process and all it starts.

    Args:
        processes: limit their number too. It counts all of a user's, so a box that shares its user cannot.
    """
    for name, value in (
        ("AS", limits.memory),
        ("NPROC", limits.processes),
        ("FSIZE", limits.file_bytes),
        ("NOFILE", limits.files),
        ("CPU", limits.cpu_seconds),
        ("CORE", 0),
        ("MEMLOCK", 0),
    ):
        if name != "NPROC" or processes:
            resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (value, value))


class _CapabilityHeader(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


def lock(readable: Readable | None = None) -> None:
    """Give up every privilege and the means to regain one, then filter the system calls.

    Args:
        readable: where this process has no file system of its own: what it may read and list of everyone's.
    """
    _call("prctl", PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    for capability in range(64):
        _libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)  # fails past the kernel's last one: nothing to drop
    if readable is None:
        _keep_only(0)
    else:
        landlock.restrict(*readable)  # and with it stays the capability to read, if there is one
    seccomp.install(alone=readable is not None)


def _keep_only(capabilities: int) -> None:
    """Give up all other capabilities; of these keep what this process has."""
    header, sets = _CapabilityHeader(CAPABILITY_VERSION_3, 0), (ctypes.c_uint32 * 6)()
    _call("capget", ctypes.byref(header), sets)
    kept = sets[1] & capabilities
    sets[:] = [kept, kept, 0, 0, 0, 0]  # effective and permitted; nothing is inherited
    _call("capset", ctypes.byref(header), sets)


def close_other_files(keep: int) -> None:
    """Close everything inherited except `keep`; standard input and output lead nowhere."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
    os.closerange(3, keep)
    os.closerange(keep + 1, 1 << 16)
