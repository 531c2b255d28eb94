"""Messages between the trusted process and a box: a JSON header, then raw buffers. Never pickle.

    8 bytes   length of the header, little endian
    header    JSON: [head, [length of each buffer]]
    buffers   one after the other

Every length is checked before anything is read, and every read has one deadline for the whole message, so that a
peer that sends huge lengths, half a message or a byte a second costs no more than the time it was given.
"""

from __future__ import annotations

import json
import socket
import struct
import time
from collections.abc import Sequence
from typing import Any

HEADER_BYTES = 16 << 20
BUFFERS = 10_000
PREFIX = struct.Struct("<Q")

Head = dict[str, Any]


class Malformed(Exception):
    """The peer sent something that is no message."""


class Closed(Exception):
    """The peer is gone."""


def send(sock: socket.socket, head: Head, buffers: Sequence[bytes] = (), *, deadline: float | None = None) -> None:
    """Send one message.

    Raises:
        Closed: the peer is gone.
        TimeoutError: the deadline (of `time.monotonic`) passed first.
    """
    header = json.dumps([head, [len(buffer) for buffer in buffers]]).encode("utf-8")
    try:
        for part in (PREFIX.pack(len(header)) + header, *buffers):
            sock.settimeout(_left(deadline))
            sock.sendall(part)
    except TimeoutError:
        raise
    except OSError as error:
        raise Closed(str(error)) from None


def receive(sock: socket.socket, *, limit: int, deadline: float | None = None) -> tuple[Head, list[bytearray]]:
    """Receive one message of at most `limit` bytes.

    Raises:
        Closed: the peer is gone, perhaps in the middle of the message.
        Malformed: too large, or not of the form above.
        TimeoutError: the deadline (of `time.monotonic`) passed first.
    """
    (length,) = PREFIX.unpack(_exactly(sock, PREFIX.size, deadline))
    if length > min(HEADER_BYTES, limit):
        raise Malformed(f"a header of {length} bytes")
    try:
        header = json.loads(_exactly(sock, length, deadline).decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise Malformed(f"the header is not JSON ({type(error).__name__})") from None
    match header:
        case [dict() as head, list() as lengths] if all(type(n) is int and n >= 0 for n in lengths):
            if len(lengths) > BUFFERS or sum(lengths) > limit:
                raise Malformed(f"{len(lengths)} buffers of {sum(lengths)} bytes in all")
            return head, [_exactly(sock, n, deadline) for n in lengths]
    raise Malformed("the header is not [head, lengths]")


def _left(deadline: float | None) -> float | None:
    """Seconds until the deadline; a socket takes 0 for 'do not wait', so never quite 0."""
    return None if deadline is None else max(1e-3, deadline - time.monotonic())


def _exactly(sock: socket.socket, count: int, deadline: float | None) -> bytearray:
    data = bytearray(count)
    view, done = memoryview(data), 0
    while done < count:
        if deadline is not None and time.monotonic() >= deadline:
            raise TimeoutError
        sock.settimeout(_left(deadline))
        try:
            received = sock.recv_into(view[done:], min(count - done, 1 << 20))
        except TimeoutError:
            raise
        except OSError as error:
            raise Closed(str(error)) from None
        if received == 0:
            raise Closed("the other side closed the channel")
        done += received
    return data
