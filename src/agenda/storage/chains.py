"""What a node knows of every writer's chain: how far it goes, without asking each time for those that rest."""

from collections.abc import Collection
from dataclasses import dataclass
from threading import Lock
from typing import Final

from agenda.domain.audit import Head
from agenda.storage import arrays
from agenda.storage.postgres import Connection

MOST_AWAKE: Final = 100  # chains that are asked for at every look; what a node wrote stays in the table for ever

_VERSION: Final = "(SELECT max(config_version)::int8 FROM business)"
# The chains that are newer than one, and some others; under 0 the sum of all, to see whether any other has moved.
HEADS: Final = f"""\
SELECT w.writer, w.seq, w.hash, {_VERSION} FROM writer w WHERE w.writer > $1 OR w.writer = ANY($2::int8[])
UNION ALL SELECT 0, coalesce(sum(w.seq), 0)::int8, ''::bytea, {_VERSION} FROM writer w"""  # noqa: S608  # our own words


@dataclass(frozen=True, slots=True)
class Look:
    """The ends of chains at one moment, what was known of them before, and which was this node's own then.

    With `everything` those that are asleep are among them. `elsewhere` tells that another server took over since, which
    may lack what was read from the one before.
    """

    heads: dict[int, Head]
    known: dict[int, Head]
    own: int
    elsewhere: bool
    everything: bool

    @property
    def whole(self) -> bool:
        """Whether no chain has lost anything; the own one included, which is known no later than it is."""
        followed = (_follows(self.heads.get(writer, Head(writer)), head) for writer, head in self.known.items())
        return not self.elsewhere and all(followed)

    @property
    def moved(self) -> dict[int, Head]:
        """What is known of the other chains that have gone on."""
        known = {writer: self.known.get(writer, Head(writer)) for writer in self.heads if writer != self.own}
        return {writer: head for writer, head in known.items() if self.heads[writer] != head}


class Chains:
    """The ends that are known. One thread looks and learns, any may tell.

    A chain falls asleep when there are many and it has not moved for long. The sum of all tells when one wakes up.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._awake: dict[int, Head] | None = None
        self._asleep: dict[int, Head] = {}
        self._entries_asleep = 0
        self._newest = 0
        self._moved: set[int] = set()  # since some were put to sleep

    def tell(self, head: Head) -> None:
        """The own chain goes so far, and this node has taken note of it itself."""
        with self._lock:
            if self._awake is not None:
                self._awake[head.writer] = head

    def look(self, connection: Connection, own: int, *, elsewhere: bool) -> tuple[Look, int]:
        """The moment of this look, and the version of what is offered; the first look knows all that there is."""
        with self._lock:
            known = None if self._awake is None else dict(self._awake)
        heads, others, version = _ends(connection, self._newest, known or ())
        everything = known is None or elsewhere or others != self._entries_asleep
        if known is None:
            known = heads
        elif everything:
            heads, _, _ = _ends(connection, 0, ())
            known |= self._asleep
        return Look(heads, known, own, elsewhere, everything), version

    def learn(self, look: Look, own: int, *, whole: bool) -> None:
        """From now on the next look begins at this one; of its own chains the node knows what it was told."""
        self._moved.update(look.moved)
        with self._lock:
            first, before = self._awake is None, self._awake or {}
            mine = () if first else (look.own, own)
            told = {writer: before.get(writer, Head(writer)) for writer in mine}
            known = look.heads | told if whole else look.heads
            awake = self._moved.union(mine, before, () if first else filter(self._newest.__lt__, known))
            if len(awake) > MOST_AWAKE:
                awake, self._moved = self._moved.union(mine), set()
            self._awake = {writer: head for writer, head in known.items() if writer in awake}
        asleep = {writer: head for writer, head in known.items() if writer not in awake}
        if look.everything or asleep:
            self._asleep = asleep if look.everything else self._asleep | asleep
            self._entries_asleep = sum(head.seq for head in self._asleep.values())
        self._newest = max((0 if look.everything else self._newest, *known))


def _ends(connection: Connection, after: int, some: Collection[int]) -> tuple[dict[int, Head], int, int]:
    """The ends of the chains after one and of some others, how many entries all the rest have, and the version."""
    rows = connection.rows(HEADS, (after, arrays.numbers(list(some))))
    heads = {writer: Head(writer, seq, hash_) for writer, seq, hash_, _ in rows if writer}
    [(total, version)] = [(seq, version) for writer, seq, _, version in rows if not writer]
    return heads, total - sum(head.seq for head in heads.values()), version or 0


def _follows(now: Head, then: Head) -> bool:
    return now == then or now.seq > then.seq
