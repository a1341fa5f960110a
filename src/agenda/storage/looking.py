"""Opens the data for tools that read them beside the servers that work on them, whichever engine keeps them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Final

from agenda.storage import postgres, sqlite
from agenda.storage.connection import Connection
from agenda.storage.database import REVISIONS
from agenda.storage.errors import StoreDamaged, StoreEmpty, StoreInUse, StoreMissing, StoreNewer, StoreOlder
from agenda.storage.folder import DATABASE
from agenda.storage.postgres_database import TABLES, check
from agenda.storage.schema import META

# No statement keeps a snapshot for longer: it would keep what was erased from being cleared away.
LOOKING_SECONDS: Final = 120
_SETTINGS: Final = (
    f"SET default_transaction_read_only = on; SET statement_timeout = '{LOOKING_SECONDS}s';"
    "SET work_mem = '64MB'; SET jit = off; SET idle_in_transaction_session_timeout = '60s'"
)
# Nodes' connections, by the name that they give themselves; one that was just closed is seen for a moment more.
_NODES: Final = """\
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name = 'agenda'"""
_SEEN_SECONDS: Final = 0.5
_REVISION: Final = "SELECT max(version_num) FROM alembic_version"


@contextmanager
def looking(folder: Path, store: str | None = None) -> Iterator[Connection]:
    """A connection that only reads: to the database in the folder or, if it is given, to the one at `store`.

    Raises StoreMissing, StoreEmpty, StoreUnavailable.
    """
    if store is None:
        with looking_at_folder(folder) as embedded:
            yield embedded
        return
    shared = postgres.Connection(store, _SETTINGS)
    try:
        recognise(shared)
        yield shared
    finally:
        shared.close()


@contextmanager
def looking_at_folder(folder: Path) -> Iterator[sqlite.Connection]:
    """The same, of an embedded database. Raises StoreMissing, StoreUnavailable."""
    database = folder / DATABASE
    if not database.is_file():
        raise StoreMissing(database)
    connection = sqlite.Connection(database, read_only=True)
    try:
        yield connection
    finally:
        connection.close()


def recognise(connection: postgres.Connection) -> None:
    """That a PostgreSQL database holds an agenda that this program understands.

    Raises StoreEmpty, StoreDamaged, StoreNewer.
    """
    tables = {name for (name,) in connection.rows(TABLES)} & {META.name, "alembic_version"}
    if not tables:
        raise StoreEmpty(connection.place)
    if len(tables) == 1:
        raise StoreDamaged(connection.place)
    check(connection)


def refuse_other_revisions(connection: Connection, place: Path | str) -> None:
    """That the tables are just those of this program. Raises StoreOlder, StoreNewer."""
    [(revision,)] = connection.rows(_REVISION)
    if revision in REVISIONS[:-1]:
        raise StoreOlder(place)
    if revision != REVISIONS[-1]:
        raise StoreNewer(place, str(connection.rows("SELECT value FROM meta WHERE name = 'serves'")[0][0]))


def refuse_nodes(connection: Connection, place: str) -> None:
    """That no node works on the database. Raises StoreInUse."""
    deadline = monotonic() + _SEEN_SECONDS
    while connection.rows(_NODES) != [(0,)]:
        if monotonic() > deadline:
            raise StoreInUse(place)
        sleep(_SEEN_SECONDS / 10)
        connection.rows("SELECT pg_stat_clear_snapshot()::text")  # else a transaction sees what it saw before
