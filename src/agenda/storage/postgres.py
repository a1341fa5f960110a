"""All that is PostgreSQL's own about a connection: its settings, how statements get there and rows come back."""

import logging
import socket
from binascii import hexlify
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from selectors import EVENT_READ, DefaultSelector
from typing import Any, Final

import psycopg
from psycopg import errors as pg
from psycopg.adapt import Transformer
from psycopg.pq import ExecStatus, TransactionStatus
from psycopg.pq.abc import PGresult

from agenda.storage.connection import Row
from agenda.storage.deadlines import Guard
from agenda.storage.errors import StoreAway, StoreBroken
from agenda.storage.postgres_address import full_address, shown
from agenda.storage.postgres_errors import translated, unreachable

# A node that stands still within a transaction must not hold its locks for longer than others wait for them.
LOCK_SECONDS: Final = 5
IDLE_SECONDS: Final = 3
# More than a lock takes, and little enough that clients, who wait for 10 s, hear of a database that has fallen silent.
BATCH_SECONDS: Final = 6.0
QUESTION_SECONDS: Final = 2.0
# For one that has several statements, and for a server that does not even refuse.
ANSWER_SECONDS: Final = 4.0

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

Call = tuple[str, Sequence[Any]]

BINARY: Final = 1
_DONE: Final = (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK)

# Each failover begins a new one; the first eight digits of a file of the log are its number.
_TIMELINE: Final = "SELECT pg_walfile_name(pg_current_wal_lsn())"


