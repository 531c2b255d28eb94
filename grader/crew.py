"""The process from which workers are forked: it imports what they need while the head still imports its own."""

from __future__ import annotations

from multiprocessing import forkserver, get_context
from multiprocessing.context import ForkServerContext

PRELOADED = ["grader.worker", "grader.cli"]


def muster() -> ForkServerContext:
    """Start that process, if it does not run; the context in which workers are made. Calling it again is free."""
    forkserver.set_forkserver_preload(PRELOADED)
    forkserver.ensure_running()
    return get_context("forkserver")
