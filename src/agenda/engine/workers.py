"""A few threads behind a bounded queue, for questions that take too long for the I/O thread."""

from collections.abc import Callable
from contextlib import suppress
from queue import Empty, Full, Queue
from threading import Thread
from time import monotonic
from typing import Any

from agenda.domain.errors import AgendaError, Internal, Unavailable
from agenda.engine.health import READS, Health
from agenda.engine.ports import Log, Mailbox, Reply, StoreUnavailable

PATIENCE = 0.2  # seconds that stopping waits for what is at work: whoever asked for it has been told or has left

Job = tuple[Callable[[], Any], Mailbox, Reply]


class Workers:
    """`threads` threads that take up to `bound` waiting jobs; what does not fit is `unavailable` at once."""

    def __init__(self, name: str, threads: int, bound: int, log: Log, health: Health) -> None:
        self.name = name
        self._log, self._health = log, health
        self._jobs: Queue[Job | None] = Queue(bound)
        self._shedding = False
        self._threads = [Thread(target=self._run, name=f"{name}-{n}", daemon=True) for n in range(threads)]

    @property
    def waiting(self) -> int:
        """How many jobs wait for a thread."""
        return self._jobs.qsize()

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def ask(self, job: Callable[[], Any], mailbox: Mailbox, reply: Reply) -> None:
        """Run `job` on a thread; its value, or the error it ran into, comes to `reply` through `mailbox`."""
        if self._shedding:
            reply(Unavailable())
            return
        try:
            self._jobs.put_nowait((job, mailbox, reply))
        except Full:
            reply(Unavailable())

    def shed(self) -> None:
        """Answer Unavailable to what waits, and at once to what comes from now on."""
        self._shedding = True
        with suppress(Empty):
            while (job := self._jobs.get_nowait()) is not None:
                _, mailbox, reply = job
                mailbox.post([(reply, Unavailable())])

    def stop(self) -> None:
        """Shed, finish what is at work if that goes quickly, then end the threads."""
        self.shed()
        for _ in self._threads:
            self._jobs.put(None)
        deadline = monotonic() + PATIENCE
        for thread in self._threads:
            thread.join(max(deadline - monotonic(), 0.0))

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            work, mailbox, reply = job
            mailbox.post([(reply, self._outcome(work))])

    def _outcome(self, work: Callable[[], Any]) -> Any:
        try:
            outcome = work()
        except AgendaError as refused:
            return refused
        except StoreUnavailable as away:
            self._health.trouble(away, READS)
            return Unavailable()
        except Exception as defect:  # noqa: BLE001  # whatever it is, it must be answered
            return Internal(self._log.incident(defect))
        self._health.ok(READS)
        return outcome
