"""One batch of the committer on the writing connection: load what it needs, save what it decided."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from operator import itemgetter
from typing import Final

from sqlalchemy import func, select

from agenda.domain.audit import AuditEntry
from agenda.domain.commands import Changes, Holdings, Settled
from agenda.domain.model import Booking, BookingId, Catalogue, Claim, RequestId, ResourceId, User, UserId
from agenda.engine.ports import StoreConflict, Window
from agenda.storage import statements as sql
from agenda.storage.catalogue import read_catalogue
from agenda.storage.compiled import Statement
from agenda.storage.connection import Connection, Row
from agenda.storage.erase import erase, holdings_of
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
    settled_of,
    settled_row,
)
from agenda.storage.schema import BOOKING, WRITER, to_seconds

BY_REQUEST: Final = itemgetter(1, 0)  # and by user: in the same order everywhere
CLAIM_MISSING: Final = "claim_missing"

_USERS_KEPT: Final = 20_000
_LAST_NUMBER: Final = Statement(select(func.max(BOOKING.c.number)))
_FIRST_UNUSED: Final = Statement(select(func.max(WRITER.c.numbers)))


class SqlTransaction:
    """What the port `Transaction` asks for and both engines answer alike."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def expect(
        self, users: Collection[UserId], bookings: Collection[BookingId], windows: Collection[Window], known: Catalogue
    ) -> None:
        """There is no way to the file that could be saved."""

    def settled(self, keys: Collection[tuple[UserId, RequestId]]) -> dict[tuple[UserId, RequestId], Settled]:
        wanted = [(bytes.fromhex(user), request) for user, request in keys]
        found = map(settled_of, sql.REQUESTS.rows(self._connection, wanted))
        return {(settled.user, settled.request): settled for settled in found}

    def names(self, names: Collection[str]) -> set[str]:
        rows = sql.ACCOUNTS_BY_NAME.rows(self._connection, [(name,) for name in names])
        return {account_of(row).user.name for row in rows}

    def open_bookings(self, users: Collection[UserId], now: datetime) -> dict[UserId, int]:
        wanted = [(bytes.fromhex(user), to_seconds(now)) for user in dict.fromkeys(users)]
        return {UserId(user.hex()): count for user, count in sql.OPEN_BOOKINGS.rows(self._connection, wanted)}

    def holdings(self, users: Collection[UserId]) -> dict[UserId, Holdings]:
        found = {user: holdings_of(self._connection, user) for user in users}
        return {user: holdings for user, holdings in found.items() if holdings is not None}

    def _claims_in(self, windows: Collection[Window]) -> list[Claim]:
        wanted = [
            (bytes.fromhex(resource), seat, to_seconds(span.start), to_seconds(span.end))
            for resource, seat, span in windows
        ]
        rows = sql.CLAIMS_IN_WINDOWS.rows(self._connection, wanted)
        return [claim_of(row) for row in dict.fromkeys(rows)]


def session_rows(changes: Changes) -> list[Row]:
    """In the order of the columns of `session`."""
    return [
        (session.token_hash, bytes.fromhex(session.user), session.language, to_seconds(session.at))
        for session in changes.opened
    ]


@dataclass(slots=True)
class Memory:
    """What the only writer may remember from one transaction to the next, since nobody else can change it."""

    users: dict[UserId, User] = field(default_factory=dict)
    numbers: int | None = None

    def forget(self) -> None:
        """After a transaction that did not, or perhaps did not, commit."""
        self.users.clear()
        self.numbers = None


def utc_now() -> datetime:
    """The machine's clock."""
    return datetime.now(UTC)


class SqliteTransaction(SqlTransaction):
    """The engine's port `Transaction` where no other node writes."""

    def __init__(self, connection: Connection, memory: Memory, clock: Callable[[], datetime] = utc_now) -> None:
        super().__init__(connection)
        self._memory = memory
        self._clock = clock

    def now(self) -> datetime:
        # Whole seconds, as the store keeps them: an outcome is equal when it is read again.
        return self._clock().replace(microsecond=0)

    def catalogue(self, known: Catalogue | None) -> Catalogue:
        if known is not None and sql.CONFIG_VERSION.rows(self._connection) == [(known.version,)]:
            return known
        return read_catalogue(self._connection)

    def users(self, ids: Collection[UserId]) -> dict[UserId, User]:
        known = self._memory.users
        missing = [(bytes.fromhex(id_),) for id_ in ids if id_ not in known]
        if missing:
            if len(known) > _USERS_KEPT:
                known.clear()
                missing = [(bytes.fromhex(id_),) for id_ in ids]
            for row in sql.ACCOUNTS.rows(self._connection, missing):
                user = account_of(row).user
                known[user.id] = user
        return {id_: known[id_] for id_ in ids if id_ in known}

    def bookings(self, ids: Collection[BookingId]) -> dict[BookingId, Booking]:
        rows = sql.BOOKINGS.rows(self._connection, [(bytes.fromhex(id_),) for id_ in ids])
        return {booking.id: booking for booking in map(booking_of, rows)}

    def claims(self, windows: Collection[Window], giving: Collection[ResourceId] = ()) -> list[Claim]:
        return self._claims_in(windows)

    def next_number(self) -> int:
        if self._memory.numbers is None:
            [(last,)] = _LAST_NUMBER.rows(self._connection)
            [(unused,)] = _FIRST_UNUSED.rows(self._connection)
            self._memory.numbers = max((last or 0) + 1, unused or 1)
        return self._memory.numbers

    def confirm(self) -> None:
        """What is in this file is on disk: nothing needs to be written for it."""

    def save(self, changes: Changes, entries: Sequence[AuditEntry]) -> None:
        self._save_claims(changes)
        self._save_users(changes)
        if changes.made:
            sql.ADD_BOOKINGS.run(self._connection, [booking_row(b) for b in changes.made.values()])
        if changes.changed:
            rows = [changed_booking_row(b) for b in changes.changed.values()]
            sql.CHANGE_BOOKING.each(self._connection, rows)
        if changes.settled:
            # In the order of the key, so that neighbours meet on one page while it is at hand.
            sql.ADD_REQUESTS.run(self._connection, sorted(map(settled_row, changes.settled), key=BY_REQUEST))
        if entries:
            sql.ADD_ENTRIES.run(self._connection, [entry_row(entry) for entry in entries])
            self._move_head(changes, entries[-1])
        for erasure in changes.erasures:
            erase(self._connection, erasure)
            self._memory.users.pop(erasure.user, None)

    def _save_claims(self, changes: Changes) -> None:
        released = [released_claim_row(claim) for claim in changes.released.values()]
        if released and sql.RELEASE_CLAIM.each(self._connection, released) != len(released):
            raise StoreConflict(CLAIM_MISSING)
        if changes.claimed:
            sql.ADD_CLAIMS.run(self._connection, sorted(map(claim_row, changes.claimed.values())))

    def _save_users(self, changes: Changes) -> None:
        if changes.accounts:
            sql.ADD_ACCOUNTS.run(self._connection, [account_row(account) for account in changes.accounts])
        if changes.opened:
            sql.ADD_SESSIONS.run(self._connection, session_rows(changes))
        if changes.closed:
            sql.CLOSE_SESSION.each(self._connection, [(token_hash,) for token_hash in changes.closed])

    def _move_head(self, changes: Changes, last: AuditEntry) -> None:
        numbers = max(changes.numbers, self.next_number())
        sql.MOVE_HEAD.run(self._connection, (last.seq, last.hash, numbers, last.writer))
        self._memory.numbers = numbers
