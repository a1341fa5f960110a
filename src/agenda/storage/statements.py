"""The statements of the hot path, compiled once from the schema, to be run on the driver with plain tuples."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import (
    ClauseElement,
    Column,
    Table,
    and_,
    bindparam,
    column,
    delete,
    func,
    insert,
    literal_column,
    select,
    update,
    values,
)

from agenda.domain.model import Status
from agenda.storage.schema import (
    ACCOUNT,
    AUDIT,
    BOOKING,
    BUSINESS,
    CLAIM,
    ERASURE,
    REQUEST,
    SESSION,
    WRITER,
)
from agenda.storage.sqlite import DIALECT, Connection, Row

# As many rows as go into one statement: each step of the driver gives up the interpreter's lock and has to win it
# back from the threads that serve sockets, so a statement of many rows beats one per row even where it is no faster.
CHUNK: Final = 64


def compiled(statement: ClauseElement) -> str:
    """The statement in words; its parameters are positional, in the order in which they stand in it."""
    return str(statement.compile(dialect=DIALECT))


class Query:
    """A statement whose parameters are given by name, in the driver's types."""

    def __init__(self, statement: ClauseElement) -> None:
        compilation = statement.compile(dialect=DIALECT)
        self._sql = str(compilation)
        # A parameter that SQLAlchemy made of a constant brings its value along.
        self._given = {name: value for name, value in compilation.params.items() if value is not None}
        self._names = tuple(compilation.positiontup or ())  # type: ignore[attr-defined]  # SQLCompiler has it

    def _values(self, named: dict[str, Any]) -> Row:
        known = {**self._given, **named}
        return tuple(known[name] for name in self._names)

    def run(self, connection: Connection, **named: Any) -> int:
        """Execute it; the number of rows changed."""
        return connection.run(self._sql, self._values(named))

    def rows(self, connection: Connection, **named: Any) -> list[Row]:
        """All rows."""
        return connection.rows(self._sql, self._values(named))

    def row(self, connection: Connection, **named: Any) -> Row | None:
        """The first row."""
        return connection.row(self._sql, self._values(named))


class Many:
    """A statement with one list of rows, written for one row by SQLAlchemy and repeated for as many as are needed."""

    def __init__(self, statement: ClauseElement, width: int) -> None:
        self._width = width
        self._row = f"({', '.join('?' * width)})"
        self._before, values_word, rest = compiled(statement).partition(f"VALUES {self._row}")
        if not values_word or "?" in self._before + rest:
            msg = f"not a statement over one list of {width} columns"
            raise ValueError(msg)
        self._after = rest
        self._sql = lru_cache(CHUNK)(self._repeated)

    def _repeated(self, count: int) -> str:
        return f"{self._before}VALUES {', '.join([self._row] * count)}{self._after}"

    def run(self, connection: Connection, rows: Sequence[Row]) -> None:
        """Execute it for all rows, in order."""
        for first in range(0, len(rows), CHUNK):
            some = rows[first : first + CHUNK]
            connection.run(self._sql(len(some)), [value for row in some for value in row])

    def rows(self, connection: Connection, rows: Sequence[Row]) -> list[Row]:
        """What it selects for all rows together."""
        found: list[Row] = []
        for first in range(0, len(rows), CHUNK):
            some = rows[first : first + CHUNK]
            found += connection.rows(self._sql(len(some)), [value for row in some for value in row])
        return found


def _insert(table: Table) -> Many:
    """Rows have a value for every column of the table, in its order.

    FAIL, since the default would have SQLite keep a copy of every page it touches, to undo this statement alone:
    whoever runs it undoes the whole transaction.
    """
    return Many(insert(table).prefix_with("OR FAIL", dialect="sqlite"), len(table.columns))


def _wanted(*columns: Column[Any]) -> Any:
    """A list of rows with these columns, to be joined with."""
    names = [column(c.name, c.type) for c in columns]
    row = tuple(bindparam(f"wanted_{c.name}", type_=c.type) for c in columns)
    return values(*names, name="wanted").data([row]).cte("wanted")


def _found_by(table: Table, *keys: Column[Any]) -> Many:
    """All columns of the rows whose keys are listed."""
    wanted = _wanted(*keys)
    return Many(select(*table.columns).select_from(wanted.join(table, _same(keys, wanted))), len(keys))


def _same(keys: Sequence[Column[Any]], wanted: Any) -> Any:
    return and_(*(key == wanted.c[key.name] for key in keys))


def _requests() -> Many:
    """Rows of `request` with the booking that each names or nothing, for rows (user, request)."""
    keys = (REQUEST.c.user, REQUEST.c.request)
    wanted = _wanted(*keys)
    source = wanted.join(REQUEST, _same(keys, wanted)).outerjoin(BOOKING, BOOKING.c.number == REQUEST.c.booking)
    return Many(select(*REQUEST.columns, *BOOKING.columns).select_from(source), len(keys))


