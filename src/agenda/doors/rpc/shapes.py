"""Domain values as JSON, instants with the offset of the business's zone."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

from pydantic_core import to_json

from agenda.domain.audit import AuditEntry
from agenda.domain.commands import AuditFact, Receipt
from agenda.domain.model import Booking, Catalogue, Resource, Service, Status
from agenda.engine.timetable import Slot, SlotList, SlotState, SlotTime, Timetable
from agenda.wire import COPIES_AGE_OUT

EMPTY: Final = b"{}"
_LENGTH: Final = len("2026-11-23T08:00:00-03:00")
FEW: Final = 100  # slots of a day; longer lists are not worth the memory of keeping them


@lru_cache(maxsize=16_384)
def instant(moment: datetime, zone: ZoneInfo) -> str:
    """ISO 8601 with the offset that holds in `zone` at that moment, to the second, which is what is stored."""
    text = moment.astimezone(zone).isoformat(timespec="seconds")
    if len(text) > _LENGTH:  # before there was standard time, offsets had seconds, which ISO 8601 has not
        return moment.astimezone(UTC).isoformat(timespec="seconds")
    return text


def exact_instant(moment: datetime, zone: ZoneInfo) -> str:
    """The same for a moment that does not come twice."""
    return moment.astimezone(zone).isoformat()


def text(value: str) -> str:
    """Any text as JSON. Raises ValueError for a lone surrogate."""
    return to_json(value).decode()


def booking(value: Booking, user: str, zone: ZoneInfo) -> bytes:
    """A booking; `user` is the JSON of its user's name. Ids, codes and instants need no escapes."""
    note = "" if value.note is None else f',"note":{text(value.note)}'
    return (
        f'{{"id":"{value.id}","code":"{value.code}","resource":"{value.resource}","service":"{value.service}",'
        f'"start":"{instant(value.start, zone)}","end":"{instant(value.end, zone)}",'
        f'"status":"{_STATUSES[value.status]}","user":{user},"created":"{instant(value.created, zone)}"{note}}}'
    ).encode()


_STATUSES: Final = {status: status.value for status in Status}  # to format an enum's member takes longer


def bookings(values: Iterable[Booking], user: str, zone: ZoneInfo) -> bytes:
    """The result of booking.list; `user` is the JSON of the user's name."""
    return b'{"bookings":[%b]}' % b",".join([booking(value, user, zone) for value in values])


def day_slots(timetable: Timetable, states: tuple[SlotState, ...], zone: ZoneInfo) -> bytes:
    """A day's slots with their states as a JSON array."""
    if len(states) > FEW:
        return slots(timetable.times, states, zone)
    return _few_slots(timetable, states, zone)


@lru_cache(maxsize=1024)
def _few_slots(timetable: Timetable, states: tuple[SlotState, ...], zone: ZoneInfo) -> bytes:
    """Written once for all who see the same day in the same way."""
    return slots(timetable.times, states, zone)


def slots(times: Iterable[SlotTime], states: Iterable[SlotState], zone: ZoneInfo) -> bytes:
    """Slots with their states as a JSON array."""
    # Ids, instants and states have no character that JSON would escape.
    parts = [
        f'{{"resource":"{resource}","service":"{service}","start":"{instant(start, zone)}","end":"{instant(end, zone)}"'
        f',"state":"{state}"}}'
        for (resource, service, start, end), state in zip(times, states, strict=True)
    ]
    return f"[{','.join(parts)}]".encode()


@lru_cache(maxsize=128)
def changed_slots(changed: tuple[Slot, ...], zone: ZoneInfo) -> bytes:
    """Slots that changed, written once for all who see the same change."""
    return slots([slot.time for slot in changed], [slot.state for slot in changed], zone)


def slot_list(value: SlotList, zone: ZoneInfo) -> bytes:
    """The result of slot.list."""
    return b'{"day":"%b","timezone":"%b","version":%d,"slots":%b}' % (
        value.timetable.day.isoformat().encode(),
        value.timezone.encode(),
        value.version,
        day_slots(value.timetable, value.states, zone),
    )


def watched(watch: str, version: int, shown: bytes) -> bytes:
    """The result of slot.watch and the parameters of slot.changed; `shown` is the JSON of their slots."""
    return b'{"watch":"%b","version":%d,"slots":%b}' % (watch.encode(), version, shown)


def audit(entries: Iterable[tuple[str, AuditEntry]], before: str | None, actor: str, zone: ZoneInfo) -> bytes:
    """The result of audit.list: entries with their ids, all of the user called `actor`."""
    wire: dict[str, Any] = {"entries": [_entry(entry_id, entry.fact, actor, zone) for entry_id, entry in entries]}
    if before is not None:
        wire["before"] = before
    return to_json(wire)


def _entry(entry_id: str, fact: AuditFact, actor: str, zone: ZoneInfo) -> dict[str, Any]:
    wire: dict[str, Any] = {
        "id": entry_id,
        "at": instant(fact.at, zone),
        "actor": actor,
        "action": fact.action,
        "outcome": fact.outcome,
    }
    if fact.booking is not None:
        wire["booking"] = fact.booking
    if fact.start is not None:
        wire["start"] = instant(fact.start, zone)
    return wire


def services(catalogue: Catalogue) -> bytes:
    """The result of service.list."""
    return to_json({"services": [_service(service, catalogue) for service in catalogue.services.values()]})


def _service(service: Service, catalogue: Catalogue) -> dict[str, Any]:
    wire: dict[str, Any] = {
        "id": service.id,
        "name": service.name,
        "duration": service.duration,
        "resources": [resource for resource in catalogue.resources if resource in service.resources],
    }
    if service.price is not None:
        wire["price"] = {"amount": service.price, "currency": catalogue.business.currency}
    return wire


def resources(catalogue: Catalogue) -> bytes:
    """The result of resource.list."""
    return to_json({"resources": [_resource(resource) for resource in catalogue.resources.values()]})


def _resource(resource: Resource) -> dict[str, Any]:
    return {"id": resource.id, "name": resource.name, "seats": resource.seats}


def receipt(value: Receipt, zone: ZoneInfo) -> bytes:
    """The result of user.erase."""
    deleted = {
        "bookings": value.bookings,
        "notes": value.notes,
        "log_entries": value.log_entries,
        "sessions": value.sessions,
    }
    told: dict[str, Any] = {"id": value.id, "erased_at": instant(value.erased_at, zone), "deleted": deleted}
    if value.copies_age_out:
        told["remains"] = COPIES_AGE_OUT
    return to_json({"receipt": told})


def document(value: Any, zone: ZoneInfo) -> bytes:
    """Plain values and instants, nested in dictionaries, lists and tuples, such as those of user.export."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=lambda moment: instant(moment, zone))
    return text.encode()
