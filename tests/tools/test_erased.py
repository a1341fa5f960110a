"""Whom the agenda erased is known for ever, and a store that was restored forgets them again."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from agenda.engine.ports import Store
from agenda.storage.database import open_store
from agenda.storage.erased import erase_people, erased_people, forget_in
from agenda.storage.errors import FolderInUse, StoreEmpty, StoreInUse, StoreMissing
from agenda.storage.folder import DataFolder
from agenda.storage.looking import looking
from agenda.storage.made_up import MadeUp
from agenda.storage.postgres_store import PostgresStore
from tests.postgres import server

from .conftest import PLAN, Database, Folder

NOBODY = "0" * 32
Where = tuple[Path, str | None]


@pytest.fixture(params=["sqlite", "postgres"])
def where(request: pytest.FixtureRequest) -> Where:
    """The same agenda on either engine."""
    if request.param == "sqlite":
        folder: Folder = request.getfixturevalue("folder")
        return folder.path, None
    database: Database = request.getfixturevalue("database")
    return Path(), database.url


def opened(where: Where) -> Store:
    folder, url = where
    catalogue = MadeUp(PLAN).catalogue
    return open_store(folder, lambda: catalogue) if url is None else PostgresStore(url, lambda: catalogue)


def ids(where: Where, *names: str) -> list[str]:
    with closing(opened(where)) as store:
        accounts = [store.reader().account(name) for name in names]
    return [account.user.id for account in accounts if account is not None]


def on_the_list(where: Where) -> list[str]:
    with looking(*where) as connection:
        return erased_people(connection)


def test_nobody_is_on_the_list_at_first(where: Where) -> None:
    assert on_the_list(where) == []


def test_the_erased_are_listed_in_the_order_in_which_they_went(where: Where) -> None:
    people = ids(where, "user-0007", "user-0002")
    with closing(opened(where)) as store:
        erase_people(store, people)
    assert on_the_list(where) == people


def test_the_list_outlives_the_receipts(where: Where) -> None:
    people = ids(where, "user-0007")
    with closing(opened(where)) as store:
        erase_people(store, people)
        with looking(*where) as connection:
            assert connection.rows("SELECT count(*) FROM erasure") == [(1,)]
    clear = "DELETE FROM erasure"
    folder, url = where
    if url is None:
        Folder(folder).damage(clear)
    else:
        server().sql(clear, url.rpartition("/")[2])
    assert on_the_list(where) == people


def test_those_who_are_known_are_forgotten_and_the_others_do_no_harm(where: Where) -> None:
    people = ids(where, "user-0007", "user-0002")
    assert forget_in(*where, [NOBODY, *people]) == 2
    assert ids(where, "user-0007", "user-0002") == []
    assert on_the_list(where) == people


def test_to_forget_twice_is_to_forget_once(where: Where) -> None:
    people = ids(where, "user-0007")
    forget_in(*where, people)
    assert (forget_in(*where, people), on_the_list(where)) == (0, people)


def test_the_folder_s_own_list_knows_them_too(folder: Folder) -> None:
    people = ids((folder.path, None), "user-0007")
    forget_in(folder.path, None, people)
    assert (folder.path / "erased.txt").read_text().split() == people


def test_a_folder_on_which_a_server_works_is_left_alone(folder: Folder) -> None:
    held = DataFolder.take(folder.path)
    try:
        with pytest.raises(FolderInUse):
            forget_in(folder.path, None, [NOBODY])
    finally:
        held.release()


def test_a_database_on_which_nodes_work_is_left_alone(database: Database) -> None:
    [person] = ids((Path(), database.url), "user-0007")
    with psycopg.connect(database.url, application_name="agenda"), pytest.raises(StoreInUse):
        forget_in(Path(), database.url, [person])
    assert ids((Path(), database.url), "user-0007") == [person]


@pytest.mark.parametrize("do", [lambda where: forget_in(where[0], where[1], []), on_the_list])
def test_where_there_is_no_agenda_none_is_made(empty: Database, tmp_path: Path, do: Callable[..., object]) -> None:
    with pytest.raises(StoreMissing):
        do((tmp_path / "nothing", None))
    with pytest.raises(StoreEmpty):
        do((Path(), empty.url))
    assert (list(tmp_path.iterdir()), empty.sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")) == (
        [],
        "0",
    )
