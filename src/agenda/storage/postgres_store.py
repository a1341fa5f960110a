"""The store on PostgreSQL: one writing connection, a pool that asks, and the feed of what other nodes did."""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from threading import Event, Lock
from typing import Final

from sqlalchemy import bindparam, insert, select, tuple_, update

from agenda.domain.audit import ZERO, Head
from agenda.domain.model import Catalogue, RequestId
from agenda.engine.ports import Gone, StoreUnavailable
from agenda.storage import statements as sql
from agenda.storage.errors import StoreAway, StoreClosed
from agenda.storage.postgres import (
    ANSWER_SECONDS,
    BATCH_SECONDS,
    READER_SETTINGS,
    WRITER_SETTINGS,
    Connection,
    Guard,
    shown,
)
from agenda.storage.postgres_database import check, prepare
from agenda.storage.postgres_feed import PostgresFeed
from agenda.storage.postgres_transaction import Numbers, PostgresTransaction
from agenda.storage.reader import ERASURES_ANSWERED, SqlReader
from agenda.storage.rows import gone_of
from agenda.storage.schema import AUDIT, ERASURE, WRITER, Id, to_seconds
from agenda.storage.tidy import Tidier

_NEXT_WRITER: Final = "SELECT nextval('writer_number')"
_ADD_WRITER: Final = sql.Statement(insert(WRITER))
_TIDY_ALONE: Final = "SELECT pg_try_advisory_xact_lock(1634231, 2)"
_STILL_COMMITS: Final = "SELECT count(*) FROM pg_stat_activity WHERE pid = $1 AND wait_event = 'SyncRep'"
# Not only read, since what is answered again must be as durable as when it was first answered.
_GONE: Final = sql.Query(
    update(ERASURE)
    .values(at=ERASURE.c.at)
    .where(ERASURE.c.request == bindparam("wanted"), ERASURE.c.at > bindparam("since"))
    .returning(*ERASURE.columns)
)
_PLACE: Final = select(AUDIT.c.at).where(AUDIT.c.writer == bindparam("writer"), AUDIT.c.seq == bindparam("seq"))
# Newest first. Entries of one second are in the order of their nodes.
_AUDIT: Final = sql.Query(
    select(AUDIT)
    .where(
        AUDIT.c.user == bindparam("wanted", type_=Id()),
        tuple_(AUDIT.c.at, AUDIT.c.writer, AUDIT.c.seq)
        < tuple_(sql.instant_or_end(_PLACE.scalar_subquery()), bindparam("writer"), bindparam("seq")),
    )
    .order_by(AUDIT.c.at.desc(), AUDIT.c.writer.desc(), AUDIT.c.seq.desc())
    .limit(bindparam("most"))
)


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
        """Raises StoreUnavailable, also as long as the server's process `after` waits with its commit for a standby.

        Else each try to write would leave another such process behind, until the server takes no connections any more.
        """
        connection = Connection(self._url, settings, self._guard)
        try:
            with self._guard.watching(connection, ANSWER_SECONDS):
                check(connection)
                waits = after and connection.rows(_STILL_COMMITS, (after,)) != [(0,)]
            with self._lock:
                self._timeline = max(self._timeline, connection.timeline)
        except BaseException:
            connection.close()
            raise
        if waits or self.replaced(connection):
            connection.close()
            raise StoreAway(self.place)
        return connection

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
    def connection(self, seconds: float = ANSWER_SECONDS) -> Iterator[Connection]:
        """One for the caller alone; its statements must end within the time limit, and the block in so many seconds."""
        connection = self._take()
        try:
            with self._guard.watching(connection, seconds):
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


class PostgresReader(SqlReader):
    """The engine's port `Reader`."""

    _audit = _AUDIT
    _pool: Pool

    def gone(self, request: RequestId) -> list[Gone]:
        since = to_seconds(datetime.now(UTC) - ERASURES_ANSWERED)
        with self._pool.connection(BATCH_SECONDS) as connection:
            connection.run("BEGIN READ WRITE")
            rows = _GONE.rows(connection, wanted=request, since=since)
            connection.run("SET LOCAL statement_timeout = 0")  # a commit is never cancelled
            connection.commit()
        return [gone_of(row) for row in rows]


class PostgresStore:
    """The engine's port `Store`, at an address of one or several hosts."""

    lone_writer: Final = False

    def __init__(self, url: str, first: Callable[[], Catalogue]) -> None:
        """Raises StoreUnavailable, with what is wrong; an empty database gets one that offers what `first` returns."""
        prepare(url, first)
        self.numbers = Numbers()
        self.writer = 0
        self._guard = Guard()
        self._primary = Primary(url, self._guard)
        self._lock = Lock()
        self._writing: Connection | None = None
        self._former = 0
        self._closed = False
        self._pool = Pool(self._primary, self._guard)
        self._tidier = Tidier()

    def reader(self) -> PostgresReader:
        return PostgresReader(self._pool)

    def feed(self) -> PostgresFeed:
        return PostgresFeed(self._primary, self._guard)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """The writing connection, for one thread at a time; a block that takes too long finds it cut off."""
        with self._lock:
            if self._closed:
                raise StoreClosed(self._primary.place)
            if self._writing is None or self._writing.broken or self._primary.replaced(self._writing):
                self._let_go()
                self._writing = self._primary.connect(WRITER_SETTINGS, after=self._former)
            try:
                with self._guard.watching(self._writing, BATCH_SECONDS):
                    yield self._writing
            except StoreUnavailable:
                self._let_go()
                raise

    def _let_go(self) -> None:
        """Close the writing connection. Its numbers go with it: a server may forget those that were not committed."""
        if self._writing is not None:
            self._former = self._writing.process
            self._writing.close()
            self._writing = None
            self.numbers = Numbers()

    def open_writer(self) -> Head:
        with self.writing() as connection:
            [(writer,)] = connection.rows(_NEXT_WRITER)
            _ADD_WRITER.run(connection, (writer, 0, ZERO, 1, to_seconds(datetime.now(UTC))))
            self.writer = writer
        return Head(writer)

    @contextmanager
    def begin(self) -> Iterator[PostgresTransaction]:
        with self.writing() as connection:
            connection.begin()
            try:
                yield PostgresTransaction(connection, self.numbers, self.writer)
                connection.commit()
            except BaseException:
                connection.undo()
                raise

    def scrub(self) -> None:
        """Nothing here can be done at once: dead pages, the log and its archives age out (docs/deployment.md)."""

    def tidy(self, now: datetime) -> None:
        with self.writing() as connection:
            connection.run("BEGIN")
            try:
                [(alone,)] = connection.rows(_TIDY_ALONE)
                if alone:
                    self._tidier.tidy(connection, now)
                connection.commit()
            except BaseException:
                connection.undo()
                raise

    def checkpoint(self) -> None:
        """PostgreSQL sees to it."""

    def close(self) -> None:
        self._closed = True
        self._guard.close()
        self._pool.close()
        with self._lock:
            self._let_go()
