"""Commands on the data folder: doctor, audit verify, backup, restore, fill, and who may run them when."""

import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest

from agenda.cli.exits import Status
from agenda.storage.database import open_store
from agenda.texts import texts
from tests.protocol.server import Server

from .conftest import PASSWORD, Shell


@pytest.fixture
def filled(shell: Shell, tmp_path: Path) -> Shell:
    """A shell whose data folder holds a made-up agenda."""
    shell.environment["AGENDA_DATA"] = str(tmp_path / "data")
    shell("fill", "--resources", "2", "--bookings", "50", "--users", "3")
    return shell


def database(shell: Shell) -> Path:
    return Path(shell.environment["AGENDA_DATA"]) / "agenda.db"


def start_in_vain(shell: Shell) -> None:
    """A writer that writes nothing, as a server that nobody uses."""
    with closing(open_store(database(shell).parent, pytest.fail)) as store:
        store.open_writer()


def damage(shell: Shell) -> None:
    with closing(sqlite3.connect(database(shell))) as bare, bare:
        bare.execute("UPDATE audit SET outcome = 'slot_taken' WHERE seq = 20")


def test_fill_tells_what_it_made_up(shell: Shell, tmp_path: Path) -> None:
    made = shell.document("fill", "--resources", "2", "--bookings", "9", "--data", str(tmp_path / "data"))
    assert made == {
        "data": str(tmp_path / "data"),
        "resources": 2,
        "bookings": 9,
        "users": 64,
        "password": "agenda",
        "seed": 1,
    }


def test_fill_leaves_an_agenda_alone(filled: Shell) -> None:
    failed = filled.run("fill", "--resources", "1", "--bookings", "1", "--json")
    assert (failed.status, failed.document["error"]["code"]) == (Status.STORE, "store_not_empty")


def test_doctor_finds_a_filled_folder_healthy(filled: Shell) -> None:
    urgent = [finding for finding in filled.document("doctor")["findings"] if finding["urgent"]]
    assert urgent == []


def test_doctor_tells_a_finding_by_code_and_sentence(filled: Shell) -> None:
    damage(filled)
    found = filled.run("doctor")
    assert found.status == Status.FOUND
    assert "[audit_changed]" in found.out
    assert "1:20" in found.out


def test_doctor_writes_findings_as_a_document(filled: Shell) -> None:
    damage(filled)
    found = filled.run("doctor", "--json")
    [finding] = [f for f in found.document["findings"] if f["urgent"]]
    assert (finding["code"], finding["examples"]) == ("audit_changed", "1:20")
    assert finding["message"]


def test_doctor_is_clean_while_a_server_works(maria: Shell, day: str) -> None:
    maria("book", day, "10:00")
    code = maria.document("book", day, "11:00")["code"]
    maria("move", code, day, "12:00")
    urgent = [finding for finding in maria.document("doctor")["findings"] if finding["urgent"]]
    assert urgent == []


def test_doctor_is_clean_after_an_erasure(maria: Shell, day: str) -> None:
    maria("book", day, "10:00")
    maria("erase", "--yes", AGENDA_PASSWORD=PASSWORD)
    urgent = [finding for finding in maria.document("doctor")["findings"] if finding["urgent"]]
    assert urgent == []
    assert maria.document("audit", "verify")["intact"]


def test_an_intact_audit_log_prints_heads_that_verify_it_again(filled: Shell) -> None:
    found = filled.document("audit", "verify")
    assert (found["intact"], found["faults"]) == (True, [])
    assert filled.document("audit", "verify", "--since", found["heads"][0])["intact"]


def test_servers_that_did_nothing_leave_no_head_to_be_kept(filled: Shell) -> None:
    heads = filled.document("audit", "verify")["heads"]
    start_in_vain(filled)
    assert filled.document("audit", "verify")["heads"] == heads
    assert "2:0:" not in filled("audit", "verify") + filled("backup")


def test_a_head_of_an_empty_chain_that_was_kept_still_verifies(filled: Shell) -> None:
    start_in_vain(filled)
    assert filled.document("audit", "verify", "--since", f"2:0:{'0' * 64}")["intact"]


def test_a_changed_audit_log_is_found(filled: Shell) -> None:
    damage(filled)
    found = filled.run("audit", "verify", "--json")
    assert found.status == Status.FOUND
    assert found.document["faults"] == [{"kind": "changed", "writer": 1, "seq": 20}]


def test_an_audit_log_that_was_cut_off_is_found_by_a_kept_head(filled: Shell) -> None:
    [head] = filled.document("audit", "verify")["heads"]
    with closing(sqlite3.connect(database(filled))) as bare, bare:
        bare.execute("DELETE FROM audit")
        bare.execute("DELETE FROM writer")
    found = filled.run("audit", "verify", "--since", head)
    assert found.status == Status.FOUND
    assert "cut off" in found.out


def test_a_backup_is_told_with_what_it_holds(filled: Shell, tmp_path: Path) -> None:
    copy = filled.document("backup", str(tmp_path / "copy.db"))
    assert (copy["path"], copy["bookings"], copy["findings"]) == (str(tmp_path / "copy.db"), 50, [])
    assert copy["heads"] == filled.document("audit", "verify")["heads"]


