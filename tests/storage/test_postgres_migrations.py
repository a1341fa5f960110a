"""Tables on PostgreSQL are made by one node and changed under the eyes of others, which go on as long as they can."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Event
from typing import Any

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine

from agenda.cli.exits import Status
from agenda.domain.errors import Unavailable
from agenda.domain.model import Booking, Catalogue
from agenda.engine import committer
from agenda.storage import database, errors, migrate, postgres_database
from agenda.storage.postgres_database import ONE_AT_A_TIME
from agenda.storage.postgres_store import PostgresStore
from tests.faults.server import environment
from tests.postgres import database_of
from tests.storage.making import DAY, HOUR, Desk, catalogue
from tests.storage.node import Node, blocked, nodes, rows
from tests.waiting import SECONDS, until

EXPAND = '''"""Something more, of which older programs need know nothing."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("booking", sa.Column("colour", sa.Text()))
    op.create_index("booking_colour", "booking", ["colour"])
'''
CONTRACT = '''"""Something less, without which older programs cannot do."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.alter_column("booking", "note", new_column_name="remark")
'''
SCHEMA = """\
SELECT concat_ws(' ', c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
pg_get_expr(d.adbin, d.adrelid))
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'S') AND a.attnum > 0 AND NOT a.attisdropped
UNION ALL SELECT concat_ws(' ', conrelid::regclass, conname, pg_get_constraintdef(oid)) FROM pg_constraint
WHERE connamespace = 'public'::regnamespace
UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL SELECT concat_ws(' ', relname, relkind, reloptions::text) FROM pg_class
WHERE relnamespace = 'public'::regnamespace
UNION ALL SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
UNION ALL SELECT concat_ws(' ', proname, prosrc) FROM pg_proc
WHERE pronamespace = 'public'::regnamespace AND prolang <> (SELECT oid FROM pg_language WHERE lanname = 'c')"""


@pytest.fixture
def url(tmp_path: Path) -> str:
    return database_of(tmp_path)


def schema(url: str) -> set[str]:
    """Each column, rule, index, function and sequence in PostgreSQL's own words."""
    return set(rows(url, SCHEMA))


@contextmanager
def program(scripts: Path, version: str, serves: str, *revisions: str) -> Iterator[None]:
    """Within the block this is a later program: so many more revisions, for programs from `serves` on."""
    names = [f"{number:04}" for number in range(1, len(revisions) + 2)]
    if not scripts.exists():
        shutil.copytree(migrate.SCRIPTS, scripts, ignore=shutil.ignore_patterns("__pycache__"))
    for name, text in zip(names[1:], revisions, strict=True):
        (scripts / "versions" / f"{name}_next.py").write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(migrate, "SCRIPTS", scripts)
        patch.setattr(database, "SERVES", serves)
        patch.setattr(postgres_database, "REVISIONS", tuple(names))
        patch.setattr(postgres_database, "__version__", version)
        yield


@pytest.fixture
def scripts(tmp_path: Path) -> Path:
    return tmp_path / "migrations"


def test_a_fresh_database_is_as_if_it_had_been_migrated(url: str, tmp_path: Path) -> None:
    PostgresStore(url, catalogue).close()
    migrated = database_of(tmp_path / "migrated")
    config = Config()
    config.set_main_option("script_location", str(migrate.SCRIPTS))
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(migrated))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    engine.dispose()
    assert schema(migrated) == schema(url)


def test_of_nodes_that_start_at_once_on_an_empty_database_one_makes_it(url: str) -> None:
    made: list[Catalogue] = []

    def first() -> Catalogue:
        made.append(catalogue())
        return made[-1]

    def start(_: int) -> Catalogue:
        with closing(PostgresStore(url, first)) as store:
            return store.reader().catalogue()

    with ThreadPoolExecutor() as threads:
        offered = list(threads.map(start, range(4)))
    assert offered == [*made] * 4


@contextmanager
def busy(url: str) -> Iterator[psycopg.Connection[Any]]:
    """Another node is at work on the tables."""
    with psycopg.connect(url, autocommit=True) as other:
        other.execute(f"SELECT {ONE_AT_A_TIME}")
        yield other


def test_a_node_that_starts_waits_for_one_that_works_on_the_tables(url: str) -> None:
    with ThreadPoolExecutor() as threads:
        with busy(url):
            starting = threads.submit(PostgresStore, url, catalogue)
            until(blocked(url))
        starting.result(SECONDS).close()


def test_a_node_that_waits_too_long_says_so(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_database, "PREPARING", "SET lock_timeout = '100ms'")
    with busy(url), pytest.raises(errors.StoreLocked):
        PostgresStore(url, catalogue)


