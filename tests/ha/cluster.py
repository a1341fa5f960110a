"""PostgreSQL on three machines, each commit on two of them, with Patroni and etcd to say which is the primary."""

from collections.abc import Callable
from pathlib import Path

import psycopg

from tests.ha.etcd import CLIENT_PORT, Etcd
from tests.ha.machine import wait_until
from tests.ha.member import Member
from tests.ha.network import CLIENTS, CLUSTER, Network
from tests.ha.patroni import POSTGRES_PORT, Passwords

MEMBERS = (1, 2, 3)
HEALTHY_WITHIN = 120.0
FOUND_WITHIN = 30.0


class Cluster:
    """Three members on a network. `start` returns when they are healthy and the database `agenda` is there."""

    def __init__(self, network: Network, folder: Path) -> None:
        self._passwords = Passwords()
        self.network = network
        machines = [network.machine(f"db{n}", (CLUSTER, CLIENTS), 10 + n) for n in MEMBERS]
        peers = {machine.name: machine.addresses[CLUSTER] for machine in machines}
        hosts = [f"{address}:{CLIENT_PORT}" for address in peers.values()]
        self.members: list[Member] = []
        for machine in machines:
            own = folder / machine.name
            own.mkdir(mode=0o700)
            self.members.append(Member(machine, own, Etcd(machine, own, peers), hosts, self._passwords))

    @property
    def url(self) -> str:
        """The database, as an Agenda node takes it: all hosts, of which the primary is to be found."""
        hosts = ",".join(f"{member.host}:{POSTGRES_PORT}" for member in self.members)
        return f"postgresql://agenda:{self._passwords.agenda}@{hosts}/agenda?target_session_attrs=read-write"

    def start(self) -> float:
        """Returns the seconds until it was healthy. Raises TimeoutError."""
        for member in self.members:
            member.start()
        seconds = self.wait_healthy()
        self._make_database()
        return seconds

    def wait_healthy(self, patience: float = HEALTHY_WITHIN) -> float:
        """Return, with the seconds it took, when one primary has two standbys on its timeline, one synchronous.

        All members must say so: one that is cut off says what it heard last. Raises TimeoutError.
        """
        return wait_until(lambda: all(map(_is_healthy, self.members)), "a healthy cluster", patience)

    def primary(self) -> Member:
        """The member that takes writes, perhaps after a moment. Raises TimeoutError."""
        return self._the_one(lambda member: member.is_primary, "primary")

    def standby(self) -> Member:
        """The member whose confirmation commits wait for, perhaps after a moment. Raises TimeoutError."""
        primary = self.primary()

        def is_synchronous(member: Member) -> bool:
            return any(row["name"] == member.name and row["role"] == "sync_standby" for row in primary.view())

        return self._the_one(is_synchronous, "synchronous standby")

    def etcd_leader(self) -> Etcd:
        """The member of etcd that leads the others, perhaps after a moment. Raises TimeoutError."""
        return self._the_one(lambda member: member.etcd.leads, "leader of etcd").etcd

    def heal(self) -> None:
        """Undo whatever was done to the members: start what was killed, resume what was paused, mend what was cut."""
        for member in self.members:
            for net in (CLUSTER, CLIENTS):
                self.network.heal(member.machine, net)
            member.resume()
            member.resume_patroni()
            member.start()

    def _the_one(self, holds: Callable[[Member], bool], what: str) -> Member:
        found: list[Member] = []

        def look() -> bool:
            found[:] = [member for member in self.members if holds(member)]
            return bool(found)

        wait_until(look, f"a {what}", FOUND_WITHIN)
        return found[0]

    def _make_database(self) -> None:
        primary = self.primary()
        with (
            primary.machine.inside(),
            psycopg.connect(
                host="127.0.0.1",
                port=POSTGRES_PORT,
                user="postgres",
                password=self._passwords.superuser,
                dbname="postgres",
                autocommit=True,
            ) as connection,
        ):
            connection.execute(f"CREATE ROLE agenda LOGIN PASSWORD '{self._passwords.agenda}'")
            connection.execute("CREATE DATABASE agenda OWNER agenda")


def _is_healthy(member: Member) -> bool:
    """Whether all is well as this member is told."""
    rows = member.view()
    leaders = [row for row in rows if row["role"] == "leader" and row["state"] == "running"]
    standbys = [row for row in rows if row["role"] in ("replica", "sync_standby") and row["state"] == "streaming"]
    timelines = {row.get("timeline") for row in rows}
    synchronous = any(row["role"] == "sync_standby" for row in standbys)
    return len(leaders) == 1 and len(standbys) == len(MEMBERS) - 1 and synchronous and len(timelines) == 1
