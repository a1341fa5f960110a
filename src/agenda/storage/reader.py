"""Questions that change nothing, on a pool of connections of their own, for any thread."""

from collections import deque
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any, Final, Protocol

from sqlalchemy import BindParameter, bindparam, func, select, tuple_

from agenda.domain.audit import AuditEntry
from agenda.domain.commands import Account
from agenda.domain.model import Booking, BookingId, Catalogue, RequestId, ResourceId, Status, UserId
from agenda.domain.times import Span
from agenda.engine.ports import Gone, Occupied, SignIn
from agenda.storage import statements as sql
from agenda.storage.catalogue import read_catalogue
from agenda.storage.compiled import Query
from agenda.storage.connection import Connection as AnyConnection
from agenda.storage.errors import StoreClosed
from agenda.storage.export import export_of
from agenda.storage.rows import account_of, booking_of, entry_of, gone_of, span_of
from agenda.storage.schema import ACCOUNT, AUDIT, BOOKING, CLAIM, ERASURE, SESSION, to_seconds
from agenda.storage.sqlite import BUSY_SECONDS, READER_SETTINGS, Connection

LONGEST_SECONDS: Final = 2.0

_WANTED: Final[BindParameter[Any]] = bindparam("wanted")
_SIGN_IN: Final = Query(
    select(*ACCOUNT.columns, SESSION.c.language)
    .select_from(SESSION.join(ACCOUNT, ACCOUNT.c.id == SESSION.c.user))
    .where(SESSION.c.token_hash == _WANTED)
)
_ACCOUNT_BY_NAME: Final = Query(select(ACCOUNT).where(ACCOUNT.c.name == _WANTED))
_ACCOUNT: Final = Query(select(ACCOUNT).where(ACCOUNT.c.id == _WANTED))
_LAST_SEAT: Final = Query(select(func.max(CLAIM.c.seat)).where(CLAIM.c.resource == _WANTED))
_MINE: Final = select(BOOKING).where(BOOKING.c.user == _WANTED).order_by(BOOKING.c.starts, BOOKING.c.id)
_BOOKINGS: Final = Query(_MINE)
_BOOKINGS_OF_STATUS: Final = Query(_MINE.where(BOOKING.c.status == bindparam("status")))
_GONE: Final = Query(select(ERASURE).where(ERASURE.c.request == _WANTED, ERASURE.c.at > bindparam("since")))
# Newest first: writers are numbered in the order in which they started.
_AUDIT: Final = Query(
    select(AUDIT)
    .where(
        AUDIT.c.user == _WANTED,
        tuple_(AUDIT.c.writer, AUDIT.c.seq) < tuple_(bindparam("writer"), bindparam("seq")),
    )
    .order_by(AUDIT.c.writer.desc(), AUDIT.c.seq.desc())
    .limit(bindparam("most"))
)
ERASURES_ANSWERED: Final = timedelta(hours=24)
_AFTER_ALL: Final = (2**63 - 1, 0)


class Questions(Protocol):
    """Where connections for questions come from; each is for the caller alone."""

    def connection(self) -> AbstractContextManager[AnyConnection]:
        """One whose statements must end within the time limit."""

    def snapshot(self) -> AbstractContextManager[AnyConnection]:
        """The same, and all its statements see one state of the store."""


class Pool:
    """Connections that only read, as many as are in use at once; closed ones are not given out again."""

    def __init__(self, path: Path, busy: float = BUSY_SECONDS, longest: float = LONGEST_SECONDS) -> None:
        self._path = path
        self._busy = busy
        self._longest = longest
        self._idle: deque[Connection] = deque()
        self._closed = Event()

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """One for the caller alone; its statements must end within the time limit."""
        if self._closed.is_set():
            raise StoreClosed(self._path)
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = Connection(self._path, busy=self._busy, read_only=True, settings=READER_SETTINGS)
        connection.limit(self._longest)
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        connection.undo()
        self._idle.append(connection)
        if self._closed.is_set():
            self.close()

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """The same, and all its statements see one state of the store."""
        with self.connection() as connection:
            connection.run("BEGIN")
            yield connection

    def close(self) -> None:
        """Close those that are idle now, and those in use as soon as they are given back."""
        self._closed.set()
        while self._idle:
            self._idle.pop().close()


