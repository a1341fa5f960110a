"""Commands on the data where these are in PostgreSQL: doctor, audit verify, fill, erased, forget, move-store, erase."""

import itertools
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from agenda.cli.exits import Status
from agenda.texts import LANGUAGES, texts
from tests.postgres import server as postgres
from tests.protocol.server import Server

from .conftest import PASSWORD, Shell

FILL = ("fill", "--resources", "2", "--bookings", "50", "--users", "3")
PLACE = "postgresql://agenda@127.0.0.1:"
_numbers = itertools.count(1)


def new_database(template: str = "template1") -> str:
    """The name of a database of a test's own."""
    name = f"shell{next(_numbers)}"
    postgres().sql(f"CREATE DATABASE {name} TEMPLATE {template}")
    return name


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> str:
    name = new_database()
    Shell(tmp_path_factory.mktemp("home"))(*FILL, "--store", postgres().url_of(name))
    return name


@pytest.fixture
def name(template: str) -> str:
    """A database with a made-up agenda."""
    return new_database(template)


@pytest.fixture
def filled(shell: Shell, name: str) -> Shell:
    """A shell that finds it without being told."""
    shell.environment["AGENDA_STORE"] = postgres().url_of(name)
    return shell


@pytest.fixture
def folder(shell: Shell, tmp_path: Path) -> str:
    """A data folder with a made-up agenda, as move-store names it."""
    shell(*FILL, "--data", str(tmp_path / "data"))
    return f"sqlite:{tmp_path / 'data'}"


@pytest.fixture
def empty() -> str:
    return postgres().url_of(new_database())


def test_fill_tells_where_without_a_password(shell: Shell, empty: str) -> None:
    secret = empty.replace("agenda@", "agenda:geheim@")
    made = shell(*FILL, "--store", secret)
    assert PLACE in made
    assert "geheim" not in made


def test_fill_leaves_an_agenda_alone(filled: Shell) -> None:
    failed = filled.run(*FILL, "--json")
    assert (failed.status, failed.document["error"]["code"]) == (Status.STORE, "store_database_not_empty")


def test_doctor_finds_a_made_up_agenda_healthy(filled: Shell) -> None:
    document = filled.document("doctor")
    assert document["data"].startswith(PLACE)
    assert [finding for finding in document["findings"] if finding["urgent"]] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_doctor_tells_what_was_tampered_with(filled: Shell, name: str, language: str) -> None:
    postgres().sql("ALTER TABLE claim DISABLE TRIGGER claim_no_update", name)
    found = filled.run("doctor", "--language", language)
    sentence = texts(language)("cli.doctor.rule_missing", name="claim_no_update")
    assert (found.status, f"✕ {sentence} [rule_missing]" in found.out) == (Status.FOUND, True)


def test_doctor_names_the_server_at_which_it_looked(shell: Shell, name: str) -> None:
    where = {"PGHOST": "127.0.0.1", "PGPORT": str(postgres().port), "PGUSER": "agenda"}
    assert shell.document("doctor", "--store", f"postgresql:///{name}", **where)["data"] == postgres().url_of(name)


def test_an_intact_audit_log_prints_heads_that_verify_it_again(filled: Shell) -> None:
    found = filled.document("audit", "verify")
    assert (found["intact"], found["faults"]) == (True, [])
    assert filled.document("audit", "verify", "--since", found["heads"][0])["intact"]


def test_an_audit_log_that_was_cut_off_is_found_by_a_kept_head(filled: Shell, name: str) -> None:
    [head] = filled.document("audit", "verify")["heads"]
    postgres().sql("DELETE FROM audit; DELETE FROM writer", name)
    found = filled.run("audit", "verify", "--since", head, "--json")
    assert (found.status, found.document["faults"]) == (
        Status.FOUND,
        [{"kind": "truncated", "writer": 1, "seq": 1}],
    )


@pytest.mark.parametrize("command", [["backup"], ["restore", "copy.db"]], ids=" ".join)
@pytest.mark.parametrize("language", LANGUAGES)
def test_copies_of_postgresql_are_made_by_other_means_and_the_page_is_named(
    filled: Shell, command: list[str], language: str
) -> None:
    failed = filled.run(*command, "--language", language)
    assert failed.status == Status.USAGE
    assert "docs/deployment.md" in failed.err


