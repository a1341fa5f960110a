"""No question on the way of a booking, or of a user, walks through a whole table."""

import re

import pytest
from sqlalchemy import select

from agenda.storage import erase, export, reader, statements, tidy, userlogs
from agenda.storage.compiled import Many, Query, Statement
from agenda.storage.schema import CLAIM
from agenda.storage.store import SqliteStore

LARGE = "account|audit|booking|claim|request|session"
MODULES = (statements, erase, export, reader, tidy, userlogs)


def words(it: object) -> list[str]:
    match it:
        case Many():
            return [it._repeated(1), it._repeated(64)]
        case Query() | Statement():
            return [it.words("sqlite")]
        case tuple():
            return [sql for one in it for sql in words(one)]
        case _:
            return []


# Requests lie in order of time and are kept for two days: what a person has among them is looked for one by one.
OF_ONE_USER = {*words(export._REQUESTS), *(sql for statement in erase.ERASE for sql in words(statement))}
STATEMENTS = sorted({sql for module in MODULES for it in vars(module).values() for sql in words(it)})


def plan(store: SqliteStore, sql: str) -> str:
    return "\n".join(row[3] for row in store._writing.rows(f"EXPLAIN QUERY PLAN {sql}", (None,) * sql.count("?")))


@pytest.mark.parametrize("sql", STATEMENTS)
def test_rows_are_found_by_an_index(sqlite: SqliteStore, sql: str) -> None:
    walked = set(re.findall(rf"SCAN ({LARGE})\b", plan(sqlite, sql)))
    assert walked <= {"request"} if sql in OF_ONE_USER else not walked


def test_a_walk_through_a_table_would_be_noticed(sqlite: SqliteStore) -> None:
    assert re.search(rf"SCAN ({LARGE})\b", plan(sqlite, "SELECT * FROM booking WHERE note = ?"))


@pytest.mark.parametrize("count", [1, 2, 63, 64])
def test_a_statement_over_rows_has_a_place_for_each_value(count: int) -> None:
    assert statements.ADD_CLAIMS._repeated(count).count("?") == 5 * count


def test_a_statement_over_anything_but_one_list_is_refused() -> None:
    with pytest.raises(ValueError, match="one list"):
        Many(select(CLAIM), tuple(CLAIM.c))._repeated(1)
