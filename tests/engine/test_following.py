"""Following other nodes: what the feed says against what this node commits itself, one case at a time."""

from collections.abc import Callable, Collection, Iterable
from datetime import date
from queue import SimpleQueue

import pytest

from agenda.domain.audit import Head, chain
from agenda.domain.commands import AuditFact, Changes, Erasure, Receipt, Settled, State
from agenda.domain.model import Booking, BookingId, Claim, RequestId, ResourceId, UserId
from agenda.domain.times import Span
from agenda.engine import following
from agenda.engine.board import Board
from agenda.engine.committer import Committed
from agenda.engine.following import Following, found
from agenda.engine.health import Health
from agenda.engine.meter import Meter
from agenda.engine.ports import Booked, News, Place, StoreUnavailable
from tests.domain.agendas import ANA, NOON, ROOM, TEN, catalogue, later
from tests.engine.asking import Incidents
from tests.engine.test_board import DAY, ONE, RESOURCE, SPAN, agreed, bits, board, claim, held, taken
from tests.waiting import SECONDS, until

NEXT_DAY = date(2026, 11, 24)
NEXT = Span(later(TEN, days=1), later(TEN, days=1, hours=1))
NEXT_BUT_ONE_DAY = date(2026, 11, 25)
NEXT_BUT_ONE = Span(later(TEN, days=2), later(TEN, days=2, hours=1))
DAYS = (DAY, NEXT_DAY, NEXT_BUT_ONE_DAY)


class FakeFeed:
    """Says what it is told to say, one look after the other; `meanwhile` runs while a look is under way."""

    def __init__(self) -> None:
        self.says: list[News | Exception] = []
        self.meanwhile: Callable[[], None] = lambda: None
        self.asked: list[set[BookingId]] = []
        self.warm: list[bool] = []
        self.writers: list[int] = []
        self.heads: list[Head] = []
        self.calls = 0
        self.closed = False
        self.waits: SimpleQueue[float] = SimpleQueue()
        self.bell: SimpleQueue[None] = SimpleQueue()

    def writes_as(self, writer: int) -> None:
        self.writers.append(writer)

    def own(self, head: Head) -> None:
        self.heads.append(head)

    def tell(self) -> None:
        self.calls += 1
        self.bell.put(None)

    def call(self) -> None:
        """Nobody is there to be called."""

    def wait(self, seconds: float) -> None:
        self.waits.put(seconds)
        self.bell.get(timeout=SECONDS)

    def news(self, again: Collection[BookingId], warm: Callable[[], bool]) -> News:
        self.asked.append(set(again))
        self.warm.append(warm())
        said = self.says.pop(0) if self.says else News()
        self.meanwhile()
        if isinstance(said, Exception):
            raise said
        return said

    def close(self) -> None:
        self.closed = True


class FakeFollower:
    """Keeps what it was told, in order."""

    def __init__(self) -> None:
        self.heard: list[object] = []
        self.fails: Exception | None = None

    def changed(self, claims: Iterable[Claim]) -> None:
        self.heard.append(("changed", {(claim.resource, claim.booking) for claim in claims}))

    def forgotten(self) -> None:
        self.heard.append("forgotten")

    def ended(self, closed: Collection[str], erased: Collection[UserId]) -> None:
        self.heard.append(("ended", list(closed), list(erased)))

    def missed(self) -> None:
        self.heard.append("missed")

    def looked(self, version: int) -> None:
        if self.fails is not None:
            raise self.fails
        self.heard.append(("looked", version))


