"""What the committer may rely on, whichever store it has."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta

import pytest

from agenda.domain.codes import code, number
from agenda.domain.commands import AuditFact, Changes
from agenda.domain.errors import (
    AgendaError,
    Forbidden,
    LimitReached,
    NotFound,
    Reason,
    SlotNotOffered,
    SlotTaken,
    TooLate,
)
from agenda.domain.model import BookingId, RequestId, ResourceId, Status, UserId
from agenda.domain.times import Span
from agenda.engine.ports import Store, StoreConflict, Transaction
from tests.storage.making import DAY, HOUR, NOW, Desk, claim, fact, settled

NOBODY = UserId("0" * 32)

REFUSALS = [
    SlotTaken("r", DAY),
    SlotNotOffered(Reason.OFF_GRID, DAY),
    NotFound("booking"),
    TooLate(DAY),
    LimitReached(3),
    Forbidden(),
]


@contextmanager
def undone(desk: Desk) -> Iterator[Transaction]:
    """A batch in which something goes wrong at the end."""
    with suppress(ZeroDivisionError), desk.begin() as transaction:
        yield transaction
        raise ZeroDivisionError


def test_the_clock_counts_whole_seconds_in_utc(desk: Desk) -> None:
    with desk.begin() as transaction:
        now = transaction.now()
    assert (now.microsecond, now.utcoffset()) == (0, timedelta())


def test_a_catalogue_that_still_holds_is_the_one_that_was_known(desk: Desk) -> None:
    with desk.begin() as transaction:
        assert transaction.catalogue(desk.catalogue) is desk.catalogue


def test_a_catalogue_that_is_out_of_date_is_read_anew(desk: Desk) -> None:
    with desk.begin() as transaction:
        assert transaction.catalogue(replace(desk.catalogue, version=0)) == desk.catalogue


def test_a_catalogue_is_read_where_none_is_known(desk: Desk) -> None:
    with desk.begin() as transaction:
        assert transaction.catalogue(None) == desk.catalogue


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.code)
def test_a_refusal_is_settled_with_all_its_facts(desk: Desk, refusal: AgendaError) -> None:
    ana = desk.join("Ana")
    desk.save(Changes(settled=[settled(ana.id, "r1", refusal)]))
    with desk.begin() as transaction:
        found = transaction.settled([(ana.id, RequestId("r1"))])
    assert found == {(ana.id, "r1"): settled(ana.id, "r1", refusal)}


def test_every_refusal_that_is_kept_is_tried_above() -> None:
    assert {kind for kind in AgendaError.__subclasses__() if kind.kept} == {type(refusal) for refusal in REFUSALS}


def test_a_booking_is_settled_as_it_was_made_whatever_became_of_it(desk: Desk) -> None:
    ana = desk.join("Ana")
    booking = desk.book(ana, note="window seat ☀")
    [moved] = desk.move((booking, DAY + 3 * HOUR))
    desk.cancel(moved)
    key = (ana.id, RequestId(f"request of {booking.id}"))
    with desk.begin() as transaction:
        assert transaction.settled([key])[key].outcome == booking


def test_requests_of_others_and_unknown_ones_are_not_settled(desk: Desk) -> None:
    ana, bia = desk.join("Ana"), desk.join("Bia")
    desk.save(Changes(settled=[settled(ana.id, "r1", Forbidden())]))
    with desk.begin() as transaction:
        assert transaction.settled([(bia.id, RequestId("r1")), (ana.id, RequestId("r2"))]) == {}


def test_a_request_is_settled_once(desk: Desk) -> None:
    ana = desk.join("Ana")
    desk.save(Changes(settled=[settled(ana.id, "r1", Forbidden())]))
    with pytest.raises(StoreConflict) as refused:
        desk.save(Changes(settled=[settled(ana.id, "r1", NotFound("booking"))]))
    assert refused.value.constraint == "request_key"


def test_of_the_users_those_who_exist_are_found(desk: Desk) -> None:
    ana = desk.join("Ana")
    with desk.begin() as transaction:
        assert transaction.users([ana.id, NOBODY]) == {ana.id: ana}
        assert transaction.users([ana.id, NOBODY]) == {ana.id: ana}


def test_a_user_whose_batch_was_undone_does_not_exist(desk: Desk) -> None:
    ana = desk.join("Ana")
    with undone(desk) as transaction:
        transaction.users([ana.id])
    with desk.begin() as transaction:
        assert transaction.users([ana.id, NOBODY]) == {ana.id: ana}


def test_of_the_names_those_in_use_are_found_exactly(desk: Desk) -> None:
    desk.join("Ana")
    with desk.begin() as transaction:
        assert transaction.names(["Ana", "ana", "Bia"]) == {"Ana"}


def test_a_name_is_given_once(desk: Desk) -> None:
    desk.join("Ana")
    with pytest.raises(StoreConflict) as refused:
        desk.join("Ana")
    assert refused.value.constraint == "account_name"


def test_of_the_bookings_those_that_exist_are_found_as_they_are_now(desk: Desk) -> None:
    booking = desk.book(desk.join("Ana"), note="por favor, às 8h")
    cancelled = desk.cancel(booking)
    with desk.begin() as transaction:
        assert transaction.bookings([booking.id, BookingId("f" * 32)]) == {booking.id: cancelled}


@pytest.mark.parametrize(
    ("start", "end", "found"),
    [(0, 1, 1), (-1, 0, 0), (1, 2, 0), (-1, 1, 1), (0.5, 0.6, 1), (0.5, 5, 1), (-5, 5, 1), (-5, -1, 0)],
)
def test_claims_are_those_that_overlap_a_window(desk: Desk, start: float, end: float, found: int) -> None:
    booking = desk.book(desk.join("Ana"))
    window = Span(DAY + start * HOUR, DAY + end * HOUR)
    with desk.begin() as transaction:
        assert transaction.claims([(desk.resource, 0, window)]) == [claim(booking)] * found


def test_a_claim_in_two_windows_is_found_once(desk: Desk) -> None:
    booking = desk.book(desk.join("Ana"))
    windows = [(desk.resource, 0, booking.span), (desk.resource, 0, Span(DAY - HOUR, DAY + HOUR))]
    with desk.begin() as transaction:
        assert transaction.claims(windows) == [claim(booking)]


def test_claims_of_other_seats_and_resources_are_not_found(desk: Desk) -> None:
    booking = desk.book(desk.join("Ana"), seat=1)
    windows = [(desk.resource, 0, booking.span), (ResourceId("e" * 32), 1, booking.span)]
    with desk.begin() as transaction:
        assert transaction.claims(windows) == []


def test_hundreds_of_windows_are_one_question(desk: Desk) -> None:
    ana = desk.join("Ana")
    bookings = [desk.book(ana, DAY + n * HOUR) for n in range(0, 200, 2)]
    windows = [(desk.resource, 0, Span(DAY + n * HOUR, DAY + (n + 1) * HOUR)) for n in range(200)]
    with desk.begin() as transaction:
        found = transaction.claims(windows)
    assert sorted(found, key=lambda one: one.span) == [claim(booking) for booking in bookings]


def test_open_bookings_are_live_and_have_not_begun(desk: Desk) -> None:
    ana, bia = desk.join("Ana"), desk.join("Bia")
    desk.book(ana, DAY)
    desk.book(ana, DAY + HOUR)
    desk.cancel(desk.book(ana, DAY + 2 * HOUR))
    desk.book(ana, NOW - 2 * HOUR)
    desk.cancel(desk.book(bia, DAY + 3 * HOUR))
    with desk.begin() as transaction:
        counts = transaction.open_bookings([ana.id, bia.id], NOW)
    assert (counts[ana.id], counts.get(bia.id, 0)) == (2, 0)


def test_holdings_are_all_that_a_user_has(desk: Desk) -> None:
    ana = desk.join("Ana", token=b"t" * 32)
    desk.book(desk.join("Bia"), DAY + 5 * HOUR)
    booked, other = desk.book(ana), desk.cancel(desk.book(ana, DAY + HOUR))
    with desk.begin() as transaction:
        found = transaction.holdings([ana.id, NOBODY])
    assert set(found) == {ana.id}
    holdings = found[ana.id]
    assert holdings.bookings == (booked, other)
    assert holdings.claims == (claim(booked),)
    assert holdings.entries == tuple((desk.head.writer, seq) for seq in (1, 4, 5, 6))
    assert (holdings.sessions, holdings.password_hash) == (1, "hash of Ana")


def test_numbers_are_never_used_twice_not_even_after_an_erasure_and_a_new_start(desk: Desk, store: Store) -> None:
    ana = desk.join("Ana")
    first = desk.book(ana)
    desk.erase(ana)
    store.open_writer()
    with undone(desk):
        pass
    assert desk.book(desk.join("Bia")).code != first.code


def test_a_batch_that_fails_leaves_nothing(desk: Desk) -> None:
    ana = desk.join("Ana")
    booking = desk.made(ana, DAY)
    with undone(desk) as transaction:
        transaction.save(Changes(made={booking.id: booking}, claimed={booking.id: claim(booking)}), [])
    assert (desk.reader.bookings(ana.id, None), desk.occupied()) == ([], [])


def test_what_is_saved_is_seen_by_readers_only_when_the_batch_ends(desk: Desk) -> None:
    ana = desk.join("Ana")
    changes = desk.changes_of(desk.made(ana, DAY))
    with desk.begin() as transaction:
        transaction.save(changes, [])
        assert desk.reader.bookings(ana.id, None) == []
    assert len(desk.reader.bookings(ana.id, None)) == 1


def test_a_swap_and_a_chain_of_moves_within_one_batch_succeed(desk: Desk) -> None:
    ana = desk.join("Ana")
    one, two, three = (desk.book(ana, DAY + n * HOUR) for n in range(3))
    one, two, three = desk.move((one, two.start), (two, one.start), (three, DAY + 3 * HOUR))
    desk.move((one, two.start), (two, three.start), (three, three.end))
    assert desk.occupied() == [Span(DAY + n * HOUR, DAY + (n + 1) * HOUR) for n in (0, 3, 4)]


def test_a_claim_that_is_not_there_cannot_be_released(desk: Desk) -> None:
    booking = desk.book(desk.join("Ana"))
    gone = Changes(released={booking.id: claim(replace(booking, start=DAY - HOUR, end=DAY))})
    with pytest.raises(StoreConflict) as refused:
        desk.save(gone)
    assert (refused.value.constraint, len(desk.occupied())) == ("claim_missing", 1)


@pytest.mark.parametrize("poison", ["\ud800", "note with \udfff in it"])
def test_a_lone_surrogate_raises_and_leaves_nothing(desk: Desk, poison: str) -> None:
    ana = desk.join("Ana")
    with pytest.raises(ValueError):  # whichever subclass the driver has
        desk.save(desk.changes_of(desk.made(ana, DAY), desk.made(ana, DAY + HOUR, note=poison)))
    assert (desk.reader.bookings(ana.id, None), desk.occupied()) == ([], [])


def test_an_integer_beyond_64_bits_raises_and_leaves_nothing(desk: Desk) -> None:
    ana = desk.join("Ana")
    with pytest.raises(OverflowError):
        desk.save(desk.changes_of(desk.made(ana, DAY), desk.made(ana, DAY + HOUR, seat=2**63)))
    assert (desk.reader.bookings(ana.id, None), desk.occupied()) == ([], [])


def test_a_batch_succeeds_after_one_that_failed(desk: Desk) -> None:
    ana = desk.join("Ana")
    with pytest.raises(OverflowError):
        desk.save(desk.changes_of(desk.made(ana, DAY, seat=2**63)))
    booking = desk.book(ana)
    assert desk.reader.bookings(ana.id, None) == [booking]


def test_a_large_batch_is_saved_whole(desk: Desk) -> None:
    ana = desk.join("Ana")
    first = number(desk.made(ana, DAY).code)
    bookings = [replace(desk.made(ana, DAY + n * HOUR), code=code(first + n)) for n in range(200)]
    desk.save(desk.changes_of(*bookings))
    assert desk.reader.bookings(ana.id, None) == bookings


def test_sessions_end_when_they_are_closed(desk: Desk) -> None:
    desk.join("Ana", token=b"t" * 32)
    desk.save(Changes(closed=[b"t" * 32]))
    assert desk.reader.sign_in(b"t" * 32) is None


def test_entries_keep_their_place_hash_and_content(desk: Desk) -> None:
    ana = desk.join("Ana")
    booking = desk.made(ana, DAY)
    entries = desk.save(
        Changes(
            facts=[
                fact(booking, "booking.create", "slot_taken"),
                AuditFact(NOW, ana.id, "user.export", "ok", detail='{"a": "ç"}'),
            ]
        )
    )
    found, _ = desk.reader.audit(ana.id, 2, None)
    assert [entry for _, entry in found] == entries[::-1]


def test_status_words_are_kept(desk: Desk) -> None:
    ana = desk.join("Ana")
    for n, status in enumerate(Status):
        booking = replace(desk.made(ana, DAY + n * HOUR), status=status)
        desk.save(desk.changes_of(booking))
    assert [booking.status for booking in desk.reader.bookings(ana.id, None)] == list(Status)
