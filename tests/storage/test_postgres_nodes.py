"""Several nodes on one database: whatever they do at the same time, it is as if one of them had been first."""

from collections.abc import Iterator
from concurrent.futures import Future
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from agenda.domain.codes import number
from agenda.domain.commands import EraseUser, Receipt
from agenda.domain.errors import LimitReached, NameTaken, NotFound, NotSignedIn, SlotTaken, Unavailable
from agenda.domain.model import Booking, RequestId, Status, User
from agenda.domain.times import Span
from agenda.engine.ports import StoreConflict
from agenda.storage import postgres_store
from agenda.storage.errors import StoreBroken
from agenda.storage.postgres import WRITER_SETTINGS
from agenda.storage.postgres_store import PostgresStore
from agenda.storage.postgres_transaction import PostgresTransaction
from tests.postgres import database_of
from tests.storage.making import DAY, HOUR, Desk, catalogue
from tests.storage.node import Node, account, at_once, cancel, erasure, move, nodes, rows, while_it_waits
from tests.waiting import SECONDS


@pytest.fixture
def url(tmp_path: Path) -> str:
    return database_of(tmp_path)


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine must not be taken for a node that stands still."""
    patient = "SET idle_in_transaction_session_timeout = '60s'; SET lock_timeout = '60s'"
    monkeypatch.setattr(postgres_store, "WRITER_SETTINGS", f"{WRITER_SETTINGS}; {patient}")


@pytest.fixture
def pair(url: str) -> Iterator[list[Node]]:
    """Two nodes on one database."""
    with nodes(url, 2) as two:
        yield two


@pytest.fixture
def one(pair: list[Node]) -> Node:
    return pair[0]


@pytest.fixture
def other(pair: list[Node]) -> Node:
    return pair[1]


@pytest.fixture
def desks(url: str) -> Iterator[list[Desk]]:
    """Two stores on one database, whose batches are saved by hand."""
    stores = [PostgresStore(url, catalogue) for _ in range(2)]
    yield [Desk(store) for store in stores]
    for store in stores:
        store.close()


def live(node: Node, *users: User) -> list[Booking]:
    return [booking for user in users for booking in node.reader.bookings(user.id, Status.BOOKED)]


def claimed(node: Node) -> list[Span]:
    return [one.span for one in node.reader.occupied(node.resource, Span(DAY, DAY + 24 * HOUR))]


# What the constraint says


def test_a_claim_that_another_node_took_after_our_look_is_a_conflict_and_nothing_is_saved(desks: list[Desk]) -> None:
    ours, theirs = desks
    ana, bia = ours.join("Ana"), theirs.join("Bia")
    changes = ours.changes_of(ours.made(ana, DAY))

    def late() -> None:
        with ours.begin() as transaction:
            assert transaction.claims([(ours.resource, 0, Span(DAY, DAY + HOUR))]) == []
            theirs.book(bia, DAY + HOUR / 2)
            transaction.save(changes, [])

    with pytest.raises(StoreConflict) as refused:
        late()
    assert refused.value.constraint == "claim_no_overlap"
    assert (ours.reader.bookings(ana.id, None), len(ours.occupied())) == ([], 1)


def test_a_claim_that_is_not_there_any_more_cannot_be_given_up(desks: list[Desk]) -> None:
    ours, theirs = desks
    booking = ours.book(ours.join("Ana"))
    theirs.cancel(booking)
    with pytest.raises(StoreConflict) as refused:
        ours.move((booking, DAY + 3 * HOUR))
    assert (refused.value.constraint, ours.occupied()) == ("claim_missing", [])


# Decided again


def test_who_wants_what_another_node_took_after_our_look_is_told_that_it_is_taken(one: Node, other: Node) -> None:
    ana, bia = one.join("Ana"), other.join("Bia")
    one.meanwhile = lambda: other.booked(bia)
    assert one.ask(one.book(ana)) == SlotTaken(one.resource, DAY)
    assert (one.committer.meter.conflicts, live(one, ana, bia)) == (1, live(other, bia))


def test_who_wants_to_move_to_what_another_node_took_keeps_what_he_has(one: Node, other: Node) -> None:
    ana, bia = one.join("Ana"), other.join("Bia")
    booking = one.booked(ana)
    outcome = Future[Any]()
    one.meanwhile = while_it_waits(url_of(one), lambda: other.submit(other.book(bia, DAY + HOUR)), outcome)
    moved = one.ask(move(booking, DAY + HOUR))
    assert isinstance(moved, Booking)
    assert outcome.result(SECONDS) == SlotTaken(one.resource, DAY + HOUR)


def test_a_request_that_two_nodes_get_at_once_happens_once_and_is_answered_alike(one: Node, other: Node) -> None:
    ana = one.join("Ana")
    wish = one.book(ana, request="once")
    outcomes: list[Any] = []
    one.meanwhile = lambda: outcomes.append(other.ask(wish))
    outcomes.append(one.ask(wish))
    assert outcomes[0] == outcomes[1]
    assert live(one, ana) == outcomes[:1]


def test_a_refusal_that_two_nodes_give_at_once_is_one_refusal(one: Node, other: Node, url: str) -> None:
    ana, bia = one.join("Ana"), one.join("Bia")
    one.booked(bia)
    wish = one.book(ana, request="once")
    one.meanwhile = lambda: other.ask(wish)
    assert one.ask(wish) == SlotTaken(one.resource, DAY)
    assert rows(url, "SELECT count(*) FROM audit WHERE outcome = 'slot_taken'") == [1]


@pytest.mark.parametrize("rounds", [20])
def test_requests_that_are_sent_to_two_nodes_at_once_are_answered_alike(one: Node, other: Node, rounds: int) -> None:
    ana, bia = one.join("Ana"), one.join("Bia")
    for n in range(rounds):
        start = DAY + n % 10 * HOUR
        wishes = [one.book(user, start, f"{user.id} {n}") for user in (ana, bia)]
        answers = at_once(*(lambda w=w, node=node: node.ask(w) for w in wishes for node in (one, other)))
        assert (answers[0], answers[2]) == (answers[1], answers[3])
        assert sum(isinstance(answer, Booking) for answer in answers) == (2 if n < 10 else 0)


def test_a_name_that_two_nodes_give_at_once_is_given_once(one: Node, other: Node) -> None:
    one.meanwhile = lambda: other.join("Ana")
    assert one.ask(account("Ana")) == NameTaken()
    assert (one.committer.meter.conflicts, one.incidents.seen) == (1, [])


def test_what_is_against_a_rule_of_the_database_whatever_is_decided_is_given_up_and_logged(
    one: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Claims that decide() cannot see, as if its own rules were wrong."""
    ana = one.join("Ana")
    one.booked(ana)
    monkeypatch.setattr(PostgresTransaction, "claims", lambda *_: [])
    assert one.ask(one.book(ana)) == Unavailable()
    assert [str(incident) for incident in one.incidents.seen] == ["claim_no_overlap"]


