"""A database of either engine, made with all its rows at once: whole or not at all, indexes at the end."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy.schema import CreateIndex

from agenda.storage import postgres, postgres_database, sqlite
from agenda.storage.compiled import dialect, indexes
from agenda.storage.connection import Engine
from agenda.storage.errors import FolderNotEmpty, StoreNotEmpty
from agenda.storage.folder import FILE_MODE, DataFolder, sync_folder
from agenda.storage.postgres_transaction import BLOCK
from agenda.storage.schema import CLAIM_NO_OVERLAP, METADATA
from agenda.storage.sqlite import TRIGGERS

UNFINISHED: Final = "agenda.unfinished"

_TABLES: Final = [METADATA.tables[name] for name in ("booking", "audit", "session", "erasure")]
_POSTGRES_SETTINGS: Final = "SET maintenance_work_mem = '256MB'; SET work_mem = '64MB'; SET jit = off"
_EMPTY_CLAIM: Final = (
    f"ALTER TABLE claim DROP CONSTRAINT {CLAIM_NO_OVERLAP}",
    f"DROP INDEX {postgres_database.CLAIM_KEY}",
)
# The first block that holds no number in use, and the first writer that was none.
_NUMBERS: Final = f"""\
SELECT setval('booking_block', greatest((SELECT max(numbers) - 1 FROM writer), (SELECT max(number) FROM booking), 0)
/ {BLOCK} + 1, false), setval('writer_number', coalesce((SELECT max(writer) FROM writer), 0) + 1, false)"""  # noqa: S608  # our own number


@contextmanager
def new_file(folder: DataFolder) -> Iterator[sqlite.Connection]:
    """A file in an empty data folder that has its name only when the block has ended well. Raises FolderNotEmpty."""
    if folder.database.exists():
        raise FolderNotEmpty(folder.database)
    unfinished = folder.path / UNFINISHED
    unfinished.unlink(missing_ok=True)
    try:
        connection = sqlite.Connection(unfinished)
        try:
            yield connection
        finally:
            connection.close()
        unfinished.chmod(FILE_MODE)
        with unfinished.open("rb+") as file:
            os.fsync(file.fileno())
        unfinished.rename(folder.database)
        sync_folder(folder.path)
    finally:
        unfinished.unlink(missing_ok=True)


def begin_file(connection: sqlite.Connection) -> None:
    """Begin a transaction in tables that are empty, without journal, random indexes and triggers."""
    for setting in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -262144", "locking_mode = EXCLUSIVE"):
        connection.rows(f"PRAGMA {setting}")
    connection.run("BEGIN EXCLUSIVE")
    for name in _names("sqlite"):
        connection.run(f'DROP INDEX "{name}"')
    for trigger in TRIGGERS:
        connection.run(f"DROP TRIGGER {trigger.split()[2]}")


def finish_file(connection: sqlite.Connection) -> None:
    """Make the indexes and triggers when all rows are there, and end the transaction."""
    for statement in (*_statements("sqlite"), *TRIGGERS):
        connection.run(statement)
    connection.run("COMMIT")
    for setting in ("synchronous = FULL", "journal_mode = WAL", "wal_checkpoint(TRUNCATE)"):
        connection.rows(f"PRAGMA {setting}")


@contextmanager
def new_tables(url: str) -> Iterator[postgres.Connection]:
    """Empty tables in a PostgreSQL database that has none of ours; they are there only when the block has ended well.

    Raises StoreNotEmpty, StoreUnavailable.
    """
    connection = postgres.Connection(url, _POSTGRES_SETTINGS)
    try:
        with postgres_database.alone(connection):
            there = {name for (name,) in connection.rows(postgres_database.TABLES)}
            if there & {*METADATA.tables, "alembic_version"}:
                raise StoreNotEmpty(connection.place)
            connection.run("BEGIN")
            postgres_database.make_tables(connection)
            for statement in (*_EMPTY_CLAIM, *(f'DROP INDEX "{name}"' for name in _names("postgresql"))):
                connection.run(statement)
            yield connection
            connection.run("COMMIT")
    finally:
        connection.undo()
        connection.close()


def finish_tables(connection: postgres.Connection) -> None:
    """Make the indexes and rules when all rows are there, and let numbers go on above those that were used."""
    for statement in (*postgres_database.CLAIM_RULES, *_statements("postgresql")):
        connection.run(statement)
    connection.rows(_NUMBERS)
    connection.run("ANALYZE")


def _names(engine: Engine) -> list[str]:
    return [str(index.name) for table in _TABLES for index in indexes(table, engine)]


def _statements(engine: Engine) -> list[str]:
    made = (index for table in _TABLES for index in indexes(table, engine))
    return [str(CreateIndex(index).compile(dialect=dialect(engine))) for index in made]
