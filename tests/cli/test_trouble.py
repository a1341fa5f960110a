"""Each hint fits what kept the command from its server."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from agenda.cli.exits import Failure, Status
from agenda.cli.online import parse_address
from agenda.cli.trouble import told as told_as_failure
from agenda.client import ClientError, Disconnected, Unavailable
from agenda.prove.ports import free_port
from agenda.texts import texts
from tests.nodes.town import far_node
from tests.protocol.server import Server

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


# A server that is there


def sentence(error: ClientError, request: str | None = None) -> str:
    """What a command says that ends with this error of the client library."""
    english = texts("en")
    error.request = request
    with pytest.raises(Failure) as failure, told_as_failure(english, parse_address("agenda.example", english)):
        raise error
    return failure.value.message


def test_a_server_that_was_reached_is_not_said_to_be_missing() -> None:
    assert "There is a server at agenda.example" in sentence(Disconnected("no answer in time", sent=True))


def test_what_an_unavailable_server_was_to_change_can_be_asked_for_again() -> None:
    assert "--request q1" in sentence(Unavailable("unavailable", "no"), "q1")


def test_a_question_to_an_unavailable_server_is_simply_asked_again() -> None:
    assert "--request" not in sentence(Unavailable("unavailable", "no"))


@pytest.mark.slow
def test_a_server_whose_database_has_fallen_silent_is_said_to_answer(shell: Shell, tmp_path: Path) -> None:
    with far_node(tmp_path / "node") as (node, line):
        where = ("--server", f"127.0.0.1:{node.address[1]}", "--user", "maria")
        shell("login", "--create", *where, AGENDA_PASSWORD=PASSWORD)
        line.stall()
        refused = shell.run("slots", *where)
        line.heal()
    assert (refused.status, "answers, but cannot" in refused.err) == (Status.NO_SERVER, True)