# One waits for the other


def url_of(node: Node) -> str:
    return node.store._primary._url


def test_who_is_erased_while_he_books_at_another_node_leaves_no_booking(one: Node, other: Node, url: str) -> None:
    ana = one.join("Ana")
    receipt = Future[Any]()
    one.meanwhile = while_it_waits(url, lambda: other.submit(erasure(ana)), receipt)
    booked = one.ask(one.book(ana))
    assert isinstance(booked, Booking)
    assert receipt.result(SECONDS).bookings == 1
    assert (claimed(one), rows(url, "SELECT count(*) FROM booking")) == ([], [0])


def test_who_books_while_he_is_erased_at_another_node_is_nobody(one: Node, other: Node, url: str) -> None:
    ana = one.join("Ana")
    booked = Future[Any]()
    other.meanwhile = while_it_waits(url, lambda: one.submit(one.book(ana)), booked)
    assert isinstance(other.ask(erasure(ana)), Receipt)
    assert booked.result(SECONDS) == NotSignedIn()
    assert (claimed(one), rows(url, "SELECT count(*) FROM booking")) == ([], [0])


def test_what_is_cancelled_while_it_is_moved_frees_the_place_to_which_it_went(one: Node, other: Node, url: str) -> None:
    booking = one.booked(one.join("Ana"))
    cancelled = Future[Any]()
    one.meanwhile = while_it_waits(url, lambda: other.submit(cancel(booking)), cancelled)
    moved = one.ask(move(booking, DAY + 3 * HOUR))
    last = cancelled.result(SECONDS)
    assert (last.start, last.status) == (moved.start, Status.CANCELLED)
    assert (claimed(one), other.committer.meter.conflicts) == ([], 0)


def test_what_is_moved_while_it_is_cancelled_stays_cancelled(one: Node, other: Node, url: str) -> None:
    booking = one.booked(one.join("Ana"))
    moved = Future[Any]()
    other.meanwhile = while_it_waits(url, lambda: one.submit(move(booking, DAY + 3 * HOUR)), moved)
    other.ask(cancel(booking))
    assert moved.result(SECONDS) == NotFound("booking")
    assert claimed(one) == []


def test_what_two_nodes_move_at_once_ends_at_one_place(one: Node, other: Node, url: str) -> None:
    ana = one.join("Ana")
    booking = one.booked(ana)
    second = Future[Any]()
    one.meanwhile = while_it_waits(url, lambda: other.submit(move(booking, DAY + 5 * HOUR)), second)
    one.ask(move(booking, DAY + 3 * HOUR))
    last = second.result(SECONDS)
    assert live(one, ana) == [last]
    assert claimed(one) == [Span(DAY + 5 * HOUR, DAY + 6 * HOUR)]


