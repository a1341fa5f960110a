"""What a new agenda offers: one resource and one hourly service, from 8:00 to 20:00 on every day."""

from agenda.domain.model import (
    Business,
    BusinessId,
    Catalogue,
    Hours,
    Resource,
    ResourceId,
    Schedule,
    Service,
    ServiceId,
)
from agenda.engine.ids import new_ids

OPENS, CLOSES = 8 * 60, 20 * 60
HOUR = 60


def first_catalogue(name: str, resource: str, service: str, *, timezone: str, language: str) -> Catalogue:
    """Under these names, in the IANA zone `timezone`."""
    ids = new_ids()
    business = Business(BusinessId(next(ids)), name, timezone, language)
    someone = Resource(ResourceId(next(ids)), resource, Schedule(((Hours(OPENS, CLOSES),),) * 7))
    hour = Service(ServiceId(next(ids)), service, HOUR, HOUR, frozenset({someone.id}))
    return Catalogue(business, {someone.id: someone}, {hour.id: hour}, 1)
