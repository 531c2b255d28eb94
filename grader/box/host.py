"""The trusted side of a box: asks it, and believes nothing but plain data that arrives in time."""

from __future__ import annotations

import builtins
import contextlib
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from . import wire
from .codec import Decoder, Encoder, Reference
from .limits import MIB, Limits
from .remote import Kind, NotPlainData, Remote, handle
from .supervisor import MEMORY

NESTED = 10  # a test's function called by student code may call student code, and so on
SHOWN = ("text/plain", "image/png", "image/jpeg", "text/latex")  # nothing that a browser would run
PICTURE = 2_000_000  # characters of one output


class BoxError(Exception):
    """The box is gone, or broke the rules; the message says how, for the student and the instructor."""


class StudentError(Exception):
    """An exception of the student's whose type does not exist here."""


class Box:
    """One submission's sandbox. After the first broken rule it is closed, and every further request says why."""

    def __init__(self, channel: socket.socket, limits: Limits, after: Callable[[], None] = lambda: None) -> None:
        self.channel, self.limits, self._after = channel, limits, after
        self.broken: str | None = None
        self.seconds_left = limits.total_seconds
        self.callbacks: dict[int, Callable[..., Any]] = {}
        self.depth = self.called_back = 0
        self.call_seconds, self.interrupted = limits.call_seconds, 0

    def close(self) -> None:
        """Hang up, which ends whatever still runs inside."""
        self.channel.close()
        self._after()

    def __enter__(self) -> Box:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # ---- requests ----------------------------------------------------------------------------------------------

    def run(self, source: str) -> list[dict[str, Any]]:
        """Run a cell of the student's; its outputs, made harmless.

        Raises:
            BoxError: the box is gone.
        """
        with self._rules():
            head, _ = self._ask({"do": "run", "source": source}, [], self.limits.cell_seconds)
            if "error" in head:  # the time was over outside the cell's own code
                return [_error_output(head)]
            outputs = head["outputs"]
            if not isinstance(outputs, list):
                raise wire.Malformed("outputs that are no list")
            return [safe for output in outputs[: self.limits.outputs] if (safe := _harmless(output))]

    def request(self, do: str, *args: Any, kwargs: dict[str, Any] | None = None, answers: Kind = Kind.OPAQUE) -> Any:
        """Ask for a name, a call, an attribute. What is not plain data in the answer is a handle of kind `answers`.

        Raises:
            BoxError: the box is gone.
            Exception: what the student's code raised, of the same type if that is a builtin one; its attribute
                `student_tb` is the traceback inside the box.
        """
        kwargs = kwargs or {}
        encoder = Encoder(self._refer)
        head: wire.Head = {
            "do": do,
            "args": [encoder.encode(value) for value in args],
            "kwargs": {name: encoder.encode(value) for name, value in kwargs.items()},
        }
        with self._rules():
            reply, buffers = self._ask(head, encoder.buffers, self.call_seconds)
            failure = _exception(reply) if "error" in reply else None
            if failure is None:
                decoder = Decoder(buffers, lambda reference: self._handle(reference, answers))
                value = decoder.decode(reply["value"])
                given = (*args, *kwargs.values())
                for position, new in ((p, decoder.decode(v)) for p, v in reply["changed"]):
                    _write_back(given[position], new)
        if isinstance(failure, TimeoutError):
            self.interrupted += 1
            self.call_seconds = min(self.call_seconds, self.limits.hurried_seconds)
        if failure is not None:
            raise failure
        return value

    def _ask(self, head: wire.Head, buffers: Sequence[bytes], seconds: float) -> tuple[wire.Head, list[bytearray]]:
        start = time.monotonic()
        head = {**head, "seconds": seconds}
        deadline = start + min(seconds + self.limits.grace_seconds, self.seconds_left)
        self.depth += 1
        try:
            if self.depth > NESTED:
                raise wire.Malformed("calls nested too deeply")
            wire.send(self.channel, head, buffers, deadline=deadline)
            while True:
                reply = wire.receive(self.channel, limit=self.limits.message_bytes, deadline=deadline)
                if reply[0].get("fatal") == MEMORY:
                    raise MemoryError
                if "callback" not in reply[0]:
                    return reply
                self._call_back(*reply, deadline)
        finally:
            self.depth -= 1
            if self.depth == 0:
                self.called_back = 0
                self.callbacks.clear()
                self.seconds_left -= time.monotonic() - start

    # ---- a test's own function, called by student code ---------------------------------------------------------

    def _call_back(self, head: wire.Head, buffers: list[bytearray], deadline: float) -> None:
        self.called_back += 1
        if self.called_back > self.limits.callbacks:
            raise wire.Malformed(f"more than {self.limits.callbacks} calls of the test's function")
        decoder = Decoder(buffers, _no_object)
        args = [decoder.decode(value) for value in head["args"]]
        kwargs = {str(name): decoder.decode(value) for name, value in head["kwargs"].items()}
        function = self.callbacks.get(head["callback"])
        encoder = Encoder(_no_object)
        if function is None:
            answer: wire.Head = {"error": "this function can be called only while the test waits"}
        else:
            try:
                answer = {"value": encoder.encode(function(*args, **kwargs))}
            except (BoxError, wire.Closed, wire.Malformed, TimeoutError):
                raise
            except Exception as error:  # the student's arguments did not suit it; say no more than that
                answer, encoder.buffers = {"error": f"the test's function raised {type(error).__name__}"}, []
        wire.send(self.channel, answer, encoder.buffers, deadline=deadline)

    def _refer(self, value: Any) -> Reference:
        if isinstance(value, Remote):
            return {"id": object.__getattribute__(value, "_number")}
        if callable(value) and not isinstance(value, type):
            number = len(self.callbacks)
            self.callbacks[number] = value
            return {"callback": number}
        raise TypeError(
            f"a test may pass plain data, functions or student objects to student code, not {type(value).__name__}"
        )

    def _handle(self, reference: Reference, kind: Kind) -> Remote:
        number, type_name = reference["id"], reference["type"]
        if type(number) is not int or not isinstance(type_name, str):
            raise wire.Malformed("a handle of the wrong form")
        if kind is Kind.FUNCTION and reference["callable"] is not True:
            kind = Kind.OPAQUE
        return handle(self, number, type_name, kind)

    # ---- the rules ---------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _rules(self) -> Iterator[None]:
        """Whatever is not an answer in time closes the box for good, with a reason in words."""
        if self.broken is not None:
            raise BoxError(self.broken)
        try:
            yield
            return
        except TimeoutError:
            why = "the code ran past its time limit and did not stop when interrupted"
            if self.seconds_left <= 0:
                why = f"the code used up the {self.limits.total_seconds:g} s that a submission has"
        except MemoryError:
            why = (
                f"the code took more than the {self.limits.total_memory / MIB:,.0f} MiB of memory that a submission has"
            )
        except wire.Closed:
            why = "the code ended its own process (an exit, a crash, or too much memory)"
        except wire.Malformed as error:
            why = f"the process sent a malformed answer: {error}"
        except BoxError:  # of a request within this one
            raise
        except Exception as error:  # whatever else a reply can break here is the reply's fault
            why = f"the process sent a malformed answer: {type(error).__name__}"
        self.broken = why
        self.close()
        raise BoxError(why)


