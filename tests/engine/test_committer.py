"""The committer: one transaction for whatever waits, and one culprit never takes its companions down."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier, Event
from typing import Any

import pytest

from agenda.domain.commands import CancelBooking, MoveBooking
from agenda.domain.errors import Internal, Invalid, SlotTaken, Unavailable
from agenda.domain.model import Booking, BookingId, RequestId, ResourceId
from agenda.engine import committer, loading
from agenda.engine.roll import Session
from agenda.storage.sqlite import Connection
from tests.domain.agendas import later
from tests.engine.asking import CHAIRS, ROOM, TOMORROW_TEN, House
from tests.waiting import SECONDS


def move(session: Session, booking: Booking, hours: int) -> MoveBooking:
    request = RequestId(f"move {booking.id} {hours}")
    return MoveBooking(session.user.id, request, b"", booking.id, later(booking.start, hours=hours))


def held_up(house: House) -> Event:
    """Keep the committer busy until the event is set, so that what is submitted meanwhile is one batch."""
    go, begun = Event(), Event()

    def chore() -> None:
        begun.set()
        go.wait(SECONDS)

    house.engine._committer.call(chore)
    assert begun.wait(SECONDS)
    return go


def one_batch(house: House, *commands: Any) -> list[Any]:
    go = held_up(house)
    before = house.engine.meter.batches
    outcomes: dict[int, Any] = {}
    for place, command in enumerate(commands):
        house.engine.submit(command, house.post, partial(outcomes.__setitem__, place))
    go.set()
    house.post.wait(lambda: len(outcomes) == len(commands))
    house.batches = house.engine.meter.batches - before  # type: ignore[attr-defined]  # for the test to look at
    return [outcomes[place] for place in range(len(commands))]


def test_what_waits_becomes_one_transaction_and_one_wake_up(house: House) -> None:
    ana = house.sign_in("Ana")
    wishes = [house.wish(ana, start=later(TOMORROW_TEN, hours=n)) for n in range(8)]
    rounds = house.post.rounds
    outcomes = one_batch(house, *wishes)
    assert all(isinstance(outcome, Booking) for outcome in outcomes)
    assert house.batches == 1  # type: ignore[attr-defined]  # set by one_batch
    assert house.post.rounds == rounds + 1


def test_of_many_threads_that_want_one_slot_exactly_one_gets_it(house: House) -> None:
    sessions = [house.sign_in(f"user{n}") for n in range(8)]
    barrier = Barrier(64)
    outcomes: list[Any] = []

    def race(number: int) -> None:
        barrier.wait(SECONDS)
        house.engine.submit(house.wish(sessions[number % 8]), house.post, outcomes.append)

    with ThreadPoolExecutor(64) as threads:
        list(threads.map(race, range(64)))
    house.post.wait(lambda: len(outcomes) == 64)
    assert sum(isinstance(outcome, Booking) for outcome in outcomes) == 1
    assert outcomes.count(SlotTaken(ROOM, TOMORROW_TEN)) == 63


def test_moves_that_swap_their_chairs_within_one_batch_succeed(house: House) -> None:
    ana = house.sign_in("Ana")
    first, second = house.booked(ana), house.booked(ana, start=later(TOMORROW_TEN, hours=1))
    aside, there, back = move(ana, first, 2), move(ana, second, -1), move(ana, first, 1)
    outcomes = one_batch(house, aside, there, back)
    assert [outcome.start for outcome in outcomes[1:]] == [TOMORROW_TEN, later(TOMORROW_TEN, hours=1)]


def test_moves_in_a_chain_within_one_batch_succeed(house: House) -> None:
    ana = house.sign_in("Ana")
    chain = [house.booked(ana, start=later(TOMORROW_TEN, hours=n)) for n in range(4)]
    outcomes = one_batch(house, *(move(ana, booking, 1) for booking in reversed(chain)))
    assert all(isinstance(outcome, Booking) for outcome in outcomes)


def test_a_booking_that_is_made_and_cancelled_within_one_batch_leaves_its_time_free(house: House) -> None:
    ana = house.sign_in("Ana")
    booking = house.booked(ana)
    cancel = CancelBooking(ana.user.id, RequestId("c"), b"", booking.id)
    cancelled, again = one_batch(house, cancel, house.wish(ana))
    assert isinstance(cancelled, Booking)
    assert isinstance(again, Booking)


@pytest.mark.parametrize("poison", ["\ud800", "a\ud800b"])
def test_a_text_that_the_driver_cannot_store_fails_alone(house: House, poison: str) -> None:
    ana = house.sign_in("Ana")
    good, bad, other = (
        house.wish(ana),
        house.wish(ana, note=poison, start=later(TOMORROW_TEN, hours=1)),
        house.wish(ana, resource=CHAIRS),
    )
    outcomes = one_batch(house, good, bad, other)
    assert [type(outcome) for outcome in outcomes] == [Booking, Internal, Booking]
    assert house.submit(good) == [outcomes[0]]


def test_a_constraint_met_behind_decide_fails_the_culprit_alone(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A claim that decide() cannot see, as if its own rules were wrong: the database refuses, and only that one."""
    ana = house.sign_in("Ana")
    hidden = house.booked(ana)
    _blind(monkeypatch, hidden)
    culprit, companion = house.wish(ana, request="culprit"), house.wish(ana, resource=CHAIRS)
    outcomes = one_batch(house, companion, culprit)
    assert [type(outcome) for outcome in outcomes] == [Booking, Internal]
    assert [str(incident) for incident in house.incidents.seen] == ["claim_no_overlap"]


