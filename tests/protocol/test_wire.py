"""Lines, answers and their ids: the section *Wire* of the contract."""

import json
import shutil
import socket
import subprocess
from contextlib import suppress
from typing import Any

import pytest

from .peer import Peer
from .server import Server

LONGEST = 65_536
PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
PING_LINE = json.dumps(PING).encode()


def padded_ping(size: int) -> bytes:
    return PING_LINE + b" " * (size - len(PING_LINE))


def goes_on(peer: Peer) -> bool:
    return bool(peer.call("ping"))


def test_ping_answers_now_and_version(server: Server) -> None:
    assert server.peer().call("ping").keys() == {"now", "version"}


@pytest.mark.skipif(not shutil.which("nc"), reason="needs nc")
def test_printf_and_nc_are_client_enough(server: Server) -> None:
    host, port = server.address
    done = subprocess.run(["nc", "-w", "5", host, str(port)], input=PING_LINE + b"\n", capture_output=True, check=True)
    assert json.loads(done.stdout)["id"] == 1


def test_a_client_that_shuts_its_sending_side_still_gets_every_answer(server: Server) -> None:
    peer, day = server.peer(), server.day()
    opening = ("session.open", {"user": f"meio {day}", "password": "x", "create": True})
    numbers = peer.post_all(
        opening,
        ("booking.create", {"start": f"{day}T10:00"}),
        *[("slot.list", {"day": day})] * 50,
        ("booking.create", {"start": f"{day}T11:00"}),
    )
    peer.end()
    answers = peer.read_all()
    assert sorted(answer["id"] for answer in answers) == numbers
    assert all("result" in answer for answer in answers)


def test_carriage_return_and_line_feed_end_a_line_too(server: Server) -> None:
    peer = server.peer()
    peer.write(PING_LINE + b"\r\n" + PING_LINE.replace(b"1,", b"2,") + b"\r\n")
    assert {peer.read()["id"], peer.read()["id"]} == {1, 2}


def test_blank_lines_are_ignored(server: Server) -> None:
    peer = server.peer()
    peer.write(b"\n\r\n\n" + PING_LINE + b"\n\n\r\n")
    assert peer.read()["id"] == 1
    assert goes_on(peer)


def test_a_line_may_arrive_in_pieces(server: Server) -> None:
    peer = server.peer()
    peer.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in PING_LINE + b"\n":
        peer.write(bytes([byte]))
    assert peer.read()["id"] == 1


def test_many_lines_may_arrive_in_one_piece(server: Server) -> None:
    peer = server.peer()
    numbers = peer.post_all(*[("ping", {})] * 500)
    assert len(peer.answers(numbers)) == 500


@pytest.mark.parametrize("number", [0, 1, -7, 2**53, 2**63 - 1, "abc", "", "ç ✓ 𝄞", "\x07", 1.5, None])
def test_the_id_of_a_request_is_echoed(server: Server, number: Any) -> None:
    peer = server.peer()
    peer.send({**PING, "id": number})
    echoed = peer.read()["id"]
    assert (echoed, type(echoed)) == (number, type(number))


@pytest.mark.parametrize("number", [True, False, [], [1], {}])
def test_an_id_of_another_kind_makes_no_request(server: Server, number: Any) -> None:
    peer = server.peer()
    peer.send({**PING, "id": number})
    assert peer.read()["error"]["code"] == -32600
    assert goes_on(peer)


def test_a_notification_gets_no_answer(server: Server) -> None:
    peer = server.peer()
    peer.send({"jsonrpc": "2.0", "method": "ping"})
    peer.send(PING)
    assert peer.read()["id"] == 1


@pytest.mark.parametrize(
    "request_",
    [
        {"method": "no.such"},
        {"method": "ping", "params": {"bogus": 1}},
        {"method": "slot.list", "params": {"day": "2026-12-01"}},
    ],
)
def test_a_notification_gets_no_answer_even_when_it_is_refused(server: Server, request_: dict[str, Any]) -> None:
    peer = server.peer()
    peer.send({"jsonrpc": "2.0", **request_})
    peer.send(PING)
    assert peer.read()["id"] == 1


def test_a_notification_takes_effect(server: Server) -> None:
    peer, day = server.customer(), server.day()
    peer.send({"jsonrpc": "2.0", "method": "booking.create", "params": {"start": f"{day}T10:00"}})
    assert peer.states(day)[2] == "mine"


@pytest.mark.parametrize("params", [["2026-12-01"], ["2026-12-01", None, None]])
def test_positional_parameters_are_invalid(server: Server, params: list[Any]) -> None:
    peer = server.customer()
    peer.send({"jsonrpc": "2.0", "id": 99, "method": "slot.list", "params": params})
    error = peer.answer(99)["error"]
    assert (error["code"], error["data"]["code"]) == (-32602, "invalid")


