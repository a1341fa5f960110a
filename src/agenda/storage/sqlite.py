"""All that is SQLite's own: opening a connection, its settings, its errors, the triggers on claims."""

import sqlite3
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from sqlalchemy import UniqueConstraint

from agenda.engine.ports import StoreConflict
from agenda.storage.connection import Row
from agenda.storage.errors import (
    StoreClosed,
    StoreDamaged,
    StoreFull,
    StoreLocked,
    StoreProblem,
    StoreReadOnly,
    StoreSlow,
    StoreUnreadable,
)
from agenda.storage.schema import CLAIM_NO_OVERLAP, CLAIM_NO_UPDATE, METADATA

PAGE_BYTES: Final = 2048
BUSY_SECONDS: Final = 5.0
FOREIGN_KEY: Final = "foreign_key"  # SQLite does not tell which one
_COPY_PAGES: Final = 4096

# Stored claims of a seat are disjoint, so of those that start before the new one ends, the last one ends last: it is
# the only one to look at, whatever the history of the seat.
TRIGGERS: Final = (
    f"""CREATE TRIGGER {CLAIM_NO_OVERLAP} BEFORE INSERT ON claim
WHEN (SELECT ends FROM claim WHERE resource = NEW.resource AND seat = NEW.seat AND starts < NEW.ends
      ORDER BY starts DESC LIMIT 1) > NEW.starts
BEGIN SELECT RAISE(FAIL, '{CLAIM_NO_OVERLAP}'); END""",  # noqa: S608  # the name is our own
    f"""CREATE TRIGGER {CLAIM_NO_UPDATE} BEFORE UPDATE ON claim
BEGIN SELECT RAISE(FAIL, '{CLAIM_NO_UPDATE}'); END""",
)

_PROBLEMS: Final[dict[int, type[StoreProblem]]] = {
    sqlite3.SQLITE_BUSY: StoreLocked,
    sqlite3.SQLITE_LOCKED: StoreLocked,
    sqlite3.SQLITE_PROTOCOL: StoreLocked,
    sqlite3.SQLITE_FULL: StoreFull,
    sqlite3.SQLITE_READONLY: StoreReadOnly,
    sqlite3.SQLITE_CORRUPT: StoreDamaged,
    sqlite3.SQLITE_NOTADB: StoreDamaged,
    sqlite3.SQLITE_IOERR: StoreUnreadable,
    sqlite3.SQLITE_CANTOPEN: StoreUnreadable,
    sqlite3.SQLITE_NOMEM: StoreUnreadable,
    sqlite3.SQLITE_PERM: StoreUnreadable,
    sqlite3.SQLITE_AUTH: StoreUnreadable,
    sqlite3.SQLITE_INTERRUPT: StoreSlow,
}


def _constraint_names() -> dict[str, str]:
    """The names of our unique constraints by the words in which SQLite reports a violation."""
    names = {}
    for table in METADATA.tables.values():
        for constraint in (table.primary_key, *table.constraints):
            if constraint is table.primary_key or isinstance(constraint, UniqueConstraint):
                columns = ", ".join(f"{table.name}.{column.name}" for column in constraint.columns)
                names[f"UNIQUE constraint failed: {columns}"] = str(constraint.name)
    return names


_NAMES: Final = _constraint_names()


def translated(error: sqlite3.Error, path: Path) -> Exception:
    """What the port promises instead of a driver's error; the error itself if it is a defect of the program."""
    if isinstance(error, sqlite3.IntegrityError):
        words = str(error)
        if error.sqlite_errorcode == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
            return StoreConflict(FOREIGN_KEY)
        return StoreConflict(_NAMES.get(words, words.removeprefix("CHECK constraint failed: ")))
    problem = _PROBLEMS.get(getattr(error, "sqlite_errorcode", -1) & 0xFF)
    if problem is None and "closed database" in str(error):
        problem = StoreClosed
    return error if problem is None else problem(path)


class Connection:
    """A connection for one thread at a time, in autocommit mode: transactions are begun and ended in words.

    Every method raises StoreUnavailable for what the environment does, StoreConflict for what a constraint refuses,
    and lets errors that are defects pass.
    """

    engine: Final = "sqlite"

    def __init__(
        self, path: Path, *, busy: float = BUSY_SECONDS, read_only: bool = False, settings: Iterable[str] = ()
    ) -> None:
        self.path = path
        try:
            self.raw = sqlite3.connect(
                path,
                timeout=busy,
                isolation_level=None,
                check_same_thread=False,
                cached_statements=512,
            )
            if read_only:
                self.raw.execute("PRAGMA query_only = ON")
            for setting in settings:
                self.raw.execute(f"PRAGMA {setting}")
        except sqlite3.Error as error:
            if hasattr(self, "raw"):
                self.raw.close()
            self._fail(error)

    def _fail(self, error: sqlite3.Error) -> None:
        replacement = translated(error, self.path)
        if replacement is error:
            raise error
        raise replacement from error

    def run(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Execute one statement that gives no rows; the number of rows it changed."""
        try:
            return self.raw.execute(sql, values).rowcount
        except sqlite3.Error as error:
            self._fail(error)
            raise

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        """All rows of one statement."""
        try:
            return self.raw.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            self._fail(error)
            raise

    def row(self, sql: str, values: Sequence[Any] = ()) -> Row | None:
        """The first row of one statement."""
        rows = self.rows(sql, values)
        return rows[0] if rows else None

    def each(self, sql: str, rows: Iterable[Sequence[Any]]) -> int:
        """Execute one statement for each row of values; the number of rows changed in all."""
        try:
            return self.raw.executemany(sql, rows).rowcount
        except sqlite3.Error as error:
            self._fail(error)
            raise

    def copy_to(self, target: "Connection", steps: Callable[[int, int], None]) -> None:
        """Copy the whole database as it is in the transaction that is open; tells the pages done and in all."""
        try:
            self.raw.backup(target.raw, pages=_COPY_PAGES, progress=lambda _, left, total: steps(total - left, total))
        except sqlite3.Error as error:
            self._fail(error)
            raise

    def changes(self) -> int:
        """How many rows were ever changed through this connection."""
        try:
            return self.raw.total_changes
        except sqlite3.Error as error:
            self._fail(error)
            raise

    def undo(self) -> None:
        """Roll back whatever is open; never raises, since the driver rolls back what it cannot keep."""
        try:
            if self.raw.in_transaction:
                self.raw.execute("ROLLBACK")
        except sqlite3.Error:
            pass

    def limit(self, seconds: float) -> None:
        """From now on refuse, as StoreSlow, a statement that is still running after so many seconds."""
        deadline = time.monotonic() + seconds
        self.raw.set_progress_handler(lambda: time.monotonic() > deadline, 20_000)

    def close(self) -> None:
        """Close; idempotent."""
        try:
            self.raw.close()
        except sqlite3.Error as error:
            self._fail(error)


WRITER_SETTINGS: Final = (
    "synchronous = FULL",
    "foreign_keys = ON",
    # Deleted rows are overwritten at once, not only in erasures: what was tidied before must not outlive the person.
    "secure_delete = ON",
    # Checkpoints are made beside the commits, on a connection of their own.
    "wal_autocheckpoint = 0",
    "cache_size = -65536",
    "temp_store = MEMORY",
)
READER_SETTINGS: Final = ("cache_size = -8192", "temp_store = MEMORY", "mmap_size = 268435456")
