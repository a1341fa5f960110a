"""What readers may rely on, whichever store they ask."""

import pytest

from agenda.domain.commands import AuditFact, Changes
from agenda.domain.errors import Forbidden
from agenda.domain.model import RequestId, ResourceId, Status, UserId
from agenda.domain.times import Span
from agenda.engine.ports import Gone, Occupied, SignIn
from tests.storage.making import DAY, FINGERPRINT, HOUR, NOW, Desk, actions, settled

NOBODY = UserId("0" * 32)


def test_the_first_agenda_is_open_from_8_to_20_every_day_with_one_hourly_service(desk: Desk) -> None:
    [resource], [service] = desk.catalogue.resources.values(), desk.catalogue.services.values()
    assert [[(h.opens, h.closes) for h in hours] for hours in resource.schedule.weekly] == [[(480, 1200)]] * 7
    assert (service.duration, service.step, service.resources) == (60, 60, frozenset({resource.id}))


def test_the_catalogue_is_the_same_for_every_reader(desk: Desk) -> None:
    assert desk.store.reader().catalogue() == desk.catalogue


def test_a_token_tells_who_holds_it_and_in_what_language(desk: Desk) -> None:
    ana = desk.join("Ana", token=b"t" * 32)
    assert desk.reader.sign_in(b"t" * 32) == SignIn(ana, "en")


def test_an_unknown_token_tells_nothing(desk: Desk) -> None:
    desk.join("Ana", token=b"t" * 32)
    assert desk.reader.sign_in(b"T" * 32) is None


def test_an_account_is_found_by_its_exact_name(desk: Desk) -> None:
    ana = desk.join("Ana")
    found = desk.reader.account("Ana")
    assert found is not None
    assert (found.user, found.password_hash, found.created) == (ana, "hash of Ana", NOW)
    assert desk.reader.account("ana") is None


def test_an_account_is_found_by_its_id(desk: Desk) -> None:
    ana = desk.join("Ana")
    assert desk.reader.account_of(ana.id) == desk.reader.account("Ana")
    assert desk.reader.account_of(NOBODY) is None


def test_occupied_tells_the_claim_and_whose_it_is(desk: Desk) -> None:
    ana = desk.join("Ana")
    booking = desk.book(ana, seat=3)
    assert desk.reader.occupied(desk.resource, booking.span) == [
        Occupied(3, booking.span, booking.span, ana.id, booking.id)
    ]


def test_occupied_looks_at_every_seat(desk: Desk) -> None:
    ana = desk.join("Ana")
    for seat in (0, 2, 5):
        desk.book(ana, seat=seat)
    found = desk.reader.occupied(desk.resource, Span(DAY, DAY + HOUR))
    assert sorted(one.seat for one in found) == [0, 2, 5]


@pytest.mark.parametrize(("start", "end", "found"), [(-1, 0, 0), (-1, 0.1, 1), (0.9, 9, 1), (1, 2, 0), (-9, 9, 1)])
def test_occupied_is_what_overlaps_the_span(desk: Desk, start: float, end: float, found: int) -> None:
    desk.book(desk.join("Ana"))
    assert len(desk.reader.occupied(desk.resource, Span(DAY + start * HOUR, DAY + end * HOUR))) == found


def test_nothing_is_occupied_on_a_resource_without_bookings(desk: Desk) -> None:
    assert desk.reader.occupied(ResourceId("e" * 32), Span(DAY, DAY + HOUR)) == []


def test_bookings_are_ones_own_soonest_first(desk: Desk) -> None:
    ana = desk.join("Ana")
    desk.book(desk.join("Bia"), DAY + 9 * HOUR)
    late, soon = desk.book(ana, DAY + 5 * HOUR), desk.book(ana, DAY)
    assert desk.reader.bookings(ana.id, None) == [soon, late]


def test_bookings_can_be_asked_for_by_status(desk: Desk) -> None:
    ana = desk.join("Ana")
    desk.book(ana)
    cancelled = desk.cancel(desk.book(ana, DAY + HOUR))
    assert desk.reader.bookings(ana.id, Status.CANCELLED) == [cancelled]


