"""Starts the inside of a box: a fork server that stays warm, or one process for each submission."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import Sequence

from . import bubblewrap, cgroups, wire
from .host import Box, BoxError
from .limits import Limits

START_SECONDS = 60.0
READY = b"R"


class Inside:
    """A Python behind bubblewrap's walls, at the other end of a channel. What it says as it fails is kept."""

    def __init__(self, modules: Sequence[str], limits: Limits, *arguments: str) -> None:
        """Start it and wait until it has loaded what notebooks need.

        Raises:
            BoxError: it does not start.
        """
        self.channel, inside = socket.socketpair()
        self.cgroup = cgroups.make(limits)
        command = [
            *bubblewrap.arguments(modules, scratch_bytes=limits.file_bytes),
            *(bubblewrap.interpreter(), "-B", "-m", "box.zygote", str(inside.fileno()), *arguments),
        ]
        try:
            self.process = subprocess.Popen(
                command if self.cgroup is None else self.cgroup.command(command),
                pass_fds=[inside.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            self.channel.close()
            self._leave_cgroup()
            raise BoxError(f"bubblewrap cannot be started: {error}") from None
        finally:
            inside.close()
        self.channel.settimeout(START_SECONDS)
        try:
            ready = self.channel.recv(1)
        except OSError:
            ready = b""
        if ready != READY:
            said = self.close()
            raise BoxError(f"the sandbox did not start: {said or 'it did not answer'}")

    def close(self) -> str:
        """End it and everything that it started; gives its last words. Closing it again does nothing."""
        if self.process.returncode is not None and self.channel.fileno() < 0:
            return ""
        self.channel.close()
        self.process.kill()
        _, said = self.process.communicate()
        self._leave_cgroup()
        return said.decode("utf-8", "replace").strip()[-500:]

    def _leave_cgroup(self) -> None:
        if self.cgroup is not None:
            self.cgroup.close()


class Warm:
    """Level A: one process that has loaded everything forks a box, in namespaces of its own, for each submission.

    A fork server that died, or was killed by a submission, is started again.
    """

    level = "A"
    meaning = "bubblewrap, own namespaces for each submission, seccomp, limits"

    def __init__(self, modules: Sequence[str], limits: Limits) -> None:
        self.modules, self.limits = tuple(modules), limits
        self.inside = Inside(self.modules, limits)

    def open(self) -> Box:
        """A fresh box.

        Raises:
            BoxError: it cannot be made.
        """
        try:
            return self._fork()
        except (OSError, wire.Closed):  # a time-out is an OSError too
            self.inside.close()
            self.inside = Inside(self.modules, self.limits)
        try:
            return self._fork()
        except (OSError, wire.Closed) as error:
            raise BoxError(f"the sandbox's fork server does not answer: {error}") from None

    def _fork(self) -> Box:
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                message = json.dumps(self.limits.to_dict()).encode()
                socket.send_fds(self.inside.channel, [message], [theirs.fileno()])
            wait_until_locked(ours)
        except BaseException:
            ours.close()
            raise
        return Box(ours, self.limits)

    def close(self) -> None:
        self.inside.close()


class Cold:
    """Level A′: bubblewrap anew for each submission, where no namespaces can be made within its own."""

    level = "A′"
    meaning = "bubblewrap anew for each submission, seccomp, limits"

    def __init__(self, modules: Sequence[str], limits: Limits) -> None:
        self.modules, self.limits = tuple(modules), limits

    def open(self) -> Box:
        """A fresh box.

        Raises:
            BoxError: it cannot be made.
        """
        inside = Inside(self.modules, self.limits, json.dumps(self.limits.to_dict()))
        try:
            wait_until_locked(inside.channel)
        except (OSError, wire.Closed, BoxError) as error:
            inside.close()
            raise BoxError(f"the sandbox does not answer: {error}") from None

        def end() -> None:
            inside.close()

        return Box(inside.channel, self.limits, after=end)

    def close(self) -> None:
        """Nothing stays between submissions."""


def wait_until_locked(channel: socket.socket) -> None:
    """Wait for a box's first message: its walls stand.

    Raises:
        BoxError: they cannot be built.
    """
    head, _ = wire.receive(channel, limit=1 << 16, deadline=time.monotonic() + START_SECONDS)
    if "fatal" in head:
        raise BoxError(f"the walls cannot be built: {head['fatal']}")
