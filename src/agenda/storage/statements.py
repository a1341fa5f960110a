"""The statements of the hot path, compiled once from the schema, to be run on the driver with plain tuples."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property, lru_cache
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    ClauseElement,
    Column,
    Index,
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
from sqlalchemy.schema import CreateIndex, CreateTable

from agenda.domain.model import Status
from agenda.storage import arrays
from agenda.storage.connection import Connection, Engine, Row
from agenda.storage.schema import (
    ACCOUNT,
    AUDIT,
    BOOKING,
    BUSINESS,
    CLAIM,
    ERASURE,
    METADATA,
    REQUEST,
    SESSION,
    WRITER,
)

# As many rows as go into one statement of SQLite's: each step of the driver gives up the interpreter's lock and has to
# win it back from the threads that serve sockets, so a statement of many rows beats one per row.
CHUNK: Final = 64


@lru_cache
def dialect(engine: Engine) -> Any:
    """SQLAlchemy's knowledge of an engine, with positional parameters; loaded when it is first needed."""
    if engine == "sqlite":
        from sqlalchemy.dialects import sqlite

        return sqlite.dialect(paramstyle="qmark")
    from sqlalchemy.dialects.postgresql.base import PGDialect

    return PGDialect(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]


def indexes(table: Table, engine: Engine) -> list[Index]:
    """The indexes that a table has in an engine, in order of their names."""
    it = dialect(engine)
    wanted = (
        index
        for index in table.indexes
        if index._ddl_if is None or index._ddl_if.dialect == it.name  # noqa: SLF001
    )
    return sorted(wanted, key=lambda index: str(index.name))


def ddl_of(engine: Engine) -> list[str]:
    """The statements that make every table and index."""
    statements = []
    for table in METADATA.sorted_tables:
        statements.append(str(CreateTable(table).compile(dialect=dialect(engine))))
        statements += [str(CreateIndex(index).compile(dialect=dialect(engine))) for index in indexes(table, engine)]
    return statements


class Statement:
    """A statement in the words of each engine, made when they are first needed; its parameters are positional."""

    def __init__(self, clause: ClauseElement) -> None:
        self._clause = clause
        self._words: dict[Engine, str] = {}

    def words(self, engine: Engine) -> str:
        """Its text; parameters stand in the order in which they are to be given."""
        found = self._words.get(engine)
        if found is None:
            found = self._words[engine] = str(self._clause.compile(dialect=dialect(engine)))
        return found

    def run(self, connection: Connection, values: Sequence[Any] = ()) -> int:
        """Execute it; the number of rows changed."""
        return connection.run(self.words(connection.engine), values)

    def rows(self, connection: Connection, values: Sequence[Any] = ()) -> list[Row]:
        """All rows."""
        return connection.rows(self.words(connection.engine), values)

    def each(self, connection: Connection, rows: Iterable[Sequence[Any]]) -> int:
        """Execute it for each row of values; the number of rows changed in all."""
        return connection.each(self.words(connection.engine), rows)


class _Compiled(NamedTuple):
    """A text, the names of its parameters in order, and those that SQLAlchemy made of constants."""

    words: str
    names: tuple[str, ...]
    given: dict[str, Any]


class Query:
    """A statement whose parameters are given by name, in the driver's types."""

    def __init__(self, clause: ClauseElement) -> None:
        self._clause = clause
        self._made: dict[Engine, _Compiled] = {}

    def _in(self, engine: Engine) -> _Compiled:
        made = self._made.get(engine)
        if made is None:
            compilation = self._clause.compile(dialect=dialect(engine))
            given = {name: value for name, value in compilation.params.items() if value is not None}
            names = tuple(compilation.positiontup or ())  # type: ignore[attr-defined]  # SQLCompiler has it
            made = self._made[engine] = _Compiled(str(compilation), names, given)
        return made

    def words(self, engine: Engine) -> str:
        """Its text."""
        return self._in(engine).words

    def run(self, connection: Connection, **named: Any) -> int:
        """Execute it; the number of rows changed."""
        words, names, given = self._in(connection.engine)
        known = {**given, **named}
        return connection.run(words, tuple(known[name] for name in names))

    def rows(self, connection: Connection, **named: Any) -> list[Row]:
        """All rows."""
        words, names, given = self._in(connection.engine)
        known = {**given, **named}
        return connection.rows(words, tuple(known[name] for name in names))

    def row(self, connection: Connection, **named: Any) -> Row | None:
        """The first row."""
        rows = self.rows(connection, **named)
        return rows[0] if rows else None


