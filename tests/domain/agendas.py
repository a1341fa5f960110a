"""A small agenda for tests of the domain: two rooms and two services, decided by decide() over a state in memory."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

from agenda.domain.commands import BookSlot, CancelBooking, Changes, Command, MoveBooking, Outcome, State
from agenda.domain.decide import decide
from agenda.domain.model import (
    Booking,
    BookingId,
    Business,
    BusinessId,
    Catalogue,
    Hours,
    Policy,
    RequestId,
    Resource,
    ResourceId,
    Schedule,
    Service,
    ServiceId,
    User,
    UserId,
)

ZONE = "America/Sao_Paulo"
ROOM, CHAIRS = ResourceId("a" * 32), ResourceId("b" * 32)
HOUR, LONG = ServiceId("c" * 32), ServiceId("d" * 32)
ANA, BIA = UserId("1" * 32), UserId("2" * 32)
NOON = datetime(2026, 11, 22, 15, tzinfo=UTC)  # 12:00 in São Paulo, a Sunday
TEN = datetime(2026, 11, 23, 13, tzinfo=UTC)  # 10:00 there, the next day

DAILY = Schedule(((Hours(8 * 60, 20 * 60),),) * 7)


def catalogue(policy: Policy | None = None) -> Catalogue:
    """A room for one and three chairs; one hour, or 90 minutes with a quarter of an hour before and after."""
    return Catalogue(
        Business(BusinessId("e" * 32), "Clínica", ZONE, "pt-BR", policy=policy or Policy()),
        {ROOM: Resource(ROOM, "Sala", DAILY), CHAIRS: Resource(CHAIRS, "Cadeiras", DAILY, seats=3)},
        {
            HOUR: Service(HOUR, "Consulta", 60, 60, frozenset((ROOM, CHAIRS))),
            LONG: Service(LONG, "Tratamento", 90, 30, frozenset((ROOM, CHAIRS)), before=15, after=15),
        },
        version=1,
    )


def ids() -> Iterator[str]:
    """Ids in order."""
    return (f"{number:032x}" for number in count(1))


class Desk:
    """Commands one at a time against one state, as if each were a batch of its own; `changes` are of the last."""

    def __init__(self, policy: Policy | None = None, now: datetime = NOON) -> None:
        self.state = State(catalogue(policy), users={ANA: User(ANA, "Ana"), BIA: User(BIA, "Bia")})
        self.now = now
        self.changes = Changes()
        self._ids = ids()
        self._requests = count(1)

    def run(self, *commands: Command) -> list[Outcome]:
        """Decide the commands as one batch."""
        outcomes, self.changes = decide(self.state, commands, self.now, self._ids)
        return outcomes

    def request(self) -> RequestId:
        """A request that nobody used."""
        return RequestId(f"r{next(self._requests)}")

    def wish_book(
        self, start: datetime = TEN, *, user: UserId = ANA, service: ServiceId = HOUR, resource: ResourceId = ROOM
    ) -> BookSlot:
        """A wish to book."""
        return BookSlot(user, self.request(), b"", start, service, resource)

    def book(self, start: datetime = TEN, **facts: str) -> Outcome:
        """Book, as one batch."""
        return self.run(self.wish_book(start, **facts))[0]  # type: ignore[arg-type]  # ids are NewTypes of str

    def booked(self, start: datetime = TEN, **facts: str) -> Booking:
        """Book what is known to be free."""
        booking = self.book(start, **facts)
        assert isinstance(booking, Booking)
        return booking

    def wish_move(self, booking: Booking | str, start: datetime, *, user: UserId = ANA) -> MoveBooking:
        """A wish to move."""
        booking_id = booking.id if isinstance(booking, Booking) else BookingId(booking)
        return MoveBooking(user, self.request(), b"", booking_id, start)

    def wish_cancel(self, booking: Booking, *, user: UserId = ANA) -> CancelBooking:
        """A wish to cancel."""
        return CancelBooking(user, self.request(), b"", booking.id)

    def claims(self) -> int:
        """How many claims there are."""
        return sum(map(len, self.state.claims.values()))


def later(moment: datetime, **by: float) -> datetime:
    """The instant some time later."""
    return moment + timedelta(**by)


def same_request(command: Command, **other: object) -> Command:
    """The same command once more, with other values where given."""
    return replace(command, **other)  # type: ignore[arg-type]  # names are of the command's fields
