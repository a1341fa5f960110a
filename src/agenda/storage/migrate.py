"""Bringing an older database up to date; loaded only when there is something to do, since Alembic takes a while."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

import psycopg
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection as SqlConnection
from sqlalchemy import create_engine, event, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import StaticPool

from agenda.storage import database, postgres_errors
from agenda.storage.folder import FILE_MODE, DataFolder
from agenda.storage.postgres import Connection
from agenda.storage.schema import META
from agenda.storage.sqlite import BUSY_SECONDS, translated

SCRIPTS: Final = Path(__file__).parent / "migrations"


def migrate(folder: DataFolder, revision: str, *, busy: float = BUSY_SECONDS) -> Path:
    """Copy the database, then bring it from `revision` to the last one in one transaction; the copy's path.

    Raises StoreUnavailable; the database is as it was then.
    """
    path = folder.database
    try:
        with closing(sqlite3.connect(path, timeout=busy, isolation_level=None)) as connection:
            copy = _backup(connection, folder.copy_before(revision))
            _run(connection, SCRIPTS)
    except sqlite3.Error as error:
        raise translated(error, path) from error
    except DBAPIError as error:
        if isinstance(error.orig, sqlite3.Error):
            raise translated(error.orig, path) from error
        raise
    return copy


def _backup(connection: sqlite3.Connection, copy: Path) -> Path:
    """A copy that appears whole or not at all."""
    unfinished = copy.with_suffix(".part")
    unfinished.unlink(missing_ok=True)
    unfinished.touch(mode=FILE_MODE)
    with closing(sqlite3.connect(unfinished)) as target:
        connection.backup(target)
    unfinished.replace(copy)
    return copy


def migrate_postgres(connection: Connection) -> None:
    """Bring the database to the last revision in one transaction that keeps no other node from its work for long.

    The connection holds the lock that lets one node at a time do this. Raises StoreUnavailable; then all is as it was.
    """
    engine = create_engine("postgresql+psycopg://", creator=lambda: connection.raw, poolclass=StaticPool)
    connection.raw.autocommit = False
    try:
        # Better to try again than to have all bookings wait behind a change of a table that waits itself.
        connection.run("SET lock_timeout = '2s'")
        connection.raw.commit()
        with engine.begin() as open_:
            _upgrade(open_, SCRIPTS)
    except DBAPIError as error:
        if isinstance(error.orig, psycopg.Error):
            raise postgres_errors.translated(error.orig, connection.place, broken=connection.raw.closed) from error
        raise
    finally:
        if not connection.raw.closed:
            connection.raw.rollback()
            connection.raw.autocommit = True


def _run(connection: sqlite3.Connection, scripts: Path) -> None:
    engine = create_engine("sqlite://", creator=lambda: connection, poolclass=StaticPool)
    # Tables are rebuilt under other names, which must not take their children along.
    connection.execute("PRAGMA foreign_keys = OFF")
    # The driver would begin no transaction before DDL, so it is begun in words.
    event.listen(engine, "begin", lambda open_: open_.exec_driver_sql("BEGIN IMMEDIATE"))
    with engine.begin() as open_:
        _upgrade(open_, scripts)


def _upgrade(open_: SqlConnection, scripts: Path) -> None:
    """All revisions that are missing; and from now on the database serves the programs that this one says."""
    config = Config()
    config.set_main_option("script_location", str(scripts))
    config.attributes["connection"] = open_
    command.upgrade(config, "head")
    open_.execute(update(META).where(META.c.name == "serves").values(value=database.SERVES))
