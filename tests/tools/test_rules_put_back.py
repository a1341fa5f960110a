"""The statements in docs/operations.md put the databases' own rules back as the schema has them."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from agenda.storage.postgres_database import OWN
from agenda.storage.sqlite import TRIGGERS

from .conftest import Database, Folder
from .test_postgres_doctor import LAME, RULES

_PAGE = (Path(__file__).parents[2] / "docs" / "operations.md").read_text("utf-8")
SQLITE, POSTGRES = re.findall(r"^```sql\n(.*?)^```$", _PAGE, re.MULTILINE | re.DOTALL)
NAMED = ("claim_no_overlap", "claim_no_update", "all_or_nothing")


def test_the_page_has_the_statements_of_the_schema() -> None:
    rules = [statement for statement in OWN if any(name in statement for name in NAMED)]
    assert [statement for statement in rules if statement not in POSTGRES] == []
    assert [trigger for trigger in TRIGGERS if trigger not in SQLITE] == []


def test_triggers_that_are_gone_are_put_back(folder: Folder) -> None:
    folder.damage()
    with closing(sqlite3.connect(folder.database)) as bare:
        bare.executescript(SQLITE)
    assert "trigger_missing" not in {finding.code for finding in folder.findings()}


@pytest.mark.parametrize("damage", [*(RULES[name] for name in NAMED), *LAME.values()], ids=[*NAMED, *LAME])
def test_a_rule_that_is_gone_or_not_what_it_was_is_put_back(database: Database, damage: tuple[str, ...]) -> None:
    database.sql("; ".join(damage))
    database.sql(POSTGRES)
    assert database.codes() == set()
