"""The thread on which callbacks run, one after the other."""

from __future__ import annotations

import logging
import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING, ParamSpec

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")

_log = logging.getLogger(__name__)


class Dispatcher:
    """Runs what is posted, in order, under no lock; what a callback raises is logged and harms nothing."""

    def __init__(self) -> None:
        self._queue: SimpleQueue[Callable[[], object] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="agenda-callbacks", daemon=True)
        self._thread.start()

    def post(self, callback: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> None:
        """Have it called soon; returns at once, from any thread."""
        self._queue.put(lambda: callback(*args, **kwargs))

    def stop(self, patience: float) -> None:
        """End after what was posted so far; waits at most so many seconds, and not at all in a callback."""
        self._queue.put(None)
        if threading.current_thread() is not self._thread:
            self._thread.join(patience)

    def _run(self) -> None:
        while (callback := self._queue.get()) is not None:
            try:
                callback()
            except Exception:  # noqa: BLE001  # it is not ours to judge
                _log.exception("a callback failed")
