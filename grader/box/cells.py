"""Runs the student's cells, in the box, in an IPython shell without a kernel: no ZeroMQ, no threads, no history."""

from __future__ import annotations

import ast
import base64
import contextlib
import io
import sys
import traceback
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import IPython
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

Output = dict[str, Any]

OURS = str(Path(__file__).parent)
SHELL = str(Path(IPython.__file__).parent)

FOR_THE_DESK = ("matplotlib", "gui", "config", "load_ext", "reload_ext", "autoreload")  # magics that no answer needs


class OutOfTime(BaseException):
    """Raised in the student's code when its time is over; no `except Exception` of theirs stops it."""


class Outputs(list[Output]):
    """What one cell puts out, bounded while it grows."""

    def __init__(self, characters: int, outputs: int) -> None:
        super().__init__()
        self.characters, self.outputs = characters, outputs

    def add(self, output: Output) -> None:
        if len(self) < self.outputs:
            self.append(output)

    def print(self, name: str, text: str) -> None:
        kept, was_open = text[: self.characters], self.characters > 0
        self.characters = max(0, self.characters - len(text))
        if self and self[-1].get("name") == name:
            self[-1]["text"] += kept
        elif kept:
            self.add({"output_type": "stream", "name": name, "text": kept})
        if was_open and self.characters == 0:
            self.add({"output_type": "stream", "name": "stderr", "text": "\n… output cut here …\n"})


class _Stream(io.TextIOBase):
    def __init__(self, name: str, outputs: Outputs) -> None:
        self.name, self.outputs_ = name, outputs

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.outputs_.print(self.name, str(text))
        return len(text)


class _Publisher(DisplayPublisher):
    outputs: Outputs

    def publish(self, data: Any, metadata: Any = None, *_: Any, **__: Any) -> None:
        self.outputs.add({"output_type": "display_data", "data": _text(data), "metadata": {}})


class _Hook(DisplayHook):
    outputs: Outputs

    def __call__(self, result: Any = None) -> None:
        if result is not None:
            data = _text(self.shell.display_formatter.format(result)[0])  # type: ignore[union-attr]
            result_ = {"output_type": "execute_result", "data": data, "metadata": {}, "execution_count": None}
            self.outputs.add(result_)


class _Shell(InteractiveShell):
    display_pub_class = _Publisher
    displayhook_class = _Hook

    def showtraceback(self, *_: Any, **__: Any) -> None:
        """Errors are reported once, by `Cells.run`."""

    showsyntaxerror = showtraceback


def _nothing(line: str) -> None:
    """What a magic does here that sets up a desk: there is no window, no browser and no file that changes."""


def _text(data: dict[str, Any]) -> dict[str, str]:
    """A MIME bundle as text: pictures in base64."""
    return {
        mime: base64.b64encode(value).decode("ascii") if isinstance(value, bytes) else str(value)
        for mime, value in data.items()
    }


class Cells:
    """One shell, in which a submission's cells run one after the other."""

    def __init__(self) -> None:
        config = Config()
        config.HistoryManager.enabled = False
        config.HistoryManager.hist_file = ":memory:"
        self.shell: Any = _Shell.instance(config=config)
        self.shell.magics_manager.magics["line"].update(dict.fromkeys(FOR_THE_DESK, _nothing))
        self.shell.run_cell("1 + 1", store_history=False, silent=True)  # type: ignore[no-untyped-call]

    @property
    def names(self) -> dict[str, Any]:
        return self.shell.user_ns  # type: ignore[no-any-return]

    def run(self, source: str, outputs: Outputs) -> None:
        """Run one cell; its outputs, an error last, are added to `outputs`."""
        self.shell.display_pub.outputs = self.shell.displayhook.outputs = outputs
        with captured(outputs):
            result = self.shell.run_cell(source, store_history=True)
            self._draw_figures(outputs)
        error = result.error_before_exec or result.error_in_exec
        if error is not None:
            outputs.append(describe(error))

    def fault(self, source: str) -> str:
        """Why Python cannot read a cell, with the line; "" where it can. Nothing is run."""
        read = source
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                read = self.shell.transform_cell(source)
                compile(read, "<cell>", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
        except SyntaxError as error:
            number = error.lineno or 0
            where, line = (f" in line {number}", read.split("\n")[number - 1 : number]) if number else ("", [])
            return "\n".join([f"{type(error).__name__}{where}: {error.msg}", *line])[:2000]
        except (ValueError, RecursionError, MemoryError):  # which running it will tell
            pass
        return ""

    def _draw_figures(self, outputs: Outputs) -> None:
        """What the inline backend does at the end of a cell."""
        pyplot = sys.modules.get("matplotlib.pyplot")
        if pyplot is None:
            return
        for number in pyplot.get_fignums():
            picture = io.BytesIO()
            pyplot.figure(number).savefig(picture, format="png")
            data = _text({"image/png": picture.getvalue(), "text/plain": "<Figure>"})
            outputs.add({"output_type": "display_data", "data": data, "metadata": {}})
        pyplot.close("all")


@contextlib.contextmanager
def captured(outputs: Outputs) -> Iterator[None]:
    """Everything printed meanwhile goes to `outputs`."""
    with (
        contextlib.redirect_stdout(_Stream("stdout", outputs)),
        contextlib.redirect_stderr(_Stream("stderr", outputs)),
    ):
        yield


def describe(error: BaseException) -> Output:
    """An exception as an output, with those lines of its traceback that are the student's."""
    name = "TimeoutError" if isinstance(error, OutOfTime) else type(error).__name__
    message = _say(error)
    lines = [*student_lines(error), f"{name}: {message}"]
    return {"output_type": "error", "ename": name, "evalue": message, "traceback": lines}


def student_lines(error: BaseException) -> list[str]:
    """The traceback without the frames of the shell and of this package."""
    frames = [
        frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith((OURS, SHELL))
    ]
    return [line.rstrip("\n")[:2000] for line in traceback.format_list(frames[-20:])]


def _say(error: BaseException) -> str:
    try:
        return str(error)[:2000]
    except Exception:
        return "(its message cannot be shown)"
