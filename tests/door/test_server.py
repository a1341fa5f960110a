"""Where the server listens, how it stops, and TLS."""

import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from time import monotonic, sleep

import pytest

from agenda.doors.rpc.limits import Limits
from agenda.doors.rpc.server import RpcServer
from agenda.doors.rpc.sockets import CannotListen, NotPrivate, PortInUse
from tests.certificates import self_signed

from .conftest import House
from .fakes import DEADLINE, FakeEngine, Peer

START = {"start": "2026-11-23T08:00:00-03:00"}
OpenHouse = Callable[..., House]


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


def test_localhost_is_both_loopbacks_on_one_port(house: House) -> None:
    addresses = house.server.addresses
    assert {host for host, _ in addresses} == ({"127.0.0.1", "::1"} if has_ipv6() else {"127.0.0.1"})
    assert len({port for _, port in addresses}) == 1
    for address in addresses:
        peer = Peer(address)
        assert peer.call("ping")["id"] == 1
        peer.close()


def test_a_port_that_is_taken_is_said_to_be(house: House) -> None:
    second = RpcServer(FakeEngine().as_engine(), port=house.server.addresses[0][1])
    with pytest.raises(PortInUse):
        second.start()


@pytest.mark.parametrize("host", ["no.such.host.invalid", "192.0.2.1", "a" * 300])
def test_an_address_that_is_not_this_machines_is_refused(host: str) -> None:
    with pytest.raises(CannotListen):
        RpcServer(FakeEngine().as_engine(), host, 0, insecure=True).start()


EVERYWHERE = "0.0.0.0"  # noqa: S104  # what must be refused


@pytest.mark.parametrize("host", [EVERYWHERE, "::", ""])
def test_without_tls_only_this_machine_is_served(host: str) -> None:
    with pytest.raises(NotPrivate):
        RpcServer(FakeEngine().as_engine(), host, 0).start()


def test_unless_told_so_in_so_many_words() -> None:
    server = RpcServer(FakeEngine().as_engine(), EVERYWHERE, 0, insecure=True)
    server.start()
    peer = Peer(("127.0.0.1", server.addresses[0][1]))
    assert "result" in peer.call("ping")
    peer.close()
    server.stop()


def test_a_console_that_nobody_reads_keeps_nobody_waiting() -> None:
    read_again, told = Event(), Event()

    def stuck(event: str, peer: str, connections: int) -> None:
        told.set()
        read_again.wait(DEADLINE)

    server = RpcServer(FakeEngine().as_engine(), port=0, presence=stuck, limits=Limits(linger=0.1, stop=0.5))
    server.start()
    peer = Peer(server.addresses[0])
    assert told.wait(DEADLINE)
    assert "result" in peer.call("ping")
    peer.close()
    server.stop()
    read_again.set()


def test_a_console_that_is_closed_keeps_nobody_waiting() -> None:
    incidents = []

    def closed(event: str, peer: str, connections: int) -> None:
        raise BrokenPipeError

    def note(error: BaseException) -> str:
        incidents.append(error)
        return ""

    server = RpcServer(FakeEngine().as_engine(), port=0, presence=closed, incident=note)
    server.start()
    peer = Peer(server.addresses[0])
    assert "result" in peer.call("ping")
    peer.close()
    server.stop()
    assert [type(error) for error in incidents] == [BrokenPipeError] * 2


def test_stopping_answers_what_was_started_and_refuses_the_rest(open_house: OpenHouse) -> None:
    house = open_house("create", limits=Limits(linger=0.2, stop=DEADLINE))
    peer = house.peer().sign_in()
    peer.send(("booking.create", START), ("slot.list", {"day": "2026-11-23"}))
    house.engine.wait_for(2)
    stopped = house.stop_beside()
    assert peer.read()["method"] == "server.stopping"
    assert peer.read()["error"]["data"]["code"] == "unavailable"
    house.engine.release()
    assert [message["id"] for message in peer.read_all()] == [2]
    peer.close()
    stopped()


def test_stopping_answers_what_has_come_before_and_was_not_looked_at_yet(open_house: OpenHouse) -> None:
    house = open_house(limits=Limits(linger=0.2, stop=DEADLINE))
    known = house.peer()
    assert "result" in known.call("ping")
    busy = Event()
    house.server.loop.call_soon_threadsafe(busy.wait, DEADLINE)
    strangers = [house.peer() for _ in range(20)]
    for peer in (known, *strangers):
        peer.send(("ping", {}))
    stopped = house.stop_beside()
    sleep(0.2)  # the loop must hear of it before it comes round
    busy.set()
    answers = [[message for message in peer.read_all() if "id" in message] for peer in (known, *strangers)]
    assert [len(each) for each in answers] == [1] * 21
    for peer in (known, *strangers):
        peer.close()
    stopped()


def test_stopping_lets_nobody_in(open_house: OpenHouse) -> None:
    house = open_house()
    address = house.server.addresses[0]
    house.server.stop()
    with pytest.raises(OSError):
        Peer(address)


def test_stopping_does_not_wait_for_ever(open_house: OpenHouse) -> None:
    house = open_house("create", limits=Limits(linger=0.2, stop=0.3))
    peer = house.peer().sign_in()
    peer.send(("booking.create", START))
    house.engine.wait_for(2)
    began = monotonic()
    house.server.stop()
    assert monotonic() - began < DEADLINE


def test_stopping_twice_is_stopping_once(house: House) -> None:
    house.server.stop()
    house.server.stop()


def test_an_answer_that_comes_after_the_end_is_nobodys(open_house: OpenHouse) -> None:
    house = open_house("create", limits=Limits(linger=0.1, stop=0.1))
    house.peer().sign_in().send(("booking.create", START))
    house.engine.wait_for(2)
    house.server.stop()
    house.engine.release()


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    return self_signed(tmp_path, "DNS:localhost")


@pytest.fixture
def tls_server(certificate: tuple[Path, Path]) -> Iterator[tuple[RpcServer, FakeEngine]]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    engine = FakeEngine()
    server = RpcServer(engine.as_engine(), port=0, tls=context, limits=Limits(linger=0.2, stop=0.5))
    server.start()
    yield server, engine
    engine.release()
    server.stop()


def secure_peer(server: RpcServer, certificate: tuple[Path, Path]) -> Peer:
    peer = Peer(server.addresses[0])
    context = ssl.create_default_context(cafile=str(certificate[0]))
    peer.socket = context.wrap_socket(peer.socket, server_hostname="localhost")
    peer._lines = peer.socket.makefile("rb")
    return peer


def test_with_a_certificate_the_port_speaks_tls(
    tls_server: tuple[RpcServer, FakeEngine], certificate: tuple[Path, Path]
) -> None:
    peer = secure_peer(tls_server[0], certificate)
    assert "result" in peer.sign_in().call("booking.list")
    peer.close()


def test_with_a_certificate_the_port_speaks_tls_only(tls_server: tuple[RpcServer, FakeEngine]) -> None:
    peer = Peer(tls_server[0].addresses[0])
    peer.write(b'{"jsonrpc":"2.0","id":1,"method":"ping"}\n')
    try:
        received = peer.socket.recv(1000)
    except ConnectionResetError:
        received = b""
    assert b"jsonrpc" not in received
    peer.close()
