"""Landlock: a process forbids itself all files but those beneath a list of paths, for good and for all it starts.

Needs no privilege and no namespace (Linux, Documentation/userspace-api/landlock.rst). It forbids opening, listing and
changing; asking whether a file exists, how large it is and whose it is stays possible.
"""

from __future__ import annotations

import ctypes
import os
import stat
from collections.abc import Iterable

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446  # the same numbers on all architectures
VERSION, PATH_BENEATH = 1, 1
NEEDED = 3  # from this version of Landlock on (Linux 6.2), truncating is handled too

EXECUTE, READ_FILE, READ_DIR = 1 << 0, 1 << 2, 1 << 3
WRITE_FILE, TRUNCATE = 1 << 1, 1 << 14
EVERYTHING = {3: (1 << 15) - 1, 5: (1 << 16) - 1}  # by version: all rights to files that the kernel can handle
SCOPES = {6: 0b11}  # no signals to processes outside, no abstract sockets of theirs

READING = EXECUTE | READ_FILE | READ_DIR
OF_FILES = EXECUTE | READ_FILE | WRITE_FILE | TRUNCATE
DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random")

_libc = ctypes.CDLL(None, use_errno=True)


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (("rights", ctypes.c_uint64), ("parent", ctypes.c_int32))


def version() -> int:
    """The kernel's version of Landlock; 0 where it has none."""
    return max(0, int(_libc.syscall(CREATE_RULESET, None, ctypes.c_size_t(0), VERSION)))


def restrict(readable: Iterable[str], listable: Iterable[str] = ()) -> None:
    """Forbid this process all files but those beneath `readable`; folders beneath `listable` may be listed.

    Needs `no_new_privs`. A path that does not exist is left out.

    Raises:
        OSError: the kernel's Landlock is too old, or refuses.
    """
    found = version()
    if found < NEEDED:
        raise OSError(f"this kernel's Landlock has version {found}, and {NEEDED} is needed (Linux 6.2)")
    ruleset = _Ruleset(_newest(EVERYTHING, found), 0, _newest(SCOPES, found))
    rules = _check("landlock_create_ruleset", CREATE_RULESET, ctypes.byref(ruleset), _size(found), 0)
    try:
        for rights, paths in (
            (READING, readable),
            (READ_DIR, listable),
            (READ_FILE | WRITE_FILE, DEVICES),
        ):
            for path in paths:
                _allow(rules, path, rights)
        _check("landlock_restrict_self", RESTRICT_SELF, rules, 0)
    finally:
        os.close(rules)


def _allow(rules: int, path: str, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        if not stat.S_ISDIR(os.fstat(place).st_mode):
            rights &= OF_FILES
        _check("landlock_add_rule", ADD_RULE, rules, PATH_BENEATH, ctypes.byref(_Beneath(rights, place)), 0)
    finally:
        os.close(place)


def _newest(table: dict[int, int], found: int) -> int:
    return max((value for since, value in table.items() if since <= found), default=0)


def _size(found: int) -> ctypes.c_size_t:
    """How much of the structure this version knows."""
    return ctypes.c_size_t(8 if found < 4 else 16 if found < 6 else 24)


def _check(name: str, *arguments: object) -> int:
    result = _libc.syscall(*arguments)
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
    return int(result)
