"""On PostgreSQL, too, no question on the way of a booking, or of a user, walks through a whole table."""

import json
import re
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from agenda.storage import (
    erase,
    export,
    postgres_feed,
    postgres_pool,
    postgres_statements,
    postgres_store,
    reader,
    statements,
    tidy,
)
from agenda.storage.compiled import Many, Query, Statement
from agenda.storage.postgres import WRITER_SETTINGS, Connection
from agenda.storage.postgres_store import PostgresStore
from tests.postgres import database_of
from tests.storage.making import catalogue
from tests.storage.node import rows

LARGE = {"account", "audit", "booking", "claim", "request", "session"}
MODULES = (
    *(statements, erase, export, reader, tidy),
    *(postgres_feed, postgres_pool, postgres_statements, postgres_store),
)
FILL = """\
INSERT INTO account SELECT gen_random_uuid(), 'user ' || n, 'customer', 'hash', 'en', now()
FROM generate_series(1, 500) n;
INSERT INTO session SELECT uuid_send(gen_random_uuid()), id, 'en', now() FROM account;
INSERT INTO booking SELECT n, gen_random_uuid(), (SELECT id FROM resource), (SELECT id FROM service),
(SELECT id FROM account OFFSET n % 500 LIMIT 1), now() + n * interval '1 hour', now() + (n + 1) * interval '1 hour',
'booked', now(), '', 'UTC', 0, NULL FROM generate_series(1, 3000) n;
INSERT INTO claim SELECT resource, seat, starts, ends, id FROM booking;
INSERT INTO request SELECT "user", 'r' || number, '', number, '[]', now() FROM booking;
INSERT INTO audit SELECT 1, number, created, "user", 'booking.create', 'ok', id, resource, starts, ends,
NULL, '', '', '' FROM booking;
INSERT INTO writer SELECT 1, 3000, '', 3001, now()"""


def words(it: object) -> list[str]:
    match it:
        case Many():
            return [it.postgresql]
        case Query() | Statement():
            return [it.words("postgresql")]
        case str() if re.match(r"(SELECT|INSERT|UPDATE|DELETE|WITH)\b", it):
            return [it]
        case tuple():
            return [sql for one in it for sql in words(one)]
        case _:
            return []


# Requests lie in order of time and are kept for two days: what a person has among them is looked for one by one.
OF_ONE_USER = {*words(export._REQUESTS), *(sql for statement in erase.ERASE for sql in words(statement))}
# What SQLite alone is asked.
OF_SQLITE = {*words(reader._AUDIT), *words(reader._GONE)}
STATEMENTS = sorted({sql for module in MODULES for it in vars(module).values() for sql in words(it)} - OF_SQLITE)


@pytest.fixture(scope="module", params=["empty", "filled", "analysed"])
def connection(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    url = database_of(tmp_path_factory.mktemp("planned"))
    PostgresStore(url, catalogue).close()
    if request.param != "empty":
        rows(url, FILL)
    if request.param == "analysed":
        rows(url, "ANALYZE")
    with closing(Connection(url, WRITER_SETTINGS)) as it:
        yield it


def walked(connection: Connection, sql: str) -> set[str]:
    """The large tables that the plan reads from one end to the other."""
    count = max(map(int, re.findall(r"\$(\d+)", sql)), default=0)
    cursor = connection.raw.cursor()
    cursor.execute(f"PREPARE planned AS {sql}")
    try:
        values = f"({', '.join(['NULL'] * count)})" if count else ""
        [(plan,)] = cursor.execute(f"EXPLAIN (FORMAT json) EXECUTE planned{values}")
    finally:
        cursor.execute("DEALLOCATE planned")
    return set(_walks(plan[0]["Plan"] if isinstance(plan, list) else json.loads(plan)[0]["Plan"])) & LARGE


def _walks(node: dict[str, Any]) -> Iterator[str]:
    for inner in node.get("Plans", []):
        yield from _walks(inner)
    scan = node["Node Type"]
    if scan in {"Index Scan", "Index Only Scan", "Bitmap Index Scan"}:
        if "Index Cond" not in node:
            yield node.get("Relation Name") or node["Index Name"].partition("_")[0]
    elif scan.endswith("Scan") and scan != "Bitmap Heap Scan" and "Relation Name" in node:
        yield node["Relation Name"]


@pytest.mark.parametrize("sql", STATEMENTS)
def test_rows_are_found_by_an_index(connection: Connection, sql: str) -> None:
    assert walked(connection, sql) <= ({"request"} if sql in OF_ONE_USER else set())


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM booking WHERE note = $1",
        "SELECT number FROM booking WHERE note = $1 ORDER BY number",
        "DELETE FROM claim WHERE ends < $1",
    ],
)
def test_a_walk_through_a_table_would_be_noticed(connection: Connection, sql: str) -> None:
    assert walked(connection, sql) == {re.findall("FROM ([a-z]+)", sql)[0]}


def test_all_statements_were_found() -> None:
    assert {postgres_statements.ADD_CLAIMS, postgres_statements.BOOKINGS.postgresql} < set(STATEMENTS)
    assert postgres_feed._ENTRIES in STATEMENTS
