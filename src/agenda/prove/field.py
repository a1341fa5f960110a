"""What is raced for: free slots some weeks ahead, in groups within which bookings are moved."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from random import Random
from zoneinfo import ZoneInfo

from agenda.client import Client, NotFound
from agenda.prove.history import Place
from agenda.wire import Slot

WEEKS_AHEAD = 3
DAYS = 60
PLACES = 14
SMALLEST, LARGEST = 3, 4
RESOURCES = 3


class NothingFree(Exception):
    """There are not enough free slots in the days that are looked at."""


@dataclass(frozen=True, slots=True)
class Field:
    """The service whose slots they are, the groups of places, and all places by their day and resource."""

    service: str
    groups: list[list[Place]]
    timetables: dict[tuple[date, str], list[Place]]


def place_of(resource: str, start: datetime) -> Place:
    """The place of a slot or a booking."""
    return Place(resource, f"{start.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}")


def start_of(place: Place) -> datetime:
    """The instant at which a place begins."""
    return datetime.fromisoformat(place.start)


def choose(client: Client, zone: ZoneInfo, chance: Random) -> Field:
    """Free slots of the first service, next to each other and not overlapping. Raises NothingFree, ClientError."""
    service = client.services()[0].id
    found = list(islice(_free(client, service, datetime.now(zone).date() + timedelta(weeks=WEEKS_AHEAD)), PLACES))
    if len(found) < SMALLEST:
        raise NothingFree
    timetables: dict[tuple[date, str], list[Place]] = {}
    for day, slot in found:
        timetables.setdefault((day, slot.resource), []).append(place_of(slot.resource, slot.start))
    return Field(service, _groups([place for places in timetables.values() for place in places], chance), timetables)


def _free(client: Client, service: str, first: date) -> Iterator[tuple[date, Slot]]:
    """Free slots day by day, of the first few resources, each after the end of the one before on its resource."""
    resources = [resource.id for resource in client.resources()]
    for day in (first + timedelta(days=n) for n in range(DAYS)):
        for resource in resources[:RESOURCES]:
            try:
                slots = client.slots(day, service=service, resource=resource).slots
            except NotFound:  # it does not do this service
                continue
            end = None
            for slot in slots:
                if slot.state == "free" and (end is None or slot.start >= end):
                    end = slot.end
                    yield day, slot


def _groups(places: list[Place], chance: Random) -> list[list[Place]]:
    """The places in order, cut into groups; what would be too small for one joins the last."""
    groups: list[list[Place]] = []
    left = iter(places)
    while group := list(islice(left, chance.randint(SMALLEST, LARGEST))):
        if len(group) < SMALLEST and groups:
            groups[-1] += group
        else:
            groups.append(group)
    return groups
