"""A database that is gone, silent or not ours is told as that, whatever was asked, and nothing is lost."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from time import monotonic
from typing import Any

import psycopg
import pytest

from agenda.domain.audit import Head
from agenda.domain.commands import Changes
from agenda.domain.errors import NotFound, Unavailable
from agenda.domain.model import Booking
from agenda.engine import committer
from agenda.engine.committer import BATCH_BOUND
from agenda.engine.ports import Feed, Store, StoreConflict, StoreUnavailable, Transaction
from agenda.prove.lines import Line
from agenda.storage import errors, postgres, postgres_pool, postgres_store
from agenda.storage.postgres_pool import Primary
from agenda.storage.postgres_store import PostgresStore
from tests.postgres import database_of
from tests.storage.line import line_to
from tests.storage.making import DAY, HOUR, Desk, catalogue, claim
from tests.storage.node import Node, cancel, move, rows
from tests.storage.test_contract_of_questions import NOBODY
from tests.storage.test_unavailable import BATCH, QUESTIONS, STORE, methods
from tests.waiting import SECONDS, until

BOOKINGS = "SELECT count(*) FROM booking"
# A batch that has begun is cut off in each of these.
TRANSACTION: dict[str, Callable[[Transaction, Changes], Any]] = {
    **BATCH,
    "now": lambda t, c: t.now(),
    "confirm": lambda t, c: t.confirm(),
    "expect": lambda t, c: t.expect([NOBODY], list(c.made), [], catalogue()),
}


def called(feed: Feed) -> None:
    feed.tell()
    feed.call()


FEED: dict[str, Callable[[Feed], Any]] = {
    "news": lambda f: f.news([], lambda: True),
    "call": called,
}
QUIET = {"writes_as", "own", "tell", "wait", "close"}


def test_every_method_is_tried_below() -> None:
    assert set(TRANSACTION) == methods(Transaction)
    assert set(FEED) | QUIET == methods(Feed)
    assert set(STORE) | {"reader", "feed", "scrub", "checkpoint", "close"} == methods(Store)


@dataclass
class Remote:
    """A store at the far end of a line."""

    line: Line
    store: PostgresStore
    desk: Desk
    changes: Changes

    def cut(self) -> None:
        """Reset all connections, and all that are tried."""
        self.line.cut()
        until(lambda: self.store._writing is None or self.store._writing.broken)


@pytest.fixture(scope="module")
def far(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Line, str]]:
    with line_to(database_of(tmp_path_factory.mktemp("database"))) as line_and_url:
        yield line_and_url


@pytest.fixture
def remote(far: tuple[Line, str]) -> Iterator[Remote]:
    line, url = far
    store = PostgresStore(url, catalogue)
    desk = Desk(store)
    # Nobody knows what becomes of a batch whose line falls silent: each test has an hour of its own.
    booking = desk.made(desk.join(f"user of writer {desk.head.writer}"), DAY + desk.head.writer * HOUR)
    yield Remote(line, store, desk, Changes(made={booking.id: booking}, claimed={booking.id: claim(booking)}))
    line.heal()
    store.close()


@pytest.mark.parametrize("method", TRANSACTION)
def test_a_batch_whose_line_is_cut_is_lost(remote: Remote, method: str) -> None:
    def cut_off() -> None:
        with remote.store.begin() as transaction:
            transaction.names(["Ana"])
            remote.cut()
            TRANSACTION[method](transaction, remote.changes)

    with pytest.raises(errors.StoreBroken):
        cut_off()
    assert remote.store._writing is None


@pytest.mark.parametrize("method", QUESTIONS)
def test_a_question_to_a_database_that_is_gone_is_unavailable(remote: Remote, method: str) -> None:
    remote.cut()
    with pytest.raises(StoreUnavailable):
        QUESTIONS[method](remote.desk.reader)


@pytest.mark.parametrize("method", STORE)
def test_a_store_whose_database_is_gone_is_unavailable_until_it_is_back(remote: Remote, method: str) -> None:
    remote.cut()
    with pytest.raises(StoreUnavailable):
        STORE[method](remote.store)
    remote.line.heal()
    until(lambda: opens(remote.store))


def opens(store: Store) -> bool:
    try:
        store.open_writer()
    except StoreUnavailable:
        return False
    return True


@pytest.mark.parametrize("method", FEED)
def test_a_feed_whose_database_is_gone_is_unavailable_until_it_is_back(remote: Remote, method: str) -> None:
    feed = remote.store.feed()
    feed.news([], lambda: True)
    remote.cut()
    with pytest.raises(StoreUnavailable):
        FEED[method](feed)
    remote.line.heal()
    until(lambda: hears(feed))
    feed.close()


def hears(feed: Feed) -> bool:
    try:
        feed.news([], lambda: True)
    except StoreUnavailable:
        return False
    return True


def test_what_asks_for_no_answer_is_not_disturbed(remote: Remote) -> None:
    remote.cut()
    feed = remote.store.feed()
    feed.writes_as(1)
    feed.own(Head(1))
    feed.tell()
    feed.wait(0.01)
    feed.close()
    remote.store.scrub()
    remote.store.checkpoint()


def test_a_question_to_a_silent_database_is_given_up(remote: Remote, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = remote.desk.reader
    reader.account("Ana")
    monkeypatch.setattr(postgres_pool, "ANSWER_SECONDS", 0.5)
    remote.line.stall()
    began = monotonic()
    with pytest.raises(StoreUnavailable):
        reader.account("Ana")
    assert monotonic() - began < SECONDS


def stalled(remote: Remote) -> None:
    """Save a batch over a line on which nothing arrives any more."""
    with remote.store.begin() as transaction:
        remote.line.stall()
        transaction.save(remote.changes, [])


def test_a_batch_on_a_silent_database_is_given_up(remote: Remote, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_store, "BATCH_SECONDS", 0.5)
    with pytest.raises(errors.StoreBroken):
        stalled(remote)


def test_closing_does_not_wait_for_a_silent_database(remote: Remote, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_store, "BATCH_SECONDS", 2 * SECONDS)
    with ThreadPoolExecutor() as threads:
        working = threads.submit(stalled, remote)
        until(lambda: bool(remote.store._guard._watched))
        began = monotonic()
        remote.store.close()
        assert monotonic() - began < SECONDS
        with pytest.raises(errors.StoreBroken):
            working.result(SECONDS)


# What is no connection's fault


@pytest.fixture
def url(tmp_path: Path) -> str:
    return database_of(tmp_path)


def test_what_a_constraint_refuses_keeps_its_name(remote: Remote) -> None:
    remote.desk.save(remote.changes)
    with pytest.raises(StoreConflict) as refused:
        remote.desk.save(Changes(claimed=remote.changes.claimed))
    assert refused.value.constraint == "claim_no_overlap"


def test_defects_are_not_called_unavailable(remote: Remote) -> None:
    with pytest.raises(Exception, match="nowhere"), remote.store._pool.connection() as connection:
        connection.rows("SELECT * FROM nowhere")


def test_a_question_that_takes_too_long_is_given_up(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        postgres_pool, "READER_SETTINGS", f"{postgres.READER_SETTINGS}; SET statement_timeout = '500ms'"
    )
    with (
        closing(PostgresStore(url, catalogue)) as store,
        pytest.raises(errors.StoreSlow),
        store._pool.connection() as connection,
    ):
        connection.rows("SELECT count(*) FROM generate_series(1, 1000000000)")


def test_a_reader_cannot_write(remote: Remote) -> None:
    with pytest.raises(errors.StoreBroken), remote.store._pool.connection() as connection:
        connection.run("DELETE FROM account")


def test_a_text_with_a_nul_is_not_taken_for_its_beginning(remote: Remote) -> None:
    name = remote.desk.join("Nina").name
    with pytest.raises(Exception, match="NUL"):
        remote.desk.reader.account(f"{name}\0a")


# What a node does about it


@pytest.fixture
def at_the_far_end(url: str) -> Iterator[tuple[Line, Node]]:
    with line_to(url) as (line, near), closing(Node(near)) as node:
        yield line, node
        line.heal()


def test_a_node_that_is_cut_off_for_a_moment_does_what_it_was_asked(at_the_far_end: tuple[Line, Node]) -> None:
    line, node = at_the_far_end
    ana = node.join("Ana")
    node.meanwhile = line.reset
    assert isinstance(node.ask(node.book(ana)), Booking)
    assert node.committer.meter.reconnects == 1


def test_while_the_database_stays_away_all_but_the_first_hear_so_at_once(
    at_the_far_end: tuple[Line, Node], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(committer, "PATIENCE", 0.5)
    line, node = at_the_far_end
    ana = node.join("Ana")
    line.cut()
    assert node.ask(node.book(ana)) == Unavailable()
    monkeypatch.setattr(committer, "PATIENCE", 2 * SECONDS)  # whoever waited for it would have no answer here
    assert [node.ask(node.book(ana)) for _ in range(5)] == [Unavailable()] * 5


def test_of_a_database_that_falls_silent_all_who_wait_hear_together(
    at_the_far_end: tuple[Line, Node], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each try to connect takes seconds, so one for every batch of a crowd would take minutes."""
    line, node = at_the_far_end
    ana = node.join("Ana")
    monkeypatch.setattr(committer, "PATIENCE", 0.1)
    monkeypatch.setattr(postgres_store, "BATCH_SECONDS", 0.5)
    line.stall()
    asked = [node.submit(node.book(ana)) for _ in range(3 * BATCH_BOUND)]
    asked[0].result(SECONDS)
    assert [outcome.result(1) for outcome in asked] == [Unavailable()] * len(asked)


