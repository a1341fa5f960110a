"""The measurements of our server and its peers; each gives plain figures, ready for JSON."""

import contextlib
import shutil
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.crowd import Crowd, Stock, close, fill, slot_lists
from bench.feed import Feed
from bench.line import Line, request
from bench.load import Measured, drive
from bench.nodes import Nodes
from bench.paint import first_paint
from bench.pgbench import SCRIPTS, Peer, postgres
from bench.processes import LOAD_CORE, SERVER_CORE, Server, agenda, environment, on_core, peer
from bench.shares import Sampler, processor_seconds, thread_names
from bench.watching import watchers

Figures = dict[str, Any]
FULL_RATE = 40_000
"""Bookings a second for which slots are prepared: more than any server here reaches."""


@dataclass(frozen=True)
class Size:
    """How much of everything; `quick` is for trying the bench itself."""

    rounds: int
    seconds: float
    connections: tuple[int, ...]
    resources: int
    bookings: int
    many: int
    days: int
    watchers: int
    watching_one_day: int


FULL = Size(3, 4.0, (1, 16, 64, 256), 1000, 100_000, 1_000_000, 10, 5000, 1000)
QUICK = Size(1, 1.0, (1, 64), 100, 2_000, 20_000, 5, 500, 100)


def granted(measured: Measured) -> Figures:
    """The figures of a load of which nothing may be refused; AssertionError with the refusal if something was."""
    assert not measured.refused, measured.refusal
    return described(measured)


def described(measured: Measured) -> Figures:
    """The figures of one load."""
    return {
        "per_second": round(measured.acknowledged_per_second),
        "answers_per_second": round(measured.answers_per_second),
        "refused": measured.refused,
        **{f"p{share}": round(measured.milliseconds(share / 100), 3) for share in (50, 95, 99)},
    }


def median(runs: list[Figures]) -> Figures:
    """The median of each figure over the rounds, and the rates of all of them."""
    merged: Figures = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
    return merged | {"rounds": [run["per_second"] for run in runs]}


