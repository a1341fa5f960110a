"""decide(): the only place where a booking is made, moved or cancelled, an account opened or a person erased.

It is pure: from what the store holds, the commands in the order in which they came, and the time, it says what
becomes of each and what the store must change. Commands of one batch see each other's effects.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from agenda.domain.codes import code
from agenda.domain.commands import (
    Account,
    AuditFact,
    BookSlot,
    CancelBooking,
    Changes,
    CloseSession,
    Command,
    EraseUser,
    Erasure,
    MoveBooking,
    NoteAttempt,
    OpenAccount,
    OpenedSession,
    OpenSession,
    Outcome,
    Receipt,
    Settled,
    State,
)
from agenda.domain.errors import (
    AgendaError,
    Invalid,
    LimitReached,
    NameTaken,
    NotFound,
    NotSignedIn,
    SlotNotOffered,
    SlotTaken,
    TooLate,
)
from agenda.domain.model import (
    Booking,
    BookingId,
    Claim,
    Resource,
    ResourceId,
    Service,
    ServiceId,
    Status,
    User,
)
from agenda.domain.slots import Rules
from agenda.domain.times import wall_text


def decide(
    state: State, commands: Sequence[Command], now: datetime, ids: Iterator[str]
) -> tuple[list[Outcome], Changes]:
    """What becomes of each command, in order, and what changes; `state` is brought up to date on the way."""
    batch = _Batch(state, now, ids)
    return [batch.settle(command) for command in commands], batch.finish()


class _Batch:
    """One run of decide(): the state as the commands so far have left it, and their changes."""

    def __init__(self, state: State, now: datetime, ids: Iterator[str]) -> None:
        self.state = state
        self.now = now
        self.ids = ids
        self.zone = state.catalogue.business.zone
        self.rules = Rules(state.catalogue.business, now)
        self.changes = Changes(numbers=state.numbers)
        self.left: Booking | None = None

    def finish(self) -> Changes:
        self.changes.numbers = self.state.numbers
        return self.changes

    def settle(self, command: Command) -> Outcome:
        """The command's outcome: the first one if its request was decided before, else decided now and kept."""
        before = self.state.settled.get((command.user, command.request))
        if before is not None:
            same = before.fingerprint == command.fingerprint
            return before.outcome if same else Invalid("request", "reused")
        if command.user not in self.state.users and not isinstance(command, OpenAccount):
            return NotSignedIn()
        try:
            outcome = self.apply(command)
        except AgendaError as refused:
            outcome = refused.with_traceback(None)  # which would hold on to all of this batch in a cycle
        self.record(command, outcome)
        return outcome

    def apply(self, command: Command) -> Outcome:
        """Do as the command says; a refusal is raised before anything was changed."""
        match command:
            case BookSlot():
                done: Outcome = self.book(command)
            case MoveBooking():
                done = self.move(command)
            case CancelBooking():
                done = self.cancel(command)
            case OpenAccount():
                done = self.open_account(command)
            case OpenSession():
                done = self.open_session(command)
            case EraseUser():
                done = self.erase(command)
            case _:
                done = None
                if isinstance(command, CloseSession):
                    self.changes.closed.append(command.token_hash)
        return done

    def record(self, command: Command, outcome: Outcome) -> None:
        """Leave the audit entry, and keep the outcome for the same request."""
        if isinstance(outcome, AgendaError) and not outcome.kept:
            return
        if not isinstance(command, EraseUser):
            self.changes.facts.append(_fact(command, outcome, self.now, self.left))
        self.left = None
        if isinstance(outcome, Booking | AgendaError):
            settled = Settled(command.user, command.request, command.fingerprint, outcome, self.now)
            self.state.settled[command.user, command.request] = settled
            self.changes.settled.append(settled)

    # Bookings

    def book(self, command: BookSlot) -> Booking:
        service, resource = self.offered(command.service, command.resource)
        self.check_start(command.start, service, resource)
        self.check_limit(command)
        booking_id = BookingId(next(self.ids))
        claim = self.free_claim(command.start, service, resource, booking_id)
        business = self.state.catalogue.business
        booking = Booking(
            id=booking_id,
            code=code(self.state.numbers),
            resource=resource.id,
            service=service.id,
            user=command.user,
            start=command.start,
            end=service.end(command.start),
            status=Status.BOOKED,
            created=self.now,
            wall=wall_text(command.start, self.zone),
            zone=business.timezone,
            seat=claim.seat,
            note=command.note,
        )
        self.state.numbers += 1
        self.state.open_bookings[command.user] = self.state.open_bookings.get(command.user, 0) + 1
        self.occupy(claim)
        self.state.bookings[booking.id] = self.changes.made[booking.id] = booking
        return booking

    def move(self, command: MoveBooking) -> Booking:
        booking = self.own_booking(command.booking, command)
        if not booking.status.live:
            raise NotFound("booking")
        self.check_deadline(booking)
        target = booking.resource if command.resource is None else command.resource
        if command.start == booking.start and target == booking.resource:
            return booking
        service, resource = self.offered(booking.service, target)
        self.check_start(command.start, service, resource)
        old, self.left = self.claim_of(booking), booking
        claim = self.free_claim(command.start, service, resource, booking.id)
        self.release(old)
        self.occupy(claim)
        business = self.state.catalogue.business
        return self.change(
            booking,
            resource=resource.id,
            start=command.start,
            end=service.end(command.start),
            seat=claim.seat,
            wall=wall_text(command.start, self.zone),
            zone=business.timezone,
        )

    def cancel(self, command: CancelBooking) -> Booking:
        booking = self.own_booking(command.booking, command)
        if booking.status is Status.CANCELLED:
            return booking
        self.check_deadline(booking)
        if booking.status.live:
            self.release(self.claim_of(booking))
            self.state.open_bookings[booking.user] = self.state.open_bookings.get(booking.user, 1) - 1
        return self.change(booking, status=Status.CANCELLED)

    def offered(self, service_id: ServiceId, resource_id: ResourceId) -> tuple[Service, Resource]:
        """The service and the resource that does it."""
        catalogue = self.state.catalogue
        service = catalogue.services.get(service_id)
        if service is None:
            raise NotFound("service")
        resource = catalogue.resources.get(resource_id)
        if resource is None or resource.id not in service.resources:
            raise NotFound("resource")
        return service, resource

    def own_booking(self, booking_id: BookingId, command: Command) -> Booking:
        """The booking, if it is the user's; somebody else's is as good as none."""
        booking = self.state.bookings.get(booking_id)
        if booking is None or booking.user != command.user:
            raise NotFound("booking")
        return booking

    def check_start(self, start: datetime, service: Service, resource: Resource) -> None:
        reason = self.rules.refusal(start, service, resource)
        if reason is not None:
            raise SlotNotOffered(reason, start)

    def check_limit(self, command: Command) -> None:
        limit = self.state.catalogue.business.policy.open_bookings
        if limit is not None and self.state.open_bookings.get(command.user, 0) >= limit:
            raise LimitReached(limit)

    def check_deadline(self, booking: Booking) -> None:
        deadline = booking.start - timedelta(minutes=self.state.catalogue.business.policy.deadline)
        if self.now >= deadline:
            raise TooLate(deadline)

    def change(self, booking: Booking, **values: object) -> Booking:
        """The booking with other values, in the state and among the changes."""
        booking = replace(booking, **values)  # type: ignore[arg-type]  # the callers name fields of Booking
        place = self.changes.made if booking.id in self.changes.made else self.changes.changed
        self.state.bookings[booking.id] = place[booking.id] = booking
        return booking

    # Claims

    def free_claim(self, start: datetime, service: Service, resource: Resource, booking: BookingId) -> Claim:
        """A claim on the first seat where the service fits; what `booking` itself holds does not stand in the way."""
        span = service.claimed_from(start)
        others = self.claims_on(resource.id)
        busy = {claim.seat for claim in others if claim.booking != booking and claim.span.overlaps(span)}
        for seat in range(resource.seats):
            if seat not in busy:
                return Claim(resource.id, seat, span, booking)
        raise SlotTaken(resource.id, start)

    def claims_on(self, resource: ResourceId) -> list[Claim]:
        return self.state.claims.setdefault(resource, [])

    def claim_of(self, booking: Booking) -> Claim:
        """The claim that a live booking owns; a store without it is damaged."""
        return next(claim for claim in self.claims_on(booking.resource) if claim.booking == booking.id)

    def occupy(self, claim: Claim) -> None:
        self.claims_on(claim.resource).append(claim)
        self.changes.claimed[claim.booking] = claim

    def release(self, claim: Claim) -> None:
        """Give a claim up; one that was made in this very batch was never stored."""
        self.claims_on(claim.resource).remove(claim)
        if self.changes.claimed.pop(claim.booking, None) is None:
            self.changes.released[claim.booking] = claim

    # Users

    def open_account(self, command: OpenAccount) -> User:
        if command.name in self.state.names:
            raise NameTaken
        user = User(command.user, command.name)
        self.state.names.add(command.name)
        self.state.users[user.id] = user
        self.changes.accounts.append(Account(user, command.password_hash, command.language, self.now))
        self.changes.opened.append(OpenedSession(command.token_hash, user.id, command.language, self.now))
        return user

    def open_session(self, command: OpenSession) -> User:
        self.changes.opened.append(OpenedSession(command.token_hash, command.user, command.language, self.now))
        return self.state.users[command.user]

    def erase(self, command: EraseUser) -> Receipt:
        """Let go of everything; no other command shares the batch, so what was loaded is all there is."""
        held = self.state.holdings[command.user]
        for claim in held.claims:
            self.claims_on(claim.resource).append(claim)
            self.release(claim)
        receipt = Receipt(
            id=next(self.ids),
            erased_at=self.now,
            bookings=len(held.bookings),
            notes=sum(booking.note is not None for booking in held.bookings),
            log_entries=len(held.entries),
            sessions=held.sessions,
            copies_age_out=held.copies_age_out,
        )
        self.changes.erasures.append(
            Erasure(command.user, command.request, command.fingerprint, held.password_hash, receipt)
        )
        detail = json.dumps({"erased": command.user, "blank": _ranges(held.entries)}, separators=(",", ":"))
        self.changes.facts.append(AuditFact(self.now, None, command.action, "ok", detail=detail))
        del self.state.users[command.user]
        return receipt


