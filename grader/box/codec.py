"""Plain data across the wall, by value: numbers, strings, lists, tuples, dicts, plain arrays. All else by handle.

`encode` turns a value into JSON (arrays go into `buffers`); `decode` builds exactly the plain types named here, never
a subclass, never an object, never code. What is not plain is given to the caller's `handle`, which returns a
reference that the other side can only hand back.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from .wire import Malformed

DEPTH = 20
NODES = 100_000
TEXT = 1_000_000
DIGITS = 300  # hexadecimal digits of one integer
NUMERIC = "biufc"
PLAIN = NUMERIC + "US"  # array kinds that hold their values: never object, void or dates
WRITTEN = re.compile(rf"[<>|][{PLAIN}][0-9]{{1,9}}")  # a dtype as `dtype.str` writes it

Encoded = dict[str, Any]
Reference = dict[str, Any]


class TooDeep(Exception):
    """An answer that is nested without end. No builtin error: a test may ask for one of those, and give points."""


class Encoder:
    """Encodes the values of one message; `buffers` fills as it goes.

    Args:
        handle: called with a value that is not plain data; returns its reference or raises.
    """

    def __init__(self, handle: Callable[[Any], Reference]) -> None:
        self.buffers: list[bytes] = []
        self.handle = handle

    def encode(self, value: Any, depth: int = 0) -> Encoded:
        if depth > DEPTH:
            raise TooDeep(f"data nested deeper than {DEPTH} levels cannot leave the box")
        kind = type(value)  # the exact type: a subclass may lie about what it holds
        if value is None or kind is bool or kind is str:
            return {"value": value}
        if kind is int:
            return {"int": hex(value)}
        if kind is float:
            return {"float": value.hex()}
        if kind is complex:
            return {"complex": [value.real.hex(), value.imag.hex()]}
        if value is Ellipsis:
            return {"ellipsis": 1}
        if kind is slice:
            return {"slice": [self.encode(v, depth + 1) for v in (value.start, value.stop, value.step)]}
        if kind is list or kind is tuple:
            return {kind.__name__: [self.encode(item, depth + 1) for item in value]}
        if kind is dict:
            return {"dict": [[self.encode(k, depth + 1), self.encode(v, depth + 1)] for k, v in value.items()]}
        if kind is np.ndarray and value.dtype.kind in PLAIN:
            self.buffers.append(value.tobytes())
            return {"array": [value.dtype.str, list(value.shape)]}
        if isinstance(value, np.generic) and kind.__module__ == "numpy" and value.dtype.kind in NUMERIC:
            self.buffers.append(value.tobytes())
            return {"scalar": value.dtype.str}
        if isinstance(value, np.dtype) and value.kind in PLAIN:
            return {"dtype": value.str}
        if kind is type and issubclass(value, np.generic) and value.__module__ == "numpy":
            return {"scalar_type": np.dtype(value).str}
        return {"handle": self.handle(value)}


class Decoder:
    """Decodes the values of one message.

    Args:
        buffers: the message's buffers, in order.
        resolve: called with a reference; returns what stands for it on this side or raises.
    """

    def __init__(self, buffers: list[bytearray], resolve: Callable[[Reference], Any]) -> None:
        self.buffers = iter(buffers)
        self.resolve = resolve
        self.nodes = 0

    def decode(self, encoded: Any) -> Any:
        """Rebuild a value.

        Raises:
            Malformed: anything that `Encoder` does not write.
        """
        try:
            return self._decode(encoded, 0)
        except Malformed:
            raise
        except (ValueError, TypeError, KeyError, IndexError, OverflowError, StopIteration) as error:
            raise Malformed(f"not encoded data ({type(error).__name__})") from None

    def _decode(self, encoded: Any, depth: int) -> Any:
        self.nodes += 1
        if depth > DEPTH or self.nodes > NODES:
            raise Malformed("data nested too deeply or of too many parts")
        ((tag, body),) = encoded.items() if type(encoded) is dict else ((None, None),)
        match tag, body:
            case "value", None | bool() | str():
                if isinstance(body, str) and len(body) > TEXT:
                    raise Malformed("a string that is too long")
                return body
            case "int", str() if len(body) < DIGITS:
                return int(body, 16)
            case "float", str():
                return float.fromhex(body)
            case "complex", [str() as real, str() as imaginary]:
                return complex(float.fromhex(real), float.fromhex(imaginary))
            case "ellipsis", 1:
                return Ellipsis
            case "slice", [start, stop, step]:
                return slice(*(self._decode(part, depth + 1) for part in (start, stop, step)))
            case "list", list():
                return [self._decode(item, depth + 1) for item in body]
            case "tuple", list():
                return tuple(self._decode(item, depth + 1) for item in body)
            case "dict", list():
                pairs = [(self._decode(k, depth + 1), self._decode(v, depth + 1)) for k, v in body]
                return dict(pairs)
            case "array", [str() as name, list() as shape]:
                return self._array(_dtype(name, PLAIN), shape)
            case "scalar", str():
                return self._array(_dtype(body, NUMERIC), [])[()]
            case "dtype", str():
                return _dtype(body, PLAIN)
            case "scalar_type", str():
                return _dtype(body, PLAIN).type
            case "handle", dict():
                return self.resolve(body)
        raise Malformed("not encoded data")

    def _array(self, dtype: np.dtype[Any], shape: list[Any]) -> np.ndarray[Any, Any]:
        buffer = next(self.buffers, None)
        if buffer is None:
            raise Malformed("an array without its buffer")
        if len(shape) > 32 or not all(type(n) is int and n >= 0 for n in shape):
            raise Malformed("an array of impossible shape")
        if prod(shape) * dtype.itemsize != len(buffer):
            raise Malformed("an array whose buffer does not fit its shape")
        # the bytearray is ours alone, so the array may own it: no copy, and writable
        return np.ndarray(tuple(shape), dtype, buffer if len(buffer) else None)


def _dtype(name: str, kinds: str) -> np.dtype[Any]:
    if not WRITTEN.fullmatch(name):  # NumPy knows many more names, some of them with a warning
        raise Malformed("a dtype that is no plain number or text")
    dtype = np.dtype(name)
    if dtype.kind not in kinds:
        raise Malformed("a dtype that is no plain number or text")
    return dtype
