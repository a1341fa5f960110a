"""Writes a made-up agenda of any size into an empty data folder: for measurements, tests and demonstrations.

All its users have the password `agenda`, hashed with the cheapest parameters that argon2 has, so that thousands can
sign in at once: nothing for real people.
"""

from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Final

from argon2 import PasswordHasher
from sqlalchemy import insert

from agenda.domain.audit import SALT_BYTES, Head, chain
from agenda.domain.commands import Account, AuditFact, Settled
from agenda.domain.model import Booking, Claim, RequestId, Status
from agenda.storage.bulk import begin_file, finish_file, new_file
from agenda.storage.compiled import Statement
from agenda.storage.database import create
from agenda.storage.diagnosis import silent
from agenda.storage.folder import DataFolder
from agenda.storage.made_up import MadeUp, MadeUpDay, Plan
from agenda.storage.rows import account_row, booking_row, claim_row, entry_row, settled_row
from agenda.storage.schema import ACCOUNT, AUDIT, BOOKING, CLAIM, METADATA, REQUEST, WRITER, to_seconds
from agenda.storage.sqlite import Connection
from agenda.storage.verify import Steps

PASSWORD: Final = "agenda"  # noqa: S105  # of people who do not exist
REQUESTS_KEPT: Final = timedelta(hours=24)

_HASHER: Final = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


def fill(folder: Path, plan: Plan, steps: Steps = silent) -> None:
    """Make the agenda of the plan, all of it or nothing.

    Raises FolderNotEmpty if there is a database already, FolderInUse, StoreUnavailable.
    """
    held = DataFolder.take(folder)
    try:
        with new_file(held) as connection:
            _write(connection, MadeUp(plan), steps)
    finally:
        held.release()


def _write(connection: Connection, made_up: MadeUp, steps: Steps) -> None:
    create(connection, made_up.catalogue)
    begin_file(connection)
    writing = _Writing(connection, made_up)
    writing.users()
    for day in made_up.days():
        writing.day(day)
        steps(writing.bookings, made_up.plan.bookings)
    writing.end()
    finish_file(connection)


class _Writing:
    """The rows of one agenda, with one audit chain over all that happened."""

    def __init__(self, connection: Connection, made_up: MadeUp) -> None:
        self.connection = connection
        self.made_up = made_up
        self.now = made_up.plan.now
        self.random = Random(made_up.plan.seed)
        self.head = Head(1)
        self.bookings = 0
        self.claims: list[Claim] = []
        self.insert = {table.name: Statement(insert(table)) for table in METADATA.sorted_tables}

    def users(self) -> None:
        """Everybody signed up when the agenda was opened."""
        language, at = self.made_up.plan.language, self.made_up.born
        password_hash = _HASHER.hash(PASSWORD)
        users = self.made_up.users
        accounts = [Account(user, password_hash, language, at) for user in users]
        self.insert[ACCOUNT.name].each(self.connection, map(account_row, accounts))
        self.log([AuditFact(at, user.id, "session.open", "ok") for user in users])

    def day(self, day: MadeUpDay) -> None:
        """A day's bookings, what happened to them, and the requests of which a server would still know."""
        self.insert[BOOKING.name].each(self.connection, map(booking_row, day.bookings))
        self.log([fact for fact, _ in day.steps])
        self.bookings += len(day.bookings)
        live = (b for b in day.bookings if b.status is Status.BOOKED and b.end > self.now)
        self.claims += [Claim(b.resource, b.seat, b.span, b.id) for b in live]
        recent = [self.settled(fact, booking) for fact, booking in day.steps if self.is_recent(fact.at)]
        self.insert[REQUEST.name].each(self.connection, map(settled_row, recent))

    def log(self, facts: list[AuditFact]) -> None:
        entries = chain(self.head, facts, self.random.randbytes(SALT_BYTES * len(facts)))
        if entries:
            self.insert[AUDIT.name].each(self.connection, map(entry_row, entries))
            self.head = Head(1, entries[-1].seq, entries[-1].hash)

    def is_recent(self, at: datetime) -> bool:
        return at > self.now - REQUESTS_KEPT

    def settled(self, fact: AuditFact, booking: Booking) -> Settled:
        request = RequestId(self.random.randbytes(16).hex())
        return Settled(booking.user, request, self.random.randbytes(32), booking, fact.at)

    def end(self) -> None:
        """The claims in the order of their key, and where the chain ends."""
        self.insert[CLAIM.name].each(self.connection, sorted(map(claim_row, self.claims)))
        head = self.head
        row = (head.writer, head.seq, head.hash, self.bookings + 1, to_seconds(self.made_up.born))
        self.insert[WRITER.name].run(self.connection, row)
