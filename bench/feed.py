"""What it costs nodes to follow each other, and how long news take: idle, one booking at a time, and at full rate."""

import contextlib
import os
import random
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from agenda.prove.postgres import Postgres
from bench.crowd import Crowd, Stock, close, free_slots, tomorrow
from bench.load import drive
from bench.pgbench import postgres
from bench.processes import Server, node, run_agenda

Figures = dict[str, Any]
CONNECTIONS = 32
NEWS = 100
PAUSE = 0.3
RATE = 12_000
WITHOUT_CALLS = """\
from agenda.storage import postgres_feed
postgres_feed._TELL = "SELECT 1"
from agenda.cli import main
main()"""


class Feed:
    """The measurements; nothing is pinned to a core."""

    def __init__(self, work: Path, say: Callable[[str], None]) -> None:
        self._work = work
        self._say = say

    def measure(self, *, resources: int, rounds: int, seconds: float) -> Figures:
        """Medians over the rounds, which take the parts in turn; nothing where PostgreSQL is not installed."""
        with postgres(self._work / "postgres-of-feed") as server:
            if server is None:
                return {}
            run_agenda("fill", "--store", server.url, "--resources", f"{resources}", "--bookings", "1000")
            runs: dict[str, list[Figures]] = {}
            parts: dict[str, Callable[[], Figures]] = {
                "idle, nobody looks": lambda: self._idle(server, seconds, warm=False),
                "idle, somebody watches": lambda: self._idle(server, seconds, warm=True),
                "news, called": lambda: self._news(server, called=True),
                "news, never called": lambda: self._news(server, called=False),
                "full rate, alone": lambda: self._full(server, seconds, others=False, warm=False),
                "full rate, another node at which nobody looks": lambda: self._full(server, seconds, warm=False),
                "full rate, another node that shows all of it": lambda: self._full(server, seconds, warm=True),
            }
            for name, part in [*parts.items()] * rounds:
                figures = part()
                runs.setdefault(name, []).append(figures)
                self._say(f"  {name}: {figures}")
        return {
            name: {key: statistics.median(each[key] for each in some) for key in some[0]} for name, some in runs.items()
        }

    def _idle(self, server: Postgres, seconds: float, *, warm: bool) -> Figures:
        """Three nodes and nothing to do; shares of one core."""
        with contextlib.ExitStack() as stack:
            nodes = [stack.enter_context(node(server.url, self._work / f"idle-{n}.log")) for n in range(3)]
            lines = Crowd().connect([each.port for each in nodes], 3)
            stack.callback(close, lines)
            for line in lines if warm else ():
                line.call("slot.watch", day=tomorrow().isoformat())
            time.sleep(1)
            with _used(server, *nodes) as used:
                began = time.perf_counter()
                time.sleep(2 * seconds)
                took = time.perf_counter() - began
        return {
            "node_percent": round(statistics.mean(used[1:]) / took * 100, 2),
            "postgresql_percent": round(used[0] / took * 100, 2),
        }

    def _news(self, server: Postgres, *, called: bool) -> Figures:
        """From the answer at one node until a watcher at another has the news, in milliseconds."""
        with self._node(server, "here", called=called) as here, self._node(server, "there", called=called) as there:
            watcher, booker = Crowd().connect([here.port, there.port], 2)
            slots = list(free_slots(watcher, tomorrow()))[:NEWS]
            watcher.call("slot.watch", day=tomorrow().isoformat())
            took = []
            for slot in slots:
                time.sleep(random.random() * PAUSE)
                booker.call("booking.create", **slot._asdict())
                began = time.perf_counter()
                watcher.news()
                took.append((time.perf_counter() - began) * 1000)
            close([watcher, booker])
        ordered = sorted(took)
        return {f"p{share}": round(ordered[len(ordered) * share // 100], 1) for share in (50, 99)}

    def _full(self, server: Postgres, seconds: float, *, warm: bool, others: bool = True) -> Figures:
        """One node books what it can; another, if there is one, does nothing but follow."""
        with contextlib.ExitStack() as stack:
            booking = stack.enter_context(node(server.url, self._work / "booking.log"))
            following = stack.enter_context(node(server.url, self._work / "following.log")) if others else booking
            lines = Crowd().connect(booking.port, CONNECTIONS)
            shower = Crowd().connect(following.port if warm else booking.port, 1)[0]
            stack.callback(close, [*lines, shower])
            prepared = Stock(seed=random.randrange(1000)).bookings(shower, CONNECTIONS, int(RATE * (seconds + 0.5)))
            with _used(server, booking, following) as used:
                measured = drive([line.socket for line in lines], prepared, seconds=seconds, warm_up=0, pinned=False)
            assert not measured.refused, measured.refusal
        figures: Figures = {"per_second": round(measured.acknowledged_per_second)}
        for name, share in zip(("postgresql", "booking", "following"), used, strict=True):
            if others or name != "following":
                figures[f"{name}_percent"] = round(share / seconds * 100, 1)
        return figures

    def _node(self, server: Postgres, name: str, *, called: bool) -> Server:
        program = ("-m", "agenda") if called else ("-c", WITHOUT_CALLS)
        return node(server.url, self._work / f"{name}.log", program)


@contextlib.contextmanager
def _used(server: Postgres, *nodes: Server) -> Iterator[list[float]]:
    """Processor seconds of the database and of each node while the block ran, once it has ended."""
    used = [-_seconds_of_database(server), *(-each.cpu_seconds() for each in nodes)]
    yield used
    used[0] += _seconds_of_database(server)
    used[1:] = [before + each.cpu_seconds() for before, each in zip(used[1:], nodes, strict=True)]


def _seconds_of_database(server: Postgres) -> float:
    """Of the postmaster and its processes, those that have ended included."""
    assert server._process is not None  # noqa: SLF001
    postmaster, ticks = server._process.pid, 0  # noqa: SLF001
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = path.read_text().rpartition(")")[2].split()
            if int(path.parent.name) == postmaster:
                ticks += sum(map(int, fields[11:15]))
            elif int(fields[1]) == postmaster:
                ticks += sum(map(int, fields[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK")