def _no_object(_: Any) -> Any:
    raise NotPlainData("only plain data may pass here")


def _write_back(target: Any, new: Any) -> None:
    """A change that student code made in place reaches the test's own array, list or dict."""
    if type(target) is not type(new):
        raise wire.Malformed("an argument that changed its type")
    if type(target) is np.ndarray:
        if target.shape != new.shape or target.dtype != new.dtype or not target.flags.writeable:
            raise wire.Malformed("an array that changed its shape")
        target[...] = new
    elif type(target) is list:
        target[:] = new
    elif type(target) is dict:
        target.clear()
        target.update(new)


def _exception(reply: wire.Head) -> Exception:
    """The student's exception, rebuilt from its name: builtin types only."""
    name, message = str(reply["error"])[:200], str(reply.get("message", ""))[:2000]
    kind = getattr(builtins, name, None)
    if not (isinstance(kind, type) and issubclass(kind, Exception)):
        kind, message = StudentError, f"{name}: {message}"
    try:
        error: Exception = kind(message)
    except Exception:
        error = StudentError(f"{name}: {message}")
    error.student_tb = str(reply.get("traceback", ""))[:4000]  # type: ignore[attr-defined]
    return error


def _error_output(reply: wire.Head) -> dict[str, Any]:
    name, message = str(reply["error"])[:200], str(reply.get("message", ""))[:2000]
    return {"output_type": "error", "ename": name, "evalue": message, "traceback": [f"{name}: {message}"]}


def _harmless(output: Any) -> dict[str, Any] | None:
    """An output rebuilt from known fields only: active content (HTML, SVG, JavaScript) reaches nobody's browser."""
    if not isinstance(output, dict):
        return None
    kind = output.get("output_type")
    if kind == "stream":
        name = "stderr" if output.get("name") == "stderr" else "stdout"
        return {"output_type": kind, "name": name, "text": str(output.get("text", ""))[:PICTURE]}
    if kind == "error":
        lines = output.get("traceback")
        return {
            "output_type": kind,
            "ename": str(output.get("ename"))[:200],
            "evalue": str(output.get("evalue"))[:2000],
            "traceback": [str(line)[:2000] for line in lines[:40]] if isinstance(lines, list) else [],
        }
    data = output.get("data")
    if kind in ("display_data", "execute_result") and isinstance(data, dict):
        kept = {mime: str(data[mime])[:PICTURE] for mime in SHOWN if mime in data}
        if kept:
            extra = {"execution_count": None} if kind == "execute_result" else {}
            return {"output_type": kind, "data": kept, "metadata": {}, **extra}
    return None
