"""Where connections to PostgreSQL come from: the server that takes writes now, and a pool for questions."""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Lock
from typing import Final

from agenda.engine.ports import StoreUnavailable
from agenda.storage.deadlines import Guard
from agenda.storage.errors import StoreAway, StoreClosed
from agenda.storage.postgres import ANSWER_SECONDS, READER_SETTINGS, Connection
from agenda.storage.postgres_address import each_host, shown
from agenda.storage.postgres_database import admit

_AT_WORK: Final = "SELECT count(*) FROM pg_stat_activity WHERE pid = $1 AND state = 'active'"


class Primary:
    """Opens connections to the server that takes writes now; one to a server that was replaced is refused.

    A server that was cut off may go on believing that it is the primary, for some seconds after another took over.
    """

    def __init__(self, url: str, guard: Guard) -> None:
        self._url = url
        self._guard = guard
        self._lock = Lock()
        self._timeline = 0
        self.place = shown(url)

    def connect(self, settings: str, *, after: int = 0) -> Connection:
        """Raises StoreUnavailable, also as long as the server's process `after` is at work or waits for a standby.

        It may commit yet. And else each try to write would leave another such process behind, until the server takes no
        connections any more.
        """
        connection = self._connected(self._url, settings)
        if self.replaced(connection):
            connection.close()
            connection = self._elsewhere(settings)
        try:
            with self._guard.watching(connection, ANSWER_SECONDS):
                waits = after and connection.rows(_AT_WORK, (after,)) != [(0,)]
        except BaseException:
            connection.close()
            raise
        if waits:
            connection.close()
            raise StoreAway(self.place)
        return connection

    def _connected(self, url: str, settings: str) -> Connection:
        connection = Connection(url, settings, self._guard)
        try:
            with self._guard.watching(connection, ANSWER_SECONDS):
                admit(connection)
        except BaseException:
            connection.close()
            raise
        with self._lock:
            self._timeline = max(self._timeline, connection.timeline)
        return connection

    def _elsewhere(self, settings: str) -> Connection:
        """A connection to a host behind the first that takes writes, which was replaced and does not know it yet."""
        for url in each_host(self._url):
            with suppress(StoreUnavailable):
                connection = self._connected(url, settings)
                if not self.replaced(connection):
                    return connection
                connection.close()
        raise StoreAway(self.place)

    def replaced(self, connection: Connection) -> bool:
        """Whether a later primary is known."""
        return connection.timeline < self._timeline


class Pool:
    """Connections for questions, as many as are in use at once."""

    def __init__(self, primary: Primary, guard: Guard) -> None:
        self._primary = primary
        self._guard = guard
        self._idle: deque[Connection] = deque()
        self._closed = Event()

    def _take(self) -> Connection:
        if self._closed.is_set():
            raise StoreClosed(self._primary.place)
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                return self._primary.connect(READER_SETTINGS)
            if not connection.broken and not self._primary.replaced(connection):
                return connection
            connection.close()

    @contextmanager
    def connection(self, seconds: float | None = None) -> Iterator[Connection]:
        """One for the caller alone; its statements must end within the time limit, and the block in so many seconds."""
        connection = self._take()
        try:
            with self._guard.watching(connection, seconds or ANSWER_SECONDS):
                yield connection
                connection.undo()
        except BaseException:
            connection.close()
            raise
        self._idle.append(connection)
        if self._closed.is_set():
            self.close()

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """The same, and all its statements see one state of the store."""
        with self.connection() as connection:
            connection.run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield connection

    def close(self) -> None:
        """Close those that are idle now, and those in use as soon as they are given back."""
        self._closed.set()
        while self._idle:
            with suppress(IndexError):
                self._idle.pop().close()
