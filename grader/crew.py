"""The workers' comings and goings: the process they are forked from, which imports what they need, and their end."""

from __future__ import annotations

import signal
import threading
from multiprocessing import active_children, forkserver, get_context
from multiprocessing.context import ForkServerContext

PRELOADED = ["grader.worker", "grader.cli"]


def muster() -> ForkServerContext:
    """Start that process, if it does not run; the context in which workers are made. Calling it again is free."""
    forkserver.set_forkserver_preload(PRELOADED)
    if threading.current_thread() is not threading.main_thread():  # which alone may say what a signal does
        forkserver.ensure_running()
    else:
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # from its first moment on: it is the head that stops
        try:
            forkserver.ensure_running()
        finally:
            signal.signal(signal.SIGINT, before)
    return get_context("forkserver")


def dismiss() -> None:
    """End all workers at once, whatever they do; their boxes end with them, and the next run grades what they had."""
    for worker in active_children():
        worker.kill()
