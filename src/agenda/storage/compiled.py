"""Statements in the words of each engine, compiled once from the schema, to be run on the driver with plain tuples."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property, lru_cache
from typing import Any, Final, NamedTuple

from sqlalchemy import ClauseElement, Column, Index, Table
from sqlalchemy.schema import CreateIndex, CreateTable

from agenda.storage import arrays
from agenda.storage.connection import Connection, Engine, Row
from agenda.storage.schema import METADATA

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