class Node:
    """A board of three days, and what follows the feed."""

    def __init__(self) -> None:
        self.feed, self.follower, self.log = FakeFeed(), FakeFollower(), Incidents()
        self.board: Board = board()
        self.fill()
        self.health = Health(self.log)
        self.meter = Meter()
        self.following = Following(
            self.feed, self.board, self.follower, health=self.health, meter=self.meter, log=self.log
        )

    def fill(self, *there: Span) -> None:
        for day in DAYS:
            self.board.fill(RESOURCE, day, lambda _, window: [held(span=s) for s in there if s.overlaps(window)])

    def look(self, *says: News | Exception) -> None:
        self.feed.says += says
        self.following._due = 0.0
        self.following._turn()

    def begin(self) -> None:
        self.following.beginning(1)

    def commit(self, done: Committed) -> None:
        """What the committer's thread does once the batch is durable."""
        changes = done.changes
        self.following.own(
            done, lambda _: void(self.board.correct(changes.released.values(), changes.claimed.values(), agreed()))
        )

    def shows(self) -> list[bool]:
        """For each of the days, whether the booking is on it."""
        return [taken(self.board, day) == bits(span, day) for day, span in zip(DAYS, SPANS, strict=True)]


SPANS = (SPAN, NEXT, NEXT_BUT_ONE)


def void(_: object) -> None:
    """A callback gives nothing."""


@pytest.fixture
def node() -> Node:
    return Node()


def told(span: Span) -> dict[BookingId, Booked]:
    return {ONE: Booked(ONE, ROOM, span, ANA)}


def booked(span: Span = SPAN, *places: Span) -> News:
    """Another node booked, or moved, to `span`; its entries also name the other places."""
    return News(
        places=[Place(ONE, ROOM, each) for each in (span, *places)],
        bookings=told(span),
        claims=[claim(span=span)],
    )


def still(span: Span = SPAN) -> News:
    """Nothing was written; the booking that was asked for is there."""
    return News(bookings=told(span), claims=[claim(span=span)])


def cancelled(span: Span = SPAN) -> News:
    """Another node cancelled."""
    return News(places=[Place(ONE, ROOM, span)], bookings=told(span))


def own(*, released: Span | None = None, claimed: Span | None = None, changes: Changes | None = None) -> Committed:
    """A batch of this node that moved the booking."""
    changes = changes or Changes()
    if released is not None:
        changes.released[ONE] = claim(span=released)
    if claimed is not None:
        changes.claimed[ONE] = claim(span=claimed)
    return Committed(State(catalogue()), changes, [])


def erasure() -> Changes:
    receipt = Receipt("receipt", NOON, 0, 0, 0, 0)
    return Changes(erasures=[Erasure(ANA, RequestId("r"), b"", "hash", receipt)])


# What others do


def test_what_another_node_booked_is_on_the_board_and_the_watchers_of_that_day_are_told(node: Node) -> None:
    node.look(booked())
    assert node.shows() == [True, False, False]
    assert node.follower.heard == [("changed", {(ROOM, ONE)}), ("looked", 0)]


def test_what_another_node_moved_is_gone_from_where_it_was(node: Node) -> None:
    node.look(booked(), booked(NEXT, SPAN))
    node.look()
    assert node.shows() == [False, True, False]


def test_what_another_node_cancelled_is_gone(node: Node) -> None:
    node.look(booked())
    node.look(cancelled())
    assert node.shows() == [False, False, False]


def test_a_look_at_nothing_new_tells_nobody(node: Node) -> None:
    node.look()
    assert node.follower.heard == [("looked", 0)]


def test_what_was_read_later_than_the_look_is_kept_when_it_comes_again(node: Node) -> None:
    """A day is filled after the booking was made, and only then the look that found it takes effect."""
    node.board.drop()
    node.feed.meanwhile = lambda: node.fill(SPAN)
    node.look(booked())
    assert node.shows() == [True, False, False]


def test_the_feed_is_told_whether_anybody_looks_at_slots(node: Node) -> None:
    node.look()
    node.board.drop()
    node.look()
    assert node.feed.warm == [True, False]


def test_closed_sessions_and_the_version_of_what_is_offered_are_passed_on(node: Node) -> None:
    node.look(News(version=7, closed=["abc"]))
    assert node.follower.heard == [("ended", ["abc"], []), ("looked", 7)]