@pytest.mark.parametrize(
    ("url", "code"),
    [
        (lambda: "postgresql://127.0.0.1:9/agenda", "store_away"),
        (lambda: postgres().url_of(new_database()), "store_empty"),
        (lambda: "postgresql://[", "store_address"),
    ],
)
def test_a_database_that_cannot_be_examined_is_told_in_a_sentence(
    shell: Shell, url: Callable[[], str], code: str
) -> None:
    failed = shell.run("doctor", "--json", "--store", url())
    assert (failed.status, failed.document["error"]["code"]) == (Status.STORE, code)


def test_the_erased_are_listed_one_a_line(filled: Shell, name: str) -> None:
    person = postgres().sql("SELECT replace(id::text, '-', '') FROM account WHERE name = 'user-0002'", name)
    forgotten = filled.run("forget", "-", "--json", typed=f"{person}\n{'0' * 32}\n")
    assert forgotten.document == {"listed": 2, "erased": 1}
    assert filled("erased") == f"{person}\n"
    assert postgres().sql("SELECT name FROM account ORDER BY 1", name).split() == ["user-0001", "user-0003"]


@pytest.mark.parametrize(("language", "said"), [("en", "0 of 1 people"), ("pt-BR", "0 de 1 pessoas")])
def test_forgetting_tells_how_many_were_known(filled: Shell, tmp_path: Path, language: str, said: str) -> None:
    (tmp_path / "erased.txt").write_text("0" * 32)
    assert said in filled("forget", str(tmp_path / "erased.txt"), "--language", language)


def test_a_list_with_something_else_in_it_erases_nobody(filled: Shell, name: str, tmp_path: Path) -> None:
    person = postgres().sql("SELECT replace(id::text, '-', '') FROM account WHERE name = 'user-0002'", name)
    (tmp_path / "erased.txt").write_text(f"{person}\nuser-0001\n")
    failed = filled.run("forget", str(tmp_path / "erased.txt"), "--json")
    assert (failed.status, failed.document["error"]["value"]) == (Status.USAGE, "user-0001")
    assert postgres().sql("SELECT count(*) FROM account", name) == "3"


def test_a_list_that_is_not_there_is_named(filled: Shell, tmp_path: Path) -> None:
    failed = filled.run("forget", str(tmp_path / "none.txt"))
    assert (failed.status, str(tmp_path / "none.txt") in failed.err) == (Status.USAGE, True)


def test_after_forgetting_everybody_signs_in_again(shell: Shell, empty: str, tmp_path: Path) -> None:
    with closing(Server(tmp_path / "node", store=empty).start()) as node:
        token = node.customer().token
    shell.run("forget", "-", "--store", empty, typed="")
    with closing(Server(tmp_path / "node", store=empty).start()) as node:
        assert node.peer().refusal("session.resume", token=token)["code"] == "not_signed_in"


def test_forgetting_is_refused_while_a_node_works_and_nobody_has_to_sign_in_again(
    shell: Shell, empty: str, tmp_path: Path
) -> None:
    with closing(Server(tmp_path / "node", store=empty).start()) as node:
        token = node.customer().token
        failed = shell.run("forget", "-", "--store", empty, "--json", typed="")
        assert (failed.status, failed.document["error"]["code"]) == (Status.STORE, "store_database_in_use")
        assert node.peer().call("session.resume", token=token)


# move-store


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_move_says_what_was_moved_and_what_comes_next(shell: Shell, folder: str, empty: str, language: str) -> None:
    said = shell("move-store", folder, empty, "--language", language)
    assert "50 " in said
    assert f"--store {PLACE}" in said
    assert shell.document("audit", "verify", "--store", empty)["heads"][0] in said


def test_a_move_is_told_as_a_document(shell: Shell, folder: str, empty: str) -> None:
    document = shell.document("move-store", folder, empty)
    assert (document["rows"]["booking"], document["rows"]["account"]) == (50, 3)
    assert document["heads"] == shell.document("audit", "verify", "--store", empty)["heads"]


def test_the_database_may_be_named_instead_of_its_folder_and_the_way_back_is_the_same(
    shell: Shell, folder: str, empty: str, tmp_path: Path
) -> None:
    there = shell.document("move-store", f"{folder}/agenda.db", empty)
    back = shell.document("move-store", empty, f"sqlite:{tmp_path / 'back'}")
    assert (back["rows"], back["source"]) == (there["rows"], there["target"])


