"""The store on PostgreSQL: one writing connection, a pool that asks, and the feed of what other nodes did."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Lock
from typing import Final

from sqlalchemy import bindparam, insert, literal_column, select, tuple_, update

from agenda.domain.audit import ZERO, Head
from agenda.domain.model import Catalogue, RequestId
from agenda.engine.ports import Gone, StoreUnavailable
from agenda.storage import statements as sql
from agenda.storage.compiled import Query, Statement
from agenda.storage.deadlines import Guard
from agenda.storage.errors import StoreClosed
from agenda.storage.postgres import BATCH_SECONDS, WRITER_SETTINGS, Connection
from agenda.storage.postgres_database import admit, prepare
from agenda.storage.postgres_feed import PostgresFeed
from agenda.storage.postgres_pool import Pool, Primary
from agenda.storage.postgres_transaction import Numbers, PostgresTransaction
from agenda.storage.reader import ERASURES_ANSWERED, SqlReader
from agenda.storage.rows import gone_of
from agenda.storage.schema import AUDIT, ERASURE, WRITER, Id, to_seconds
from agenda.storage.tidy import Tidier

# So many entries of this node are few enough for any plan, and so many enough for autovacuum to have come by.
FEW: Final = 200
MANY: Final = 100_000
COUNTING_SECONDS: Final = 10

# How many entries the planner thinks that there are; -1 before it was told for the first time.
_COUNTED: Final = "SELECT reltuples::int8 FROM pg_class WHERE oid = 'audit'::regclass"

_NEXT_WRITER: Final = "SELECT nextval('writer_number')"
_ADD_WRITER: Final = Statement(insert(WRITER))
_TIDY_ALONE: Final = "SELECT pg_try_advisory_xact_lock(1634231, 2)"
# Not only read, since what is answered again must be as durable as when it was first answered.
_ANSWERED: Final = f"interval '{ERASURES_ANSWERED.total_seconds():.0f} seconds'"
_GONE: Final = Query(
    update(ERASURE)
    .values(at=ERASURE.c.at)
    .where(ERASURE.c.request == bindparam("wanted"), ERASURE.c.at > literal_column(f"now() - {_ANSWERED}"))
    .returning(*ERASURE.columns)
)
_PLACE: Final = select(AUDIT.c.at).where(AUDIT.c.writer == bindparam("writer"), AUDIT.c.seq == bindparam("seq"))
# Newest first. Entries of one second are in the order of their nodes.
_AUDIT: Final = Query(
    select(AUDIT)
    .where(
        AUDIT.c.user == bindparam("wanted", type_=Id()),
        tuple_(AUDIT.c.at, AUDIT.c.writer, AUDIT.c.seq)
        < tuple_(sql.instant_or_end(_PLACE.scalar_subquery()), bindparam("writer"), bindparam("seq")),
    )
    .order_by(AUDIT.c.at.desc(), AUDIT.c.writer.desc(), AUDIT.c.seq.desc())
    .limit(bindparam("most"))
)


class PostgresReader(SqlReader):
    """The engine's port `Reader`."""

    _audit = _AUDIT
    _pool: Pool

    def gone(self, request: RequestId) -> list[Gone]:
        with self._pool.connection(BATCH_SECONDS) as connection:
            connection.run("BEGIN READ WRITE")
            rows = _GONE.rows(connection, wanted=request)
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
        self._unknown = FEW
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
        with self._transaction() as connection:
            [(writer,)] = connection.rows(_NEXT_WRITER)
            _ADD_WRITER.run(connection, (writer, 0, ZERO, 1, to_seconds(datetime.now(UTC))))
            admit(connection)  # that had to wait for a move of the agenda to its end
        self.writer = writer
        return Head(writer)

    @contextmanager
    def begin(self) -> Iterator[PostgresTransaction]:
        with self._transaction() as connection:
            yield PostgresTransaction(connection, self.numbers, self.writer)

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        """The writing connection in a transaction, which is committed when the block ends, and undone if it raises."""
        with self.writing() as connection:
            connection.begin()
            try:
                yield connection
                connection.commit()
            except BaseException:
                connection.undo()
                raise

    def scrub(self) -> None:
        """Nothing here can be done at once: dead pages, the log and its archives age out (docs/deployment.md)."""

    def tidy(self, now: datetime) -> None:
        with self._transaction() as connection:
            [(alone,)] = connection.rows(_TIDY_ALONE)
            if alone:
                self._tidier.tidy(connection, now)

    def checkpoint(self) -> None:
        """Tell the planner that there are many rows now, within the minute that autovacuum takes to notice.

        Until it knows, it may look for the claims of a seat in the index of the constraint, which reads all of them.
        """
        written = self.numbers.written
        if written < self._unknown or written > MANY:
            return
        self._unknown = 2 * written
        connection = self._primary.connect(f"SET statement_timeout = '{COUNTING_SECONDS}s'")
        try:
            with self._guard.watching(connection, 2 * COUNTING_SECONDS):
                [(counted,)] = connection.rows(_COUNTED)
                if counted < written:
                    connection.run("ANALYZE claim, booking, request, audit")
        finally:
            connection.close()

    def close(self) -> None:
        self._closed = True
        self._guard.close()
        self._pool.close()
        with self._lock:
            self._let_go()
