"""Clients that come through a proxy: who they are taken for, and what becomes of those who do not say it."""

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from ipaddress import ip_network
from threading import Thread
from time import sleep
from types import SimpleNamespace
from typing import Any

import pytest
from structlog.testing import capture_logs

from agenda.doors.rpc import server
from agenda.doors.rpc.limits import Limits
from agenda.doors.rpc.proxy import Network

from .fakes import DEADLINE, RESET
from .headers import LOCAL, UNSPEC, block, line, tcp_block
from .proxied import ProxiedHouse

OpenProxied = Callable[..., ProxiedHouse]
ELSEWHERE = ip_network("192.0.2.0/24")
CLIENT = line("192.0.2.1", "192.0.2.2", 5, 8888)
PING = b'{"jsonrpc":"2.0","id":1,"method":"ping"}\n'


@pytest.fixture
def house(open_proxied: OpenProxied) -> ProxiedHouse:
    return open_proxied()


@pytest.mark.parametrize(
    ("header", "shown"),
    [
        (line("192.0.2.1", "192.0.2.2", 5, 8888), "192.0.2.1:5"),
        (line("2001:db8::1", "2001:db8::2", 5, 8888), "[2001:db8::1]:5"),
        (tcp_block("192.0.2.1", 5), "192.0.2.1:5"),
        (tcp_block("2001:db8::1", 5), "[2001:db8::1]:5"),
        (tcp_block("192.0.2.1", 5, attached=b"\x04\x00\x03\n\n\n"), "192.0.2.1:5"),
        (tcp_block("127.0.0.2", 5), "127.0.0.2:5"),
    ],
)
def test_presence_names_the_client_and_not_the_proxy(house: ProxiedHouse, header: bytes, shown: str) -> None:
    assert "result" in house.peer(header).call("ping")
    assert house.came.get(timeout=DEADLINE) == shown


@pytest.mark.parametrize("header", [b"PROXY UNKNOWN\r\n", block(LOCAL, UNSPEC)])
def test_a_proxy_may_come_for_itself(house: ProxiedHouse, header: bytes) -> None:
    peer = house.peer(header)
    assert "result" in peer.call("ping")
    assert house.came.get(timeout=DEADLINE) == "{}:{}".format(*peer.socket.getsockname())


@pytest.mark.parametrize("header", [CLIENT, tcp_block("192.0.2.1", 5)])
def test_what_comes_right_behind_the_header_is_read(house: ProxiedHouse, header: bytes) -> None:
    assert "result" in house.peer(header + PING).read()


@pytest.mark.parametrize("header", [CLIENT, tcp_block("192.0.2.1", 5)])
def test_a_header_may_come_byte_by_byte(house: ProxiedHouse, header: bytes) -> None:
    peer = house.peer()
    for byte in header:
        peer.write(bytes([byte]))
        house.server.answers(DEADLINE)  # so that bytes are read one by one
    assert "result" in peer.call("ping")


@pytest.mark.parametrize("sent", [PING, b"\x16\x03\x01", b"PROXY UNKNOWN " + b"f" * 100, block(LOCAL, 0, bytes(521))])
def test_who_says_something_else_is_cut(house: ProxiedHouse, sent: bytes) -> None:
    assert house.cuts(house.peer(sent))


@pytest.mark.parametrize("sent", [b"", b"PROXY", CLIENT[:-1]])
def test_who_keeps_the_header_back_is_cut_in_time(open_proxied: OpenProxied, sent: bytes) -> None:
    house = open_proxied(limits=Limits(header=0.1))
    assert house.cuts(house.peer(sent))


def test_who_gives_the_header_in_drops_is_cut_in_time(open_proxied: OpenProxied) -> None:
    house = open_proxied(limits=Limits(header=0.2))
    peer = house.peer(b"PROXY UNKNOWN ")
    with capture_logs() as log, suppress(ConnectionError):
        for _ in range(60):  # fewer than would make a line too long
            peer.write(b"f")
            sleep(0.05)
    assert [entry["problem"] for entry in log] == ["it took too long"]


def test_who_was_cut_never_was_there(house: ProxiedHouse) -> None:
    house.cuts(house.peer(PING))
    house.peer(CLIENT)
    assert house.came.get(timeout=DEADLINE) == "192.0.2.1:5"


def test_the_log_tells_of_a_proxy_without_a_header(house: ProxiedHouse) -> None:
    with capture_logs() as log:
        house.cuts(house.peer(PING))
    assert [(entry["log_level"], entry["peer"]) for entry in log] == [("warning", "127.0.0.1")]


def test_the_log_tells_of_a_header_that_breaks_off(house: ProxiedHouse) -> None:
    with capture_logs() as log:
        peer = house.peer(CLIENT[:20])
        peer.end()
        house.cuts(peer)
    assert [entry["problem"] for entry in log] == ["it breaks off"]


def test_the_log_does_not_tell_of_a_probe_that_says_nothing(house: ProxiedHouse) -> None:
    with capture_logs() as log:
        probe = house.peer()
        probe.end()
        house.cuts(probe)
    assert log == []


