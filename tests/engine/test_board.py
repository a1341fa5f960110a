"""The board: filled on first use, corrected by every commit, never stale."""

from datetime import date
from threading import Event, Thread
from zoneinfo import ZoneInfo

import pytest

from agenda.domain.model import Booking, BookingId, Claim, Resource, ResourceId, Status
from agenda.domain.slots import cells, origin
from agenda.domain.times import Span
from agenda.engine.board import Board, Frame
from agenda.engine.ports import Occupied, StoreUnavailable
from tests.domain.agendas import ANA, BIA, DAILY, HOUR, NOON, ROOM, TEN, ZONE, catalogue, later
from tests.waiting import SECONDS

DAY = date(2026, 11, 23)
RESOURCE = Resource(ROOM, "Sala", DAILY)
SPAN = Span(TEN, later(TEN, hours=1))
ONE, OTHER = BookingId("1" * 32), BookingId("2" * 32)


def held(booking: BookingId = ONE, span: Span = SPAN, seat: int = 0) -> Occupied:
    return Occupied(seat, span, span, ANA, booking)


def claim(booking: BookingId = ONE, span: Span = SPAN) -> Claim:
    return Claim(ROOM, 0, span, booking)


def agreed(booking: BookingId = ONE, span: Span = SPAN) -> dict[BookingId, Booking]:
    facts = ("", ROOM, HOUR, ANA, span.start, span.end, Status.BOOKED, NOON, "", ZONE)
    return {booking: Booking(booking, *facts)}


def come(it: Board, booking: BookingId = ONE, span: Span = SPAN) -> None:
    it.correct([], [claim(booking, span)], agreed(booking, span))


def gone(it: Board, booking: BookingId = ONE, span: Span = SPAN) -> None:
    it.correct([claim(booking, span)], [], {})


def board(capacity: int = 100) -> Board:
    return Board(lambda: Frame.of(catalogue()), capacity)


def taken(it: Board, day: date = DAY) -> int:
    [view] = it.look([(ROOM, day)])[1]
    assert view is not None
    return view.taken[0]


def bits(span: Span = SPAN, day: date = DAY) -> int:
    return cells(span, origin(day, ZoneInfo(ZONE)))


def test_a_day_that_nobody_asked_for_is_not_there() -> None:
    assert board().look([(ROOM, DAY)])[1] == [None]


def test_a_filled_day_shows_what_was_read() -> None:
    it = board()
    it.fill(RESOURCE, DAY, lambda *_: [held()])
    assert taken(it) == bits()


def test_a_users_own_time_is_told_apart() -> None:
    it = board()
    it.fill(RESOURCE, DAY, lambda *_: [held()])
    [view] = it.look([(ROOM, DAY)])[1]
    assert view is not None
    assert view.mine == {ANA: bits()}
    assert BIA not in view.mine


def test_a_commit_shows_at_once_and_raises_the_version() -> None:
    it = board()
    it.fill(RESOURCE, DAY, lambda *_: [])
    before = it.look([])[0]
    come(it)
    assert taken(it) == bits()
    assert it.look([])[0] > before


def test_a_release_shows_at_once() -> None:
    it = board()
    it.fill(RESOURCE, DAY, lambda *_: [held()])
    gone(it)
    assert taken(it) == 0


def test_a_move_to_another_day_leaves_the_one_and_arrives_on_the_other() -> None:
    it = board()
    later_span = Span(later(TEN, days=7), later(TEN, days=7, hours=1))
    other_day = date(2026, 11, 30)
    it.fill(RESOURCE, DAY, lambda *_: [held()])
    it.fill(RESOURCE, other_day, lambda *_: [])
    it.correct([claim()], [claim(span=later_span)], agreed(span=later_span))
    assert taken(it) == 0
    assert taken(it, other_day) == bits(later_span, other_day)


def test_a_claim_that_reaches_over_midnight_is_on_both_days() -> None:
    it = board()
    night = Span(later(TEN, hours=13), later(TEN, hours=15))  # 23:00 to 1:00
    it.fill(RESOURCE, DAY, lambda *_: [])
    it.fill(RESOURCE, date(2026, 11, 24), lambda *_: [])
    come(it, span=night)
    assert taken(it) == bits(night)
    assert taken(it, date(2026, 11, 24)) == bits(night, date(2026, 11, 24))


