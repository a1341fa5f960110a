"""An agenda moves from one engine to the other whole, or not at all, and is the same agenda afterwards."""

import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from agenda.storage import bulk, looking, postgres, sqlite
from agenda.storage.database import open_store
from agenda.storage.doctor import examine
from agenda.storage.erased import erase_people, erased_people
from agenda.storage.fill import fill
from agenda.storage.folder import DATABASE
from agenda.storage.made_up import MadeUp
from agenda.storage.move import Differs, move
from agenda.storage.move import fill as fill_database
from agenda.storage.postgres_store import PostgresStore
from agenda.storage.store import SqliteStore
from tests.postgres import server

from .conftest import NOW, PLAN, Database, Folder, unseen

LIVED = replace(PLAN, bookings=4000, users=40)
DEADLINE = 60.0


def bare(path: Path, question: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path / DATABASE)) as connection:
        return connection.execute(question).fetchall()


def dump(path: Path) -> set[str]:
    """All that is in a folder's database, as statements."""
    with closing(sqlite3.connect(path / DATABASE)) as connection:
        return set(connection.iterdump())


def unmarked(table: str) -> str:
    """The rows of a table but for the mark of a move."""
    return table + (" WHERE name <> 'moved_to'" if table == "meta" else "")


def reopened(folder: Path) -> SqliteStore:
    return open_store(folder, lambda: MadeUp(LIVED).catalogue)


@pytest.fixture(scope="session")
def lived_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thousands of bookings, five servers' starts, three people erased; no test may change it."""
    path = tmp_path_factory.mktemp("lived") / "data"
    fill(path, LIVED)
    for number in (1, 5, 9):
        with closing(reopened(path)) as store:
            store.open_writer()
            account = store.reader().account(f"user-{number:04}")
            assert account is not None
            erase_people(store, [account.user.id])
    return path


@pytest.fixture
def lived(lived_once: Path, tmp_path: Path) -> Path:
    shutil.copytree(lived_once, tmp_path / "data")
    return tmp_path / "data"


def test_everything_goes_along_and_there_and_back_it_is_the_same(lived: Path, empty: Database, tmp_path: Path) -> None:
    there = move(lived, empty.url, NOW, unseen)
    back = move(empty.url, tmp_path / "back", NOW, unseen)
    assert back == there
    for table, rows in there.rows.items():
        assert bare(tmp_path / "back", f"SELECT * FROM {table} ORDER BY 1, 2") == bare(
            lived, f"SELECT * FROM {unmarked(table)} ORDER BY 1, 2"
        )
        assert empty.sql(f"SELECT count(*) FROM {unmarked(table)}") == str(rows)


def test_the_audit_chains_of_all_writers_end_where_they_ended(lived: Path, empty: Database) -> None:
    heads = move(lived, empty.url, NOW, unseen).heads
    assert [(head.writer, head.seq, head.hash) for head in heads] == bare(lived, "SELECT writer, seq, hash FROM writer")
    assert len(heads) == 7


def test_the_source_is_as_it_was_but_for_its_mark(lived: Path, empty: Database) -> None:
    before = dump(lived)
    move(lived, empty.url, NOW, unseen)
    assert dump(lived) - before == {f"INSERT INTO \"meta\" VALUES('moved_to','{empty.url}');"}


def test_what_was_moved_is_healthy_on_either_side(lived: Path, empty: Database, tmp_path: Path) -> None:
    move(lived, empty.url, NOW, unseen)
    move(empty.url, tmp_path / "back", NOW, unseen)
    found = examine(tmp_path / "back", tmp_path / "back" / DATABASE, NOW)
    assert (empty.codes(), [finding.code for finding in found if finding.urgent]) == ({"moved_away"}, [])


def test_new_bookings_and_writers_are_numbered_above_all_that_were(lived: Path, empty: Database) -> None:
    move(lived, empty.url, NOW, unseen)
    with closing(PostgresStore(empty.url, lambda: MadeUp(LIVED).catalogue)) as store:
        writer = store.open_writer().writer
        with store.begin() as transaction:
            number = transaction.next_number()
    assert (writer, number) == (8, 5000)


