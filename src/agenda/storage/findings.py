"""What a store's tables must hold beyond their constraints, as questions whose answers should be empty.

Of many rows PostgreSQL compares each with each in a NOT IN, and SQLite in a join by what is no key: so what should be
elsewhere too is sought by EXCEPT, or by a join with a key.
"""

from collections.abc import Iterator
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import BindParameter, CompoundSelect, Select, and_, bindparam, func, literal_column, or_, select

from agenda.domain.codes import code
from agenda.domain.model import Status
from agenda.storage.compiled import Query
from agenda.storage.connection import Connection
from agenda.storage.schema import (
    ACCOUNT,
    AUDIT,
    BOOKING,
    CLAIM,
    REQUEST,
    RESOURCE,
    SERVICE,
    to_instant,
)

_LIVE: Final = BOOKING.c.status.in_([literal_column(f"'{status}'") for status in Status if status.live])
_NOW: Final[BindParameter[Any]] = bindparam("now")


def _overlapping() -> Select[Any]:
    """Bookings whose claim begins before all earlier ones on its seat have ended."""
    earlier = func.max(CLAIM.c.ends).over(
        partition_by=(CLAIM.c.resource, CLAIM.c.seat), order_by=CLAIM.c.starts, rows=(None, -1)
    )
    claims = select(CLAIM.c.booking, CLAIM.c.starts, earlier.label("busy")).subquery()
    return select(claims.c.booking).where(claims.c.busy > claims.c.starts)


def _stray() -> Select[Any]:
    """Claims of no live booking."""
    live = CLAIM.join(BOOKING, and_(BOOKING.c.id == CLAIM.c.booking, _LIVE), isouter=True)
    return select(CLAIM.c.booking).select_from(live).where(BOOKING.c.id.is_(None))


def _displaced() -> Select[Any]:
    """Claims elsewhere than their booking, or shorter."""
    elsewhere = or_(
        CLAIM.c.resource != BOOKING.c.resource,
        CLAIM.c.seat != BOOKING.c.seat,
        CLAIM.c.starts > BOOKING.c.starts,
        CLAIM.c.ends < BOOKING.c.ends,
    )
    return select(CLAIM.c.booking).join(BOOKING, BOOKING.c.id == CLAIM.c.booking).where(_LIVE, elsewhere)


def _unprotected() -> CompoundSelect[Any]:
    """Live bookings that have not ended and own no claim."""
    return select(BOOKING.c.id).where(_LIVE, BOOKING.c.ends > _NOW).except_(select(CLAIM.c.booking))


def _homeless() -> Select[Any]:
    """Bookings of a user, a resource or a service that does not exist."""
    whole = (
        BOOKING.join(ACCOUNT, ACCOUNT.c.id == BOOKING.c.user, isouter=True)
        .join(RESOURCE, RESOURCE.c.id == BOOKING.c.resource, isouter=True)
        .join(SERVICE, SERVICE.c.id == BOOKING.c.service, isouter=True)
    )
    missing = or_(ACCOUNT.c.id.is_(None), RESOURCE.c.id.is_(None), SERVICE.c.id.is_(None))
    return select(BOOKING.c.id).select_from(whole).where(missing)


def _orphans(table: Any) -> CompoundSelect[Any]:
    """Users who are named by a table and do not exist."""
    return select(table.c.user).where(table.c.user.is_not(None)).except_(select(ACCOUNT.c.id))


# By the code of the finding: a question that gives the ids concerned. `now` is its only parameter, if it has one.
QUESTIONS: Final = {
    "claims_overlap": Query(_overlapping()),
    "claim_without_booking": Query(_stray()),
    "claim_elsewhere": Query(_displaced()),
    "booking_without_claim": Query(_unprotected()),
    "booking_without_owner": Query(_homeless()),
    "request_without_user": Query(_orphans(REQUEST)),
    "entry_without_user": Query(_orphans(AUDIT)),
}

_AGREED: Final = Query(
    select(BOOKING.c.number, BOOKING.c.starts, BOOKING.c.wall, BOOKING.c.zone).where(_LIVE, BOOKING.c.starts > _NOW)
)


def concerned(connection: Connection, question: str, now: int) -> list[str]:
    """The ids that a question gives, as hexadecimal digits."""
    return [id_.hex() for (id_,) in QUESTIONS[question].rows(connection, now=now)]


def moved_walls(connection: Connection, now: int) -> Iterator[tuple[str, str, str]]:
    """(code, wall time agreed, wall time by the rules of today) of future bookings for which the two differ.

    A zone that is unknown to this machine gives "" as the wall time of today.
    """
    today: dict[tuple[int, str], str] = {}
    for number, starts, wall, zone in _AGREED.rows(connection, now=now):
        shown = today.get((starts, zone))
        if shown is None:
            shown = today[starts, zone] = _shown(starts, zone)
        if shown != wall:
            yield code(number), wall, shown


def _shown(starts: int, zone: str) -> str:
    try:
        rules = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError):
        return ""
    return to_instant(starts).astimezone(rules).replace(tzinfo=None).isoformat(timespec="minutes")
