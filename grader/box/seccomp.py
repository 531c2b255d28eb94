"""The system calls that a box refuses, as a seccomp filter: what reaches outside the namespaces or builds new ones.

A filter is a program of four-field instructions that the kernel runs before each system call
(Linux, Documentation/userspace-api/seccomp_filter.rst). Ours refuses with EPERM, except for another architecture's
calls, which kill the process: their numbers would mean something else.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import struct

# name: number on x86_64, number on aarch64
REFUSED = {
    "ptrace": (101, 117),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "unshare": (272, 97),
    "setns": (308, 268),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "keyctl": (250, 219),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "pidfd_getfd": (438, 438),
    "kexec_load": (246, 104),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "reboot": (169, 142),
    "acct": (163, 89),
    "memfd_create": (319, 279),  # memory that no process shows as its own
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "quotactl": (179, 60),
    "personality": (135, 92),
}
CLONE3 = (435, 435)  # its flags lie in memory, which a filter cannot read: pretend that it does not exist
CLONE = (56, 220)
SOCKET = (41, 198)
NEW_NAMESPACES = 0x7E020000  # CLONE_NEW{NS,CGROUP,UTS,IPC,USER,PID,NET}
FAMILIES = (
    1,
    2,
    10,
)  # AF_UNIX, AF_INET, AF_INET6: the others (vsock, netlink) reach past a network namespace
ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}  # column above, AUDIT_ARCH_*
X32 = 0x40000000  # the x32 calls of x86_64, a second set of numbers

ALLOW, KILL, REFUSE = 0x7FFF0000, 0x80000000, 0x00050000  # SECCOMP_RET_*
LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
NUMBER, ARCHITECTURE, FIRST_ARGUMENT = 0, 4, 16  # offsets in struct seccomp_data

PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2


def program(machine: str) -> bytes:
    """The filter for a machine as the kernel takes it.

    Raises:
        OSError: the machine's system call numbers are not known here.
    """
    if machine not in ARCHITECTURES:
        raise OSError(errno.ENOSYS, f"no system call filter for the architecture {machine}")
    column, audit = ARCHITECTURES[machine]
    code: list[bytes] = []

    def add(operation: int, value: int, then: int = 0, otherwise: int = 0) -> None:
        """One instruction; `then` and `otherwise` are how many instructions to skip."""
        code.append(struct.pack("<HBBI", operation, then, otherwise, value))

    add(LOAD, ARCHITECTURE)
    add(EQUAL, audit, then=1)
    add(RETURN, KILL)
    add(LOAD, NUMBER)
    if machine == "x86_64":
        add(AT_LEAST, X32, otherwise=1)
        add(RETURN, KILL)
    for numbers in REFUSED.values():
        add(EQUAL, numbers[column], otherwise=1)
        add(RETURN, REFUSE | errno.EPERM)
    add(EQUAL, CLONE3[column], otherwise=1)
    add(RETURN, REFUSE | errno.ENOSYS)
    add(EQUAL, CLONE[column], otherwise=4)
    add(LOAD, FIRST_ARGUMENT)
    add(ANY_BIT, NEW_NAMESPACES, otherwise=1)
    add(RETURN, REFUSE | errno.EPERM)
    add(RETURN, ALLOW)
    add(EQUAL, SOCKET[column], otherwise=len(FAMILIES) + 2)
    add(LOAD, FIRST_ARGUMENT)
    for left, family in zip(range(len(FAMILIES), 0, -1), FAMILIES, strict=True):
        add(EQUAL, family, then=left)
    add(RETURN, REFUSE | errno.EACCES)
    add(RETURN, ALLOW)
    return b"".join(code)


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def install() -> None:
    """Filter this process and all it starts, for good. Needs `no_new_privs`.

    Raises:
        OSError: the kernel or the architecture has no such filter.
    """
    raw = program(platform.machine())
    buffer = ctypes.create_string_buffer(raw)
    filter_ = _Program(len(raw) // 8, ctypes.cast(buffer, ctypes.c_void_p))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(filter_), 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"seccomp: {errno.errorcode.get(number, number)}")
