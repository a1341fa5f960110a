"""The tables, once for every engine: what is kept, by which keys it is found, and the rules that have a name."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    TypeDecorator,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.types import TypeEngine, UserDefinedType

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_seconds(instant: datetime) -> int:
    """Whole seconds since 1970, rounded down."""
    passed = instant - EPOCH
    return passed.days * 86_400 + passed.seconds


def to_instant(seconds: int) -> datetime:
    """The instant in UTC of whole seconds since 1970."""
    return datetime.fromtimestamp(seconds, UTC)


class _Spelled(ColumnElement[Any]):
    """An expression that the driver sees as it is on SQLite; PostgreSQL's own type is turned into it, or made of it."""

    inherit_cache = True

    def __init__(self, inner: ColumnElement[Any], type_: "TypeEngine[Any]", postgresql: str) -> None:
        self.inner, self.type, self.postgresql = inner, type_, postgresql


@compiles(_Spelled)
def _plain(element: _Spelled, compiler: Any, **options: Any) -> str:
    return str(compiler.process(element.inner, **options))


@compiles(_Spelled, "postgresql")
def _converted(element: _Spelled, compiler: Any, **options: Any) -> str:
    return element.postgresql.format(compiler.process(element.inner, **options))


class _Native(UserDefinedType[Any]):
    """A type of PostgreSQL's, by its name."""

    cache_ok = True

    def __init__(self, name: str) -> None:
        self.name = name

    def get_col_spec(self, **options: Any) -> str:
        return self.name


class _Converted(TypeDecorator[Any]):
    """A type whose values the driver sends and gets in the same plain form on both engines.

    `native` is PostgreSQL's type, made of what the driver sends by `sent`, of an element of an array by `listed`, and
    turned back by `fetched`.
    """

    cache_ok = True
    native: str
    sent: str
    fetched: str
    listed: str

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return _Native(self.native) if dialect.name == "postgresql" else dialect.type_descriptor(self.impl_instance)

    def bind_expression(self, bindvalue: Any) -> ColumnElement[Any]:
        return _Spelled(bindvalue, self, self.sent)

    def column_expression(self, column: Any) -> ColumnElement[Any]:
        return _Spelled(column, self, self.fetched)


class Id(_Converted):
    """The domain's 32 hexadecimal digits: 16 bytes to the driver, `uuid` in PostgreSQL."""

    impl = LargeBinary
    native = "uuid"
    sent = "encode({}, 'hex')::uuid"
    fetched = "uuid_send({})"
    listed = "{}"


class Instant(_Converted):
    """Whole seconds since 1970 to the driver, `timestamptz` in PostgreSQL."""

    impl = Integer
    native = "timestamptz"
    sent = "to_timestamp({})"
    fetched = "date_part('epoch', {})::int8"
    listed = "to_timestamp({})"


# A count that rises for as long as the agenda lives.
Count = Integer().with_variant(BigInteger(), "postgresql")


METADATA = MetaData(
    naming_convention={
        "pk": "%(table_name)s_key",
        "uq": "%(table_name)s_%(column_0_N_name)s",
        "fk": "%(table_name)s_%(column_0_N_name)s_exists",
        "ck": "%(table_name)s_%(constraint_name)s",
        "ix": "%(table_name)s_%(column_0_N_name)s",
    }
)

# One row each for the data folder's id, and for the oldest version of the program that this schema serves.
META = Table(
    "meta",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
    sqlite_with_rowid=False,
)