def test_whoever_was_erased_is_on_the_list_and_nowhere_else(lived: Path, empty: Database, tmp_path: Path) -> None:
    listed = (lived / "erased.txt").read_text().split()
    move(lived, empty.url, NOW, unseen)
    with looking.looking(Path(), empty.url) as connection:
        people = erased_people(connection)
    move(empty.url, tmp_path / "back", NOW, unseen)
    assert people == listed == (tmp_path / "back" / "erased.txt").read_text().split()
    assert {empty.sql(f"SELECT count(*) FROM account WHERE id = '{person}'") for person in people} == {"0"}


def test_it_tells_how_far_it_is(lived: Path, empty: Database) -> None:
    told = defaultdict[str, list[tuple[int, int]]](list)

    @contextmanager
    def seen(stage: str) -> Iterator[Callable[[int, int], None]]:
        yield lambda done, total: told[stage].append((done, total))

    rows = move(lived, empty.url, NOW, seen).rows
    assert list(told) == ["source", "copy", "target"]
    assert {stage: steps[-1] for stage, steps in told.items()} == {
        "source": (rows["audit"], rows["audit"]),
        "copy": (sum(rows.values()), sum(rows.values())),
        "target": (rows["audit"], rows["audit"]),
    }


# All or nothing


def test_a_copy_that_differs_by_one_row_is_taken_back(
    folder: Folder, empty: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish = bulk.finish_tables

    def spoil(connection: postgres.Connection) -> None:
        finish(connection)
        connection.run("UPDATE account SET language = 'en' WHERE name = 'user-0003'")

    monkeypatch.setattr("agenda.storage.move.finish_tables", spoil)
    with pytest.raises(Differs, match="account"):
        move(folder.path, empty.url, NOW, unseen)
    assert empty.tables() == "0"


def test_a_copy_whose_numbers_would_be_used_twice_is_taken_back(
    folder: Folder, empty: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "_NUMBERS", "SELECT setval('writer_number', 1, false)")
    with pytest.raises(Differs, match="sequence_behind"):
        move(folder.path, empty.url, NOW, unseen)
    assert empty.tables() == "0"


def test_a_copy_into_a_folder_that_differs_is_no_database(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish = bulk.finish_file

    def spoil(connection: sqlite.Connection) -> None:
        finish(connection)
        connection.run("DELETE FROM request")

    monkeypatch.setattr("agenda.storage.move.finish_file", spoil)
    with pytest.raises(Differs, match="request"):
        move(database.url, tmp_path / "back", NOW, unseen)
    assert not list((tmp_path / "back").glob("agenda.*db*"))


def test_killed_in_the_middle_it_leaves_nothing_and_can_be_done_again(lived: Path, empty: Database) -> None:
    there = f"SELECT 1 FROM pg_stat_activity WHERE datname = '{empty.name}'"
    process = subprocess.Popen([sys.executable, "-m", "agenda", "move-store", f"sqlite:{lived}", empty.url])
    with psycopg.connect(server().url, autocommit=True) as witness:  # one who looks often, as it writes but briefly
        try:
            until(lambda: witness.execute(f"{there} AND backend_xid IS NOT NULL").rowcount == 1)
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
        until(lambda: witness.execute(there).rowcount == 0)
    assert (process.returncode, empty.tables()) == (-signal.SIGKILL, "0")
    assert move(lived, empty.url, NOW, unseen).rows["booking"] == len(bare(lived, "SELECT id FROM booking"))


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.002)


def test_a_made_up_agenda_is_made_on_postgresql_too(empty: Database) -> None:
    fill_database(empty.url, PLAN, NOW, unseen)
    assert (empty.sql("SELECT count(*) FROM booking"), empty.codes()) == (str(PLAN.bookings), set())
