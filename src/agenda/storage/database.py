"""The database file: made at the first start, recognised, repaired in rights and brought up to date at every other."""

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Final

from sqlalchemy import insert
from sqlalchemy.schema import CreateIndex, CreateTable

from agenda.domain.model import Catalogue
from agenda.storage.catalogue import write_catalogue
from agenda.storage.errors import StoreDamaged, StoreNewer
from agenda.storage.folder import DataFolder
from agenda.storage.schema import META, METADATA
from agenda.storage.sqlite import BUSY_SECONDS, DIALECT, PAGE_BYTES, TRIGGERS, Connection
from agenda.storage.statements import compiled
from agenda.storage.store import SqliteStore

# Every revision of the schema that this program can bring up to date, the current one last.
REVISIONS: Final = ("0001",)

# The oldest version of the program that can work on what this one makes.
SERVES: Final = "0.1.0"


def open_store(path: Path, first: Callable[[], Catalogue], *, busy: float = BUSY_SECONDS) -> SqliteStore:
    """The store in the data folder `path`, which this process then holds until the store is closed.

    A folder without a database gets one that offers what `first` returns.
    Raises FolderInUse, or another StoreProblem with what is wrong.
    """
    folder = DataFolder.take(path)
    try:
        _prepare(folder, first, busy)
        return SqliteStore(folder, busy=busy)
    except BaseException:
        folder.release()
        raise


def _prepare(folder: DataFolder, first: Callable[[], Catalogue], busy: float) -> None:
    connection = Connection(folder.database, busy=busy)
    try:
        tables = {name for (name,) in connection.rows("SELECT name FROM sqlite_schema WHERE type = 'table'")}
        if not tables:
            create(connection, first())
        _check_revision(connection, tables)
        # What a crash left in the log goes into the file, and what it left of an erasure goes away.
        connection.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        connection.close()
    folder.keep_private()


def create(connection: Connection, catalogue: Catalogue) -> None:
    """Make every table, index and trigger, and the first business, in one transaction."""
    connection.run(f"PRAGMA page_size = {PAGE_BYTES}")
    connection.rows("PRAGMA journal_mode = WAL")
    connection.run("PRAGMA foreign_keys = ON")
    connection.run("BEGIN IMMEDIATE")
    for statement in ddl():
        connection.run(statement)
    # As Alembic makes it, which is not loaded until there is something to migrate.
    connection.run(
        "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, "
        "CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
    )
    connection.run("INSERT INTO alembic_version VALUES (?)", (REVISIONS[-1],))
    connection.each(compiled(insert(META)), {"data": secrets.token_hex(16), "serves": SERVES}.items())
    write_catalogue(connection, catalogue)
    connection.run("COMMIT")


def ddl() -> list[str]:
    """The statements that make the whole schema."""
    statements = []
    for table in METADATA.sorted_tables:
        statements.append(str(CreateTable(table).compile(dialect=DIALECT)))
        indexes = sorted(table.indexes, key=lambda index: str(index.name))
        statements += [str(CreateIndex(index).compile(dialect=DIALECT)) for index in indexes]
    return [*statements, *TRIGGERS]


def _check_revision(connection: Connection, tables: set[str]) -> None:
    """Raises StoreDamaged for a database of something else, StoreNewer for a later one."""
    if tables and not {"alembic_version", "meta"} <= tables:
        raise StoreDamaged(connection.path)
    row = connection.row("SELECT version_num FROM alembic_version")
    if row is None:
        raise StoreDamaged(connection.path)
    if row[0] not in REVISIONS:
        serves = connection.row("SELECT value FROM meta WHERE name = 'serves'")
        raise StoreNewer(connection.path, serves[0] if serves else "?")
