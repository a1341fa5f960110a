"""Each method, from its parameters to the shape of its result."""

import json
import socket
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from agenda.domain.commands import BookSlot, MoveBooking, Receipt
from agenda.doors.rpc import shapes

from .conftest import House
from .fakes import DEADLINE, EIGHT, HOUR, RESET, ROOM, TIME

START = {"start": "2026-11-23T08:00:00-03:00"}
SLOT = {
    "resource": ROOM,
    "service": HOUR,
    "start": "2026-11-23T08:00:00-03:00",
    "end": "2026-11-23T09:00:00-03:00",
    "state": "free",
}
BOOKING = {
    "id": "1" * 32,
    "code": "K7M",
    **{name: SLOT[name] for name in ("resource", "service", "start", "end")},
    "status": "booked",
    "user": "ana",
    "created": "2026-11-23T08:00:00-03:00",
}


@pytest.mark.parametrize(
    ("method", "params", "result"),
    [
        ("session.close", {}, {}),
        (
            "service.list",
            {},
            {"services": [{"id": HOUR, "name": "Consulta", "duration": 60, "resources": [ROOM]}]},
        ),
        ("resource.list", {}, {"resources": [{"id": ROOM, "name": "Sala", "seats": 1}]}),
        (
            "slot.list",
            {"day": "2026-11-23"},
            {"day": "2026-11-23", "timezone": "America/Sao_Paulo", "version": 1, "slots": [SLOT]},
        ),
        ("slot.watch", {"day": "2026-11-23"}, {"watch": "w1", "version": 1, "slots": [SLOT]}),
        ("booking.create", START, BOOKING),
        ("booking.list", {}, {"bookings": []}),
        ("booking.cancel", {"booking": "x"}, BOOKING),
        ("booking.move", {"booking": "x", **START}, BOOKING),
        ("audit.list", {}, {"entries": []}),
        ("user.export", {}, {"user": {"name": "ana", "created": "2026-11-23T08:00:00-03:00"}}),
        (
            "user.erase",
            {"password": "p"},
            {
                "receipt": {
                    "id": "e" * 32,
                    "erased_at": "2026-11-23T08:00:00-03:00",
                    "deleted": {"bookings": 1, "notes": 0, "log_entries": 3, "sessions": 1},
                }
            },
        ),
    ],
)
def test_results_have_the_shape_of_the_protocol(
    house: House, method: str, params: dict[str, Any], result: dict[str, Any]
) -> None:
    assert house.peer().sign_in().call(method, **params)["result"] == result


def test_a_receipt_says_what_remains_where_something_does() -> None:
    told = json.loads(shapes.receipt(Receipt("e" * 32, EIGHT, 1, 0, 3, 1, copies_age_out=True), ZoneInfo("UTC")))
    assert told["receipt"]["remains"] == "copies_age_out"


@pytest.mark.parametrize("method", ["session.open", "session.resume"])
def test_signing_in_tells_who_and_where(house: House, method: str) -> None:
    params = {"user": "ana", "password": "p"} if method == "session.open" else {"token": "token of ana"}
    assert house.peer().call(method, **params)["result"] == {
        "user": {"name": "ana", "role": "customer"},
        "token": "token of ana",
        "business": {"name": "Casa", "timezone": "America/Sao_Paulo", "language": "pt-BR"},
    }


def test_a_note_is_shown_where_there_is_one(house: House) -> None:
    house.engine.note = "olá"
    assert house.peer().sign_in().call("booking.create", **START)["result"]["note"] == "olá"


@pytest.mark.parametrize(
    "method",
    [
        "session.close",
        "service.list",
        "slot.list",
        "slot.watch",
        "booking.create",
        "audit.list",
        "user.export",
        "user.erase",
    ],
)
@pytest.mark.parametrize("params", [{}, {"bogus": 1}])
def test_who_is_not_signed_in_is_told_so_before_all_else(house: House, method: str, params: dict[str, Any]) -> None:
    error = house.peer().call(method, **params)["error"]
    assert (error["code"], error["data"]) == (-32000, {"code": "not_signed_in"})


def test_a_session_that_ended_elsewhere_is_over_here(house: House) -> None:
    peer = house.peer().sign_in()
    house.engine.sessions[0].ended = True
    assert peer.call("booking.list")["error"]["data"]["code"] == "not_signed_in"


def test_what_was_begun_before_the_session_ended_elsewhere_is_still_answered(house: House) -> None:
    peer = house.peer().sign_in()
    watch = peer.call("slot.watch", day="2026-11-23")["result"]["watch"]
    house.engine.holds = {"create"}
    peer.send(("booking.create", START))
    house.engine.wait_for(3)
    house.engine.sessions[0].ended = True
    house.engine.change(watch)
    house.engine.release()
    assert peer.read()["result"] == BOOKING


def test_a_failed_sign_in_keeps_the_session(house: House) -> None:
    peer = house.peer().sign_in()
    assert peer.call("session.open", user="bia", password="wrong")["error"]["data"]["code"] == "bad_credentials"
    assert "result" in peer.call("booking.list")


def test_the_language_of_a_refused_sign_in_is_the_one_it_asked_for(house: House) -> None:
    refused = house.peer().call("session.open", user="bia", password="wrong", language="en")
    assert "password" in refused["error"]["message"]


def test_the_language_of_a_session_is_kept(house: House) -> None:
    peer = house.peer()
    peer.call("session.open", user="ana", password="p", language="en")
    assert peer.call("no.such.method")["error"]["message"] == "There is no such method."


