"""An older database is brought up to date, after a copy was made; a fresh one is as if it had been migrated."""

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from agenda.storage import database, migrate
from agenda.storage.errors import StoreLocked
from agenda.storage.folder import DATABASE, DataFolder
from tests.storage.conftest import open_sqlite
from tests.storage.making import Desk

NEXT = '''"""A column more."""

from alembic import op
import sqlalchemy as sa

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("account", sa.Column("nickname", sa.Text()))
'''


def schema(file: Path) -> dict[str, str]:
    """Each table, index and trigger in SQLite's own words, spaces aside."""
    with closing(sqlite3.connect(file)) as connection:
        rows = connection.execute("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL").fetchall()
    return {name: "".join(sql.split()).replace('"', "") for name, sql in rows}


def test_a_fresh_database_is_as_if_it_had_been_migrated(tmp_path: Path, folder: Path) -> None:
    open_sqlite(folder).close()
    migrated = tmp_path / "migrated.db"
    config = Config()
    config.set_main_option("script_location", str(migrate.SCRIPTS))
    engine = create_engine(f"sqlite:///{migrated}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    engine.dispose()
    assert schema(migrated) == schema(folder / DATABASE)


def test_the_program_knows_every_revision() -> None:
    config = Config()
    config.set_main_option("script_location", str(migrate.SCRIPTS))
    known = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]
    assert tuple(reversed(known)) == database.REVISIONS


@pytest.fixture
def later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program that has one revision more."""
    scripts = tmp_path / "migrations"
    shutil.copytree(migrate.SCRIPTS, scripts, ignore=shutil.ignore_patterns("__pycache__"))
    (scripts / "versions" / "0002_next.py").write_text(NEXT)
    monkeypatch.setattr(database, "REVISIONS", ("0001", "0002"))
    monkeypatch.setattr(migrate, "SCRIPTS", scripts)
    return scripts


def test_an_older_database_is_copied_then_migrated(folder: Path, request: pytest.FixtureRequest) -> None:
    with closing(open_sqlite(folder)) as store:
        desk = Desk(store)
        booking = desk.book(desk.join("Ana"))
    before = schema(folder / DATABASE)
    request.getfixturevalue("later")
    with closing(open_sqlite(folder)) as store:
        [found] = store.reader().bookings(booking.user, None)
    assert found == booking
    assert "nickname" in schema(folder / DATABASE)["account"]
    copy = folder / "agenda-before-0001.db"
    assert schema(copy) == before
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("SELECT name FROM account").fetchall() == [("Ana",)]
    assert copy.stat().st_mode & 0o077 == 0 or sys.platform == "win32"


def test_a_migration_that_fails_leaves_the_database_as_it_was(folder: Path, request: pytest.FixtureRequest) -> None:
    open_sqlite(folder).close()
    before = schema(folder / DATABASE)
    scripts = request.getfixturevalue("later")
    broken = NEXT + '    op.execute("INSERT INTO nowhere VALUES (1)")\n'
    (scripts / "versions" / "0002_next.py").write_text(broken)
    with pytest.raises(Exception, match="nowhere"):
        open_sqlite(folder)
    assert schema(folder / DATABASE) == before


def test_a_locked_database_is_not_migrated(folder: Path, request: pytest.FixtureRequest) -> None:
    open_sqlite(folder).close()
    request.getfixturevalue("later")
    held = DataFolder.take(folder)
    with closing(sqlite3.connect(folder / DATABASE, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreLocked):
            migrate.migrate(held, "0001", busy=0.05)
    held.release()


def test_alembic_is_not_loaded_where_there_is_nothing_to_migrate(folder: Path) -> None:
    code = """
import sys
from pathlib import Path
from agenda.storage.database import open_store
from tests.storage.making import catalogue
open_store(Path(sys.argv[1]), catalogue).close()
open_store(Path(sys.argv[1]), catalogue).close()
print("alembic" in sys.modules)
"""
    run = subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=True)
    assert run.stdout == "False\n"