def test_a_booking_that_is_committed_while_the_day_is_read_is_not_missed() -> None:
    it = board()

    def read(resource: ResourceId, window: Span) -> list[Occupied]:
        come(it, OTHER)  # committed after the reader's snapshot was taken
        return []

    it.fill(RESOURCE, DAY, read)
    assert taken(it) == bits()


def test_a_cancellation_that_is_committed_while_the_day_is_read_is_not_missed() -> None:
    it = board()

    def read(resource: ResourceId, window: Span) -> list[Occupied]:
        gone(it)
        return [held()]  # the snapshot still had it

    it.fill(RESOURCE, DAY, read)
    assert taken(it) == 0


def test_no_day_is_shown_before_it_is_complete() -> None:
    it = board()
    seen = []

    def read(resource: ResourceId, window: Span) -> list[Occupied]:
        seen.extend(it.look([(ROOM, DAY)])[1])
        return []

    it.fill(RESOURCE, DAY, read)
    assert seen == [None]


def test_a_day_that_could_not_be_read_is_as_unknown_as_before() -> None:
    it = board()

    def read(resource: ResourceId, window: Span) -> list[Occupied]:
        raise StoreUnavailable

    with pytest.raises(StoreUnavailable):
        it.fill(RESOURCE, DAY, read)
    assert it.look([(ROOM, DAY)])[1] == [None]


def test_the_day_that_was_looked_at_longest_ago_goes_first() -> None:
    it = board(capacity=2)
    days = [date(2026, 11, day) for day in (23, 24)]
    for day in days:
        it.fill(RESOURCE, day, lambda *_: [])
    it.look([(ROOM, days[0])])
    it.fill(RESOURCE, date(2026, 11, 25), lambda *_: [])
    assert [view is None for view in it.look([(ROOM, day) for day in days])[1]] == [False, True]


def test_a_day_that_is_forgotten_is_read_anew_and_no_other() -> None:
    it = board()
    days = [date(2026, 11, day) for day in (23, 24)]
    for day in days:
        it.fill(RESOURCE, day, lambda *_: [])
    it.forget([(ROOM, days[0]), (ROOM, date(2026, 11, 30))])
    assert [view is None for view in it.look([(ROOM, day) for day in days])[1]] == [True, False]


def test_a_seat_that_was_taken_away_since_bars_nobody() -> None:
    it = board()
    it.fill(RESOURCE, DAY, lambda *_: [held(seat=5)])
    assert taken(it) == 0


def test_a_claim_concerns_the_days_whose_slots_could_reach_it_and_no_others() -> None:
    night = Span(later(TEN, hours=13), later(TEN, hours=15))
    assert board().keys([claim(), claim(span=night)]) == {(ROOM, DAY), (ROOM, date(2026, 11, 24))}


def test_a_claim_early_in_the_day_concerns_the_late_slots_of_the_day_before() -> None:
    early = Span(later(TEN, hours=-9, minutes=-30), later(TEN, hours=-9))  # 0:30 to 1:00
    assert board().keys([claim(span=early)]) == {(ROOM, date(2026, 11, 22)), (ROOM, DAY)}


def test_of_two_who_read_a_day_at_once_the_first_to_finish_fills_it_and_the_other_spoils_nothing() -> None:
    it = board()
    first_reads, second_reads, first_done = Event(), Event(), Event()

    def read_first(*_: object) -> list[Occupied]:
        first_reads.set()
        assert second_reads.wait(SECONDS)
        return []

    def read_second(*_: object) -> list[Occupied]:
        second_reads.set()
        assert first_done.wait(SECONDS)
        assert taken(it) == 0
        come(it)
        assert taken(it) == bits()
        return []  # as it was before

    def be_first() -> None:
        it.fill(RESOURCE, DAY, read_first)
        first_done.set()

    first = Thread(target=be_first)
    second = Thread(target=it.fill, args=(RESOURCE, DAY, read_second))
    first.start()
    assert first_reads.wait(SECONDS)
    second.start()
    first.join()
    second.join()
    assert taken(it) == bits()
