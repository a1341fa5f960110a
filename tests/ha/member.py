"""A database member: PostgreSQL under Patroni, beside a member of etcd, on a machine of its own."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agenda.prove.prefixes import not_as_root
from tests.ha.asking import answer
from tests.ha.etcd import Etcd
from tests.ha.machine import Machine, send
from tests.ha.network import CLIENTS
from tests.ha.patroni import REST_PORT, Passwords, settings


class Member:
    """Started and broken by its parts: the machine, the postmaster, Patroni, PostgreSQL as a whole, etcd."""

    def __init__(self, machine: Machine, folder: Path, etcd: Etcd, hosts: Sequence[str], passwords: Passwords) -> None:
        """`hosts` are the client addresses of all members of etcd."""
        self.machine = machine
        self.etcd = etcd
        self.folder = folder
        self._patroni: subprocess.Popen[bytes] | None = None
        self._settings = folder / "patroni.json"  # JSON is YAML too
        self._settings.touch(mode=0o600)
        self._settings.write_text(json.dumps(settings(machine, folder, hosts, passwords)), "utf-8")

    @property
    def name(self) -> str:
        return self.machine.name

    @property
    def host(self) -> str:
        """Where clients find its PostgreSQL."""
        return self.machine.addresses[CLIENTS]

    def start(self) -> None:
        """Start what does not run of etcd and Patroni, which looks after PostgreSQL."""
        if not self.etcd.is_running:
            self.etcd.start()
        if self._patroni is None or self._patroni.poll() is not None:
            self._patroni = self.machine.start(
                # System V memory in a namespace of its own goes with its last process.
                ["unshare", "--ipc", *not_as_root(), sys.executable, "-m", "patroni", str(self._settings)],
                log=self.folder / "patroni.log",
                folder=self.folder,
                environment={
                    **{name: value for name, value in os.environ.items() if not name.startswith(("PG", "PATRONI_"))},
                    "HOME": str(self.folder),
                    "LC_ALL": "C.UTF-8",
                },
            )

    def kill(self) -> None:
        """End all of it at once, etcd included, as a power cut would."""
        self.machine.kill()

    def kill_postmaster(self) -> None:
        """End the first process of PostgreSQL only."""
        first = (self.folder / "data" / "postmaster.pid").read_text("utf-8").split()[0]
        send(signal.SIGKILL, [int(first)])

    def pause_patroni(self) -> None:
        """Stop Patroni in its tracks; PostgreSQL goes on."""
        self._signal_patroni(signal.SIGSTOP)

    def resume_patroni(self) -> None:
        self._signal_patroni(signal.SIGCONT)

    def stall(self) -> None:
        """Stop PostgreSQL in its tracks, so that it confirms nothing to a primary; Patroni goes on."""
        for _ in range(2):  # a second time for what the first process started meanwhile
            send(signal.SIGSTOP, self.machine.processes("postgres"))

    def resume(self) -> None:
        send(signal.SIGCONT, self.machine.processes("postgres"))

    @property
    def is_primary(self) -> bool:
        """Whether its Patroni holds the lock of the primary and its PostgreSQL takes writes."""
        status = self._ask("patroni")
        return status.get("role") == "primary" and status.get("state") == "running"

    def view(self) -> list[dict[str, Any]]:
        """The members as etcd tells this one: name, role, state, timeline; nothing where it is dead or cut off."""
        members: list[dict[str, Any]] = self._ask("cluster").get("members", [])
        return members

    def _ask(self, what: str) -> dict[str, Any]:
        with self.machine.inside():
            said = answer(f"http://127.0.0.1:{REST_PORT}/{what}")
        try:
            status = json.loads(said or b"{}")
        except ValueError:  # a refusal is not JSON
            return {}
        return status if isinstance(status, dict) else {}

    def _signal_patroni(self, number: signal.Signals) -> None:
        if self._patroni is not None and self._patroni.poll() is None:
            self._patroni.send_signal(number)
