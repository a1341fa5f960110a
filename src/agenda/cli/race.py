"""The seed's demonstration: many clients ask for one slot at the same moment, and exactly one gets it."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Barrier
from zoneinfo import ZoneInfo

from agenda.client import AgendaError, BadCredentials, Client, ClientError
from agenda.wire import Slot

DAYS_AHEAD = 60
PATIENCE = 60.0  # seconds for everybody to reach the barrier, on the slowest of machines

Connect = Callable[[], Client]


@dataclass(frozen=True)
class Racer:
    """A client that is signed in as a user made for the race."""

    user: str
    password: str
    zone: ZoneInfo
    client: Client


@dataclass(frozen=True)
class Finish:
    """What a racer was answered: `code` is `booked`, or that of the error; `message` is what it was told."""

    user: str
    code: str
    message: str
    milliseconds: float


@contextmanager
def racers(connect: Connect, count: int) -> Iterator[list[Racer]]:
    """So many signed-in clients called user1, user2, …; afterwards their accounts and all they did are erased."""
    ready: list[Racer] = []
    try:
        with ThreadPoolExecutor(min(count, 8)) as pool:
            tasks = [pool.submit(_enter, connect, number) for number in range(1, count + 1)]
        ready += [task.result() for task in tasks if not task.exception()]
        for task in tasks:
            task.result()  # raises what kept a racer away
        yield ready
    finally:
        _clean_up(ready)


def free_slot(racer: Racer) -> Slot | None:
    """The first free slot from tomorrow on, within two months."""
    today = datetime.now(racer.zone).date()
    for days in range(1, DAYS_AHEAD):
        for slot in racer.client.slots(today + timedelta(days=days)).slots:
            if slot.state == "free":
                return slot
    return None


def race(field: list[Racer], slot: Slot) -> Iterator[Finish]:
    """Let all ask for the slot at once; their answers in the order in which they come."""
    barrier = Barrier(len(field))
    with ThreadPoolExecutor(len(field)) as pool:
        tasks: list[Future[Finish]] = [pool.submit(_run, racer, slot, barrier) for racer in field]
        for task in as_completed(tasks):
            yield task.result()


def bookings_of(field: list[Racer], slot: Slot) -> int:
    """How many bookings of the slot all racers hold together, as the server has them."""
    return sum(
        booking.start == slot.start and booking.resource == slot.resource
        for racer in field
        for booking in racer.client.bookings("booked")
    )


def _enter(connect: Connect, number: int) -> Racer:
    """Make the account userN; where somebody has that name already, one beside it."""
    client, password = connect(), secrets.token_urlsafe(12)
    try:
        try:
            session = client.sign_in(f"user{number}", password, create=True)
        except BadCredentials:
            session = client.sign_in(f"user{number}-{secrets.token_hex(3)}", password, create=True)
    except BaseException:
        client.close()
        raise
    return Racer(session.user.name, password, ZoneInfo(session.business.timezone), client)


def _run(racer: Racer, slot: Slot, barrier: Barrier) -> Finish:
    barrier.wait(PATIENCE)
    begun = time.perf_counter()
    try:
        booking = racer.client.book(slot.start, service=slot.service, resource=slot.resource)
        code, message = "booked", booking.code
    except AgendaError as error:
        code, message = error.code, error.message
    except ClientError as error:
        code, message = "disconnected", error.message
    return Finish(racer.user, code, message, (time.perf_counter() - begun) * 1000)


def _clean_up(field: list[Racer]) -> None:
    """Erase every account; raises the last error after trying all."""
    failed: ClientError | None = None
    for racer in field:
        try:
            racer.client.erase(racer.password)
        except ClientError as error:
            failed = error
        racer.client.close()
    if failed:
        raise failed
