"""Between the domain's values and plain rows: each pair of functions is the other's inverse."""

import json
from dataclasses import asdict, fields, replace
from datetime import datetime
from typing import Any, Final, cast

from pydantic_core import to_json

from agenda.domain import errors
from agenda.domain.audit import AuditEntry
from agenda.domain.codes import code, number
from agenda.domain.commands import Account, AuditFact, Receipt, Settled
from agenda.domain.errors import AgendaError, NotFound, Reason
from agenda.domain.model import (
    Booking,
    BookingId,
    Claim,
    RequestId,
    ResourceId,
    Role,
    ServiceId,
    Status,
    User,
    UserId,
)
from agenda.domain.times import Span
from agenda.engine.ports import Gone
from agenda.storage.connection import Row
from agenda.storage.schema import to_instant, to_seconds

# The driver looks for an adapter of each bytes object that it binds, but takes a bytearray as it is: a fifth faster.
_id = bytearray.fromhex


def booking_row(booking: Booking) -> Row:
    """In the order of the columns of `booking`."""
    return (
        number(booking.code),
        _id(booking.id),
        _id(booking.resource),
        _id(booking.service),
        _id(booking.user),
        to_seconds(booking.start),
        to_seconds(booking.end),
        booking.status.value,
        to_seconds(booking.created),
        booking.wall,
        booking.zone,
        booking.seat,
        booking.note,
    )


def changed_booking_row(booking: Booking) -> Row:
    """What a booking may change, and its id, in the order of CHANGE_BOOKING."""
    return (
        _id(booking.resource),
        to_seconds(booking.start),
        to_seconds(booking.end),
        booking.status.value,
        booking.wall,
        booking.zone,
        booking.seat,
        _id(booking.id),
    )


def booking_of(row: Row) -> Booking:
    which, id_, resource, service, user, starts, ends, status, created, wall, zone, seat, note = row
    return Booking(
        BookingId(id_.hex()),
        code(which),
        ResourceId(resource.hex()),
        ServiceId(service.hex()),
        UserId(user.hex()),
        to_instant(starts),
        to_instant(ends),
        Status(status),
        to_instant(created),
        wall,
        zone,
        seat,
        note,
    )


def claim_row(claim: Claim) -> Row:
    return (
        _id(claim.resource),
        claim.seat,
        to_seconds(claim.span.start),
        to_seconds(claim.span.end),
        _id(claim.booking),
    )


def released_claim_row(claim: Claim) -> Row:
    """In the order of RELEASE_CLAIM."""
    return (_id(claim.resource), claim.seat, to_seconds(claim.span.start), _id(claim.booking))


def span_of(starts: int, ends: int) -> Span:
    return Span(to_instant(starts), to_instant(ends))


def claim_of(row: Row) -> Claim:
    resource, seat, starts, ends, booking = row
    return Claim(ResourceId(resource.hex()), seat, span_of(starts, ends), BookingId(booking.hex()))


def booking_facts(booking: Booking) -> dict[str, Any]:
    """All about a booking as plain values, for a person to keep."""
    return asdict(booking) | {"status": booking.status.value}


def account_row(account: Account) -> Row:
    user = account.user
    return (
        _id(user.id),
        user.name,
        user.role.value,
        account.password_hash,
        account.language,
        to_seconds(account.created),
    )


def account_of(row: Row) -> Account:
    id_, name, role, password_hash, language, created = row
    return Account(User(UserId(id_.hex()), name, Role(role)), password_hash, language, to_instant(created))


def settled_row(settled: Settled) -> Row:
    outcome = settled.outcome
    if isinstance(outcome, Booking):
        which, text = number(outcome.code), _booking_text(outcome)
    else:
        which, text = None, _refusal_text(outcome)
    user, at = _id(settled.user), to_seconds(settled.at)
    return (user, settled.request, settled.fingerprint, which, text, at)


