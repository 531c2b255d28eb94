"""What one submission may use. One place for every number, with defaults that suit a course notebook."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

MIB = 1 << 20


@dataclass(frozen=True)
class Limits:
    """The bounds of a box. An assignment changes them in its notebook's metadata, `convnet_course.limits`."""

    call_seconds: float = 10.0  # one call of a student's function, before it is interrupted
    hurried_seconds: float = 0.5  # each later call, once one was interrupted: one endless loop is enough to wait for
    cell_seconds: float = 30.0  # one cell of the student's
    total_seconds: float = 120.0  # everything the student's code does, cells and calls together
    grace_seconds: float = 1.0  # after an interruption that was ignored, before the box is killed
    cpu_seconds: int = 180  # processor time of one process
    memory: int = 4096 * MIB  # address space of one process
    total_memory: int = 2048 * MIB  # what all processes of one box have resident, together
    processes: int = 64  # processes and threads of one box
    files: int = 256  # open files of one process
    file_bytes: int = 64 * MIB  # one written file; also each of the box's scratch folders
    output_bytes: int = 200_000  # text that one cell may print
    outputs: int = 200  # outputs of one cell
    message_bytes: int = 256 * MIB  # one message from the box: header and arrays
    callbacks: int = 100_000  # calls of a test's own function by student code, in one request

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Limits:
        """Limits with some numbers changed.

        Raises:
            ValueError: a name that is no limit, or a value that is not a positive number.

        >>> Limits.from_dict({"cell_seconds": 5}).cell_seconds
        5
        """
        known = {field.name for field in fields(cls)}
        for name, value in values.items():
            if name not in known:
                raise ValueError(f"there is no limit {name!r}; the limits are {', '.join(sorted(known))}")
            if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
                raise ValueError(f"the limit {name} must be a positive number, not {value!r}")
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)
