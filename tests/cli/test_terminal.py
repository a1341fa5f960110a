"""What a person at a terminal meets: prompts, progress, colours, Ctrl-C."""

import re
import signal
import socket
from contextlib import closing
from pathlib import Path

import pytest

from agenda.cli.exits import Status
from tests.client.server import ScriptedServer
from tests.protocol.server import Server, unused_name

from .conftest import PASSWORD, Shell

pty = pytest.importorskip("pty", reason="terminals of this kind are POSIX")

from .pty_shell import Session  # noqa: E402  # after the skip

COLOUR = re.compile(r"\x1b\[[0-9;]*3[0-9]")


def test_a_new_user_types_the_password_twice_unseen(maria: Shell) -> None:
    name = unused_name()
    with Session(maria, "login", "--user", name, "--create") as session:
        session.expect(f"Password of {name}: ")
        session.type("typed secret")
        session.expect("again: ")
        session.type("typed secret")
        assert session.end() == Status.DONE
    assert "typed secret" not in session.text
    assert f"Signed in as {name}" in session.text


def test_two_passwords_that_differ_make_no_account(maria: Shell) -> None:
    name = unused_name()
    with Session(maria, "login", "--user", name, "--create") as session:
        session.expect(": ")
        session.type("typed secret")
        session.expect("again: ")
        session.type("tiped secret")
        assert session.end() == Status.USAGE
    refused = maria.run("bookings", "--user", name, "--json", AGENDA_PASSWORD="typed secret")
    assert refused.document["error"]["code"] == "bad_credentials"


def test_an_erasure_is_confirmed_by_typing_the_name(maria: Shell) -> None:
    name = maria.environment["AGENDA_USER"]
    with Session(maria, "erase", AGENDA_PASSWORD=PASSWORD) as session:
        session.expect("to confirm: ")
        session.type(name)
        assert session.end() == Status.DONE
    assert "receipt" in session.text


def test_another_name_erases_nobody(maria: Shell) -> None:
    with Session(maria, "erase", AGENDA_PASSWORD=PASSWORD) as session:
        session.expect("to confirm: ")
        session.type("somebody")
        assert session.end() == Status.REFUSED
    assert maria.document("bookings") == {"bookings": []}


def test_long_work_shows_how_far_it_is(shell: Shell, tmp_path: Path) -> None:
    line = ("fill", "--resources", "2", "--bookings", "9000", "--data", str(tmp_path / "data"))
    with Session(shell, *line) as session:
        assert session.end() == Status.DONE
    assert re.search(r"Bookings.*/9000", session.text)


def test_no_progress_is_shown_where_nobody_looks(shell: Shell, tmp_path: Path) -> None:
    done = shell.run("fill", "--resources", "2", "--bookings", "9000", "--data", str(tmp_path / "data"))
    assert done.err == ""


def test_no_colour_means_no_colour(maria: Shell, day: str) -> None:
    with Session(maria, "slots", day, NO_COLOR="1") as session:
        assert session.end() == Status.DONE
    assert not COLOUR.search(session.text)


def test_data_that_are_away_are_told_while_they_are_waited_for(shell: Shell) -> None:
    with closing(ScriptedServer()) as server:
        line = ("bookings", "--server", f"127.0.0.1:{server.port}", "--user", "a")
        with Session(shell, *line, AGENDA_PASSWORD="b") as session:
            peer = server.take().greet()
            peer.refuse(peer.hear("session.open"), "unavailable", retry_after=5)
            session.expect("is there, but cannot do it just now")


def test_ctrl_c_ends_quietly(shell: Shell) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        server = f"127.0.0.1:{silent.getsockname()[1]}"
        with Session(shell, "bookings", "--server", server, "--user", "a", AGENDA_PASSWORD="b") as session:
            connection, _ = silent.accept()
            with connection:
                connection.recv(1)
                session.process.send_signal(signal.SIGINT)
                assert session.end() == Status.INTERRUPTED
    assert "Traceback" not in session.text


def test_ctrl_c_at_a_prompt_ends_quietly(maria: Shell) -> None:
    with Session(maria, "login", "--user", "somebody") as session:
        session.expect("Password of somebody: ")
        session.process.send_signal(signal.SIGINT)
        assert session.end() == Status.INTERRUPTED
    assert "Traceback" not in session.text


def test_a_certificate_of_one_s_own_is_trusted_where_it_is_named(
    tmp_path: Path, shell: Shell, certificate: tuple[Path, Path]
) -> None:
    pem, key = certificate
    server = Server(tmp_path / "data", options=("--tls-cert", str(pem), "--tls-key", str(key))).start()
    try:
        line = ("login", "--create", "--user", "a", "--server", f"127.0.0.1:{server.address[1]}")
        assert "Signed in as a" in shell(*line, "--ca", str(pem), AGENDA_PASSWORD="b")
        assert shell.run(*line, "--tls", AGENDA_PASSWORD="b").status == Status.NO_SERVER
    finally:
        server.close()


def test_a_missing_certificate_authority_is_wrong_usage(shell: Shell, tmp_path: Path) -> None:
    failed = shell.run("bookings", "--user", "a", "--ca", str(tmp_path / "none.pem"), AGENDA_PASSWORD="b")
    assert failed.status == Status.USAGE


def test_a_window_without_a_screen_is_told_in_a_sentence(shell: Shell) -> None:
    shell.environment.pop("DISPLAY", None)
    failed = shell.spawn("desktop")
    assert (failed.status, failed.err.count("\n")) == (Status.USAGE, 1)
    assert "cannot be shown here" in failed.err
