"""Which agenda a command line means where the environment names one, too."""

from contextlib import closing
from pathlib import Path

import pytest

from agenda.cli.exits import Status
from agenda.texts import LANGUAGES
from tests.protocol.server import Server

from .conftest import Shell

NOWHERE = "postgresql://127.0.0.1:9/agenda"


def test_a_folder_that_is_typed_goes_before_a_store_of_the_environment(shell: Shell, tmp_path: Path) -> None:
    told = shell.run("doctor", "--data", str(tmp_path / "none"), "--json", AGENDA_STORE=NOWHERE).document
    assert told["data"] == str(tmp_path / "none")


def test_a_store_that_is_typed_goes_before_a_folder_of_the_environment(shell: Shell, tmp_path: Path) -> None:
    failed = shell.run("doctor", "--store", NOWHERE, "--json", AGENDA_DATA=str(tmp_path))
    assert failed.document["error"]["path"] == NOWHERE


def test_of_two_in_the_environment_it_is_the_store(shell: Shell, tmp_path: Path) -> None:
    failed = shell.run("doctor", "--json", AGENDA_DATA=str(tmp_path), AGENDA_STORE=NOWHERE)
    assert failed.document["error"]["path"] == NOWHERE


@pytest.mark.parametrize("command", ["serve", "doctor"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_two_that_are_typed_are_a_wrong_line_that_names_both(
    shell: Shell, tmp_path: Path, command: str, language: str
) -> None:
    failed = shell.run(command, "--data", str(tmp_path), "--store", NOWHERE, "--language", language)
    assert failed.status == Status.USAGE
    assert {"--data", "--store"} < set(failed.err.split())


def test_a_server_on_a_folder_that_is_typed_heeds_no_store_of_the_environment(tmp_path: Path) -> None:
    with closing(Server(tmp_path / "data", environment={"AGENDA_STORE": NOWHERE}).start()) as server:
        assert (server.data / "agenda.db").exists()
