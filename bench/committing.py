"""Where a booking's time goes in the committer alone: load, decide, save, commit, without sockets and threads.

    python -m bench.committing DATA [--batch 64] [--bookings 20000]

DATA is a data folder made by `agenda fill`; it is changed. Printed are microseconds per booking: by the clock, and of
the processor, which a busy machine disturbs less; and how many bytes went into the write-ahead log.
"""

import argparse
import os
import random
import sqlite3
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from agenda.domain.audit import SALT_BYTES, Head, chain
from agenda.domain.commands import BookSlot
from agenda.domain.decide import decide
from agenda.domain.model import Booking, Catalogue, RequestId, UserId
from agenda.domain.times import at_wall
from agenda.engine.ids import new_ids
from agenda.engine.loading import load
from agenda.storage.database import open_store
from agenda.storage.folder import DATABASE
from agenda.storage.store import SqliteStore

PHASES = ("load", "decide", "save", "commit", "checkpoint")
FINGERPRINT = bytes(32)
CHECKPOINT_EVERY = 5_000
FRAME_HEADER = 24  # of each page in the log


class Clock:
    """Splits time into phases: by the wall, and what this thread had of the processor."""

    def __init__(self) -> None:
        self.wall: defaultdict[str, float] = defaultdict(float)
        self.cpu: defaultdict[str, float] = defaultdict(float)
        self.start()

    def start(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.thread_time()

    def split(self, phase: str) -> None:
        wall, cpu = time.perf_counter(), time.thread_time()
        self.wall[phase] += wall - self._wall
        self.cpu[phase] += cpu - self._cpu
        self._wall, self._cpu = wall, cpu


def wishes(database: sqlite3.Connection, catalogue: Catalogue, rng: random.Random) -> Iterator[BookSlot]:
    """Free slots on all resources, for all users, in random order and without end."""
    users = [UserId(user.hex()) for (user,) in database.execute("SELECT id FROM account")]
    claims = database.execute("SELECT resource, starts FROM claim")
    taken = {(resource.hex(), starts) for resource, starts in claims}
    today = (
        datetime.now(UTC).astimezone(catalogue.business.zone).replace(tzinfo=None, minute=0, second=0, microsecond=0)
    )
    [service] = catalogue.services.values()
    resources = list(catalogue.resources)
    requests = new_ids()  # rising with time, as the client library makes them
    while True:
        wall = today.replace(hour=rng.randrange(8, 20)) + timedelta(days=rng.randrange(2, 1000))
        start, resource = at_wall(wall, catalogue.business.zone), rng.choice(resources)
        key = (resource, int(start.timestamp()))
        if key not in taken:
            taken.add(key)
            yield BookSlot(rng.choice(users), RequestId(next(requests)), FINGERPRINT, start, service.id, resource)


def book(store: SqliteStore, database: sqlite3.Connection, batch: int, bookings: int) -> tuple[Clock, int]:
    """Commit so many bookings in batches; the time it took, and the pages that were logged."""
    rng, ids, clock, pages = random.Random(), new_ids(), Clock(), 0
    catalogue, head = store.reader().catalogue(), store.open_writer()
    wanted = wishes(database, catalogue, rng)
    for done in range(0, bookings, batch):
        commands = [next(wanted) for _ in range(batch)]
        clock.start()
        with store.begin() as transaction:
            state, now = load(transaction, commands, catalogue, again=False)
            clock.split("load")
            outcomes, changes = decide(state, commands, now, ids)
            entries = chain(head, changes.facts, os.urandom(SALT_BYTES * batch))
            clock.split("decide")
            transaction.save(changes, entries)
            clock.split("save")
        clock.split("commit")
        assert all(isinstance(outcome, Booking) for outcome in outcomes), "a booking was refused"
        head = Head(head.writer, entries[-1].seq, entries[-1].hash)
        if done % CHECKPOINT_EVERY < batch or done + batch >= bookings:
            clock.start()
            [(_, logged, _)] = database.execute("PRAGMA wal_checkpoint(PASSIVE)")
            database.execute("PRAGMA wal_checkpoint(RESTART)")
            clock.split("checkpoint")
            pages += logged
    return clock, pages


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--bookings", type=int, default=20_000)
    given = parser.parse_args()
    store = open_store(given.data, lambda: parser.error("the folder has no database"))
    with closing(store), closing(sqlite3.connect(given.data / DATABASE, isolation_level=None)) as database:
        clock, pages = book(store, database, given.batch, given.bookings)
        [(size,)] = database.execute("PRAGMA page_size")
    for phase in PHASES:
        wall, cpu = (times[phase] / given.bookings * 1e6 for times in (clock.wall, clock.cpu))
        print(f"{phase:12}{wall:8.1f} us by the clock{cpu:8.1f} us of the processor")
    print(f"{'log':12}{pages * (size + FRAME_HEADER) / given.bookings:8.0f} bytes")


if __name__ == "__main__":
    main()