def test_an_erasure_empties_the_board_since_what_the_person_did_is_blank(node: Node) -> None:
    node.look(News(erased=[ANA]))
    assert node.board.kept == 0
    assert node.follower.heard == [("ended", [], [ANA]), "forgotten", ("looked", 0)]


def test_after_a_gap_the_board_is_empty_and_any_session_may_have_ended(node: Node) -> None:
    node.look(News(whole=False))
    assert node.board.kept == 0
    assert node.follower.heard == ["missed", "forgotten", ("looked", 0)]


# What this node does itself


def test_a_commit_that_meets_no_look_is_not_looked_at_again(node: Node) -> None:
    node.look()
    node.begin()
    node.commit(own(claimed=SPAN))
    node.look()
    assert node.feed.asked == [set(), set()]
    assert node.shows() == [True, False, False]


def test_what_this_node_alone_touched_is_not_looked_at_again(node: Node) -> None:
    node.begin()
    node.feed.meanwhile = lambda: node.commit(own(claimed=SPAN))
    node.look()
    node.feed.meanwhile = lambda: None
    node.begin()
    node.look()
    node.commit(own(released=SPAN, claimed=NEXT))
    node.look()
    assert node.feed.asked == [set(), set(), set()]


def test_while_nobody_looks_at_slots_calls_of_others_are_not_heeded(node: Node) -> None:
    node.look()
    node.board.drop()
    node.following._turn()
    assert len(node.feed.asked) == 1


def test_a_look_that_left_places_out_does_not_let_an_older_commit_stay_on_a_day_that_was_filled_since(
    node: Node,
) -> None:
    """Another node cancelled what this one had just booked, before this one took note of it itself."""
    node.board.drop()
    node.begin()
    node.look(News(entries=1))
    node.fill()
    node.commit(own(claimed=SPAN))
    node.look()
    assert node.shows() == [False, False, False]


def test_nor_does_a_commit_that_this_node_notes_while_such_a_look_is_under_way(node: Node) -> None:
    def filled_and_committed() -> None:
        node.fill()
        node.commit(own(claimed=SPAN))

    node.board.drop()
    node.begin()
    node.feed.meanwhile = filled_and_committed
    node.look(News(entries=1))
    node.feed.meanwhile = lambda: None
    node.look()
    assert node.shows() == [False, False, False]


def test_a_look_does_not_undo_a_commit_that_comes_while_it_is_under_way(node: Node) -> None:
    node.begin()
    node.feed.meanwhile = lambda: node.commit(own(released=SPAN, claimed=NEXT))
    node.look(booked(SPAN))
    assert node.shows() == [False, True, False]


def test_what_both_touched_is_looked_at_again(node: Node) -> None:
    node.begin()
    node.feed.meanwhile = lambda: node.commit(own(claimed=SPAN))
    node.look(booked(NEXT))
    node.feed.meanwhile = lambda: None
    node.look(still())
    node.look()
    assert node.feed.asked == [set(), {ONE}, set()]


def test_a_commit_that_began_before_a_look_and_ends_after_it_is_looked_at_again(node: Node) -> None:
    node.begin()
    node.look(booked(NEXT))
    node.commit(own(claimed=SPAN))
    node.look(still())
    assert node.feed.asked == [set(), {ONE}]


@pytest.mark.parametrize("dropping", [News(whole=False), News(erased=[ANA])], ids=["gap", "erasure"])
def test_a_commit_that_ends_after_the_board_was_dropped_is_looked_at_again(node: Node, dropping: News) -> None:
    """A day was read meanwhile, and with it what others did later than this commit."""
    node.begin()
    node.look(dropping)
    node.fill()
    node.commit(own(claimed=SPAN))
    node.look()
    assert node.feed.asked == [set(), {ONE}]
    assert node.shows() == [False, False, False]


