"""One of several values that a function returns, judged by itself; and whether two of them have changed places."""

import ast
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from inspect import getsource
from textwrap import dedent
from types import FunctionType
from typing import Any

from .cases import Case
from .compare import compare
from .elements import Difference, Output
from .wording import plural, say

__all__ = ["Parts", "asks_for_return", "lacks_return", "select"]


def select(
    only: str, got: Any, expected: Any, named: Sequence[Output], exercise: str
) -> tuple[Any, Any, Difference | None]:
    """The value of one name, of the student's and of the right answer.

    Args:
        only: the name.
        got: all that the student's function returned.
        expected: all that the reference returned.
        named: the names of what is returned, in order.
        exercise: the function's name.

    Returns:
        got and expected of that name, and what is wrong with the form of `got` as a whole.
    """
    names = [output.name for output in named]
    if only not in names or type(expected) is not tuple or len(expected) != len(names):
        raise TypeError(f"{exercise} returns {say(expected)}, called {', '.join(names) or 'nothing'}; only={only!r}")
    i, fault = names.index(only), None
    if type(got) is not tuple or len(got) != len(names):
        form = plural(len(got), "value") if type(got) is tuple else say(got)
        fault = Difference("type", f"{exercise} should return a tuple ({', '.join(names)}); yours is {form}")
    return (got if fault else got[i]), expected[i], fault


@dataclass(frozen=True)
class _Part:
    name: str
    call: tuple[Any, ...]  # the arguments, the same objects for all parts of one answer
    got: Any
    expected: Any
    case: Case


class Parts:
    """Cases that judge one part each of the same answer: the part's name and the other arguments tell which."""

    def __init__(self) -> None:
        self._wrong: list[_Part] = []

    def add(self, args: Sequence[Any], kwargs: Mapping[str, Any], got: Any, expected: Any, case: Case) -> None:
        """Remember a wrong part, named by the first argument; in both cases say so if it is another's, and that its."""
        if not args or type(name := args[0]) is not str:
            return
        part = _Part(name, (*args[1:], *kwargs, *kwargs.values()), got, expected, case)
        for other in self._wrong:
            same = len(part.call) == len(other.call) and all(map(_is, part.call, other.call))
            if same and other.name != name and _fits(got, other.expected) and _fits(other.got, expected):
                for one in (case, other.case):
                    one.lines.insert(0, f"{other.name} and {name} are exchanged")
        self._wrong.append(part)


def _is(one: Any, other: Any) -> bool:
    return one is other


def _fits(got: Any, expected: Any) -> bool:
    return compare(got, expected) is None


def asks_for_return(difference: Difference) -> Difference:
    """The same, of a function that never returns a value."""
    return replace(difference, message=difference.message.replace("None", "None (is there a `return`?)", 1))


def lacks_return(function: Any, exercise: str, cell: str) -> bool:
    """Whether a function, or the exercise's that it calls, has no `return` of a value, as far as known."""
    if type(function) is not FunctionType:
        return False
    if function.__code__.co_filename == cell:  # the check's own, which calls the student's
        function = function.__globals__.get(exercise, function)
    try:
        (tree,) = ast.parse(dedent(getsource(function))).body
    except (OSError, TypeError, ValueError, SyntaxError):  # no source, or a lambda within a line
        return False
    return isinstance(tree, ast.FunctionDef) and not _returns(tree.body)


def _returns(nodes: Iterable[ast.AST]) -> bool:
    inner = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda
    return any(
        (isinstance(node, ast.Return) and node.value is not None)
        or (not isinstance(node, inner) and _returns(ast.iter_child_nodes(node)))
        for node in nodes
    )
