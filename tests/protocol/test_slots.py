"""Services, resources and the slots of a day."""

import datetime as dt

import pytest

from .peer import Peer
from .server import ZONE, Server


@pytest.fixture
def peer(server: Server) -> Peer:
    return server.customer()


def test_the_seeds_agenda_has_one_hourly_service(peer: Peer) -> None:
    listed = peer.call("service.list")
    assert listed.keys() == {"services"}
    (service,) = listed["services"]
    assert service.keys() >= {"id", "name", "duration"}
    assert service["duration"] == 60


def test_the_seeds_agenda_has_one_resource(peer: Peer) -> None:
    listed = peer.call("resource.list")
    assert listed.keys() == {"resources"}
    (resource,) = listed["resources"]
    assert resource.keys() >= {"id", "name"}


def test_a_day_is_listed_with_its_zone_and_a_version(server: Server, peer: Peer) -> None:
    day = server.day()
    listed = peer.call("slot.list", day=day)
    assert listed.keys() == {"day", "timezone", "version", "slots"}
    assert (listed["day"], listed["timezone"]) == (day, ZONE)
    assert isinstance(listed["version"], int)


def test_a_day_has_twelve_slots_from_8_to_20_in_order_of_time(server: Server, peer: Peer) -> None:
    day = server.day()
    slots = peer.call("slot.list", day=day)["slots"]
    assert [(slot["start"], slot["end"]) for slot in slots] == [
        (server.at(day, hour), server.at(day, hour + 1)) for hour in range(8, 20)
    ]


def test_a_slot_names_its_resource_service_span_and_state(server: Server, peer: Peer) -> None:
    service, resource = peer.call("service.list")["services"][0]["id"], peer.call("resource.list")["resources"][0]["id"]
    day = server.day()
    assert peer.call("slot.list", day=day)["slots"][0] == {
        "resource": resource,
        "service": service,
        "start": server.at(day, 8),
        "end": server.at(day, 9),
        "state": "free",
    }


def test_service_and_resource_may_be_named_or_left_out(server: Server, peer: Peer) -> None:
    service, resource = peer.call("service.list")["services"][0]["id"], peer.call("resource.list")["resources"][0]["id"]
    day = server.day()
    listed = peer.call("slot.list", day=day)["slots"]
    assert peer.call("slot.list", day=day, service=service)["slots"] == listed
    assert peer.call("slot.list", day=day, resource=resource)["slots"] == listed
    assert peer.call("slot.list", day=day, service=service, resource=resource)["slots"] == listed


def test_a_slot_is_free_taken_or_mine_to_the_one_who_asks(server: Server, peer: Peer) -> None:
    day, other = server.day(), server.customer()
    peer.call("booking.create", start=f"{day}T08:00")
    other.call("booking.create", start=f"{day}T19:00")
    assert peer.states(day) == ["mine", *["free"] * 10, "taken"]
    assert other.states(day) == ["taken", *["free"] * 10, "mine"]


def test_a_cancelled_slot_is_free_again(server: Server, peer: Peer) -> None:
    day = server.day()
    booked = peer.call("booking.create", start=f"{day}T08:00")
    peer.call("booking.cancel", booking=booked["id"])
    assert peer.states(day) == ["free"] * 12


def test_yesterday_is_past(server: Server, peer: Peer) -> None:
    yesterday = server.today() - dt.timedelta(days=1)
    assert peer.states(yesterday.isoformat()) == ["past"] * 12


def test_the_agenda_looks_three_years_ahead(server: Server, peer: Peer) -> None:
    today = server.today()
    near = (today + dt.timedelta(days=3 * 365 - 2)).isoformat()
    far = (today + dt.timedelta(days=3 * 366 + 2)).isoformat()
    assert peer.call("booking.create", start=f"{near}T10:00")["status"] == "booked"
    assert peer.refusal("booking.create", start=f"{far}T10:00")["reason"] == "too_far"


def test_there_is_no_lead_time_and_no_limit_of_bookings(server: Server, peer: Peer) -> None:
    days = [server.day() for _ in range(4)]
    answers = peer.answers(
        peer.post_all(*[("booking.create", {"start": server.at(day, hour)}) for day in days for hour in range(8, 20)])
    )
    assert all("result" in answer for answer in answers)
    tomorrow = (server.today() + dt.timedelta(days=1)).isoformat()
    assert peer.call("booking.create", start=f"{tomorrow}T08:00")["status"] == "booked"


def test_every_day_of_the_week_is_open(server: Server, peer: Peer) -> None:
    assert [len(peer.states(server.day())) for _ in range(7)] == [12] * 7
