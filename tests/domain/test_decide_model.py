"""decide() against a naive model that keeps, for every seat, the set of minutes that are taken."""

from dataclasses import dataclass, field
from datetime import datetime

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

from agenda.domain.commands import BookSlot, CancelBooking, Command, MoveBooking, Outcome
from agenda.domain.errors import AgendaError, Invalid
from agenda.domain.model import Booking, BookingId, ResourceId, ServiceId, Status, UserId
from agenda.domain.times import MINUTE
from tests.domain.agendas import ANA, BIA, CHAIRS, HOUR, LONG, NOON, ROOM, TEN, Desk, later

SEATS = {ROOM: 1, CHAIRS: 3}
MINUTES = {HOUR: (0, 60, 0, 60), LONG: (15, 90, 15, 30)}  # before, duration, after, step

users = st.sampled_from([ANA, BIA])
resources = st.sampled_from([ROOM, CHAIRS])
services = st.sampled_from([HOUR, LONG])
starts = st.builds(lambda day, half: later(TEN, days=day, minutes=30 * half), st.integers(-2, 1), st.integers(-6, 21))


@dataclass
class Naive:
    """What a receptionist with a paper book per seat would do."""

    taken: dict[tuple[str, int], dict[datetime, str]] = field(default_factory=dict)
    live: dict[str, tuple[UserId, ServiceId, datetime]] = field(default_factory=dict)
    dead: dict[str, UserId] = field(default_factory=dict)

    def offered(self, service: ServiceId, start: datetime, now: datetime) -> str | None:
        _, duration, _, step = MINUTES[service]
        opening = datetime.combine(start.date(), TEN.time(), start.tzinfo) - 120 * MINUTE
        into = int((start - opening) / MINUTE)
        if start <= now:
            return "past"
        if into < 0 or into + duration > 12 * 60:
            return "closed"
        return "off_grid" if into % step else None

    def seat(self, resource: ResourceId, service: ServiceId, start: datetime, booking: str) -> int | None:
        """The first seat on which every minute is free or the booking's own."""
        for seat in range(SEATS[resource]):
            page = self.taken.setdefault((resource, seat), {})
            if all(page.get(minute, booking) == booking for minute in self.minutes(service, start)):
                return seat
        return None

    def minutes(self, service: ServiceId, start: datetime) -> list[datetime]:
        before, duration, after, _ = MINUTES[service]
        return [start + n * MINUTE for n in range(-before, duration + after)]

    def write(self, booking: Booking) -> None:
        page = self.taken[booking.resource, booking.seat]
        page.update(dict.fromkeys(self.minutes(booking.service, booking.start), booking.id))
        self.live[booking.id] = (booking.user, booking.service, booking.start)

    def rub_out(self, booking_id: str) -> None:
        for page in self.taken.values():
            for minute in [minute for minute, owner in page.items() if owner == booking_id]:
                del page[minute]


def word(outcome: Outcome) -> str:
    """The outcome in a word: ok, or the error's code with its reason."""
    if not isinstance(outcome, AgendaError):
        return "ok"
    return getattr(outcome, "reason", outcome.code)


