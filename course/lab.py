"""Serve a folder of notebooks with JupyterLab, in this process, quietly and to this machine only."""

from __future__ import annotations

import logging
import os
import secrets
import shlex
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

# parts of JupyterLab's page that a student's desk does without: a question about news, and the instructor's tools
LEFT_OUT = ("@jupyterlab/apputils-extension:announcements", "@jupyter/nbgrader")


# the course's products are small: a second thread gains them little, and on a machine with other work it waits so long
# that training takes three times as long
ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


class LabError(Exception):
    """JupyterLab could not be started; the message is a sentence for the student."""


def serve(
    folder: Path,
    notebook: str,
    *,
    port: int,
    browser: bool,
    verbose: bool = False,
    announce: Callable[[str, int], None],
) -> None:
    """Run JupyterLab on `folder` with `notebook` (a path inside it) open, until Ctrl-C.

    A busy `port` makes way for the next one. `announce(url, port)` is called once the server listens.
    Raises LabError where the server cannot start.
    """
    try:
        from jupyterlab.labapp import LabApp
    except ImportError as error:
        raise LabError(f"JupyterLab does not load ({error}). This says how to mend it: {doctor_command()}") from error

    if not verbose:
        logging.disable(logging.WARNING)  # of the server and all its extensions
    calm_kernels()
    token = secrets.token_hex(24)
    arguments = {
        "ServerApp.root_dir": folder.resolve(),
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.port": port,
        "ServerApp.open_browser": browser,
        "ServerApp.allow_root": True,  # containers and class-room images often have no other user
        "IdentityProvider.token": token,
        "KernelManager.transport_encryption": "auto",  # others on a shared machine cannot listen in
        "LabApp.default_url": f"/lab/tree/{notebook}",
        "LabApp.news_url": None,  # these four: ask nothing of the network
        "LabApp.extension_manager": "readonly",
        "LanguageServerManager.autodetect": False,
        "CourseDirectory.root": folder.resolve(),  # else nbgrader's extension, if installed, complains aloud
        "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
    }
    try:
        server = LabApp.initialize_server([f"--{name}={value}" for name, value in arguments.items()])
        server.web_app.settings["page_config_hook"] = _leave_out
        signal.signal(signal.SIGINT, _stop_once(server.stop))
        url = f"{server.connection_url.rstrip('/')}/lab/tree/{notebook}?token={token}"
        server.io_loop.add_callback(announce, url, server.port)  # behind the one that begins to listen
        server.start()
    except SystemExit as stopped:  # Jupyter has logged why
        raise LabError(
            f"JupyterLab did not start: is there a free port from {port} on? Give another with --port; --verbose shows "
            f"what Jupyter says. If that does not help: {doctor_command()}"
        ) from stopped
    except OSError as error:
        raise LabError(f"JupyterLab did not start: {error}. This looks for the cause: {doctor_command()}") from error


def calm_kernels() -> None:
    """Start kernels with one thread for matrix products, unless the environment says how many."""
    if not any(name in os.environ for name in ONE_THREAD):
        os.environ.update(dict.fromkeys(ONE_THREAD, "1"))


def doctor_command() -> str:
    """The command that examines this installation, as it can be typed where this one was."""
    return "uv run course doctor" if "UV" in os.environ else f"{shlex.quote(sys.executable)} -m course doctor"


def _leave_out(_: Any, page_config: dict[str, Any]) -> dict[str, Any]:
    """Switch parts off for this server only, where a configuration file would do so for all."""
    return page_config | {"disabledExtensions": [*page_config.get("disabledExtensions", []), *LEFT_OUT]}


def _stop_once(stop: Callable[..., None]) -> Callable[..., None]:
    """A handler of Ctrl-C that shuts kernels and server down in order; a second Ctrl-C does not wait for that.

    Jupyter's own asks "Shut down (y/[n])?" at a terminal and cleans nothing up elsewhere.
    """

    def handler(*_: Any) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        stop(from_signal=True)

    return handler