def test_a_commit_during_which_more_is_told_than_is_kept_is_looked_at_again(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "MOST_HEARD", 0)
    node.begin()
    node.look(booked())
    node.look()
    node.commit(own(claimed=NEXT))
    node.look(still(NEXT))
    assert node.feed.asked == [set(), set(), {ONE}]


def test_of_a_move_here_and_a_later_move_elsewhere_only_the_last_place_is_left(node: Node) -> None:
    """The look has seen both, and takes effect before this node's own commit does."""
    node.fill()
    node.look(booked(SPAN))
    node.begin()
    node.look(booked(NEXT_BUT_ONE, NEXT))
    node.commit(own(released=SPAN, claimed=NEXT))
    node.look(still(NEXT_BUT_ONE))
    assert node.shows() == [False, False, True]


def test_of_a_move_elsewhere_and_a_later_move_here_only_the_last_place_is_left(node: Node) -> None:
    """The look has seen the first of them, and this node commits the second while it is under way."""
    node.look(booked(SPAN))
    node.begin()
    node.feed.meanwhile = lambda: node.commit(own(released=NEXT, claimed=NEXT_BUT_ONE))
    node.look(booked(NEXT, SPAN))
    node.feed.meanwhile = lambda: None
    node.look(still(NEXT_BUT_ONE))
    assert node.shows() == [False, False, True]


def test_a_booking_that_is_gone_when_it_is_looked_at_again_leaves_nothing(node: Node) -> None:
    node.begin()
    node.look(booked())
    node.commit(own(claimed=SPAN))
    node.look(News())
    assert node.shows() == [False, False, False]


def test_a_booking_that_is_committed_again_during_the_second_look_is_looked_at_a_third_time(node: Node) -> None:
    node.begin()
    node.look(booked())
    node.commit(own(claimed=SPAN))
    node.feed.meanwhile = lambda: node.commit(own(released=SPAN, claimed=NEXT))
    node.look(still(SPAN))
    node.feed.meanwhile = lambda: None
    node.look(still(NEXT))
    assert node.feed.asked == [set(), {ONE}, {ONE}]
    assert node.shows() == [False, True, False]


def test_what_is_to_be_looked_at_again_is_not_forgotten_when_a_look_fails(node: Node) -> None:
    node.begin()
    node.look(booked())
    node.commit(own(claimed=SPAN))
    node.look(StoreUnavailable())
    node.look(still())
    assert node.feed.asked == [set(), {ONE}, {ONE}]


def test_a_look_that_meets_an_erasure_of_this_node_brings_nothing_back(node: Node) -> None:
    def erase() -> None:
        node.commit(own(changes=erasure()))
        node.board.drop()
        node.fill()

    node.feed.meanwhile = erase
    node.look(booked())
    assert node.board.kept == 0
    assert "forgotten" in node.follower.heard


def test_what_was_found_to_be_decided_before_is_looked_at_again(node: Node) -> None:
    node.begin()
    node.look(booked())
    node.commit(repeated())
    node.look(still())
    assert node.feed.asked == [set(), {ONE}]


def test_outcomes_that_a_batch_found_are_told_from_those_that_it_made() -> None:
    done = repeated()
    made = Settled(ANA, RequestId("new"), b"", agreed(BookingId("9" * 32))[BookingId("9" * 32)], NOON)
    done.before.settled[ANA, made.request] = made
    done.changes.settled.append(made)
    assert [booking.id for booking in found(done)] == [ONE]


def repeated() -> Committed:
    """A batch whose only request was decided before, by another node or in a commit whose answer got lost."""
    outcome: Booking = agreed()[ONE]
    state = State(catalogue(), settled={(ANA, RequestId("r")): Settled(ANA, RequestId("r"), b"", outcome, NOON)})
    return Committed(state, Changes(), [])


def test_the_feed_hears_how_far_this_node_has_written(node: Node) -> None:
    entries = chain(Head(3), [AuditFact(NOON, ANA, "booking.create", "ok")], bytes(16))
    node.following.beginning(3)
    node.commit(Committed(State(catalogue()), Changes(), entries))
    assert node.feed.writers == [3]
    assert node.feed.heads == [Head(3, 1, entries[0].hash)]


