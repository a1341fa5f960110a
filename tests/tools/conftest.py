"""Filled data folders and databases, and ways to damage them that go round every rule."""

import itertools
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from agenda.storage.diagnosis import Finding, Patient, silent
from agenda.storage.doctor import examine
from agenda.storage.fill import fill
from agenda.storage.folder import DATABASE
from agenda.storage.looking import looking
from agenda.storage.made_up import Plan
from agenda.storage.move import move
from agenda.storage.postgres_doctor import examine_postgres
from tests.postgres import server

TODAY = date(2026, 11, 23)
NOW = datetime(2026, 11, 23, 3, tzinfo=UTC)  # its first instant in São Paulo
PLAN = Plan(3, 300, 7, 8, TODAY, "America/Sao_Paulo", "pt-BR")
_numbers = itertools.count(1)


class Folder:
    """A data folder of a made-up agenda, to be damaged and examined."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.database = path / DATABASE

    def damage(self, *statements: str) -> None:
        """Run statements on the bare file, where no trigger and no key stands in the way."""
        with closing(sqlite3.connect(self.database, isolation_level=None)) as bare:
            for trigger in ("claim_no_overlap", "claim_no_update"):
                bare.execute(f"DROP TRIGGER IF EXISTS {trigger}")
            for statement in statements:
                assert bare.execute(statement).rowcount != 0, f"nothing was damaged by {statement}"

    def ask(self, question: str) -> list[tuple[object, ...]]:
        with closing(sqlite3.connect(self.database)) as bare:
            return bare.execute(question).fetchall()

    def findings(self) -> list[Finding]:
        return list(examine(self.path, self.database, NOW))

    def codes(self) -> set[str]:
        """The codes of all findings but those about this machine and about the triggers that `damage` drops."""
        codes = {finding.code for finding in self.findings()}
        return codes - {"disk_space", "zone_data_old", "trigger_missing"}


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that no test may change."""
    path = tmp_path_factory.mktemp("filled") / "data"
    fill(path, PLAN)
    return path


@pytest.fixture
def folder(filled: Path, tmp_path: Path) -> Folder:
    """A test's own copy of it."""
    shutil.copytree(filled, tmp_path / "data")
    return Folder(tmp_path / "data")


class Database:
    """A PostgreSQL database with a made-up agenda, to be damaged and examined."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.url = server().url_of(name)

    def sql(self, text: str) -> str:
        return server().sql(text, self.name)

    def tables(self) -> str:
        """How many tables, indexes and sequences there are."""
        return self.sql("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace")

    def damage(self, *statements: str) -> None:
        """Run statements as an administrator whom no trigger and no reference stops."""
        self.sql(f"SET session_replication_role = replica; {'; '.join(statements)}")

    def findings(self) -> list[Finding]:
        with looking(Path(), self.url) as connection:
            return list(examine_postgres(Patient(self.url, connection, NOW)))

    def codes(self) -> set[str]:
        """The codes of all findings but those about this machine."""
        return {finding.code for finding in self.findings()} - {"zone_data_old"}


@contextmanager
def unseen(stage: str) -> Iterator[Callable[[int, int], None]]:
    """Nobody watches how far a move is."""
    yield silent


@pytest.fixture(scope="session")
def moved(filled: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a database that no test may change: the agenda of `filled`."""
    server().sql("CREATE DATABASE moved")
    copy = shutil.copytree(filled, tmp_path_factory.mktemp("moved") / "data")
    move(copy, server().url_of("moved"), NOW, unseen)
    return "moved"


@pytest.fixture
def empty() -> Database:
    """A database of the test's own, without anything in it."""
    name = f"empty{next(_numbers)}"
    server().sql(f"CREATE DATABASE {name}")
    return Database(name)


@pytest.fixture
def database(moved: str) -> Database:
    """A test's own copy of `moved`."""
    name = f"copy{next(_numbers)}"
    server().sql(f"CREATE DATABASE {name} TEMPLATE {moved}")
    return Database(name)
