"""decide() in sentences: what becomes of each wish, and what changes."""

from datetime import UTC, datetime, timedelta

import pytest

from agenda.domain.errors import (
    Invalid,
    LimitReached,
    NotFound,
    NotSignedIn,
    Reason,
    SlotNotOffered,
    SlotTaken,
    TooLate,
)
from agenda.domain.model import Booking, Policy, ResourceId, ServiceId, Status, UserId
from tests.domain.agendas import BIA, CHAIRS, HOUR, LONG, NOON, ROOM, TEN, Desk, later, same_request


def test_a_free_slot_is_booked() -> None:
    desk = Desk()
    booking = desk.booked()
    assert (booking.start, booking.end, booking.status) == (TEN, later(TEN, hours=1), Status.BOOKED)
    assert booking.wall == "2026-11-23T10:00"
    assert desk.changes.claimed.keys() == {booking.id}


def test_a_taken_slot_is_refused_and_nothing_is_claimed() -> None:
    desk = Desk()
    desk.booked()
    assert desk.book(user=BIA) == SlotTaken(ROOM, TEN)
    assert desk.claims() == 1
    assert not desk.changes.claimed


def test_ones_own_slot_is_taken_as_well() -> None:
    desk = Desk()
    desk.booked()
    assert desk.book() == SlotTaken(ROOM, TEN)


def test_a_refusal_holds_on_to_nothing_of_its_batch() -> None:
    desk = Desk()
    desk.booked()
    refused = desk.book(user=BIA)
    assert isinstance(refused, SlotTaken)
    assert refused.__traceback__ is None


def test_a_move_to_a_resource_without_a_name_finds_none() -> None:
    desk = Desk()
    booking = desk.booked()
    nowhere = same_request(desk.wish_move(booking, later(TEN, hours=1)), resource=ResourceId(""))
    assert desk.run(nowhere) == [NotFound("resource")]


def test_of_two_in_one_batch_the_first_wins() -> None:
    desk = Desk()
    first, second = desk.run(desk.wish_book(), desk.wish_book(user=BIA))
    assert isinstance(first, Booking)
    assert second == SlotTaken(ROOM, TEN)


def test_three_seats_take_three_bookings_and_no_fourth() -> None:
    desk = Desk()
    seats = {desk.booked(resource=CHAIRS).seat for _ in range(3)}
    assert seats == {0, 1, 2}
    assert desk.book(resource=CHAIRS) == SlotTaken(CHAIRS, TEN)


def test_buffers_keep_the_neighbouring_slot_from_being_booked() -> None:
    desk = Desk()
    desk.booked(later(TEN, hours=1), service=LONG)
    assert desk.book(TEN) == SlotTaken(ROOM, TEN)
    assert isinstance(desk.book(later(TEN, hours=-1)), Booking)


@pytest.mark.parametrize(
    ("start", "reason"),
    [
        (NOON, Reason.PAST),
        (later(NOON, days=-1), Reason.PAST),
        (datetime(1, 1, 1, tzinfo=UTC), Reason.PAST),
        (later(NOON, minutes=30), Reason.TOO_SOON),
        (later(TEN, days=100), Reason.TOO_FAR),
        (datetime(9999, 12, 31, 23, tzinfo=UTC), Reason.TOO_FAR),
        (later(TEN, hours=-3), Reason.CLOSED),
        (later(TEN, hours=10), Reason.CLOSED),
        (later(TEN, hours=9, minutes=30), Reason.CLOSED),
        (later(TEN, minutes=30), Reason.OFF_GRID),
        (later(TEN, minutes=5), Reason.OFF_GRID),
        (later(TEN, seconds=1), Reason.OFF_GRID),
        (later(TEN, microseconds=1), Reason.OFF_GRID),
    ],
)
def test_a_time_that_is_not_offered_is_refused_with_the_first_reason(start: datetime, reason: Reason) -> None:
    desk = Desk(Policy(lead=60, horizon=90))
    assert desk.book(start) == SlotNotOffered(reason, start)


def test_whether_a_slot_is_taken_is_looked_at_last() -> None:
    desk = Desk(Policy(open_bookings=1))
    desk.booked()
    assert desk.book() == LimitReached(1)


def test_a_cancelled_booking_no_longer_counts_towards_the_limit() -> None:
    desk = Desk(Policy(open_bookings=1))
    desk.run(desk.wish_cancel(desk.booked()))
    assert isinstance(desk.book(), Booking)


@pytest.mark.parametrize(("service", "resource", "what"), [("x", ROOM, "service"), (HOUR, "x", "resource")])
def test_unknown_services_and_resources_are_not_found(service: str, resource: str, what: str) -> None:
    desk = Desk()
    wish = desk.wish_book(service=ServiceId(service), resource=ResourceId(resource))
    assert desk.run(wish) == [NotFound(what)]


def test_a_slot_is_free_again_after_its_booking_is_cancelled() -> None:
    desk = Desk()
    [cancelled] = desk.run(desk.wish_cancel(desk.booked()))
    assert isinstance(cancelled, Booking)
    assert cancelled.status is Status.CANCELLED
    assert isinstance(desk.book(user=BIA), Booking)


def test_cancelling_twice_changes_nothing_more() -> None:
    desk = Desk()
    booking = desk.booked()
    once = desk.run(desk.wish_cancel(booking))
    assert desk.run(desk.wish_cancel(booking)) == once
    assert not desk.changes.released
    assert not desk.changes.changed