@pytest.mark.parametrize(
    "changes",
    [
        Changes(released={ONE: claim()}),
        Changes(claimed={ONE: claim()}),
        Changes(closed=[b"digest"]),
        erasure(),
    ],
    ids=["released", "claimed", "closed", "erased"],
)
def test_the_others_are_called_when_there_is_something_for_them(node: Node, changes: Changes) -> None:
    node.commit(own(changes=changes))
    assert node.feed.calls == 1


def test_the_others_are_not_called_for_what_does_not_concern_them(node: Node) -> None:
    node.commit(own())
    assert node.feed.calls == 0


# When something breaks


def test_a_store_that_is_away_is_trouble_and_the_board_stays(node: Node) -> None:
    node.look(booked())
    node.look(StoreUnavailable())
    assert node.shows() == [True, False, False]
    assert len(node.log.troubles) == 1


def test_what_was_heard_is_told_although_what_is_offered_cannot_be_read(node: Node) -> None:
    node.follower.fails = StoreUnavailable()
    node.look(News(whole=False, closed=["abc"]))
    assert node.follower.heard == [("ended", ["abc"], []), "missed", "forgotten"]


def test_a_defect_empties_the_board_and_is_logged(node: Node) -> None:
    node.look(RuntimeError("a defect"))
    assert node.board.kept == 0
    assert node.follower.heard == ["missed", "forgotten"]
    assert [str(defect) for defect in node.log.seen] == ["a defect"]


def test_news_that_make_no_sense_are_a_defect_and_the_next_look_goes_well(node: Node) -> None:
    unknown = Place(ONE, ResourceId("f" * 32), SPAN)
    node.look(News(places=[unknown], claims=[claim()]))
    node.fill()
    node.look(booked())
    assert node.log.seen
    assert node.shows() == [True, False, False]


def test_a_start_without_a_store_says_so(node: Node) -> None:
    node.feed.says.append(StoreUnavailable())
    with pytest.raises(StoreUnavailable):
        node.following.start()


# The thread


def test_it_looks_when_it_is_called_and_goes_on_after_trouble(node: Node) -> None:
    node.following.start()
    node.feed.waits.get(timeout=SECONDS)
    node.feed.says.append(StoreUnavailable())
    node.feed.bell.put(None)
    node.feed.waits.get(timeout=SECONDS)
    node.feed.says.append(booked())
    node.feed.bell.put(None)
    node.feed.waits.get(timeout=SECONDS)
    assert node.shows() == [True, False, False]
    node.following.stop()


def test_without_any_call_it_looks_more_than_once_a_second(node: Node) -> None:
    node.following.start()
    pause, waits = node.following._pause, node.feed.waits.get(timeout=SECONDS)
    node.following.stop()
    assert pause + waits <= 0.5


def test_what_is_to_be_looked_at_again_waits_for_no_call(node: Node) -> None:
    node.following.start()
    node.feed.waits.get(timeout=SECONDS)
    node.begin()
    node.feed.says += [booked(NEXT), still()]
    node.feed.meanwhile = lambda: node.commit(own(claimed=SPAN)) if len(node.feed.asked) == 2 else None
    node.feed.bell.put(None)
    node.feed.waits.get(timeout=SECONDS)
    assert {ONE} in node.feed.asked
    node.following.stop()


def test_the_thread_outlives_a_failure_to_wait(node: Node) -> None:
    def fails(seconds: float) -> None:
        raise OSError

    node.feed.wait = fails  # type: ignore[method-assign]
    node.following.start()
    until(lambda: len(node.feed.asked) > 1)
    assert node.following.alive
    node.following.stop()


def test_at_the_end_the_thread_is_gone_and_the_feed_closed(node: Node) -> None:
    node.following.start()
    node.following.stop()
    assert node.feed.closed
    assert not node.following._thread.is_alive()
