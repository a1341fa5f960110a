"""The database on PostgreSQL: made by the first node that meets an empty one, recognised and brought up to date."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy import insert, select

from agenda import __version__
from agenda.domain.model import Catalogue
from agenda.storage.catalogue import write_catalogue
from agenda.storage.compiled import Query, Statement, ddl_of
from agenda.storage.database import REVISIONS, SERVES, order
from agenda.storage.errors import StoreDamaged, StoreNewer
from agenda.storage.moved import refuse_moved
from agenda.storage.postgres import Connection
from agenda.storage.schema import ALL_OR_NOTHING, CLAIM_NO_OVERLAP, CLAIM_NO_UPDATE, META, METADATA

# Two numbers, since single ones are the keys of resources (agenda.storage.postgres_transaction).
ONE_AT_A_TIME: Final = "pg_advisory_lock(1634231, 1)"
# Who waits for that gives up in the end; who has it and is not there any more, as after a power cut, loses it.
PREPARING: Final = (
    "SET lock_timeout = '60s'; SET idle_session_timeout = '60s'; SET idle_in_transaction_session_timeout = '60s'"
)
_SERVES: Final = Query(select(META.c.value).where(META.c.name == "serves"))
OURS: Final = {*METADATA.tables, "alembic_version"}
TABLES: Final = "SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema()"

# The exclusion makes starts unique on a seat, so the key is an ordinary index: only one rule can be violated.
CLAIM_KEY: Final = "claim_key"
CLAIM_RULES: Final = (
    f"CREATE INDEX {CLAIM_KEY} ON claim (resource, seat, starts)",
    f"""ALTER TABLE claim ADD CONSTRAINT {CLAIM_NO_OVERLAP}
EXCLUDE USING gist (resource WITH =, seat WITH =, tstzrange(starts, ends) WITH &&)""",
)
OWN: Final = (
    *CLAIM_RULES,
    f"""CREATE FUNCTION {CLAIM_NO_UPDATE}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
RAISE EXCEPTION USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = '{CLAIM_NO_UPDATE}'; END $$""",
    f"CREATE TRIGGER {CLAIM_NO_UPDATE} BEFORE UPDATE ON claim FOR EACH ROW EXECUTE FUNCTION {CLAIM_NO_UPDATE}()",
    # What a batch changes goes to the server together with the commit, so the server must see that it is complete.
    f"""CREATE FUNCTION {ALL_OR_NOTHING}(changed int8, wanted int8, rule text) RETURNS void
LANGUAGE plpgsql AS $$ BEGIN IF changed <> wanted THEN RAISE EXCEPTION '%: % of % rows', rule, changed, wanted
USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = rule; END IF; END $$""",
    "CREATE SEQUENCE writer_number",
    "CREATE SEQUENCE booking_block",
    # Each batch moves one row of it, in its page.
    "ALTER TABLE writer SET (fillfactor = 20)",
)


def prepare(url: str, first: Callable[[], Catalogue]) -> None:
    """See that the database at `url` can be worked on; one node at a time.

    An empty one gets the tables, and offers what `first` returns. Raises StoreUnavailable, with what is wrong.
    """
    connection = Connection(url, PREPARING)
    try:
        with alone(connection):
            tables = {name for (name,) in connection.rows(TABLES)}
            if not tables & OURS:
                create(connection, first())
            elif _behind(connection, tables):
                from agenda.storage.migrate import migrate_postgres

                migrate_postgres(connection)
    finally:
        connection.close()


def admit(connection: Connection) -> None:
    """That a server of this program may work on the database still. Raises StoreDamaged, StoreNewer, StoreMoved."""
    check(connection)
    refuse_moved(connection, connection.place)


def check(connection: Connection) -> None:
    """That this program understands the database. Raises StoreDamaged, StoreNewer."""
    serves = _SERVES.row(connection)
    if serves is None:
        raise StoreDamaged(connection.place)
    if order(serves[0]) > order(__version__):
        raise StoreNewer(connection.place, serves[0])


@contextmanager
def alone(connection: Connection) -> Iterator[None]:
    """While other nodes that start wait; the lock goes with the connection."""
    connection.rows(f"SELECT {ONE_AT_A_TIME}::text")
    yield


def create(connection: Connection, catalogue: Catalogue) -> None:
    """Make every table, index and rule, and the first business, in one transaction."""
    connection.run("BEGIN")
    try:
        make_tables(connection)
        Statement(insert(META)).each(connection, {"data": secrets.token_hex(16), "serves": SERVES}.items())
        write_catalogue(connection, catalogue)
        connection.run("COMMIT")
    except BaseException:
        connection.undo()
        raise


def make_tables(connection: Connection) -> None:
    """Make every table, index and rule, empty, in the transaction that is open."""
    connection.run("CREATE EXTENSION IF NOT EXISTS btree_gist")
    for statement in (*ddl_of("postgresql"), *OWN):
        connection.run(statement)
    connection.run(
        "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, "
        "CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
    )
    connection.run("INSERT INTO alembic_version VALUES ($1)", (REVISIONS[-1],))


def _behind(connection: Connection, tables: set[str]) -> bool:
    """Whether the tables are older than this program.

    Tables of a later program are worked on as they are, as long as they serve this one: later programs first add what
    they need, and take away what older ones need only once these are gone. Raises StoreDamaged, StoreNewer, StoreMoved.
    """
    if not {"alembic_version", META.name} <= tables:
        raise StoreDamaged(connection.place)
    row = connection.row("SELECT version_num::text FROM alembic_version")
    if row is None:
        raise StoreDamaged(connection.place)
    admit(connection)
    return row[0] in REVISIONS[:-1]
