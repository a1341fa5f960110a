"""TLS, with a certificate made on the spot."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import pytest

from agenda.client import Client, Disconnected
from tests.certificates import self_signed
from tests.client.conftest import asked
from tests.client.server import PATIENCE, PONG, ScriptedServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.client.conftest import Later


@pytest.fixture(scope="module")
def localhost(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for localhost, and its key."""
    return self_signed(tmp_path_factory.mktemp("tls"), "DNS:localhost")


@pytest.fixture
def tls_server(localhost: tuple[Path, Path]) -> Iterator[ScriptedServer]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*localhost)
    scripted = ScriptedServer(context)
    yield scripted
    scripted.close()


def test_calls_go_through_tls(tls_server: ScriptedServer, localhost: tuple[Path, Path], later: Later) -> None:
    trusting = ssl.create_default_context(cafile=str(localhost[0]))
    with Client("localhost", tls_server.port, tls=trusting, timeout=PATIENCE) as client:
        exporting = later(client.export)
        peer = tls_server.take().greet()
        document = {"notes": ["x" * 1000] * 3000}
        peer.answer(peer.hear("user.export"), document)
        assert exporting.result(PATIENCE) == document


def test_a_tls_connection_that_broke_is_made_again(
    tls_server: ScriptedServer, localhost: tuple[Path, Path], later: Later
) -> None:
    trusting = ssl.create_default_context(cafile=str(localhost[0]))
    with Client("localhost", tls_server.port, tls=trusting, timeout=PATIENCE) as client:
        tls_server.take().greet().cut()
        pinging = later(client.ping)
        again = tls_server.take().greet()
        again.answer(again.hear("ping"), PONG)
        assert pinging.result(PATIENCE).version == "1.0"


def test_a_server_that_does_not_shake_hands_is_left_for_a_new_connection(
    tls_server: ScriptedServer, localhost: tuple[Path, Path], later: Later, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agenda.client.transport.DIAL_SECONDS", 1.0)
    trusting = ssl.create_default_context(cafile=str(localhost[0]))
    with Client("localhost", tls_server.port, tls=trusting, timeout=PATIENCE) as client:
        pinging = later(client.ping)
        tls_server.ignore()
        another = tls_server.take().greet()
        another.answer(another.hear("ping"), PONG)
        assert pinging.result(PATIENCE).version == "1.0"


def test_a_certificate_that_nobody_vouches_for_is_refused(tls_server: ScriptedServer, later: Later) -> None:
    with Client("localhost", tls_server.port, tls=ssl.create_default_context(), timeout=PATIENCE) as client:
        pinging = later(client.ping)
        asked(client)
        with pytest.raises(ssl.SSLError):
            tls_server.take()
        with pytest.raises(Disconnected) as problem:
            pinging.result(PATIENCE)
    assert isinstance(problem.value.__cause__, ssl.SSLCertVerificationError)


def test_a_server_without_tls_is_not_spoken_to_where_tls_is_asked_for(server: ScriptedServer, later: Later) -> None:
    with Client("localhost", server.port, tls=ssl.create_default_context(), timeout=PATIENCE) as client:
        pinging = later(client.ping)
        asked(client)
        server.take().say_bytes(b'{"jsonrpc":"2.0","method":"hello"}\n')
        with pytest.raises(Disconnected) as problem:
            pinging.result(PATIENCE)
    assert isinstance(problem.value.__cause__, ssl.SSLError)
