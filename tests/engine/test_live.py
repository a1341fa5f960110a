"""The live feed: each watcher is told what changed for him, once, and nothing else."""

from datetime import date, datetime

import pytest

from agenda.domain.model import UserId
from agenda.domain.times import Span
from agenda.engine.board import Board, Frame
from agenda.engine.live import Live, SlotChange
from agenda.engine.timetable import Timetables
from tests.domain.agendas import ANA, BIA, HOUR, NOON, ROOM, TEN, catalogue
from tests.engine.test_board import RESOURCE, SPAN, claim, come, gone

DAY = date(2026, 11, 23)


class Feed:
    """A board with one filled day and the watchers on it."""

    def __init__(self, now: datetime = NOON) -> None:
        self.catalogue = catalogue()
        self.board = Board(lambda: Frame.of(self.catalogue))
        self.timetable = Timetables(self.catalogue).of(DAY, HOUR, ROOM, NOON)
        self.live = Live(self.board, lambda: now, self.want)
        self.told: list[tuple[UserId, SlotChange]] = []
        self.readable = True
        self.fill()

    def fill(self) -> None:
        self.board.fill(RESOURCE, DAY, lambda *_: [])

    def want(self, keys: object, then: object) -> None:
        if self.readable:
            self.fill()
        then(self.readable)  # type: ignore[operator]

    def watch(self, user: UserId) -> str:
        [view] = self.board.look(self.timetable.keys)[1]
        assert view is not None
        states = self.timetable.states([view], user)
        return self.live.add(user, self.timetable, states, lambda change: self.told.append((user, change))).id

    def book(self, span: Span = SPAN) -> None:
        come(self.board, span=span)
        self.live.refresh([(ROOM, DAY)])

    def cancel(self) -> None:
        gone(self.board)
        self.live.refresh([(ROOM, DAY)])

    def states(self) -> list[tuple[UserId, list[tuple[datetime, str]]]]:
        return [(user, [(slot.time.start, slot.state) for slot in change.slots]) for user, change in self.told]


@pytest.fixture
def feed_that_cannot_read() -> Feed:
    """Bia watches a day that the board has dropped, and its change could not be read."""
    feed = Feed()
    feed.book()
    feed.watch(BIA)
    feed.board.drop()
    feed.readable = False
    feed.live.refresh([(ROOM, DAY)])
    return feed


def test_a_booking_is_mine_to_its_owner_and_taken_to_all_others() -> None:
    feed = Feed()
    feed.watch(ANA)
    feed.watch(BIA)
    feed.book()
    assert feed.states() == [(ANA, [(TEN, "mine")]), (BIA, [(TEN, "taken")])]


def test_a_cancelled_slot_is_free_to_all() -> None:
    feed = Feed()
    feed.book()
    feed.watch(ANA)
    feed.watch(BIA)
    feed.cancel()
    assert feed.states() == [(ANA, [(TEN, "free")]), (BIA, [(TEN, "free")])]


def test_what_is_the_same_as_before_is_not_told() -> None:
    feed = Feed()
    feed.watch(BIA)
    feed.live.refresh([(ROOM, DAY)])
    assert not feed.told


def test_other_days_are_not_told() -> None:
    feed = Feed()
    feed.watch(BIA)
    feed.live.refresh([(ROOM, date(2026, 11, 24))])
    assert not feed.told


def test_a_claim_that_came_or_went_is_told_to_who_watches_its_day() -> None:
    feed = Feed()
    feed.watch(BIA)
    come(feed.board)
    feed.live.touched([claim()])
    assert [user for user, _ in feed.told] == [BIA]


def test_claims_of_resources_that_nobody_watches_are_not_looked_at() -> None:
    feed = Feed()
    feed.live.remove(feed.watch(BIA))
    looked: list[object] = []
    feed.board.keys = looked.append  # type: ignore[method-assign, assignment]
    feed.live.touched([claim()])
    assert not looked


def test_a_day_is_watched_until_the_last_watch_of_it_has_gone() -> None:
    feed = Feed()
    feed.live.remove(feed.watch(BIA))
    feed.watch(BIA)
    feed.live.remove(feed.watch(ANA))
    come(feed.board)
    feed.live.touched([claim()])
    assert [user for user, _ in feed.told] == [BIA]


def test_a_slot_that_has_begun_is_not_told() -> None:
    feed = Feed(now=TEN)
    feed.watch(BIA)
    feed.book()
    assert not feed.told


def test_strangers_share_one_list_of_changes() -> None:
    feed = Feed()
    for _ in range(3):
        feed.watch(BIA)
    feed.book()
    assert len({id(change.slots) for _, change in feed.told[1:]}) <= 2
    feed.cancel()
    assert len({id(change.slots) for _, change in feed.told[3:]}) == 1


def test_a_day_that_the_board_has_dropped_is_fetched_and_then_told() -> None:
    feed = Feed()
    feed.book()
    feed.watch(BIA)
    feed.board.drop()
    feed.live.refresh([(ROOM, DAY)])
    assert feed.states() == [(BIA, [(TEN, "free")])]


def test_nobody_is_told_after_he_stopped_watching() -> None:
    feed = Feed()
    watch = feed.watch(BIA)
    assert feed.live.remove(watch)
    feed.book()
    assert not feed.told
    assert not feed.live.remove(watch)


def test_a_day_that_could_not_be_fetched_is_told_when_it_can_be(feed_that_cannot_read: Feed) -> None:
    feed = feed_that_cannot_read
    feed.readable = True
    feed.live.refresh_owed()
    assert feed.states() == [(BIA, [(TEN, "free")])]
    assert not feed.live.owing


def test_what_could_not_be_fetched_is_owed_and_nothing_is_told(feed_that_cannot_read: Feed) -> None:
    feed_that_cannot_read.live.refresh_owed()
    assert feed_that_cannot_read.live.owing
    assert not feed_that_cannot_read.told


def test_all_days_are_looked_at_again_when_the_store_is_back() -> None:
    feed = Feed()
    feed.book()
    feed.watch(BIA)
    feed.board.drop()
    feed.live.refresh_all()
    assert feed.states() == [(BIA, [(TEN, "free")])]
