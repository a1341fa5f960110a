"""The table of errors: each code that a customer of the embedded server can meet, with its facts."""

import datetime as dt
from typing import Any

import pytest

from .peer import Peer
from .server import Server

NEED_A_SESSION: list[tuple[str, dict[str, Any]]] = [
    ("session.close", {}),
    ("service.list", {}),
    ("resource.list", {}),
    ("slot.list", {"day": "2026-12-01"}),
    ("slot.watch", {"day": "2026-12-01"}),
    ("slot.unwatch", {"watch": "x"}),
    ("booking.create", {"start": "2026-12-01T08:00"}),
    ("booking.list", {}),
    ("booking.cancel", {"booking": "x"}),
    ("booking.move", {"booking": "x", "start": "2026-12-01T08:00"}),
    ("audit.list", {}),
    ("user.export", {}),
    ("user.erase", {"password": "x"}),
    ("user.erase", {"password": "x", "request": "never sent before"}),
]
FREE_OF_SESSION = [("ping", {}), ("session.open", {"user": "x", "password": "y"}), ("session.resume", {"token": "x"})]


@pytest.fixture
def peer(server: Server) -> Peer:
    return server.customer()


@pytest.mark.parametrize(("method", "params"), NEED_A_SESSION)
def test_all_but_three_methods_need_a_session(server: Server, method: str, params: dict[str, Any]) -> None:
    if method == "slot.unwatch":
        params = {"watch": server.customer().call("slot.watch", day=server.day())["watch"]}
    assert server.peer().refusal(method, **params) == {"code": "not_signed_in"}


def test_a_wrong_password_is_bad_credentials(server: Server, peer: Peer) -> None:
    assert server.peer().refusal("session.open", user=peer.user, password="wrong") == {"code": "bad_credentials"}


def test_a_wrong_password_is_bad_credentials_with_create_too(server: Server, peer: Peer) -> None:
    data = server.peer().refusal("session.open", user=peer.user, password="wrong", create=True)
    assert data == {"code": "bad_credentials"}


def test_an_unknown_name_is_answered_like_a_wrong_password(server: Server) -> None:
    data = server.peer().refusal("session.open", user="Ninguém assim", password="x")
    assert data == {"code": "bad_credentials"}


def test_a_slot_that_another_has_is_taken(server: Server, peer: Peer) -> None:
    day = server.day()
    booked = server.customer().call("booking.create", start=f"{day}T10:00")
    data = peer.refusal("booking.create", start=f"{day}T10:00")
    assert data == {"code": "slot_taken", "resource": booked["resource"], "start": booked["start"]}


def test_a_slot_that_one_has_oneself_is_taken(server: Server, peer: Peer) -> None:
    day = server.day()
    booked = peer.call("booking.create", start=f"{day}T10:00")
    data = peer.refusal("booking.create", start=f"{day}T10:00")
    assert data == {"code": "slot_taken", "resource": booked["resource"], "start": booked["start"]}


@pytest.mark.parametrize(
    ("days", "time", "reason"),
    [
        (-1, "10:00", "past"),
        (-1, "10:30", "past"),
        (-1, "03:00", "past"),
        (-4000, "10:00", "past"),
        (4000, "10:00", "too_far"),
        (4000, "10:30", "too_far"),
        (4000, "03:00", "too_far"),
        (5, "07:00", "closed"),
        (5, "20:00", "closed"),
        (5, "00:00", "closed"),
        (5, "23:00", "closed"),
        (5, "03:30", "closed"),
        (5, "20:30", "closed"),
        (5, "10:30", "off_grid"),
        (5, "10:05", "off_grid"),
        (5, "10:00:01", "off_grid"),
        (5, "10:01", "off_grid"),
    ],
)
def test_the_first_reason_that_applies_is_given(server: Server, peer: Peer, days: int, time: str, reason: str) -> None:
    day = (server.today() + dt.timedelta(days=days)).isoformat()
    start = dt.datetime.fromisoformat(f"{day}T{time}").replace(tzinfo=server.zone)
    booked = peer.call("booking.create", start=f"{server.day()}T10:00")
    expected = {"code": "slot_not_offered", "reason": reason, "start": start.isoformat()}
    assert peer.refusal("booking.create", start=f"{day}T{time}") == expected
    assert peer.refusal("booking.move", booking=booked["id"], start=f"{day}T{time}") == expected


def test_whether_it_is_taken_is_looked_at_last(server: Server, peer: Peer) -> None:
    day = server.day()
    server.customer().call("booking.create", start=f"{day}T10:00")
    assert peer.refusal("booking.create", start=f"{day}T10:30")["reason"] == "off_grid"


@pytest.mark.parametrize("method", ["slot.list", "slot.watch"])
@pytest.mark.parametrize("what", ["service", "resource"])
def test_an_unknown_service_or_resource_is_not_found(server: Server, peer: Peer, method: str, what: str) -> None:
    assert peer.refusal(method, day=server.day(), **{what: "no such"}) == {"code": "not_found", "what": what}


@pytest.mark.parametrize("what", ["service", "resource"])
def test_nothing_can_be_booked_of_an_unknown_service_or_resource(server: Server, peer: Peer, what: str) -> None:
    data = peer.refusal("booking.create", start=f"{server.day()}T10:00", **{what: "no such"})
    assert data == {"code": "not_found", "what": what}


def test_nothing_can_be_moved_to_an_unknown_resource(server: Server, peer: Peer) -> None:
    day = server.day()
    booked = peer.call("booking.create", start=f"{day}T10:00")
    data = peer.refusal("booking.move", booking=booked["id"], start=f"{day}T11:00", resource="no such")
    assert data == {"code": "not_found", "what": "resource"}
    assert peer.states(day)[2] == "mine"


@pytest.mark.parametrize("booking", ["no such", "", "0" * 32, "' OR 1=1 --", "0190" * 8, "𝄞" * 500])
def test_an_unknown_booking_is_not_found(server: Server, peer: Peer, booking: str) -> None:
    expected = {"code": "not_found", "what": "booking"}
    assert peer.refusal("booking.cancel", booking=booking) == expected
    assert peer.refusal("booking.move", booking=booking, start=f"{server.day()}T10:00") == expected


def test_a_booking_of_someone_else_is_not_found(server: Server, peer: Peer) -> None:
    day = server.day()
    theirs = server.customer().call("booking.create", start=f"{day}T10:00")
    expected = {"code": "not_found", "what": "booking"}
    assert peer.refusal("booking.cancel", booking=theirs["id"]) == expected
    assert peer.refusal("booking.move", booking=theirs["id"], start=f"{day}T11:00") == expected
    assert peer.refusal("booking.cancel", booking=theirs["code"]) == expected
    assert peer.states(day)[2] == "taken"


def test_an_invalid_parameter_is_named_with_a_reason(server: Server, peer: Peer) -> None:
    data = peer.refusal("booking.create", start="amanhã")
    assert data["field"] == "start"
    assert data["reason"]


def test_an_error_does_not_end_the_connection_or_the_session(server: Server, peer: Peer) -> None:
    peer.refusal("booking.create", start="never")
    peer.refusal("booking.cancel", booking="no such")
    peer.refusal("session.open", user=peer.user, password="wrong")
    assert peer.call("booking.list") == {"bookings": []}
