"""A few threads behind a bounded queue, for questions that take too long for the I/O thread."""

from collections.abc import Callable
from contextlib import suppress
from queue import Empty, Full, Queue
from threading import Thread
from typing import Any

from agenda.domain.errors import AgendaError, Internal, Unavailable
from agenda.engine.ports import Log, Mailbox, Reply, StoreUnavailable

Job = tuple[Callable[[], Any], Mailbox, Reply]


class Workers:
    """`threads` threads that take up to `bound` waiting jobs; what does not fit is `unavailable` at once."""

    def __init__(self, name: str, threads: int, bound: int, log: Log) -> None:
        self._log = log
        self._jobs: Queue[Job | None] = Queue(bound)
        self._threads = [Thread(target=self._run, name=f"{name}-{n}", daemon=True) for n in range(threads)]

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def ask(self, job: Callable[[], Any], mailbox: Mailbox, reply: Reply) -> None:
        """Run `job` on a thread; its value, or the error it ran into, comes to `reply` through `mailbox`."""
        try:
            self._jobs.put_nowait((job, mailbox, reply))
        except Full:
            reply(Unavailable())

    def stop(self) -> None:
        """Finish what is at work, answer Unavailable to what waits, then end the threads."""
        with suppress(Empty):
            while (job := self._jobs.get_nowait()) is not None:
                _, mailbox, reply = job
                mailbox.post([(reply, Unavailable())])
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            work, mailbox, reply = job
            mailbox.post([(reply, self._outcome(work))])

    def _outcome(self, work: Callable[[], Any]) -> Any:
        try:
            return work()
        except AgendaError as refused:
            return refused
        except StoreUnavailable as away:
            self._log.trouble(away)
            return Unavailable()
        except Exception as defect:  # noqa: BLE001  # whatever it is, it must be answered
            return Internal(self._log.incident(defect))
