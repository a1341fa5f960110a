"""The statements of the hot path."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from sqlalchemy import (
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
from agenda.storage.compiled import Many, Statement
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
