"""The load generator counts what a server did."""

import sqlite3
from contextlib import closing
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from bench.line import Line, request
from bench.load import Measured, drive
from bench.processes import Server, peer
from bench.report import picture, rewritten


@pytest.fixture
def textbook(tmp_path: Path) -> Server:
    return peer("textbook", str(tmp_path / "bookings.db"), log=tmp_path / "log")


def load(server: Server, connections: int, lines: list[list[bytes]]) -> Measured:
    """Let so many users send their lines at once, until all are answered."""
    opened = [Line(server.port) for _ in range(connections)]
    try:
        for number, line in enumerate(opened):
            line.call("session.open", user=f"user {number}", password="-")
        return drive([line.socket for line in opened], lines, seconds=30, warm_up=0)
    finally:
        for line in opened:
            line.close()


def booking(start: str) -> bytes:
    return request(1, "booking.create", {"resource": "r", "start": start})


def test_every_acknowledged_booking_is_a_row(textbook: Server, tmp_path: Path) -> None:
    with textbook:
        measured = load(textbook, 8, [[booking(f"{user} {n}") for n in range(20)] for user in range(8)])

    with closing(sqlite3.connect(tmp_path / "bookings.db")) as database:
        [(rows,)] = database.execute("SELECT count(*) FROM booking")
    assert (measured.acknowledged, measured.refused, len(measured.latencies), rows) == (160, 0, 160, 160)


def test_of_all_who_want_one_slot_one_is_acknowledged(textbook: Server) -> None:
    with textbook:
        measured = load(textbook, 16, [[booking("the same")]] * 16)

    assert (measured.acknowledged, measured.refused) == (1, 15)


def test_a_server_that_closes_a_connection_breaks_the_measurement(textbook: Server) -> None:
    with textbook, pytest.raises(ConnectionError):
        load(textbook, 1, [[b"no json\n"]])


def test_latencies_are_given_by_share() -> None:
    measured = Measured(latencies=[1_000_000 * n for n in range(100, 0, -1)])

    assert [measured.milliseconds(share) for share in (0.5, 0.99, 1)] == [51, 100, 100]


def test_tables_are_made_anew_between_their_marks() -> None:
    page = "before\n<!-- figures -->\nold\n<!-- end of figures -->\nafter\n"

    made = rewritten(page, RESULTS)

    assert made.startswith("before\n<!-- figures -->\n")
    assert made.endswith("\n<!-- end of figures -->\nafter\n")
    assert "old" not in made
    assert "| against the textbook server | 2 x | 3.00 x |" in made


def test_the_picture_has_a_bar_for_every_server_and_number_of_connections() -> None:
    tree = ET.fromstring(picture(RESULTS))  # noqa: S314 - our own picture

    bars = [bar for bar in tree.iter("{http://www.w3.org/2000/svg}rect") if bar.get("rx")]
    assert len(bars) == 3


def run(rate: float) -> dict[str, object]:
    return {
        "per_second": rate,
        "answers_per_second": rate,
        "rounds": [rate],
        "p50": 1.0,
        "p95": 2.0,
        "p99": 3.0,
    }


RESULTS = {
    "machine": {"day": "", "cores": 2, "processor": "", "memory_gib": 1, "system": "", "python": "", "sqlite": ""},
    "figures": {
        "generator": run(100_000),
        "bookings": {
            "servers": {
                "agenda": {"64": run(9000)},
                "textbook": {"64": run(3000)},
                "PostgreSQL, one statement": {"64": run(4500)},
            },
            "postgresql": "15",
        },
        "one_slot": run(5) | {"winners": 1},
        "one_resource": run(5),
        "slot_list": {"empty": run(13), "full": run(10)},
        "watching": {"connections": 5, "watching_one_day": 1, "megabytes": 10, "all_have_it": 3},
        "start": {"ready": 1, "gone": 1, "help": 1, "paint": None},
        "shares": {"parts": {"saving": 50}, "microseconds": {"committer": 90}},
    },
}
