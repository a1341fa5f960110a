"""Clearing what is of no more use: past claims, old requests, sessions and receipts, a bounded number at a time."""

from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import BindParameter, bindparam, delete, literal_column, select, tuple_

from agenda.storage import statements as sql
from agenda.storage.compiled import Query, Statement
from agenda.storage.connection import Connection
from agenda.storage.schema import CLAIM, ERASURE, REQUEST, SESSION, Id, to_seconds

# A claim is what keeps others from a time, so one is past only when it is so by any clock: a machine that starts with
# a wrong one, by the hours of a time zone or by a day, must not free what is still to come.
CLAIMS_KEPT: Final = timedelta(days=30)
REQUESTS_KEPT: Final = timedelta(hours=48)
SESSIONS_KEPT: Final = timedelta(days=180)
NOBODY: Final = bytes(16)  # before every id
AT_ONCE: Final = 1_000
SEATS_AT_ONCE: Final = 200

_LIMIT: Final[BindParameter[Any]] = bindparam("most")
_NOW: Final[BindParameter[Any]] = bindparam("instant")

_NEXT_SEAT: Final = Query(
    select(CLAIM.c.resource, CLAIM.c.seat)
    .where(tuple_(CLAIM.c.resource, CLAIM.c.seat) > tuple_(bindparam("resource", type_=Id()), bindparam("seat")))
    .order_by(CLAIM.c.resource, CLAIM.c.seat)
    .limit(literal_column("1"))
)
_THIS_SEAT: Final = (CLAIM.c.resource == bindparam("resource"), CLAIM.c.seat == bindparam("seat"))
_CLEAR_CLAIMS: Final = Query(
    delete(CLAIM).where(
        *_THIS_SEAT,
        CLAIM.c.starts.in_(
            select(CLAIM.c.starts)
            .where(*_THIS_SEAT, CLAIM.c.starts < _NOW, CLAIM.c.ends <= _NOW)
            .order_by(CLAIM.c.starts)
            .limit(_LIMIT)
        ),
    )
)
_REQUESTS_AFTER: Final = Query(
    select(REQUEST.c.user, REQUEST.c.request, REQUEST.c.at)
    .where(tuple_(REQUEST.c.request, REQUEST.c.user) > tuple_(bindparam("request"), bindparam("user", type_=Id())))
    .order_by(REQUEST.c.request, REQUEST.c.user)
    .limit(_LIMIT)
)
_CLEAR_REQUEST: Final = Statement(
    delete(REQUEST).where(REQUEST.c.user == bindparam("user"), REQUEST.c.request == bindparam("request"))
)
_SESSIONS_AFTER: Final = Query(
    select(SESSION.c.token_hash, SESSION.c.at)
    .where(SESSION.c.token_hash > bindparam("token_hash"))
    .order_by(SESSION.c.token_hash)
    .limit(_LIMIT)
)
_CLEAR_ERASURES: Final = Query(delete(ERASURE).where(ERASURE.c.at < _NOW))


class Tidier:
    """Goes round each table by its key, a stretch at each call: that needs no index by time on the way of a booking."""

    def __init__(self) -> None:
        self._seat: tuple[bytes, int] = (NOBODY, -1)
        self._request: tuple[bytes, str] = (NOBODY, "")
        self._session = b""

    def tidy(self, connection: Connection, now: datetime) -> None:
        """Look at up to SEATS_AT_ONCE seats, and AT_ONCE requests and sessions, within the transaction that is open."""
        self._claims(connection, to_seconds(now - CLAIMS_KEPT))
        self._requests(connection, to_seconds(now - REQUESTS_KEPT))
        self._sessions(connection, to_seconds(now - SESSIONS_KEPT))
        _CLEAR_ERASURES.run(connection, instant=to_seconds(now - REQUESTS_KEPT))

    def _claims(self, connection: Connection, before: int) -> None:
        left = AT_ONCE
        for _ in range(SEATS_AT_ONCE):
            resource, seat = self._seat
            row = _NEXT_SEAT.row(connection, resource=resource, seat=seat)
            if row is None:
                self._seat = (NOBODY, -1)
                return
            left -= _CLEAR_CLAIMS.run(connection, resource=row[0], seat=row[1], instant=before, most=left)
            if left <= 0:
                return  # this seat may have more: it is the next one again
            self._seat = (row[0], row[1])

    def _requests(self, connection: Connection, before: int) -> None:
        user, request = self._request
        rows = _REQUESTS_AFTER.rows(connection, user=user, request=request, most=AT_ONCE)
        self._request = (rows[-1][0], rows[-1][1]) if len(rows) == AT_ONCE else (NOBODY, "")
        _CLEAR_REQUEST.each(connection, [(user, request) for user, request, at in rows if at < before])

    def _sessions(self, connection: Connection, before: int) -> None:
        rows = _SESSIONS_AFTER.rows(connection, token_hash=self._session, most=AT_ONCE)
        self._session = rows[-1][0] if len(rows) == AT_ONCE else b""
        sql.CLOSE_SESSION.each(connection, [(token_hash,) for token_hash, at in rows if at < before])
