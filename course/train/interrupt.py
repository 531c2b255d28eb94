"""Ctrl-C between two batches instead of in the middle of one."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

__all__ = ["Interrupt", "interrupt_politely"]


@dataclass
class Interrupt:
    """Whether somebody asked to stop."""

    requested: bool = False


@contextmanager
def interrupt_politely() -> Iterator[Interrupt]:
    """Note the first Ctrl-C (or Jupyter's ■) instead of raising KeyboardInterrupt wherever the program happens to be.

    A training asks between batches, so that no update is ever half done. A second Ctrl-C raises at once. Python
    tells only the main thread about signals: elsewhere, or where somebody else handles Ctrl-C, nothing changes.
    """
    interrupt = Interrupt()
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or before is not signal.default_int_handler:
        yield interrupt
        return

    def note(number: int, frame: FrameType | None) -> None:
        if interrupt.requested:
            signal.default_int_handler(number, frame)
        interrupt.requested = True

    signal.signal(signal.SIGINT, note)
    try:
        yield interrupt
    finally:
        signal.signal(signal.SIGINT, before)