def test_an_unchecked_overlap_is_refused_by_the_database_itself(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    ana = house.sign_in("Ana")
    hidden = house.booked(ana)
    _blind(monkeypatch, hidden)
    assert [type(outcome) for outcome in house.submit(house.wish(ana))] == [Internal]
    assert _claims(house) == 1


def _blind(monkeypatch: pytest.MonkeyPatch, booking: Booking) -> None:
    """From now on loading forgets the claim of `booking`."""
    load = loading.load

    def blind(*args: Any, **named: Any) -> Any:
        state, now = load(*args, **named)
        for claims in state.claims.values():
            claims[:] = [claim for claim in claims if claim.booking != booking.id]
        return state, now

    monkeypatch.setattr(committer, "load", blind)


def _claims(house: House) -> int:
    connection: Connection = house.store._writing
    [(count,)] = connection.rows("SELECT count(*) FROM claim")
    return int(count)


def test_the_same_request_gives_its_first_answer_also_after_a_restart(house: House, tmp_path: Any) -> None:
    ana = house.sign_in("Ana")
    wish = house.wish(ana, note="Trazer exames")
    refused = house.wish(ana, request="refused")
    first = house.submit(wish, refused)
    house.close()
    house.__init__(tmp_path / "data")  # type: ignore[misc]  # the house as it is after a restart
    assert house.submit(wish, refused) == first
    assert _claims(house) == 1


def test_a_request_that_comes_twice_within_one_batch_acts_once(house: House) -> None:
    ana = house.sign_in("Ana")
    wish = house.wish(ana)
    first, second = one_batch(house, wish, wish)
    assert first == second
    assert _claims(house) == 1


def test_a_request_that_was_used_for_something_else_is_invalid(house: House) -> None:
    ana = house.sign_in("Ana")
    house.submit(house.wish(ana, request="r"))
    cancel = CancelBooking(ana.user.id, RequestId("r"), b"other", BookingId("0" * 32))
    assert house.submit(cancel) == [Invalid("request", "reused")]


def test_a_full_queue_is_unavailable_and_nothing_is_lost(house: House) -> None:
    ana = house.sign_in("Ana")
    go = held_up(house)
    outcomes: list[Any] = []
    for _ in range(committer.QUEUE_BOUND + 1):
        house.engine.submit(house.wish(ana, resource=ResourceId("nowhere")), house.post, outcomes.append)
    assert outcomes == [Unavailable()]
    go.set()
    house.post.wait(lambda: len(outcomes) == committer.QUEUE_BOUND + 1)


def test_a_locked_database_is_unavailable_and_works_again_afterwards(house: House) -> None:
    ana = house.sign_in("Ana")
    other = Connection(house.store._writing.path)
    house.store._writing.run("PRAGMA busy_timeout = 50")
    other.run("BEGIN IMMEDIATE")
    wish = house.wish(ana)
    assert house.submit(wish) == [Unavailable()]
    assert len(house.incidents.troubles) == 1
    assert not house.incidents.seen
    other.undo()
    other.close()
    assert isinstance(house.submit(wish)[0], Booking)


def test_after_the_stop_everything_accepted_was_answered(house: House) -> None:
    ana = house.sign_in("Ana")
    go = held_up(house)
    outcomes: list[Any] = []
    for n in range(6):
        house.engine.submit(house.wish(ana, start=later(TOMORROW_TEN, hours=n)), house.post, outcomes.append)
    go.set()
    house.engine.stop()
    house.post.wait(lambda: len(outcomes) == 6)
    assert all(isinstance(outcome, Booking) for outcome in outcomes)
    house.engine.submit(house.wish(ana), house.post, outcomes.append)
    assert outcomes[-1] == Unavailable()
