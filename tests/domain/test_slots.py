"""Slots by bit arithmetic, and the days on which clocks change, for every zone that has one soon."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agenda.domain.model import Hours, Resource, Schedule, Service
from agenda.domain.slots import MARGIN, cells, free_starts, offer, origin, runs, touched
from agenda.domain.times import CELL, DAY, Span, day_span, wall_exists
from tests.domain.agendas import HOUR, ROOM

ALL_DAY = Schedule(((Hours(0, 24 * 60),),) * 7)
HOURLY = Service(HOUR, "Consulta", 60, 60, frozenset((ROOM,)))
FIRST_YEAR, YEARS = 2026, 3


@given(st.integers(0, 2**64), st.integers(1, 40))
def test_runs_are_the_places_from_which_all_cells_are_set(bits: int, length: int) -> None:
    naive = sum(1 << i for i in range(65) if all(bits >> i + n & 1 for n in range(length)))
    assert runs(bits, length) == naive


@given(st.integers(0, 2**64), st.integers(1, 40))
def test_touched_are_the_places_from_which_any_cell_is_set(bits: int, length: int) -> None:
    naive = sum(1 << i for i in range(65) if any(bits >> i + n & 1 for n in range(length)))
    assert touched(bits, length) == naive


@given(st.integers(0, 500), st.integers(1, 3600))
def test_spans_are_rounded_outward_to_cells(offset: int, seconds: int) -> None:
    zero = datetime(2026, 11, 22, tzinfo=UTC)
    span = Span(zero + timedelta(seconds=offset), zero + timedelta(seconds=offset + seconds))
    held = cells(span, zero)
    first, last = offset // 300, -(-(offset + seconds) // 300)
    assert held == sum(1 << n for n in range(first, last))


def test_a_slot_whose_buffers_touch_a_claim_is_not_free() -> None:
    service = Service(HOUR, "Tratamento", 60, 60, frozenset((ROOM,)), before=15, after=30)
    day = offer(service, Resource(ROOM, "Sala", ALL_DAY), date(2026, 11, 23), ZoneInfo("UTC"))
    ten = day.slots[10][1]
    free = free_starts((cells(ten, day.origin),), service)
    taken = [number for number, (bit, _) in enumerate(day.slots) if not free >> bit & 1]
    assert taken == [9, 10, 11]


def test_a_slot_is_free_while_one_of_the_seats_is() -> None:
    day = offer(HOURLY, Resource(ROOM, "Sala", ALL_DAY), date(2026, 11, 23), ZoneInfo("UTC"))
    ten, eleven = cells(day.slots[10][1], day.origin), cells(day.slots[11][1], day.origin)
    free = free_starts((ten | eleven, ten), HOURLY)
    assert not free >> day.slots[10][0] & 1
    assert free >> day.slots[11][0] & 1


def test_a_lunch_break_closes_what_reaches_into_it() -> None:
    split = Schedule(((Hours(480, 720), Hours(780, 1080)),) * 7)
    service = Service(HOUR, "Consulta", 90, 30, frozenset((ROOM,)))
    day = offer(service, Resource(ROOM, "Sala", split), date(2026, 11, 23), ZoneInfo("UTC"))
    walls = [span.start.strftime("%H:%M") for _, span in day.slots]
    morning = ["08:00", "08:30", "09:00", "09:30", "10:00", "10:30"]
    afternoon = ["13:00", "13:30", "14:00", "14:30", "15:00", "15:30", "16:00", "16:30"]
    assert walls == morning + afternoon


def test_the_last_slot_of_a_night_that_goes_on_reaches_over_midnight() -> None:
    service = Service(HOUR, "Plantão", 120, 60, frozenset((ROOM,)))
    day = offer(service, Resource(ROOM, "Sala", ALL_DAY), date(2026, 11, 23), ZoneInfo("UTC"))
    assert day.slots[-1][1].start == datetime(2026, 11, 23, 23, tzinfo=UTC)


def test_a_dated_exception_replaces_the_weekly_hours() -> None:
    holiday = date(2026, 12, 25)
    schedule = Schedule(ALL_DAY.weekly, {holiday: ()})
    assert not offer(HOURLY, Resource(ROOM, "Sala", schedule), holiday, ZoneInfo("UTC")).slots


@cache
def transitions() -> list[tuple[str, date]]:
    """Every IANA zone with each local day on which its offset changes in the coming years."""
    return [(key, day) for key in sorted(available_timezones()) for day in _changes(ZoneInfo(key))]


def _changes(zone: ZoneInfo) -> Iterator[date]:
    noon = datetime(FIRST_YEAR, 11, 22, 12, tzinfo=zone)
    for _ in range(YEARS * 366):
        following = noon + DAY
        if following.utcoffset() != noon.utcoffset():
            yield from (noon.date(), following.date())
        noon = following


def test_there_are_zones_enough_to_make_the_following_worth_while() -> None:
    assert len({zone for zone, _ in transitions()}) > 100


def test_on_the_days_around_a_change_slots_start_whenever_clocks_show_a_full_hour_and_never_else() -> None:
    for key, day in transitions():
        zone = ZoneInfo(key)
        shown = [span.start for _, span in offer(HOURLY, Resource(ROOM, "Sala", ALL_DAY), day, zone).slots]
        assert shown == list(_full_hours(day, zone)), (key, day)


def _full_hours(day: date, zone: ZoneInfo) -> Iterator[datetime]:
    """Every instant at which clocks in the zone show a full hour of this day, quarter by quarter of an hour."""
    moment = datetime(day.year, day.month, day.day, tzinfo=UTC) - DAY
    for _ in range(3 * 24 * 4):
        local = moment.astimezone(zone)
        if local.date() == day and local.minute == 0:
            yield moment
        moment += timedelta(minutes=15)


def test_office_hours_are_the_same_twelve_wall_times_on_every_day_of_a_change() -> None:
    office = Resource(ROOM, "Sala", Schedule(((Hours(480, 1200),),) * 7))
    for key, day in transitions():
        zone = ZoneInfo(key)
        hours = [span.start.astimezone(zone).hour for _, span in offer(HOURLY, office, day, zone).slots]
        assert hours == list(range(8, 20)), (key, day)


def test_a_days_length_is_what_its_clocks_say() -> None:
    for key, day in transitions():
        span = day_span(day, ZoneInfo(key))
        assert span is not None
        assert span.start.astimezone(ZoneInfo(key)).date() == day
        assert (span.start - CELL).astimezone(ZoneInfo(key)).date() < day
        assert span.end.astimezone(ZoneInfo(key)).date() > day


@pytest.mark.parametrize(
    ("key", "wall", "exists"),
    [
        ("Europe/Lisbon", "2027-03-28T01:30", False),
        ("Europe/Lisbon", "2027-10-31T01:30", True),
        ("Europe/Lisbon", "2027-03-28T02:00", True),
        ("America/Sao_Paulo", "2026-11-23T10:00", True),
    ],
)
def test_a_wall_time_that_clocks_jump_over_does_not_exist(key: str, wall: str, *, exists: bool) -> None:
    assert wall_exists(datetime.fromisoformat(wall), ZoneInfo(key)) is exists


def test_bit_zero_lies_one_day_before_the_first_cell_of_the_day() -> None:
    zone = ZoneInfo("America/Sao_Paulo")
    span = day_span(date(2026, 11, 23), zone)
    assert span is not None
    assert origin(date(2026, 11, 23), zone) + MARGIN * CELL == span.start