class Many:
    """A statement with one list of rows, written for one row by SQLAlchemy.

    On SQLite the row is repeated for as many as are needed; on PostgreSQL the list is one array for each column.
    `after` ends it there, as in `ORDER BY …` or `RETURNING …`.
    """

    def __init__(self, clause: ClauseElement, columns: Sequence[Column[Any]], *, after: str = "") -> None:
        self._clause = clause
        self._columns = columns
        self._after = after
        self._repeated = lru_cache(CHUNK)(self._of_sqlite)

    def _parts(self, engine: Engine, row: str) -> tuple[str, str]:
        """What stands before and after the list, which is written as `row`; there must be no other parameter."""
        words = str(self._clause.compile(dialect=dialect(engine)))
        before, values_word, after = words.partition(f"VALUES ({row})")
        if not values_word or "?" in before + after or "$" in before + after:
            msg = f"not a statement over one list of {len(self._columns)} columns: {words}"
            raise ValueError(msg)
        return before, after

    @cached_property
    def _sqlite(self) -> tuple[str, str]:
        return self._parts("sqlite", ", ".join("?" * len(self._columns)))

    def _of_sqlite(self, count: int) -> str:
        row = f"({', '.join('?' * len(self._columns))})"
        before, after = self._sqlite
        return f"{before}VALUES {', '.join([row] * count)}{after}"

    @cached_property
    def postgresql(self) -> str:
        """Its text with one array for each column."""
        types = [column.type for column in self._columns]
        sent = [getattr(each, "sent", "{}").format(f"${number}") for number, each in enumerate(types, 1)]
        before, after = self._parts("postgresql", ", ".join(sent))
        names = [f"c{number}" for number in range(1, len(types) + 1)]
        made = [getattr(each, "listed", "{}").format(f"new.{name}") for each, name in zip(types, names, strict=True)]
        lists = [f"${number}::{arrays.of_type(each)[0]}" for number, each in enumerate(types, 1)]
        source = f"unnest({', '.join(lists)}) AS new({', '.join(names)})"
        return f"{before}SELECT {', '.join(made)} FROM {source}{after}{self._after}"  # noqa: S608  # our own names

    @cached_property
    def writers(self) -> list[arrays.Writer]:
        """What writes the array of each column."""
        return [arrays.of_type(column.type)[1] for column in self._columns]

    def listed(self, rows: Sequence[Row]) -> tuple[str, list[str]]:
        """PostgreSQL's words, and the arrays for these rows."""
        return self.postgresql, arrays.columns(rows, self.writers)

    def run(self, connection: Connection, rows: Sequence[Row]) -> None:
        """Execute it for all rows, in order."""
        for words, given in self._calls(connection.engine, rows):
            connection.run(words, given)

    def rows(self, connection: Connection, rows: Sequence[Row]) -> list[Row]:
        """What it gives for all rows together."""
        found: list[Row] = []
        for words, given in self._calls(connection.engine, rows):
            found += connection.rows(words, given)
        return found

    def _calls(self, engine: Engine, rows: Sequence[Row]) -> Iterator[tuple[str, Sequence[Any]]]:
        if engine == "postgresql":
            if rows:
                yield self.listed(rows)
            return
        for first in range(0, len(rows), CHUNK):
            some = rows[first : first + CHUNK]
            yield self._repeated(len(some)), [value for row in some for value in row]


def _insert(table: Table) -> Many:
    """Rows have a value for every column of the table, in its order.

    FAIL, since the default would have SQLite keep a copy of every page it touches, to undo this statement alone:
    whoever runs it undoes the whole transaction.
    """
    return Many(insert(table).prefix_with("OR FAIL", dialect="sqlite"), tuple(table.columns))


