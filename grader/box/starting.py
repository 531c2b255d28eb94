"""Starts the inside of a box: a fork server that stays warm, or one process for each submission."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

from . import bare, bubblewrap, cgroups, wire
from .host import Box, BoxError
from .limits import Limits

START_SECONDS = 60.0
READY = b"R"


class Inside:
    """A Python behind walls, at the other end of a channel. What it says as it fails is kept."""

    def __init__(
        self,
        python: Sequence[str],
        limits: Limits,
        *arguments: str,
        environment: dict[str, str] | None = None,
        after: Callable[[], None] = lambda: None,
    ) -> None:
        """Start it and wait until it has loaded what notebooks need.

        Args:
            python: the command that starts a Python inside.
            limits: its memory is bounded by them, where that can be had from outside.
            arguments: of `box.zygote`, after the channel's number.
            environment: of the command; by default this process's, which bubblewrap replaces.
            after: called once it has ended.

        Raises:
            BoxError: it does not start.
        """
        self.channel, inside = socket.socketpair()
        self.after = after
        self.cgroup = cgroups.make(limits)
        command = [*python, "-B", "-m", "box.zygote", str(inside.fileno()), *arguments]
        try:
            self.process = subprocess.Popen(
                command if self.cgroup is None else self.cgroup.command(command),
                env=environment,
                pass_fds=[inside.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            self.channel.close()
            self._clean()
            raise BoxError(f"{python[0]} cannot be started: {error}") from None
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
        self._clean()
        return said.decode("utf-8", "replace").strip()[-500:]

    def _clean(self) -> None:
        if self.cgroup is not None:
            self.cgroup.close()
        self.after()


class Warm:
    """Level A: one process that has loaded everything forks a box, in namespaces of its own, for each submission.

    A fork server that died, or was killed by a submission, is started again.
    """

    level = "A"
    meaning = "bubblewrap, own namespaces for each submission, seccomp, limits"

    def __init__(self, modules: Sequence[str], limits: Limits) -> None:
        self.modules, self.limits, self.missed = tuple(modules), limits, list[str]()
        self.inside = self._start()

    def _start(self) -> Inside:
        return Inside(bubblewrap.python(self.modules, self.limits), self.limits, "warm")

    def open(self) -> Box:
        """A fresh box.

        Raises:
            BoxError: it cannot be made.
        """
        try:
            return self._fork()
        except (OSError, wire.Closed):  # a time-out is an OSError too
            self.inside.close()
            self.inside = self._start()
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
        self.modules, self.limits, self.missed = tuple(modules), limits, list[str]()

    def open(self) -> Box:
        """A fresh box.

        Raises:
            BoxError: it cannot be made.
        """
        python = bubblewrap.python(self.modules, self.limits)
        inside = Inside(python, self.limits, "cold", json.dumps(self.limits.to_dict()))
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


class Alone(Warm):
    """Level B, where bubblewrap cannot be had: a fork that Landlock and a narrower filter of system calls lock in.

    It may read Python and nothing else, write nothing, start nothing and signal nobody. But it shares its user, its
    network's name and the names of files with everyone: less than the other levels hide.
    """

    level = "B"
    meaning = (
        "Landlock, seccomp, limits; no namespaces: reduced, student code can neither write files nor start programs"
    )

    def _start(self) -> Inside:
        folder = bare.Folder(self.modules)
        return Inside(
            [sys.executable],
            self.limits,
            "alone",
            json.dumps(folder.readable()),
            environment=folder.environment(),
            after=folder.close,
        )


def wait_until_locked(channel: socket.socket) -> None:
    """Wait for a box's first message: its walls stand.

    Raises:
        BoxError: they cannot be built.
    """
    head, _ = wire.receive(channel, limit=1 << 16, deadline=time.monotonic() + START_SECONDS)
    if "fatal" in head:
        raise BoxError(f"the walls cannot be built: {head['fatal']}")
