"""One batch of the committer where other nodes write too: what it changes or counts is locked before it is read."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from agenda.domain.audit import AuditEntry
from agenda.domain.commands import Changes, Holdings
from agenda.domain.model import Booking, BookingId, Catalogue, Claim, ResourceId, User, UserId
from agenda.domain.times import Span
from agenda.engine.ports import StoreConflict
from agenda.storage import statements as sql
from agenda.storage.catalogue import read_catalogue
from agenda.storage.connection import Row
from agenda.storage.erase import erase
from agenda.storage.postgres import Connection
from agenda.storage.rows import (
    account_of,
    account_row,
    booking_of,
    booking_row,
    changed_booking_row,
    claim_row,
    entry_row,
    released_claim_row,
    settled_row,
)
from agenda.storage.schema import ACCOUNT, BOOKING, CLAIM_NO_OVERLAP, to_instant
from agenda.storage.transaction import BY_REQUEST, CLAIM_MISSING, SqlTransaction, session_rows

if TYPE_CHECKING:
    import psycopg

# Numbers of bookings are had in blocks, so that nodes need not agree on each; a batch takes them from one block.
BLOCK: Final = 1_000
BATCH_BOUND: Final = 256

CONFIG: Final = (
    "SELECT config_version::int8, floor(date_part('epoch', clock_timestamp()))::int8 FROM business FOR SHARE"
)
NEXT_BLOCK: Final = "SELECT nextval('booking_block')"

# A batch that makes claims shares the resources with others of its kind; one that also releases some has those
# resources for itself. Else two of them could wait for each other's claims, one for a release, one for a new one.
LOCK_RESOURCES: Final = """\
SELECT count(CASE WHEN alone THEN pg_advisory_xact_lock(key)::text ELSE pg_advisory_xact_lock_shared(key)::text END)
FROM unnest(%s::int8[], %s::bool[]) AS wanted(key, alone)"""

_ID: Final = "encode(new.{}, 'hex')::uuid"
RELEASE_CLAIMS: Final = f"""\
DELETE FROM claim USING unnest(%s::bytea[], %s::int8[], %s::int8[], %s::bytea[]) AS new(resource, seat, starts, booking)
WHERE claim.resource = {_ID.format("resource")} AND claim.seat = new.seat
AND claim.starts = to_timestamp(new.starts) AND claim.booking = {_ID.format("booking")}"""  # noqa: S608  # our own words
CHANGE_BOOKINGS: Final = f"""\
UPDATE booking SET resource = {_ID.format("resource")}, starts = to_timestamp(new.starts), ends = to_timestamp(new.ends),
status = new.status, wall = new.wall, zone = new.zone, seat = new.seat
FROM unnest(%s::bytea[], %s::int8[], %s::int8[], %s::text[], %s::text[], %s::text[], %s::int8[], %s::bytea[])
AS new(resource, starts, ends, status, wall, zone, seat, id) WHERE booking.id = {_ID.format("id")}"""  # noqa: S608  # as above
MOVE_HEAD: Final = "UPDATE writer SET seq = %s, hash = %s, numbers = %s WHERE writer = %s"
# It changes nothing, and yet is written, so that its commit waits for the standby.
CONFIRM: Final = "UPDATE writer SET seq = seq WHERE writer = %s"

# A plain INSERT that meets the constraint deadlocks with others; this one waits and gives fewer rows.
ADD_CLAIMS: Final = f"{sql.ADD_CLAIMS.postgresql} ON CONFLICT ON CONSTRAINT {CLAIM_NO_OVERLAP} DO NOTHING"
ADD_SESSIONS: Final = f"{sql.ADD_SESSIONS.postgresql} ON CONFLICT DO NOTHING"  # as when a sign-in is run again


def _locked(table: Any, strength: str) -> sql.Many:
    """All columns of the rows of these ids, locked in the order of the ids."""
    return sql.found_by(table, table.c.id, after=f" ORDER BY {table.name}.id {strength} OF {table.name}")


USERS_TO_STAY: Final = _locked(ACCOUNT, "FOR KEY SHARE")
USERS_TO_COUNT: Final = _locked(ACCOUNT, "FOR NO KEY UPDATE")
USERS_TO_GO: Final = _locked(ACCOUNT, "FOR UPDATE")
BOOKINGS: Final = _locked(BOOKING, "FOR UPDATE")


@dataclass(slots=True)
class Numbers:
    """The booking numbers that this node has for itself; they are never used twice, whatever becomes of a batch."""

    next: int = 0
    end: int = 0


class PostgresTransaction(SqlTransaction):
    """The engine's port `Transaction`; `writer` is this node's chain."""

    _connection: Connection

    def __init__(self, connection: Connection, numbers: Numbers, writer: int) -> None:
        super().__init__(connection)
        self._numbers = numbers
        self._writer = writer
        self._at = 0
        self._limited = False

    def catalogue(self, known: Catalogue | None) -> Catalogue:
        [(version, self._at)] = self._connection.rows(CONFIG)
        catalogue = known if known is not None and known.version == version else read_catalogue(self._connection)
        self._limited = catalogue.business.policy.open_bookings is not None
        return catalogue

    def now(self) -> datetime:
        if not self._at:
            [(_, self._at)] = self._connection.rows(CONFIG)
        return to_instant(self._at)

    def users(self, ids: Collection[UserId]) -> dict[UserId, User]:
        statement = USERS_TO_COUNT if self._limited else USERS_TO_STAY
        found = (account_of(row).user for row in statement.rows(self._connection, _ids(ids)))
        return {user.id: user for user in found}

    def holdings(self, users: Collection[UserId]) -> dict[UserId, Holdings]:
        USERS_TO_GO.rows(self._connection, _ids(users))
        found = super().holdings(users)
        # Dead rows, the log and its archives go in their own time (docs/deployment.md).
        return {user: replace(holdings, copies_age_out=True) for user, holdings in found.items()}

    def bookings(self, ids: Collection[BookingId]) -> dict[BookingId, Booking]:
        rows = BOOKINGS.rows(self._connection, _ids(ids))
        return {booking.id: booking for booking in map(booking_of, rows)}

    def claims(
        self, windows: Collection[tuple[ResourceId, int, Span]], giving: Collection[ResourceId] = ()
    ) -> list[Claim]:
        wanted = sorted((_key(resource), resource in giving) for resource in {window[0] for window in windows})
        columns = [list(column) for column in zip(*wanted, strict=True)]
        with self._connection.together():
            self._connection.send(LOCK_RESOURCES, columns)
            return self._claims_in(windows)

    def next_number(self) -> int:
        numbers = self._numbers
        if numbers.end - numbers.next < BATCH_BOUND:
            [(block,)] = self._connection.rows(NEXT_BLOCK)
            numbers.next, numbers.end = block * BLOCK, (block + 1) * BLOCK
        return numbers.next

    def confirm(self) -> None:
        self._connection.run(CONFIRM, (self._writer,))

    def save(self, changes: Changes, entries: Sequence[AuditEntry]) -> None:
        self._numbers.next = max(self._numbers.next, changes.numbers)
        with self._connection.together():
            claims = self._save_claims(changes)
            self._save_users(changes)
            self._send(sql.ADD_BOOKINGS.postgresql, map(booking_row, changes.made.values()))
            self._send(CHANGE_BOOKINGS, map(changed_booking_row, changes.changed.values()))
            self._send(sql.ADD_REQUESTS.postgresql, sorted(map(settled_row, changes.settled), key=BY_REQUEST))
            self._send(sql.ADD_ENTRIES.postgresql, map(entry_row, entries))
            if entries:
                last = entries[-1]
                self._connection.send(MOVE_HEAD, (last.seq, last.hash, self._numbers.next, last.writer))
            else:
                self._connection.send(CONFIRM, (self._writer,))
        for cursor, expected, constraint in claims:
            if cursor.rowcount != expected:
                raise StoreConflict(constraint)
        for erasure in changes.erasures:
            erase(self._connection, erasure)

    def _save_claims(self, changes: Changes) -> "list[tuple[psycopg.Cursor[Row], int, str]]":
        """The cursors that will tell how many rows went and came, with the numbers that should have."""
        released = self._send(RELEASE_CLAIMS, map(released_claim_row, changes.released.values()))
        claimed = self._send(ADD_CLAIMS, sorted(map(claim_row, changes.claimed.values())))
        counted = ((released, len(changes.released), CLAIM_MISSING), (claimed, len(changes.claimed), CLAIM_NO_OVERLAP))
        return [(cursor, expected, name) for cursor, expected, name in counted if cursor is not None]

    def _save_users(self, changes: Changes) -> None:
        self._send(sql.ADD_ACCOUNTS.postgresql, sorted(map(account_row, changes.accounts), key=BY_REQUEST))
        self._send(ADD_SESSIONS, session_rows(changes))
        for token_hash in changes.closed:
            self._connection.send(sql.CLOSE_SESSION.words("postgresql"), (token_hash,))

    def _send(self, words: str, rows: Iterable[Row]) -> "psycopg.Cursor[Row] | None":
        """A statement over a list of rows, if there are any."""
        columns = [list(column) for column in zip(*rows, strict=True)]
        return self._connection.send(words, columns) if columns else None


def _ids(ids: Iterable[str]) -> list[Row]:
    return [(bytes.fromhex(id_),) for id_ in ids]


def _key(resource: ResourceId) -> int:
    """A resource's advisory lock: the random half of its id, as a signed number of 64 bits."""
    return int.from_bytes(bytes.fromhex(resource)[8:], signed=True)