def test_old_and_new_nodes_work_side_by_side_through_an_upgrade(url: str, scripts: Path) -> None:
    done = Event()

    def work(node: Node) -> list[Any]:
        ana = node.join("Ana")
        outcomes: list[Any] = []
        while not done.is_set() or len(outcomes) < 20:
            outcomes.append(node.ask(node.book(ana, DAY + len(outcomes) % 12 * HOUR + len(outcomes) // 12 * 24 * HOUR)))
        return outcomes

    with nodes(url, 1) as [old], ThreadPoolExecutor() as threads:
        working = threads.submit(work, old)
        with program(scripts, "0.2.0", "0.1.0", EXPAND), closing(Node(url)) as new:
            assert isinstance(new.ask(new.book(new.join("Bia"), DAY + 400 * 24 * HOUR)), Booking)
            done.set()
            assert {type(outcome) for outcome in working.result(SECONDS)} == {Booking}
        assert "booking colour text f" in schema(url)
        with closing(Node(url)) as older:
            assert isinstance(older.ask(older.book(older.join("Rui"), DAY + 401 * 24 * HOUR)), Booking)
        assert (old.incidents.seen, old.incidents.troubles) == ([], [])


@pytest.fixture
def contracted(url: str, scripts: Path) -> str:
    """A database from which a later program took away what this one needs."""
    PostgresStore(url, catalogue).close()
    with program(scripts, "99.1", "99.0", EXPAND, CONTRACT):
        PostgresStore(url, catalogue).close()
    return url


def test_a_program_that_is_too_old_is_refused_when_it_starts(contracted: str) -> None:
    before = schema(contracted)
    with pytest.raises(errors.StoreNewer) as refused:
        PostgresStore(contracted, catalogue)
    assert (refused.value.needs, schema(contracted)) == ("99.0", before)


@pytest.mark.parametrize(
    ("language", "sentence"), [("en", "version 99.0 or later is needed"), ("pt-BR", "a versão 99.0 ou posterior")]
)
def test_whoever_starts_it_is_told_which_one_is_needed(contracted: str, language: str, sentence: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "agenda", "serve", "--port", "0"],
        env=environment({"AGENDA_STORE": contracted, "AGENDA_LANGUAGE": language}),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == Status.STORE
    assert sentence in done.stderr


def test_a_node_that_has_become_too_old_is_refused_when_it_connects_again(
    url: str, scripts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(committer, "PATIENCE", 1.5)
    with closing(Node(url)) as old:
        wish = old.book(old.join("Ana"))
        with program(scripts, "99.1", "99.0", EXPAND, CONTRACT):
            PostgresStore(url, catalogue).close()
        rows(
            url,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'agenda' "
            "AND datname = current_database()",
        )
        assert old.ask(wish) == Unavailable()
        assert {type(trouble) for trouble in old.incidents.troubles} == {errors.StoreNewer}
        with pytest.raises(errors.StoreNewer):
            old.reader.account("Ana")


def test_a_migration_that_fails_leaves_everything_as_it_was(url: str, scripts: Path) -> None:
    PostgresStore(url, catalogue).close()
    before = schema(url)
    broken = EXPAND + '    op.execute("INSERT INTO nowhere VALUES (1)")\n'
    with program(scripts, "99.1", "99.0", broken), pytest.raises(Exception, match="nowhere"):
        PostgresStore(url, catalogue)
    assert (schema(url), rows(url, "SELECT value FROM meta WHERE name = 'serves'")) == (before, [database.SERVES])
    with closing(PostgresStore(url, catalogue)) as store:
        Desk(store).join("Ana")


def test_a_migration_that_would_keep_nodes_waiting_gives_up_instead(url: str, scripts: Path) -> None:
    PostgresStore(url, catalogue).close()
    before = schema(url)
    with psycopg.connect(url) as reading:
        reading.execute("SELECT count(*) FROM booking")
        with program(scripts, "0.2.0", "0.1.0", EXPAND), pytest.raises(errors.StoreLocked):
            PostgresStore(url, catalogue)
    assert schema(url) == before


def test_a_database_of_something_else_gets_tables_beside_its_own(url: str) -> None:
    rows(url, "CREATE TABLE recipes (name text)")
    PostgresStore(url, catalogue).close()
    assert "recipes name text f" in schema(url)


def test_a_database_of_something_else_that_has_a_table_of_our_name_is_refused_and_left_alone(url: str) -> None:
    rows(url, "CREATE TABLE booking (flight text)")
    before = schema(url)
    with pytest.raises(errors.StoreDamaged):
        PostgresStore(url, catalogue)
    assert schema(url) == before


@pytest.mark.parametrize("lacking", ["alembic_version", "meta"])
def test_half_an_agenda_is_refused_and_left_alone(url: str, lacking: str) -> None:
    PostgresStore(url, catalogue).close()
    rows(url, f"DROP TABLE {lacking}")
    before = schema(url)
    with pytest.raises(errors.StoreDamaged):
        PostgresStore(url, catalogue)
    assert schema(url) == before


def test_alembic_is_not_loaded_where_there_is_nothing_to_migrate(url: str) -> None:
    code = """
import sys
from agenda.storage.postgres_store import PostgresStore
from tests.storage.making import catalogue
for _ in range(2):
    PostgresStore(sys.argv[1], catalogue).close()
print("alembic" in sys.modules)
"""
    run = subprocess.run(
        [sys.executable, "-c", code, url], env=environment(), capture_output=True, text=True, check=True
    )
    assert run.stdout == "False\n"
