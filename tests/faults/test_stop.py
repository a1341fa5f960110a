"""SIGTERM, Ctrl-C, and two servers that want the same data folder.

How soon a server is gone is measured by `make bench`; here it only must not wait for what may never come.
"""

import contextlib
import signal
import sqlite3
import time
from pathlib import Path

import pytest

from tests.faults.ledger import Customer, Load, assert_kept
from tests.faults.server import DEADLINE, Caller, Server, assert_sound
from tests.faults.test_kill import SEED, starts

pytestmark = [pytest.mark.faults, pytest.mark.slow]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_told_to_end_it_answers_what_it_accepted_and_is_gone(data: Path, number: signal.Signals) -> None:
    customers = [Customer(f"customer {n}") for n in range(8)]
    with Server(data).ready() as server:
        load = Load(server.port, customers, starts(0), SEED, burst=50)
        load.wait_for_answers(300)

        status = server.end(number)

        load.join()
        assert status == 0, server.said()
        assert "Traceback" not in server.said()
    assert_sound(data)
    with Server(data).ready() as server:
        assert_kept(server.port, customers)
        for customer in customers:
            with customer.sign_in(server.port) as caller:
                stored = {booking["id"] for booking in caller.result("booking.list")["bookings"]}
            assert stored == {asked.booking["id"] for asked in customer.asked if asked.booking}, (
                "done, but not answered"
            )


def test_told_to_end_it_ends_although_a_connection_is_open_and_silent(data: Path) -> None:
    with Server(data).ready() as server, Customer("quiet").sign_in(server.port):
        assert server.end() == 0


def wait_for(file: Path) -> None:
    """Return when the file is there."""
    end = time.monotonic() + DEADLINE
    while not file.exists():
        assert time.monotonic() < end, f"no {file.name}"
        time.sleep(0.01)


def test_told_to_end_it_answers_everybody_who_wants_to_sign_in(data: Path) -> None:
    with Server(data).ready() as server, contextlib.ExitStack() as stack:
        crowd = [stack.enter_context(Caller(server.port)) for _ in range(400)]
        for number, caller in enumerate(crowd):
            caller.send([("session.open", {"user": f"customer {number}", "password": "x", "create": True})])
        assert "result" in next(crowd[0].answers(1))

        assert server.end() == 0

        answers = [next(caller.answers(1)) for caller in crowd[1:]]
    codes = {answer["error"]["data"]["code"] for answer in answers if "error" in answer}
    assert codes == {"unavailable"}


def test_told_to_end_it_ends_although_a_reader_holds_up_an_erasure(data: Path) -> None:
    leaving = Customer("leaving")
    with Server(data).ready() as server, leaving.sign_in(server.port) as caller:
        with contextlib.closing(sqlite3.connect(data / "agenda.db", isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM account").fetchall()
            caller.send([("user.erase", {"password": "correct horse", "request": "farewell"})])
            wait_for(data / "erased.txt")  # it is committed, and its remains are to be taken out of the files

            assert server.end() == 0

            (answer,) = caller.answers(1)
        assert answer["error"]["data"]["code"] == "unavailable"
    with Server(data).ready() as server, Caller(server.port) as caller:
        assert caller.result("user.erase", password="correct horse", request="farewell")["receipt"]
    assert not [path for path in data.rglob("*") if path.is_file() and b"leaving" in path.read_bytes()]


def test_told_to_end_it_ends_although_a_client_never_reads_and_the_logs_are_far_behind(data: Path) -> None:
    customers = [Customer(f"customer {n}") for n in range(8)]
    with Server(data).ready() as server, Customer("deaf").sign_in(server.port) as deaf:
        load = Load(server.port, customers, starts(0), SEED, burst=50)
        deaf.send([("slot.list", {"day": starts(0)[0][:10]})] * 2000)
        load.wait_for_answers(4000)
        assert server.end() == 0
        load.join()
    assert_sound(data)


def test_a_second_server_on_the_same_folder_is_refused_with_the_first_ones_process_id(data: Path) -> None:
    with Server(data).ready() as first, Server(data.parent / "." / data.name) as second:
        assert second.process.wait(30) != 0

        said = second.said()
        assert str(first.process.pid) in said
        assert "Traceback" not in said
        with Customer("still served").sign_in(first.port) as caller:
            assert caller.result("ping")["now"]


def test_the_folder_of_a_killed_server_is_free_again(data: Path) -> None:
    with Server(data).ready() as first:
        first.kill()
        with Server(data).ready() as second, Customer("ana").sign_in(second.port) as caller:
            assert caller.result("booking.list") == {"bookings": []}
