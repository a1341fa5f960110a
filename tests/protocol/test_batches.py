"""JSON-RPC batches: an array on one line, answered with an array on one line."""

from typing import Any

from .server import Server

PING = {"jsonrpc": "2.0", "method": "ping"}


def exchange(server: Server, batch: list[Any]) -> Any:
    peer = server.peer()
    peer.send(batch)
    return peer.read()


def test_a_batch_is_answered_with_an_array(server: Server) -> None:
    answers = exchange(server, [{**PING, "id": 1}, {**PING, "id": "two"}])
    assert sorted(str(answer["id"]) for answer in answers) == ["1", "two"]


def test_a_batch_of_one_is_answered_with_an_array_too(server: Server) -> None:
    answers = exchange(server, [{**PING, "id": 1}])
    assert [answer["id"] for answer in answers] == [1]


def test_an_empty_batch_is_an_invalid_request(server: Server) -> None:
    answer = exchange(server, [])
    assert (answer["id"], answer["error"]["code"]) == (None, -32600)


def test_members_that_are_no_requests_are_answered_each(server: Server) -> None:
    answers = exchange(server, [1, "x", None])
    assert [(answer["id"], answer["error"]["code"]) for answer in answers] == [(None, -32600)] * 3


def test_a_batch_within_a_batch_is_no_request(server: Server) -> None:
    answers = exchange(server, [[{**PING, "id": 1}]])
    assert [answer["error"]["code"] for answer in answers] == [-32600]


def test_a_bad_member_does_not_spoil_the_others(server: Server) -> None:
    answers = exchange(server, [{**PING, "id": 1}, {}, {**PING, "method": "no.such", "id": 3}, {**PING, "id": 4}])
    codes = {answer["id"]: answer.get("error", {}).get("code") for answer in answers}
    assert codes == {1: None, None: -32600, 3: -32601, 4: None}


def test_notifications_in_a_batch_are_not_answered(server: Server) -> None:
    answers = exchange(server, [PING, {**PING, "id": 2}, {**PING, "method": "no.such"}])
    assert [answer["id"] for answer in answers] == [2]


def test_a_batch_of_notifications_gets_no_answer_at_all(server: Server) -> None:
    peer = server.peer()
    peer.send([PING, PING])
    peer.send({**PING, "id": 7})
    assert peer.read()["id"] == 7


def test_notifications_in_a_batch_take_effect(server: Server) -> None:
    peer, day = server.customer(), server.day()
    peer.send([{"jsonrpc": "2.0", "method": "booking.create", "params": {"start": f"{day}T10:00"}}])
    assert peer.states(day)[2] == "mine"


def test_the_members_of_a_batch_take_effect_in_the_order_sent(server: Server) -> None:
    peer, day = server.peer(), server.day()
    opened, first, booked, second, twice, listed, closed, late = peer.batch(
        ("session.open", {"user": f"lote {day}", "password": "x", "create": True}),
        ("slot.list", {"day": day}),
        ("booking.create", {"start": f"{day}T10:00"}),
        ("slot.list", {"day": day}),
        ("booking.create", {"start": f"{day}T10:00"}),
        ("booking.list", {}),
        ("session.close", {}),
        ("booking.list", {}),
    )
    assert opened["result"]["user"]["name"] == f"lote {day}"
    assert first["result"]["slots"][2]["state"] == "free"
    assert second["result"]["slots"][2]["state"] == "mine"
    assert twice["error"]["data"]["code"] == "slot_taken"
    assert listed["result"]["bookings"] == [booked["result"]]
    assert closed["result"] == {}
    assert late["error"]["data"]["code"] == "not_signed_in"


def test_lines_after_a_batch_take_effect_after_it(server: Server) -> None:
    peer, day = server.customer(), server.day()
    peer.send([{"jsonrpc": "2.0", "id": "b", "method": "booking.create", "params": {"start": f"{day}T10:00"}}])
    listing = peer.post("slot.list", day=day)
    messages = [peer.read(), peer.read()]
    batch = next(message for message in messages if isinstance(message, list))
    single = next(message for message in messages if isinstance(message, dict))
    assert "result" in batch[0]
    assert single["id"] == listing
    assert single["result"]["slots"][2]["state"] == "mine"


def test_a_batch_of_hundreds_of_changes_is_answered_whole(server: Server) -> None:
    peer, day = server.customer(), server.day()
    answers = peer.batch(*[("booking.create", {"start": server.at(day, 8 + n % 12)}) for n in range(500)])
    assert [("result" in answer) for answer in answers] == [True] * 12 + [False] * 488