def last_start(place: Any) -> Any:
    """When the last claim starts that starts no later than `place`, on its seat; `place` has resource, seat, starts."""
    earlier = CLAIM.alias("earlier")
    return (
        select(func.max(earlier.c.starts))
        .where(
            earlier.c.resource == place.c.resource,
            earlier.c.seat == place.c.seat,
            earlier.c.starts <= place.c.starts,
        )
        .correlate(place)
        .scalar_subquery()
    )


def _in_windows(selected: Iterable[Any], source: Any = CLAIM) -> Many:
    """Of claims that overlap a window (resource, seat, starts, ends): from the last that starts no later than it on."""
    wanted = _wanted(CLAIM.c.resource, CLAIM.c.seat, CLAIM.c.starts, CLAIM.c.ends)
    first = last_start(wanted)
    same_seat = and_(CLAIM.c.resource == wanted.c.resource, CLAIM.c.seat == wanted.c.seat)
    return Many(
        select(*selected)
        .select_from(wanted.join(source, same_seat))
        .where(
            CLAIM.c.starts >= func.coalesce(first, wanted.c.starts),
            CLAIM.c.starts < wanted.c.ends,
            CLAIM.c.ends > wanted.c.starts,
        ),
        4,
    )


def _open_bookings() -> Many:
    """(user, number of live bookings that begin after an instant), for rows (user, instant)."""
    wanted = _wanted(BOOKING.c.user, BOOKING.c.starts)
    mine = and_(BOOKING.c.user == wanted.c.user, BOOKING.c.starts > wanted.c.starts)
    live: list[Any] = [literal_column(f"'{status}'") for status in Status if status.live]
    return Many(
        select(BOOKING.c.user, func.count())
        .select_from(wanted.join(BOOKING, mine))
        .where(BOOKING.c.status.in_(live))
        .group_by(BOOKING.c.user),
        2,
    )


ADD_ACCOUNTS: Final = _insert(ACCOUNT)
ADD_SESSIONS: Final = _insert(SESSION)
ADD_BOOKINGS: Final = _insert(BOOKING)
ADD_CLAIMS: Final = _insert(CLAIM)
ADD_REQUESTS: Final = _insert(REQUEST)
ADD_ENTRIES: Final = _insert(AUDIT)
ADD_ERASURES: Final = _insert(ERASURE)

REQUESTS: Final = _requests()
ACCOUNTS: Final = _found_by(ACCOUNT, ACCOUNT.c.id)
ACCOUNTS_BY_NAME: Final = _found_by(ACCOUNT, ACCOUNT.c.name)
BOOKINGS: Final = _found_by(BOOKING, BOOKING.c.id)
CLAIMS_IN_WINDOWS: Final = _in_windows(CLAIM.columns)
# Seat and span of each claim; span, user and id of its booking.
OCCUPIED_IN_WINDOWS: Final = _in_windows(
    (
        *(CLAIM.c.seat, CLAIM.c.starts, CLAIM.c.ends),
        *(BOOKING.c.starts, BOOKING.c.ends, BOOKING.c.user, BOOKING.c.id),
    ),
    CLAIM.join(BOOKING, BOOKING.c.id == CLAIM.c.booking),
)
OPEN_BOOKINGS: Final = _open_bookings()

CONFIG_VERSION: Final = compiled(select(BUSINESS.c.config_version))

# Resource, seat, starts and booking.
RELEASE_CLAIM: Final = compiled(
    delete(CLAIM).where(
        CLAIM.c.resource == bindparam("resource"),
        CLAIM.c.seat == bindparam("seat"),
        CLAIM.c.starts == bindparam("starts"),
        CLAIM.c.booking == bindparam("booking"),
    )
)

# The new values of CHANGED_COLUMNS and the id.
CHANGED_COLUMNS: Final = ("resource", "starts", "ends", "status", "wall", "zone", "seat")
CHANGE_BOOKING: Final = compiled(
    update(BOOKING)
    .values({name: bindparam(f"new_{name}") for name in CHANGED_COLUMNS})
    .where(BOOKING.c.id == bindparam("which"))
)

CLOSE_SESSION: Final = compiled(delete(SESSION).where(SESSION.c.token_hash == bindparam("token_hash")))

# Seq, hash and numbers, then which writer.
MOVE_HEAD: Final = compiled(
    update(WRITER)
    .values(seq=bindparam("new_seq"), hash=bindparam("new_hash"), numbers=bindparam("new_numbers"))
    .where(WRITER.c.writer == bindparam("which"))
)
