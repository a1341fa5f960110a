"""What becomes of slots, bookings and requests as time passes: a server whose wall clock the test sets."""

import datetime as dt
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .server import Server

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or not shutil.which("gcc"), reason="shifts the clock with a library built by gcc"
)


class Clock:
    """The wall clock of one server process."""

    def __init__(self, folder: Path) -> None:
        self._library, self._file = folder / "clock.so", folder / "shift"
        source = Path(__file__).with_name("clock.c")
        subprocess.run(["gcc", "-O1", "-shared", "-fPIC", "-o", str(self._library), str(source)], check=True)
        self._write(0)

    @property
    def environment(self) -> dict[str, str]:
        return {"LD_PRELOAD": str(self._library), "CLOCK_SHIFT": str(self._file)}

    def set(self, now: str) -> None:
        self._write(round((dt.datetime.fromisoformat(now) - dt.datetime.now(dt.UTC)).total_seconds()))

    def _write(self, seconds: int) -> None:
        with self._file.open("r+b" if self._file.exists() else "wb") as file:
            file.write(seconds.to_bytes(8, sys.byteorder, signed=True))


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    return Clock(tmp_path)


@pytest.fixture
def server(clock: Clock, tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path / "data", environment=clock.environment).start()
    yield server
    server.close()


def test_a_slot_is_past_from_the_moment_it_begins(server: Server, clock: Clock) -> None:
    peer, day = server.customer(), server.day()
    clock.set(f"{day}T09:59:40-03:00")
    assert peer.states(day) == ["past", "past", *["free"] * 10]
    clock.set(f"{day}T10:00:01-03:00")
    assert peer.states(day) == ["past", "past", "past", *["free"] * 9]
    assert peer.refusal("booking.create", start=f"{day}T10:00")["reason"] == "past"
    assert peer.call("booking.create", start=f"{day}T11:00")["status"] == "booked"


def test_a_slot_of_ones_own_is_past_too_once_it_has_begun(server: Server, clock: Clock) -> None:
    peer, day = server.customer(), server.day()
    peer.call("booking.create", start=f"{day}T10:00")
    server.customer().call("booking.create", start=f"{day}T11:00")
    clock.set(f"{day}T10:30-03:00")
    assert peer.states(day)[2:4] == ["past", "taken"]


def test_a_booking_that_has_begun_can_be_neither_cancelled_nor_moved(server: Server, clock: Clock) -> None:
    peer, day = server.customer(), server.day()
    booked = peer.call("booking.create", start=f"{day}T10:00")
    clock.set(f"{day}T10:00:01-03:00")
    too_late = {"code": "too_late", "deadline": booked["start"]}
    assert peer.refusal("booking.cancel", booking=booked["id"]) == too_late
    assert peer.refusal("booking.move", booking=booked["id"], start=f"{day}T15:00") == too_late
    assert peer.refusal("booking.move", booking=booked["id"], start=booked["start"]) in (
        too_late,
        {"code": "slot_not_offered", "reason": "past", "start": booked["start"]},
    )
    assert peer.call("booking.list")["bookings"] == [booked]


def test_there_is_no_deadline_before_the_booking_begins(server: Server, clock: Clock) -> None:
    peer, day = server.customer(), server.day()
    booked = peer.call("booking.create", start=f"{day}T10:00")
    clock.set(f"{day}T09:59:40-03:00")
    assert peer.call("booking.cancel", booking=booked["id"])["status"] == "cancelled"


def test_a_cancelled_booking_comes_back_unchanged_even_when_its_time_has_come(server: Server, clock: Clock) -> None:
    peer, day = server.customer(), server.day()
    booked = peer.call("booking.create", start=f"{day}T10:00")
    cancelled = peer.call("booking.cancel", booking=booked["id"])
    clock.set(f"{day}T12:00-03:00")
    assert peer.call("booking.cancel", booking=booked["id"]) == cancelled


def test_the_passing_of_time_sends_nothing(server: Server, clock: Clock) -> None:
    peer, day = server.customer(), server.day()
    clock.set(f"{day}T08:30-03:00")
    peer.call("slot.watch", day=day)
    for hour in range(9, 18):
        clock.set(f"{day}T{hour:02}:30:00-03:00")
        assert peer.states(day).count("past") == hour - 7
    peer.call("booking.create", start=f"{day}T19:00")
    assert [slot["start"] for slot in peer.change()["slots"]] == [server.at(day, 19)]


def test_requests_are_answered_the_same_for_24_hours(server: Server, clock: Clock) -> None:
    peer, day = server.customer(), server.day()
    wishes: list[tuple[str, dict[str, Any]]] = [
        ("booking.create", {"start": f"{day}T10:00", "request": "1"}),
        ("booking.create", {"start": f"{day}T10:00", "request": "2"}),
    ]
    first = peer.answers(peer.post_all(*wishes))
    now = dt.datetime.now(dt.UTC) + dt.timedelta(hours=23, minutes=59)
    clock.set(now.isoformat())
    server.kill()
    server.start()
    peer = server.again(peer)
    again = peer.answers(peer.post_all(*wishes))
    assert again[0]["result"] == first[0]["result"]
    assert again[1]["error"]["data"] == first[1]["error"]["data"]


def test_a_receipt_is_given_again_for_24_hours(server: Server, clock: Clock) -> None:
    peer = server.customer()
    receipt = peer.call("user.erase", password=peer.password, request="adeus")
    clock.set((dt.datetime.now(dt.UTC) + dt.timedelta(hours=23, minutes=59)).isoformat())
    assert server.peer().call("user.erase", password=peer.password, request="adeus") == receipt
    server.kill()
    server.start()
    assert server.peer().call("user.erase", password=peer.password, request="adeus") == receipt


def test_a_request_counts_as_past_although_it_is_asked_off_the_grid(server: Server, clock: Clock) -> None:
    peer, day = server.customer(), server.day()
    clock.set(f"{day}T10:45-03:00")
    assert peer.refusal("booking.create", start=f"{day}T10:30")["reason"] == "past"
    assert peer.refusal("booking.create", start=f"{day}T11:30")["reason"] == "off_grid"
