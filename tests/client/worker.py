"""A customer who never rests, a day on his screen, and what must be true of both when the servers come to rest."""

from __future__ import annotations

import threading
from contextlib import suppress
from itertools import cycle
from queue import Empty, SimpleQueue
from time import monotonic
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    from agenda.client import Client
    from agenda.wire import AuditEntry, Booking, Slot, SlotChange

PATIENCE = 60.0


class Worker(threading.Thread):
    """Books the slots of a day in turn and cancels each, as a context; remembers what was promised."""

    def __init__(self, client: Client, slots: Sequence[Slot]) -> None:
        super().__init__()
        self._client, self._slots = client, slots
        self._stopping = threading.Event()
        self._booked: list[Booking] = []
        self._cancelled: list[Booking] = []
        self._problem: BaseException | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self.join()

    def run(self) -> None:
        try:
            for slot in cycle(self._slots):
                if self._stopping.is_set():
                    return
                self._booked.append(self._client.book(slot.start))
                self._cancelled.append(self._client.cancel(self._booked[-1].id))
        except BaseException as problem:  # noqa: BLE001  # whoever waits is told
            self._problem = problem

    def until_one_more(self) -> float:
        """Wait for a booking that was asked for from now on; how many seconds it took."""
        began, wanted = monotonic(), len(self._booked) + 2
        while len(self._booked) < wanted:
            assert self._problem is None, self._problem
            assert monotonic() < began + PATIENCE, "nothing is booked any more"
            threading.Event().wait(0.002)
        return monotonic() - began

    def assert_all_happened_once(self, direct: Client) -> None:
        """What the server has is what was promised, no more and no less; asked when nobody works any more."""
        assert self._problem is None, self._problem
        assert {booking.id for booking in direct.bookings()} == {booking.id for booking in self._booked}
        assert direct.bookings("booked") == []
        done = [entry.action for entry in log(direct) if entry.outcome == "ok"]
        assert done.count("booking.create") == len(self._booked)
        assert done.count("booking.cancel") == len(self._cancelled)


class Screen:
    """What a window would show of a day."""

    def __init__(self, client: Client, day: date) -> None:
        self._changes: SimpleQueue[SlotChange] = SimpleQueue()
        self._day = day
        self._slots = {slot.start: slot.state for slot in client.watch(day, self._changes.put).slots}

    def until_true(self, direct: Client) -> None:
        """Wait until it shows what the server has; nobody works any more."""
        began = monotonic()
        while self._slots != {slot.start: slot.state for slot in direct.slots(self._day).slots}:
            assert monotonic() < began + PATIENCE, "it never came to show what is so"
            with suppress(Empty):
                change = self._changes.get(timeout=0.1)
                self._slots.update((slot.start, slot.state) for slot in change.slots)


def free(client: Client, day: date) -> list[Slot]:
    """The day's slots that can be booked."""
    return [slot for slot in client.slots(day).slots if slot.state == "free"]


def log(client: Client) -> Iterator[AuditEntry]:
    """All of one's log, newest first."""
    page = client.log(limit=1000)
    yield from page.entries
    while page.before:
        page = client.log(limit=1000, before=page.before)
        yield from page.entries
