"""The database server is killed, loses its connections and is replaced: what was promised holds, nothing is doubled."""

import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Event, Lock
from typing import Any

import pytest

from agenda.domain.commands import BookSlot
from agenda.domain.errors import SlotTaken, Unavailable
from agenda.domain.model import Booking, Status
from agenda.engine import committer
from agenda.engine.ports import StoreUnavailable
from agenda.storage import errors, postgres_store
from agenda.storage.postgres_store import PostgresStore
from tests.faults.database import Breakable, ended, replicated
from tests.storage.making import DAY, HOUR, catalogue
from tests.storage.node import Node, nodes, rows
from tests.waiting import SECONDS, until

pytestmark = [pytest.mark.faults, pytest.mark.slow]

SEED = 20261125
STARTS = [DAY + day * 24 * HOUR + n * HOUR for day in range(20) for n in range(12)]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Breakable]:
    it = Breakable(tmp_path / "server")
    with ended(it):
        it.start()
        yield it


class Clients:
    """Users of two nodes who book without pause, each wish with a request of its own; all answers are kept."""

    def __init__(self, both: list[Node]) -> None:
        self.answers: list[tuple[BookSlot, Any]] = []
        self._both = both
        self._users = [both[0].join(f"user {n}") for n in range(4)]
        self._done = Event()
        self._lock = Lock()

    def _work(self, rank: int) -> None:
        dice = random.Random(f"{SEED} {rank}")
        while not self._done.is_set():
            wish = self._both[0].book(self._users[rank], dice.choice(STARTS))
            answer = dice.choice(self._both).ask(wish)
            with self._lock:
                self.answers.append((wish, answer))

    @contextmanager
    def at_work(self) -> Iterator[None]:
        with ThreadPoolExecutor() as threads:
            working = [threads.submit(self._work, rank) for rank in range(len(self._users))]
            try:
                yield
            finally:
                self._done.set()
            for each in working:
                each.result(SECONDS)

    def wait_for(self, more: int) -> None:
        """Return when so many more answers have come."""
        enough = len(self.answers) + more
        until(lambda: len(self.answers) >= enough)

    def hold(self) -> dict[str, Booking]:
        """Ask everything again: who had an answer gets the same one. All bookings that were promised, by their id."""
        bookings: dict[str, Booking] = {}
        for wish, answer in self.answers:
            again = self._both[0].ask(wish)
            assert isinstance(again, Booking | SlotTaken)
            assert answer in (again, Unavailable())
            if isinstance(again, Booking):
                bookings[again.id] = again
        return bookings


def assert_kept(node: Node, promised: dict[str, Booking]) -> None:
    users = {booking.user for booking in promised.values()}
    stored = [booking for user in users for booking in node.reader.bookings(user, Status.BOOKED)]
    assert {booking.id: booking for booking in stored} == promised
    assert len({booking.start for booking in stored}) == len(stored)


def test_a_server_that_is_killed_and_started_again_loses_and_doubles_nothing(server: Breakable) -> None:
    with nodes(server.url, 2) as both:
        clients = Clients(both)
        with clients.at_work():
            for _ in range(3):
                clients.wait_for(40)
                server.kill()
                server.start()
            clients.wait_for(40)
        assert_kept(both[0], clients.hold())
        assert [node.incidents.seen for node in both] == [[], []]


def test_connections_that_are_ended_at_any_moment_lose_and_double_nothing(server: Breakable) -> None:
    """The server ends them one after the other, as an operator may; no client notices."""
    end = (
        "SELECT count(pg_terminate_backend(pid)) FROM (SELECT pid FROM pg_stat_activity "
        "WHERE application_name = 'agenda' ORDER BY random() LIMIT 1) AS victims"
    )
    with nodes(server.url, 2) as both:
        clients = Clients(both)
        with clients.at_work():
            for _ in range(60):
                clients.wait_for(3)
                rows(server.url, end)
        assert Unavailable() not in [answer for _, answer in clients.answers]
        assert_kept(both[0], clients.hold())
        assert sum(node.committer.meter.reconnects for node in both) > 10
        assert [node.incidents.seen for node in both] == [[], []]


def test_a_primary_that_becomes_read_only_is_let_go_of_and_used_again_when_it_takes_writes(
    server: Breakable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(committer, "PATIENCE", 0.3)
    with closing(Node(server.url)) as node:
        ana = node.join("Ana")
        turn(server, "on")
        until(lambda: node.ask(node.book(ana)) == Unavailable())
        turn(server, "off")
        until(lambda: isinstance(node.ask(node.book(ana, request="the same")), Booking | SlotTaken))
        assert node.incidents.seen == []


def turn(server: Breakable, read_only: str) -> None:
    server.sql(f"ALTER SYSTEM SET default_transaction_read_only = {read_only}")
    server.sql("SELECT pg_reload_conf()")


def test_a_server_that_takes_no_writes_is_refused(server: Breakable) -> None:
    PostgresStore(server.url, catalogue).close()
    turn(server, "on")
    with pytest.raises(errors.StoreAway) as refused:
        PostgresStore(server.url, catalogue)
    assert "read-only" in str(refused.value.__cause__)


def test_of_several_hosts_the_one_that_answers_is_used(server: Breakable) -> None:
    hosts = server.url.replace("127.0.0.1:", "127.0.0.1:9,127.0.0.1:")
    with closing(Node(hosts)) as node:
        node.booked(node.join("Ana"))


def ask_until_done(node: Node, wish: BookSlot) -> Callable[[], bool]:
    return lambda: isinstance(node.ask(wish), Booking)


def test_a_primary_that_was_replaced_while_it_stood_still_is_not_heard_any_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When it goes on, it stands first among the hosts, takes itself for the primary, and its connections are open."""
    with replicated(tmp_path) as (primary, standby):
        hosts = f"postgresql://agenda@127.0.0.1:{primary.port},127.0.0.1:{standby.port}/postgres?connect_timeout=2"
        with closing(Node(hosts)) as node:
            ana = node.join("Ana")
            first = node.booked(ana)
            monkeypatch.setattr(postgres_store, "BATCH_SECONDS", 1.0)
            primary.pause()
            standby.promote()
            standby.sql("ALTER SYSTEM SET synchronous_standby_names = ''")
            standby.sql("SELECT pg_reload_conf()")
            until(ask_until_done(node, node.book(ana, DAY + HOUR, "second")))
            primary.resume()
            node.store._let_go()
            assert isinstance(node.ask(node.book(ana, DAY + 2 * HOUR)), Booking)
            assert [booking.start for booking in told(node, ana.id)] == [first.start + n * HOUR for n in range(3)]
            assert rows(primary.url, "SELECT count(*) FROM booking") == [1]


def told(node: Node, user: Any) -> list[Booking]:
    """The user's bookings, from a question that could be asked; each is asked on another connection."""
    answers = []
    for _ in range(5):
        try:
            answers.append(node.reader.bookings(user, None))
        except StoreUnavailable:
            continue
    assert all(answer == answers[0] for answer in answers)
    return answers[0]
