"""Each hint fits what kept the command from its server."""

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from agenda.cli.address import parse_address
from agenda.cli.exits import Failure, Status
from agenda.cli.trouble import told as told_as_failure
from agenda.client import ClientError, Disconnected, Invalid, Unavailable
from agenda.client.transport import Broken, HungUp, Misheard, Silent
from agenda.prove.ports import free_port
from agenda.texts import texts
from tests.client.server import PATIENCE
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


@contextmanager
def balancer_without_servers() -> Iterator[int]:
    """A port that takes a connection and closes it at once."""
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor() as threads:
        listener.settimeout(PATIENCE)

        def turn_away() -> None:
            listener.accept()[0].close()

        threads.submit(turn_away)
        yield listener.getsockname()[1]


def test_a_balancer_without_servers_is_told_as_such(shell: Shell) -> None:
    with balancer_without_servers() as port:
        assert "the servers behind it may be down" in told(shell, port)


def test_a_name_that_nothing_has_is_told(shell: Shell) -> None:
    assert "no machine has that name" in told(shell, 8888, host="nobody.invalid")


def test_a_demonstration_does_not_pass_over_a_server_that_it_cannot_trust(shell: Shell, secure: Server) -> None:
    failed = shell.run("demo", "--tls", "--server", f"127.0.0.1:{secure.address[1]}")
    assert failed.status == Status.NO_SERVER
    assert "--ca FILE" in failed.err


# A server that is there


def sentence(
    error: ClientError, request: str | None = None, *, server: str = "agenda.example", language: str = "en"
) -> str:
    """What a command says that ends with this error of the client library."""
    t = texts(language)
    error.request = request
    with pytest.raises(Failure) as failure, told_as_failure(t, parse_address(server, t)):
        raise error
    return failure.value.message


def unheard(cause: OSError, **how: str) -> str:
    """What a command says that found nobody, for this reason."""
    error = Disconnected("no answer in time")
    error.__cause__ = cause
    return sentence(error, **how)


def test_where_all_servers_are_silent_it_is_said_that_no_answer_comes() -> None:
    assert "No answer comes from a:1, b:2" in unheard(Silent("silent"), server="a:1,b:2")


def test_a_server_that_could_not_read_what_came_is_told_to_whoever_runs_the_balancer() -> None:
    assert "--proxies" in unheard(Misheard("A linha recebida não é JSON em UTF-8."))


def test_a_program_that_speaks_otherwise_is_told() -> None:
    assert "does not speak as an agenda's server" in unheard(Broken("garbage"))


def test_a_server_is_only_to_be_started_on_this_machine() -> None:
    assert "Start one" not in unheard(ConnectionRefusedError())


@pytest.mark.parametrize("cause", [HungUp("closed"), Silent("silent"), Misheard("misheard"), Broken("garbage")])
def test_no_english_cause_stands_in_a_portuguese_sentence(cause: OSError) -> None:
    lost = Disconnected("no answer in time", sent=True)
    lost.__cause__ = cause
    assert str(cause) not in sentence(lost, "q1", language="pt-BR")


def test_a_server_that_was_reached_is_not_said_to_be_missing() -> None:
    assert "There is a server at agenda.example" in sentence(Disconnected("no answer in time", sent=True))


def test_what_an_unavailable_server_was_to_change_can_be_asked_for_again() -> None:
    assert "--request q1" in sentence(Unavailable("unavailable", "no"), "q1")


def test_a_question_to_an_unavailable_server_is_simply_asked_again() -> None:
    assert "--request" not in sentence(Unavailable("unavailable", "no"))


@pytest.mark.parametrize("field", ["resource", "service"])
def test_a_choice_that_is_missing_names_its_option(field: str) -> None:
    missing = Invalid("invalid", "no", {"field": field, "reason": "missing"})
    assert f"with --{field} NAME" in sentence(missing)


@pytest.mark.slow
def test_a_server_whose_database_has_fallen_silent_is_said_to_answer(shell: Shell, tmp_path: Path) -> None:
    with far_node(tmp_path / "node") as (node, line):
        where = ("--server", f"127.0.0.1:{node.address[1]}", "--user", "maria")
        shell("login", "--create", *where, AGENDA_PASSWORD=PASSWORD)
        line.stall()
        refused = shell.run("slots", *where)
        line.heal()
    assert (refused.status, "answers, but cannot" in refused.err) == (Status.NO_SERVER, True)
