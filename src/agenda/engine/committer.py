"""The committer: one thread that makes one transaction of whatever commands are waiting (group commit)."""

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic, perf_counter, sleep
from typing import Any, NamedTuple, Protocol

from agenda.domain.audit import SALT_BYTES, AuditEntry, Head, chain
from agenda.domain.commands import Changes, Command, EraseUser, Outcome, State
from agenda.domain.decide import decide
from agenda.domain.errors import Internal, Unavailable
from agenda.domain.model import Catalogue, UserId
from agenda.engine.backoff import backoff
from agenda.engine.health import COMMITS, READS, Health
from agenda.engine.loading import load
from agenda.engine.meter import Meter
from agenda.engine.ports import Log, Mailbox, Reply, Store, StoreConflict, StoreUnavailable, Transaction

QUEUE_BOUND = 10_000
BATCH_BOUND = 256
ATTEMPTS = 5
PATIENCE = 4.0  # seconds in which a batch is run again after the connection to the store broke
PAUSE_SECONDS = 0.1
REVIVE_SECONDS = 0.5  # between tries to write again, while the store is away and nobody asks for anything
GATHER_SECONDS = 0.001
FEW = 4  # clients at once for whom it is not worth while to wait for each other


class _Contended(Exception):
    """Other nodes were faster, time after time; or what was decided is against a rule of the store, a defect."""


class Wish(NamedTuple):
    """A command with where its outcome goes."""

    command: Command
    mailbox: Mailbox
    reply: Reply


@dataclass(frozen=True, slots=True)
class Committed:
    """What a batch did, once it is durable."""

    before: State
    changes: Changes
    entries: Sequence[AuditEntry]


class Aftermath(Protocol):
    """Who hears of a batch after it is durable and before its outcomes are given; on the committer's thread."""

    def beginning(self, writer: int) -> None:
        """A transaction is about to begin, in the chain of this writer."""

    def committed(self, done: Committed) -> Iterable[tuple[Mailbox, Reply, Any]]:
        """Bring the board up to date; what to deliver to the doors beside the outcomes."""

    def erased(self, user: UserId) -> None:
        """The erasure of `user` is durable; raises StoreUnavailable while remains of him are left in the files."""


