"""All that is PostgreSQL's own about a connection: its settings, its deadline, its errors."""

import logging
import select
import socket
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from threading import Event, Lock, Thread
from time import monotonic
from typing import Any, Final

import psycopg
from psycopg import errors as pg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.types.numeric import Int8Dumper
from psycopg.types.string import StrDumper

from agenda.engine.ports import StoreConflict
from agenda.storage.connection import Row
from agenda.storage.errors import StoreAway, StoreBroken, StoreFull, StoreLocked, StoreProblem, StoreRefused, StoreSlow

# What the address may change. Several hosts are tried in turn; the one that takes writes is the primary.
DEFAULTS: Final[dict[str, str]] = {
    "connect_timeout": "3",
    "target_session_attrs": "read-write",
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "3",
    "tcp_user_timeout": "10000",
    "application_name": "agenda",
}
# A node that stands still within a transaction must not hold its locks for longer than others wait for them.
LOCK_SECONDS: Final = 5
IDLE_SECONDS: Final = 3
BATCH_SECONDS: Final = 10.0
QUESTION_SECONDS: Final = 2.0

# Statements go by key; what the planner thinks of tables that were empty a minute ago must not matter.
BY_KEY: Final = "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET jit = off"
WRITER_SETTINGS: Final = (
    f"{BY_KEY}; SET plan_cache_mode = force_generic_plan; SET lock_timeout = '{LOCK_SECONDS}s';"
    f"SET idle_in_transaction_session_timeout = '{IDLE_SECONDS}s'"
)
READER_SETTINGS: Final = (
    f"{BY_KEY}; SET default_transaction_read_only = on; SET statement_timeout = '{QUESTION_SECONDS:.0f}s';"
    f"SET idle_in_transaction_session_timeout = '{IDLE_SECONDS}s'"
)

# It says in the log what it raises as well.
logging.getLogger("psycopg").setLevel(logging.CRITICAL)

# One type for each kind of value, so that a statement is prepared once.
ONE_TYPE_EACH: Final[dict[type, Any]] = {int: Int8Dumper, str: StrDumper}

# Each failover begins a new one; the first eight digits of a file of the log are its number.
_TIMELINE: Final = "SELECT pg_walfile_name(pg_current_wal_lsn())"

_GONE: Final = (
    *(pg.AdminShutdown, pg.CrashShutdown, pg.CannotConnectNow),
    *(pg.ReadOnlySqlTransaction, pg.IdleInTransactionSessionTimeout),
)
_REFUSED: Final = (
    *(pg.InvalidAuthorizationSpecification, pg.InvalidCatalogName, pg.InsufficientPrivilege),
    *(pg.FeatureNotSupported, pg.UndefinedFile),
)
_AGAIN: Final = (pg.DeadlockDetected, pg.SerializationFailure)
_FULL: Final = (pg.DiskFull, pg.OutOfMemory)


def full_address(url: str) -> str:
    """The address with our defaults for what it leaves open. Raises StoreRefused if it is not one."""
    try:
        given = conninfo_to_dict(url)
    except psycopg.ProgrammingError as error:
        raise StoreRefused("", str(error).strip()) from error
    return make_conninfo("", **{**DEFAULTS, **given})


def shown(url: str) -> str:
    """The address without what is secret, for logs and for the operator."""
    try:
        given = conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        return "postgresql"
    hosts = str(given.get("host") or given.get("hostaddr") or "localhost").split(",")
    ports = str(given.get("port") or "5432").split(",")
    places = ",".join(f"{host}:{ports[min(n, len(ports) - 1)]}" for n, host in enumerate(hosts))
    return f"postgresql://{places}/{given.get('dbname') or ''}"


def translated(error: psycopg.Error, place: str, *, broken: bool) -> Exception:
    """What the port promises instead of a driver's error; the error itself if it is a defect of the program.

    `broken` tells that the connection cannot be used any more.
    """
    if isinstance(error, pg.IntegrityError):
        return StoreConflict(error.diag.constraint_name or type(error).__name__)
    if isinstance(error, _AGAIN):
        return StoreConflict(type(error).__name__)
    if isinstance(error, _REFUSED):
        return StoreRefused(place, str(error).strip())
    if isinstance(error, pg.NumericValueOutOfRange):
        return OverflowError(str(error).strip())
    problem: type[StoreProblem] | None = None
    if isinstance(error, pg.LockNotAvailable):
        problem = StoreLocked
    elif isinstance(error, pg.QueryCanceled):
        problem = StoreSlow
    elif isinstance(error, _FULL):
        problem = StoreFull
    elif broken or isinstance(error, _GONE):
        problem = StoreBroken
    elif isinstance(error, psycopg.OperationalError):
        problem = StoreAway
    return error if problem is None else problem(place)


