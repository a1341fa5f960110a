"""Copies of a PostgreSQL, and what becomes of them and of erased people, by the very commands of the page."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from agenda.prove.ports import free_port
from agenda.prove.postgres import NoPostgres, Postgres
from agenda.storage.erased import erase_people
from agenda.storage.postgres_store import PostgresStore
from agenda.storage.verify import verify_audit
from tests.deploy.page import commands, run
from tests.deploy.shipped import BIN, DEPLOY
from tests.storage.making import DAY, HOUR, NOW, Desk, catalogue

pytestmark = pytest.mark.slow

DUMP, LIST = commands("A dump every night"), commands("The list of erased people")
RESTORE, DROP = commands("Restoring a dump")
BASE, CLEAN = commands("Keeping the log, for any moment")
[RECOVER] = commands("Recovery to a moment")
[WRITE_ANEW] = commands("People who were erased")
PORT = "5433"


@dataclass
class House:
    """A PostgreSQL that keeps its log, an agenda on it, and a folder for the copies."""

    server: Postgres
    place: Path
    archive: Path
    port: str = field(default_factory=lambda: str(free_port()))

    def do(self, block: str, **values: str) -> str:
        """Run commands of the page as the superuser."""
        settings = {
            "PGHOST": "127.0.0.1",
            "PGPORT": str(self.server.port),
            "PGUSER": "postgres",
            "AGENDA_WAL_ARCHIVE": str(self.archive),
            "PATH": f"{self.server.tools}:{BIN}:{os.environ['PATH']}",
            "AGENDA_LANGUAGE": "en",
        }
        return run(block, self.place, settings | values, {PORT: self.port})

    @property
    def today(self) -> str:
        """The date in the names of copies."""
        return time.strftime("%F")

    @contextmanager
    def agenda(self) -> Iterator[Desk]:
        """A node's store, as long as the block runs."""
        store = PostgresStore(self.server.url_of("agenda"), catalogue)
        try:
            yield Desk(store)
        finally:
            store.close()

    def people(self) -> set[str]:
        """Who has an account."""
        return set(self.server.sql("SELECT name FROM account", "agenda").split())

    def now(self) -> str:
        """This moment, as it is given to a recovery."""
        return self.server.sql("SELECT clock_timestamp()", "agenda")

    def finish_log(self) -> None:
        """Begin a new file of the log, and return when the old one is kept."""
        write, switch = "SELECT pg_logical_emit_message(true, 'a', 'b')", "SELECT pg_walfile_name(pg_switch_wal())"
        name = self.do(f'psql -Atc "{write}" -c "{switch}" postgres').split()[-1]
        deadline = time.monotonic() + 60
        while not (self.archive / name).exists():
            assert time.monotonic() < deadline, "the log is not being kept"
            time.sleep(0.05)

    def audit_faults(self) -> int:
        """How much is wrong with the audit log."""
        store = PostgresStore(self.server.url_of("agenda"), catalogue)
        try:
            with store.writing() as connection:
                return len(verify_audit(connection).faults)
        finally:
            store.close()


@contextmanager
def made_in(tmp_path: Path) -> Iterator[House]:
    """Ana and Bruno have booked."""
    archive = tmp_path / "kept"
    archive.mkdir()
    keep = f"env AGENDA_WAL_ARCHIVE={archive} {DEPLOY / 'container' / 'archive-wal.sh'} %p %f"
    try:
        server = Postgres(tmp_path / "server", settings={"archive_mode": "on", "archive_command": keep})
    except NoPostgres:
        pytest.skip("PostgreSQL is not installed")
    server.start()
    house = House(server, tmp_path / "copies", archive)
    house.place.mkdir()
    try:
        # The role that nodes have is no superuser.
        server.sql("CREATE ROLE postgres SUPERUSER LOGIN; CREATE ROLE replicator REPLICATION LOGIN")
        house.do('psql --command="ALTER ROLE agenda RENAME TO bootstrap" --command="CREATE ROLE agenda LOGIN" postgres')
        house.do("createdb --owner=agenda agenda")
        with house.agenda() as desk:
            for hour, name in enumerate(("Ana", "Bruno")):
                desk.book(desk.join(name), DAY + hour * HOUR)
        yield house
    finally:
        with suppress(RuntimeError):  # where a recovery failed half-way
            house.do("pg_ctl stop --pgdata=recovered --mode=immediate")
        server.stop()