class Connection:
    """A connection for one thread at a time, in autocommit mode: transactions are begun and ended in words.

    Statements go to libpq as they are, prepared once, values in words and results in binary: the driver's cursors cost
    several times as much. Every method raises StoreUnavailable for what the environment does (StoreLost if the
    connection broke), StoreConflict for what a constraint refuses, and lets errors that are defects pass.
    """

    engine: Final = "postgresql"

    def __init__(self, url: str, settings: str = "", guard: Guard | None = None) -> None:
        """Connect, without waiting for ever if there is a guard. Raises StoreAway, StoreRefused, StoreAddress."""
        self.place = shown(url)
        self.deadline = 0.0
        try:
            self.raw = psycopg.connect(full_address(url), autocommit=True)
        except psycopg.Error as error:
            raise unreachable(error, self.place) from error
        self._line = self.raw.pgconn
        self._line.nonblocking = 0
        self.process = self._line.backend_pid  # the server's, which may outlive the connection
        self._socket = socket.socket(fileno=socket.dup(self._line.socket))
        self._ears = DefaultSelector()
        self._ears.register(self._socket, EVENT_READ)
        self._names: dict[str, bytes] = {}
        self._loader = Transformer(self.raw)
        self._warned = False
        self._beginning = ""
        self._ending: list[Call] = []
        self.raw.add_notice_handler(self._heed)
        try:
            with guard.watching(self, ANSWER_SECONDS) if guard else nullcontext():
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
        try:
            self._socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            pass
        return True

    def begin(self, words: str = "BEGIN") -> None:
        """Begin a transaction, together with the next statement."""
        self._beginning = words

    def end(self, calls: Iterable[Call]) -> None:
        """Execute statements together with `commit`, which must be the next call; nobody learns their results."""
        self._ending += calls

    def run(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Execute one statement that gives no rows; the number of rows it changed."""
        return self._execute(sql, values).command_tuples or 0

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        """All rows of one statement."""
        return self._loaded(self._execute(sql, values))

    def row(self, sql: str, values: Sequence[Any] = ()) -> Row | None:
        """The first row of one statement."""
        rows = self.rows(sql, values)
        return rows[0] if rows else None

    def each(self, sql: str, rows: Iterable[Sequence[Any]]) -> int:
        """Execute one statement for each row of values; the number of rows changed in all."""
        return sum(changed for changed, _ in self.together([(sql, row) for row in rows]))

    def together(self, calls: Sequence[Call]) -> list[tuple[int, list[Row]]]:
        """Execute statements in one go; for each, how many rows it changed or gave, and those that it gave.

        They should give few rows. Raises the first error; what came after it was not executed.
        """
        self._refuse_after_end()
        if self._beginning:
            begin, self._beginning = self._beginning, ""
            return self.together([(begin, ()), *calls])[1:]
        asked = [(sql, list(map(_in_words, values))) for sql, values in calls]
        with self._failing():
            self._line.enter_pipeline_mode()
            try:
                prepared = self._send(asked)
                results = [self._next_result() for _ in prepared]
                self._next_result()  # the end of them
            finally:
                if not self.raw.closed:
                    self._line.exit_pipeline_mode()
            for new, result in zip(prepared, results, strict=True):
                _check(result)
                self._names.update(new)
        given = [result for new, result in zip(prepared, results, strict=True) if not new]
        return [(result.command_tuples or 0, self._loaded(result)) for result in given]

    def _send(self, calls: Sequence[tuple[str, list[Any]]]) -> list[dict[str, bytes]]:
        """Put statements into the pipeline; for each result to come the name that a statement then has, or nothing."""
        line, fresh, expected = self._line, dict[str, bytes](), list[dict[str, bytes]]()
        for sql, values in calls:
            if sql not in self._names and sql not in fresh:
                fresh[sql] = b"s%d" % (len(self._names) + len(fresh))
                line.send_prepare(fresh[sql], sql.encode())
                expected.append({sql: fresh[sql]})
            line.send_query_prepared(self._names.get(sql) or fresh[sql], values, result_format=BINARY)
            expected.append({})
        line.pipeline_sync()
        return expected

    def commit(self) -> None:
        """Commit. Raises StoreBroken also if somebody made the server give up waiting for its standby.

        The server calls that a success, with a warning, although what was committed is on one machine only.
        """
        ending, self._ending = self._ending, []
        if self._beginning and not ending:
            self._beginning = ""
            return
        self._warned = False
        self.together([*ending, ("COMMIT", ())])
        if self._warned:
            raise StoreBroken(self.place)

    def undo(self) -> None:
        """Roll back whatever is open; never raises: a connection that cannot is broken, and the server rolls back."""
        self._beginning, self._ending = "", []
        with suppress(psycopg.Error):
            if self._line.transaction_status != TransactionStatus.IDLE:
                self._line.exec_(b"ROLLBACK")

    def hear(self) -> None:
        """Take note of what was told by NOTIFY, so that it is not kept; does not wait."""
        with self._failing():
            self._line.consume_input()
            while self._line.notifies() is not None:
                pass

    def cut_off(self) -> None:
        """Close the socket under whatever is being waited for; any thread."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close; idempotent."""
        with suppress(psycopg.Error):
            self.raw.close()
        self._ears.close()
        self._socket.close()

    def _refuse_after_end(self) -> None:
        """What comes after `end` would overtake it."""
        if self._ending:
            msg = "only commit or undo may follow end"
            raise RuntimeError(msg)

    def _heed(self, notice: psycopg.errors.Diagnostic) -> None:
        self._warned = self._warned or notice.severity_nonlocalized == "WARNING"

    def _prepared(self, sql: str) -> bytes:
        """The name under which the server knows the statement."""
        name = self._names.get(sql)
        if name is None:
            name = b"s%d" % len(self._names)
            with self._failing():
                _check(self._line.prepare(name, sql.encode()))
            self._names[sql] = name
        return name

    def _execute(self, sql: str, values: Sequence[Any]) -> PGresult:
        self._refuse_after_end()
        if self._beginning:
            self.together([])
        name = self._prepared(sql)
        with self._failing():
            words = [_in_words(value) for value in values]
            return _check(self._line.exec_prepared(name, words, result_format=BINARY))  # type: ignore[arg-type]  # None is NULL

    def _next_result(self) -> PGresult:
        """The next result of a pipeline, whose end is marked by one of its own and whose statements by None."""
        line = self._line
        for _ in range(2):
            while line.is_busy():  # else the driver would wait for it with all threads of the process standing still
                self._ears.select()
                line.consume_input()
            result = line.get_result()
            if result is not None:
                return result
        raise psycopg.OperationalError("the connection was closed")

    def _loaded(self, result: PGresult) -> list[Row]:
        if not result.ntuples:
            return []
        self._loader.set_pgresult(result)
        return self._loader.load_rows(0, result.ntuples, tuple)

    @contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except psycopg.Error as error:
            replacement = translated(error, self.place, broken=self.raw.closed)
            if replacement is error:
                raise
            raise replacement from error


def _in_words(value: Any) -> bytes | None:
    """A value as the server reads it; None is NULL."""
    if isinstance(value, str):
        if "\0" in value:
            raise psycopg.DataError("the server would read a text only up to its first NUL")
        return value.encode()
    if value is None:
        return None
    if isinstance(value, int):
        return b"%d" % value
    return b"\\x" + hexlify(value)


def _check(result: PGresult) -> PGresult:
    """The result, if it is one; else the error is raised."""
    if result.status in _DONE:
        return result
    raise pg.error_from_result(result)
