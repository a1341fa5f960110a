"""A server of one's own: one `agenda serve` on loopback that is started, killed, paused, and started again."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from agenda.prove.ports import free_port
from agenda.prove.prefixes import ending_with_us

AGENDA = (sys.executable, "-m", "agenda")
START_SECONDS = 30.0
STOP_SECONDS = 10.0
LOOK_SECONDS = 0.05
CAN_PAUSE = hasattr(signal, "SIGSTOP")


class NotStarted(RuntimeError):
    """A server ended instead of starting, or does not answer; its text is what the server said."""


class Node:
    """A server process on a port of its own, which stays the same over restarts.

    `options` follow `serve`, `secrets` go to its environment, `log` gets what it says. Whoever makes one calls `stop`
    or `kill` in the end. It belongs to our process group, so that what ends the group ends it too; and it is killed,
    where the system does that, when the thread ends that started it.
    """

    def __init__(
        self,
        options: Sequence[str],
        log: Path,
        *,
        secrets: Mapping[str, str] | None = None,
        language: str = "en",
        program: Sequence[str] = AGENDA,
    ) -> None:
        self.port = free_port()
        self.log = log
        self._command = [*program, "serve", "--host", "127.0.0.1", "--port", str(self.port), *options]
        self._environment = _environment({"AGENDA_LANGUAGE": language, **(secrets or {})})
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> tuple[str, int]:
        """Where it answers."""
        return "127.0.0.1", self.port

    def spawn(self, *more: str) -> None:
        """Start the process, with further options, and do not wait for it; one that is running goes on."""
        if self._process is not None and self._process.poll() is None:
            return
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*ending_with_us(signal.SIGKILL), *self._command, *more],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def wait(self) -> None:
        """Return when the port answers. Raises NotStarted."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._process is not None and self._process.poll() is None:
            try:
                socket.create_connection(self.address, timeout=1).close()
            except OSError:
                time.sleep(LOOK_SECONDS)
            else:
                return
        raise NotStarted(self.log.read_text("utf-8", "replace").strip()[-2000:])

    def start(self) -> None:
        """Start it and return when it answers. Raises NotStarted."""
        self.spawn()
        self.wait()

    def pause(self) -> None:
        """Let it stand still, with all its connections open."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a paused one go on."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    def end(self) -> None:
        """Ask it to end in good order, and do not wait."""
        if self._process is not None:
            self._process.terminate()

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """End it in good order, at the latest after ten seconds."""
        self.end()
        if self._process is not None:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_SECONDS)
        self.kill()


def _environment(more: Mapping[str, str]) -> dict[str, str]:
    """This process's, without what it says about the user's own server: its address, its certificate."""
    outer = {name: value for name, value in os.environ.items() if not name.startswith("AGENDA_")}
    return outer | dict(more)
