"""Clients that come through a proxy and speak TLS, of which the proxy knows nothing."""

import ssl
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from agenda.doors.rpc.limits import Limits
from tests.certificates import self_signed

from .fakes import DEADLINE, Peer
from .headers import tcp_block
from .proxied import ProxiedHouse

CLIENT = tcp_block("192.0.2.1", 5)


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    return self_signed(tmp_path, "DNS:localhost")


@pytest.fixture
def secure(open_proxied: Callable[..., ProxiedHouse], certificate: tuple[Path, Path]) -> ProxiedHouse:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return open_proxied(tls=context, limits=Limits(handshake=1, linger=0.2, stop=0.5))


def secured(peer: Peer, certificate: tuple[Path, Path], meanwhile: Callable[[], None] = lambda: None) -> Peer:
    """The same connection behind TLS; `meanwhile` is called when the client has said the first word of it."""
    context = ssl.create_default_context(cafile=str(certificate[0]))
    secure = context.wrap_socket(peer.socket, server_hostname="localhost", do_handshake_on_connect=False)
    peer.socket = secure
    secure.settimeout(0)
    with suppress(ssl.SSLWantReadError):
        secure.do_handshake()
    meanwhile()
    secure.settimeout(DEADLINE)
    secure.do_handshake()
    peer._lines = secure.makefile("rb")
    return peer


def test_the_header_comes_before_tls(secure: ProxiedHouse, certificate: tuple[Path, Path]) -> None:
    assert "result" in secured(secure.peer(CLIENT), certificate).call("ping")
    assert secure.came.get(timeout=DEADLINE) == "192.0.2.1:5"


def test_tls_may_come_right_behind_the_header(secure: ProxiedHouse, certificate: tuple[Path, Path]) -> None:
    go_on = secure.hold()
    peer = secure.peer(CLIENT)
    assert "result" in secured(peer, certificate, go_on).call("ping")


def test_a_client_that_ends_is_no_news(
    open_proxied: Callable[..., ProxiedHouse], certificate: tuple[Path, Path], caplog: pytest.LogCaptureFixture
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    house = open_proxied(proxies=(), tls=context)
    peer = secured(house.peer(), certificate)
    assert "result" in peer.call("ping")
    peer.end()
    assert house.left.get(timeout=DEADLINE)
    assert caplog.records == []


def test_tls_without_a_header_is_cut(secure: ProxiedHouse, certificate: tuple[Path, Path]) -> None:
    with pytest.raises(OSError):
        secured(secure.peer(), certificate)


@pytest.mark.parametrize("sent", [b"", b"{}\n", b"\x16\x03\x01"])
def test_a_header_without_tls_is_cut(secure: ProxiedHouse, sent: bytes) -> None:
    assert b"jsonrpc" not in received(secure.peer(CLIENT + sent))


def received(peer: Peer) -> bytes:
    """All that comes until the server closes."""
    data = b""
    with suppress(ConnectionResetError):
        while piece := peer.socket.recv(1000):
            data += piece
    return data
