"""Timetables: shared by all who look at the same day, and bounded in memory."""

import gc
from dataclasses import replace
from datetime import date, timedelta

from agenda.domain.model import Catalogue, ResourceId
from agenda.engine.timetable import FEW, Timetable, Timetables
from tests.domain.agendas import NOON, ROOM, catalogue

DAY = date(2026, 11, 23)


def crowded(resources: int) -> Catalogue:
    """Two services on each of so many resources."""
    small = catalogue()
    rooms = [replace(small.resources[ROOM], id=ResourceId(f"{n:032x}")) for n in range(resources)]
    ids = frozenset(room.id for room in rooms)
    services = {key: replace(service, resources=ids) for key, service in small.services.items()}
    return replace(small, resources={room.id: room for room in rooms}, services=services)


def test_who_looks_at_the_same_day_shares_one_timetable() -> None:
    timetables = Timetables(crowded(2 * FEW))
    room = ResourceId("0" * 32)
    assert timetables.of(DAY, None, None, NOON) is timetables.of(DAY, None, None, NOON)
    assert timetables.of(DAY, None, room, NOON) is timetables.of(DAY, None, room, NOON)


def test_whoever_leafs_through_the_days_of_many_resources_fills_no_memory() -> None:
    timetables = Timetables(crowded(2 * FEW))
    for n in range(200):
        timetables.of(DAY + timedelta(days=n), None, None, NOON)
    kept = [it for it in gc.get_objects() if isinstance(it, Timetable) and len(it.offers) > FEW]
    assert len(kept) < 100
