"""`agenda` with a defect: `python broken_server.py DEFECT serve …`. Only for tests of `agenda prove`.

Defects: `double` gives a slot away twice now and then, `lost` confirms now and then what it does not keep, `stale` does
not tell all who watch of every change, `forgetful` acts again on a request that it has settled. `none` has no defect.
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


DEFECTS = {"double": gives_away_twice, "lost": loses, "stale": tells_not_all, "forgetful": forgets}

if __name__ == "__main__":
    defect, *line = sys.argv[1:]
    if defect in DEFECTS:
        DEFECTS[defect]().start()
    sys.exit(run(line))
