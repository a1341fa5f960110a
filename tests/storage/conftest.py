"""Every store that there is, each in a place of its own: the contract tests run against all of them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agenda.engine.ports import Store
from agenda.storage.database import open_store
from agenda.storage.postgres_store import PostgresStore
from agenda.storage.store import SqliteStore
from tests.postgres import database_of
from tests.storage.making import Desk, catalogue


def open_sqlite(folder: Path) -> SqliteStore:
    return open_store(folder, catalogue, busy=0.05)


def open_postgres(folder: Path) -> PostgresStore:
    return PostgresStore(database_of(folder), catalogue)


STORES: dict[str, Callable[[Path], Store]] = {"sqlite": open_sqlite, "postgres": open_postgres}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, folder: Path) -> Iterator[Store]:
    it = STORES[request.param](folder)
    yield it
    it.close()


@pytest.fixture
def desk(store: Store) -> Desk:
    return Desk(store)


@pytest.fixture
def sqlite(folder: Path) -> Iterator[SqliteStore]:
    it = open_sqlite(folder)
    yield it
    it.close()


@pytest.fixture
def counter(sqlite: SqliteStore) -> Desk:
    """A desk on SQLite, for what is SQLite's own."""
    return Desk(sqlite)
