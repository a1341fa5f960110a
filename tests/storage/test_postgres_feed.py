"""The feed between nodes on a real PostgreSQL: everything is told, once, and as it is."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread
from time import monotonic

import psycopg
import pytest

from agenda.domain.audit import Head
from agenda.domain.commands import CloseSession, NoteAttempt
from agenda.domain.errors import SlotTaken
from agenda.domain.model import Booking, BookingId, RequestId, User
from agenda.engine.ports import Booked, News, Place, StoreUnavailable
from agenda.storage import chains, postgres_feed
from agenda.storage.postgres_feed import PostgresFeed
from tests.postgres import database_of
from tests.storage.making import DAY, HOUR, IDS, Desk
from tests.storage.node import Node, at_once, cancel, erasure, move, nodes, rows
from tests.waiting import SECONDS


@pytest.fixture
def url(tmp_path: Path) -> str:
    return database_of(tmp_path)


@pytest.fixture
def pair(url: str) -> Iterator[list[Node]]:
    """Two nodes on one database."""
    with nodes(url, 2) as two:
        yield two


@pytest.fixture
def other(pair: list[Node]) -> Node:
    """The node that writes."""
    return pair[1]


@pytest.fixture
def ana(other: Node) -> User:
    return other.join("Ana")


class Reader:
    """A node's feed, looked at by hand."""

    def __init__(self, node: Node) -> None:
        self.feed: PostgresFeed = node.store.feed()
        self.look()

    def look(self, again: Collection[BookingId] = (), *, warm: bool = True) -> News:
        return self.feed.news(again, lambda: warm)

    @property
    def server_process(self) -> int:
        assert self.feed._connection is not None
        return self.feed._connection.raw.info.backend_pid


@pytest.fixture
def reader(pair: list[Node], ana: User) -> Iterator[Reader]:
    """The feed of the node that writes nothing; it has looked once, after Ana had come."""
    it = Reader(pair[0])
    yield it
    it.feed.close()


def told(booking: Booking) -> Booked:
    return Booked(booking.id, booking.resource, booking.span, booking.user)


def place(booking: Booking) -> Place:
    return Place(booking.id, booking.resource, booking.span)


# What is told


def test_the_first_look_tells_nothing_of_the_past(reader: Reader, other: Node, ana: User) -> None:
    other.booked(ana)
    with_past = PostgresFeed(reader.feed._source, reader.feed._guard)
    assert with_past.news((), lambda: True) == News(version=1)
    with_past.close()


def test_a_booking_of_another_node_is_told_with_its_claim(reader: Reader, other: Node, ana: User) -> None:
    booking = other.booked(ana)
    news = reader.look()
    assert (news.whole, news.entries, news.places) == (True, 1, [])
    assert news.bookings == {booking.id: told(booking)}
    assert [(claim.span, claim.booking) for claim in news.claims] == [(booking.span, booking.id)]


def test_what_was_told_is_not_told_again(reader: Reader, other: Node, ana: User) -> None:
    other.booked(ana)
    reader.look()
    assert reader.look() == News(version=1)


def test_a_move_names_the_place_that_was_left_and_shows_where_the_booking_is_now(
    reader: Reader, other: Node, ana: User
) -> None:
    booking = other.booked(ana)
    reader.look()
    moved = other.ask(move(booking, DAY + HOUR))
    news = reader.look()
    assert (news.places, news.bookings) == ([place(booking)], {booking.id: told(moved)})
    assert [claim.span for claim in news.claims] == [moved.span]


def test_a_cancelled_booking_is_told_without_a_claim(reader: Reader, other: Node, ana: User) -> None:
    booking = other.booked(ana)
    reader.look()
    other.ask(cancel(booking))
    news = reader.look()
    assert (news.places, news.bookings, news.claims) == ([], {booking.id: told(booking)}, [])


def test_what_happened_between_two_looks_is_told_as_it_came_out(reader: Reader, other: Node, ana: User) -> None:
    booking = other.booked(ana)
    moved = other.ask(move(booking, DAY + HOUR))
    news = reader.look()
    assert (news.places, news.bookings) == ([place(booking)], {booking.id: told(moved)})
    assert [claim.span for claim in news.claims] == [moved.span]


def test_a_refusal_is_an_entry_and_no_news(reader: Reader, other: Node, ana: User) -> None:
    other.booked(ana)
    reader.look()
    assert isinstance(other.ask(other.book(ana)), SlotTaken)
    assert reader.look() == News(version=1, entries=1)


def test_a_closed_session_is_told_by_the_beginning_of_its_digest(reader: Reader, other: Node, ana: User) -> None:
    digest = bytes(range(32))
    other.ask(CloseSession(ana.id, RequestId(next(IDS)), b"", digest, fresh=True))
    assert reader.look().closed == [digest[:8].hex()]


def test_an_erased_user_is_told_although_his_entries_are_blank(reader: Reader, other: Node, ana: User) -> None:
    other.booked(ana)
    other.ask(erasure(ana))
    news = reader.look()
    assert (news.whole, news.erased, news.places) == (True, [ana.id], [])


