"""A store that cannot be used says so, whatever was asked of it, and nothing is lost."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from agenda.domain.commands import Changes
from agenda.domain.model import RequestId
from agenda.domain.times import Span
from agenda.engine.ports import Reader, Store, StoreUnavailable, Transaction
from agenda.storage import errors
from agenda.storage.checkpoints import Checkpoints
from agenda.storage.database import open_store
from agenda.storage.folder import DATABASE
from agenda.storage.reader import Pool, SqlReader
from agenda.storage.sqlite import Connection
from agenda.storage.store import SqliteStore
from agenda.storage.transaction import Memory, SqliteTransaction
from tests.storage.conftest import open_sqlite
from tests.storage.making import DAY, FINGERPRINT, Desk, catalogue, claim
from tests.storage.test_contract_of_questions import NOBODY

SPAN = Span(DAY, DAY.replace(hour=13))

BATCH: dict[str, Callable[[Transaction, Changes], Any]] = {
    "catalogue": lambda t, c: t.catalogue(None),
    "settled": lambda t, c: t.settled([(NOBODY, RequestId("r"))]),
    "users": lambda t, c: t.users([NOBODY]),
    "names": lambda t, c: t.names(["Ana"]),
    "bookings": lambda t, c: t.bookings(list(c.made)),
    "claims": lambda t, c: t.claims([(one.resource, one.seat, one.span) for one in c.claimed.values()]),
    "open_bookings": lambda t, c: t.open_bookings([NOBODY], DAY),
    "holdings": lambda t, c: t.holdings([NOBODY]),
    "next_number": lambda t, c: t.next_number(),
    "save": lambda t, c: t.save(c, []),
}
QUESTIONS: dict[str, Callable[[Reader], Any]] = {
    "catalogue": lambda r: r.catalogue(),
    "sign_in": lambda r: r.sign_in(FINGERPRINT),
    "account": lambda r: r.account("Ana"),
    "account_of": lambda r: r.account_of(NOBODY),
    "occupied": lambda r: r.occupied(next(iter(catalogue().resources)), SPAN),
    "bookings": lambda r: r.bookings(NOBODY, None),
    "audit": lambda r: r.audit(NOBODY, 10, None),
    "export": lambda r: r.export(NOBODY),
    "gone": lambda r: r.gone(RequestId("r")),
}
STORE: dict[str, Callable[[Store], Any]] = {
    "open_writer": lambda s: s.open_writer(),
    "begin": lambda s: s.begin().__enter__(),
    "tidy": lambda s: s.tidy(DAY),
}


def methods(port: type) -> set[str]:
    return {name for name, it in vars(port).items() if callable(it) and not name.startswith("_")}


def test_every_method_is_tried_below() -> None:
    assert set(BATCH) | {"now", "expect", "confirm"} == methods(Transaction)  # which need no database
    assert set(QUESTIONS) == methods(Reader)
    elsewhere = {"reader", "feed", "scrub", "checkpoint", "close"}
    assert set(STORE) | elsewhere == methods(Store)


@pytest.fixture
def changes(folder: Path) -> Changes:
    """Something to be saved, in a store that is closed by now."""
    with closing(open_sqlite(folder)) as store:
        desk = Desk(store)
        booking = desk.made(desk.join("Ana"), DAY)
    return Changes(made={booking.id: booking}, claimed={booking.id: claim(booking)})


@pytest.fixture
def locked(changes: Changes, folder: Path) -> Iterator[Path]:
    """A database that another program keeps to itself altogether."""
    with closing(sqlite3.connect(folder / DATABASE, isolation_level=None)) as hog:
        hog.execute("PRAGMA locking_mode = EXCLUSIVE")
        hog.execute("BEGIN EXCLUSIVE")
        hog.execute("UPDATE meta SET value = value")
        yield folder / DATABASE


@pytest.mark.parametrize("method", BATCH)
def test_a_batch_on_a_locked_database_is_unavailable(locked: Path, changes: Changes, method: str) -> None:
    with closing(Connection(locked, busy=0.01)) as connection, pytest.raises(errors.StoreLocked) as refused:
        BATCH[method](SqliteTransaction(connection, Memory()), changes)
    assert isinstance(refused.value.__cause__, sqlite3.OperationalError)


@pytest.mark.parametrize("method", QUESTIONS)
def test_a_question_to_a_locked_database_is_unavailable(locked: Path, method: str) -> None:
    with closing(Pool(locked, busy=0.01)) as pool, pytest.raises(errors.StoreLocked):
        QUESTIONS[method](SqlReader(pool))


def test_a_locked_database_cannot_be_opened(locked: Path, folder: Path) -> None:
    with pytest.raises(errors.StoreLocked):
        open_sqlite(folder)


@pytest.mark.parametrize("method", STORE)
def test_a_store_that_another_program_writes_to_is_unavailable_until_it_is_done(
    sqlite: SqliteStore, folder: Path, method: str
) -> None:
    with closing(sqlite3.connect(folder / DATABASE, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(errors.StoreLocked):
            STORE[method](sqlite)
        other.execute("ROLLBACK")
    Desk(sqlite).book(Desk(sqlite).join("Ana"))


def test_a_checkpoint_waits_for_another_time_while_a_reader_is_in_the_way(counter: Desk, folder: Path) -> None:
    counter.join("Ana")
    with closing(sqlite3.connect(folder / DATABASE, isolation_level=None)) as other:
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM account").fetchall()
        counter.book(counter.join("Bia"))
        counter.store.checkpoint()
    assert len(counter.occupied()) == 1


def test_scrubbing_gives_up_while_a_reader_is_in_the_way(counter: Desk, folder: Path) -> None:
    writing = counter.store._writing  # type: ignore[attr-defined]
    lock = counter.store._lock  # type: ignore[attr-defined]
    with (
        closing(sqlite3.connect(folder / DATABASE, isolation_level=None)) as other,
        closing(Checkpoints(folder / DATABASE, writing, lock)) as checkpoints,
    ):
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM account").fetchall()
        counter.join("Ana")
        with pytest.raises(errors.StoreBusyErasing):
            checkpoints.empty(0.1)
        other.execute("ROLLBACK")
        checkpoints.empty(5.0)
    counter.store.scrub()


def test_what_could_not_be_scrubbed_is_scrubbed_with_the_next_checkpoint(
    counter: Desk, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Checkpoints.empty, "__defaults__", (0.05,))
    counter.join("Zuleica")
    log = folder / f"{DATABASE}-wal"
    with closing(sqlite3.connect(folder / DATABASE, isolation_level=None)) as other:
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM account").fetchall()
        with pytest.raises(errors.StoreBusyErasing):
            counter.store.scrub()
        counter.store.checkpoint()
        assert b"Zuleica" in log.read_bytes()
        other.execute("ROLLBACK")
    counter.store.checkpoint()
    assert log.read_bytes() == b""


def test_a_question_that_takes_too_long_is_given_up(sqlite: SqliteStore, folder: Path) -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    with (
        closing(Pool(folder / DATABASE, longest=0.05)) as pool,
        pytest.raises(errors.StoreSlow),
        pool.connection() as connection,
    ):
        connection.rows(endless)


def test_a_reader_cannot_write(sqlite: SqliteStore, folder: Path) -> None:
    with (
        closing(Pool(folder / DATABASE)) as pool,
        pytest.raises(errors.StoreReadOnly),
        pool.connection() as connection,
    ):
        connection.run("DELETE FROM account")


def test_defects_are_not_called_unavailable(sqlite: SqliteStore, folder: Path) -> None:
    with (
        closing(Pool(folder / DATABASE)) as pool,
        pytest.raises(sqlite3.OperationalError, match="no such table"),
        pool.connection() as connection,
    ):
        connection.rows("SELECT * FROM nowhere")


def test_a_full_database_undoes_the_batch_and_works_again_when_there_is_room(counter: Desk) -> None:
    ana = counter.join("Ana")
    writing: Connection = counter.store._writing  # type: ignore[attr-defined]
    [(pages,)] = writing.rows("PRAGMA page_count")
    writing.rows(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(errors.StoreFull):
        counter.book(ana, note="x" * 100_000)
    assert (counter.reader.bookings(ana.id, None), counter.occupied()) == ([], [])
    writing.rows("PRAGMA max_page_count = 4294967294")
    assert counter.book(ana, note="x" * 100_000) == counter.reader.bookings(ana.id, None)[0]


def overwritten(folder: Path, where: slice, content: bytes) -> None:
    file = bytearray((folder / DATABASE).read_bytes())
    file[where] = content
    (folder / DATABASE).write_bytes(file)


def test_a_file_that_is_no_database_is_refused_and_left_alone(folder: Path) -> None:
    folder.mkdir()
    (folder / DATABASE).write_text("Dear diary, " * 1000)
    with pytest.raises(errors.StoreDamaged) as refused:
        open_sqlite(folder)
    assert refused.value.path == folder / DATABASE
    assert (folder / DATABASE).read_text().startswith("Dear diary")


def test_a_database_of_something_else_is_refused_and_left_alone(folder: Path) -> None:
    folder.mkdir()
    with closing(sqlite3.connect(folder / DATABASE)) as other:
        other.execute("CREATE TABLE recipes (name TEXT)")
    before = (folder / DATABASE).read_bytes()
    with pytest.raises(errors.StoreDamaged):
        open_sqlite(folder)
    assert (folder / DATABASE).read_bytes() == before


def test_a_broken_schema_is_found_at_the_start(changes: Changes, folder: Path) -> None:
    overwritten(folder, slice(100, 2048), b"\xff" * 1948)
    with pytest.raises(errors.StoreDamaged):
        open_sqlite(folder)


def test_a_broken_table_is_found_when_it_is_met(changes: Changes, folder: Path) -> None:
    with closing(sqlite3.connect(folder / DATABASE)) as connection:
        [(page,)] = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'account'").fetchall()
        [(size,)] = connection.execute("PRAGMA page_size").fetchall()
    overwritten(folder, slice((page - 1) * size, page * size), b"\xff" * size)
    with closing(open_sqlite(folder)) as store, pytest.raises(errors.StoreDamaged):
        store.reader().account("Ana")


@pytest.mark.parametrize(
    "later", ["UPDATE alembic_version SET version_num = '9999'", "UPDATE meta SET value = '99.1' WHERE name = 'serves'"]
)
def test_a_database_of_a_later_program_is_refused_and_left_alone(changes: Changes, folder: Path, later: str) -> None:
    with closing(sqlite3.connect(folder / DATABASE, isolation_level=None)) as connection:
        connection.execute(later)
    before = (folder / DATABASE).read_bytes()
    with pytest.raises(errors.StoreNewer):
        open_sqlite(folder)
    assert (folder / DATABASE).read_bytes() == before


def test_a_folder_that_cannot_be_made_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnavailable):
        open_store(tmp_path / "file" / "data", catalogue)


def test_every_problem_names_its_place_for_the_operator() -> None:
    assert str(errors.StoreFull(Path("there"))) == "StoreFull: there"
