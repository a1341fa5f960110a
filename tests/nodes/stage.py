"""Threads that take turns: one runs at a time, from one pause to the next, and who goes on is drawn by lot."""

from collections.abc import Callable
from random import Random
from threading import Semaphore, Thread

SECONDS = 30.0


class _Part:
    """Work on a thread of its own that runs only while it has the stage."""

    def __init__(self, name: str, work: Callable[[], None]) -> None:
        self.name = name
        self.over = False
        self.failed: BaseException | None = None
        self._work = work
        self._go, self._rest = Semaphore(0), Semaphore(0)
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    def go_on(self) -> None:
        """Run it up to its next pause or its end; raises what it raised."""
        self._go.release()
        assert self._rest.acquire(timeout=SECONDS), f"{self.name} neither pauses nor ends"
        if self.failed is not None:
            raise self.failed

    def pause(self) -> None:
        """Called by the work itself."""
        self._rest.release()
        self._go.acquire()

    def _run(self) -> None:
        self._go.acquire()
        try:
            self._work()
        except BaseException as failed:  # noqa: BLE001  # whoever runs the stage shall see it
            self.failed = failed
        self.over = True
        self._rest.release()


class Stage:
    """All parts that are under way, at most one of each name."""

    def __init__(self, lots: Random) -> None:
        self._lots = lots
        self._parts: dict[str, _Part] = {}
        self._now: _Part | None = None

    def has(self, name: str) -> bool:
        """Whether a part of this name is under way."""
        return name in self._parts

    def begin(self, name: str, work: Callable[[], None]) -> None:
        """Let it run from the next time on that the lot falls on it."""
        self._parts[name] = _Part(name, work)

    def pause(self) -> None:
        """Within a part: let others go on, perhaps; elsewhere nothing."""
        if self._now is not None:
            self._now.pause()

    def step(self) -> bool:
        """Let one part go on; False if there is none."""
        if not self._parts:
            return False
        part = self._now = self._parts[self._lots.choice(sorted(self._parts))]
        try:
            part.go_on()
        finally:
            self._now = None
        if part.over:
            del self._parts[part.name]
        return True