class Guard:
    """One thread that closes the sockets of connections whose deadline has passed.

    A statement is never cancelled: a cancelled commit that waits for its standby would say that it is done.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._watched: set[Connection] = set()
        self._done = Event()
        self._thread = Thread(target=self._run, name="deadlines", daemon=True)
        self._thread.start()

    @contextmanager
    def watching(self, connection: "Connection", seconds: float) -> Iterator[None]:
        """Cut the connection off if the block takes longer."""
        connection.deadline = monotonic() + seconds
        with self._lock:
            self._watched.add(connection)
        try:
            yield
        finally:
            with self._lock:
                self._watched.discard(connection)

    def close(self) -> None:
        """Cut off what is still at work, and end."""
        self._done.set()
        self._thread.join()

    def _run(self) -> None:
        going = True
        while going:
            going = not self._done.wait(0.2)
            now = monotonic()
            with self._lock:
                for connection in self._watched:
                    if connection.deadline < now or not going:
                        connection.cut_off()


class Connection:
    """A connection for one thread at a time, in autocommit mode: transactions are begun and ended in words.

    Every method raises StoreUnavailable for what the environment does (StoreLost if the connection broke),
    StoreConflict for what a constraint refuses, and lets errors that are defects pass.
    """

    engine: Final = "postgresql"

    def __init__(self, url: str, settings: str = "") -> None:
        """Connect. Raises StoreAway, StoreRefused."""
        self.place = shown(url)
        self.deadline = 0.0
        try:
            self.raw = psycopg.connect(full_address(url), autocommit=True, prepare_threshold=1)
        except psycopg.Error as error:
            replacement = translated(error, self.place, broken=False)
            raise (replacement if replacement is not error else StoreAway(self.place)) from error
        self._socket = socket.socket(fileno=socket.dup(self.raw.fileno()))
        for kind, dumper in ONE_TYPE_EACH.items():
            self.raw.adapters.register_dumper(kind, dumper)
        self._cursor = self.raw.cursor(binary=True)
        self.timeline = 0
        try:
            if settings:
                self.raw.execute(settings)
            self.timeline = int(self.rows(_TIMELINE)[0][0][:8], 16)
        except psycopg.Error as error:
            self.close()
            raise StoreAway(self.place) from error
        except BaseException:
            self.close()
            raise

    @property
    def broken(self) -> bool:
        """Whether it can never be used again; the server says nothing to a client that asks nothing but goodbye."""
        if self.raw.closed:
            return True
        readable, _, _ = select.select([self.raw.fileno()], [], [], 0)
        return bool(readable)

    @contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except psycopg.Error as error:
            replacement = translated(error, self.place, broken=self.raw.closed)
            if replacement is error:
                raise
            raise replacement from error

    def run(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Execute one statement that gives no rows; the number of rows it changed."""
        with self._failing():
            return self._cursor.execute(sql, values or None).rowcount

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        """All rows of one statement."""
        with self._failing():
            return self._cursor.execute(sql, values or None).fetchall()

    def row(self, sql: str, values: Sequence[Any] = ()) -> Row | None:
        """The first row of one statement."""
        rows = self.rows(sql, values)
        return rows[0] if rows else None

    def each(self, sql: str, rows: Iterable[Sequence[Any]]) -> int:
        """Execute one statement for each row of values; the number of rows changed in all."""
        listed = list(rows)
        if not listed:
            return 0
        with self._failing():
            self._cursor.executemany(sql, listed)
            return self._cursor.rowcount

    @contextmanager
    def together(self) -> Iterator[None]:
        """Send the statements of the block without waiting for each; the first error is raised at its end."""
        with self._failing(), self.raw.pipeline():
            yield

    def send(self, sql: str, values: Sequence[Any] = ()) -> "psycopg.Cursor[Row]":
        """Within `together`: a statement whose result is read from the cursor when the block has ended."""
        with self._failing():
            return self.raw.cursor(binary=True).execute(sql, values or None)

    def undo(self) -> None:
        """Roll back whatever is open; never raises: a connection that cannot is broken, and the server rolls back."""
        with suppress(psycopg.Error):
            if self.raw.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
                self.raw.execute("ROLLBACK")

    def cut_off(self) -> None:
        """Close the socket under whatever is being waited for; any thread."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close; idempotent."""
        with suppress(psycopg.Error):
            self.raw.close()
        self._socket.close()
