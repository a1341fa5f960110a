"""Sixty-four want one slot at the same moment: one has it, sixty-three are told so."""

import datetime as dt
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from typing import Any

import psycopg
import pytest

from .peer import Peer
from .server import Server

Run = Callable[..., Server]
CROWD = 64


@pytest.fixture(scope="module")
def crowd(server: Server) -> list[Peer]:
    """Sixty-four users, each on a connection of its own."""
    peers = [server.peer() for _ in range(CROWD)]
    numbers = [
        peer.post("session.open", user=f"Concorrente {n}", password="x", create=True) for n, peer in enumerate(peers)
    ]
    for peer, number in zip(peers, numbers, strict=True):
        assert "result" in peer.answer(number)
    return peers


def code(answer: dict[str, Any]) -> str:
    return answer["result"]["status"] if "result" in answer else str(answer["error"]["data"]["code"])


def race(peers: list[Peer], start: str) -> list[dict[str, Any]]:
    """The answers to one wish of all, each thread released by the same barrier."""
    barrier = threading.Barrier(len(peers))
    answers: list[dict[str, Any]] = [{}] * len(peers)

    def run(n: int) -> None:
        barrier.wait()
        answers[n] = peers[n].answer(peers[n].post("booking.create", start=start))

    threads = [threading.Thread(target=run, args=(n,)) for n in range(len(peers))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def owners(peers: list[Peer], start: str) -> int:
    return sum(
        booking["start"] == start
        for peer in peers
        for booking in peer.call("booking.list", status="booked")["bookings"]
    )


def claims(server: Server, start_day: str) -> int:
    """How many claims the store itself holds, whatever the server says."""
    eight = int(dt.datetime.fromisoformat(server.at(start_day, 8)).timestamp())
    if server.database:
        with psycopg.connect(server.database) as node:
            row = node.execute("SELECT count(*) FROM claim WHERE starts = to_timestamp(%s)", (eight,)).fetchone()
            assert row
            return int(row[0])
    (database,) = (
        path for path in server.data.rglob("*") if path.is_file() and path.read_bytes()[:15] == b"SQLite format 3"
    )
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as store:
        found: int = store.execute("SELECT count(*) FROM claim WHERE starts = ?", (eight,)).fetchone()[0]
        return found


def test_of_64_threads_one_gets_the_slot(server: Server, crowd: list[Peer]) -> None:
    day = server.day()
    answers = race(crowd, server.at(day, 8))
    assert Counter(map(code, answers)) == {"booked": 1, "slot_taken": CROWD - 1}
    assert owners(crowd, server.at(day, 8)) == 1
    assert claims(server, day) == 1


def test_of_64_sockets_written_in_a_row_one_gets_the_slot(server: Server, crowd: list[Peer]) -> None:
    day = server.day()
    numbers = [peer.post("booking.create", start=server.at(day, 8)) for peer in crowd]
    answers = [peer.answer(number) for peer, number in zip(crowd, numbers, strict=True)]
    assert Counter(map(code, answers)) == {"booked": 1, "slot_taken": CROWD - 1}
    assert owners(crowd, server.at(day, 8)) == 1
    assert claims(server, day) == 1


def test_of_64_connections_of_one_user_one_gets_the_slot(server: Server) -> None:
    day, user = server.day(), server.customer()
    answers = race([server.again(user) for _ in range(CROWD)], server.at(day, 8))
    assert Counter(map(code, answers)) == {"booked": 1, "slot_taken": CROWD - 1}
    assert len(user.call("booking.list")["bookings"]) == 1


def test_every_loser_is_told_the_truth_and_the_winner_holds_the_slot(server: Server, crowd: list[Peer]) -> None:
    day = server.day()
    (winner,) = (peer for peer, answer in zip(crowd, race(crowd, server.at(day, 8)), strict=True) if "result" in answer)
    assert [peer.states(day)[0] for peer in crowd] == ["mine" if peer is winner else "taken" for peer in crowd]


def test_twelve_slots_for_64_are_given_out_twelve_times(server: Server, crowd: list[Peer]) -> None:
    day = server.day()
    numbers = [
        [peer.post("booking.create", start=server.at(day, 8 + (n + shift) % 12)) for shift in range(12)]
        for n, peer in enumerate(crowd)
    ]
    codes = Counter(code(peer.answer(number)) for peer, mine in zip(crowd, numbers, strict=True) for number in mine)
    assert codes == {"booked": 12, "slot_taken": CROWD * 12 - 12}


def test_a_freed_slot_is_raced_for_again_and_again(server: Server, crowd: list[Peer]) -> None:
    day = server.day()
    for _ in range(10):
        answers = race(crowd, server.at(day, 8))
        ((winner, answer),) = ((peer, a) for peer, a in zip(crowd, answers, strict=True) if "result" in a)
        winner.call("booking.cancel", booking=answer["result"]["id"])
    assert owners(crowd, server.at(day, 8)) == 0