def test_a_node_comes_back_by_itself(at_the_far_end: tuple[Line, Node], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(committer, "PATIENCE", 0.1)
    line, node = at_the_far_end
    ana = node.join("Ana")
    line.cut()
    node.ask(node.book(ana))
    line.heal()
    until(lambda: isinstance(node.ask(node.book(ana, request="the same")), Booking))
    assert node.incidents.seen == []


# The commit itself

WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


@pytest.mark.parametrize("arrives", [True, False], ids=["it arrives", "it does not"])
def test_a_commit_whose_answer_is_lost_is_settled_by_running_it_again(
    at_the_far_end: tuple[Line, Node], url: str, monkeypatch: pytest.MonkeyPatch, arrives: bool
) -> None:
    line, node = at_the_far_end
    wish = node.book(node.join("Ana"))
    commit = postgres.Connection.commit

    def unheard(connection: postgres.Connection) -> None:
        """Once: the answer, or the question, is cut off."""
        monkeypatch.setattr(postgres.Connection, "commit", commit)
        line.stall(there=not arrives)

        def cut() -> None:
            if arrives:
                until(lambda: rows(url, BOOKINGS) == [1])
            line.reset()
            line.heal()

        cutting = Thread(target=cut)
        cutting.start()
        try:
            commit(connection)
        finally:
            cutting.join()

    monkeypatch.setattr(postgres.Connection, "commit", unheard)
    booking = node.ask(wish)
    assert (node.committer.meter.reconnects, rows(url, BOOKINGS)) == (1, [1])
    assert node.ask(wish) == booking


def test_a_batch_that_is_cut_off_while_it_saves_is_waited_for_by_one_process_alone(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_store, "BATCH_SECONDS", 1.0)
    claim = "INSERT INTO claim VALUES (%s, 0, %s, %s, gen_random_uuid())"
    with closing(Node(url)) as node, psycopg.connect(url) as other:
        wish = node.book(node.join("Ana"))
        node.meanwhile = lambda: other.execute(claim, (wish.resource, wish.start, wish.start + HOUR))
        booking = node.submit(wish)
        until(lambda: node.committer.meter.reconnects > 1)
        assert rows(url, WAITING) == [1]
        other.rollback()
        assert isinstance(booking.result(SECONDS), Booking)
    assert rows(url, BOOKINGS) == [1]


def test_nothing_is_asked_of_a_connection_between_a_save_and_its_commit(url: str) -> None:
    with closing(PostgresStore(url, catalogue)) as store, store.writing() as connection:
        connection.begin()
        connection.end([("SELECT 1", ())])
        with pytest.raises(RuntimeError, match="commit"):
            connection.rows("SELECT 2")
        with pytest.raises(RuntimeError, match="commit"):
            connection.together([("SELECT 2", ())])
        connection.undo()


def test_a_node_that_stands_still_in_a_batch_loses_its_locks_and_recovers(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    idle = "SET idle_in_transaction_session_timeout = '2s'; SET lock_timeout = '30s'"
    monkeypatch.setattr(postgres_store, "WRITER_SETTINGS", f"{postgres.WRITER_SETTINGS}; {idle}")
    with closing(Node(url)) as still, closing(Node(url)) as other:
        ana = still.join("Ana")
        booking = still.booked(ana)
        still.meanwhile = lambda: other.ask(cancel(booking))
        outcome = still.ask(move(booking, DAY + HOUR))
    assert (outcome, still.committer.meter.reconnects) == (NotFound("booking"), 1)


def test_a_server_that_was_replaced_is_not_used_any_more(url: str) -> None:
    with closing(PostgresStore(url, catalogue)) as store:
        desk = Desk(store)
        primary: Primary = store._primary
        primary._timeline += 1
        with pytest.raises(errors.StoreAway):
            desk.join("Ana")
        with pytest.raises(errors.StoreAway):
            desk.reader.account("Ana")
