"""All of it together: a network, a database cluster, Agenda nodes, machines for clients; whole again after faults."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from tests.ha.cluster import Cluster
from tests.ha.machine import Machine
from tests.ha.network import CLIENTS, Network
from tests.ha.nodes import Node
from tests.ha.runs import a_run

NODES = (1, 2, 3)
NODE_ADDRESSES, CLIENT_ADDRESSES = 20, 100
"""Where the addresses of nodes and of client machines begin."""


class Site:
    """The database is started by `a_site`, the nodes by `start_nodes`, so that the database can be had alone."""

    def __init__(self, network: Network, folder: Path) -> None:
        self.network = network
        self.folder = folder
        self.cluster = Cluster(network, folder)
        self.nodes: list[Node] = []
        self._clients = count(1)

    def start_nodes(self) -> float:
        """Start the nodes; returns, when all answer, the seconds that took. Raises as `recover` does."""
        for number in NODES if not self.nodes else ():
            machine = self.network.machine(f"node{number}", [CLIENTS], NODE_ADDRESSES + number)
            folder = self.folder / machine.name
            folder.mkdir()
            self.nodes.append(Node(machine, folder, self.cluster.url))
        for node in self.nodes:
            node.start()
        return sum(node.wait() for node in self.nodes)

    def client_machine(self) -> Machine:
        """A machine for clients, with an address from which nobody has called yet."""
        number = next(self._clients)
        return self.network.machine(f"client{number}", [CLIENTS], CLIENT_ADDRESSES + number)

    def heal(self) -> None:
        """Undo all that was broken, and do not wait."""
        self.cluster.heal()
        for node in self.nodes:
            self.network.heal(node.machine, CLIENTS)
            node.resume()
            node.start()

    def recover(self) -> float:
        """Heal, and return when all is well, with the seconds that took. Raises TimeoutError, RuntimeError."""
        self.heal()
        seconds = self.cluster.wait_healthy()
        for node in self.nodes:
            node.start()  # once more: one that found no database ended
            seconds += node.wait()
        return seconds


@contextmanager
def a_site(logs: Path | None = None) -> Iterator[Site]:
    """A network with a healthy database. At the end nothing of it is left, but the logs if a folder for them is given.

    Raises TimeoutError, and OSError or CalledProcessError where it cannot be made.
    """
    with a_run() as run:
        network = Network(run.name)
        site = Site(network, run.folder)
        try:
            site.cluster.start()
            yield site
        finally:
            for machine in network.machines:
                machine.kill()
            if logs is not None:
                _keep_logs(run.folder, logs)


def _keep_logs(folder: Path, logs: Path) -> None:
    for log in folder.glob("*/*.log"):
        target = logs / log.relative_to(folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(log, target)