def test_somebody_elses_booking_is_not_found() -> None:
    desk = Desk()
    booking = desk.booked()
    assert desk.run(desk.wish_cancel(booking, user=BIA)) == [NotFound("booking")]
    assert desk.run(desk.wish_move(booking, later(TEN, hours=1), user=BIA)) == [NotFound("booking")]


def test_a_booking_that_has_begun_can_be_neither_cancelled_nor_moved() -> None:
    desk = Desk()
    booking = desk.booked()
    desk.now = TEN
    assert desk.run(desk.wish_cancel(booking)) == [TooLate(TEN)]
    assert desk.run(desk.wish_move(booking, later(TEN, hours=1))) == [TooLate(TEN)]


def test_after_the_deadline_of_the_policy_it_is_too_late() -> None:
    desk = Desk(Policy(deadline=24 * 60))
    booking = desk.booked()
    assert desk.run(desk.wish_cancel(booking)) == [TooLate(TEN - timedelta(days=1))]


def test_a_move_keeps_the_id_and_frees_the_old_time() -> None:
    desk = Desk()
    booking = desk.booked()
    [moved] = desk.run(desk.wish_move(booking, later(TEN, hours=2)))
    assert isinstance(moved, Booking)
    assert (moved.id, moved.code, moved.start) == (booking.id, booking.code, later(TEN, hours=2))
    assert isinstance(desk.book(user=BIA), Booking)


def test_a_move_to_a_taken_time_leaves_the_old_time() -> None:
    desk = Desk()
    booking = desk.booked()
    desk.booked(later(TEN, hours=1), user=BIA)
    assert desk.run(desk.wish_move(booking, later(TEN, hours=1))) == [SlotTaken(ROOM, later(TEN, hours=1))]
    assert desk.state.bookings[booking.id] == booking
    assert desk.claims() == 2


def test_a_move_may_overlap_its_own_old_time() -> None:
    desk = Desk()
    booking = desk.booked(service=LONG)
    [moved] = desk.run(desk.wish_move(booking, later(TEN, minutes=30)))
    assert isinstance(moved, Booking)
    assert desk.claims() == 1


def test_a_move_to_its_own_start_succeeds_and_changes_nothing() -> None:
    desk = Desk()
    booking = desk.booked()
    assert desk.run(desk.wish_move(booking, TEN)) == [booking]
    assert not desk.changes.released


def test_a_cancelled_booking_cannot_be_moved() -> None:
    desk = Desk()
    booking = desk.booked()
    desk.run(desk.wish_cancel(booking))
    assert desk.run(desk.wish_move(booking, later(TEN, hours=1))) == [NotFound("booking")]


def test_a_chain_of_moves_within_one_batch_passes() -> None:
    desk = Desk()
    first, second = desk.booked(), desk.booked(later(TEN, hours=1))
    moves = desk.wish_move(second, later(TEN, hours=2)), desk.wish_move(first, later(TEN, hours=1))
    assert all(isinstance(outcome, Booking) for outcome in desk.run(*moves))


def test_what_comes_and_goes_within_one_batch_never_reaches_the_store() -> None:
    desk = Desk()
    [booking] = desk.run(desk.wish_book())
    assert isinstance(booking, Booking)
    desk.run(desk.wish_move(booking, later(TEN, hours=1)), desk.wish_move(booking, TEN))
    assert desk.changes.claimed[booking.id].span.start == TEN
    assert desk.changes.released[booking.id].span.start == TEN


def test_the_same_request_gets_its_first_outcome_and_leaves_no_second_entry() -> None:
    desk = Desk()
    wish = desk.wish_book()
    first = desk.run(wish)
    assert desk.run(wish) == first
    assert not desk.changes.facts
    assert desk.claims() == 1


def test_a_refusal_is_given_again_although_the_slot_is_free_by_now() -> None:
    desk = Desk()
    booking = desk.booked()
    wish = desk.wish_book(user=BIA)
    refused = desk.run(wish)
    desk.run(desk.wish_cancel(booking))
    assert desk.run(wish) == refused


def test_a_request_that_is_used_for_something_else_is_invalid() -> None:
    desk = Desk()
    wish = desk.wish_book()
    desk.run(wish)
    assert desk.run(same_request(wish, fingerprint=b"other")) == [Invalid("request", "reused")]


def test_the_same_request_of_two_users_are_two_requests() -> None:
    desk = Desk()
    wish = desk.wish_book()
    outcomes = desk.run(wish, same_request(wish, user=BIA))
    assert outcomes[1] == SlotTaken(ROOM, TEN)


def test_a_user_who_is_gone_is_not_signed_in_and_leaves_no_trace() -> None:
    desk = Desk()
    assert desk.book(user=UserId("9" * 32)) == NotSignedIn()
    assert not desk.changes.facts
    assert not desk.changes.settled


def test_every_decision_leaves_an_entry_refusals_included() -> None:
    desk = Desk()
    desk.run(desk.wish_book(), desk.wish_book(user=BIA))
    assert [(fact.action, fact.outcome) for fact in desk.changes.facts] == [
        ("booking.create", "ok"),
        ("booking.create", "slot_taken"),
    ]


def test_every_booking_has_a_code_of_its_own() -> None:
    desk = Desk()
    codes = {desk.booked(later(TEN, hours=hours)).code for hours in range(-2, 10)}
    assert len(codes) == 12