def _ranges(entries: Iterable[tuple[int, int]]) -> list[list[int]]:
    """Sorted (writer, seq) pairs as `[writer, first, last]` without gaps between first and last."""
    ranges: list[list[int]] = []
    for writer, seq in sorted(entries):
        if ranges and ranges[-1][0] == writer and ranges[-1][2] == seq - 1:
            ranges[-1][2] = seq
        else:
            ranges.append([writer, seq, seq])
    return ranges


def _fact(command: Command, outcome: Outcome, now: datetime, left: Booking | None) -> AuditFact:
    """The audit entry of a decided command; `left` is the booking as it was before it was moved.

    Other nodes learn from the entry where a booking was before, and whose sessions have ended.
    """
    said = outcome.code if isinstance(outcome, AgendaError) else "ok"
    if isinstance(command, NoteAttempt):
        return AuditFact(now, command.user, command.did, command.outcome)
    if isinstance(outcome, Booking):
        where = (outcome.id, outcome.resource, outcome.start, outcome.end)
        return AuditFact(now, command.user, command.action, said, *where, None if left is None else _from(left))
    if isinstance(command, CloseSession):
        return AuditFact(now, command.user, command.action, said, detail=_of_session(command.token_hash))
    known = not isinstance(outcome, NotFound)
    booking = command.booking if known and isinstance(command, MoveBooking | CancelBooking) else None
    start = command.start if isinstance(command, BookSlot | MoveBooking) else None
    return AuditFact(now, command.user, command.action, said, booking, None, start)


def _from(left: Booking) -> str:
    """Where a booking was: its resource, and from when until when in seconds since 1970."""
    times = (int(left.start.timestamp()), int(left.end.timestamp()))
    return json.dumps({"from": (left.resource, *times)}, separators=(",", ":"))


def _of_session(token_hash: bytes) -> str:
    """Enough of a token's digest to tell it from others, and too little to be taken for it."""
    return json.dumps({"session": token_hash[:8].hex()}, separators=(",", ":"))