def test_a_limit_of_open_bookings_counts_what_another_node_is_booking(one: Node, other: Node, url: str) -> None:
    rows(url, "UPDATE business SET open_bookings = 1, config_version = config_version + 1")
    ana = one.join("Ana")
    second = Future[Any]()
    one.meanwhile = while_it_waits(url, lambda: other.submit(other.book(ana, DAY + HOUR)), second)
    one.booked(ana)
    assert second.result(SECONDS) == LimitReached(1)
    assert len(live(one, ana)) == 1


def test_swaps_over_two_nodes_do_not_lock_each_other_out(one: Node, other: Node) -> None:
    """Each gives up what the other wants, again and again: nobody waits for a second, nothing is held twice."""
    ana, bia = one.join("Ana"), other.join("Bia")
    hers, his = one.booked(ana), other.booked(bia, DAY + HOUR)
    for n in range(1, 25):
        there, here = DAY + (n + 1) % 3 * HOUR, DAY + n % 3 * HOUR
        at_once(lambda: one.ask(move(hers, there)), lambda: other.ask(move(his, here)))  # noqa: B023  # run at once
    assert (len(claimed(one)), one.incidents.troubles, other.incidents.troubles) == (2, [], [])
    assert sorted(b.start for b in live(one, ana, bia)) == sorted(span.start for span in claimed(one))


# What nodes have in common


def test_booking_numbers_are_never_given_twice(one: Node, other: Node) -> None:
    ana, bia = one.join("Ana"), other.join("Bia")
    starts = [DAY + timedelta(days=n // 12, hours=n % 12) for n in range(48)]
    wishes = [
        (other, other.book(bia, start)) if n % 2 else (one, one.book(ana, start)) for n, start in enumerate(starts)
    ]
    outcomes = [waiting.result(SECONDS) for waiting in [node.submit(wish) for node, wish in wishes]]
    assert len({number(booking.code) for booking in outcomes}) == len(wishes)
    assert one.committer.meter.conflicts + other.committer.meter.conflicts == 0


def test_the_time_of_a_booking_is_that_of_the_database_whatever_the_clock_of_the_node(one: Node, url: str) -> None:
    """The database's clock is put an hour ahead, which is the same as a node's that is an hour late."""
    ahead = "RETURNS timestamptz LANGUAGE sql AS 'SELECT pg_catalog.clock_timestamp() + interval ''1 hour'''"
    rows(url, f"CREATE FUNCTION public.clock_timestamp() {ahead}")
    rows(url, f"ALTER DATABASE {url.rpartition('/')[2]} SET search_path = public, pg_catalog")
    with nodes(url, 1) as [late]:
        booking = late.booked(late.join("Ana"))
    [ahead_by] = rows(url, f"SELECT {booking.created.timestamp():.0f} - extract(epoch FROM now())::int")
    assert 3500 <= ahead_by <= 3600


def test_what_is_offered_is_read_again_when_another_node_has_changed_it(one: Node, url: str) -> None:
    ana = one.join("Ana")
    rows(url, "UPDATE opening SET opens = 600; UPDATE business SET config_version = config_version + 1")
    assert str(one.ask(one.book(ana))).startswith("slot_not_offered")


def test_a_node_whose_chain_the_database_has_lost_begins_another(one: Node, url: str) -> None:
    """As after a restore, or a failover to a server that lacks it: nobody would hear of what is written on."""
    ana = one.join("Ana")
    with psycopg.connect(url, autocommit=True) as database:
        database.execute("DELETE FROM audit")
        database.execute("DELETE FROM writer")
    one.booked(ana)
    assert rows(url, "SELECT a.seq FROM audit a JOIN writer w ON w.writer = a.writer AND w.seq = a.seq") == [1]


def test_a_receipt_is_given_again_for_a_day_by_the_clock_of_the_database(
    one: Node, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana = one.join("Ana")
    one.ask(EraseUser(ana.id, RequestId("farewell"), b"f"))
    with psycopg.connect(url, autocommit=True) as database:
        database.execute("UPDATE erasure SET at = at - interval '23 hours 59 minutes'")
        assert len(one.reader.gone(RequestId("farewell"))) == 1
        database.execute("UPDATE erasure SET at = at - interval '2 minutes'")
    assert one.reader.gone(RequestId("farewell")) == []


def test_a_store_that_answers_again_is_not_away_although_the_batch_was_given_up(
    one: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise failures.pop(0)

    ana = one.join("Ana")
    failures: list[Exception] = [StoreBroken("here"), *(StoreConflict("claim_no_overlap") for _ in range(5))]
    with monkeypatch.context() as broken:
        broken.setattr(PostgresTransaction, "save", fails)
        one.ask(one.book(ana))
    assert one.committer.health._troubled == {}
