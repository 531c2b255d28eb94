"""What a test cell sees of the student's names: handles, and nothing else that is not plain data.

A handle can be called (a function), used as a class to build objects (only names that the instructor's notebook
defines as classes), have its attributes read (such an object), or merely be handed back to student code (everything
else). It never pretends to be a number: comparing it, converting it to an array or asking for its truth is an error.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING, Any, NoReturn

from ..trusted import without_magics

if TYPE_CHECKING:
    from .host import Box


class Kind(Enum):
    """What a handle may be used for."""

    FUNCTION = "call it; its answers are plain data"
    CLASS = "build objects"
    OBJECT = "read and set attributes, call methods, index"
    OPAQUE = "hand it back"


class NotPlainData(TypeError):
    """Student code answered with an object where numbers, lists or arrays are asked for."""


class Remote:
    """A handle on an object in the student's process."""

    __slots__ = ("_box", "_kind", "_number", "_type")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, box: Box, number: int, type_name: str, kind: Kind) -> None:
        for name, value in (("_box", box), ("_number", number), ("_type", type_name), ("_kind", kind)):
            object.__setattr__(self, name, value)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._kind is Kind.OBJECT or self._kind is Kind.OPAQUE:
            self._refuse()
        answers = Kind.OBJECT if self._kind is Kind.CLASS else Kind.OPAQUE
        return self._box.request("call", self, *args, kwargs=kwargs, answers=answers)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        self._need(Kind.OBJECT, Kind.CLASS)
        return self._box.request("getattr", self, name, answers=Kind.FUNCTION)

    def __setattr__(self, name: str, value: Any) -> None:
        self._need(Kind.OBJECT)
        self._box.request("setattr", self, name, value)

    def __getitem__(self, key: Any) -> Any:
        self._need(Kind.OBJECT)
        return self._box.request("getitem", self, key, answers=Kind.OPAQUE)

    def __setitem__(self, key: Any, value: Any) -> None:
        self._need(Kind.OBJECT)
        self._box.request("setitem", self, key, value)

    def __len__(self) -> int:
        self._need(Kind.OBJECT)
        return int(self._box.request("len", self))

    def __instancecheck__(self, instance: object) -> bool:
        return isinstance(instance, Remote) and self._box.request("isinstance", instance, self) is True

    def __repr__(self) -> str:
        return f"<the student's {self._type}>"

    def _need(self, *kinds: Kind) -> None:
        if self._kind not in kinds:
            self._refuse()

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise NotPlainData(f"expected plain data (numbers, lists, arrays), got an object of type {self._type}")

    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = _refuse
    __bool__ = __array__ = __iter__ = __float__ = __int__ = __index__ = __contains__ = _refuse


def handle(box: Box, number: int, type_name: str, kind: Kind) -> Remote:
    """A handle whose class is named like the student's, so that messages speak of their type and not of ours."""
    name = "".join(c for c in type_name if c.isidentifier() or c.isdigit())[:80] or "object"
    named: type[Remote] = type(name, (Remote,), {"__slots__": ()})
    return named(box, number, name, kind)


class Names(dict[str, Any]):
    """The globals of a test cell: trusted names first; those of the exercises come from the box, each time anew.

    A name that the student's cells did not leave there costs only what needs it: a blank counts as not filled in, a
    function or class fails when it is called.
    """

    def __init__(self, trusted: dict[str, Any], remote: Defined, box: Box) -> None:
        super().__init__(trusted)
        self.remote, self.box = remote, box

    def __missing__(self, name: str) -> Any:
        if name not in self.remote.names:
            raise KeyError(name)
        kind = Kind.CLASS if name in self.remote.classes else Kind.FUNCTION
        try:
            return self.box.request("get", name, answers=kind)
        except KeyError:
            return Ellipsis if name in self.remote.blanks else _missing(name)


def _missing(name: str) -> Callable[..., NoReturn]:
    """What stands for a function or class that is not there."""

    def fail(*_: Any, **__: Any) -> NoReturn:
        raise NameError(f"{name} is not defined: its cell is missing or ended with an error")

    return fail


class Defined:
    """The names that the instructor's solution cells define, and which of them are classes or assigned values."""

    def __init__(self, sources: list[str]) -> None:
        self.names: set[str] = set()
        self.classes: set[str] = set()
        self.blanks: set[str] = set()
        for source in sources:
            for statement in ast.parse(without_magics(source)).body:
                bound = bound_names(statement)
                self.names |= bound
                if isinstance(statement, ast.ClassDef):
                    self.classes.add(statement.name)
                elif isinstance(statement, ast.Assign | ast.AnnAssign):
                    self.blanks |= bound


def bound_names(statement: ast.stmt) -> set[str]:
    """The names that a statement binds in the scope in which it stands.

    >>> sorted(bound_names(ast.parse("a, (b, *c) = f(x)").body[0]))
    ['a', 'b', 'c']
    >>> bound_names(ast.parse("def g(y): z = y").body[0])
    {'g'}
    """
    match statement:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return {statement.name}
        case ast.Import() | ast.ImportFrom():
            return {(alias.asname or alias.name).partition(".")[0] for alias in statement.names}
    names: set[str] = set()
    pending: list[ast.AST] = [statement]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.stmt) and node is not statement:
            names |= bound_names(node)
            continue
        if not isinstance(node, ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
            pending.extend(ast.iter_child_nodes(node))
    return names
