"""The database file: made at the first start, recognised, repaired in rights and brought up to date at every other."""

import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from sqlalchemy import insert, select

from agenda import __version__
from agenda.domain.model import Catalogue
from agenda.storage.catalogue import write_catalogue
from agenda.storage.compiled import Query, Statement, ddl_of
from agenda.storage.errors import StoreDamaged, StoreNewer
from agenda.storage.folder import DataFolder
from agenda.storage.moved import refuse_moved
from agenda.storage.schema import META
from agenda.storage.sqlite import BUSY_SECONDS, PAGE_BYTES, TRIGGERS, Connection
from agenda.storage.store import SqliteStore
from agenda.storage.transaction import utc_now

# Every revision of the schema that this program can bring up to date, the current one last.
REVISIONS: Final = ("0001",)

# The oldest version of the program that can work on what this one makes.
SERVES: Final = "0.1.0"
_SERVES: Final = Query(select(META.c.value).where(META.c.name == "serves"))


def open_store(
    path: Path,
    first: Callable[[], Catalogue],
    *,
    busy: float = BUSY_SECONDS,
    clock: Callable[[], datetime] = utc_now,
) -> SqliteStore:
    """The store in the data folder `path`, which this process then holds until the store is closed.

    A folder without a database gets one that offers what `first` returns.
    Raises FolderInUse, or another StoreProblem with what is wrong.
    """
    folder = DataFolder.take(path)
    try:
        _prepare(folder, first, busy)
        return SqliteStore(folder, busy=busy, clock=clock)
    except BaseException:
        folder.release()
        raise


def _prepare(folder: DataFolder, first: Callable[[], Catalogue], busy: float) -> None:
    connection = Connection(folder.database, busy=busy)
    try:
        tables = {name for (name,) in connection.rows("SELECT name FROM sqlite_schema WHERE type = 'table'")}
        if not tables:
            create(connection, first())
        revision = _revision(connection, tables)
        if revision != REVISIONS[-1]:
            from agenda.storage.migrate import migrate

            migrate(folder, revision)
        refuse_moved(connection, f"sqlite:{folder.path.absolute()}")
        # What a crash left in the log goes into the file, and what it left of an erasure goes away.
        connection.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        connection.close()
    folder.keep_private()
    folder.drop_old_copies(datetime.now(UTC))


def create(connection: Connection, catalogue: Catalogue) -> None:
    """Make every table, index and trigger, and the first business, in one transaction."""
    set_up(connection)
    connection.run("BEGIN IMMEDIATE")
    make_tables(connection)
    Statement(insert(META)).each(connection, {"data": secrets.token_hex(16), "serves": SERVES}.items())
    write_catalogue(connection, catalogue)
    connection.run("COMMIT")


def set_up(connection: Connection) -> None:
    """Settle what an empty file has to know before its first table."""
    connection.run(f"PRAGMA page_size = {PAGE_BYTES}")
    connection.rows("PRAGMA journal_mode = WAL")
    connection.run("PRAGMA foreign_keys = ON")


def make_tables(connection: Connection) -> None:
    """Make every table, index and trigger, empty, in the transaction that is open."""
    for statement in ddl():
        connection.run(statement)
    # As Alembic makes it, which is not loaded until there is something to migrate.
    connection.run(
        "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, "
        "CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
    )
    connection.run("INSERT INTO alembic_version VALUES (?)", (REVISIONS[-1],))


def ddl() -> list[str]:
    """The statements that make the whole schema."""
    return [*ddl_of("sqlite"), *TRIGGERS]


def _revision(connection: Connection, tables: set[str]) -> str:
    """The revision of the schema.

    Raises StoreDamaged for a database of something else, StoreNewer for one that later programs made for themselves.
    """
    if tables and not {"alembic_version", META.name} <= tables:
        raise StoreDamaged(connection.path)
    revision = connection.row("SELECT version_num FROM alembic_version")
    serves = _SERVES.row(connection)
    if revision is None or serves is None:
        raise StoreDamaged(connection.path)
    if revision[0] not in REVISIONS or order(serves[0]) > order(__version__):
        raise StoreNewer(connection.path, serves[0])
    return str(revision[0])


def order(version: str) -> tuple[int, ...]:
    """The numbers of a version, to compare by."""
    return tuple(int(part) for part in version.split(".") if part.isdigit())
