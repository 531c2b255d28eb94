"""The box's filter of system calls: what reaches outside the namespaces, or builds new ones, is refused.

A filter is a program of four-field instructions that the kernel runs before each system call
(Linux, Documentation/userspace-api/seccomp_filter.rst). Ours refuses with EPERM, except for another architecture's
calls, which kill the process: their numbers would mean something else.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
from collections.abc import Sequence

from . import calls

ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}  # column in `calls`, AUDIT_ARCH_*
X32 = 0x40000000  # the x32 calls of x86_64, a second set of numbers
NEW_NAMESPACES = 0x7E020000  # CLONE_NEW{NS,CGROUP,UTS,IPC,USER,PID,NET}
CLONE_THREAD = 0x00010000
FAMILIES = (1, 2, 10)  # AF_UNIX, AF_INET, AF_INET6: the others (vsock, netlink) reach past a network namespace
OWNERS = (8, 10, 15)  # fcntl's F_SETOWN, F_SETSIG, F_SETOWN_EX: signals to whoever owns a file
OWNER_CONTROLS = (0x5452, 0x8901, 0x8902)  # the same by ioctl: FIOASYNC, FIOSETOWN, SIOCSPGRP

ALLOW, KILL, REFUSE = 0x7FFF0000, 0x80000000, 0x00050000  # SECCOMP_RET_*
LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
NUMBER, ARCHITECTURE, ARGUMENTS = 0, 4, 16  # offsets in struct seccomp_data

PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2


class Filter:
    """A filter under construction, for one architecture."""

    def __init__(self, machine: str) -> None:
        """Begin with what every filter begins with.

        Raises:
            OSError: the machine's system call numbers are not known here.
        """
        if machine not in ARCHITECTURES:
            raise OSError(errno.ENOSYS, f"no system call filter for the architecture {machine}")
        self.column, audit = ARCHITECTURES[machine]
        self.code: list[bytes] = []
        self._add(LOAD, ARCHITECTURE)
        self._add(EQUAL, audit, then=1)
        self._add(RETURN, KILL)
        self._add(LOAD, NUMBER)
        if machine == "x86_64":
            self._add(AT_LEAST, X32, otherwise=1)
            self._add(RETURN, KILL)

    def refuse(self, numbers: calls.Numbers, error: int = errno.EPERM) -> None:
        """Refuse a call, whatever its arguments."""
        self._for(numbers, [(RETURN, REFUSE | error, 0, 0)])

    def refuse_bits(self, numbers: calls.Numbers, bits: int) -> None:
        """Refuse a call whose first argument has any of these bits."""
        refuse = (RETURN, REFUSE | errno.EPERM, 0, 0)
        self._for(numbers, [_load(0), (ANY_BIT, bits, 0, 1), refuse, (RETURN, ALLOW, 0, 0)])

    def need_bits(self, numbers: calls.Numbers, bits: int) -> None:
        """Refuse a call whose first argument has none of these bits."""
        refuse = (RETURN, REFUSE | errno.EPERM, 0, 0)
        self._for(numbers, [_load(0), (ANY_BIT, bits, 1, 0), refuse, (RETURN, ALLOW, 0, 0)])

    def only(self, numbers: calls.Numbers, values: Sequence[int]) -> None:
        """Refuse a call unless its first argument is one of these."""
        tests = [(EQUAL, value, left, 0) for left, value in zip(range(len(values), 0, -1), values, strict=True)]
        self._for(numbers, [_load(0), *tests, (RETURN, REFUSE | errno.EACCES, 0, 0), (RETURN, ALLOW, 0, 0)])

    def never(self, numbers: calls.Numbers, values: Sequence[int]) -> None:
        """Refuse a call whose second argument is one of these."""
        tests = [(EQUAL, value, left, 0) for left, value in zip(range(len(values), 0, -1), values, strict=True)]
        self._for(numbers, [_load(1), *tests, (RETURN, ALLOW, 0, 0), (RETURN, REFUSE | errno.EPERM, 0, 0)])

    def finish(self) -> bytes:
        """The filter as the kernel takes it: what was not refused is allowed."""
        self._add(RETURN, ALLOW)
        return b"".join(self.code)

    def _for(self, numbers: calls.Numbers, block: list[tuple[int, int, int, int]]) -> None:
        """Instructions for one call only; the others skip them with their number still loaded."""
        number = numbers[self.column]
        if number is None:
            return
        self._add(EQUAL, number, otherwise=len(block))
        for operation, value, then, otherwise in block:
            self._add(operation, value, then, otherwise)

    def _add(self, operation: int, value: int, then: int = 0, otherwise: int = 0) -> None:
        """One instruction; `then` and `otherwise` are how many instructions to skip."""
        self.code.append(struct.pack("<HBBI", operation, then, otherwise, value))


def _load(argument: int) -> tuple[int, int, int, int]:
    """Load the lower half of an argument: all calls here take 32 bits of it."""
    return (LOAD, ARGUMENTS + 8 * argument, 0, 0)


def program(machine: str, *, alone: bool = False) -> bytes:
    """The filter of a box: in namespaces of its own or, `alone`, without any, for the one process that installs it.

    Raises:
        OSError: the machine's system call numbers are not known here.
    """
    filter_ = Filter(machine)
    for numbers in calls.REFUSED.values():
        filter_.refuse(numbers)
    filter_.refuse(calls.CLONE3, errno.ENOSYS)  # its flags lie in memory, where no filter reads: it does not exist
    if not alone:
        filter_.refuse_bits(calls.CLONE, NEW_NAMESPACES)
        filter_.only(calls.SOCKET, FAMILIES)
        return filter_.finish()
    for numbers in calls.REFUSED_ALONE.values():
        filter_.refuse(numbers)
    filter_.need_bits(calls.CLONE, CLONE_THREAD)  # threads, no processes; a thread takes no new namespaces along
    for own in (calls.KILL, calls.TGKILL):
        filter_.only(own, [os.getpid()])
    filter_.only(calls.PRLIMIT, [0, os.getpid()])
    filter_.never(calls.FCNTL, OWNERS)
    filter_.never(calls.IOCTL, OWNER_CONTROLS)
    return filter_.finish()


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def install(*, alone: bool = False) -> None:
    """Filter this process and all it starts, for good. Needs `no_new_privs`.

    Raises:
        OSError: the kernel or the architecture has no such filter.
    """
    raw = program(platform.machine(), alone=alone)
    buffer = ctypes.create_string_buffer(raw)
    filter_ = _Program(len(raw) // 8, ctypes.cast(buffer, ctypes.c_void_p))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(filter_), 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"seccomp: {errno.errorcode.get(number, number)}")
