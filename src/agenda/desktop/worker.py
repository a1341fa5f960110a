"""The threads that talk to the server, and the queue through which their results reach the window."""

import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

PER_TICK = 200
"""So many results at most are handed over at once, so that keys and paint come between."""


@dataclass(frozen=True)
class Job:
    """Something that may block. `then` and `failed` are called in the window's thread."""

    work: Callable[[], Any]
    then: Callable[[Any], None]
    failed: Callable[[Exception], None]


class Worker:
    """Two lanes, each one thread: changes in the order of the clicks, reads where only the latest counts.

    A change may wait for a lost server as long as it likes without holding up a read.
    """

    def __init__(self) -> None:
        self._results: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._changes: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._reads: dict[str, Job] = {}
        self._wake = threading.Condition()
        self._stopping = threading.Event()
        self._since: dict[str, float] = {}
        self._threads = [
            threading.Thread(target=self._run_changes, name="agenda-changes", daemon=True),
            threading.Thread(target=self._run_reads, name="agenda-reads", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def change(self, job: Job) -> None:
        """Do it after all changes asked for before."""
        self._changes.put(job)

    def read(self, key: str, job: Job) -> None:
        """Do it soon, instead of whatever waits under the same key; that is forgotten."""
        with self._wake:
            self._reads.pop(key, None)
            self._reads[key] = job
            self._wake.notify()

    def post(self, result: Callable[[], None]) -> None:
        """Have it called in the window's thread. May be used from any thread, also when no window runs."""
        self._results.put(result)

    def drain(self) -> int:
        """Call what has arrived, PER_TICK at most; for the window's thread. Returns how many there were."""
        for count in range(PER_TICK):
            try:
                result = self._results.get_nowait()
            except queue.Empty:
                return count
            result()
        return PER_TICK

    def waited(self) -> float:
        """For how many seconds the job that takes longest has been running; 0.0 if none is."""
        oldest = min(self._since.copy().values(), default=None)
        return 0.0 if oldest is None else time.monotonic() - oldest

    @property
    def stopping(self) -> threading.Event:
        """Set when the window closes; jobs that try again and again look at it."""
        return self._stopping

    def stop(self) -> None:
        """End both lanes after their current job. Results that come later are dropped."""
        self._stopping.set()
        self._changes.put(None)
        with self._wake:
            self._wake.notify()

    def _run_changes(self) -> None:
        while (job := self._changes.get()) is not None and not self._stopping.is_set():
            self._do("change", job)

    def _run_reads(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._reads or self._stopping.is_set())
                if self._stopping.is_set():
                    return
                job = self._reads.pop(next(iter(self._reads)))
            self._do("read", job)

    def _do(self, lane: str, job: Job) -> None:
        self._since[lane] = time.monotonic()
        try:
            value = job.work()
        except Exception as error:  # noqa: BLE001 - whatever it is, the window must hear of it
            failure = error
            self.post(lambda: job.failed(failure))
        else:
            self.post(lambda: job.then(value))
        finally:
            self._since.pop(lane, None)