@dataclass(slots=True)
class Committer:
    """Decides and commits in the order of submission. `start` after construction, `stop` drains the queue."""

    store: Store
    catalogue: Catalogue
    aftermath: Aftermath
    log: Log
    health: Health
    ids: Iterator[str]
    salts: Callable[[int], bytes] = os.urandom
    meter: Meter = field(default_factory=Meter)
    _queue: "SimpleQueue[Wish | Callable[[], None] | None]" = field(default_factory=SimpleQueue)
    _thread: Thread | None = None
    _head: Head | None = None
    _stopping: bool = False
    _answered: int = 0  # how many the last batch had, and when they were answered
    _answered_at: float = 0.0
    _hopeful: bool = True  # that trouble with the store passes soon: not if the last batch waited for it in vain

    def start(self) -> None:
        """Start the thread. Raises StoreUnavailable if this run cannot be entered as a writer."""
        self._head = self.store.open_writer()
        self._thread = Thread(target=self._run, name="committer", daemon=True)
        self._thread.start()

    def submit(self, command: Command, mailbox: Mailbox, reply: Reply) -> None:
        """Queue a command; any thread. A full queue, or a committer that is stopping, replies Unavailable at once."""
        if self._stopping or self._queue.qsize() >= QUEUE_BOUND:
            self.meter.turned_away += 1
            reply(Unavailable())
        else:
            self._queue.put(Wish(command, mailbox, reply))

    @property
    def waiting(self) -> int:
        """How much waits in the queue; any thread."""
        return self._queue.qsize()

    @property
    def alive(self) -> bool:
        """Whether the thread is at work; any thread."""
        return self._thread is not None and self._thread.is_alive()

    def call(self, chore: Callable[[], None]) -> None:
        """Run a chore on the committer's thread, between batches; any thread."""
        self._queue.put(chore)

    def stop(self) -> None:
        """Take nothing more, finish what was taken, end the thread."""
        self._stopping = True
        self._queue.put(None)
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        going = True
        while going:
            going = self._round(self._next())

    def _next(self) -> "Wish | Callable[[], None] | None":
        """What is to be done next; after trouble with the store it is tried meanwhile whether it can write again."""
        pauses = backoff(REVIVE_SECONDS)
        while self._head is None:
            try:
                return self._queue.get(timeout=next(pauses))
            except Empty:
                self._revive()
        return self._queue.get()

    def _revive(self) -> None:
        """Enter this run as a writer anew, as the next batch would have to."""
        try:
            self._head = self.store.open_writer()
            self.aftermath.beginning(self._head.writer)
        except StoreUnavailable as away:
            self.health.trouble(away, COMMITS)
            self._turn_away()
        except Exception as defect:  # noqa: BLE001  # the next batch meets it too, and answers
            self.log.incident(defect)
        else:
            self.health.ok(COMMITS)

    def _round(self, item: "Wish | Callable[[], None] | None") -> bool:
        """Batch `item` with all that waits behind it, up to a bound; False once the end of the queue was met."""
        batch: list[Wish] = []
        if isinstance(item, Wish):
            self._gather()
        with suppress(Empty):
            while True:
                if not isinstance(item, Wish) or isinstance(item.command, EraseUser):
                    self._settle(batch)
                    batch = []
                    if item is None:
                        return False
                    self._single(item)
                else:
                    batch.append(item)
                    if len(batch) >= BATCH_BOUND:
                        break
                item = self._queue.get_nowait()
        self._settle(batch)
        return True

    def _gather(self) -> None:
        """Where a batch costs several trips to the store, give those who were just answered a moment to ask again.

        Else the clients of a busy node fall into two halves that take turns, each with batches half as large.
        """
        until = self._answered_at + GATHER_SECONDS
        if self.store.lone_writer or self._answered < FEW or monotonic() > until:
            return
        wanted = self._queue.qsize() + self._answered
        while self._queue.qsize() < wanted and monotonic() < until:
            sleep(GATHER_SECONDS / 8)

    def _single(self, item: Wish | Callable[[], None]) -> None:
        """What shares no batch: an erasure, which touches everything of a user, or a chore."""
        if isinstance(item, Wish):
            self._settle([item])
            return
        try:
            item()
        except StoreUnavailable as away:
            self.health.trouble(away, READS)
        except Exception as failed:  # noqa: BLE001  # a chore that fails must not end the committer
            self.log.incident(failed)

    def _settle(self, batch: list[Wish], *, again: bool = False) -> None:
        """Decide and commit a batch; if something in it breaks, each command by itself."""
        if not batch:
            return
        try:
            outcomes, extra = self._attempt([wish.command for wish in batch], again=again)
        except StoreUnavailable as away:
            self.health.trouble(away, COMMITS)
            self._head, self._hopeful = None, False
            outcomes, extra = [Unavailable()] * len(batch), []
            self._turn_away()
        except Exception as defect:  # noqa: BLE001  # one culprit must not take its companions down
            if len(batch) > 1:
                for wish in batch:
                    self._settle([wish], again=True)
                return
            self.health.ok(COMMITS)  # it was no fault of the store's
            incident = self.log.incident(defect)
            outcomes, extra = [Unavailable() if isinstance(defect, _Contended) else Internal(incident)], []
        self._deliver(batch, outcomes, extra)

    def _turn_away(self) -> None:
        """Answer all that waits, while the store is away: where others write too, each try can take seconds."""
        if self.store.lone_writer:
            return
        waiting: list[Wish] = []
        others: list[Callable[[], None] | None] = []
        with suppress(Empty):
            while True:
                item = self._queue.get_nowait()
                if isinstance(item, Wish):
                    waiting.append(item)
                else:
                    others.append(item)
        for other in others:
            self._queue.put(other)
        if waiting:
            self._deliver(waiting, [Unavailable()] * len(waiting), [])

    def _attempt(
        self, commands: Sequence[Command], *, again: bool
    ) -> tuple[list[Outcome], list[tuple[Mailbox, Reply, Any]]]:
        """Run the batch until it is settled, tell who wants to know, and complete an erasure."""
        outcomes, done = self._settled(commands, again=again)
        self.health.ok(COMMITS)
        self._hopeful = True
        self._head = _head_after(done.entries, self._head)
        self.catalogue = done.before.catalogue
        extra = self._tell(done)
        for erasure in done.changes.erasures:  # which is the only command of its batch
            try:
                self.aftermath.erased(erasure.user)
            except StoreUnavailable as away:  # done, but not yet gone: the receipt has to be asked for again
                self.log.trouble(away)
                outcomes = [Unavailable()]
        return outcomes, extra

    def _settled(self, commands: Sequence[Command], *, again: bool) -> tuple[list[Outcome], Committed]:
        """Run the batch until no other node was faster, and again if the connection broke under it.

        What of it was committed before is found by its requests. A lone writer's conflict is a defect, and is raised.
        """
        conflicts, pauses, deadline = 0, backoff(PAUSE_SECONDS), monotonic() + PATIENCE
        while True:
            try:
                return self._transact(commands, again=again)
            except StoreConflict as conflict:
                self.meter.conflicts += 1
                conflicts += 1
                if self.store.lone_writer:
                    raise
                if conflicts == ATTEMPTS:
                    raise _Contended(conflict.constraint) from conflict
            except StoreUnavailable as away:
                self._head = None
                self.health.trouble(away, COMMITS)
                if self.store.lone_writer or self._stopping or not self._hopeful or monotonic() > deadline:
                    raise
                self.meter.reconnects += 1
                sleep(next(pauses))
            again = True

    def _tell(self, done: Committed) -> list[tuple[Mailbox, Reply, Any]]:
        """Let others know; what is committed stays committed even if they stumble."""
        try:
            return list(self.aftermath.committed(done))
        except Exception as defect:  # noqa: BLE001  # running the batch again would be worse
            self.log.incident(defect)
            return []

    def _transact(self, commands: Sequence[Command], *, again: bool) -> tuple[list[Outcome], Committed]:
        if self._head is None:
            self._head = self.store.open_writer()
        self.aftermath.beginning(self._head.writer)
        meter, began = self.meter, perf_counter()
        with self.store.begin() as transaction:
            state, now = load(transaction, commands, self.catalogue, again=again, alone=self.store.lone_writer)
            loaded = perf_counter()
            outcomes, changes = decide(state, commands, now, self.ids)
            decided = perf_counter()
            entries = self._save(transaction, changes)
            saved = perf_counter()
        meter.commit.add(perf_counter() - saved)
        meter.load.add(loaded - began)
        meter.decide.add(decided - loaded)
        meter.save.add(saved - decided)
        meter.batch.add(len(commands))
        return outcomes, Committed(state, changes, entries)

    def _save(self, transaction: Transaction, changes: Changes) -> list[AuditEntry]:
        assert self._head is not None  # noqa: S101  # _transact has seen to it
        entries = chain(self._head, changes.facts, self.salts(SALT_BYTES * len(changes.facts)))
        if entries or changes.settled:
            transaction.save(changes, entries)
        else:
            transaction.confirm()
        return entries

    def _deliver(self, batch: list[Wish], outcomes: list[Outcome], extra: list[tuple[Mailbox, Reply, Any]]) -> None:
        """Give every outcome, one post for each mailbox."""
        began = perf_counter()
        posts: defaultdict[Mailbox, list[tuple[Reply, Any]]] = defaultdict(list)
        for wish, outcome in zip(batch, outcomes, strict=True):
            posts[wish.mailbox].append((wish.reply, outcome))
            self.meter.answered(wish.command, outcome)
        for mailbox, reply, value in extra:
            posts[mailbox].append((reply, value))
        for mailbox, deliveries in posts.items():
            mailbox.post(deliveries)
        self.meter.answer.add(perf_counter() - began)
        self._answered, self._answered_at = len(batch), monotonic()


def _head_after(entries: Sequence[AuditEntry], head: Head | None) -> Head | None:
    """The end of the chain once `entries` are in it."""
    return Head(entries[-1].writer, entries[-1].seq, entries[-1].hash) if entries else head