def test_a_command_carries_what_was_asked_for(house: House) -> None:
    house.peer().sign_in().call("booking.create", **START, request="mine", note="n", resource=ROOM)
    (command,) = house.engine.commands
    assert isinstance(command, BookSlot)
    assert (command.user, command.request, command.fresh) == ("ana", "mine", False)
    assert (command.start, command.service, command.resource, command.note) == (TIME.start, HOUR, ROOM, "n")
    assert len(command.fingerprint) == 16


def test_a_command_without_request_gets_a_fresh_one(house: House) -> None:
    house.peer().sign_in().call("booking.move", booking="x", **START)
    (command,) = house.engine.commands
    assert isinstance(command, MoveBooking)
    assert (command.fresh, command.start, command.resource) == (True, EIGHT, None)


def test_a_repeated_erasure_needs_no_session(house: House) -> None:
    peer = house.peer()
    assert "receipt" in peer.call("user.erase", password="p", request="bye")["result"]
    assert house.engine.erased[0][:2] == (None, "bye")


def test_an_erasure_has_one_fingerprint_whatever_the_password(house: House) -> None:
    peer = house.peer()
    peer.call("user.erase", password="p", request="bye")
    peer.call("user.erase", password="q", request="bye")
    assert house.engine.erased[0][2] == house.engine.erased[1][2]


def test_nobody_is_signed_in_after_an_erasure(house: House) -> None:
    peer = house.peer().sign_in()
    peer.call("user.erase", password="p")
    assert peer.call("booking.list")["error"]["data"]["code"] == "not_signed_in"


def test_a_defect_is_told_by_its_incident_only(house: House) -> None:
    peer = house.peer().sign_in()
    house.engine.raises = RuntimeError("secret")
    error = peer.call("booking.list")["error"]
    assert (error["code"], error["data"]) == (-32603, {"code": "internal", "incident": "f00d"})
    assert "secret" not in error["message"]
    assert house.incidents == [house.engine.raises]


def test_a_value_that_has_no_json_is_a_defect(house: House) -> None:
    house.engine.note = "\ud800"
    peer = house.peer().sign_in()
    assert peer.call("booking.create", **START)["error"]["data"]["code"] == "internal"
    assert "result" in peer.call("ping")


# Watches


def test_changes_arrive_after_the_answer(house: House) -> None:
    peer = house.peer().sign_in()
    watch = peer.call("slot.watch", day="2026-11-23")["result"]["watch"]
    house.engine.change(watch)
    assert peer.read() == {
        "jsonrpc": "2.0",
        "method": "slot.changed",
        "params": {"watch": watch, "version": 2, "slots": [{**SLOT, "state": "taken"}]},
    }


def test_changes_arrive_after_the_answer_to_the_batch_that_asked(house: House) -> None:
    peer = house.peer().sign_in()
    house.engine.holds = {"create"}
    peer.send_batch(("slot.watch", {"day": "2026-11-23"}), ("booking.create", START))
    house.engine.wait_for(3)
    house.engine.change("w1")
    house.engine.release()
    assert [isinstance(message, list) for message in (peer.read(), peer.read())] == [True, False]


def test_a_watch_that_was_ended_is_not_found(house: House) -> None:
    peer = house.peer().sign_in()
    watch = peer.call("slot.watch", day="2026-11-23")["result"]["watch"]
    assert peer.call("slot.unwatch", watch=watch)["result"] == {}
    assert peer.call("slot.unwatch", watch=watch)["error"]["data"] == {"code": "not_found", "what": "watch"}


def test_a_watch_of_another_connection_is_not_found(house: House) -> None:
    watch = house.peer().sign_in().call("slot.watch", day="2026-11-23")["result"]["watch"]
    assert house.peer().sign_in().call("slot.unwatch", watch=watch)["error"]["data"]["code"] == "not_found"


@pytest.mark.parametrize("method", ["session.close", "session.open", "session.resume"])
def test_watches_end_with_the_session(house: House, method: str) -> None:
    peer = house.peer().sign_in()
    peer.call("slot.watch", day="2026-11-23")
    params = {"session.open": {"user": "bia", "password": "p"}, "session.resume": {"token": "t"}}.get(method, {})
    peer.call(method, **params)
    assert not house.engine.watches


def test_watches_end_with_the_connection(house: House) -> None:
    peer = house.peer().sign_in()
    peer.call("slot.watch", day="2026-11-23")
    peer.close()
    house.engine.wait_until(lambda: not house.engine.watches)


def test_a_watch_that_is_answered_after_the_connection_ended_is_over_at_once(house: House) -> None:
    peer = house.peer().sign_in()
    house.engine.holds = {"watch"}
    peer.send(("slot.watch", {"day": "2026-11-23"}))
    house.engine.wait_for(2)
    peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    peer.close()
    assert [house.presence.get(timeout=DEADLINE)[0] for _ in range(2)] == ["connected", "disconnected"]
    house.engine.release()
    house.engine.wait_until(lambda: not house.engine.watches)


def test_watches_of_a_session_that_ended_elsewhere_say_nothing_more(house: House) -> None:
    peer = house.peer().sign_in()
    watch = peer.call("slot.watch", day="2026-11-23")["result"]["watch"]
    house.engine.sessions[0].ended = True
    house.engine.change(watch)
    house.engine.wait_until(lambda: not house.engine.watches)
    assert peer.call("ping")["id"] == 3
