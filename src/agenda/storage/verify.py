"""Checks the audit chains of a store against their hashes, their heads, and heads that somebody kept."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic_core import from_json
from sqlalchemy import ColumnClause, bindparam, func, literal_column, select, union_all

from agenda.domain.audit import AuditEntry, Fault, Head, verify
from agenda.storage.compiled import Query
from agenda.storage.connection import Connection
from agenda.storage.erased import ERASURES
from agenda.storage.rows import entry_of
from agenda.storage.schema import AUDIT, WRITER

Steps = Callable[[int, int], None]
"""Is told how much is done and how much there is."""

_CHUNK: Final = 2_000
_LOWEST: Final = -(2**63)
_NOTHING: Final[ColumnClause[Any]] = literal_column("NULL")
# One statement, which sees one moment: the heads that are stored, then of each chain its last number and its entries.
_ENDS: Final = Query(
    union_all(
        select(WRITER.c.writer, WRITER.c.seq, WRITER.c.hash, _NOTHING),
        select(AUDIT.c.writer, func.max(AUDIT.c.seq), _NOTHING, func.count()).group_by(AUDIT.c.writer),
    )
)
_ENTRIES: Final = Query(
    select(AUDIT)
    .where(AUDIT.c.writer == bindparam("of"), AUDIT.c.seq > bindparam("after"), AUDIT.c.seq <= bindparam("end"))
    .order_by(AUDIT.c.seq)
    .limit(bindparam("most"))
)


@dataclass(frozen=True, slots=True)
class Verification:
    """What a check of all chains found: the heads are those that were reached, in order of their writers."""

    entries: int
    heads: tuple[Head, ...]
    faults: tuple[Fault, ...]


def verify_audit(
    connection: Connection, since: Sequence[Head] = (), steps: Steps = lambda done, total: None
) -> Verification:
    """Check every entry of every writer, up to where the chains end now; a server may go on writing.

    A head of `since` that the chain does not pass through is a fault `truncated` (the chain ends before it) or
    `rewritten` (it has another entry there). Raises StoreUnavailable.
    """
    return _Check(connection, since, steps).run()


class _Check:
    """One check. It begins no transaction: that would keep an erasure from being completed."""

    def __init__(self, connection: Connection, since: Sequence[Head], steps: Steps) -> None:
        self.connection = connection
        self.steps = steps
        self.kept: defaultdict[int, dict[int, Head]] = defaultdict(dict)
        for head in since:
            self.kept[head.writer][head.seq] = head
        self.done = 0
        self.total = 0
        self.ends: dict[int, int] = {}
        self.stored: dict[int, Head] = {}
        for writer, seq, hash_, entries in _ENDS.rows(connection):
            if entries is None:
                self.stored[writer] = Head(writer, seq, hash_)
            else:
                self.ends[writer] = seq
                self.total += entries
        self.blanks = set(self.erased())

    def run(self) -> Verification:
        heads: list[Head] = []
        faults: list[Fault] = []
        for writer in sorted(self.ends.keys() | self.stored.keys() | self.kept.keys()):
            for found in self.chain(writer, self.stored.get(writer, Head(writer))):
                heads.append(found) if isinstance(found, Head) else faults.append(found)
        return Verification(self.done, tuple(heads), tuple(faults))

    def erased(self) -> Iterator[tuple[int, int]]:
        """(writer, seq) of all entries that erasures say they blanked."""
        for (detail,) in ERASURES.rows(self.connection):
            for writer, first, last in from_json(detail)["blank"]:
                yield from ((writer, seq) for seq in range(first, last + 1))

    def chain(self, writer: int, stored: Head) -> Iterator[Fault | Head]:
        """The faults of one chain and its head, held against the stored head and the kept ones."""
        kept = self.kept[writer]
        passed: dict[int, bytes] = {0: Head(writer).hash}
        reached = Head(writer)
        for found in verify(self.entries(writer, kept, passed), blanks=self.blanks, start=Head(writer)):
            if isinstance(found, Fault):
                yield found
            else:
                reached = found
        if stored.seq > reached.seq:
            yield Fault("truncated", writer, reached.seq + 1)
        elif stored != reached:
            yield Fault("broken", writer, reached.seq)
        for head in kept.values():
            if head.seq > reached.seq:
                yield Fault("truncated", writer, reached.seq + 1)
            elif passed.get(head.seq) != head.hash:
                yield Fault("rewritten", writer, head.seq)
        yield reached

    def entries(self, writer: int, kept: dict[int, Head], passed: dict[int, bytes]) -> Iterator[AuditEntry]:
        """The entries of one writer in order; the hashes at the places of `kept` are left in `passed`."""
        last, end = _LOWEST, self.ends.get(writer, _LOWEST)
        while rows := _ENTRIES.rows(self.connection, of=writer, after=last, end=end, most=_CHUNK):
            entries = [entry_of(row) for row in rows]
            blank = {(writer, entry.seq) for entry in entries if entry.salt is None}
            if not blank <= self.blanks:
                self.blanks.update(self.erased())  # perhaps somebody was erased just now
            for entry in entries:
                if entry.seq in kept:
                    passed[entry.seq] = entry.hash
                yield entry
            last = rows[-1][1]
            self.done += len(rows)
            self.steps(self.done, self.total)
