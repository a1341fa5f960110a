"""Whom the agenda erased: the list of their ids, and erasing them again from a store that was restored."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from pydantic_core import from_json
from sqlalchemy import select

from agenda.domain.audit import SALT_BYTES, Head, chain
from agenda.domain.commands import Changes, EraseUser, State
from agenda.domain.decide import decide
from agenda.domain.model import Catalogue, RequestId, UserId
from agenda.engine.ids import new_ids
from agenda.engine.ports import Store
from agenda.storage.compiled import Query
from agenda.storage.connection import Connection
from agenda.storage.database import open_store
from agenda.storage.errors import StoreEmpty
from agenda.storage.folder import ERASED
from agenda.storage.looking import looking, refuse_nodes
from agenda.storage.postgres_address import shown
from agenda.storage.schema import AUDIT, SESSION

# What erasures left in the audit log, the only place that keeps their ids for ever.
ERASURES: Final = Query(
    select(AUDIT.c.detail)
    .where(AUDIT.c.action == EraseUser.action, AUDIT.c.detail.is_not(None))
    .order_by(AUDIT.c.at, AUDIT.c.writer, AUDIT.c.seq)
)
_SESSIONS: Final = Query(select(SESSION.c.token_hash))


def listed(folder: Path) -> list[str]:
    """The ids on the list beside an embedded database. Raises OSError."""
    try:
        return (folder / ERASED).read_text("ascii").split()
    except FileNotFoundError:
        return []


def erased_people(connection: Connection) -> list[str]:
    """The ids of all who were erased, in order of time, by the audit log. Raises StoreUnavailable."""
    return list(dict.fromkeys(from_json(detail)["erased"] for (detail,) in ERASURES.rows(connection)))


def erase_people(store: Store, people: Iterable[str]) -> int:
    """Erase those of the people whom the store knows, as the server would have; returns how many they were."""
    ids = new_ids()
    head = None
    done = 0
    for user in map(UserId, people):
        if store.reader().account_of(user) is None:
            continue
        head = head or store.open_writer()
        with store.begin() as transaction:
            catalogue = transaction.catalogue(None)
            state = State(
                catalogue,
                users=transaction.users([user]),
                holdings=transaction.holdings([user]),
                numbers=transaction.next_number(),
            )
            command = EraseUser(user, RequestId(next(ids)), b"", fresh=True)
            _, changes = decide(state, [command], transaction.now(), ids)
            entries = chain(head, changes.facts, os.urandom(SALT_BYTES * len(changes.facts)))
            transaction.save(changes, entries)
        head = Head(head.writer, entries[-1].seq, entries[-1].hash)
        done += 1
    if done:
        store.scrub()
    return done


def forget_in(folder: Path, address: str | None, people: Iterable[str]) -> int:
    """Erase those of the people who are known in the folder or, if it is given, at the address, and end every session.

    A store that was restored knows people who were erased since, and sessions that were ended. Returns how many of
    the people it knew. Raises FolderInUse, StoreInUse, StoreMissing, StoreEmpty, StoreUnavailable.
    """
    with looking(folder, address) as connection:
        if address is not None:
            refuse_nodes(connection, shown(address))
        store = _opened(folder, address)
        try:
            known = erase_people(store, people)
            _end_sessions(store, connection)
        finally:
            store.close()
    return known


def _opened(folder: Path, address: str | None) -> Store:
    if address is None:
        return open_store(folder, _nothing)
    from agenda.storage.postgres_store import PostgresStore

    return PostgresStore(address, _nothing)


def _nothing() -> Catalogue:
    """What would be offered where there is no agenda; but there is one."""
    raise StoreEmpty("")


def _end_sessions(store: Store, connection: Connection) -> None:
    """End all that the connection can see."""
    tokens = [token_hash for (token_hash,) in _SESSIONS.rows(connection)]
    with store.begin() as transaction:
        transaction.save(Changes(closed=tokens), [])
