"""The audit chain: each entry's hash covers the one before it, so that changes, gaps and reordering show.

An entry's content is covered by a salted digest of its own. Erasing a person destroys content and salt; the digest
stays, so the chain still holds, while nobody can find out what it said. All hashes are SHA-256.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple

from agenda.domain.commands import AuditFact

SALT_BYTES = 16
ZERO = bytes(32)


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a writer's chain: `seq` entries were written, the last of them has `hash`."""

    writer: int
    seq: int = 0
    hash: bytes = ZERO


class AuditEntry(NamedTuple):
    """A fact in the chain of its writer; `fact` and `salt` are None once the person was erased.

    `at`, `resource`, `start` and `end` are kept outside the fact's content, since other nodes live from them.
    """

    writer: int
    seq: int
    fact: AuditFact
    salt: bytes | None
    digest: bytes
    hash: bytes


def _content(fact: AuditFact) -> tuple[str, ...]:
    """What an erasure destroys; only the last of it can contain any character, so no two contents look alike."""
    return (fact.user or "", fact.action, fact.outcome, fact.booking or "", fact.detail or "")


def content_digest(fact: AuditFact, salt: bytes) -> bytes:
    """The digest of what an erasure destroys."""
    return sha256(salt + "\n".join(_content(fact)).encode()).digest()


@lru_cache(maxsize=16_384)
def _seconds(instant: datetime | None) -> str:
    return "" if instant is None else str(int(instant.timestamp()))


def link(previous: bytes, writer: int, seq: int, fact: AuditFact, digest: bytes) -> bytes:
    """The hash of an entry: over the previous hash, its place, what survives an erasure, and the content's digest."""
    place = f"{writer} {seq} {_seconds(fact.at)} {fact.resource or ''} {_seconds(fact.start)} {_seconds(fact.end)} "
    return sha256(previous + place.encode() + digest).digest()


def chain(head: Head, facts: Sequence[AuditFact], salts: bytes) -> list[AuditEntry]:
    """The facts as entries that follow `head`; `salts` holds SALT_BYTES random bytes for each."""
    entries = []
    previous = head.hash
    for number, fact in enumerate(facts):
        salt = salts[number * SALT_BYTES : (number + 1) * SALT_BYTES]
        digest = content_digest(fact, salt)
        previous = link(previous, head.writer, head.seq + number + 1, fact, digest)
        entries.append(AuditEntry(head.writer, head.seq + number + 1, fact, salt, digest, previous))
    return entries


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a chain, and where: `changed`, `gap`, `broken`, or `blank` and not named by an erasure."""

    kind: str
    writer: int
    seq: int


def verify(entries: Iterable[AuditEntry], *, blanks: set[tuple[int, int]], start: Head) -> Iterator[Fault | Head]:
    """Check one writer's entries in order of seq; yields every fault found and, last, the head that was reached.

    `blanks` are the (writer, seq) that `user.erase` entries name.
    """
    previous, seq = start.hash, start.seq
    for entry in entries:
        if entry.seq != seq + 1:
            yield Fault("gap", entry.writer, seq + 1)
        if entry.salt is None:
            if (entry.writer, entry.seq) not in blanks:
                yield Fault("blank", entry.writer, entry.seq)
            elif any(_content(entry.fact)):  # written into it after the erasure
                yield Fault("changed", entry.writer, entry.seq)
        elif content_digest(entry.fact, entry.salt) != entry.digest:
            yield Fault("changed", entry.writer, entry.seq)
        if link(previous, entry.writer, entry.seq, entry.fact, entry.digest) != entry.hash:
            yield Fault("broken", entry.writer, entry.seq)
        previous, seq = entry.hash, entry.seq
    yield Head(start.writer, seq, previous)
