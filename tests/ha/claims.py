"""Plain clients of the database that race for numbered cells and remember what was confirmed to them."""

import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import pairwise
from types import TracebackType
from typing import NamedTuple, Self

import psycopg
from psycopg.conninfo import make_conninfo

DEADLINE = 5.0
"""Seconds until an answer is no longer waited for: the connection is closed, the request asked again."""
CLAIMANTS = 4
PACE = 0.005
RIVALS = 2
"""How many claimants race for each cell."""
OPTIONS: dict[str, str | int] = {
    "connect_timeout": 3,
    "tcp_user_timeout": 5000,
    "keepalives_idle": 2,
    "keepalives_interval": 2,
    "keepalives_count": 2,
    "load_balance_hosts": "random",
}
TABLE = "CREATE TABLE cell (number bigint PRIMARY KEY, request uuid NOT NULL UNIQUE, tries int NOT NULL DEFAULT 1)"
# It always writes, so that every answer, a repeated one too, waits for the standby.
CLAIM = """
    INSERT INTO cell (number, request) VALUES (%s, %s)
    ON CONFLICT (number) DO UPDATE SET tries = cell.tries + 1 RETURNING request
"""


class Confirmed(NamedTuple):
    """An answer: who has the cell, as the one who asked was told."""

    at: float
    cell: int
    holder: uuid.UUID


class Verdict(NamedTuple):
    """What became of the confirmed claims: cells that are not held as was said, and cells confirmed to two."""

    confirmed: int
    lost: int
    doubled: int


class Claimants:
    """Threads that claim without pause, as a context, in the network of the thread that enters it."""

    def __init__(self, url: str, count: int = CLAIMANTS) -> None:
        self._url = url
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._next = 0
        self._confirmed: list[Confirmed] = []
        self._threads = [threading.Thread(target=self._work, name=f"claimant {n}") for n in range(count)]

    def __enter__(self) -> Self:
        with self._connected() as connection:
            connection.execute("DROP TABLE IF EXISTS cell")
            connection.execute(TABLE)
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    @property
    def count(self) -> int:
        """How many answers have come so far."""
        with self._lock:
            return len(self._confirmed)

    def outage(self, since: float) -> float:
        """The longest time without an answer that ended after `since`, by the monotonic clock."""
        with self._lock:
            times = sorted(answer.at for answer in self._confirmed)
        return max((after - before for before, after in pairwise(times) if after > since))

    def verdict(self) -> Verdict:
        """Compare what was confirmed with what is stored, once all have stopped."""
        with self._connected() as connection:
            stored = dict(connection.execute("SELECT number, request FROM cell").fetchall())
        told: dict[int, set[uuid.UUID]] = {}
        for answer in self._confirmed:
            told.setdefault(answer.cell, set()).add(answer.holder)
        lost = sum(stored.get(cell) not in holders for cell, holders in told.items())
        return Verdict(len(self._confirmed), lost, sum(len(holders) > 1 for holders in told.values()))

    def _work(self) -> None:
        claim = self._new_claim()
        while not self._stopping.is_set():
            with suppress(psycopg.Error), self._connected() as connection:
                while not self._stopping.is_set():
                    self._ask(connection, *claim)
                    claim = self._new_claim()
                    self._stopping.wait(PACE)
            self._stopping.wait(0.1)

    def _new_claim(self) -> tuple[int, uuid.UUID]:
        with self._lock:
            cell, self._next = self._next // RIVALS, self._next + 1
        return cell, uuid.uuid4()

    def _ask(self, connection: psycopg.Connection, cell: int, request: uuid.UUID) -> None:
        with _hung_up_after(connection, DEADLINE):
            (holder,) = connection.execute(CLAIM, (cell, request)).fetchall()[0]
        with self._lock:
            self._confirmed.append(Confirmed(time.monotonic(), cell, holder))

    @contextmanager
    def _connected(self) -> Iterator[psycopg.Connection]:
        with psycopg.connect(make_conninfo(self._url, **OPTIONS), autocommit=True) as connection:
            yield connection


@contextmanager
def _hung_up_after(connection: psycopg.Connection, seconds: float) -> Iterator[None]:
    """Close the connection's socket under it when the time is up: cancelling would have the server confirm too much."""

    def hang_up() -> None:
        with socket.fromfd(connection.fileno(), socket.AF_INET, socket.SOCK_STREAM) as twin, suppress(OSError):
            twin.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, hang_up)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