def test_a_new_version_of_what_is_offered_is_told(reader: Reader, url: str) -> None:
    rows(url, "UPDATE business SET config_version = config_version + 1")
    assert reader.look().version == 2


def test_while_nobody_looks_at_slots_only_ends_are_told(reader: Reader, other: Node, ana: User) -> None:
    other.booked(ana)
    other.ask(CloseSession(ana.id, RequestId(next(IDS)), b"", bytes(32), fresh=True))
    news = reader.look(warm=False)
    assert (news.entries, news.places, news.closed) == (2, [], [bytes(8).hex()])


def test_a_booking_that_is_asked_for_again_is_told_without_an_entry(reader: Reader, other: Node, ana: User) -> None:
    booking = other.booked(ana)
    reader.look()
    news = reader.look([booking.id])
    assert (news.places, news.bookings) == ([], {booking.id: told(booking)})
    assert [claim.booking for claim in news.claims] == [booking.id]


def test_nothing_is_missed_or_told_twice_while_many_write(url: str, pair: list[Node], reader: Reader) -> None:
    with nodes(url, 3) as writers:
        people = [writer.join(f"user {number}") for number, writer in enumerate(writers)]
        reader.look()
        done, heard = Event(), list[News]()

        def listen() -> None:
            while not done.is_set():
                heard.append(reader.look())
            heard.append(reader.look())

        def write(number: int) -> list[BookingId]:
            days = (DAY + timedelta(days=day * 3 + number) for day in range(15))
            return [writers[number].booked(people[number], day).id for day in days]

        listener = Thread(target=listen)
        listener.start()
        made = [id_ for ids in at_once(*(lambda n=n: write(n) for n in range(3))) for id_ in ids]
        done.set()
        listener.join(SECONDS)
    ids = [id_ for news in heard for id_ in news.bookings]
    assert sorted(ids) == sorted(made)
    assert all(news.whole for news in heard)


# The own chain


@pytest.fixture
def desk(pair: list[Node]) -> Desk:
    """What the reader's own node writes, by hand."""
    return Desk(pair[0].store)


def test_what_this_node_writes_itself_is_no_news(reader: Reader, desk: Desk, ana: User) -> None:
    reader.feed.writes_as(desk.head.writer)
    desk.book(ana)
    assert reader.look() == News(version=1)


def test_a_commit_of_this_node_that_was_never_heard_of_is_news_once_it_writes_another_chain(
    reader: Reader, desk: Desk, ana: User
) -> None:
    reader.feed.writes_as(desk.head.writer)
    told = desk.book(ana)
    reader.feed.own(desk.head)
    unheard = desk.book(ana, DAY + HOUR)
    reader.look()
    reader.feed.writes_as(desk.store.open_writer().writer)
    assert told.id not in (news := reader.look()).bookings
    assert list(news.bookings) == [unheard.id]


def test_so_is_the_very_first_commit_of_a_chain(reader: Reader, desk: Desk, ana: User) -> None:
    reader.feed.writes_as(desk.head.writer)
    unheard = desk.book(ana)
    reader.look()
    reader.feed.writes_as(desk.store.open_writer().writer)
    assert list(reader.look().bookings) == [unheard.id]


def test_and_one_that_is_given_up_while_a_look_is_under_way(reader: Reader, desk: Desk, other: Node, ana: User) -> None:
    reader.feed.writes_as(desk.head.writer)
    unheard = desk.book(ana)
    other.booked(ana, DAY + HOUR)
    next_chain = desk.store.open_writer().writer

    def give_up() -> bool:
        reader.feed.writes_as(next_chain)
        return True

    reader.feed.news((), give_up)
    assert list(reader.look().bookings) == [unheard.id]


# When something may be missing


def test_a_chain_that_does_not_pass_through_what_was_its_end_is_not_whole(
    reader: Reader, other: Node, ana: User, url: str
) -> None:
    other.booked(ana)
    reader.look()
    rows(url, "UPDATE audit SET hash = sha256(hash) WHERE action = 'booking.create'")
    other.booked(ana, DAY + HOUR)
    assert not reader.look().whole


def test_an_end_that_is_another_one_is_not_whole(reader: Reader, other: Node, ana: User, url: str) -> None:
    other.booked(ana)
    reader.look()
    rows(url, "UPDATE writer SET hash = sha256(hash)")
    assert not reader.look().whole


def test_a_chain_that_goes_backwards_is_not_whole_and_is_followed_from_there(
    reader: Reader, other: Node, ana: User, url: str
) -> None:
    other.booked(ana)
    reader.look()
    rows(url, "UPDATE writer SET seq = seq - 1 WHERE seq > 0")
    assert not reader.look().whole
    assert reader.look() == News(version=1)


def test_the_own_chain_that_goes_backwards_is_not_whole(reader: Reader, desk: Desk, ana: User, url: str) -> None:
    reader.feed.writes_as(desk.head.writer)
    desk.book(ana)
    reader.feed.own(desk.head)
    rows(url, f"UPDATE writer SET seq = 0 WHERE writer = {desk.head.writer}")
    assert not reader.look().whole
    assert reader.look().whole


