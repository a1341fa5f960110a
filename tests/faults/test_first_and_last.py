"""The plug is pulled while a data folder is being made, and after a person was erased from it."""

import time
from pathlib import Path

import pytest

from tests.faults.ledger import Customer, Load, ask_again, assert_kept
from tests.faults.plug import Plug
from tests.faults.server import DEADLINE, Caller, Server, assert_sound
from tests.faults.test_kill import SEED, starts

pytestmark = [pytest.mark.faults, pytest.mark.slow]

NAME = "Ermengarda Quintanilha"
PASSWORD = "correct horse"


@pytest.mark.parametrize("syncs", [0, 1, 2, 3, 5, 8, 13])
def test_a_first_start_that_is_cut_short_is_made_good_by_the_next(data: Path, plug: Plug, syncs: int) -> None:
    with Server(data, plug.environment()) as server:
        end = time.monotonic() + DEADLINE
        while plug.syncs() < syncs and not server.is_ready():
            assert time.monotonic() < end, server.said()
            time.sleep(0.001)
        server.kill()
    if plug.took_over():
        plug.pull()

    with Server(data).ready() as again, Customer("ana").sign_in(again.port) as ana:
        assert ana.result("booking.list") == {"bookings": []}
    assert_sound(data)


def test_who_was_erased_stays_erased_when_the_plug_is_pulled_after_the_receipt(data: Path, plug: Plug) -> None:
    others = [Customer(f"customer {n}") for n in range(4)]
    erasing = {"password": PASSWORD, "request": "the last one"}
    with Server(data, plug.environment()).ready() as server:
        load = Load(server.port, others, starts(0), SEED)
        load.wait_for_answers(50)
        with Caller(server.port) as person:
            person.result("session.open", user=NAME, password=PASSWORD, create=True)
            person.result("booking.create", start=f"{starts(3)[0]}", note=f"for {NAME}", request="the first one")
            receipt = person.result("user.erase", **erasing)
        server.kill()
        load.join()
    plug.pull()

    with Server(data).ready() as again:
        assert_kept(again.port, others)
        ask_again(again.port, others)
        with Caller(again.port) as person:
            refused = person.call("session.open", user=NAME, password=PASSWORD)
        again.end()
    assert refused["error"]["data"]["code"] == "bad_credentials"
    assert receipt["receipt"]
    assert_sound(data)
    left = [path for path in data.rglob("*") if path.is_file() and NAME.encode() in path.read_bytes()]
    assert left == []
    assert len(list((data / "logs").glob("*.log"))) == len(others)
