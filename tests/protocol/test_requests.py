"""`request`: the same answer again, however often, and never a second deed."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from .peer import Peer
from .server import Server


def outcome(answer: dict[str, Any]) -> Any:
    """What must be equal in every repetition: the result, or the error's data."""
    return answer["result"] if "result" in answer else answer["error"]["data"]


def ask(peer: Peer, method: str, **params: Any) -> Any:
    return outcome(peer.answer(peer.post(method, **params)))


@pytest.fixture
def peer(server: Server) -> Peer:
    return server.customer()


def test_a_repeated_booking_gets_the_same_answer_and_books_once(server: Server, peer: Peer) -> None:
    wish = {"start": f"{server.day()}T10:00", "note": "once", "request": "r"}
    first = ask(peer, "booking.create", **wish)
    assert first["status"] == "booked"
    assert [ask(peer, "booking.create", **wish) for _ in range(5)] == [first] * 5
    assert peer.call("booking.list")["bookings"] == [first]


def test_a_repeated_cancellation_gets_the_same_answer(server: Server, peer: Peer) -> None:
    booked = peer.call("booking.create", start=f"{server.day()}T10:00")
    first = ask(peer, "booking.cancel", booking=booked["id"], request="r")
    assert first["status"] == "cancelled"
    assert ask(peer, "booking.cancel", booking=booked["id"], request="r") == first


def test_a_repeated_move_gets_the_same_answer_and_does_not_move_back(server: Server, peer: Peer) -> None:
    day = server.day()
    booked = peer.call("booking.create", start=f"{day}T10:00")
    first = ask(peer, "booking.move", booking=booked["id"], start=f"{day}T11:00", request="r")
    peer.call("booking.move", booking=booked["id"], start=f"{day}T12:00")
    assert ask(peer, "booking.move", booking=booked["id"], start=f"{day}T11:00", request="r") == first
    assert peer.call("booking.list")["bookings"][0]["start"] == server.at(day, 12)


def test_a_repeated_booking_stays_as_it_was_although_it_was_cancelled_since(server: Server, peer: Peer) -> None:
    day = server.day()
    first = ask(peer, "booking.create", start=f"{day}T10:00", request="r")
    peer.call("booking.cancel", booking=first["id"])
    assert ask(peer, "booking.create", start=f"{day}T10:00", request="r") == first
    assert peer.states(day)[2] == "free"


def test_a_refusal_is_kept_although_the_slot_is_free_by_now(server: Server, peer: Peer) -> None:
    day, other = server.day(), server.customer()
    taken = other.call("booking.create", start=f"{day}T10:00")
    first = ask(peer, "booking.create", start=f"{day}T10:00", request="r")
    other.call("booking.cancel", booking=taken["id"])
    assert first["code"] == "slot_taken"
    assert ask(peer, "booking.create", start=f"{day}T10:00", request="r") == first
    assert peer.states(day)[2] == "free"


@pytest.mark.parametrize(
    ("method", "params", "code"),
    [
        ("booking.create", {"start": "{day}T07:00"}, "slot_not_offered"),
        ("booking.create", {"start": "{day}T10:00", "service": "no such"}, "not_found"),
        ("booking.create", {"start": "{day}T10:00", "resource": "no such"}, "not_found"),
        ("booking.cancel", {"booking": "no such"}, "not_found"),
        ("booking.move", {"booking": "no such", "start": "{day}T10:00"}, "not_found"),
    ],
)
def test_refusals_of_every_kind_are_kept(
    server: Server, peer: Peer, method: str, params: dict[str, str], code: str
) -> None:
    day = server.day()
    wish = {name: value.format(day=day) for name, value in params.items()}
    first = ask(peer, method, **wish, request="r")
    assert first["code"] == code
    assert ask(peer, method, **wish, request="r") == first
    assert ask(peer, "booking.create", start=f"{day}T11:00", request="r")["code"] == "invalid"


@pytest.mark.parametrize(
    "time",
    ["{day}T10:00:00.5", "{day}T10:00:00.000001Z", "0001-01-05T00:00", "1905-01-01T00:00:00.9", "9999-12-20T00:00"],
)
def test_a_repetition_says_the_same_of_the_oddest_times(server: Server, peer: Peer, time: str) -> None:
    wish = {"start": time.format(day=server.day()), "request": "r"}
    first = ask(peer, "booking.create", **wish)
    assert first["code"] == "slot_not_offered"
    assert ask(peer, "booking.create", **wish) == first


def test_a_repetition_on_another_connection_gets_the_same_answer(server: Server, peer: Peer) -> None:
    wish = {"start": f"{server.day()}T10:00", "request": "r"}
    first = ask(peer, "booking.create", **wish)
    peer.close()
    assert ask(server.again(peer), "booking.create", **wish) == first


def test_a_repetition_after_signing_in_anew_gets_the_same_answer(server: Server, peer: Peer) -> None:
    wish = {"start": f"{server.day()}T10:00", "request": "r"}
    first = ask(peer, "booking.create", **wish)
    peer.call("session.close")
    peer.call("session.open", user=peer.user, password=peer.password, language="en")
    assert ask(peer, "booking.create", **wish) == first


def test_repetitions_sent_together_get_the_same_answer(server: Server, peer: Peer) -> None:
    wish = ("booking.create", {"start": f"{server.day()}T10:00", "request": "r"})
    outcomes = [outcome(answer) for answer in peer.answers(peer.post_all(*[wish] * 20)) + peer.batch(*[wish] * 20)]
    assert outcomes == [outcomes[0]] * 40
    assert peer.call("booking.list")["bookings"] == [outcomes[0]]


