"""What cannot be moved, or not there, is refused, and both places are left as they were."""

import sqlite3
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from agenda.engine.ports import StoreUnavailable
from agenda.storage import looking
from agenda.storage.errors import (
    FolderInUse,
    FolderNotEmpty,
    StoreEmpty,
    StoreInUse,
    StoreMissing,
    StoreNewer,
    StoreNotEmpty,
    StoreOlder,
)
from agenda.storage.folder import DATABASE, DataFolder
from agenda.storage.move import Unsound, move
from agenda.storage.sqlite import TRIGGERS
from tests.postgres import server

from .conftest import NOW, Database, Folder, unseen


def test_a_database_that_is_not_empty_is_left_alone(folder: Folder, database: Database) -> None:
    database.sql("UPDATE business SET name = 'Mine'")
    with pytest.raises(StoreNotEmpty):
        move(folder.path, database.url, NOW, unseen)
    assert database.sql("SELECT name FROM business") == "Mine"


def test_a_folder_that_holds_an_agenda_is_left_alone(folder: Folder, database: Database) -> None:
    with pytest.raises(FolderNotEmpty):
        move(database.url, folder.path, NOW, unseen)


def test_a_folder_on_which_a_server_works_is_not_moved(folder: Folder, empty: Database) -> None:
    held = DataFolder.take(folder.path)
    try:
        with pytest.raises(FolderInUse):
            move(folder.path, empty.url, NOW, unseen)
    finally:
        held.release()


def test_a_database_on_which_nodes_work_is_not_moved(database: Database, tmp_path: Path) -> None:
    with psycopg.connect(database.url, application_name="agenda"), pytest.raises(StoreInUse):
        move(database.url, tmp_path / "back", NOW, unseen)
    assert not (tmp_path / "back" / DATABASE).exists()


def test_a_folder_without_an_agenda_is_not_made_one(tmp_path: Path, empty: Database) -> None:
    with pytest.raises(StoreMissing):
        move(tmp_path / "nothing", empty.url, NOW, unseen)
    assert not (tmp_path / "nothing").exists()


def test_a_database_without_an_agenda_cannot_be_moved(tmp_path: Path, empty: Database) -> None:
    with pytest.raises(StoreEmpty):
        move(empty.url, tmp_path / "back", NOW, unseen)


def test_a_source_of_a_newer_program_is_refused(folder: Folder, empty: Database) -> None:
    folder.damage("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreNewer):
        move(folder.path, empty.url, NOW, unseen)


def test_a_source_of_an_older_program_is_brought_up_to_date_first(
    folder: Folder, empty: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "REVISIONS", ("0001", "0002"))
    with pytest.raises(StoreOlder):
        move(folder.path, empty.url, NOW, unseen)


def test_a_target_that_is_not_there_is_unavailable(folder: Folder) -> None:
    with pytest.raises(StoreUnavailable):
        move(folder.path, server().url_of("nowhere"), NOW, unseen)


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        ("UPDATE audit SET outcome = 'slot_taken' WHERE seq = 100", "audit_changed"),
        ("DELETE FROM claim", "booking_without_claim"),
        ("UPDATE claim SET ends = ends + 7 * 86400", "claims_overlap"),
    ],
)
def test_what_is_not_sound_is_not_moved(folder: Folder, empty: Database, damage: str, code: str) -> None:
    folder.damage(damage)
    with pytest.raises(Unsound, match=code):
        move(folder.path, empty.url, NOW, unseen)
    assert empty.tables() == "0"


def test_a_law_that_moved_the_clocks_does_not_keep_an_agenda_where_it_is(folder: Folder, empty: Database) -> None:
    folder.damage("UPDATE booking SET wall = '2027-01-01T03:00' WHERE number = 1")
    healed = folder.ask("SELECT count(*) FROM booking")
    with closing(sqlite3.connect(folder.database)) as connection:
        for trigger in TRIGGERS:
            connection.execute(trigger)
    assert [(move(folder.path, empty.url, NOW, unseen).rows["booking"],)] == healed
