"""What can be broken at a site, each thing with its cure, as `agenda prove` takes them."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TypeVar

from agenda.prove.world import Breaker
from tests.ha.machine import Machine
from tests.ha.member import Member
from tests.ha.network import CLIENTS, CLUSTER, Network
from tests.ha.nodes import Node
from tests.ha.site import Site

T = TypeVar("T")

DATABASE = "database"
"""One target, so that only one of three members is broken at a time: a majority is what the promise rests on."""
RECOVERED_WITHIN = 60.0
"""How long a fault of the database waits for the one before it to be over, past its healing, for the same reason."""
FAILOVER = (35.0, 45.0)
"""Long enough for another primary to be found while the fault lasts."""
WAIT = (8.0, 15.0)
"""Faults that end before anybody else would take over, or that nobody needs to take over from."""


def breakers(site: Site) -> list[Breaker]:
    """All faults, those of the database first. The victim is found out when the fault begins."""
    found = _of_the_database(site)
    for number, node in enumerate(site.nodes, 1):
        found += _of_a_node(site.network, node, f"node {number}")
    return found


def _of_the_database(site: Site) -> list[Breaker]:
    cluster, network = site.cluster, site.network

    def when_whole(choose: Callable[[], T]) -> Callable[[], T]:
        def choice() -> T:
            with suppress(TimeoutError):
                cluster.wait_healthy(RECOVERED_WITHIN)
            return choose()

        return choice

    def primary(
        kind: str, begin: Callable[[Member], None], heal: Callable[[Member], None], lasts: tuple[float, float]
    ) -> Breaker:
        return _breaker(kind, when_whole(cluster.primary), begin, heal, lasts)

    def cut(kind: str, net: str, lasts: tuple[float, float], *, sends: bool = False, receives: bool = False) -> Breaker:
        def begin(member: Member) -> None:
            network.cut(member.machine, net, sends=sends, receives=receives)

        return primary(kind, begin, lambda member: network.heal(member.machine, net), lasts)

    return [
        primary("primary_killed", Member.kill, Member.start, FAILOVER),
        primary("postmaster_killed", Member.kill_postmaster, Member.start, WAIT),
        cut("primary_cut_from_members", CLUSTER, FAILOVER),
        cut("primary_cut_from_clients", CLIENTS, WAIT),
        cut("primary_deaf", CLUSTER, FAILOVER, sends=True),
        cut("primary_mute", CLUSTER, FAILOVER, receives=True),
        primary("patroni_paused", Member.pause_patroni, Member.resume_patroni, FAILOVER),
        _breaker("standby_stalled", when_whole(cluster.standby), Member.stall, Member.resume, WAIT),
        _breaker(
            "etcd_killed", when_whole(cluster.etcd_leader), lambda etcd: etcd.kill(), lambda etcd: etcd.start(), WAIT
        ),
    ]


def _breaker(
    kind: str,
    choose: Callable[[], T],
    begin: Callable[[T], None],
    heal: Callable[[T], None],
    lasts: tuple[float, float],
) -> Breaker:
    """Break whatever is chosen at that moment, and later mend the same."""
    victims: list[T] = []

    def break_it() -> None:
        victims.append(choose())
        begin(victims[-1])

    def mend_it() -> None:
        while victims:
            heal(victims.pop())

    return Breaker(kind, DATABASE, break_it, mend_it, *lasts)


def _of_a_node(network: Network, node: Node, target: str) -> list[Breaker]:
    def cut(machine: Machine) -> None:
        network.cut(machine, CLIENTS)

    def mend(machine: Machine) -> None:
        network.heal(machine, CLIENTS)

    return [
        Breaker("node_killed", target, node.kill, node.start, *WAIT),
        Breaker("node_paused", target, node.pause, node.resume, *WAIT),
        Breaker("node_cut_off", target, partial(cut, node.machine), partial(mend, node.machine), *WAIT),
    ]
