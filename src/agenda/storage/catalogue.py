"""What a business offers, read whole from its tables and written into an empty store."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from typing import Final

from sqlalchemy import insert, select

from agenda.domain.model import (
    Business,
    BusinessId,
    Catalogue,
    Hours,
    Policy,
    Resource,
    ResourceId,
    Schedule,
    Service,
    ServiceId,
)
from agenda.storage.compiled import Statement
from agenda.storage.connection import Connection
from agenda.storage.schema import (
    BUSINESS,
    EXCEPTION,
    OPENING,
    RESOURCE,
    SERVICE,
    SERVICE_RESOURCE,
)

_BUSINESS: Final = Statement(select(BUSINESS))
_RESOURCES: Final = Statement(select(RESOURCE).order_by(RESOURCE.c.id))
_SERVICES: Final = Statement(select(SERVICE).order_by(SERVICE.c.id))
_SERVICE_RESOURCES: Final = Statement(select(SERVICE_RESOURCE))
_OPENINGS: Final = Statement(select(OPENING).order_by(OPENING.c.resource, OPENING.c.weekday, OPENING.c.opens))
_EXCEPTIONS: Final = Statement(select(EXCEPTION).order_by(EXCEPTION.c.resource, EXCEPTION.c.day, EXCEPTION.c.opens))

Weeks = dict[bytes, list[list[Hours]]]
Days = dict[bytes, dict[date, tuple[Hours, ...]]]


def read_catalogue(connection: Connection) -> Catalogue:
    """All of it, within the transaction that is open; resources and services in the order in which they were made."""
    [(id_, name, timezone, language, currency, lead, horizon, deadline, limit, version)] = _BUSINESS.rows(connection)
    policy = Policy(lead, horizon, deadline, limit)
    business = Business(BusinessId(id_.hex()), name, timezone, language, currency, policy)
    return Catalogue(business, _resources(connection), _services(connection), version)


def _resources(connection: Connection) -> dict[ResourceId, Resource]:
    weeks, days = _weeks(connection), _days(connection)
    found = {}
    for id_, _, name, seats in _RESOURCES.rows(connection):
        weekly = tuple(tuple(hours) for hours in weeks[id_])
        resource = Resource(ResourceId(id_.hex()), name, Schedule(weekly, days.get(id_, {})), seats)
        found[resource.id] = resource
    return found


def _weeks(connection: Connection) -> Weeks:
    weeks: Weeks = defaultdict(lambda: [[] for _ in range(7)])
    for resource, weekday, opens, closes in _OPENINGS.rows(connection):
        weeks[resource][weekday].append(Hours(opens, closes))
    return weeks


def _days(connection: Connection) -> Days:
    days: Days = defaultdict(dict)
    for resource, day, opens, closes in _EXCEPTIONS.rows(connection):
        hours = (Hours(opens, closes),) if closes else ()
        exceptions = days[resource]
        exceptions[date.fromisoformat(day)] = exceptions.get(date.fromisoformat(day), ()) + hours
    return days


def _services(connection: Connection) -> dict[ServiceId, Service]:
    doers: defaultdict[bytes, set[ResourceId]] = defaultdict(set)
    for service, resource in _SERVICE_RESOURCES.rows(connection):
        doers[service].add(ResourceId(resource.hex()))
    found = {}
    for id_, _, name, duration, step, before, after, price in _SERVICES.rows(connection):
        service = Service(ServiceId(id_.hex()), name, duration, step, frozenset(doers[id_]), before, after, price)
        found[service.id] = service
    return found


def write_catalogue(connection: Connection, catalogue: Catalogue) -> None:
    """All of it into tables that are empty, within the transaction that is open."""
    b, p = catalogue.business, catalogue.business.policy
    business = bytes.fromhex(b.id)
    Statement(insert(BUSINESS)).run(
        connection,
        (
            *(business, b.name, b.timezone, b.language, b.currency),
            *(p.lead, p.horizon, p.deadline, p.open_bookings, catalogue.version),
        ),
    )
    resources = catalogue.resources.values()
    Statement(insert(RESOURCE)).each(connection, ((bytes.fromhex(r.id), business, r.name, r.seats) for r in resources))
    _write_schedules(connection, resources)
    services = catalogue.services.values()
    Statement(insert(SERVICE)).each(
        connection,
        ((bytes.fromhex(s.id), business, s.name, s.duration, s.step, s.before, s.after, s.price) for s in services),
    )
    Statement(insert(SERVICE_RESOURCE)).each(
        connection,
        ((bytes.fromhex(s.id), bytes.fromhex(resource)) for s in services for resource in sorted(s.resources)),
    )


def _write_schedules(connection: Connection, resources: Iterable[Resource]) -> None:
    openings, exceptions = [], []
    for resource in resources:
        id_, schedule = bytes.fromhex(resource.id), resource.schedule
        for weekday, hours in enumerate(schedule.weekly):
            openings += [(id_, weekday, h.opens, h.closes) for h in hours]
        for day, hours in schedule.exceptions.items():
            exceptions += [(id_, day.isoformat(), h.opens, h.closes) for h in hours]
            if not hours:
                exceptions.append((id_, day.isoformat(), 0, 0))
    Statement(insert(OPENING)).each(connection, openings)
    Statement(insert(EXCEPTION)).each(connection, exceptions)
