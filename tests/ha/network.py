"""The networks of a run: machines on two bridges that lead nowhere else, and cuts, both ways or one way."""

import subprocess
from collections.abc import Iterable

from tests.ha.machine import Machine

CLUSTER = "cluster"
"""Between the database members: etcd, Patroni, replication."""
CLIENTS = "clients"
"""From the databases to the Agenda nodes, and from these to their clients."""

SUBNETS = {CLUSTER: "192.0.2", CLIENTS: "198.51.100"}  # documentation ranges: nobody's addresses

CUTS = """
table bridge cuts {
    set mute { type ifname; }
    set deaf { type ifname; }
    chain forward {
        type filter hook forward priority 0;
        ether type arp accept
        iifname @mute drop
        oifname @deaf drop
    }
}
"""
"""Ports of the bridges from which nothing is taken (`mute`), and to which nothing is given (`deaf`).

Questions for hardware addresses always pass: who is deaf could not send for long without their answers.
"""


class Network:
    """Two bridges in a namespace of their own. Nothing is connected to the host, whose network is not touched."""

    def __init__(self, run: str) -> None:
        """Make the bridges; `run` begins the names of all namespaces."""
        self._run = run
        self.machines: list[Machine] = []
        self._switch = self._namespace("switch")
        for bridge in SUBNETS:
            self._ip("link", "add", "name", bridge, "type", "bridge")
            self._ip("link", "set", "dev", bridge, "up")
        self._nft(CUTS)

    def machine(self, name: str, networks: Iterable[str], number: int) -> Machine:
        """Add a machine; `number` ends its addresses."""
        machine = self._namespace(name, {net: f"{SUBNETS[net]}.{number}" for net in networks})
        for net, address in machine.addresses.items():
            port = _port(machine, net)
            self._ip("link", "add", "name", port, "type", "veth", "peer", "name", net, "netns", machine.namespace)
            self._ip("link", "set", "dev", port, "master", net, "up")
            self._ip("addr", "add", f"{address}/24", "dev", net, at=machine)
            self._ip("link", "set", "dev", net, "up", at=machine)
        self.machines.append(machine)
        return machine

    def cut(self, machine: Machine, net: str, *, sends: bool = False, receives: bool = False) -> None:
        """Drop, silently, what a machine sends on a network and what it should receive, except as told."""
        self.heal(machine, net)
        for still_can, cut in ((sends, "mute"), (receives, "deaf")):
            if not still_can:
                self._nft(f"add element bridge cuts {cut} {{ {_port(machine, net)} }}")

    def heal(self, machine: Machine, net: str) -> None:
        """Let everything through again."""
        port = _port(machine, net)
        for cut in ("mute", "deaf"):  # adding first makes the deletion right whether it was there or not
            self._nft(f"add element bridge cuts {cut} {{ {port} }}; delete element bridge cuts {cut} {{ {port} }}")

    def _namespace(self, name: str, addresses: dict[str, str] | None = None) -> Machine:
        machine = Machine(name, f"{self._run}-{name}", addresses or {})
        subprocess.run(["ip", "netns", "add", machine.namespace], check=True, timeout=30)
        self._ip("link", "set", "dev", "lo", "up", at=machine)
        return machine

    def _ip(self, *words: str, at: Machine | None = None) -> None:
        subprocess.run(["ip", "-n", (at or self._switch).namespace, *words], check=True, timeout=30)

    def _nft(self, rules: str) -> None:
        with self._switch.inside():
            subprocess.run(["nft", "-f", "-"], input=rules.encode(), check=True, timeout=30)


def _port(machine: Machine, net: str) -> str:
    """The name of a machine's port on a bridge; the system takes at most 15 characters."""
    return f"{machine.name}-{net[:3]}"
