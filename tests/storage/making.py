"""Values for tests of the store, and a desk that saves them as the committer would."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from agenda.domain.audit import SALT_BYTES, AuditEntry, Head, chain
from agenda.domain.codes import code
from agenda.domain.commands import (
    Account,
    AuditFact,
    Changes,
    Erasure,
    OpenedSession,
    Receipt,
    Settled,
)
from agenda.domain.errors import AgendaError
from agenda.domain.model import (
    Booking,
    BookingId,
    Catalogue,
    Claim,
    RequestId,
    ResourceId,
    ServiceId,
    Status,
    User,
    UserId,
)
from agenda.domain.times import Span
from agenda.engine.ids import new_ids
from agenda.engine.ports import Store, Transaction
from agenda.storage.first import first_catalogue

HOUR = timedelta(hours=1)
NOW = datetime.now(UTC).replace(microsecond=0)
DAY = (NOW + timedelta(days=30)).replace(hour=11, minute=0, second=0)
FINGERPRINT = bytes(range(32))

IDS = new_ids()


def catalogue() -> Catalogue:
    return first_catalogue("Estabelecimento", "Recurso", "Atendimento", timezone="America/Sao_Paulo", language="pt-BR")


class Desk:
    """A business of one resource on a store; each method that changes something is one transaction."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.reader = store.reader()
        self.catalogue = self.reader.catalogue()
        self.resource: ResourceId = next(iter(self.catalogue.resources))
        self.service: ServiceId = next(iter(self.catalogue.services))
        self.head: Head = store.open_writer()

    @contextmanager
    def begin(self) -> Iterator[Transaction]:
        with self.store.begin() as transaction:
            yield transaction

    def save(self, changes: Changes) -> list[AuditEntry]:
        """With an entry for each fact of the changes."""
        entries = chain(self.head, changes.facts, os.urandom(SALT_BYTES * len(changes.facts)))
        with self.store.begin() as transaction:
            transaction.save(changes, entries)
        if entries:
            self.head = Head(self.head.writer, entries[-1].seq, entries[-1].hash)
        return entries

    def join(self, name: str, token: bytes | None = None) -> User:
        """A new account, signed in with a token of this hash if one is given."""
        user = User(UserId(next(IDS)), name)
        changes = Changes(accounts=[Account(user, f"hash of {name}", "pt-BR", NOW)])
        if token is not None:
            changes.opened.append(OpenedSession(token, user.id, "en", NOW))
        changes.facts.append(AuditFact(NOW, user.id, "session.open", "ok"))
        self.save(changes)
        return user

    def made(self, user: User, start: datetime, *, note: str | None = None, seat: int = 0) -> Booking:
        """An hour that is not yet saved, under the next number."""
        with self.begin() as transaction:
            number = transaction.next_number()
        wall = start.astimezone(self.catalogue.business.zone).strftime("%Y-%m-%dT%H:%M")
        return Booking(
            id=BookingId(next(IDS)),
            code=code(number),
            resource=self.resource,
            service=self.service,
            user=user.id,
            start=start,
            end=start + HOUR,
            status=Status.BOOKED,
            created=NOW,
            wall=wall,
            zone=self.catalogue.business.timezone,
            seat=seat,
            note=note,
        )

    def book(self, user: User, start: datetime = DAY, *, note: str | None = None, seat: int = 0) -> Booking:
        booking = self.made(user, start, note=note, seat=seat)
        self.save(self.changes_of(booking))
        return booking

    def changes_of(self, *bookings: Booking) -> Changes:
        """What a batch that makes these bookings saves."""
        changes = Changes()
        for booking in bookings:
            changes.made[booking.id] = booking
            changes.claimed[booking.id] = claim(booking)
            changes.settled.append(settled(booking.user, f"request of {booking.id}", booking))
            changes.facts.append(fact(booking, "booking.create"))
        with self.begin() as transaction:
            changes.numbers = transaction.next_number() + len(bookings)
        return changes

    def move(self, *moves: tuple[Booking, datetime]) -> list[Booking]:
        """Give several bookings another start, in one batch."""
        moved = [replace(booking, start=start, end=start + HOUR) for booking, start in moves]
        self.save(
            Changes(
                released={booking.id: claim(booking) for booking, _ in moves},
                claimed={booking.id: claim(booking) for booking in moved},
                changed={booking.id: booking for booking in moved},
                facts=[fact(booking, "booking.move") for booking in moved],
            )
        )
        return moved

    def cancel(self, booking: Booking) -> Booking:
        cancelled = replace(booking, status=Status.CANCELLED)
        self.save(
            Changes(
                released={booking.id: claim(booking)},
                changed={booking.id: cancelled},
                facts=[fact(booking, "booking.cancel")],
            )
        )
        return cancelled

    def erase(self, user: User, request: str = "erase me") -> Receipt:
        """As decide() does it: claims are released, and an entry without a user tells what was blanked."""
        with self.begin() as transaction:
            holdings = transaction.holdings([user.id])[user.id]
        counts = (len(holdings.bookings), 0, len(holdings.entries), holdings.sessions)
        receipt = Receipt(next(IDS), NOW, *counts, copies_age_out=holdings.copies_age_out)
        erasure = Erasure(user.id, RequestId(request), FINGERPRINT, holdings.password_hash, receipt)
        self.save(
            Changes(
                released={claim.booking: claim for claim in holdings.claims},
                facts=[AuditFact(NOW, None, "user.erase", "ok", detail=str(holdings.entries))],
                erasures=[erasure],
            )
        )
        return receipt

    def occupied(self, day: datetime = DAY) -> list[Span]:
        """The spans that are claimed on the resource in the 24 hours from `day` on."""
        return [one.span for one in self.reader.occupied(self.resource, Span(day, day + 24 * HOUR))]


def claim(booking: Booking) -> Claim:
    """Without buffers."""
    return Claim(booking.resource, booking.seat, booking.span, booking.id)


def settled(user: UserId, request: str, outcome: Booking | AgendaError, at: datetime = NOW) -> Settled:
    return Settled(user, RequestId(request), FINGERPRINT, outcome, at)


def fact(booking: Booking, action: str, outcome: str = "ok") -> AuditFact:
    return AuditFact(NOW, booking.user, action, outcome, booking.id, booking.resource, booking.start, booking.end)


def actions(entries: Sequence[tuple[str, AuditEntry]]) -> list[str]:
    return [entry.fact.action for _, entry in entries]
