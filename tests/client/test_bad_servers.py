"""Servers that send garbage, say nothing, or hang up: the client lives on, and its callers learn of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from agenda.client import Disconnected, State
from agenda.client.transport import Silent
from tests.client.server import PATIENCE, PONG, booking

if TYPE_CHECKING:
    from agenda.client import Client
    from tests.client.conftest import Connect, Later, States
    from tests.client.server import Peer, ScriptedServer

GARBAGE = {
    "text": b"HTTP/1.1 400 Bad Request\r\n",
    "binary": bytes(range(256)) + b"\n",
    "not UTF-8": b'{"id":"\xff"}\n',
    "a number": b"42\n",
    "a list": b"[]\n",
    "deep": b"[" * 200_000 + b"\n",
    "an error of no call": b'{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"?"}}\n',
    "a change without slots": b'{"jsonrpc":"2.0","method":"slot.changed","params":{"watch":1}}\n',
}
HARMLESS = {
    "a blank line": b"\r\n",
    "an answer nobody asked for": b'{"jsonrpc":"2.0","id":999999999,"result":{}}\n',
    "an id that is none": b'{"jsonrpc":"2.0","id":[1],"result":{}}\n',
    "news of an unknown kind": b'{"jsonrpc":"2.0","method":"weather.changed","params":[1]}\n',
    "an end of line with return": b'{"jsonrpc":"2.0","id":999999999,"result":{}}\r\n',
}


@pytest.mark.parametrize("data", GARBAGE.values(), ids=GARBAGE)
def test_after_garbage_a_fresh_connection_is_made(
    data: bytes, client: Client, peer: Peer, server: ScriptedServer, later: Later
) -> None:
    pinging = later(client.ping)
    peer.hear("ping")
    peer.say_bytes(data)
    again = server.take().greet_again()
    again.answer(again.hear("ping"), PONG)
    assert pinging.result(PATIENCE).version == "1.0"


@pytest.mark.parametrize("data", HARMLESS.values(), ids=HARMLESS)
def test_oddities_do_no_harm(data: bytes, client: Client, peer: Peer, later: Later) -> None:
    pinging = later(client.ping)
    call = peer.hear("ping")
    peer.say_bytes(data)
    peer.answer(call, PONG)
    assert pinging.result(PATIENCE).version == "1.0"


def test_an_answer_may_come_in_pieces_and_together_with_others(client: Client, peer: Peer, later: Later) -> None:
    first, second = later(client.ping), later(client.ping)
    calls = [peer.hear("ping"), peer.hear("ping")]
    line = b'{"jsonrpc":"2.0","id":%d,"result":{"now":"2026-11-23T08:00:00Z","version":"2"}}\n'
    both = b"".join(line % call["id"] for call in calls)
    for at in range(0, len(both), 7):
        peer.say_bytes(both[at : at + 7])
    assert (first.result(PATIENCE).version, second.result(PATIENCE).version) == ("2", "2")


def test_an_answer_of_many_megabytes_is_read(client: Client, peer: Peer, later: Later) -> None:
    document = {"bookings": ["x" * 1000] * 5000}
    asking = later(client.export)
    peer.answer(peer.hear("user.export"), document)
    assert asking.result(PATIENCE) == document


def test_a_silent_server_is_probed_and_then_left(connect: Connect, server: ScriptedServer, states: States) -> None:
    connect(idle=1.2, on_state=states)
    peer = server.take().greet()
    assert states.next() is State.ONLINE
    peer.answer(peer.hear("ping"), PONG)
    peer.hear("ping")
    assert states.next() is State.OFFLINE
    assert server.take().greet()


# One address, as that of a balancer, behind which one of several servers stands still


def test_where_nobody_greets_the_same_address_is_tried_anew(
    connect: Connect, server: ScriptedServer, later: Later
) -> None:
    pinging = later(connect(idle=1.5).ping)
    server.ignore()
    another = server.take().greet()
    another.answer(another.hear("ping"), PONG)
    assert pinging.result(PATIENCE).version == "1.0"


def test_where_an_answer_does_not_come_the_same_is_asked_at_the_same_address_anew(
    connect: Connect, server: ScriptedServer, later: Later
) -> None:
    client = connect(idle=1.5)
    silent = server.take().greet()
    asking = later(client.book, datetime(2026, 11, 23, 13, tzinfo=UTC))
    first = silent.hear("booking.create")
    another = server.take().greet()
    second = another.hear("booking.create")
    another.answer(second, booking())
    assert asking.result(PATIENCE).id == "b1"
    assert second["params"] == first["params"]


def test_where_all_are_silent_the_call_ends_with_its_time(connect: Connect) -> None:
    client = connect(idle=0.9, timeout=1.0)
    with pytest.raises(Disconnected) as problem:
        client.ping()
    assert isinstance(problem.value.__cause__, Silent)


def test_a_server_that_never_answers_costs_the_caller_no_more_than_his_time(
    connect: Connect, server: ScriptedServer
) -> None:
    client = connect(timeout=0.3)
    server.take()
    with pytest.raises(Disconnected) as problem:
        client.sign_in("ana", "secret")
    assert not problem.value.sent


def test_a_connection_on_which_nothing_came_by_the_deadline_is_replaced(
    connect: Connect, server: ScriptedServer, later: Later
) -> None:
    client = connect(timeout=1.0)
    peer = server.take().greet()
    asking = later(client.bookings)
    peer.hear("booking.list")
    with pytest.raises(Disconnected):
        asking.result(PATIENCE)
    assert peer.hung_up()
    assert server.take().greet()


def test_half_an_answer_is_a_sign_of_life(connect: Connect, server: ScriptedServer, later: Later) -> None:
    client = connect(timeout=1.5)
    peer = server.take().greet()
    exporting = later(client.export)
    call = peer.hear("user.export")
    peer.say_bytes(b'{"jsonrpc":"2.0","id":%d,"result":' % call["id"])
    with pytest.raises(Disconnected):
        exporting.result(PATIENCE)
    peer.say_bytes(b'{"much":"more"}}\n')
    pinging = later(client.ping)
    peer.answer(peer.hear("ping"), PONG)
    assert pinging.result(PATIENCE).version == "1.0"


def test_a_server_that_hangs_up_at_once_fails_the_first_call(
    connect: Connect, server: ScriptedServer, later: Later
) -> None:
    client = connect()
    pinging = later(client.ping)
    server.take().cut()
    server.shut()
    with pytest.raises(Disconnected) as problem:
        pinging.result(PATIENCE)
    assert not problem.value.sent


def test_a_line_without_end_is_not_read_for_ever(
    client: Client, peer: Peer, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agenda.client.transport.MAX_LINE", 1_000_000)
    peer.say_bytes(b"x" * 1_000_001)
    assert server.take().greet_again()
