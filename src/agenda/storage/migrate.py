"""Bringing an older database up to date; loaded only when there is something to do, since Alembic takes a while."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import StaticPool

from agenda.storage.folder import FILE_MODE, DataFolder
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


def _run(connection: sqlite3.Connection, scripts: Path) -> None:
    engine = create_engine("sqlite://", creator=lambda: connection, poolclass=StaticPool)
    # Tables are rebuilt under other names, which must not take their children along.
    connection.execute("PRAGMA foreign_keys = OFF")
    # The driver would begin no transaction before DDL, so it is begun in words.
    event.listen(engine, "begin", lambda open_: open_.exec_driver_sql("BEGIN IMMEDIATE"))
    config = Config()
    config.set_main_option("script_location", str(scripts))
    with engine.begin() as open_:
        config.attributes["connection"] = open_
        command.upgrade(config, "head")
