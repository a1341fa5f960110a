"""`agenda` with defects: `python broken_server.py DEFECT[+DEFECT] serve …`. Only for tests of `agenda prove`.

Defects: `double` gives a slot away twice now and then, `lost` confirms now and then what it does not keep, `stale` does
not tell all who watch of every change, `forgetful` acts again on a request that it has settled. `blind` gives slots
away without a look at who has them, `trusting` writes claims on PostgreSQL without asking for the rule that refuses
them. `none` has no defect.
"""

import random
import sys
from collections.abc import Callable, Sequence
from typing import Any
from unittest.mock import patch

from agenda.cli.app import run
from agenda.domain import decide
from agenda.domain.audit import AuditEntry
from agenda.domain.commands import Changes
from agenda.domain.model import Claim
from agenda.domain.times import Span
from agenda.engine.live import Live, SlotChange, Watch
from agenda.storage import postgres_statements as own
from agenda.storage.schema import CLAIM_NO_OVERLAP
from agenda.storage.transaction import SqliteTransaction

CHANCE = random.Random(1)
OFTEN = 0.1


def gives_away_twice() -> Any:
    """The check does not see the others, and the claim goes to a seat that does not exist, past the constraint."""
    honest = decide._Batch.free_claim

    def free_claim(self: Any, start: Any, service: Any, resource: Any, booking: Any) -> Claim:
        if CHANCE.random() > OFTEN:
            return honest(self, start, service, resource, booking)
        span: Span = service.claimed_from(start)
        return Claim(resource.id, CHANCE.randrange(1, 1 << 30), span, booking)

    return patch.object(decide._Batch, "free_claim", free_claim)


def loses() -> Any:
    """Bookings are confirmed that were not written."""
    honest = SqliteTransaction.save

    def save(self: SqliteTransaction, changes: Changes, entries: Sequence[AuditEntry]) -> None:
        if not changes.made or CHANCE.random() > OFTEN:
            honest(self, changes, entries)

    return patch.object(SqliteTransaction, "save", save)


def tells_not_all() -> Any:
    """Some changes do not reach who watches."""
    honest = Live.add

    def add(self: Live, user: Any, timetable: Any, states: Any, notify: Callable[[SlotChange], None]) -> Watch:
        def now_and_then(change: SlotChange) -> None:
            if CHANCE.random() > OFTEN:
                notify(change)

        return honest(self, user, timetable, states, now_and_then)

    return patch.object(Live, "add", add)


def forgets() -> Any:
    """A request that was settled is decided once more, as if it were new."""
    honest = decide._Batch.settle

    def settle(self: Any, command: Any) -> Any:
        before = self.state.settled.pop((command.user, command.request), None)
        outcome = honest(self, command)
        if before is not None:
            self.changes.settled[:] = [each for each in self.changes.settled if each.request != command.request]
        return outcome

    return patch.object(decide._Batch, "settle", settle)


def does_not_look() -> Any:
    """Every slot is as good as free."""

    def free_claim(self: Any, start: Any, service: Any, resource: Any, booking: Any) -> Claim:
        return Claim(resource.id, 0, service.claimed_from(start), booking)

    return patch.object(decide._Batch, "free_claim", free_claim)


def does_not_ask() -> Any:
    """The statement that writes claims does not name the constraint, and so works without it, too."""
    before, _, after = own.ADD_CLAIMS.partition(f" ON CONFLICT ON CONSTRAINT {CLAIM_NO_OVERLAP} DO NOTHING")
    return patch.object(own, "ADD_CLAIMS", before + after)


DEFECTS = {
    "double": gives_away_twice,
    "lost": loses,
    "stale": tells_not_all,
    "forgetful": forgets,
    "blind": does_not_look,
    "trusting": does_not_ask,
}

if __name__ == "__main__":
    defects, *line = sys.argv[1:]
    for defect in defects.split("+"):
        if defect in DEFECTS:
            DEFECTS[defect]().start()
    sys.exit(run(line))
