"""Runs an instructor's cell in this process: tests, hidden ones included, and nothing a student wrote.

A test cell sees a namespace whose unknown names may come from elsewhere (`box.remote.Names` fetches them from
the sandbox). What it prints, displays, returns or raises becomes ordinary notebook outputs.
"""

from __future__ import annotations

import ast
import contextlib
import io
import traceback
import warnings
from typing import Any

Output = dict[str, Any]
Bundle = dict[str, Any]

PRINTED = 100_000  # characters of one stream that a notebook keeps


class Collector:
    """The outputs of one cell, in the order in which they were made."""

    def __init__(self) -> None:
        self.outputs: list[Output] = []
        self.value: object = None  # of the last expression

    def stream(self, name: str) -> io.TextIOBase:
        return _Stream(name, self.outputs)

    def display(self, bundle: Bundle) -> None:
        """Show a MIME bundle, as `IPython.display` would."""
        self.outputs.append({"output_type": "display_data", "data": dict(bundle), "metadata": {}})

    def result(self, value: object) -> None:
        self.value = value
        data = {"text/plain": repr(value)}
        self.outputs.append({"output_type": "execute_result", "data": data, "metadata": {}, "execution_count": None})

    def error(self, exception: BaseException) -> None:
        """The exception's last line only: the traceback would quote the test."""
        lines = [line.rstrip("\n") for line in traceback.format_exception_only(exception)]
        self.outputs.append(
            {
                "output_type": "error",
                "ename": type(exception).__name__,
                "evalue": str(exception)[:2000],
                "traceback": [line[:2000] for line in lines],
            }
        )


class _Stream(io.TextIOBase):
    def __init__(self, name: str, outputs: list[Output]) -> None:
        self.name, self.outputs, self.left = name, outputs, PRINTED

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        kept, self.left = text[: self.left], max(0, self.left - len(text))
        last = self.outputs[-1] if self.outputs else {}
        if kept and last.get("name") == self.name:
            last["text"] += kept
        elif kept:
            self.outputs.append({"output_type": "stream", "name": self.name, "text": kept})
        return len(text)


def run_cell(
    source: str,
    namespace: dict[str, Any],
    *,
    filename: str = "<test cell>",
    collector: Collector | None = None,
    raises: tuple[type[BaseException], ...] = (),
) -> list[Output]:
    """Execute a trusted cell and return its outputs as nbformat dictionaries.

    The value of a last expression becomes an `execute_result`; an exception becomes an `error`,
    except those in `raises`, which go on to the caller. Warnings go to the cell's stderr. Lines of IPython
    magic are left out.
    """
    collector = collector or Collector()
    try:
        body, last = split_last_expression(source, filename)
        with (
            contextlib.redirect_stdout(collector.stream("stdout")),
            contextlib.redirect_stderr(collector.stream("stderr")),
            warnings.catch_warnings(record=True) as caught,
        ):
            warnings.simplefilter("always")
            exec(body, namespace)
            value = eval(last, namespace) if last is not None else None
        if value is not None:
            collector.result(value)
        for warning in caught:
            collector.stream("stderr").write(f"{warning.category.__name__}: {warning.message}\n")
    except raises:
        raise
    except (Exception, SystemExit) as exception:
        collector.error(exception)
    return collector.outputs


def split_last_expression(source: str, filename: str) -> tuple[Any, Any]:
    """The code of a cell without its last expression, and that expression (None if there is none to show)."""
    source = without_magics(source)
    tree = ast.parse(source, filename)
    last = None
    if tree.body and isinstance(tree.body[-1], ast.Expr) and not source.rstrip().endswith(";"):
        expression = tree.body.pop()
        assert isinstance(expression, ast.Expr)
        last = compile(ast.Expression(expression.value), filename, "eval")
    return compile(tree, filename, "exec"), last


def without_magics(source: str) -> str:
    """The source with lines of IPython magic emptied, so that line numbers stay."""
    lines = source.split("\n")
    return "\n".join("" if line.lstrip().startswith(("%", "!", "?")) else line for line in lines)