BUSINESS = Table(
    "business",
    METADATA,
    Column("id", Id, primary_key=True),
    Column("name", Text, nullable=False),
    Column("timezone", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("lead", Integer, nullable=False),
    Column("horizon", Integer, nullable=False),
    Column("deadline", Integer, nullable=False),
    Column("open_bookings", Integer),
    # Rises with every change of the business, its resources, services and schedules.
    Column("config_version", Integer, nullable=False),
    sqlite_with_rowid=False,
)

RESOURCE = Table(
    "resource",
    METADATA,
    Column("id", Id, primary_key=True),
    Column("business", Id, ForeignKey("business.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("seats", Integer, nullable=False),
    CheckConstraint("seats >= 1", name="has_seats"),
    sqlite_with_rowid=False,
)

SERVICE = Table(
    "service",
    METADATA,
    Column("id", Id, primary_key=True),
    Column("business", Id, ForeignKey("business.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("duration", Integer, nullable=False),
    Column("step", Integer, nullable=False),
    Column("before", Integer, nullable=False),
    Column("after", Integer, nullable=False),
    Column("price", Integer),
    sqlite_with_rowid=False,
)

SERVICE_RESOURCE = Table(
    "service_resource",
    METADATA,
    Column("service", Id, ForeignKey("service.id"), primary_key=True),
    Column("resource", Id, ForeignKey("resource.id"), primary_key=True),
    sqlite_with_rowid=False,
)

# Weekly hours in minutes of wall time after midnight; weekday 0 is Monday.
OPENING = Table(
    "opening",
    METADATA,
    Column("resource", Id, ForeignKey("resource.id"), primary_key=True),
    Column("weekday", Integer, primary_key=True),
    Column("opens", Integer, primary_key=True),
    Column("closes", Integer, nullable=False),
    CheckConstraint("weekday BETWEEN 0 AND 6", name="weekday"),
    CheckConstraint("0 <= opens AND opens < closes AND closes <= 1440", name="hours"),
    sqlite_with_rowid=False,
)

# The hours of one dated day (YYYY-MM-DD) instead of the week's; a day that is closed has one row, from 0 to 0.
EXCEPTION = Table(
    "exception",
    METADATA,
    Column("resource", Id, ForeignKey("resource.id"), primary_key=True),
    Column("day", Text, primary_key=True),
    Column("opens", Integer, primary_key=True),
    Column("closes", Integer, nullable=False),
    CheckConstraint("0 <= opens AND opens < closes AND closes <= 1440 OR opens = 0 AND closes = 0", name="hours"),
    sqlite_with_rowid=False,
)

ACCOUNT = Table(
    "account",
    METADATA,
    Column("id", Id, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("role", Text, nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("created", Instant, nullable=False),
    sqlite_with_rowid=False,
)

SESSION = Table(
    "session",
    METADATA,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("user", Id, ForeignKey("account.id"), nullable=False, index=True),
    Column("language", Text, nullable=False),
    Column("at", Instant, nullable=False),
    sqlite_with_rowid=False,
)

# No foreign keys from here on: each would cost a lookup per row on the way of every booking, for a thing that the
# batch has just read. `agenda doctor` looks for bookings, claims, requests and entries of somebody who is missing.

BOOKING = Table(
    "booking",
    METADATA,
    # The code that people see is made from it (agenda.domain.codes), so no index on a random value is needed.
    Column("number", Count, primary_key=True, autoincrement=False),
    Column("id", Id, nullable=False, unique=True),
    Column("resource", Id, nullable=False),
    Column("service", Id, nullable=False),
    Column("user", Id, nullable=False),
    Column("starts", Instant, nullable=False),
    Column("ends", Instant, nullable=False),
    Column("status", Text, nullable=False),
    Column("created", Instant, nullable=False),
    # The local time and the zone that were agreed, whatever laws change later.
    Column("wall", Text, nullable=False),
    Column("zone", Text, nullable=False),
    Column("seat", Integer, nullable=False),
    Column("note", Text),
    CheckConstraint("starts < ends", name="span"),
    Index(None, "user", "starts"),
)

# The span, buffers included, that a live booking occupies. Rows are never updated; no two of one seat overlap:
# both are refused by each engine's own means, under the name CLAIM_NO_OVERLAP.
CLAIM = Table(
    "claim",
    METADATA,
    Column("resource", Id, nullable=False),
    Column("seat", Integer, nullable=False),
    Column("starts", Instant, nullable=False),
    Column("ends", Instant, nullable=False),
    Column("booking", Id, nullable=False),
    PrimaryKeyConstraint("resource", "seat", "starts").ddl_if(dialect="sqlite"),
    CheckConstraint("starts < ends", name="span"),
    sqlite_with_rowid=False,
)
CLAIM_NO_OVERLAP = "claim_no_overlap"
CLAIM_NO_UPDATE = "claim_no_update"
ALL_OR_NOTHING = "all_or_nothing"
CHAIN_AS_LEFT = "chain_as_left"

# What was decided for a request, to be answered again; kept for 48 hours. An outcome that is a booking names its
# number, and holds only what a booking may change.
REQUEST = Table(
    "request",
    METADATA,
    Column("user", Id, nullable=False),
    Column("request", Text, nullable=False),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("booking", Count),
    Column("outcome", Text, nullable=False),
    Column("at", Instant, nullable=False),
    PrimaryKeyConstraint("request", "user"),
    sqlite_with_rowid=False,
)

# Each start of a server is a writer of its own chain; `numbers` is the first booking number that it left unused.
WRITER = Table(
    "writer",
    METADATA,
    Column("writer", Count, primary_key=True, autoincrement=False),
    Column("seq", Count, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("numbers", Count, nullable=False),
    Column("at", Instant, nullable=False),
)

# After an erasure only the writer, seq, at, resource, starts, ends, digest and hash of an entry are left.
AUDIT = Table(
    "audit",
    METADATA,
    Column("writer", Count, nullable=False),
    Column("seq", Count, nullable=False),
    Column("at", Instant, nullable=False),
    Column("user", Id),
    Column("action", Text),
    Column("outcome", Text),
    Column("booking", Id),
    Column("resource", Id),
    Column("starts", Instant),
    Column("ends", Instant),
    Column("detail", Text),
    Column("salt", LargeBinary),
    Column("digest", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    PrimaryKeyConstraint("writer", "seq"),
    # One writer's numbers are in order of time; those of several nodes are not.
    Index(None, "user", "writer", "seq").ddl_if(dialect="sqlite"),
    Index(None, "user", "at").ddl_if(dialect="postgresql"),
    sqlite_with_rowid=False,
)

# What lets the receipt of an erasure be given again; the password's hash, which proves who asks, goes after 48 hours.
ERASURE = Table(
    "erasure",
    METADATA,
    Column("user", Id, primary_key=True),
    Column("request", Text, nullable=False, index=True),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("receipt", Text, nullable=False),
    Column("at", Instant, nullable=False),
    sqlite_with_rowid=False,
)