class SqlReader:
    """The engine's port `Reader`, on connections of either engine."""

    _audit = _AUDIT

    def __init__(self, pool: Questions) -> None:
        self._pool = pool

    def catalogue(self) -> Catalogue:
        with self._pool.snapshot() as connection:
            return read_catalogue(connection)

    def sign_in(self, token_hash: bytes) -> SignIn | None:
        with self._pool.connection() as connection:
            row = _SIGN_IN.row(connection, wanted=token_hash)
        if row is None:
            return None
        *account, language = row
        return SignIn(account_of(tuple(account)).user, language)

    def account(self, name: str) -> Account | None:
        with self._pool.connection() as connection:
            row = _ACCOUNT_BY_NAME.row(connection, wanted=name)
        return None if row is None else account_of(row)

    def account_of(self, user: UserId) -> Account | None:
        with self._pool.connection() as connection:
            row = _ACCOUNT.row(connection, wanted=bytes.fromhex(user))
        return None if row is None else account_of(row)

    def occupied(self, resource: ResourceId, span: Span) -> list[Occupied]:
        key, start, end = bytes.fromhex(resource), to_seconds(span.start), to_seconds(span.end)
        with self._pool.snapshot() as connection:
            [(last_seat,)] = _LAST_SEAT.rows(connection, wanted=key)
            if last_seat is None:
                return []
            windows = [(key, seat, start, end) for seat in range(last_seat + 1)]
            rows = sql.OCCUPIED_IN_WINDOWS.rows(connection, windows)
        return [
            Occupied(seat, span_of(starts, ends), span_of(*booked), UserId(user.hex()), BookingId(booking.hex()))
            for seat, starts, ends, *booked, user, booking in rows
        ]

    def bookings(self, user: UserId, status: Status | None) -> list[Booking]:
        key = bytes.fromhex(user)
        with self._pool.connection() as connection:
            if status is None:
                rows = _BOOKINGS.rows(connection, wanted=key)
            else:
                rows = _BOOKINGS_OF_STATUS.rows(connection, wanted=key, status=status.value)
        return [booking_of(row) for row in rows]

    def audit(self, user: UserId, limit: int, before: str | None) -> tuple[list[tuple[str, AuditEntry]], str | None]:
        writer, seq = _AFTER_ALL if before is None else entry_place(before)
        with self._pool.connection() as connection:
            rows = self._audit.rows(connection, wanted=bytes.fromhex(user), writer=writer, seq=seq, most=limit + 1)
        entries = [(entry_id(entry), entry) for entry in map(entry_of, rows[:limit])]
        return entries, entries[-1][0] if entries and len(rows) > limit else None

    def export(self, user: UserId) -> dict[str, Any]:
        with self._pool.snapshot() as connection:
            return export_of(connection, user)

    def gone(self, request: RequestId) -> list[Gone]:
        since = to_seconds(datetime.now(UTC) - ERASURES_ANSWERED)
        with self._pool.connection() as connection:
            return [gone_of(row) for row in _GONE.rows(connection, wanted=request, since=since)]


def entry_id(entry: AuditEntry) -> str:
    """The entry's place in the store, as clients see it."""
    return f"{entry.writer}-{entry.seq}"


def entry_place(id_: str) -> tuple[int, int]:
    """The writer and seq of an entry's id; ValueError if it is none."""
    writer, separator, seq = id_.partition("-")
    if not (separator and writer.isascii() and writer.isdigit() and seq.isascii() and seq.isdigit()):
        raise ValueError(id_)
    place = int(writer), int(seq)
    if max(place) > _AFTER_ALL[0]:
        raise ValueError(id_)
    return place
