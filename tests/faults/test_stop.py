"""SIGTERM, Ctrl-C, and two servers that want the same data folder."""

import signal
from pathlib import Path

import pytest

from tests.faults.ledger import Customer, Load, assert_kept
from tests.faults.server import Server, assert_sound
from tests.faults.test_kill import SEED, starts

pytestmark = [pytest.mark.faults, pytest.mark.slow]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_told_to_end_it_answers_what_it_accepted_and_is_gone_in_three_seconds(
    data: Path, number: signal.Signals
) -> None:
    customers = [Customer(f"customer {n}") for n in range(8)]
    with Server(data).ready() as server:
        load = Load(server.port, customers, starts(0), SEED, burst=50)
        load.wait_for_answers(300)

        status = server.end(number, within=3)

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
        assert server.end(within=3) == 0


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
