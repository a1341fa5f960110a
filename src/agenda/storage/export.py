"""Everything that is stored about one user, as plain values without secrets."""

from dataclasses import asdict
from typing import Any, Final

from sqlalchemy import BindParameter, bindparam, select

from agenda.domain.model import Booking, UserId
from agenda.storage import erase
from agenda.storage.compiled import Query
from agenda.storage.connection import Connection, Row
from agenda.storage.rows import (
    account_of,
    booking_facts,
    booking_of,
    claim_of,
    entry_of,
    settled_of,
)
from agenda.storage.schema import ACCOUNT, AUDIT, BOOKING, REQUEST, SESSION, to_instant

_USER: Final[BindParameter[Any]] = bindparam("user_id")
_ACCOUNT: Final = Query(select(ACCOUNT).where(ACCOUNT.c.id == _USER))
_SESSIONS: Final = Query(select(SESSION.c.language, SESSION.c.at).where(SESSION.c.user == _USER).order_by(SESSION.c.at))
_BOOKINGS: Final = Query(select(BOOKING).where(BOOKING.c.user == _USER).order_by(BOOKING.c.starts, BOOKING.c.id))
_REQUESTS: Final = Query(
    select(*REQUEST.columns, *BOOKING.columns)
    .select_from(REQUEST.outerjoin(BOOKING, BOOKING.c.number == REQUEST.c.booking))
    .where(REQUEST.c.user == _USER)
    .order_by(REQUEST.c.at, REQUEST.c.request)
)
_ENTRIES: Final = Query(select(AUDIT).where(AUDIT.c.user == _USER).order_by(AUDIT.c.writer, AUDIT.c.seq))


def export_of(connection: Connection, user: UserId) -> dict[str, Any]:
    """All rows about the user, within the transaction that is open; empty if there is no such user."""
    key = bytes.fromhex(user)
    row = _ACCOUNT.row(connection, user_id=key)
    if row is None:
        return {}
    account = account_of(row)
    return {
        "user": {
            "id": account.user.id,
            "name": account.user.name,
            "role": account.user.role.value,
            "language": account.language,
            "created": account.created,
        },
        "sessions": [
            {"language": language, "opened": to_instant(at)} for language, at in _SESSIONS.rows(connection, user_id=key)
        ],
        "bookings": [booking_facts(booking_of(row)) for row in _BOOKINGS.rows(connection, user_id=key)],
        "claims": [_claim(row) for row in erase.CLAIMS.rows(connection, user_id=key)],
        "requests": [_request(row) for row in _REQUESTS.rows(connection, user_id=key)],
        "audit": [_entry(row) for row in _ENTRIES.rows(connection, user_id=key)],
    }


def _claim(row: Row) -> dict[str, Any]:
    claim = claim_of(row)
    return {**claim._asdict(), "span": asdict(claim.span)}


def _request(row: Row) -> dict[str, Any]:
    settled = settled_of(row)
    outcome = settled.outcome
    answer = booking_facts(outcome) if isinstance(outcome, Booking) else {"code": outcome.code, **outcome.facts}
    return {"request": settled.request, "at": settled.at, "outcome": answer}


def _entry(row: Row) -> dict[str, Any]:
    entry = entry_of(row)
    return {"writer": entry.writer, "seq": entry.seq, **entry.fact._asdict()}