class DecideAgainstNaive(RuleBasedStateMachine):
    """Commands of all kinds, one a batch or several, retried ones included."""

    bookings = Bundle("bookings")

    def __init__(self) -> None:
        super().__init__()
        self.desk = Desk()
        self.naive = Naive()
        self.outcomes: dict[str, Outcome] = {}

    def run(self, command: Command) -> Outcome:
        [outcome] = self.desk.run(command)
        self.outcomes[command.request] = outcome
        return outcome

    @rule(target=bookings, user=users, resource=resources, service=services, start=starts)
    def book(self, user: UserId, resource: ResourceId, service: ServiceId, start: datetime) -> object:
        expected = self.naive.offered(service, start, self.desk.now)
        seat = self.naive.seat(resource, service, start, "new")
        if expected is None and seat is None:
            expected = "slot_taken"
        outcome = self.run(self.desk.wish_book(start, user=user, resource=resource, service=service))
        assert word(outcome) == (expected or "ok")
        if not isinstance(outcome, Booking):
            return multiple()
        assert outcome.seat == seat
        self.naive.write(outcome)
        return outcome.id

    @rule(booking=bookings, user=users, start=starts, resource=st.none() | resources)
    def move(self, booking: str, user: UserId, start: datetime, resource: ResourceId | None) -> None:
        command = MoveBooking(user, self.desk.request(), b"", BookingId(booking), start, resource)
        expected, seat = self.judge_move(command)
        outcome = self.run(command)
        assert word(outcome) == expected
        if isinstance(outcome, Booking) and seat is not None:
            assert outcome.seat == seat
            self.naive.rub_out(booking)
            self.naive.write(outcome)

    @rule(booking=bookings, half_hours=st.integers(-3, 3))
    def nudge(self, booking: str, half_hours: int) -> None:
        """Move by so little that the new time overlaps the old one."""
        held = self.desk.state.bookings[BookingId(booking)]
        self.move(booking, held.user, later(held.start, minutes=30 * half_hours), None)

    def judge_move(self, command: MoveBooking) -> tuple[str, int | None]:
        """What must become of it, and the new seat, None where nothing moves."""
        owner, service, start = self.naive.live.get(command.booking, (None, HOUR, NOON))
        if owner != command.user:
            return "not_found", None
        if self.desk.now >= start:
            return "too_late", None
        old = self.desk.state.bookings[command.booking].resource
        target = command.resource or old
        if (command.start, target) == (start, old):
            return "ok", None
        refused = self.naive.offered(service, command.start, self.desk.now)
        seat = self.naive.seat(target, service, command.start, command.booking)
        return refused or ("ok" if seat is not None else "slot_taken"), seat

    @rule(booking=consumes(bookings), user=users)
    def cancel(self, booking: str, user: UserId) -> None:
        owner, _, start = self.naive.live.get(booking, (self.naive.dead.get(booking), HOUR, NOON))
        outcome = self.run(CancelBooking(user, self.desk.request(), b"", BookingId(booking)))
        if owner != user:
            assert word(outcome) == "not_found"
        elif booking in self.naive.live and self.desk.now >= start:
            assert word(outcome) == "too_late"
        else:
            assert isinstance(outcome, Booking)
            assert outcome.status is Status.CANCELLED
            self.naive.rub_out(booking)
            self.naive.live.pop(booking, None)
            self.naive.dead[booking] = user

    @rule(data=st.data())
    def ask_again(self, data: st.DataObject) -> None:
        kept = [key for key, settled in self.desk.state.settled.items() if settled]
        if not kept:
            return
        user, request = data.draw(st.sampled_from(sorted(kept)))
        again = BookSlot(user, request, b"", TEN, HOUR, ROOM)
        assert self.desk.run(again) == [self.outcomes[request]]
        other = BookSlot(user, request, b"other", TEN, HOUR, ROOM)
        assert self.desk.run(other) == [Invalid("request", "reused")]

    @rule(hours=st.integers(1, 12))
    def time_passes(self, hours: int) -> None:
        self.desk.now = min(later(self.desk.now, hours=hours), later(TEN, days=2))

    @invariant()
    def every_live_booking_has_one_claim_and_no_two_claims_overlap(self) -> None:
        claims = [claim for held in self.desk.state.claims.values() for claim in held]
        assert sorted(claim.booking for claim in claims) == sorted(self.naive.live)
        for one in claims:
            for other in claims:
                same_seat = (one.resource, one.seat) == (other.resource, other.seat)
                if one is not other and same_seat:
                    assert one.span.end <= other.span.start or other.span.end <= one.span.start


DecideAgainstNaive.TestCase.settings = settings(max_examples=150, stateful_step_count=40)
TestDecideAgainstNaive = DecideAgainstNaive.TestCase