def settled_of(row: Row) -> Settled:
    """From a row of `request` followed by the row of `booking` that it names, or by nothing."""
    user, request, fingerprint, which, text, at, *booking = row
    outcome: Booking | AgendaError
    if which is None:
        outcome = _refusal_of(text)
    elif booking[0] is None:  # it was somebody's who has been erased
        outcome = NotFound("booking")
    else:
        outcome = _booking_as_it_was(booking_of(tuple(booking)), text)
    return Settled(UserId(user.hex()), RequestId(request), fingerprint, outcome, to_instant(at))


_ERRORS: Final[dict[str, type[AgendaError]]] = {
    kind.code: kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, AgendaError) and kind.kept
}
_INSTANTS: Final = {
    (kind, f.name)
    for kind in _ERRORS.values()
    for f in fields(cast("Any", kind))
    if f.type is datetime  # each is a dataclass
}


def _booking_text(booking: Booking) -> str:
    """What a booking may change, as a JSON array."""
    start, end = to_seconds(booking.start), to_seconds(booking.end)
    status = booking.status.value
    return to_json((booking.resource, start, end, status, booking.wall, booking.zone, booking.seat)).decode()


def _booking_as_it_was(now: Booking, text: str) -> Booking:
    resource, start, end, status, wall, zone, seat = json.loads(text)
    return replace(
        now,
        resource=resource,
        start=to_instant(start),
        end=to_instant(end),
        status=Status(status),
        wall=wall,
        zone=zone,
        seat=seat,
    )


def _refusal_text(refusal: AgendaError) -> str:
    """The facts under the code, as a JSON object."""
    facts = {name: to_seconds(fact) if isinstance(fact, datetime) else fact for name, fact in refusal.facts.items()}
    return to_json({refusal.code: facts}).decode()


def _refusal_of(text: str) -> AgendaError:
    [(name, facts)] = json.loads(text).items()
    kind = _ERRORS[name]
    return kind(**{fact: _fact(kind, fact, value) for fact, value in facts.items()})


def _fact(kind: type[AgendaError], name: str, value: Any) -> Any:
    if (kind, name) in _INSTANTS:
        return to_instant(value)
    return Reason(value) if name == "reason" else value


def entry_row(entry: AuditEntry) -> Row:
    fact = entry.fact
    return (
        entry.writer,
        entry.seq,
        to_seconds(fact.at),
        None if fact.user is None else _id(fact.user),
        fact.action,
        fact.outcome,
        None if fact.booking is None else _id(fact.booking),
        None if fact.resource is None else _id(fact.resource),
        None if fact.start is None else to_seconds(fact.start),
        None if fact.end is None else to_seconds(fact.end),
        fact.detail,
        entry.salt,
        entry.digest,
        entry.hash,
    )


def entry_of(row: Row) -> AuditEntry:
    """Of a blanked entry, action and outcome are empty."""
    writer, seq, at, user, action, outcome, booking, resource, starts, ends, detail, salt, digest, hash_ = row
    fact = AuditFact(
        to_instant(at),
        None if user is None else UserId(user.hex()),
        action or "",
        outcome or "",
        None if booking is None else BookingId(booking.hex()),
        None if resource is None else ResourceId(resource.hex()),
        None if starts is None else to_instant(starts),
        None if ends is None else to_instant(ends),
        detail,
    )
    return AuditEntry(writer, seq, fact, salt, digest, hash_)


def receipt_text(receipt: Receipt) -> str:
    kept = asdict(receipt) | {"erased_at": to_seconds(receipt.erased_at)}
    if not receipt.copies_age_out:  # and earlier programs know nothing of it
        del kept["copies_age_out"]
    return to_json(kept).decode()


def receipt_of(text: str) -> Receipt:
    kept = json.loads(text)
    return Receipt(**kept | {"erased_at": to_instant(kept["erased_at"])})


def gone_of(row: Row) -> Gone:
    user, _, fingerprint, password_hash, receipt, at = row
    return Gone(UserId(user.hex()), fingerprint, password_hash, receipt_of(receipt), to_instant(at))
