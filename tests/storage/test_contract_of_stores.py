"""What a store as a whole promises: writers, erasing, tidying, and what is still there after a new start."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from agenda.domain.commands import Changes
from agenda.domain.errors import Forbidden
from agenda.domain.model import RequestId
from agenda.engine.ports import Store, StoreUnavailable
from tests.storage.conftest import STORES
from tests.storage.making import DAY, HOUR, NOW, Desk, settled

DAYS = timedelta(days=1)


@pytest.fixture(params=STORES)
def opened(request: pytest.FixtureRequest, folder: Path) -> Callable[[], Store]:
    """Opens the same store again and again."""
    return lambda: STORES[request.param](folder)


def test_every_writer_has_a_number_above_all_before(store: Store) -> None:
    first, second = store.open_writer(), store.open_writer()
    assert (second.writer > first.writer, second.seq, second.hash) == (True, 0, bytes(32))


def test_what_was_saved_is_there_after_a_new_start(opened: Callable[[], Store]) -> None:
    store = opened()
    desk = Desk(store)
    ana = desk.join("Ana", token=b"t" * 32)
    booking = desk.book(ana)
    store.close()
    store = opened()
    again = Desk(store)
    assert again.reader.bookings(ana.id, None) == [booking]
    assert again.reader.sign_in(b"t" * 32) is not None
    assert (again.catalogue, again.occupied()) == (desk.catalogue, [booking.span])
    assert again.head.writer == desk.head.writer + 1
    assert again.book(ana, DAY + HOUR).code != booking.code
    store.close()


def test_closing_twice_is_closing_once(opened: Callable[[], Store]) -> None:
    store = opened()
    store.close()
    store.close()


def test_a_closed_store_is_unavailable(opened: Callable[[], Store]) -> None:
    store = opened()
    store.close()
    with pytest.raises(StoreUnavailable):
        store.reader().account("Ana")
    with pytest.raises(StoreUnavailable):
        store.open_writer()


def test_an_erased_user_is_gone_and_his_time_is_free(desk: Desk) -> None:
    ana, bia = desk.join("Ana", token=b"t" * 32), desk.join("Bia")
    booking = desk.book(ana)
    hers = desk.book(bia, DAY + HOUR)
    receipt = desk.erase(ana)
    desk.store.scrub()
    assert (receipt.bookings, receipt.log_entries, receipt.sessions) == (1, 2, 1)
    assert desk.reader.account("Ana") is None
    assert desk.reader.sign_in(b"t" * 32) is None
    assert (desk.reader.bookings(ana.id, None), desk.reader.audit(ana.id, 9, None)) == ([], ([], None))
    assert (desk.occupied(), desk.reader.bookings(bia.id, None)) == ([hers.span], [hers])
    with desk.begin() as transaction:
        key = (ana.id, RequestId(f"request of {booking.id}"))
        assert (transaction.users([ana.id]), transaction.settled([key])) == ({}, {})


def test_the_name_and_the_time_of_an_erased_user_can_be_had_by_another(desk: Desk) -> None:
    ana = desk.join("Ana")
    booking = desk.book(ana)
    desk.erase(ana)
    again = desk.book(desk.join("Ana"), booking.start)
    assert desk.occupied() == [again.span]


def test_what_another_settled_about_an_erased_booking_is_not_found_any_more(desk: Desk) -> None:
    ana, staff = desk.join("Ana"), desk.join("Staff")
    booking = desk.book(ana, note="secret")
    desk.save(Changes(settled=[settled(staff.id, "for her", booking)]))
    desk.erase(ana)
    with desk.begin() as transaction:
        [found] = transaction.settled([(staff.id, RequestId("for her"))]).values()
    assert str(found.outcome) == "not_found {'what': 'booking'}"


def test_tidying_clears_claims_long_past_and_nothing_else(desk: Desk) -> None:
    ana, month = desk.join("Ana"), 30 * DAYS
    past = [desk.book(ana, NOW - month - n * HOUR) for n in (1, 2, 3)]
    current, coming = desk.book(ana, NOW - month - HOUR / 2, seat=1), desk.book(ana, DAY)
    desk.store.tidy(NOW)
    far = NOW - month - 9 * HOUR
    assert desk.occupied(far) == [current.span]
    assert desk.occupied(DAY) == [coming.span]
    assert len(desk.reader.bookings(ana.id, None)) == len(past) + 2


def test_tidying_by_a_clock_that_is_a_day_ahead_frees_nothing_that_is_still_to_come(desk: Desk) -> None:
    booking = desk.book(desk.join("Ana"), NOW + HOUR)
    desk.store.tidy(NOW + 24 * HOUR)
    assert desk.occupied(NOW) == [booking.span]


def test_tidying_comes_to_every_seat_and_request_in_the_end(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agenda.storage.tidy.AT_ONCE", 4)
    ana = desk.join("Ana")
    for n in range(20):
        desk.book(ana, NOW - (n + 1) * HOUR, seat=n % 3)
    for _ in range(8):
        desk.store.tidy(NOW + 31 * DAYS)
    assert desk.occupied(NOW - 24 * HOUR) == []
    assert desk.reader.export(ana.id)["requests"] == []


def test_requests_are_kept_for_two_days(desk: Desk) -> None:
    ana = desk.join("Ana")
    ages = {"new": NOW, "kept": NOW - 47 * HOUR, "old": NOW - 49 * HOUR}
    desk.save(Changes(settled=[settled(ana.id, name, Forbidden(), at) for name, at in ages.items()]))
    desk.store.tidy(NOW)
    with desk.begin() as transaction:
        found = transaction.settled([(ana.id, RequestId(name)) for name in ages])
    assert {request for _, request in found} == {"new", "kept"}


def test_sessions_end_after_half_a_year(desk: Desk) -> None:
    desk.join("Ana", token=b"t" * 32)
    desk.store.tidy(NOW + 179 * DAYS)
    assert desk.reader.sign_in(b"t" * 32) is not None
    desk.store.tidy(NOW + 181 * DAYS)
    assert desk.reader.sign_in(b"t" * 32) is None


def test_receipts_are_forgotten_after_two_days(desk: Desk) -> None:
    desk.erase(desk.join("Ana"), "r7")
    desk.store.tidy(NOW + 47 * HOUR)
    assert len(desk.reader.gone(RequestId("r7"))) == 1
    desk.store.tidy(NOW + 49 * HOUR)
    assert desk.reader.gone(RequestId("r7")) == []


def test_a_receipt_says_that_copies_age_out_where_the_store_cannot_take_them_out(desk: Desk) -> None:
    receipt = desk.erase(desk.join("Ana"), "r7")
    [gone] = desk.reader.gone(RequestId("r7"))
    assert (gone.receipt, receipt.copies_age_out) == (receipt, not desk.store.lone_writer)


def test_a_checkpoint_changes_nothing_that_is_seen(desk: Desk) -> None:
    ana = desk.join("Ana")
    booking = desk.book(ana)
    desk.store.checkpoint()
    assert desk.reader.bookings(ana.id, None) == [booking]
