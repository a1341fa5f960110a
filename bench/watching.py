"""Thousands of idle connections that watch a day: their memory, and how fast a change reaches them."""

import datetime as dt
import select
import statistics
import time
from collections import Counter
from typing import Any

from bench.crowd import Crowd, close, free_slots, tomorrow
from bench.line import Line
from bench.processes import LOAD_CORE, Server, on_core

USERS = 64
CHANGES = 5
NEWS = b'"slot.changed"'


def watchers(server: Server, crowd: Crowd, count: int, one_day: int) -> dict[str, Any]:
    """Open `count` watching connections, `one_day` of them on the same day of the same resource."""
    at_first = server.resident_bytes()
    lines = crowd.connect(server.port, count + 1, USERS)
    booker, lines = lines[0], lines[1:]
    service = booker.call("service.list")["services"][0]["id"]
    resources = [resource["id"] for resource in booker.call("resource.list")["resources"]]
    free = Counter(slot.resource for slot in free_slots(booker, tomorrow()))
    watched = free.most_common(1)[0][0]
    slots = [slot for slot in free_slots(booker, tomorrow()) if slot.resource == watched][:CHANGES]
    for number, line in enumerate(lines):
        other = number - one_day
        resource = watched if other < 0 else resources[other % len(resources)]
        day = tomorrow() + dt.timedelta(days=0 if other < 0 else 1 + other % 30)
        line.call("slot.watch", day=day.isoformat(), service=service, resource=resource)
    with_all = server.resident_bytes()
    spread = [_change(booker, lines[:one_day], slot._asdict()) for slot in slots]
    close([booker, *lines])
    return {
        "connections": count,
        "watching_one_day": one_day,
        "megabytes_before": round(at_first / 2**20),
        "megabytes": round(with_all / 2**20),
        "all_have_it": round(statistics.median(spread), 1),
        "all_have_it_at_most": round(max(spread), 1),
    }


def _change(booker: Line, lines: list[Line], slot: dict[str, str]) -> float:
    """Book a slot; milliseconds from sending the wish until the last watcher has the news."""
    poll = select.epoll(len(lines) + 1)
    sockets = {line.socket.fileno(): line.socket for line in lines}
    for number in sockets:
        poll.register(number, select.EPOLLIN)
    waiting = set(sockets)
    with on_core(LOAD_CORE):
        began = time.perf_counter()
        booker.send("booking.create", **slot)
        while waiting:
            events = poll.poll(10)
            assert events, f"{len(waiting)} watchers were not told"
            for number, _ in events:
                if NEWS in sockets[number].recv(65536):
                    waiting.discard(number)
        took = time.perf_counter() - began
    poll.close()
    booker.answer()
    return took * 1000
