"""The store on SQLite: one writing connection, one that checkpoints, a pool that reads."""

from collections.abc import Callable
from datetime import UTC, datetime
from threading import Lock
from types import TracebackType
from typing import Final

from sqlalchemy import func, insert, select

from agenda.domain.audit import Head
from agenda.storage.checkpoints import TOO_MANY, Checkpoints
from agenda.storage.compiled import Query, Statement
from agenda.storage.folder import DataFolder
from agenda.storage.reader import LONGEST_SECONDS, Pool, SqlReader
from agenda.storage.schema import ERASURE, WRITER, to_seconds
from agenda.storage.sqlite import BUSY_SECONDS, WRITER_SETTINGS, Connection
from agenda.storage.tidy import Tidier
from agenda.storage.transaction import Memory, SqliteTransaction, utc_now
from agenda.storage.userlogs import UserLogs

_LAST_WRITER: Final = Query(select(func.max(WRITER.c.writer)))
_ADD_WRITER: Final = Statement(insert(WRITER))
_ERASED: Final = Query(select(ERASURE.c.user).order_by(ERASURE.c.at))


class Batch:
    """`Store.begin()`: holds the writing connection from the beginning of the block to its end."""

    def __init__(self, connection: Connection, lock: Lock, memory: Memory, clock: Callable[[], datetime]) -> None:
        self._connection = connection
        self._lock = lock
        self._memory = memory
        self._clock = clock

    def __enter__(self) -> SqliteTransaction:
        self._lock.acquire()
        try:
            self._connection.run("BEGIN IMMEDIATE")
        except BaseException:
            self._lock.release()
            raise
        return SqliteTransaction(self._connection, self._memory, self._clock)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self._connection.run("COMMIT")
            else:
                self._undo()
        except BaseException:
            self._undo()
            raise
        finally:
            self._lock.release()

    def _undo(self) -> None:
        self._connection.undo()
        self._memory.forget()


class SqliteStore:
    """The engine's port `Store`, on a database that exists (agenda.storage.open makes one)."""

    lone_writer: Final = True

    def __init__(
        self,
        folder: DataFolder,
        *,
        busy: float = BUSY_SECONDS,
        longest: float = LONGEST_SECONDS,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        path = folder.database
        self._folder = folder
        self._clock = clock
        self._lock = Lock()
        self._memory = Memory()
        self._writing = Connection(path, busy=busy, settings=WRITER_SETTINGS)
        self._checkpoints = Checkpoints(path, self._writing, self._lock)
        self._pool = Pool(path, busy, longest)
        self._tidier = Tidier()
        self._list_erased()

    def reader(self) -> SqlReader:
        return SqlReader(self._pool)

    def feed(self) -> None:
        """There is no other node."""

    def user_logs(self) -> UserLogs:
        """The users' readable logs, to be started and stopped by whoever asks."""
        return UserLogs(self._folder, self._pool)

    def open_writer(self) -> Head:
        with self.begin():
            [(last,)] = _LAST_WRITER.rows(self._writing)
            head = Head((last or 0) + 1)
            _ADD_WRITER.run(self._writing, (head.writer, head.seq, head.hash, 1, to_seconds(datetime.now(UTC))))
        return head

    def begin(self) -> Batch:
        if self._checkpoints.pending > TOO_MANY:
            self._checkpoints.make(TOO_MANY)
        return Batch(self._writing, self._lock, self._memory, self._clock)

    def scrub(self) -> None:
        with self._lock:
            self._list_erased()
        self._checkpoints.empty()

    def _list_erased(self) -> None:
        self._folder.remember_erased(user.hex() for (user,) in _ERASED.rows(self._writing))

    def tidy(self, now: datetime) -> None:
        with self.begin():
            self._tidier.tidy(self._writing, now)

    def checkpoint(self) -> None:
        self._checkpoints.make()

    def close(self) -> None:
        self._pool.close()
        self._checkpoints.close()
        with self._lock:
            self._writing.close()
        self._folder.release()