class Bench:
    """All measurements on one set of data folders below `work`."""

    def __init__(self, work: Path, size: Size, say: Callable[[str], None]) -> None:
        self._work = work
        self._size = size
        self._say = say

    def run(self, only: list[str] | None = None) -> Figures:
        """Every measurement, or only those named."""
        parts: dict[str, Callable[[], Figures]] = {
            "generator": self.generator,
            "bookings": self.bookings,
            "nodes": self.nodes,
            "feed": self.feed,
            "one_slot": self.one_slot,
            "one_resource": self.one_resource,
            "slot_list": self.slot_list,
            "watching": self.watching,
            "start": self.start,
            "shares": self.shares,
        }
        figures: Figures = {}
        for name, part in parts.items():
            if only is not None and name not in only:
                continue
            self._say(name)
            figures[name] = part()
            self._say(f"  {figures[name]}")
        return figures

    def generator(self) -> Figures:
        """What the load generator reaches against a server that does nothing: its own limit."""
        line = request(
            1, "booking.create", {"resource": "0" * 32, "service": "0" * 32, "start": "2027-01-01T08:00:00Z"}
        )
        with peer("instant", log=self._work / "instant.log") as server:
            lines = [Line(server.port) for _ in range(64)]
            measured = drive([each.socket for each in lines], [[line] * 10_000] * 64, seconds=self._size.seconds)
            close(lines)
        return granted(measured)

    def bookings(self) -> Figures:
        """Acknowledged bookings a second: ours, the textbook server's and PostgreSQL's in turn."""
        size = self._size
        runs: dict[str, dict[int, list[Figures]]] = {}
        crowd, stock = Crowd(), Stock()
        data = self._copy(size.resources, size.bookings, "bookings")

        def note(name: str, count: int, figures: Figures) -> None:
            runs.setdefault(name, {}).setdefault(count, []).append(figures)
            self._say(f"  {name}, {count}: {figures}")

        with on_core(SERVER_CORE):
            started = contextlib.ExitStack()
            server = started.enter_context(postgres(self._work / "postgres"))
        with started:
            database = Peer(server, resources=size.resources, bookings=size.bookings) if server else None
            for _ in range(size.rounds):
                for count in size.connections:
                    note("agenda", count, self._ours(data, crowd, stock, count))
                    note("textbook", count, self._textbook(count))
                    for script in SCRIPTS if database else ():
                        note(f"PostgreSQL, {script}", count, self._postgres(database, script, count))
            version = database.version() if database else None
        medians = {name: {str(n): median(each) for n, each in by.items()} for name, by in runs.items()}
        return {"servers": medians, "postgresql": version}

    def _ours(self, data: Path, crowd: Crowd, stock: Stock, count: int) -> Figures:
        with agenda(data) as server, self._lines(server, crowd, count) as lines:
            wanted = int(FULL_RATE * (self._size.seconds + 0.5) * min(1, count / 16))
            prepared = stock.bookings(lines[0], count, wanted)
            before = server.cpu_seconds()
            measured = drive([line.socket for line in lines], prepared, seconds=self._size.seconds)
            return granted(measured) | {"cpu": round(server.cpu_seconds() - before, 2)}

    def _textbook(self, count: int) -> Figures:
        path = self._work / "textbook.db"
        for old in self._work.glob("textbook.db*"):
            old.unlink()
        with peer("textbook", str(path), log=self._work / "textbook.log") as server:
            lines = [Line(server.port) for _ in range(count)]
            for number, line in enumerate(lines):
                line.call("session.open", user=f"bench {number}", password="-")  # noqa: S106 - it asks for none
            each = int(10_000 * (self._size.seconds + 0.5)) // count + 1
            prepared = [
                [request(1, "booking.create", {"resource": f"{n % 1000}", "start": f"{user} {n}"}) for n in range(each)]
                for user in range(count)
            ]
            measured = drive([line.socket for line in lines], prepared, seconds=self._size.seconds)
            close(lines)
        return granted(measured)

    def _postgres(self, database: Peer | None, script: str, count: int) -> Figures:
        assert database is not None
        with on_core(LOAD_CORE):
            result = database.book(script, clients=count, seconds=max(1, round(self._size.seconds)))
        return {"per_second": round(result.per_second), "mean": result.latency}

    def nodes(self) -> Figures:
        """Three servers on one PostgreSQL, all of it and the load on the same cores, and pgbench on these in turn."""
        return Nodes(self._work, self._say).measure(
            resources=self._size.resources,
            bookings=self._size.bookings,
            rounds=self._size.rounds,
            seconds=self._size.seconds,
        )

    def feed(self) -> Figures:
        """What following each other costs three servers on one PostgreSQL, and how long news take."""
        return Feed(self._work, self._say).measure(resources=100, rounds=self._size.rounds, seconds=self._size.seconds)

    def one_slot(self) -> Figures:
        """Everybody asks for the same slot without pause: one gets it, the refusals are durable too."""
        with agenda(self._copy(10, 100, "one-slot")) as server, self._lines(server, Crowd(), 64) as lines:
            stock = Stock(days=1)
            slot = stock.take(lines[0], 1)[0]
            each = int(FULL_RATE * (self._size.seconds + 0.5)) // 64
            prepared = [[stock.line(slot) for _ in range(each)] for _ in lines]
            measured = drive([line.socket for line in lines], prepared, seconds=self._size.seconds, warm_up=0)
            return described(measured) | {"winners": measured.acknowledged}

    def one_resource(self) -> Figures:
        """All that is left free on one resource that has a long history."""
        runs = []
        for _ in range(self._size.rounds):
            data = self._copy(1, min(8000, self._size.bookings), "one-resource")
            with agenda(data) as server, self._lines(server, Crowd(), 64) as lines:
                prepared = Stock(days=3 * 365).bookings(lines[0], 64, 20_000)
                runs.append(granted(drive([line.socket for line in lines], prepared, seconds=60, warm_up=0)))
        return median(runs)

    def slot_list(self) -> Figures:
        """A day's slots of one resource, on an agenda without bookings and on one with very many, in turn."""
        runs: dict[str, list[Figures]] = {"empty": [], "full": []}
        cold: dict[str, int] = {}
        crowd = {"empty": Crowd(), "full": Crowd()}
        for _ in range(self._size.rounds):
            for name, count in (("empty", 0), ("full", self._size.many)):
                with (
                    agenda(self._copy(self._size.resources, count, name, keep=True)) as server,
                    self._lines(server, crowd[name], 64) as lines,
                ):
                    asked = slot_lists(lines[0], self._size.days)
                    sockets = [line.socket for line in lines]
                    first = drive(sockets, [asked[n::64] for n in range(64)], seconds=120, warm_up=0)
                    cold[name] = round(first.acknowledged_per_second)
                    again = asked * (int(FULL_RATE * self._size.seconds) // len(asked) + 2)
                    prepared = [again[n::64] for n in range(64)]
                    runs[name].append(granted(drive(sockets, prepared, seconds=self._size.seconds)))
        return {name: median(each) | {"first_time": cold[name]} for name, each in runs.items()}

    def watching(self) -> Figures:
        """Memory with very many idle watching connections, and how fast one change reaches those it concerns."""
        with agenda(self._copy(self._size.resources, self._size.bookings, "watching")) as server:
            return watchers(server, Crowd(), self._size.watchers, self._size.watching_one_day)

    def start(self) -> Figures:
        """Seconds until things are there, and until a server that is told to end is gone although a client stays."""
        data = self._copy(self._size.resources, self._size.many, "full", keep=True)
        ready, gone = [], []
        for _ in range(3):
            with agenda(data) as server, socket.create_connection(("localhost", server.port)):
                ready.append(server.ready_seconds)
                gone.append(_stop_seconds(server))
        return {
            "ready": round(statistics.median(ready), 3),
            "gone": round(statistics.median(gone), 3),
            "help": round(statistics.median(_help_seconds() for _ in range(5)), 3),
            "paint": first_paint(),
        }

    def shares(self) -> Figures:
        """Where the time of a server under load goes, seen by a sampling profiler."""
        data = self._copy(self._size.resources, self._size.bookings, "shares")
        with agenda(data) as server, self._lines(server, Crowd(), 64) as lines:
            seconds = self._size.seconds
            prepared = Stock().bookings(lines[0], 64, int(FULL_RATE * (2 * seconds + 1)))
            pid = server.process.pid
            names = thread_names(pid)
            before = processor_seconds(pid, names)
            sampler = Sampler(pid, seconds, self._work)
            measured = drive([line.socket for line in lines], prepared, seconds=2 * seconds + 1, warm_up=0)
            after = processor_seconds(pid, names)
            granted(measured)
            each = {name: 1e6 * (after[name] - before[name]) / measured.acknowledged for name in after}
            return {
                "parts": sampler.shares(),
                "microseconds": {name: round(used, 1) for name, used in each.items() if used >= 1},
            }

    @contextlib.contextmanager
    def _lines(self, server: Server, crowd: Crowd, count: int) -> Iterator[list[Any]]:
        lines = crowd.connect(server.port, count)
        try:
            yield lines
        finally:
            close(lines)

    def _copy(self, resources: int, bookings: int, name: str, *, keep: bool = False) -> Path:
        """A data folder of that content; a fresh one unless it is to be kept between measurements."""
        made = fill(self._work / f"filled-{resources}-{bookings}", resources=resources, bookings=bookings)
        target = self._work / f"data-{name}"
        if target.exists() and not keep:
            shutil.rmtree(target)
        if not target.exists():
            shutil.copytree(made, target)
        return target


def _stop_seconds(server: Server) -> float:
    began = time.perf_counter()
    server.stop()
    return time.perf_counter() - began


def _help_seconds() -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-m", "agenda", "--help"], check=True, capture_output=True, env=environment())
    return time.perf_counter() - began
