"""All that is stored about one person: counted, deleted, blanked."""

from typing import Any, Final

from sqlalchemy import BindParameter, Select, bindparam, delete, func, null, select, tuple_, update

from agenda.domain.commands import Erasure, Holdings
from agenda.domain.model import UserId
from agenda.storage import statements as sql
from agenda.storage.compiled import Query
from agenda.storage.connection import Connection
from agenda.storage.rows import booking_of, claim_of, receipt_text
from agenda.storage.schema import (
    ACCOUNT,
    AUDIT,
    BOOKING,
    CLAIM,
    REQUEST,
    SESSION,
    to_seconds,
)

_USER: Final[BindParameter[Any]] = bindparam("user_id")


def _claims(*columns: Any) -> Select[Any]:
    """Of the claims that a user's bookings own."""
    return select(*columns).select_from(BOOKING.join(CLAIM, sql.its_claim())).where(BOOKING.c.user == _USER)


_CLAIM_KEY: Final = (CLAIM.c.resource, CLAIM.c.seat, CLAIM.c.starts)

PASSWORD: Final = Query(select(ACCOUNT.c.password_hash).where(ACCOUNT.c.id == _USER))
BOOKINGS: Final = Query(select(BOOKING).where(BOOKING.c.user == _USER).order_by(BOOKING.c.starts))
CLAIMS: Final = Query(_claims(*CLAIM.columns))
ENTRIES: Final = Query(
    select(AUDIT.c.writer, AUDIT.c.seq).where(AUDIT.c.user == _USER).order_by(AUDIT.c.writer, AUDIT.c.seq)
)
SESSIONS: Final = Query(select(func.count()).select_from(SESSION).where(SESSION.c.user == _USER))

_ERASED_CONTENT: Final = {name: null() for name in ("user", "action", "outcome", "booking", "detail", "salt")}
# In this order: claims are found by bookings, and sessions refer to the account.
ERASE: Final = tuple(
    map(
        Query,
        (
            delete(CLAIM).where(tuple_(*_CLAIM_KEY).in_(_claims(*_CLAIM_KEY))),
            delete(BOOKING).where(BOOKING.c.user == _USER),
            delete(REQUEST).where(REQUEST.c.user == _USER),
            delete(SESSION).where(SESSION.c.user == _USER),
            delete(ACCOUNT).where(ACCOUNT.c.id == _USER),
            update(AUDIT).values(_ERASED_CONTENT).where(AUDIT.c.user == _USER),
        ),
    )
)


def holdings_of(connection: Connection, user: UserId) -> Holdings | None:
    """What there is to erase; None if there is no such user."""
    key = bytes.fromhex(user)
    account = PASSWORD.row(connection, user_id=key)
    if account is None:
        return None
    [(sessions,)] = SESSIONS.rows(connection, user_id=key)
    return Holdings(
        tuple(map(booking_of, BOOKINGS.rows(connection, user_id=key))),
        tuple(map(claim_of, CLAIMS.rows(connection, user_id=key))),
        tuple((writer, seq) for writer, seq in ENTRIES.rows(connection, user_id=key)),
        sessions,
        account[0],
    )


def erase(connection: Connection, erasure: Erasure) -> None:
    """Delete the user and all that names him, and keep the receipt; of his audit entries the chain's links stay."""
    key = bytes.fromhex(erasure.user)
    for statement in ERASE:
        statement.run(connection, user_id=key)
    receipt = erasure.receipt
    row = (erasure.request, erasure.fingerprint, erasure.password_hash, receipt_text(receipt))
    sql.ADD_ERASURES.run(connection, [(key, *row, to_seconds(receipt.erased_at))])
