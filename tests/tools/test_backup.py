"""Backups are whole even while the agenda is written to; a restored one has forgotten whom it must forget."""

import os
import sqlite3
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agenda.engine.ports import StoreUnavailable
from agenda.storage.backup import backup, restore
from agenda.storage.doctor import examine
from agenda.storage.errors import FileExists, FolderInUse, StoreDamaged, StoreMissing, StoreNewer
from agenda.storage.folder import DataFolder
from tests.protocol.server import Server

from .conftest import NOW, PLAN, Folder

NAME = "Ana Que Não Está Mais"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path / "live").start()
    yield server
    server.close()


def urgent(path: Path) -> list[str]:
    return [finding.code for finding in examine(path, path / "agenda.db", NOW) if finding.urgent]


def holders_of(name: str, folder: Path) -> list[str]:
    """The files of a folder, without backups and what a restore put aside, in which the name stands."""
    files = [path for path in folder.rglob("*") if path.is_file() and "backups" not in path.parts]
    return [
        f.name for f in files if not f.name.startswith("agenda-before-restore-") and name.encode() in f.read_bytes()
    ]


def test_a_copy_holds_all_and_belongs_to_its_owner_alone(folder: Folder, tmp_path: Path) -> None:
    copy = backup(folder.path, tmp_path / "copy.db", NOW)
    assert (copy.bookings, copy.findings) == (PLAN.bookings, ())
    assert stat.S_IMODE(copy.path.stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy.db", "data"]


def test_a_copy_goes_to_the_data_folder_by_default(folder: Folder) -> None:
    copy = backup(folder.path, None, NOW)
    assert copy.path == folder.path / "backups" / "agenda-20261123T030000Z.db"
    assert urgent(folder.path) == []


def test_a_copy_tells_what_is_wrong_with_it(folder: Folder, tmp_path: Path) -> None:
    folder.damage("DELETE FROM claim")
    copy = backup(folder.path, tmp_path / "copy.db", NOW)
    assert "booking_without_claim" in {finding.code for finding in copy.findings}


def test_nothing_is_overwritten(folder: Folder, tmp_path: Path) -> None:
    (tmp_path / "copy.db").write_text("precious")
    with pytest.raises(FileExists):
        backup(folder.path, tmp_path / "copy.db", NOW)
    assert (tmp_path / "copy.db").read_text() == "precious"


def test_a_database_that_cannot_be_read_leaves_no_copy(folder: Folder, tmp_path: Path) -> None:
    folder.database.write_bytes(b"not a database" * 1000)
    with pytest.raises(StoreDamaged):
        backup(folder.path, tmp_path / "copy.db", NOW)
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_no_database_is_no_backup(tmp_path: Path) -> None:
    with pytest.raises(StoreMissing):
        backup(tmp_path, None, NOW)


def test_a_copy_is_whole_while_bookings_are_made(server: Server, tmp_path: Path) -> None:
    done = threading.Event()
    booked: list[str] = []

    def book() -> None:
        customer = server.customer()
        while not done.is_set():
            day = server.day()
            starts = [("booking.create", {"start": server.at(day, hour)}) for hour in range(8, 20)]
            booked.extend(answer["result"]["id"] for answer in customer.batch(*starts))

    writer = threading.Thread(target=book)
    writer.start()
    try:
        while not booked:
            done.wait(0.01)
        copies = []
        for number in range(5):
            before = len(booked)
            copy = backup(server.data, tmp_path / f"{number}.db", NOW)
            copies.append((before, copy))
    finally:
        done.set()
        writer.join()
    assert [copy.findings for _, copy in copies] == [()] * 5
    assert all(before <= copy.bookings <= len(booked) for before, copy in copies)


def test_a_restored_copy_is_the_agenda_of_its_time(folder: Folder, tmp_path: Path) -> None:
    backup(folder.path, tmp_path / "copy.db", NOW)
    booked = folder.ask("SELECT * FROM booking")
    folder.damage("DELETE FROM booking", "DELETE FROM claim")
    restored = restore(folder.path, tmp_path / "copy.db", NOW)
    assert (folder.ask("SELECT * FROM booking"), restored.erased) == (booked, 0)
    assert urgent(folder.path) == []


def test_what_was_replaced_is_kept(folder: Folder, tmp_path: Path) -> None:
    backup(folder.path, tmp_path / "copy.db", NOW)
    folder.damage("UPDATE business SET name = 'Later'")
    kept = restore(folder.path, tmp_path / "copy.db", NOW).kept
    assert kept is not None
    with closing(sqlite3.connect(kept)) as bare:
        assert bare.execute("SELECT name FROM business").fetchall() == [("Later",)]


def test_what_was_replaced_goes_after_thirty_days(folder: Folder, tmp_path: Path) -> None:
    backup(folder.path, tmp_path / "copy.db", NOW)
    kept = restore(folder.path, tmp_path / "copy.db", NOW).kept
    assert kept is not None
    now = datetime.now(UTC)
    held = DataFolder.take(folder.path)
    held.drop_old_copies(now + timedelta(days=29))
    assert kept.exists()
    held.drop_old_copies(now + timedelta(days=31))
    assert not kept.exists()
    held.release()


def test_a_backup_comes_back_to_an_empty_folder(folder: Folder, tmp_path: Path) -> None:
    backup(folder.path, tmp_path / "copy.db", NOW)
    restored = restore(tmp_path / "new", tmp_path / "copy.db", NOW)
    assert (restored.bookings, restored.kept) == (PLAN.bookings, None)


def test_a_backup_replaces_a_database_that_is_beyond_repair(folder: Folder, tmp_path: Path) -> None:
    backup(folder.path, tmp_path / "copy.db", NOW)
    folder.database.write_bytes(os.urandom(100_000))
    restore(folder.path, tmp_path / "copy.db", NOW)
    assert urgent(folder.path) == []


def test_the_backup_itself_is_left_as_it_was(folder: Folder, tmp_path: Path) -> None:
    copy = backup(folder.path, tmp_path / "copy.db", NOW).path
    before = copy.read_bytes()
    restore(folder.path, copy, NOW)
    assert copy.read_bytes() == before


def test_an_erased_person_does_not_come_back_with_a_backup(server: Server, tmp_path: Path) -> None:
    ana, other = server.customer(NAME), server.customer()
    day = server.day()
    ana.call("booking.create", start=server.at(day, 9), note="segredo de Ana")
    other.call("booking.create", start=server.at(day, 10))
    copy = backup(server.data, tmp_path / "copy.db", NOW).path
    assert NAME.encode() in copy.read_bytes()
    ana.call("user.erase", password=ana.password)
    server.stop()

    restored = restore(server.data, copy, NOW)

    assert (restored.erased, restored.bookings) == (1, 1)
    assert holders_of(NAME, server.data) == holders_of("segredo de Ana", server.data) == []
    assert urgent(server.data) == []
    server.start()
    refused = server.peer().refusal("session.open", user=NAME, password=ana.password)
    assert refused["code"] == "bad_credentials"
    assert server.customer().states(day)[:3] == ["free", "free", "taken"]


def test_a_person_who_is_back_by_hand_is_found(server: Server, tmp_path: Path) -> None:
    ana = server.customer(NAME)
    copy = backup(server.data, tmp_path / "copy.db", NOW).path
    ana.call("user.erase", password=ana.password)
    server.stop()
    copy.replace(server.data / "agenda.db")
    assert "erased_person_back" in urgent(server.data)


def test_after_a_restore_everybody_signs_in_again(server: Server, tmp_path: Path) -> None:
    customer = server.customer()
    copy = backup(server.data, tmp_path / "copy.db", NOW).path
    server.stop()
    restore(server.data, copy, NOW)
    server.start()
    assert server.peer().refusal("session.resume", token=customer.token)["code"] == "not_signed_in"
    server.peer().call("session.open", user=customer.user, password=customer.password)


def test_the_data_of_a_running_server_is_not_replaced(folder: Folder, tmp_path: Path) -> None:
    copy = backup(folder.path, tmp_path / "copy.db", NOW).path
    held = DataFolder.take(folder.path)
    try:
        with pytest.raises(FolderInUse):
            restore(folder.path, copy, NOW)
    finally:
        held.release()


def newer(copy: Path) -> None:
    with closing(sqlite3.connect(copy)) as bare, bare:
        bare.execute("UPDATE alembic_version SET version_num = '9999'")


def torn(copy: Path) -> None:
    os.truncate(copy, copy.stat().st_size // 2)


def empty(copy: Path) -> None:
    copy.write_bytes(b"")


def missing(copy: Path) -> None:
    copy.unlink()


@pytest.mark.parametrize(
    ("spoil", "error"),
    [(newer, StoreNewer), (torn, StoreDamaged), (empty, StoreDamaged), (missing, StoreMissing)],
)
def test_a_backup_that_is_no_good_changes_nothing(
    folder: Folder, tmp_path: Path, spoil: Callable[[Path], None], error: type[StoreUnavailable]
) -> None:
    spoil(backup(folder.path, tmp_path / "copy.db", NOW).path)
    before = folder.database.read_bytes()
    with pytest.raises(error):
        restore(folder.path, tmp_path / "copy.db", NOW)
    assert folder.database.read_bytes() == before
    assert urgent(folder.path) == []


def test_a_restore_that_finds_no_room_changes_nothing(
    folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = backup(folder.path, tmp_path / "copy.db", NOW).path
    before = folder.database.read_bytes()

    def full(path: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space"):
        restore(folder.path, copy, NOW)
    assert folder.database.read_bytes() == before


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root can give files to others")
def test_what_the_administrator_makes_belongs_to_the_owner_of_the_folder(folder: Folder) -> None:
    for path in (folder.path, *folder.path.rglob("*")):
        os.chown(path, 65534, 65534)
    copy = backup(folder.path, None, NOW)
    restore(folder.path, copy.path, NOW)
    made = [*folder.path.glob("agenda.db*"), *folder.path.glob("agenda-before-*"), folder.path / "backups", copy.path]
    assert {path.stat().st_uid for path in made} == {65534}