def test_a_chain_that_is_gone_is_not_whole(reader: Reader, other: Node, ana: User, url: str) -> None:
    other.booked(ana)
    reader.look()
    rows(url, "DELETE FROM writer")
    assert not reader.look().whole


def test_on_another_server_nothing_is_taken_for_whole(reader: Reader) -> None:
    assert reader.feed._connection is not None
    reader.feed._connection.timeline += 1
    assert not reader.look().whole
    assert reader.look().whole


def test_what_is_too_much_to_be_read_is_not_whole_and_not_read(
    reader: Reader, other: Node, ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_feed, "MOST", 2)
    for number in range(3):
        other.ask(NoteAttempt(ana.id, RequestId(f"note {number}"), b"", "user.export", "ok", fresh=True))
    assert reader.look() == News(whole=False, version=1, entries=3)
    assert reader.look() == News(version=1)


# Chains that rest


@pytest.fixture
def asleep(reader: Reader, other: Node, monkeypatch: pytest.MonkeyPatch) -> Reader:
    """A feed that asks for no end in particular any more."""
    monkeypatch.setattr(chains, "MOST_AWAKE", 0)
    reader.look()
    reader.look()
    assert not set(reader.feed._chains._awake or ()) - {0}
    return reader


def test_a_chain_that_was_asleep_is_heard_when_it_goes_on(asleep: Reader, other: Node, ana: User) -> None:
    first, second = other.booked(ana), other.booked(ana, DAY + HOUR)
    news = asleep.look()
    assert (news.whole, news.entries, set(news.bookings)) == (True, 2, {first.id, second.id})


def test_it_falls_asleep_again_and_is_heard_again(asleep: Reader, other: Node, ana: User) -> None:
    other.booked(ana)
    for _ in range(3):
        asleep.look()
    again = other.booked(ana, DAY + HOUR)
    assert asleep.look().bookings == {again.id: told(again)}


def test_a_chain_that_vanished_in_its_sleep_is_not_whole_and_that_only_once(asleep: Reader, url: str) -> None:
    rows(url, "DELETE FROM writer WHERE seq > 0")
    assert not asleep.look().whole
    assert asleep.look() == News(version=1)


def test_the_ends_of_chains_that_rest_are_not_fetched(asleep: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    fetched: list[object] = []
    connection = asleep.feed._connection
    assert connection is not None
    fetch = connection.rows

    def rows_of(words: str, values: Sequence[object] = ()) -> list[object]:
        fetched.extend(found := fetch(words, values))
        return list(found)

    monkeypatch.setattr(connection, "rows", rows_of)
    asleep.look()
    assert len(fetched) == 1


# Calls, and lines that break


def test_a_call_of_another_node_ends_the_wait_and_costs_no_connection(reader: Reader, other: Node) -> None:
    process, caller = reader.server_process, Reader(other)
    caller.feed.tell()
    caller.feed.call()
    began = monotonic()
    reader.feed.wait(SECONDS)
    reader.look()
    assert monotonic() - began < SECONDS / 2
    assert reader.server_process == process
    caller.feed.close()


def test_telling_ends_the_own_wait(reader: Reader) -> None:
    reader.feed.tell()
    began = monotonic()
    reader.feed.wait(SECONDS)
    assert monotonic() - began < SECONDS / 2


def test_without_a_call_the_wait_ends_in_time(reader: Reader) -> None:
    began = monotonic()
    reader.feed.wait(0.05)
    assert 0.04 < monotonic() - began < SECONDS / 2


def test_a_look_that_fails_is_made_up_for_by_the_next(reader: Reader, other: Node, ana: User) -> None:
    booking = other.booked(ana)

    def cut() -> bool:
        assert reader.feed._connection is not None
        reader.feed._connection.cut_off()
        return True

    with pytest.raises(StoreUnavailable):
        reader.feed.news((), cut)
    assert reader.look().bookings == {booking.id: told(booking)}


def test_a_connection_that_breaks_while_nobody_looks_is_replaced(
    reader: Reader, other: Node, ana: User, url: str
) -> None:
    rows(url, f"SELECT pg_terminate_backend({reader.server_process}, 10000)")
    reader.feed.wait(SECONDS)
    booking = other.booked(ana)
    with suppress(StoreUnavailable):
        reader.look()
    assert reader.look().bookings == {booking.id: told(booking)}


def test_a_look_that_takes_too_long_is_cut_off(
    reader: Reader, other: Node, ana: User, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_feed, "LOOK_SECONDS", 0.1)
    other.booked(ana)
    with psycopg.connect(url) as blocker:
        blocker.execute("LOCK TABLE audit IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(StoreUnavailable):
            reader.look()


def test_a_server_that_was_replaced_is_not_asked_any_more(reader: Reader, pair: list[Node]) -> None:
    pair[0].store._primary._timeline += 1
    with pytest.raises(StoreUnavailable):
        reader.look()


def test_the_end_of_a_chain_is_told_to_a_feed_that_has_not_looked_yet_in_vain(pair: list[Node]) -> None:
    feed = pair[0].store.feed()
    feed.own(Head(1, 5, bytes(32)))
    assert feed.news((), lambda: True).whole
    feed.close()