def _wanted(*columns: Column[Any]) -> Any:
    """A list of rows with these columns, to be joined with."""
    names = [column(c.name, c.type) for c in columns]
    row = tuple(bindparam(f"wanted_{c.name}", type_=c.type) for c in columns)
    return values(*names, name="wanted").data([row]).cte("wanted")


def found_by(table: Table, *keys: Column[Any], after: str = "") -> Many:
    """All columns of the rows whose keys are listed."""
    wanted = _wanted(*keys)
    return Many(select(*table.columns).select_from(wanted.join(table, _same(keys, wanted))), keys, after=after)


def _same(keys: Sequence[Column[Any]], wanted: Any) -> Any:
    return and_(*(key == wanted.c[key.name] for key in keys))


def _requests() -> Many:
    """Rows of `request` with the booking that each names or nothing, for rows (user, request)."""
    keys = (REQUEST.c.user, REQUEST.c.request)
    wanted = _wanted(*keys)
    source = wanted.join(REQUEST, _same(keys, wanted)).outerjoin(BOOKING, BOOKING.c.number == REQUEST.c.booking)
    return Many(select(*REQUEST.columns, *BOOKING.columns).select_from(source), keys)


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
        (CLAIM.c.resource, CLAIM.c.seat, CLAIM.c.starts, CLAIM.c.ends),
    )


def its_claim() -> Any:
    """Of a booking and a claim, whether it is its own: the last on the seat that starts no later than the booking."""
    return and_(
        CLAIM.c.resource == BOOKING.c.resource,
        CLAIM.c.seat == BOOKING.c.seat,
        CLAIM.c.starts == last_start(BOOKING),
        CLAIM.c.booking == BOOKING.c.id,
    )


def instant_or_end(found: Any) -> Any:
    """The instant that a PostgreSQL subquery finds, or one after all others."""
    return func.coalesce(found, literal_column("'infinity'::timestamptz"))


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
        (BOOKING.c.user, BOOKING.c.starts),
    )


ADD_ACCOUNTS: Final = _insert(ACCOUNT)
ADD_SESSIONS: Final = _insert(SESSION)
ADD_BOOKINGS: Final = _insert(BOOKING)
ADD_CLAIMS: Final = _insert(CLAIM)
ADD_REQUESTS: Final = _insert(REQUEST)
ADD_ENTRIES: Final = _insert(AUDIT)
ADD_ERASURES: Final = _insert(ERASURE)

REQUESTS: Final = _requests()
ACCOUNTS: Final = found_by(ACCOUNT, ACCOUNT.c.id)
ACCOUNTS_BY_NAME: Final = found_by(ACCOUNT, ACCOUNT.c.name)
BOOKINGS: Final = found_by(BOOKING, BOOKING.c.id)
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

CONFIG_VERSION: Final = Statement(select(BUSINESS.c.config_version))

# Resource, seat, starts and booking.
RELEASE_CLAIM: Final = Statement(
    delete(CLAIM).where(
        CLAIM.c.resource == bindparam("resource"),
        CLAIM.c.seat == bindparam("seat"),
        CLAIM.c.starts == bindparam("starts"),
        CLAIM.c.booking == bindparam("booking"),
    )
)

# The new values of CHANGED_COLUMNS and the id.
CHANGED_COLUMNS: Final = ("resource", "starts", "ends", "status", "wall", "zone", "seat")
CHANGE_BOOKING: Final = Statement(
    update(BOOKING)
    .values({name: bindparam(f"new_{name}") for name in CHANGED_COLUMNS})
    .where(BOOKING.c.id == bindparam("which"))
)

CLOSE_SESSION: Final = Statement(delete(SESSION).where(SESSION.c.token_hash == bindparam("token_hash")))

# Seq, hash and numbers, then which writer.
MOVE_HEAD: Final = Statement(
    update(WRITER)
    .values(seq=bindparam("new_seq"), hash=bindparam("new_hash"), numbers=bindparam("new_numbers"))
    .where(WRITER.c.writer == bindparam("which"))
)
