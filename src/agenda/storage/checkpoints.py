"""Moving the write-ahead log into the database file, beside the commits and with a bound to its growth."""

import time
from pathlib import Path
from threading import Lock
from typing import Final

from agenda.storage.errors import StoreBusyErasing
from agenda.storage.sqlite import Connection

# Rows changed since the last checkpoint; a booking changes about five.
WORTH_IT: Final = 40_000
TOO_MANY: Final = 400_000

SCRUB_SECONDS: Final = 1.0  # bookings wait meanwhile, and a server that is told to end has to answer within two
_PATIENCE: Final = 0.01
_SIZE_KEPT: Final = 256 * 1024 * 1024


class Checkpoints:
    """Checkpoints of the database that `writing` writes under `lock`, on a connection of their own; for any thread."""

    def __init__(self, path: Path, writing: Connection, lock: Lock) -> None:
        self._writing = writing
        self._lock = lock
        settings = ("synchronous = FULL", f"journal_size_limit = {_SIZE_KEPT}")
        self._own = Connection(path, busy=_PATIENCE, settings=settings)
        self._making = Lock()
        self._done = 0
        self._owing = False  # whether the log may still hold what was erased

    @property
    def pending(self) -> int:
        """How many rows were changed since the last checkpoint."""
        return self._writing.changes() - self._done

    def make(self, at_least: int = WORTH_IT) -> None:
        """Copy the log into the file if so many rows were changed; at once a no-op if another thread is at it.

        A log that could not be emptied of what was erased is emptied now.
        """
        owing = self._owing
        if not (owing or self.pending >= at_least) or not self._making.acquire(blocking=False):
            return
        try:
            self._make("TRUNCATE" if owing else "RESTART")
        finally:
            self._making.release()

    def _make(self, how: str) -> None:
        """Most of it while commits go on, and the little that they added meanwhile while they wait.

        Only a log that was copied whole is written again from its start, so without the second step it would grow for
        as long as the server is busy. It keeps its size: commits are cheaper where they need not extend a file.
        """
        self._own.rows("PRAGMA wal_checkpoint(PASSIVE)")
        with self._lock:
            changed = self._writing.changes()
            [(busy, _, _)] = self._own.rows(f"PRAGMA wal_checkpoint({how})")
            if not busy:
                self._done = changed
                self._owing = self._owing and how != "TRUNCATE"

    def empty(self, seconds: float = SCRUB_SECONDS) -> None:
        """Copy the log and cut it to nothing, since PASSIVE and FULL leave what was erased in it.

        Raises StoreBusyErasing if readers are in the way for `seconds`; then the next checkpoint tries again.
        """
        deadline = time.monotonic() + seconds
        self._owing = True
        while True:
            with self._making:
                self._make("TRUNCATE")
            if not self._owing:
                return
            if time.monotonic() > deadline:
                raise StoreBusyErasing(self._own.path)

    def close(self) -> None:
        """Close the connection, after a checkpoint that is being made; idempotent."""
        with self._making:
            self._own.close()