def test_the_log_is_ones_own_newest_first(desk: Desk) -> None:
    ana = desk.join("Ana")
    desk.join("Bia")
    desk.cancel(desk.book(ana))
    entries, before = desk.reader.audit(ana.id, 100, None)
    assert (actions(entries), before) == (["booking.cancel", "booking.create", "session.open"], None)


def test_the_log_is_read_page_by_page_across_starts_of_the_server(desk: Desk) -> None:
    ana = desk.join("Ana")
    for n in range(3):
        desk.book(ana, DAY + n * HOUR)
    desk.head = desk.store.open_writer()
    desk.book(ana, DAY + 4 * HOUR)
    whole, _ = desk.reader.audit(ana.id, 100, None)
    pages, before = [], None
    while True:
        page, before = desk.reader.audit(ana.id, 2, before)
        pages.append(page)
        if before is None:
            break
    assert [len(page) for page in pages] == [2, 2, 1]
    assert [entry for page in pages for entry in page] == whole


@pytest.mark.parametrize("before", ["", "1", "-", "a-1", "1-b", "1-1-1", "-1-1", "²-1", f"{2**70}-1"])
def test_an_entry_that_cannot_be_is_refused(desk: Desk, before: str) -> None:
    with pytest.raises(ValueError):  # its words are nobody's business
        desk.reader.audit(NOBODY, 10, before)


def test_an_export_holds_all_that_is_stored_and_no_secrets(desk: Desk) -> None:
    ana = desk.join("Ana", token=b"t" * 32)
    booking = desk.book(ana, note="knock twice")
    desk.save(Changes(settled=[settled(ana.id, "r9", Forbidden())], facts=[AuditFact(NOW, ana.id, "x", "forbidden")]))
    desk.book(desk.join("Bia"), DAY + HOUR, note="not hers")
    export = desk.reader.export(ana.id)
    assert export["user"] == {
        "id": ana.id,
        "name": "Ana",
        "role": "customer",
        "language": "pt-BR",
        "created": NOW,
    }
    assert [one["id"] for one in export["bookings"]] == [booking.id]
    assert [one["note"] for one in export["bookings"]] == ["knock twice"]
    assert export["sessions"] == [{"language": "en", "opened": NOW}]
    assert [one["booking"] for one in export["claims"]] == [booking.id]
    assert {one["request"] for one in export["requests"]} == {"r9", f"request of {booking.id}"}
    assert [one["action"] for one in export["audit"]] == ["session.open", "booking.create", "x"]
    assert not [secret for secret in ("hash of Ana", "tttt", "not hers") if secret in str(export)]


def test_an_export_of_nobody_is_empty(desk: Desk) -> None:
    assert desk.reader.export(NOBODY) == {}


def test_an_erasure_is_remembered_by_its_request(desk: Desk) -> None:
    ana = desk.join("Ana")
    receipt = desk.erase(ana, "r7")
    assert desk.reader.gone(RequestId("r7")) == [Gone(ana.id, FINGERPRINT, "hash of Ana", receipt, NOW)]
    assert desk.reader.gone(RequestId("r8")) == []


def test_a_claim_over_buffers_tells_the_booked_time_apart(desk: Desk) -> None:
    ana = desk.join("Ana")
    booking = desk.made(ana, DAY)
    changes = desk.changes_of(booking)
    [made] = changes.claimed.values()
    wide = Span(DAY - HOUR / 4, DAY + 3 * HOUR / 2)
    changes.claimed[booking.id] = type(made)(made.resource, made.seat, wide, made.booking)
    desk.save(changes)
    [found] = desk.reader.occupied(desk.resource, Span(DAY - HOUR / 4, DAY))
    assert (found.span, found.booked) == (wide, booking.span)
    with desk.begin() as transaction:
        assert transaction.holdings([ana.id])[ana.id].claims == (changes.claimed[booking.id],)
