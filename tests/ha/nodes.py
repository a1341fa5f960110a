"""An Agenda node on a machine of its own: `agenda serve` on the database of a cluster."""

import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from tests.ha.machine import PATIENCE, Machine, wait_until
from tests.ha.network import CLIENTS

SOURCE = Path(__file__).parents[2] / "src"
PORT = 8888
INCIDENT = "incident="
"""What a line of the log has where it tells of a defect."""
ANSWERS_WITHIN = 60.0


class Node:
    """Stateless: killed and started again, it goes on with what is in the store."""

    def __init__(self, machine: Machine, folder: Path, store: str) -> None:
        """`store` is the URL of the database. Starts nothing."""
        self.machine = machine
        self.address = machine.addresses[CLIENTS], PORT
        self._folder = folder
        self._log = folder / "agenda.log"
        self._store = store
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def name(self) -> str:
        return self.machine.name

    def start(self) -> None:
        """Start it and do not wait; one that is running goes on."""
        if self._process is not None and self._process.poll() is None:
            return
        host, port = self.address
        where = ["--host", host, "--port", str(port), "--insecure"]
        outer = {name: value for name, value in os.environ.items() if not name.startswith(("AGENDA_", "PG"))}
        self._process = self.machine.start(
            [sys.executable, "-m", "agenda", "serve", *where],
            log=self._log,
            folder=self._folder,
            environment={
                **outer,
                "PYTHONPATH": str(SOURCE),
                "HOME": str(self._folder),
                "AGENDA_LANGUAGE": "en",
                "AGENDA_STORE": self._store,  # it holds a password: not for the list of processes
            },
        )

    def kill(self) -> None:
        """End it at once."""
        self.machine.kill()

    def pause(self) -> None:
        """Let it stand still, with all it knows and all its connections."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a paused one go on."""
        self._signal(signal.SIGCONT)

    def wait(self, patience: float = ANSWERS_WITHIN) -> float:
        """Return when it answers a ping, with the seconds that took. Raises TimeoutError, RuntimeError if it ended."""
        return wait_until(self._answers, f"an answer from {self.name}", patience)

    @property
    def defects(self) -> int:
        """How many defects of its own it has logged so far, over all its starts."""
        return self._log.read_text("utf-8", "replace").count(INCIDENT)

    def _answers(self) -> bool:
        if self._process is None or self._process.poll() is not None:
            raise RuntimeError(f"{self.name} ended: {self._log.read_text('utf-8', 'replace')[-1000:]}")
        with (
            suppress(OSError),
            self.machine.inside(),
            socket.create_connection(self.address, PATIENCE) as line,
        ):
            line.sendall(b'{"jsonrpc":"2.0","id":1,"method":"ping"}\n')
            return b'"result"' in line.recv(1024)
        return False

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)
