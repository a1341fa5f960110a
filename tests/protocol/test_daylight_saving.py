"""Days on which clocks change, seen through the door of a server in each of these zones."""

import datetime as dt
from collections.abc import Iterator
from zoneinfo import ZoneInfo

import pytest

from .peer import Peer
from .server import Server

ZONES = [
    "America/New_York",
    "Europe/Lisbon",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "Africa/Cairo",
    "America/Santiago",
    "Asia/Beirut",
    "Pacific/Chatham",
    "Antarctica/Troll",
]
MINUTE = dt.timedelta(minutes=1)


def transitions(zone: ZoneInfo, since: dt.datetime, days: int) -> Iterator[dt.datetime]:
    """The first instant (UTC, to the minute) of each new offset from UTC."""
    for day in range(days):
        start, end = since + dt.timedelta(days=day), since + dt.timedelta(days=day + 1)
        if start.astimezone(zone).utcoffset() == end.astimezone(zone).utcoffset():
            continue
        while end - start > MINUTE:
            middle = start + (end - start) // 2
            if middle.astimezone(zone).utcoffset() == start.astimezone(zone).utcoffset():
                start = middle
            else:
                end = middle
        yield end.replace(second=0, microsecond=0)


@pytest.fixture(scope="module", params=ZONES)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("zone"), zone=request.param).start()
    yield server
    server.close()


@pytest.fixture(scope="module")
def peer(server: Server) -> Peer:
    return server.customer()


@pytest.fixture(scope="module")
def changes(server: Server) -> list[dt.datetime]:
    tomorrow = dt.datetime.now(dt.UTC).replace(hour=0, minute=0, second=0, microsecond=0) + dt.timedelta(days=2)
    return list(transitions(server.zone, tomorrow, 2 * 365))


def test_the_days_around_every_change_have_twelve_slots_with_the_right_offsets(
    server: Server, peer: Peer, changes: list[dt.datetime]
) -> None:
    assert len(changes) >= 3
    for change in changes:
        for days in (-1, 0, 1):
            day = (change.astimezone(server.zone).date() + dt.timedelta(days=days)).isoformat()
            listed = peer.call("slot.list", day=day)
            assert listed["timezone"] == server.zone.key
            assert [(slot["start"], slot["end"]) for slot in listed["slots"]] == [
                (server.at(day, hour), server.at(day, hour + 1)) for hour in range(8, 20)
            ]


def test_slots_on_the_days_of_change_can_be_booked_by_wall_time(
    server: Server, peer: Peer, changes: list[dt.datetime]
) -> None:
    for change in changes:
        day = change.astimezone(server.zone).date().isoformat()
        booked = peer.call("booking.create", start=f"{day}T08:00")
        assert (booked["start"], booked["end"]) == (server.at(day, 8), server.at(day, 9))
        assert peer.states(day)[0] == "mine"


def test_a_wall_time_that_does_not_exist_is_invalid(server: Server, peer: Peer, changes: list[dt.datetime]) -> None:
    springs = [change for change in changes if gained(server.zone, change) > dt.timedelta(0)]
    assert springs
    for change in springs:
        missing = change.astimezone(server.zone).replace(tzinfo=None) - MINUTE
        data = peer.refusal("booking.create", start=missing.isoformat())
        assert (data["code"], data["field"]) == ("invalid", "start")


def test_a_wall_time_that_comes_twice_is_the_first_of_the_two(
    server: Server, peer: Peer, changes: list[dt.datetime]
) -> None:
    autumns = [change for change in changes if gained(server.zone, change) < dt.timedelta(0)]
    assert autumns
    for change in autumns:
        second = change.astimezone(server.zone)
        wall = second.replace(tzinfo=None, fold=0)
        data = peer.refusal("booking.create", start=wall.isoformat())
        assert data["reason"] == "closed"
        assert data["start"] == wall.replace(tzinfo=server.zone).isoformat() != second.isoformat()


def gained(zone: ZoneInfo, change: dt.datetime) -> dt.timedelta:
    """By how much clocks go forward at this change."""
    after, before = change.astimezone(zone).utcoffset(), (change - MINUTE).astimezone(zone).utcoffset()
    assert after is not None
    assert before is not None
    return after - before
