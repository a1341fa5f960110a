"""Slot lists as a user sees them: the offers of a day, and their states read off the board's bits."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from agenda.domain.model import Catalogue, Resource, ResourceId, Service, ServiceId, UserId
from agenda.domain.slots import free_starts, offer, touched
from agenda.domain.times import CELL_MINUTES
from agenda.engine.board import DayView, Frame, Key


class SlotState(StrEnum):
    """What a slot is to the user who looks."""

    PAST = "past"
    MINE = "mine"
    TAKEN = "taken"
    FREE = "free"


class SlotTime(NamedTuple):
    """A slot without its state."""

    resource: ResourceId
    service: ServiceId
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True, eq=False)
class Timetable:
    """All slots of a day that a service and a resource (or all of them) offer, in order of time; compared by identity.

    `places` tells, for each of `times`, which of `offers` it belongs to and its bit there.
    """

    day: date
    offers: tuple[tuple[Service, Resource], ...]
    times: tuple[SlotTime, ...]
    starts: tuple[datetime, ...]
    places: tuple[tuple[int, int], ...]

    @property
    def keys(self) -> list[Key]:
        """The resource-days that the board must have, one for each of `offers`."""
        return [(resource.id, self.day) for _, resource in self.offers]

    def states(self, views: Sequence[DayView], user: UserId | None) -> tuple[SlotState, ...]:
        """The state of each slot for `user`, as if all lay in the future; `views` are the board's days of `keys`."""
        free, own = [], []
        for (service, _), view in zip(self.offers, views, strict=True):
            free.append(free_starts(view.taken, service))
            mine = view.mine.get(user, 0) if user else 0
            own.append(touched(mine, service.duration // CELL_MINUTES) if mine else 0)
        return tuple(
            SlotState.MINE if own[n] >> bit & 1 else SlotState.FREE if free[n] >> bit & 1 else SlotState.TAKEN
            for n, bit in self.places
        )

    def begun(self, now: datetime) -> int:
        """How many of the slots, from the first on, have started by `now`."""
        return bisect_right(self.starts, now)

    def owners(self, views: Sequence[DayView]) -> set[UserId]:
        """The users to whom some slot may be their own."""
        return {user for view in views for user in view.mine}


@dataclass(frozen=True, slots=True)
class Slot:
    """A slot as one user sees it."""

    time: SlotTime
    state: SlotState


@dataclass(frozen=True, slots=True)
class SlotList:
    """A day's slots for one user at `version` of the board; `states[i]` belongs to `timetable.times[i]`."""

    timetable: Timetable
    timezone: str
    version: int
    states: tuple[SlotState, ...]


FEW = 8  # offers; a day of them takes some kilobytes, a day of a thousand some megabytes


def _timetable(offers: tuple[tuple[str, str], ...], day: date, catalogue: "_Same") -> Timetable:
    zone = catalogue.it.business.zone
    pairs = tuple((catalogue.it.services[ServiceId(s)], catalogue.it.resources[ResourceId(r)]) for s, r in offers)
    rows = [
        (SlotTime(resource.id, service.id, span.start, span.end), (number, bit))
        for number, (service, resource) in enumerate(pairs)
        for bit, span in offer(service, resource, day, zone).slots
    ]
    if len(pairs) > 1:
        rows.sort(key=lambda row: (row[0].start, pairs[row[1][0]][1].name, pairs[row[1][0]][0].name))
    times, places = tuple(row[0] for row in rows), tuple(row[1] for row in rows)
    return Timetable(day, pairs, times, tuple(time.start for time in times), places)


_of_few = lru_cache(maxsize=16_384)(_timetable)
_of_many = lru_cache(maxsize=64)(_timetable)


@dataclass(frozen=True, slots=True, eq=False)
class _Same:
    """A catalogue that is compared by identity: a new one makes new timetables."""

    it: Catalogue


class Timetables:
    """The timetables of one catalogue."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self._same = _Same(catalogue)
        self._offers = catalogue.offers()
        self._choices: dict[tuple[str | None, str | None], tuple[tuple[str, str], ...]] = {}
        self.frame = Frame.of(catalogue)

    def _chosen(self, service: ServiceId | None, resource: ResourceId | None) -> tuple[tuple[str, str], ...]:
        """The offers of a service and a resource, or of all; looked for once for each choice."""
        choice = service, resource
        if choice not in self._choices:
            self._choices[choice] = tuple(
                (s.id, r.id) for s, r in self._offers if service in (None, s.id) and resource in (None, r.id)
            )
        return self._choices[choice]

    def of(self, day: date, service: ServiceId | None, resource: ResourceId | None, now: datetime) -> Timetable:
        """What is offered on `day`; nothing beyond the horizon, nor at the ends of the calendar."""
        business = self.catalogue.business
        if (day - now.astimezone(business.zone).date()).days > business.policy.horizon:
            return Timetable(day, (), (), (), ())
        wanted = self._chosen(service, resource)
        make = _of_few if len(wanted) <= FEW else _of_many
        try:
            return make(wanted, day, self._same)
        except OverflowError:
            return Timetable(day, (), (), (), ())


def utc_now() -> datetime:
    """The machine's clock, for showing only: decisions go by the store's."""
    return datetime.now(UTC)
