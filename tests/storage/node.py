"""One of several nodes on a PostgreSQL database: its store and its committer, without doors."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from threading import Thread
from typing import Any

import psycopg

from agenda.domain.commands import (
    BookSlot,
    CancelBooking,
    Command,
    EraseUser,
    MoveBooking,
    OpenAccount,
)
from agenda.domain.model import Booking, BookingId, Catalogue, RequestId, ResourceId, ServiceId, User, UserId
from agenda.engine.committer import Committed, Committer
from agenda.engine.health import Health
from agenda.engine.ids import new_ids
from agenda.engine.ports import Mailbox, Reply
from agenda.storage.postgres_store import PostgresStore
from tests.engine.asking import Incidents
from tests.storage.making import DAY, IDS, catalogue
from tests.waiting import SECONDS, until

OFFERED = catalogue()
"""What the databases of these tests offer."""


class Deaf:
    """An aftermath that tells nobody."""

    def beginning(self, writer: int) -> None:
        """Nobody follows."""

    def committed(self, done: Committed) -> list[tuple[Mailbox, Reply, Any]]:
        return []

    def erased(self, user: UserId) -> None:
        """Nothing is left in files."""


class AtOnce:
    """A mailbox that delivers on the committer's own thread."""

    def post(self, deliveries: Sequence[tuple[Reply, Any]]) -> None:
        for reply, value in deliveries:
            reply(value)


class Node:
    """Commits what is asked of it. `meanwhile` runs once, when the next batch has been decided and not yet saved."""

    def __init__(self, url: str, offers: Catalogue = OFFERED) -> None:
        self.store = PostgresStore(url, lambda: offers)
        self.reader = self.store.reader()
        self.incidents = Incidents()
        self.meanwhile: Callable[[], object] | None = None
        offered = self.reader.catalogue()
        self.resource: ResourceId = next(iter(offered.resources))
        self.service: ServiceId = next(iter(offered.services))
        health = Health(self.incidents)
        self.committer = Committer(self.store, offered, Deaf(), self.incidents, health, new_ids(), salts=self._salts)
        self.committer.start()

    def _salts(self, size: int) -> bytes:
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            meanwhile()
        return bytes(size)

    def submit(self, command: Command) -> "Future[Any]":
        """What will become of a command."""
        outcome = Future[Any]()
        self.committer.submit(command, AtOnce(), outcome.set_result)
        return outcome

    def ask(self, command: Command) -> Any:
        """What becomes of a command."""
        return self.submit(command).result(SECONDS)

    def join(self, name: str) -> User:
        """A new user."""
        user = UserId(next(IDS))
        opened = self.ask(account(name, user))
        assert isinstance(opened, User)
        return opened

    def booked(self, user: User, start: Any = DAY) -> Booking:
        """A booking that must succeed."""
        booking = self.ask(self.book(user, start))
        assert isinstance(booking, Booking)
        return booking

    def book(self, user: User, start: Any = DAY, request: str | None = None) -> BookSlot:
        return BookSlot(user.id, _request(request), b"book", start, self.service, self.resource)

    def close(self) -> None:
        self.committer.stop()
        self.store.close()


def account(name: str, user: UserId | None = None) -> OpenAccount:
    token = next(IDS).encode()
    return OpenAccount(user or UserId(next(IDS)), _request(), b"", name, "hash", token, "en", fresh=True)


def move(booking: Booking, start: Any, request: str | None = None) -> MoveBooking:
    return MoveBooking(booking.user, _request(request), b"move", booking.id, start)


def cancel(booking: Booking, request: str | None = None) -> CancelBooking:
    return CancelBooking(booking.user, _request(request), b"cancel", BookingId(booking.id))


def erasure(user: User, request: str | None = None) -> EraseUser:
    return EraseUser(user.id, _request(request), b"erase")


def _request(name: str | None = None) -> RequestId:
    return RequestId(name or next(IDS))


@contextmanager
def nodes(url: str, count: int) -> Iterator[list[Node]]:
    """Some nodes on one database, closed at the end of the block."""
    opened: list[Node] = []
    try:
        opened.extend(Node(url) for _ in range(count))
        yield opened
    finally:
        for node in opened:
            node.close()


def rows(url: str, question: str) -> list[Any]:
    """The first column of what a question gives, asked beside all programs."""
    with psycopg.connect(url, autocommit=True) as connection:
        answer = connection.execute(question)
        return [row[0] for row in answer] if answer.description else []


def blocked(url: str) -> Callable[[], bool]:
    """Whether any transaction on the database waits for another."""
    question = (
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE datname = current_database() AND cardinality(pg_blocking_pids(pid)) > 0"
    )
    return lambda: rows(url, question) != [0]


def while_it_waits(url: str, ask: Callable[[], "Future[Any]"], later: "Future[Any]") -> Callable[[], None]:
    """For `Node.meanwhile`: ask another node, and go on when it waits for us; what becomes of it is told to `later`."""

    def meanwhile() -> None:
        outcome = ask()
        outcome.add_done_callback(lambda done: later.set_result(done.result()))
        until(blocked(url))

    return meanwhile


def at_once(*tasks: Callable[[], Any]) -> list[Any]:
    """What the tasks return, run by a thread each."""
    results: dict[int, Any] = {}
    threads = [
        Thread(target=lambda place=place, task=task: results.__setitem__(place, task()))
        for place, task in enumerate(tasks)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)
    return [results[place] for place in range(len(tasks))]
