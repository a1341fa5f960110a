"""The statements of a batch where other nodes write too."""

from typing import Any, Final

from sqlalchemy import bindparam, select

from agenda.storage import arrays
from agenda.storage import statements as sql
from agenda.storage.compiled import Many, Query
from agenda.storage.schema import ACCOUNT, ALL_OR_NOTHING, BOOKING, CHAIN_AS_LEFT, CLAIM_NO_OVERLAP
from agenda.storage.transaction import CLAIM_MISSING

CONFIG: Final = (
    "SELECT config_version::int8, floor(date_part('epoch', clock_timestamp()))::int8 FROM business FOR SHARE"
)
NEXT_BLOCK: Final = "SELECT nextval('booking_block')"

# A batch that makes claims shares the resources with others of its kind; one that also releases some has those
# resources for itself. Else two of them could wait for each other's claims, one for a release, one for a new one.
LOCK_RESOURCES: Final = """\
SELECT count(CASE WHEN alone THEN pg_advisory_xact_lock(key)::text ELSE pg_advisory_xact_lock_shared(key)::text END)
FROM unnest($1::int8[], $2::bool[]) AS wanted(key, alone)"""


def _all_or_nothing(change: str, wanted: str, rule: str) -> str:
    """A statement that changes so many rows, or violates a rule; NULL wants no number."""
    return (
        f"WITH changed AS ({change} RETURNING 1) SELECT {ALL_OR_NOTHING}(count(*), {wanted}::int8, '{rule}')::text"  # noqa: S608  # our own words
        " FROM changed"
    )


RELEASE_CLAIMS: Final = _all_or_nothing(
    """\
DELETE FROM claim USING unnest($1::uuid[], $2::int8[], $3::int8[], $4::uuid[]) AS gone(resource, seat, starts, booking)
WHERE claim.resource = gone.resource AND claim.seat = gone.seat AND claim.starts = to_timestamp(gone.starts)
AND claim.booking = gone.booking""",
    "$5",
    CLAIM_MISSING,
)
RELEASED: Final = (arrays.ids, arrays.numbers, arrays.numbers, arrays.ids)
CHANGE_BOOKINGS: Final = """\
UPDATE booking SET resource = new.resource, starts = to_timestamp(new.starts), ends = to_timestamp(new.ends),
status = new.status, wall = new.wall, zone = new.zone, seat = new.seat
FROM unnest($1::uuid[], $2::int8[], $3::int8[], $4::text[], $5::text[], $6::text[], $7::int8[], $8::uuid[])
AS new(resource, starts, ends, status, wall, zone, seat, id) WHERE booking.id = new.id"""
CHANGED: Final = (
    *(arrays.ids, arrays.numbers, arrays.numbers, arrays.texts),
    *(arrays.texts, arrays.texts, arrays.numbers, arrays.ids),
)
MOVE_HEAD: Final = _all_or_nothing(
    "UPDATE writer SET seq = $1, hash = $2, numbers = $3 WHERE writer = $4 AND seq = $5", "$6", CHAIN_AS_LEFT
)
# It changes nothing, and yet is written, so that its commit waits for the standby.
CONFIRM: Final = _all_or_nothing("UPDATE writer SET seq = seq WHERE writer = $1", "$2", CHAIN_AS_LEFT)

# A plain INSERT that meets the constraint deadlocks with others; this one waits and gives fewer rows.
ADD_CLAIMS: Final = _all_or_nothing(
    f"{sql.ADD_CLAIMS.postgresql} ON CONFLICT ON CONSTRAINT {CLAIM_NO_OVERLAP} DO NOTHING", "$6", CLAIM_NO_OVERLAP
)
ADD_SESSIONS: Final = f"{sql.ADD_SESSIONS.postgresql} ON CONFLICT DO NOTHING"  # as when a sign-in is run again


def _locked(table: Any, strength: str) -> Many:
    """All columns of the rows of these ids, locked in the order of the ids."""
    return sql.found_by(table, table.c.id, after=f" ORDER BY {table.name}.id {strength} OF {table.name}")


USERS_TO_STAY: Final = _locked(ACCOUNT, "FOR KEY SHARE")
USERS_TO_COUNT: Final = _locked(ACCOUNT, "FOR NO KEY UPDATE")
USERS_TO_GO: Final = _locked(ACCOUNT, "FOR UPDATE")
BOOKINGS: Final = _locked(BOOKING, "FOR UPDATE")
# Before their claims are given up, since somebody else may have locked them, as who tries to cancel what is not his.
BOOKINGS_TO_GO: Final = Query(
    select(BOOKING.c.id)
    .where(BOOKING.c.user == bindparam("user", type_=BOOKING.c.user.type))
    .order_by(BOOKING.c.id)
    .with_for_update()
)
