"""One batch of the committer where other nodes write too: what it changes or counts is locked before it is read."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from agenda.domain.audit import AuditEntry
from agenda.domain.commands import Changes, Holdings
from agenda.domain.model import Booking, BookingId, Catalogue, Claim, ResourceId, User, UserId
from agenda.engine.ports import StoreConflict, Window
from agenda.storage import arrays
from agenda.storage import postgres_statements as own
from agenda.storage import statements as sql
from agenda.storage.catalogue import read_catalogue
from agenda.storage.compiled import Many
from agenda.storage.connection import Row
from agenda.storage.erase import erase
from agenda.storage.postgres import Call, Connection
from agenda.storage.rows import (
    account_of,
    account_row,
    booking_of,
    booking_row,
    changed_booking_row,
    claim_of,
    claim_row,
    entry_row,
    released_claim_row,
    settled_row,
)
from agenda.storage.schema import to_instant, to_seconds
from agenda.storage.transaction import BY_REQUEST, SqlTransaction, session_rows

# Numbers of bookings are had in blocks, so that nodes need not agree on each; a batch takes them from one block.
BLOCK: Final = 1_000
LIMITED: Final = "bookings_limited"
BATCH_BOUND: Final = 256


@dataclass(slots=True)
class Numbers:
    """The booking numbers that this node has for itself; they are never used twice, whatever becomes of a batch.

    `limited` is whether the business was last seen to limit the number of open bookings; `written` counts entries.
    """

    next: int = 0
    end: int = 0
    limited: bool = False
    written: int = 0


class PostgresTransaction(SqlTransaction):
    """The engine's port `Transaction`; `writer` is this node's chain."""

    _connection: Connection

    def __init__(self, connection: Connection, numbers: Numbers, writer: int) -> None:
        super().__init__(connection)
        self._numbers = numbers
        self._writer = writer
        self._version, self._at = 0, 0
        self._users: dict[UserId, User] | None = None
        self._bookings: dict[BookingId, Booking] | None = None
        self._claims: list[Row] | None = None

    def expect(
        self, users: Collection[UserId], bookings: Collection[BookingId], windows: Collection[Window], known: Catalogue
    ) -> None:
        calls: list[Call] = [(own.CONFIG, ()), self._lock_users.listed(_ids(users))]
        if bookings:
            calls.append(own.BOOKINGS.listed(_ids(bookings)))
        if windows:
            calls += _claims_of(windows, ())
        (_, [(self._version, self._at)]), (_, found), *rest = self._connection.together(calls)
        self._users = _users_of(found)
        self._bookings = _bookings_of(rest[0][1]) if bookings else {}
        if windows and self._version == known.version:
            self._claims = rest[-1][1]

    def catalogue(self, known: Catalogue | None) -> Catalogue:
        self._configured()
        catalogue = known
        if catalogue is None or catalogue.version != self._version:
            catalogue = read_catalogue(self._connection)
        limited = catalogue.business.policy.open_bookings is not None
        if limited and not self._numbers.limited and self._users:
            self._numbers.limited = True
            raise StoreConflict(LIMITED)  # its users were locked too weakly for their bookings to be counted
        self._numbers.limited = limited
        return catalogue

    def now(self) -> datetime:
        self._configured()
        return to_instant(self._at)

    def _configured(self) -> None:
        """Read the version of what is offered, and the clock, unless that was done."""
        if not self._at:
            [(self._version, self._at)] = self._connection.rows(own.CONFIG)

    @property
    def _lock_users(self) -> Many:
        return own.USERS_TO_COUNT if self._numbers.limited else own.USERS_TO_STAY

    def users(self, ids: Collection[UserId]) -> dict[UserId, User]:
        if self._users is not None:
            return self._users
        return _users_of(self._lock_users.rows(self._connection, _ids(ids)))

    def holdings(self, users: Collection[UserId]) -> dict[UserId, Holdings]:
        own.USERS_TO_GO.rows(self._connection, _ids(users))
        for user in users:
            own.BOOKINGS_TO_GO.rows(self._connection, user=bytes.fromhex(user))
        found = super().holdings(users)
        # Dead rows, the log and its archives go in their own time (docs/deployment.md).
        return {user: replace(holdings, copies_age_out=True) for user, holdings in found.items()}

    def bookings(self, ids: Collection[BookingId]) -> dict[BookingId, Booking]:
        if self._bookings is not None:
            return self._bookings
        return _bookings_of(own.BOOKINGS.rows(self._connection, _ids(ids)))

    def claims(self, windows: Collection[Window], giving: Collection[ResourceId] = ()) -> list[Claim]:
        rows = self._claims
        if rows is None:
            rows = self._connection.together(_claims_of(windows, giving))[-1][1]
        return [claim_of(row) for row in dict.fromkeys(rows)]

    def next_number(self) -> int:
        numbers = self._numbers
        if numbers.end - numbers.next < BATCH_BOUND:
            [(block,)] = self._connection.rows(own.NEXT_BLOCK)
            numbers.next, numbers.end = block * BLOCK, (block + 1) * BLOCK
        return numbers.next

    def confirm(self) -> None:
        self._connection.end([self._confirmed()])

    def save(self, changes: Changes, entries: Sequence[AuditEntry]) -> None:
        self._numbers.next = max(self._numbers.next, changes.numbers)
        self._numbers.written += len(entries)
        released = sorted(map(released_claim_row, changes.released.values()))
        claimed = sorted(map(claim_row, changes.claimed.values()))
        calls: list[Call] = []
        if released:
            calls.append((own.RELEASE_CLAIMS, [*arrays.columns(released, own.RELEASED), len(released)]))
        if claimed:
            calls.append((own.ADD_CLAIMS, [*arrays.columns(claimed, sql.ADD_CLAIMS.writers), len(claimed)]))
        calls += self._rest(changes, entries)
        if not changes.erasures:
            self._connection.end(calls)
            return
        self._connection.together(calls)
        for erasure in changes.erasures:
            erase(self._connection, erasure)

    def _rest(self, changes: Changes, entries: Sequence[AuditEntry]) -> Iterator[Call]:
        """All but the claims."""
        if changes.accounts:
            yield sql.ADD_ACCOUNTS.listed(sorted(map(account_row, changes.accounts), key=BY_REQUEST))
        if changes.opened:
            yield own.ADD_SESSIONS, arrays.columns(session_rows(changes), sql.ADD_SESSIONS.writers)
        yield from ((sql.CLOSE_SESSION.words("postgresql"), (token_hash,)) for token_hash in sorted(changes.closed))
        if changes.made:
            yield sql.ADD_BOOKINGS.listed([booking_row(booking) for booking in changes.made.values()])
        if changes.changed:
            rows = [changed_booking_row(booking) for booking in changes.changed.values()]
            yield own.CHANGE_BOOKINGS, arrays.columns(rows, own.CHANGED)
        if changes.settled:
            yield sql.ADD_REQUESTS.listed(sorted(map(settled_row, changes.settled), key=BY_REQUEST))
        if entries:
            last = entries[-1]
            yield sql.ADD_ENTRIES.listed([entry_row(entry) for entry in entries])
            head = (last.seq, last.hash, self._numbers.next, last.writer, entries[0].seq - 1)
            yield own.MOVE_HEAD, (*head, self._heads)
        else:
            yield self._confirmed()

    @property
    def _heads(self) -> int | None:
        """How many chains must be where this node left them: else another server has taken over, and lacks its last."""
        return 1 if self._writer else None

    def _confirmed(self) -> Call:
        return own.CONFIRM, (self._writer, self._heads)


def _claims_of(windows: Collection[Window], giving: Collection[ResourceId]) -> list[Call]:
    """Lock the resources, and only then read their claims, which others may have changed while that waited."""
    wanted = sorted((_key(resource), resource in giving) for resource in {window[0] for window in windows})
    locks = arrays.columns(wanted, (arrays.numbers, arrays.flags))
    places = [
        (bytes.fromhex(resource), seat, to_seconds(span.start), to_seconds(span.end))
        for resource, seat, span in windows
    ]
    return [(own.LOCK_RESOURCES, locks), sql.CLAIMS_IN_WINDOWS.listed(places)]


def _users_of(rows: Iterable[Row]) -> dict[UserId, User]:
    return {user.id: user for user in (account_of(row).user for row in rows)}


def _bookings_of(rows: Iterable[Row]) -> dict[BookingId, Booking]:
    return {booking.id: booking for booking in map(booking_of, rows)}


def _ids(ids: Iterable[str]) -> list[Row]:
    return [(bytes.fromhex(id_),) for id_ in ids]


def _key(resource: ResourceId) -> int:
    """A resource's advisory lock: the random half of its id, as a signed number of 64 bits."""
    return int.from_bytes(bytes.fromhex(resource)[8:], signed=True)
