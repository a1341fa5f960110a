"""Each hint fits what kept the command from its server."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from agenda.cli.exits import Status
from tests.protocol.server import Server, free_port

from .conftest import PASSWORD, Shell


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory, certificate: tuple[Path, Path]) -> Iterator[Server]:
    """A server that speaks TLS only, with a certificate for 127.0.0.1."""
    pem, key = certificate
    data = tmp_path_factory.mktemp("secure") / "data"
    server = Server(data, options=("--tls-cert", str(pem), "--tls-key", str(key))).start()
    yield server
    server.close()


def told(shell: Shell, port: int, *options: str, host: str = "127.0.0.1") -> str:
    """What a command is told that cannot reach its server."""
    failed = shell.run("slots", "--server", f"{host}:{port}", "--user", "maria", *options, AGENDA_PASSWORD=PASSWORD)
    assert failed.status == Status.NO_SERVER
    return failed.err


def test_a_certificate_that_nobody_vouches_for_can_be_named(shell: Shell, secure: Server) -> None:
    assert "--ca FILE" in told(shell, secure.address[1], "--tls")


def test_a_certificate_for_another_name_is_told(shell: Shell, secure: Server, certificate: tuple[Path, Path]) -> None:
    assert "is for another name" in told(shell, secure.address[1], "--ca", str(certificate[0]), host="127.1")


def test_a_session_that_was_opened_over_tls_is_not_resumed_without(
    shell: Shell, secure: Server, certificate: tuple[Path, Path]
) -> None:
    line = ("--server", f"127.0.0.1:{secure.address[1]}", "--user", "maria")
    shell("login", "--create", *line, "--ca", str(certificate[0]), AGENDA_PASSWORD=PASSWORD)
    assert shell("bookings", *line, "--ca", str(certificate[0]))
    assert "AGENDA_PASSWORD" in shell.run("bookings", *line).err


def test_a_port_that_speaks_tls_asks_for_it(shell: Shell, secure: Server) -> None:
    assert "use --tls" in told(shell, secure.address[1])


def test_a_port_without_tls_is_told(shell: Shell, server: Server) -> None:
    assert "leave out --tls" in told(shell, server.address[1], "--tls")


def test_where_nothing_listens_a_server_can_be_started(shell: Shell) -> None:
    assert "(nothing listens on that port). Start one" in told(shell, free_port())


def test_a_name_that_nothing_has_is_told(shell: Shell) -> None:
    assert "no machine has that name" in told(shell, 8888, host="nobody.invalid")


def test_a_demonstration_does_not_pass_over_a_server_that_it_cannot_trust(shell: Shell, secure: Server) -> None:
    failed = shell.run("demo", "--tls", "--server", f"127.0.0.1:{secure.address[1]}")
    assert failed.status == Status.NO_SERVER
    assert "--ca FILE" in failed.err
