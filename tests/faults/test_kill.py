"""The server is killed in the middle of its work, and the plug is pulled: what was promised holds."""

import datetime as dt
import random
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.faults.ledger import Customer, Load, ask_again, assert_kept
from tests.faults.plug import Plug
from tests.faults.server import Server, assert_sound

pytestmark = [pytest.mark.faults, pytest.mark.slow]

SEED = 20261122
DAYS = 10
"""How many days the customers of one round fight for: 120 slots."""


def starts(number: int) -> Sequence[str]:
    """The slots of the seed's agenda in the days of one round, as wall time."""
    first = dt.date.today() + dt.timedelta(days=2 + number * DAYS)  # noqa: DTZ011 - the machine's zone is the agenda's
    days = [first + dt.timedelta(days=n) for n in range(DAYS)]
    return [f"{day}T{hour:02}:00:00" for day in days for hour in range(8, 20)]


def work_until_killed(server: Server, customers: Sequence[Customer], number: int) -> None:
    """Load the server, and kill it at a random moment."""
    dice = random.Random(f"{SEED} {number}")
    load = Load(server.port, customers, starts(number), SEED + number)
    try:
        load.wait_for_answers(dice.randint(1, 600))
        threading.Event().wait(dice.random() / 50)  # somewhere between two answers
    finally:
        server.kill()
        load.join()


@pytest.mark.timeout(1800)
def test_killed_twenty_times_it_forgets_nothing_and_does_nothing_twice(data: Path) -> None:
    customers = [Customer(f"customer {n}") for n in range(8)]
    for number in range(20):
        before = {customer.name: len(customer.asked) for customer in customers}
        with Server(data).ready() as server:
            work_until_killed(server, customers, number)
        assert_sound(data)
        with Server(data).ready() as server:
            assert_kept(server.port, customers)
            ask_again(server.port, customers, before)
            assert_kept(server.port, customers)
            server.end()
    with Server(data).ready() as server:
        ask_again(server.port, customers)
    assert_sound(data)


@pytest.mark.timeout(600)
def test_after_the_plug_is_pulled_every_acknowledged_booking_is_there(data: Path, plug: Plug) -> None:
    customers = [Customer(f"customer {n}") for n in range(8)]
    for number in range(6):
        before = {customer.name: len(customer.asked) for customer in customers}
        with Server(data, plug.environment()).ready() as server:
            syncs = plug.syncs()
            work_until_killed(server, customers, number)
        assert plug.syncs() > syncs, "the library saw no sync: it was not at work"
        plug.pull()
        assert_sound(data)
        with Server(data).ready() as server:
            assert_kept(server.port, customers)
            ask_again(server.port, customers, before)
            server.end()