def test_repetitions_sent_at_once_on_many_connections_get_the_same_answer(server: Server, peer: Peer) -> None:
    wish = {"start": f"{server.day()}T10:00", "request": "r"}
    peers = [server.again(peer) for _ in range(16)]
    with ThreadPoolExecutor(16) as pool:
        outcomes = list(pool.map(lambda one: ask(one, "booking.create", **wish), peers))
    assert outcomes == [outcomes[0]] * 16
    assert peer.call("booking.list")["bookings"] == [outcomes[0]]


def test_a_repetition_adds_nothing_to_the_log(server: Server, peer: Peer) -> None:
    day = server.day()
    wishes: list[tuple[str, dict[str, Any]]] = [
        ("booking.create", {"start": f"{day}T10:00", "request": "r1"}),
        ("booking.create", {"start": f"{day}T10:00", "request": "r2"}),
        ("booking.cancel", {"booking": "no such", "request": "r3"}),
    ]
    peer.answers(peer.post_all(*wishes))
    before = peer.log()
    peer.answers(peer.post_all(*wishes))
    assert peer.log() == before


def test_a_repetition_is_no_change_to_those_who_watch(server: Server, peer: Peer) -> None:
    day = server.day()
    peer.call("booking.create", start=f"{day}T10:00", request="r")
    peer.call("slot.watch", day=day)
    peer.call("booking.create", start=f"{day}T10:00", request="r")
    peer.call("booking.create", start=f"{day}T15:00")
    assert [slot["start"] for slot in peer.change()["slots"]] == [server.at(day, 15)]


@pytest.mark.parametrize(
    "changed",
    [
        {"start": "{day}T11:00"},
        {"note": "other"},
        {"start": "{day}T10:00:00"},
        {"start": "{day}T10:00-03:00"},
    ],
)
def test_the_same_request_with_other_parameters_as_sent_is_invalid(
    server: Server, peer: Peer, changed: dict[str, str]
) -> None:
    day = server.day()
    ask(peer, "booking.create", start=f"{day}T10:00", request="r")
    wish = {"start": f"{day}T10:00"} | {name: value.format(day=day) for name, value in changed.items()}
    assert peer.refusal("booking.create", **wish, request="r")["code"] == "invalid"
    assert len(peer.call("booking.list")["bookings"]) == 1


def test_a_parameter_that_was_left_out_is_another_parameter_when_it_is_sent(server: Server, peer: Peer) -> None:
    wish = {"start": f"{server.day()}T10:00", "request": "r"}
    booked = ask(peer, "booking.create", **wish)
    assert peer.refusal("booking.create", **wish, service=booked["service"])["code"] == "invalid"


def test_the_order_of_the_parameters_and_their_spelling_in_json_make_no_difference(server: Server, peer: Peer) -> None:
    day = server.day()
    first = ask(peer, "booking.create", start=f"{day}T10:00", note="olá", request="r")
    params = json.dumps({"request": "r", "note": "olá", "start": f"{day}T10:00"}, ensure_ascii=False, indent=None)
    peer.write(b' { "method" : "booking.create", "id":77,"jsonrpc":"2.0", "params" : ' + params.encode() + b"}\n")
    assert outcome(peer.answer(77)) == first


def test_the_same_request_with_another_method_is_invalid(server: Server, peer: Peer) -> None:
    booked = ask(peer, "booking.create", start=f"{server.day()}T10:00", request="r")
    assert peer.refusal("booking.cancel", booking=booked["id"], request="r")["code"] == "invalid"
    assert peer.refusal("user.erase", password=peer.password, request="r")["code"] == "invalid"
    assert peer.call("booking.list", status="booked")["bookings"] == [booked]


def test_the_invalid_answer_does_not_replace_the_first(server: Server, peer: Peer) -> None:
    day = server.day()
    first = ask(peer, "booking.create", start=f"{day}T10:00", request="r")
    peer.refusal("booking.create", start=f"{day}T11:00", request="r")
    assert ask(peer, "booking.create", start=f"{day}T10:00", request="r") == first


def test_two_users_may_choose_the_same_request(server: Server, peer: Peer) -> None:
    day = server.day()
    mine = ask(peer, "booking.create", start=f"{day}T10:00", request="r")
    theirs = ask(server.customer(), "booking.create", start=f"{day}T11:00", request="r")
    assert mine["id"] != theirs["id"]


def test_invalid_is_not_kept(server: Server, peer: Peer) -> None:
    assert ask(peer, "booking.create", start="never", request="r")["code"] == "invalid"
    assert ask(peer, "booking.create", start=f"{server.day()}T10:00", request="r")["status"] == "booked"


def test_not_signed_in_is_not_kept(server: Server) -> None:
    peer, wish = server.peer(), {"start": f"{server.day()}T10:00", "request": "r"}
    assert ask(peer, "booking.create", **wish)["code"] == "not_signed_in"
    peer.sign_up(f"Ainda não {wish['start']}")
    assert ask(peer, "booking.create", **wish)["status"] == "booked"


def test_bad_credentials_are_not_kept(peer: Peer) -> None:
    assert ask(peer, "user.erase", password="wrong", request="r") == {"code": "bad_credentials"}
    assert ask(peer, "user.erase", password=peer.password, request="r").keys() == {"receipt"}


def test_without_a_request_every_call_counts(server: Server, peer: Peer) -> None:
    day = server.day()
    peer.call("booking.create", start=f"{day}T10:00")
    assert peer.refusal("booking.create", start=f"{day}T10:00")["code"] == "slot_taken"
