"""Answers the trusted process from inside the box: run a cell, fetch a name, call a function.

Everything here is in the student's hands once their code has run: they may replace any of it. The trusted side
therefore takes nothing on trust that comes from here but plain data, and its own clock ends what does not answer.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from . import wire
from .cells import Cells, OutOfTime, Outputs, captured, describe
from .codec import Decoder, Encoder, Reference
from .limits import Limits

Reply = tuple[wire.Head, list[bytes]]


class Session:
    """One submission's conversation with the trusted process."""

    def __init__(self, channel: socket.socket, cells: Cells, limits: Limits) -> None:
        self.channel, self.cells, self.limits = channel, cells, limits
        self.objects: dict[int, Any] = {}  # what the other side holds by handle
        self.talking = threading.RLock()

    def serve(self) -> None:
        """Answer until the other side hangs up."""
        while True:
            try:
                head, buffers = wire.receive(self.channel, limit=self.limits.message_bytes)
            except (wire.Closed, wire.Malformed):
                os._exit(0)
            self._answer(head, buffers)

    def _answer(self, head: wire.Head, buffers: list[bytearray]) -> None:
        seconds = head["seconds"]
        nested = signal.getitimer(signal.ITIMER_REAL)[0] > 0  # the outermost request's clock runs for all
        if not nested:
            signal.signal(signal.SIGALRM, _Alarm(seconds))
            signal.setitimer(signal.ITIMER_REAL, seconds)
        outputs = Outputs(self.limits.output_bytes, self.limits.outputs)
        try:
            if head["do"] == "run":
                self.cells.run(head["source"], outputs)
                reply: Reply = ({"outputs": outputs}, [])
            else:
                with captured(outputs):
                    reply = self._evaluate(head, buffers)
        except BaseException as error:
            reply = (_failure(error), [])
        finally:
            if not nested:
                signal.setitimer(signal.ITIMER_REAL, 0)
        wire.send(self.channel, *reply)

    # ---- values ------------------------------------------------------------------------------------------------

    def _evaluate(self, head: wire.Head, buffers: list[bytearray]) -> Reply:
        decoder = Decoder(buffers, self._resolve)
        args = [decoder.decode(value) for value in head["args"]]
        kwargs = {name: decoder.decode(value) for name, value in head["kwargs"].items()}
        before = [_snapshot(value) for value in (*args, *kwargs.values())]
        result = _perform(head["do"], self.cells, args, kwargs)
        encoder = Encoder(self._handle)
        value = encoder.encode(result)
        changed = [  # arguments that the student's code changed in place travel back
            [position, encoder.encode(after)]
            for position, (after, snapshot) in enumerate(zip((*args, *kwargs.values()), before, strict=True))
            if snapshot is not None and _snapshot(after) != snapshot
        ]
        return {"value": value, "changed": changed}, encoder.buffers

    def _handle(self, value: Any) -> Reference:
        self.objects[len(self.objects)] = value
        kind = type(value).__name__
        if type(value) is np.ndarray:  # one of objects: its bare name would sound like an answer
            kind = f"array_of_{value.dtype.name}"
        return {"id": len(self.objects) - 1, "type": kind, "callable": callable(value)}

    def _resolve(self, reference: Reference) -> Any:
        if "callback" in reference:
            return self._callback(reference["callback"])
        return self.objects[reference["id"]]

    # ---- calling back ------------------------------------------------------------------------------------------

    def _callback(self, number: int) -> Callable[..., Any]:
        """A function of the test's own, as the student's code sees it."""

        def function(*args: Any, **kwargs: Any) -> Any:
            encoder = Encoder(_only_plain)
            head = {
                "callback": number,
                "args": [encoder.encode(value) for value in args],
                "kwargs": {name: encoder.encode(value) for name, value in kwargs.items()},
            }
            with self.talking:
                wire.send(self.channel, head, encoder.buffers)
                while True:
                    head, buffers = wire.receive(self.channel, limit=self.limits.message_bytes)
                    if "do" not in head:
                        break
                    self._answer(head, buffers)  # the test's function itself calls student code
            if "error" in head:
                raise RuntimeError(head["error"])
            return Decoder(buffers, self._resolve).decode(head["value"])

        return function


def _perform(do: str, cells: Cells, args: list[Any], kwargs: dict[str, Any]) -> Any:
    match do, args:
        case "get", [name]:
            return cells.names[name]
        case "faults", [sources]:
            return [cells.fault(source) for source in sources]
        case "call", [function, *rest]:
            return function(*rest, **kwargs)
        case "getattr", [target, name]:
            return getattr(target, name)
        case "setattr", [target, name, value]:
            return setattr(target, name, value)
        case "getitem", [target, key]:
            return target[key]
        case "setitem", [target, key, value]:
            target[key] = value
            return None
        case "len", [target]:
            return len(target)
        case "isinstance", [target, kind]:
            return isinstance(target, kind)
    raise ValueError(f"no request {do!r} with {len(args)} arguments")


class _Alarm:
    """What the clock does: interrupt the student's code."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def __call__(self, *_: Any) -> None:
        raise OutOfTime(f"did not finish within {self.seconds:g} s")


def _snapshot(value: Any) -> Any:
    """What tells whether an argument was changed in place; None for what cannot be."""
    if type(value) is np.ndarray:
        return value.tobytes()
    if type(value) in (list, dict):
        encoder = Encoder(lambda item: {"id": id(item)})
        return encoder.encode(value), encoder.buffers
    return None


def _only_plain(value: Any) -> Reference:
    raise TypeError(f"the test's function takes plain data, not an object of type {type(value).__name__}")


def _failure(error: BaseException) -> wire.Head:
    described = describe(error)
    return {
        "error": described["ename"],
        "message": described["evalue"],
        "traceback": "\n".join(described["traceback"])[-4000:],
    }
