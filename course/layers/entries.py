"""What the parts of a model own, under one name each."""

from collections.abc import Mapping, MutableMapping
from typing import Any

__all__ = ["Entries"]


class Entries(dict[str, Any]):
    """The entries of several dicts, each under the name of its part, a dot and its own name: "0.w".

    It reads like any dict. What is assigned reaches the part that owns the entry, and nothing new can be assigned.

    >>> parts = {"0": {"w": 1.0, "b": 2.0}, "2": {"w": 3.0}}
    >>> entries = Entries(parts)
    >>> entries["0.b"] = 5.0
    >>> entries, parts["0"]
    ({'0.w': 1.0, '0.b': 5.0, '2.w': 3.0}, {'w': 1.0, 'b': 5.0})
    >>> entries["1.w"] = 5.0
    Traceback (most recent call last):
    ValueError: name is '1.w'; one of 0.w, 0.b, 2.w would fit
    """

    def __init__(self, parts: Mapping[str, dict[str, Any]]) -> None:
        super().__init__({f"{part}.{key}": value for part, own in parts.items() for key, value in own.items()})
        self._parts = parts

    def __setitem__(self, name: str, value: Any) -> None:
        if name not in self:
            fits = f"one of {', '.join(self)} would fit" if self else "before build or backward there is none to assign"
            raise ValueError(f"name is {name!r}; {fits}")
        part, _, key = name.partition(".")
        self._parts[part][key] = value
        super().__setitem__(name, value)

    update = MutableMapping.update  # a dict's own passes __setitem__ by

    def __reduce__(self) -> tuple[Any, ...]:
        return dict, (dict(self),)  # a copy, or what another process gets, has no parts to reach
