"""No server starts where an agenda was moved away from, unless somebody says so on purpose."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from agenda.engine.ports import Store
from agenda.storage import database, postgres_database
from agenda.storage.backup import backup, restore
from agenda.storage.database import open_store
from agenda.storage.deadlines import Guard
from agenda.storage.errors import StoreFull, StoreMoved, StoreNotEmpty
from agenda.storage.made_up import MadeUp
from agenda.storage.move import Differs, Where, move, undo
from agenda.storage.postgres import Connection
from agenda.storage.postgres_pool import Primary
from agenda.storage.postgres_store import PostgresStore
from tests.waiting import SECONDS, until

from .conftest import NOW, PLAN, Database, Folder, unseen

Left = tuple[Where, Where]
WAITING = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


def served(where: Where) -> Store:
    catalogue = MadeUp(PLAN).catalogue
    if isinstance(where, Path):
        return open_store(where, lambda: catalogue)
    return PostgresStore(where, lambda: catalogue)


def is_served(where: Where) -> bool:
    with closing(served(where)) as store:
        return store.reader().account("user-0001") is not None


@pytest.fixture(params=["to PostgreSQL", "to a folder"])
def left(request: pytest.FixtureRequest, folder: Folder, empty: Database, tmp_path: Path) -> Left:
    """Where an agenda was moved away from, and where it is."""
    move(folder.path, empty.url, NOW, unseen)
    if request.param == "to PostgreSQL":
        return folder.path, empty.url
    move(empty.url, tmp_path / "back", NOW, unseen)
    return empty.url, tmp_path / "back"


def test_no_server_starts_where_an_agenda_was_moved_away_and_is_told_where_it_is(left: Left) -> None:
    source, target = left
    with pytest.raises(StoreMoved) as refused:
        served(source)
    assert refused.value.target == (f"sqlite:{target}" if isinstance(target, Path) else target)
    assert is_served(target)


def test_a_node_that_stood_still_through_the_move_is_refused_as_well(
    folder: Folder, empty: Database, tmp_path: Path
) -> None:
    move(folder.path, empty.url, NOW, unseen)
    with closing(Guard()) as guard:
        primary = Primary(empty.url, guard)
        primary.connect("").close()
        move(empty.url, tmp_path / "back", NOW, unseen)
        with pytest.raises(StoreMoved):
            primary.connect("")


def test_a_node_that_starts_while_a_move_ends_is_refused_as_well(folder: Folder, empty: Database) -> None:
    move(folder.path, empty.url, NOW, unseen)
    with closing(PostgresStore(empty.url, lambda: MadeUp(PLAN).catalogue)) as node, ThreadPoolExecutor() as threads:
        with psycopg.connect(empty.url) as moving:
            moving.execute("LOCK TABLE writer, business IN SHARE MODE")
            starting = threads.submit(node.open_writer)
            until(lambda: bool(empty.sql(WAITING)))
            moving.execute("INSERT INTO meta VALUES ('moved_to', 'elsewhere')")
        with pytest.raises(StoreMoved):
            starting.result(SECONDS)


def test_a_move_from_a_database_that_is_older_by_now_can_be_undone(
    folder: Folder, empty: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    move(folder.path, empty.url, NOW, unseen)
    move(empty.url, tmp_path / "back", NOW, unseen)
    for module in (database, postgres_database):
        monkeypatch.setattr(module, "REVISIONS", ("0001", "0002"))
    assert undo(empty.url) == f"sqlite:{tmp_path / 'back'}"


def test_what_was_moved_away_is_not_moved_a_second_time(left: Left, tmp_path: Path) -> None:
    source, target = left
    another = "postgresql://127.0.0.1:9/agenda" if isinstance(target, str) else tmp_path / "another"
    with pytest.raises(StoreMoved):
        move(source, another, NOW, unseen)


def test_a_move_that_is_undone_lets_servers_work_there_again(left: Left) -> None:
    source, _ = left
    undo(source)
    assert is_served(source)


def test_undoing_tells_where_the_agenda_had_gone_and_the_second_time_that_it_had_not(
    folder: Folder, empty: Database
) -> None:
    move(folder.path, empty.url, NOW, unseen)
    assert (undo(folder.path), undo(folder.path)) == (empty.url, None)


def test_what_came_back_into_a_new_folder_may_go_to_an_empty_database_again(
    folder: Folder, empty: Database, tmp_path: Path
) -> None:
    move(folder.path, empty.url, NOW, unseen)
    move(empty.url, tmp_path / "back", NOW, unseen)
    with pytest.raises(StoreNotEmpty):
        move(tmp_path / "back", empty.url, NOW, unseen)
    empty.sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    move(tmp_path / "back", empty.url, NOW, unseen)
    assert is_served(empty.url)


def test_a_copy_that_is_taken_back_leaves_no_mark(
    folder: Folder, empty: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spoil(connection: Connection) -> None:
        connection.run("DELETE FROM request")

    monkeypatch.setattr("agenda.storage.move.finish_tables", spoil)
    with pytest.raises(Differs):
        move(folder.path, empty.url, NOW, unseen)
    assert is_served(folder.path)


def test_a_move_that_is_refused_leaves_no_mark(folder: Folder, database: Database) -> None:
    with pytest.raises(StoreNotEmpty):
        move(folder.path, database.url, NOW, unseen)
    assert is_served(folder.path)


def test_where_no_mark_can_be_left_the_copy_counts_all_the_same(
    folder: Folder, empty: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(connection: object, target: str) -> None:
        raise StoreFull(folder.path)

    monkeypatch.setattr("agenda.storage.move.leave_mark", refuse)
    assert not move(folder.path, empty.url, NOW, unseen).marked
    assert is_served(empty.url)


def test_doctor_says_that_an_agenda_was_moved_away(left: Left, empty: Database) -> None:
    source, _ = left
    codes: Callable[[], set[str]] = Folder(source).codes if isinstance(source, Path) else empty.codes
    assert codes() == {"moved_away"}


def test_a_copy_that_was_made_after_the_move_can_be_restored(folder: Folder, empty: Database, tmp_path: Path) -> None:
    move(folder.path, empty.url, NOW, unseen)
    backup(folder.path, tmp_path / "copy.db", NOW)
    restore(folder.path, tmp_path / "copy.db", NOW + timedelta(hours=1))
    assert is_served(folder.path)
