"""Servers that die and freeze under a client's hands, one after the other: everything happens once, and it shows."""

from __future__ import annotations

import threading
from contextlib import ExitStack, contextmanager
from datetime import date
from itertools import cycle
from queue import SimpleQueue
from time import monotonic
from typing import TYPE_CHECKING

import pytest

from agenda.client import Client
from tests.client.nodes import Node
from tests.client.test_real_server import PATIENCE, SECRET, free, server
from tests.protocol.server import Server, unused_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from agenda.wire import AuditEntry, Booking, Slot, SlotChange

__all__ = ["server"]

IDLE = 1.5
"""Seconds of silence that the client bears; it leaves a frozen server after a third of them."""


class Worker(threading.Thread):
    """Books the slots of a day in turn and cancels each, until told to stop; remembers what was promised."""

    def __init__(self, client: Client, slots: Sequence[Slot]) -> None:
        super().__init__()
        self._client, self._slots = client, slots
        self._stopping = threading.Event()
        self.booked: list[Booking] = []
        self.cancelled: list[Booking] = []
        self._problem: BaseException | None = None

    def run(self) -> None:
        try:
            for slot in cycle(self._slots):
                if self._stopping.is_set():
                    return
                self.booked.append(self._client.book(slot.start))
                self.cancelled.append(self._client.cancel(self.booked[-1].id))
        except BaseException as problem:  # noqa: BLE001  # `until` and `stop` tell the test
            self._problem = problem

    def until_one_more(self) -> float:
        """Wait for a booking that was asked for from now on; how many seconds it took."""
        began, wanted = monotonic(), len(self.booked) + 2
        while len(self.booked) < wanted:
            assert self._problem is None, self._problem
            assert monotonic() < began + PATIENCE, "nothing is booked any more"
            threading.Event().wait(0.002)
        return monotonic() - began

    def stop(self) -> None:
        self._stopping.set()
        self.join()
        assert self._problem is None, self._problem


@pytest.fixture
def nodes(server: Server) -> Iterator[dict[tuple[str, int], Node]]:
    """Three servers of one agenda, by address."""
    with ExitStack() as stack:
        made = [stack.enter_context(Node(server.address)) for _ in range(3)]
        yield {node.address: node for node in made}


@contextmanager
def fault(node: Node, kind: str) -> Iterator[None]:
    """The node is dead, or frozen, as long as the block runs."""
    if kind == "dies":
        node.die()
        yield
        node.revive()
    else:
        node.frozen.set()
        yield
        node.frozen.clear()


def test_whichever_server_dies_or_freezes_everything_happens_once_and_the_picture_is_true(
    server: Server, nodes: dict[tuple[str, int], Node]
) -> None:
    day, user = date.fromisoformat(server.day()), unused_name()
    pictures: SimpleQueue[SlotChange] = SimpleQueue()
    outages = {"dies": list[float](), "freezes": list[float]()}
    first, *others = nodes
    with (
        Client(*server.address, timeout=PATIENCE) as direct,
        Client(*first, addresses=others, idle=IDLE, timeout=PATIENCE) as client,
    ):
        client.sign_in(user, SECRET, create=True)
        direct.sign_in(user, SECRET)
        watch = client.watch(day, pictures.put)
        worker = Worker(client, free(direct, day))
        worker.start()
        for kind in ("dies", "freezes", "dies", "freezes", "freezes", "dies"):
            worker.until_one_more()
            assert client.server
            with fault(nodes[client.server], kind):
                outages[kind].append(worker.until_one_more())
        worker.stop()
        last = client.book(watch.slots[0].start)
        shown = {slot.start: slot.state for slot in watch.slots}
        truth = {slot.start: slot.state for slot in direct.slots(day).slots}
        while not pictures.empty() or shown != truth:
            shown.update((slot.start, slot.state) for slot in pictures.get(timeout=PATIENCE).slots)
        stored = {booking.id for booking in direct.bookings()}
        done = [entry.action for entry in log(direct) if entry.outcome == "ok"]
    assert stored == {booking.id for booking in (*worker.booked, last)}
    assert done.count("booking.create") == len(worker.booked) + 1
    assert done.count("booking.cancel") == len(worker.cancelled)
    assert max(outages["dies"]) < 1.0
    assert max(outages["freezes"]) < IDLE


def log(client: Client) -> Iterator[AuditEntry]:
    """All of one's log, newest first."""
    page = client.log(limit=1000)
    yield from page.entries
    while page.before:
        page = client.log(limit=1000, before=page.before)
        yield from page.entries