def erase(desk: Desk, name: str) -> None:
    account = desk.reader.account(name)
    assert account is not None
    assert erase_people(desk.store, [account.user.id]) == 1


def after_the_copy(house: House) -> str:
    """Carla books, then Ana is erased, then everything of Bruno's is deleted by mistake; the moment before Ana's."""
    with house.agenda() as desk:
        desk.book(desk.join("Carla"), DAY + 5 * HOUR)
        moment = house.now()
        erase(desk, "Ana")
    house.do(LIST[0])
    house.server.sql("DELETE FROM account WHERE name = 'Bruno'", "agenda")
    return moment


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with made_in(tmp_path) as house:
        yield house


@pytest.fixture(scope="module")
def restored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[House, str]]:
    """A house after a dump, what happened then, and its restoring; what was said about that."""
    with made_in(tmp_path_factory.mktemp("restored")) as house:
        house.do(DUMP[0])
        after_the_copy(house)
        yield house, house.do(RESTORE, DUMP=f"agenda-{house.today}.dump")


def test_a_dump_brings_back_what_was_there_but_not_who_was_erased_since(restored: tuple[House, str]) -> None:
    house, _ = restored
    assert house.people() & {"Ana", "Bruno", "Carla"} == {"Bruno"}


def test_a_restore_tells_how_many_were_erased_again(restored: tuple[House, str]) -> None:
    _, told = restored
    assert "1 of 1 people" in told


def test_after_a_restore_the_audit_log_explains_what_is_missing(restored: tuple[House, str]) -> None:
    house, _ = restored
    assert house.audit_faults() == 0


def test_after_a_restore_the_time_of_who_was_erased_can_be_booked(restored: tuple[House, str]) -> None:
    house, _ = restored
    with house.agenda() as desk:
        desk.book(desk.join("Dora"), DAY)
        assert len(desk.occupied()) == 2


def test_the_replaced_database_can_be_dropped(restored: tuple[House, str]) -> None:
    house, _ = restored
    house.do(DROP)
    assert house.server.sql("SELECT datname FROM pg_database WHERE datname LIKE 'agenda%'") == "agenda"


def test_a_recovery_brings_back_a_moment_between_two_copies_but_not_who_was_erased_since(house: House) -> None:
    house.do(BASE)
    moment = after_the_copy(house)
    house.finish_log()
    house.do(RECOVER, MOMENT=moment, BASE=f"base-{house.today}")
    house.do(RESTORE, DUMP="recovered.dump")
    assert house.people() == {"Bruno", "Carla"}


def test_the_log_before_the_oldest_base_copy_is_deleted_and_the_rest_kept(house: House) -> None:
    house.finish_log()
    house.do(BASE)
    house.finish_log()
    before = {path.name for path in house.archive.iterdir()}
    house.do(CLEAN)
    kept = {path.name for path in house.archive.iterdir()}
    assert min(before) not in kept
    assert max(before) in kept


def files_with(folder: Path, word: bytes) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.is_file() and word in path.read_bytes()]


def test_of_who_was_erased_nothing_is_left_in_tables_that_were_written_anew(house: House) -> None:
    tables = house.server.data / "base"
    with house.agenda() as desk:
        for number in range(200):
            desk.join(f"Zuleica{number}")
        house.do("vacuumdb --analyze agenda")  # so that the planner knows some of them by name
        people = [desk.reader.account(f"Zuleica{number}") for number in range(200)]
        assert erase_people(desk.store, [account.user.id for account in people if account]) == 200
        desk.store.tidy(NOW + 72 * HOUR)  # what proves who may have the receipt again goes by then
    house.do("psql --command=CHECKPOINT postgres")
    assert files_with(tables, b"Zuleica")
    house.do(WRITE_ANEW)
    house.do("psql --command=CHECKPOINT postgres")
    assert files_with(tables, b"Zuleica") == []