def test_a_backup_overwrites_nothing(filled: Shell, tmp_path: Path) -> None:
    (tmp_path / "copy.db").write_text("precious")
    failed = filled.run("backup", str(tmp_path / "copy.db"), "--json")
    assert (failed.status, failed.document["error"]["code"]) == (Status.STORE, "store_file_exists")
    assert (tmp_path / "copy.db").read_text() == "precious"


def test_a_backup_into_nowhere_is_a_wrong_line_told_in_a_sentence(filled: Shell, tmp_path: Path) -> None:
    failed = filled.run("backup", str(tmp_path / "no" / "copy.db"))
    assert (failed.status, failed.err.count("\n")) == (Status.USAGE, 1)
    assert f"no folder {tmp_path / 'no'}" in failed.err


def test_what_the_system_says_is_told_in_a_sentence(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    failed = shell.run("fill", "--resources", "1", "--bookings", "1", "--data", str(tmp_path / "file"))
    assert (failed.status, failed.err.count("\n")) == (Status.STORE, 1)
    assert f": File exists ({tmp_path / 'file'})" in failed.err


def test_a_backup_comes_back(filled: Shell) -> None:
    filled("backup")
    [copy] = (database(filled).parent / "backups").iterdir()
    database(filled).write_bytes(b"")
    assert filled.document("restore", str(copy))["bookings"] == 50
    assert filled.document("audit", "verify")["intact"]


def test_a_file_that_is_no_backup_is_refused(filled: Shell, tmp_path: Path) -> None:
    (tmp_path / "other.db").write_bytes(b"not a database" * 999)
    failed = filled.run("restore", str(tmp_path / "other.db"), "--json")
    assert (failed.status, failed.document["error"]["code"]) == (Status.STORE, "store_damaged")
    assert filled.document("audit", "verify")["intact"]


def test_a_backup_that_does_not_exist_is_a_wrong_line_and_not_a_wrong_folder(filled: Shell, tmp_path: Path) -> None:
    failed = filled.run("restore", str(tmp_path / "none.db"))
    assert failed.status == Status.USAGE
    assert f"no file {tmp_path / 'none.db'}" in failed.err


@pytest.mark.parametrize("command", [["restore", __file__], ["fill", "--resources", "1", "--bookings", "1"]])
def test_what_replaces_the_data_is_refused_while_a_server_works(
    maria: Shell, server: Server, command: list[str]
) -> None:
    failed = maria.run(*command, "--json")
    error = failed.document["error"]
    assert (failed.status, error["code"]) == (Status.STORE, "store_in_use")
    assert error["pid"] == str(server.process.pid)
    assert datetime.fromisoformat(error["since"]).tzinfo


def test_a_folder_s_holder_is_told_with_the_time_by_this_machine_s_clock(maria: Shell) -> None:
    error = maria.run("restore", __file__, "--json").document["error"]
    assert f"since {texts('en').day_time(datetime.fromisoformat(error['since']).astimezone())} (" in error["message"]


def test_a_second_server_says_who_has_the_data(maria: Shell, server: Server) -> None:
    failed = maria.spawn("serve", "--port", "0")
    assert failed.status == Status.STORE
    assert str(server.process.pid) in failed.err


def test_a_server_says_that_the_port_is_in_use(shell: Shell, server: Server, tmp_path: Path) -> None:
    host, port = server.address
    failed = shell.spawn("serve", "--data", str(tmp_path), "--host", host, "--port", str(port))
    assert failed.status == Status.NO_SERVER
    assert f"Port {port} is in use" in failed.err


def test_a_server_says_that_it_will_not_listen_beyond_this_machine(shell: Shell, tmp_path: Path) -> None:
    failed = shell.spawn("serve", "--data", str(tmp_path / "data"), "--host", "0.0.0.0", "--port", "0")  # noqa: S104
    assert failed.status == Status.NO_SERVER
    assert "--insecure" in failed.err


def test_a_server_says_that_an_address_is_none_of_this_machine_s(shell: Shell, tmp_path: Path) -> None:
    failed = shell.spawn("serve", "--data", str(tmp_path / "data"), "--host", "192.0.2.1", "--insecure")
    assert failed.status == Status.NO_SERVER
    assert "192.0.2.1 is not an address of this machine" in failed.err


@pytest.mark.parametrize(
    "refused",
    [["--host", "0.0.0.0"], ["--port", "TAKEN"], ["--tls-cert", "none.pem", "--tls-key", "none.pem"]],  # noqa: S104
    ids=" ".join,
)
def test_a_first_start_that_is_refused_leaves_no_folder_behind(
    shell: Shell, server: Server, tmp_path: Path, refused: list[str]
) -> None:
    line = [str(server.address[1]) if word == "TAKEN" else word for word in refused]
    assert shell.spawn("serve", "--data", str(tmp_path / "data"), *line).status in {Status.NO_SERVER, Status.USAGE}
    assert not (tmp_path / "data").exists()


def test_a_certificate_that_cannot_be_read_is_named(shell: Shell, tmp_path: Path) -> None:
    failed = shell.spawn("serve", "--data", str(tmp_path / "data"), "--tls-cert", "c.pem", "--tls-key", "k.pem")
    assert failed.status == Status.USAGE
    assert "c.pem" in failed.err
    assert "k.pem" in failed.err


def test_a_certificate_without_its_key_is_wrong_usage(shell: Shell, tmp_path: Path) -> None:
    assert shell.spawn("serve", "--tls-cert", str(tmp_path / "c.pem")).status == Status.USAGE
