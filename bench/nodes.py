"""Servers on one PostgreSQL: bookings a second against pgbench, a race for few slots, and how long news take."""

import contextlib
import random
import statistics
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from agenda.prove.postgres import Postgres
from bench.crowd import Crowd, Stock, close
from bench.line import Line
from bench.load import Measured, drive
from bench.pgbench import SCRIPTS, Peer, postgres
from bench.processes import Server, node, run_agenda

Figures = dict[str, Any]
CONNECTIONS = 64
SERVERS = 3
RATE = 12_000
"""Bookings a second for which slots are prepared: more than any machine of two cores reaches."""
HOST = "127.0.0.1"
"""By which pgbench reaches PostgreSQL: as the servers do, which as a rule are on other machines."""
CONTESTED = 10
"""Slots for which all race."""


class Nodes:
    """The measurements; nothing is pinned to a core, so that all compete as they would on one machine."""

    def __init__(self, work: Path, say: Callable[[str], None]) -> None:
        self._work = work
        self._say = say

    def measure(self, *, resources: int, bookings: int, rounds: int, seconds: float) -> Figures:
        """Medians over the rounds; nothing where PostgreSQL is not installed."""
        with postgres(self._work / "postgres-of-nodes") as server:
            if server is None:
                return {}
            run_agenda("fill", "--store", server.url, "--resources", f"{resources}", "--bookings", f"{bookings}")
            peer = Peer(server, resources=resources, bookings=bookings, host=HOST)
            server.sql("VACUUM ANALYZE")
            runs: dict[str, list[Figures]] = {}

            def note(name: str, figures: Figures) -> None:
                runs.setdefault(name, []).append(figures)
                self._say(f"  {name}: {figures}")

            crowd, stock = Crowd(), Stock()
            for _ in range(rounds):
                with self._servers(server) as nodes, self._lines(nodes, crowd) as lines:
                    note("free slots", self._free(lines, stock, seconds))
                    note("ten slots", self._contested(lines, stock, seconds))
                for script in SCRIPTS:
                    result = peer.book(script, clients=CONNECTIONS, seconds=max(1, round(seconds)))
                    note(f"pgbench, {script}", {"per_second": round(result.per_second)})
        return {name: _median(each) for name, each in runs.items()}

    def _free(self, lines: list[Line], stock: Stock, seconds: float) -> Figures:
        """Everybody books slots that are free."""
        prepared = stock.bookings(lines[0], len(lines), int(RATE * (seconds + 0.5)))
        measured = drive([line.socket for line in lines], prepared, seconds=seconds, pinned=False)
        assert not measured.refused, measured.refusal
        return _figures(measured)

    def _contested(self, lines: list[Line], stock: Stock, seconds: float) -> Figures:
        """Everybody asks for the same few slots, again and again."""
        dice = random.Random(3)
        slots = stock.take(lines[0], CONTESTED)
        each = int(2 * RATE * (seconds + 0.5)) // len(lines)
        prepared = [[stock.line(dice.choice(slots)) for _ in range(each)] for _ in lines]
        measured = drive([line.socket for line in lines], prepared, seconds=seconds, pinned=False)
        return _figures(measured)

    @contextlib.contextmanager
    def _servers(self, server: Postgres) -> Iterator[list[Server]]:
        with contextlib.ExitStack() as stack:
            yield [stack.enter_context(node(server.url, self._work / f"node-{n}.log")) for n in range(SERVERS)]

    @contextlib.contextmanager
    def _lines(self, nodes: list[Server], crowd: Crowd) -> Iterator[list[Line]]:
        lines = crowd.connect([each.port for each in nodes], CONNECTIONS)
        try:
            yield lines
        finally:
            close(lines)


def _figures(measured: Measured) -> Figures:
    return {
        "per_second": round(measured.answers_per_second),
        "p50": round(measured.milliseconds(0.5), 1),
        "p99": round(measured.milliseconds(0.99), 1),
        "longest": round(measured.longest),
    }


def _median(runs: list[Figures]) -> Figures:
    return {name: statistics.median(run[name] for run in runs) for name in runs[0]}