@pytest.mark.parametrize(
    "line",
    [
        b'{"jsonrpc":"2.0","id":1,"method":"\xff"}',
        b'{"jsonrpc":"2.0","id":1,"method":"\xed\xa0\x80"}',
        b'{"jsonrpc":"2.0","id":1,"method":"\xc0\xaf"}',
        b"\x00\xff\xfe\x80",
        PING_LINE.decode().encode("utf-16-le").replace(b"\n", b""),
        PING_LINE.decode().encode("utf-32-be"),
    ],
    ids=["byte", "surrogate", "overlong", "binary", "utf-16", "utf-32"],
)
def test_a_line_that_is_not_utf_8_is_a_parse_error(server: Server, line: bytes) -> None:
    assert_answered_alone(server, line, -32700)


@pytest.mark.parametrize(
    "line",
    [
        b"hello",
        b"{",
        b"}",
        b'{"jsonrpc":"2.0","id":1,',
        b"{'jsonrpc':'2.0'}",
        PING_LINE + PING_LINE,
        b"[1,]",
        b"[",
        b'"',
        b'{"jsonrpc":"2.0","id":NaN,"method":"ping"}',
        b'{"jsonrpc":"2.0","id":Infinity,"method":"ping"}',
        b'{"jsonrpc":"2.0","id":-Infinity,"method":"ping"}',
        b'{"jsonrpc":"2.0","id":01,"method":"ping"}',
        b'{"jsonrpc":"2.0","id":"a\tb","method":"ping"}',
        b"GET / HTTP/1.1",
        b"// ping",
    ],
)
def test_a_line_that_is_not_json_is_a_parse_error(server: Server, line: bytes) -> None:
    assert_answered_alone(server, line, -32700)


@pytest.mark.parametrize(
    "line",
    [
        b"1",
        b'"ping"',
        b"null",
        b"true",
        b"{}",
        b'{"jsonrpc":"2.0","id":1}',
        b'{"jsonrpc":"2.0","method":1,"params":"x"}',
        b'{"jsonrpc":"2.0","id":1,"method":null}',
        b'{"jsonrpc":"1.0","id":1,"method":"ping"}',
        b'{"id":1,"method":"ping"}',
        b'{"jsonrpc":2.0,"id":1,"method":"ping"}',
        b'{"jsonrpc":"2.0","id":1,"method":"ping","params":"x"}',
        b'{"jsonrpc":"2.0","id":1,"method":"ping","params":5}',
    ],
)
def test_what_is_not_a_request_is_an_invalid_request(server: Server, line: bytes) -> None:
    assert_answered_alone(server, line, -32600)


def assert_answered_alone(server: Server, line: bytes, code: int) -> None:
    """The line gets one error, with no id or its own, and the connection goes on."""
    peer = server.peer()
    peer.write(line + b"\n")
    answer = peer.read()
    assert answer["error"]["code"] == code
    assert answer["id"] in {None, 1} if code == -32600 else answer["id"] is None
    assert goes_on(peer)


@pytest.mark.parametrize("method", ["no.such", "", "PING", "ping ", "__class__", "rpc.discover", "slot.changed", "çé"])
def test_an_unknown_method_is_said_to_be_unknown(server: Server, method: str) -> None:
    peer = server.peer()
    peer.send({"jsonrpc": "2.0", "id": "x", "method": method})
    answer = peer.read()
    assert (answer["id"], answer["error"]["code"]) == ("x", -32601)
    assert goes_on(peer)


def test_a_line_of_65536_bytes_is_accepted(server: Server) -> None:
    peer = server.peer()
    peer.write(padded_ping(LONGEST) + b"\n")
    assert "result" in peer.read()
    assert goes_on(peer)


def test_a_longer_line_is_refused_and_the_connection_closed(server: Server) -> None:
    peer = server.peer()
    peer.write(padded_ping(LONGEST + 1) + b"\n")
    assert_refused_and_closed(peer)


def test_a_line_too_long_is_refused_before_it_ends(server: Server) -> None:
    peer = server.peer()
    peer.write(padded_ping(LONGEST + 1))
    assert_refused_and_closed(peer)


def test_a_line_of_a_mebibyte_is_refused_in_words_too(server: Server) -> None:
    peer = server.peer()
    with suppress(BrokenPipeError, ConnectionResetError):
        peer.write(padded_ping(1 << 20) + b"\n")
    assert_refused_and_closed(peer)


def test_what_was_asked_before_a_line_too_long_is_answered(server: Server) -> None:
    peer = server.peer()
    peer.write(PING_LINE + b"\n" + padded_ping(LONGEST + 1) + b"\n")
    first, second = peer.read_all()
    assert first["id"] == 1
    assert second["error"]["code"] == -32600


def test_what_follows_a_line_too_long_is_not_done(server: Server) -> None:
    peer, day = server.customer(), server.day()
    booking = {"jsonrpc": "2.0", "id": 9, "method": "booking.create", "params": {"start": f"{day}T10:00"}}
    peer.write(padded_ping(LONGEST + 1) + b"\n" + json.dumps(booking).encode() + b"\n")
    assert_refused_and_closed(peer)
    assert server.again(peer).states(day)[2] == "free"


def assert_refused_and_closed(peer: Peer) -> None:
    (answer,) = peer.read_all()
    assert (answer["id"], answer["error"]["code"]) == (None, -32600)
