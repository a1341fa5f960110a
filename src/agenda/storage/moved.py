"""The mark that a move leaves in the agenda it was made from, so that no server starts there out of habit."""

from typing import Final

from sqlalchemy import delete, insert, select

from agenda.storage.compiled import Query, Statement
from agenda.storage.connection import Connection
from agenda.storage.errors import StoreMoved
from agenda.storage.schema import META

_NAME: Final = "moved_to"
_TARGET: Final = Query(select(META.c.value).where(META.c.name == _NAME))
_LEAVE: Final = Statement(insert(META))
_TAKE_AWAY: Final = Query(delete(META).where(META.c.name == _NAME))


def moved_to(connection: Connection) -> str | None:
    """Where the agenda has gone, if it has."""
    row = _TARGET.row(connection)
    return str(row[0]) if row else None


def refuse_moved(connection: Connection, source: str) -> None:
    """That the agenda was not moved elsewhere; `source` is its own place, as move-store names it. Raises StoreMoved."""
    if target := moved_to(connection):
        raise StoreMoved(source, target)


def leave_mark(connection: Connection, target: str) -> None:
    """From now on the agenda is at `target`, and none is served here."""
    _LEAVE.run(connection, (_NAME, target))


def take_mark(connection: Connection) -> str | None:
    """Take the mark away; where it said that the agenda is, if there was one."""
    target = moved_to(connection)
    _TAKE_AWAY.run(connection)
    return target
