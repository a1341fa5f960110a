"""Fill makes up a whole agenda: consistent, the same for the same plan, and all or nothing."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from agenda.engine.passwords import matches
from agenda.storage.doctor import examine
from agenda.storage.errors import FolderInUse, FolderNotEmpty
from agenda.storage.fill import PASSWORD, fill
from agenda.storage.folder import DATABASE, DataFolder
from agenda.storage.made_up import Plan

from .conftest import NOW, PLAN, Folder

TABLES = ("booking", "claim", "audit", "request", "writer", "resource", "service", "opening")
SHAPES = {
    "nothing booked": replace(PLAN, bookings=0),
    "one of each": replace(PLAN, resources=1, bookings=1, users=1),
    "more than one resource can hold": replace(PLAN, resources=1, bookings=40_000),
    "more resources than bookings": replace(PLAN, resources=50, bookings=20),
}


def rows(path: Path) -> dict[str, list[tuple[object, ...]]]:
    with closing(sqlite3.connect(path / DATABASE)) as bare:
        return {table: bare.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall() for table in TABLES}


def urgent(path: Path) -> list[str]:
    return [finding.code for finding in examine(path, path / DATABASE, NOW) if finding.urgent]


def test_there_are_as_many_bookings_resources_and_users_as_asked(folder: Folder) -> None:
    counted = [folder.ask(f"SELECT count(*) FROM {table}") for table in ("booking", "resource", "account")]
    assert counted == [[(PLAN.bookings,)], [(PLAN.resources,)], [(PLAN.users,)]]


def test_each_booking_and_each_cancellation_has_an_audit_entry(folder: Folder) -> None:
    [(created,)] = folder.ask("SELECT count(*) FROM audit WHERE action = 'booking.create'")
    [(cancelled,)] = folder.ask("SELECT count(*) FROM audit WHERE action = 'booking.cancel'")
    [(gone,)] = folder.ask("SELECT count(*) FROM booking WHERE status = 'cancelled'")
    assert (created, cancelled) == (PLAN.bookings, gone)


def test_the_bookings_of_the_last_day_have_their_requests(folder: Folder) -> None:
    since = int(NOW.timestamp()) - 24 * 3600
    assert folder.ask("SELECT count(*) FROM request") == folder.ask(
        f"SELECT count(*) FROM audit WHERE action LIKE 'booking.%' AND at > {since}"
    )


def test_nobody_did_anything_later_than_now(folder: Folder) -> None:
    [(last,)] = folder.ask("SELECT max(at) FROM audit")
    assert isinstance(last, int)
    assert last <= NOW.timestamp()


def test_every_booking_was_made_before_it_begins(folder: Folder) -> None:
    assert folder.ask("SELECT count(*) FROM booking WHERE created >= starts") == [(0,)]


def test_the_agenda_has_a_past_a_future_and_free_slots(folder: Folder) -> None:
    now = int(NOW.timestamp())
    [(past, future)] = folder.ask(f"SELECT sum(ends <= {now}), sum(starts > {now}) FROM booking")
    assert past
    assert future


@pytest.mark.parametrize("shape", SHAPES)
def test_agendas_of_all_shapes_are_healthy(tmp_path: Path, shape: str) -> None:
    fill(tmp_path / "data", SHAPES[shape])
    assert urgent(tmp_path / "data") == []


def test_the_same_plan_makes_the_same_agenda(filled: Path, tmp_path: Path) -> None:
    fill(tmp_path / "again", PLAN)
    assert rows(tmp_path / "again") == rows(filled)


def test_another_seed_makes_another_agenda(filled: Path, tmp_path: Path) -> None:
    fill(tmp_path / "other", replace(PLAN, seed=8))
    assert rows(tmp_path / "other")["booking"] != rows(filled)["booking"]


def test_its_users_have_the_password_that_it_tells(folder: Folder) -> None:
    [(name, password_hash)] = folder.ask("SELECT name, password_hash FROM account ORDER BY name LIMIT 1")
    assert name == "user-0001"
    assert matches(PASSWORD, str(password_hash))


def test_a_folder_that_holds_an_agenda_is_left_alone(folder: Folder) -> None:
    before = rows(folder.path)
    with pytest.raises(FolderNotEmpty):
        fill(folder.path, PLAN)
    assert rows(folder.path) == before


def test_a_folder_that_a_server_holds_is_left_alone(tmp_path: Path) -> None:
    held = DataFolder.take(tmp_path / "data")
    try:
        with pytest.raises(FolderInUse):
            fill(tmp_path / "data", PLAN)
    finally:
        held.release()


def test_interrupted_it_leaves_no_database(tmp_path: Path) -> None:
    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fill(tmp_path / "data", PLAN, interrupt)
    assert not list((tmp_path / "data").glob("agenda.*db*"))
    fill(tmp_path / "data", PLAN)


def test_a_plan_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="made up"):
        Plan(0, 1, 1, 1, PLAN.today, "UTC", "en")


def test_it_tells_how_far_it_is(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    fill(tmp_path / "data", PLAN, lambda done, total: told.append((done, total)))
    assert told == sorted(told)
    assert told[-1] == (PLAN.bookings, PLAN.bookings)
