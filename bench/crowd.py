"""The users, connections and prepared requests of a measurement on our server."""

import datetime as dt
import random
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from agenda.storage.userlogs import MARK
from bench.line import Line, request
from bench.processes import run_agenda

PASSWORD = "a password of the bench"  # noqa: S105 - of nobody


class Slot(NamedTuple):
    """A free start, as the server names it."""

    resource: str
    service: str
    start: str


class Crowd:
    """Users of one data folder; each signs in by password once and by token from then on."""

    def __init__(self) -> None:
        self._tokens: dict[int, str] = {}

    def connect(self, ports: int | Sequence[int], count: int, users: int | None = None) -> list[Line]:
        """So many connections, to the servers in turn, each a user of its own, or of so many users in turn."""
        servers = [ports] if isinstance(ports, int) else ports
        lines = (Line(servers[number % len(servers)]) for number in range(count))
        return [self._signed_in(line, number % (users or count)) for number, line in enumerate(lines)]

    def _signed_in(self, line: Line, user: int) -> Line:
        if user in self._tokens:
            line.call("session.resume", token=self._tokens[user])
        else:
            session = line.call("session.open", user=f"bench {user}", password=PASSWORD, create=True, language="en")
            self._tokens[user] = session["token"]
        return line


class Stock:
    """Free slots of an agenda, each handed out once, in an order that jumps between resources and times."""

    def __init__(self, seed: int = 1, days: int = 14) -> None:
        """Slots are taken from so many days at once."""
        self._dice = random.Random(seed)
        self._days = days
        self._next = tomorrow()
        self._slots: list[Slot] = []

    def take(self, line: Line, count: int) -> list[Slot]:
        """So many slots, fewer when the agenda has no more; asks the server for days as they are needed."""
        end = tomorrow() + dt.timedelta(days=3 * 365)
        while len(self._slots) < count and self._next < end:
            fresh: list[Slot] = []
            for _ in range(self._days):
                fresh += free_slots(line, self._next)
                self._next += dt.timedelta(days=1)
            self._dice.shuffle(fresh)
            self._slots = fresh + self._slots
        taken = self._slots[-count:]
        del self._slots[-count:]
        return taken

    def bookings(self, line: Line, connections: int, count: int) -> list[list[bytes]]:
        """Lines that book `count` distinct slots, dealt to so many connections."""
        lines = [self.line(slot) for slot in self.take(line, count)]
        return [lines[number::connections] for number in range(connections)]

    def line(self, slot: Slot) -> bytes:
        """A booking of one slot, with a request id as our client library makes them: time first, then chance."""
        chosen = f"{time.time_ns() // 1_000_000:012x}{self._dice.getrandbits(80):020x}"
        return request(1, "booking.create", {**slot._asdict(), "request": chosen})


def tomorrow() -> dt.date:
    return dt.datetime.now().astimezone().date() + dt.timedelta(days=1)


def free_slots(line: Line, day: dt.date) -> Iterator[Slot]:
    """The free slots of one day, of all resources, for the first service."""
    service = line.call("service.list")["services"][0]["id"]
    listed: dict[str, Any] = line.call("slot.list", day=day.isoformat(), service=service)
    for slot in listed["slots"]:
        if slot["state"] == "free":
            yield Slot(slot["resource"], slot["service"], slot["start"])


def slot_lists(line: Line, days: int, seed: int = 1) -> list[bytes]:
    """One request for each resource and each of the next days, shuffled."""
    service = line.call("service.list")["services"][0]["id"]
    resources = [resource["id"] for resource in line.call("resource.list")["resources"]]
    lines = [
        request(
            1,
            "slot.list",
            {"day": (tomorrow() + dt.timedelta(days=n)).isoformat(), "service": service, "resource": resource},
        )
        for n in range(days)
        for resource in resources
    ]
    random.Random(seed).shuffle(lines)
    return lines


def close(lines: Sequence[Line]) -> None:
    for line in lines:
        line.close()


def fill(folder: Path, *, resources: int, bookings: int) -> Path:
    """A data folder made by `agenda fill`; one that is there already is used again."""
    if not folder.exists():
        run_agenda(
            "fill", "--data", str(folder), "--resources", str(resources), "--bookings", str(bookings), "--seed", "1"
        )
        # As if the readable logs had been caught up with long ago: writing a million lines is not what is measured.
        (folder / "logs").mkdir(exist_ok=True)
        (folder / "logs" / MARK).write_text(f"1 {sys.maxsize}\n", "ascii")
    return folder
