"""An agenda moves from one engine to the other whole, or not at all, and is the same agenda afterwards."""

import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import psycopg
import pytest

from agenda.engine.ports import StoreUnavailable
from agenda.storage import bulk, looking, postgres, sqlite
from agenda.storage.database import open_store
from agenda.storage.doctor import examine
from agenda.storage.erased import erase_people, erased_people
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
from agenda.storage.fill import fill
from agenda.storage.folder import DATABASE, DataFolder
from agenda.storage.made_up import MadeUp
from agenda.storage.move import Differs, Unsound, move
from agenda.storage.move import fill as fill_database
from agenda.storage.postgres_store import PostgresStore
from agenda.storage.sqlite import TRIGGERS
from agenda.storage.store import SqliteStore
from tests.postgres import server
from tests.protocol.peer import Peer
from tests.protocol.server import Server

from .conftest import NOW, PLAN, Database, Folder, unseen

LIVED = replace(PLAN, bookings=4000, users=40)
NAME = "Zuleica Que Se Foi"
DEADLINE = 60.0


def bare(path: Path, question: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path / DATABASE)) as connection:
        return connection.execute(question).fetchall()


def tables(database: Database) -> str:
    return database.sql("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace")


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
            lived, f"SELECT * FROM {table} ORDER BY 1, 2"
        )
        assert empty.sql(f"SELECT count(*) FROM {table}") == str(rows)


def test_the_audit_chains_of_all_writers_end_where_they_ended(lived: Path, empty: Database) -> None:
    heads = move(lived, empty.url, NOW, unseen).heads
    assert [(head.writer, head.seq, head.hash) for head in heads] == bare(lived, "SELECT writer, seq, hash FROM writer")
    assert len(heads) == 7


def test_the_source_is_as_it_was(lived: Path, empty: Database) -> None:
    before = (lived / DATABASE).read_bytes()
    move(lived, empty.url, NOW, unseen)
    assert (lived / DATABASE).read_bytes() == before


def test_what_was_moved_is_healthy_on_either_side(lived: Path, empty: Database, tmp_path: Path) -> None:
    move(lived, empty.url, NOW, unseen)
    move(empty.url, tmp_path / "back", NOW, unseen)
    found = examine(tmp_path / "back", tmp_path / "back" / DATABASE, NOW)
    assert (empty.codes(), [finding.code for finding in found if finding.urgent]) == (set(), [])


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


# What is refused


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
    assert tables(empty) == "0"


def test_a_law_that_moved_the_clocks_does_not_keep_an_agenda_where_it_is(folder: Folder, empty: Database) -> None:
    folder.damage("UPDATE booking SET wall = '2027-01-01T03:00' WHERE number = 1")
    healed = folder.ask("SELECT count(*) FROM booking")
    with closing(sqlite3.connect(folder.database)) as connection:
        for trigger in TRIGGERS:
            connection.execute(trigger)
    assert [(move(folder.path, empty.url, NOW, unseen).rows["booking"],)] == healed


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
    assert tables(empty) == "0"


def test_a_copy_whose_numbers_would_be_used_twice_is_taken_back(
    folder: Folder, empty: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "_NUMBERS", "SELECT setval('writer_number', 1, false)")
    with pytest.raises(Differs, match="sequence_behind"):
        move(folder.path, empty.url, NOW, unseen)
    assert tables(empty) == "0"


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
    writing = f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{empty.name}' AND backend_xid IS NOT NULL"
    there = f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{empty.name}'"
    process = subprocess.Popen([sys.executable, "-m", "agenda", "move-store", f"sqlite:{lived}", empty.url])
    try:
        until(lambda: server().sql(writing) == "1")
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    until(lambda: server().sql(there) == "0")
    assert (process.returncode, tables(empty)) == (-signal.SIGKILL, "0")
    assert move(lived, empty.url, NOW, unseen).rows["booking"] == len(bare(lived, "SELECT id FROM booking"))


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.02)


# The same agenda afterwards


@dataclass(frozen=True)
class Lives:
    """What two customers did on a server and were answered; one of them was erased at the end."""

    ana: Peer
    gone: Peer
    day: str
    booked: dict[str, Any]
    refused: dict[str, Any]
    receipt: dict[str, Any]

    @classmethod
    def lived(cls, server: Server) -> Self:
        ana, gone, day = server.customer(), server.customer(NAME), server.day()
        nine, ten = server.at(day, 9), server.at(day, 10)
        booked = ana.call("booking.create", start=nine, request="once", note="knock twice")
        refused = ana.refusal("booking.create", start=nine, request="twice")
        gone.call("booking.create", start=ten)
        receipt = gone.call("user.erase", password=gone.password, request="bye")
        return cls(ana, gone, day, booked, refused, receipt)

    def told_again(self, server: Server) -> dict[str, Any]:
        """The same answers from another server, to the same session and the same requests."""
        ana, nine = server.again(self.ana), server.at(self.day, 9)
        return {
            "booked": ana.call("booking.create", start=nine, request="once", note="knock twice"),
            "refused": ana.refusal("booking.create", start=nine, request="twice"),
            "receipt": server.peer().call("user.erase", password=self.gone.password, request="bye"),
            "listed": ana.call("booking.list")["bookings"],
            "states": ana.states(self.day)[:3],
            "logged": [entry["action"] for entry in ana.call("audit.list")["entries"]],
            "gone": server.peer().refusal("session.open", user=NAME, password=self.gone.password)["code"],
        }

    @property
    def answers(self) -> dict[str, Any]:
        """What they must be."""
        return {
            "booked": self.booked,
            "refused": self.refused,
            "receipt": self.receipt,
            "listed": [self.booked],
            "states": ["free", "mine", "free"],
            "logged": ["booking.create", "booking.create", "session.open"],
            "gone": "bad_credentials",
        }


def started(tmp_path: Path, name: str, *options: str) -> AbstractContextManager[Server]:
    return closing(Server(tmp_path / name, options=options).start())


def test_servers_on_the_moved_store_go_on_where_the_old_one_stopped(tmp_path: Path, empty: Database) -> None:
    with started(tmp_path, "old") as old:
        lives = Lives.lived(old)
    move(tmp_path / "old", empty.url, NOW, unseen)
    with started(tmp_path, "node", "--store", empty.url) as node:
        assert lives.told_again(node) == lives.answers


def test_a_server_on_what_came_back_goes_on_where_the_nodes_stopped(tmp_path: Path, empty: Database) -> None:
    with started(tmp_path, "node", "--store", empty.url) as node:
        lives = Lives.lived(node)
    move(empty.url, tmp_path / "back", NOW, unseen)
    with started(tmp_path, "back") as back:
        assert lives.told_again(back) == lives.answers


def test_a_booking_after_a_move_has_a_code_of_its_own(tmp_path: Path, empty: Database) -> None:
    with started(tmp_path, "old") as old:
        lives = Lives.lived(old)
    move(tmp_path / "old", empty.url, NOW, unseen)
    with started(tmp_path, "node", "--store", empty.url) as node:
        later = node.again(lives.ana).call("booking.create", start=node.at(lives.day, 11))
    move(empty.url, tmp_path / "back", NOW, unseen)
    with started(tmp_path, "back") as back:
        last = back.again(lives.ana).call("booking.create", start=back.at(lives.day, 12))
    assert len({each["code"] for each in (lives.booked, later, last)}) == 3


def test_a_made_up_agenda_is_made_on_postgresql_too(empty: Database) -> None:
    fill_database(empty.url, PLAN, NOW, unseen)
    assert (empty.sql("SELECT count(*) FROM booking"), empty.codes()) == (str(PLAN.bookings), set())
