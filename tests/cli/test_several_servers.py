"""Several servers of one agenda on one command line."""

from contextlib import closing

import pytest

from agenda.prove.ports import free_port
from tests.cli.conftest import PASSWORD, Shell
from tests.client.server import ScriptedServer
from tests.protocol.server import Server, unused_name


@pytest.fixture
def both(server: Server) -> tuple[str, str]:
    """An address at which nobody is, and that of a server."""
    host, port = server.address
    return f"{host}:{free_port()}", f"{host}:{port}"


def test_a_server_that_is_not_there_is_passed_over(maria: Shell, both: tuple[str, str], day: str) -> None:
    servers = ",".join(both)
    booked = maria.document("book", day, "10:00", "--server", servers, AGENDA_PASSWORD=PASSWORD)
    assert booked["status"] == "booked"


def test_a_session_is_remembered_for_a_set_of_servers_in_whatever_order(shell: Shell, both: tuple[str, str]) -> None:
    dead, alive = both
    name = unused_name()
    shell("login", "--create", "--user", name, AGENDA_SERVER=f"{dead},{alive}", AGENDA_PASSWORD=PASSWORD)
    assert shell.document("bookings", AGENDA_SERVER=f"{alive}, {dead}") == {"bookings": []}


def test_a_session_is_good_at_one_of_its_servers(shell: Shell, both: tuple[str, str]) -> None:
    dead, alive = both
    shell("login", "--create", "--user", unused_name(), AGENDA_SERVER=f"{dead},{alive}", AGENDA_PASSWORD=PASSWORD)
    assert shell.document("bookings", AGENDA_SERVER=alive) == {"bookings": []}


def test_a_session_is_never_told_to_a_server_that_it_was_not_got_from(shell: Shell, both: tuple[str, str]) -> None:
    _, alive = both
    shell("login", "--create", "--user", unused_name(), AGENDA_SERVER=alive, AGENDA_PASSWORD=PASSWORD)
    with closing(ScriptedServer()) as stranger:
        shell("bookings", AGENDA_SERVER=f"127.0.0.1:{stranger.port},{alive}")
        assert not stranger.was_visited()


def test_a_session_of_other_servers_is_not_tried_but_told(shell: Shell, both: tuple[str, str]) -> None:
    _, alive = both
    other = alive.replace("127.0.0.1", "localhost")
    shell("login", "--create", "--user", unused_name(), AGENDA_SERVER=alive, AGENDA_PASSWORD=PASSWORD)
    refused = shell.run("bookings", AGENDA_SERVER=other)
    assert f"a session for {alive}" in refused.err


def test_the_server_that_worked_last_is_tried_first(shell: Shell, both: tuple[str, str]) -> None:
    _, alive = both
    with closing(ScriptedServer()) as silent:
        servers = f"127.0.0.1:{silent.port},{alive}"
        shell("login", "--create", "--user", unused_name(), AGENDA_SERVER=servers, AGENDA_PASSWORD=PASSWORD)
        silent.ignore()
        shell("bookings", AGENDA_SERVER=servers)
        assert not silent.was_visited()


def test_the_address_that_is_wrong_is_named(shell: Shell) -> None:
    failed = shell.run("slots", "--server", "localhost, 192.0.2.1:99999")
    assert failed.status == 2
    assert "“192.0.2.1:99999”" in failed.err


def test_where_nobody_answers_all_are_named(shell: Shell) -> None:
    servers = [f"127.0.0.1:{free_port()}" for _ in range(2)]
    failed = shell.run("slots", "--user", "maria", "--server", ",".join(servers), AGENDA_PASSWORD="p")
    assert failed.status == 3
    assert ", ".join(servers) in failed.err