def test_the_log_does_not_tell_of_a_probe_that_ends_by_a_reset(house: ProxiedHouse) -> None:
    with capture_logs() as log:
        probe = house.peer()
        house.server.answers(DEADLINE)
        probe.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        probe.close()
        assert "result" in house.peer(CLIENT).call("ping")
    assert log == []


def test_elsewhere_a_header_is_a_line_like_any_other(open_proxied: OpenProxied) -> None:
    peer = open_proxied(proxies=(ELSEWHERE,)).peer(CLIENT)
    assert peer.read()["error"]["code"] == -32700
    assert "result" in peer.call("ping")


@pytest.mark.parametrize("header", [CLIENT, tcp_block("192.0.2.1", 5)])
@pytest.mark.parametrize("proxies", [(), (ELSEWHERE,)])
def test_the_log_tells_once_of_a_proxy_that_was_not_named(
    open_proxied: OpenProxied, header: bytes, proxies: tuple[Network, ...]
) -> None:
    house = open_proxied(proxies=proxies)
    with capture_logs() as log:
        for _ in range(2):
            assert house.peer(header).read()["error"]["code"] == -32700
    assert [(entry["peer"], "--proxies" in entry["event"]) for entry in log] == [("127.0.0.1", True)]


def test_elsewhere_nobody_waits_for_a_header(open_proxied: OpenProxied) -> None:
    house = open_proxied(proxies=(ELSEWHERE, ip_network("2001:db8::/32")))
    peer = house.peer(PING)
    assert "result" in peer.read()
    assert house.came.get(timeout=DEADLINE) == "{}:{}".format(*peer.socket.getsockname())


def test_tries_are_counted_under_the_client_s_address(house: ProxiedHouse) -> None:
    house.peer(CLIENT).sign_in()
    house.peer(tcp_block("2001:db8::1", 5)).sign_in()
    assert house.engine.addresses == ["192.0.2.1", "2001:db8::1"]


@pytest.mark.parametrize("header", [tcp_block("127.0.0.1", 5), tcp_block("::ffff:127.0.0.1", 5), block(LOCAL, UNSPEC)])
def test_nobody_becomes_one_of_this_machine_by_a_header(house: ProxiedHouse, header: bytes) -> None:
    house.peer(header).sign_in()
    assert house.engine.addresses == ["127.0.0.1 via 127.0.0.1"]


def test_stopping_cuts_who_has_not_said_who_it_is(house: ProxiedHouse) -> None:
    waiting = house.peer(b"PROXY")
    assert "result" in house.peer(CLIENT).call("ping")
    house.server.stop()
    assert house.cuts(waiting)


def test_stopping_lets_nobody_in(house: ProxiedHouse) -> None:
    house.server.stop()
    with pytest.raises(OSError):
        house.peer()


def test_stopping_answers_what_has_come_through_a_proxy_before(house: ProxiedHouse) -> None:
    go_on = house.hold()
    peers = [house.peer(CLIENT + PING) for _ in range(20)]
    stopping = Thread(target=house.server.stop)
    stopping.start()
    sleep(0.2)  # the loop must hear of it before it comes round
    go_on()
    assert [sum("id" in message for message in peer.read_all()) for peer in peers] == [1] * 20
    for peer in peers:
        peer.close()
    stopping.join()


class FailsOnce(asyncio.SelectorEventLoop):
    """A loop on which the first connection meets something unforeseen, as it is accepted or as it is let in."""

    def __init__(self, accepting: Exception | None = None, letting_in: Exception | None = None) -> None:
        super().__init__()
        self._accepting, self._letting_in = accepting, letting_in

    async def sock_accept(self, sock: socket.socket) -> tuple[socket.socket, Any]:
        error, self._accepting = self._accepting, None
        if error:
            raise error
        return await super().sock_accept(sock)

    async def connect_accepted_socket(self, *args: Any, **options: Any) -> Any:
        error, self._letting_in = self._letting_in, None
        if error:
            args[1].close()
            raise error
        return await super().connect_accepted_socket(*args, **options)


def test_a_system_without_a_file_to_spare_is_asked_again(
    open_proxied: OpenProxied, monkeypatch: pytest.MonkeyPatch
) -> None:
    loops = SimpleNamespace(new_event_loop=lambda: FailsOnce(accepting=OSError("no file is left")))
    monkeypatch.setattr(server, "loops", loops)
    assert "result" in open_proxied().peer(CLIENT).call("ping")


def test_a_defect_is_noted_and_keeps_nobody_else_out(
    open_proxied: OpenProxied, monkeypatch: pytest.MonkeyPatch
) -> None:
    defect = RuntimeError("unforeseen")
    monkeypatch.setattr(server, "loops", SimpleNamespace(new_event_loop=lambda: FailsOnce(letting_in=defect)))
    house = open_proxied()
    house.cuts(house.peer(CLIENT))
    assert "result" in house.peer(CLIENT).call("ping")
    noted, house.incidents[:] = list(house.incidents), []
    assert noted == [defect]