def test_after_a_move_back_the_server_is_started_on_the_folder(shell: Shell, filled: Shell, name: str) -> None:
    back = Path(shell.environment["XDG_DATA_HOME"]) / "back"
    assert f"--data {back}" in shell("move-store", postgres().url_of(name), f"sqlite:{back}")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_server_that_is_started_where_the_agenda_was_says_where_it_is_and_the_way_back(
    shell: Shell, folder: str, empty: str, language: str
) -> None:
    shell("move-store", folder, empty)
    refused = shell.run("serve", "--data", folder.removeprefix("sqlite:"), "--language", language)
    assert refused.status == Status.STORE
    assert PLACE in refused.err
    assert f"agenda move-store --undo {folder}" in refused.err


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_way_back_that_is_told_is_one(shell: Shell, folder: str, empty: str, language: str) -> None:
    shell("move-store", folder, empty)
    said = shell("move-store", "--undo", folder, "--language", language)
    assert PLACE in said
    assert PLACE not in shell("move-store", "--undo", folder, "--language", language)


@pytest.mark.parametrize("line", [("sqlite:a",), ("--undo", "sqlite:a", "postgresql://a/b")], ids=" ".join)
def test_a_move_names_two_places_and_an_undoing_one(shell: Shell, line: tuple[str, ...]) -> None:
    assert shell.run("move-store", *line).status == Status.USAGE


@pytest.mark.parametrize(
    "line",
    [
        ("sqlite:a", "sqlite:b"),
        ("postgresql://a/b", "postgresql://c/d"),
        ("mysql://a", "sqlite:b"),
        ("sqlite:", "postgresql://a/b"),
        ("/var/lib/agenda", "postgresql://a/b"),
    ],
)
def test_a_move_between_other_places_is_a_wrong_line(shell: Shell, line: tuple[str, str]) -> None:
    failed = shell.run("move-store", *line, "--json")
    assert (failed.status, failed.document["error"]["code"]) == (Status.USAGE, "usage")


def test_a_place_that_is_none_is_told_without_what_may_be_secret(shell: Shell) -> None:
    failed = shell.run("move-store", "mysql://maria:geheim@host/x", "sqlite:b")
    assert "geheim" not in failed.err + failed.out


def test_what_is_not_sound_is_told_as_doctor_tells_it(shell: Shell, folder: str, empty: str) -> None:
    with closing(sqlite3.connect(f"{folder.removeprefix('sqlite:')}/agenda.db")) as bare, bare:
        bare.execute("UPDATE audit SET outcome = 'slot_taken' WHERE seq = 20")
    failed = shell.run("move-store", folder, empty)
    assert (failed.status, "[audit_changed]" in failed.out) == (Status.FOUND, True)
    document = shell.run("move-store", folder, empty, "--json").document
    assert [finding["code"] for finding in document["error"]["findings"]] == ["audit_changed"]


def test_a_move_of_a_running_server_s_data_says_whose_they_are(shell: Shell, server: Server, empty: str) -> None:
    error = shell.run("move-store", f"sqlite:{server.data}", empty, "--json").document["error"]
    assert (error["code"], error["pid"]) == ("store_in_use", str(server.process.pid))


# What remains


@pytest.fixture
def house(shell: Shell, empty: str, tmp_path: Path) -> Iterator[Shell]:
    """The shell of somebody who has an account on a node."""
    with closing(Server(tmp_path / "node", store=empty).start()) as node:
        host, port = node.address
        shell.environment |= {"AGENDA_SERVER": f"{host}:{port}", "AGENDA_USER": "Ana"}
        shell("login", "--create", AGENDA_PASSWORD=PASSWORD)
        yield shell


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_erasure_on_postgresql_says_that_copies_age_out(house: Shell, language: str) -> None:
    said = house("erase", "--yes", "--language", language, AGENDA_PASSWORD=PASSWORD)
    assert texts(language)("cli.erase.copies_age_out") in said
    assert '"remains": "copies_age_out"' in said


def test_the_receipt_says_so_again(house: Shell) -> None:
    line = ("erase", "--yes", "--request", "bye")
    first, again = (house.document(*line, AGENDA_PASSWORD=PASSWORD) for _ in range(2))
    assert (again, first["receipt"]["remains"]) == (first, "copies_age_out")


def test_doctor_is_clean_while_a_node_works_and_after_an_erasure(house: Shell, empty: str) -> None:
    house("erase", "--yes", AGENDA_PASSWORD=PASSWORD)
    assert [f for f in house.document("doctor", "--store", empty)["findings"] if f["urgent"]] == []
    assert len(house.document("erased", "--store", empty)["erased"]) == 1
