"""The readable log of each user follows the table, whatever happens in between."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agenda.domain.commands import AuditFact, Changes
from agenda.domain.model import User
from agenda.storage import userlogs
from agenda.storage.errors import StoreUnreadable
from agenda.storage.store import SqliteStore
from agenda.storage.userlogs import UserLogs
from tests.storage.making import DAY, HOUR, NOW, Desk

PATIENCE = 30.0


@pytest.fixture
def logs(sqlite: SqliteStore) -> Iterator[UserLogs]:
    it = sqlite.user_logs()
    it.start()
    yield it
    it.stop()


def lines(folder: Path, user: User) -> list[str]:
    file = folder / "logs" / f"{user.id}.log"
    return file.read_text("utf-8").splitlines() if file.exists() else []


def eventually(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def places(told: list[str]) -> list[int]:
    return [int(line.rpartition("-")[2]) for line in told]


def note(desk: Desk, user: User, detail: str) -> None:
    desk.save(Changes(facts=[AuditFact(NOW, user.id, "user.export", "ok", detail=detail)]))


def test_an_entry_can_be_read_by_a_person(counter: Desk, logs: UserLogs, folder: Path) -> None:
    ana = counter.join("Ana")
    booking = counter.book(ana)
    logs.entries([])
    assert eventually(lambda: len(lines(folder, ana)) == 2)
    assert lines(folder, ana)[1] == (
        f"{NOW.isoformat()} booking.create ok booking={booking.id} resource={booking.resource} "
        f"start={booking.start.isoformat()} end={booking.end.isoformat()} #{counter.head.writer}-2"
    )


def test_each_user_has_a_log_of_his_own(counter: Desk, logs: UserLogs, folder: Path) -> None:
    ana, bia = counter.join("Ana"), counter.join("Bia")
    counter.book(bia)
    logs.entries([])
    assert eventually(lambda: len(lines(folder, bia)) == 2)
    assert (places(lines(folder, ana)), places(lines(folder, bia))) == ([1], [2, 3])


def test_what_is_not_yet_written_when_the_server_stops_is_written_then(sqlite: SqliteStore, folder: Path) -> None:
    logs = sqlite.user_logs()
    logs.start()
    desk = Desk(sqlite)
    ana = desk.join("Ana")
    logs.stop()
    assert places(lines(folder, ana)) == [1]


def test_a_later_run_goes_on_where_the_last_one_ended(sqlite: SqliteStore, folder: Path) -> None:
    desk = Desk(sqlite)
    ana = desk.join("Ana")
    for n in range(3):
        logs = sqlite.user_logs()
        logs.start()
        desk.book(ana, DAY + n * HOUR)
        logs.stop()
    assert places(lines(folder, ana)) == [1, 2, 3, 4]


@pytest.mark.parametrize("tear", [-1, -20, -90])
def test_a_log_that_a_crash_tore_is_written_anew(sqlite: SqliteStore, folder: Path, tear: int) -> None:
    desk = Desk(sqlite)
    ana = desk.join("Ana")
    desk.book(ana)
    logs = sqlite.user_logs()
    logs.start()
    logs.stop()
    file = folder / "logs" / f"{ana.id}.log"
    file.write_bytes(file.read_bytes()[:tear])
    desk.book(ana, DAY + HOUR)
    logs = sqlite.user_logs()
    logs.start()
    logs.stop()
    assert places(lines(folder, ana)) == [1, 2, 3]


def test_many_entries_are_written_in_order_and_once(
    sqlite: SqliteStore, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(userlogs, "AT_ONCE", 3)
    desk = Desk(sqlite)
    ana, bia = desk.join("Ana"), desk.join("Bia")
    for n in range(10):
        note(desk, (ana, bia)[n % 2], f"entry {n}")
    for _ in range(2):
        logs = sqlite.user_logs()
        logs.start()
        logs.stop()
    assert (places(lines(folder, ana)), places(lines(folder, bia))) == ([1, 3, 5, 7, 9, 11], [2, 4, 6, 8, 10, 12])


def test_the_mark_lets_a_later_run_skip_what_has_long_been_written(
    sqlite: SqliteStore, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(userlogs, "SETTLED_SECONDS", 0.0)
    desk = Desk(sqlite)
    ana = desk.join("Ana")
    logs = sqlite.user_logs()
    logs.start()
    assert eventually((folder / "logs" / "written").exists)
    logs.stop()
    (folder / "logs" / f"{ana.id}.log").unlink()
    desk.book(ana)
    logs = sqlite.user_logs()
    logs.start()
    logs.stop()
    assert places(lines(folder, ana)) == [2]


def test_a_log_can_be_rebuilt_from_the_table(counter: Desk, logs: UserLogs, folder: Path) -> None:
    ana = counter.join("Ana")
    counter.book(ana)
    (folder / "logs" / f"{ana.id}.log").write_text("scribbles")
    logs.rebuild(ana.id)
    assert places(lines(folder, ana)) == [1, 2]


def test_the_log_of_an_erased_user_goes_and_does_not_come_back(counter: Desk, logs: UserLogs, folder: Path) -> None:
    ana, bia = counter.join("Ana"), counter.join("Bia")
    logs.entries([])
    assert eventually(lambda: lines(folder, ana) != [])
    counter.erase(ana)
    logs.erased(ana.id)
    note(counter, bia, "later")
    logs.entries([])
    assert eventually(lambda: len(lines(folder, bia)) == 2)
    assert not (folder / "logs" / f"{ana.id}.log").exists()


def test_a_log_that_cannot_be_written_is_caught_up_with(counter: Desk, logs: UserLogs, folder: Path) -> None:
    ana = counter.join("Ana")
    file = folder / "logs" / f"{ana.id}.log"
    logs.entries([])
    assert eventually(file.exists)
    file.unlink()
    file.mkdir()
    counter.book(ana)
    logs.entries([])
    assert eventually(lambda: logs._reached is not None)
    file.rmdir()
    counter.book(ana, DAY + HOUR)
    logs.entries([])
    assert eventually(lambda: places(lines(folder, ana))[-2:] == [2, 3])


def test_what_a_crash_left_of_a_log_being_written_anew_goes_with_the_person(
    counter: Desk, logs: UserLogs, folder: Path
) -> None:
    ana = counter.join("Ana")
    unfinished = folder / "logs" / f"{ana.id}.part"
    unfinished.write_text("what she did\n")
    counter.erase(ana)
    logs.erased(ana.id)
    assert not unfinished.exists()


def test_a_log_that_cannot_be_deleted_is_said(counter: Desk, logs: UserLogs, folder: Path) -> None:
    ana = counter.join("Ana")
    (folder / "logs" / f"{ana.id}.part").mkdir()
    with pytest.raises(StoreUnreadable):
        logs.erased(ana.id)
