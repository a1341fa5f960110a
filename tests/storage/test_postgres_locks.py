"""Locks on PostgreSQL: every batch takes them in the same order, and a deadlock made by others is got over."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

import psycopg
import pytest

from agenda.domain.model import BookingId, ResourceId, UserId
from agenda.domain.times import Span
from agenda.engine.ports import Transaction
from agenda.storage import postgres_store
from agenda.storage.postgres import WRITER_SETTINGS
from agenda.storage.postgres_store import PostgresStore
from tests.postgres import database_of, server
from tests.storage.making import DAY, HOUR, IDS, Desk, catalogue
from tests.storage.node import Node, blocked, move, rows
from tests.waiting import SECONDS, until

WAITING = (
    "SELECT count(*) FROM pg_stat_activity "
    "WHERE datname = current_database() AND cardinality(pg_blocking_pids(pid)) > 0"
)
PATIENT = "SET deadlock_timeout = '60s'"
"""For who is not to be the one that the server gives up."""


class Kind(NamedTuple):
    """Something that a batch locks: three of it in order, how a batch names them, and how anybody else locks one."""

    three: Callable[[Desk], list[str]]
    name: Callable[[Transaction, Sequence[str]], object]
    lock: str


def three_bookings(desk: Desk) -> list[str]:
    ana = desk.join("Ana")
    return sorted(desk.book(ana, DAY + n * HOUR).id for n in range(3))


def name_bookings(transaction: Transaction, ids: Sequence[str]) -> None:
    transaction.expect([UserId(next(IDS))], [BookingId(id_) for id_ in ids], [], catalogue())


def three_users(desk: Desk) -> list[str]:
    return sorted(desk.join(name).id for name in ("Ana", "Bia", "Caio"))


def name_users(transaction: Transaction, ids: Sequence[str]) -> None:
    transaction.expect([UserId(id_) for id_ in ids], [], [], catalogue())


def three_resources(desk: Desk) -> list[str]:
    """Whose locks are numbers, the second half of their ids."""
    return [f"{next(IDS)[:16]}{number:016x}" for number in (1, 2, 3)]


def name_resources(transaction: Transaction, ids: Sequence[str]) -> None:
    resources = [ResourceId(id_) for id_ in ids]
    transaction.claims([(resource, 0, Span(DAY, DAY + HOUR)) for resource in resources], giving=resources)


KINDS = {
    "bookings": Kind(three_bookings, name_bookings, "SELECT 1 FROM booking WHERE id = %s::uuid FOR UPDATE"),
    "users whose bookings count": Kind(three_users, name_users, "SELECT 1 FROM account WHERE id = %s::uuid FOR UPDATE"),
    "resources": Kind(
        three_resources, name_resources, "SELECT pg_advisory_xact_lock(('x' || right(%s, 16))::bit(64)::int8)"
    ),
}


@pytest.fixture
def url(tmp_path: Path) -> str:
    return database_of(tmp_path)


@pytest.fixture
def desks(url: str) -> Iterator[list[Desk]]:
    """Two stores on one database, of a business that limits the number of open bookings."""
    stores = [PostgresStore(url, catalogue) for _ in range(2)]
    made = [Desk(store) for store in stores]
    for store in stores:
        store.numbers.limited = True
    yield made
    for store in stores:
        store.close()


@contextmanager
def held(url: str, lock: str, id_: str) -> Iterator[None]:
    """Within the block somebody else holds the lock."""
    with psycopg.connect(url) as other:
        other.execute(lock, [id_])
        yield


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_batches_that_name_the_same_in_opposite_orders_do_not_lock_each_other_out(
    desks: list[Desk], url: str, kind: Kind
) -> None:
    """Both are stopped half-way: had they begun at different ends, each would now have what the other wants."""

    def run(desk: Desk, ids: Sequence[str]) -> bool:
        with desk.begin() as transaction:
            kind.name(transaction, ids)
        return True

    three = kind.three(desks[0])
    with ThreadPoolExecutor() as threads:
        with held(url, kind.lock, three[1]):
            batches = [threads.submit(run, *each) for each in zip(desks, (three, three[::-1]), strict=True)]
            until(lambda: rows(url, WAITING) == [2])
        assert [batch.result(SECONDS) for batch in batches] == [True, True]


def test_a_batch_that_the_server_gives_up_to_end_a_deadlock_is_decided_again_and_succeeds(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody locks a booking's claim first and then its resource, which is the wrong order."""
    monkeypatch.setattr(postgres_store, "WRITER_SETTINGS", f"{WRITER_SETTINGS}; SET deadlock_timeout = '50ms'")

    def lock_in_the_wrong_order() -> None:
        with psycopg.connect(url) as other:
            other.execute(PATIENT)
            other.execute("SELECT 1 FROM claim FOR UPDATE")
            other.execute(KINDS["resources"].lock, [node.resource])

    def meanwhile() -> None:
        threads.submit(lock_in_the_wrong_order)
        until(blocked(url))

    said = len(server().log.read_bytes())
    with closing(Node(url)) as node, ThreadPoolExecutor() as threads:
        booking = node.booked(node.join("Ana"))
        node.meanwhile = meanwhile
        moved = node.ask(move(booking, DAY + HOUR))
    meter = node.committer.meter
    assert (moved.start, meter.conflicts, meter.reconnects) == (DAY + HOUR, 1, 0)
    assert b"deadlock detected" in server().log.read_bytes()[said:]
