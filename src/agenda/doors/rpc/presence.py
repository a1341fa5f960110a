"""Tells whoever watches the server that clients come and go, without ever keeping the clients waiting."""

from collections.abc import Callable
from queue import Full, Queue
from threading import Thread
from typing import Final, Literal

import structlog

Event = Literal["connected", "disconnected"]
Presence = Callable[[Event, str, int], None]

MOST_UNTOLD: Final = 10_000
PATIENCE: Final = 0.5  # seconds that stopping waits for what is still untold

_log = structlog.get_logger("agenda.rpc")


def log_presence(event: Event, peer: str, connections: int) -> None:
    """Log that a client came or went, and how many are there now."""
    _log.info(event, peer=peer, connections=connections)


class Crier:
    """Calls `presence` on a thread of its own: a console that nobody reads blocks who writes to it.

    What is more than MOST_UNTOLD behind is not told at all.
    """

    def __init__(self, presence: Presence, incident: Callable[[BaseException], str]) -> None:
        self._presence = presence
        self._incident = incident
        self._untold: Queue[tuple[Event, str, int] | None] = Queue(MOST_UNTOLD)
        self._thread = Thread(target=self._run, name="crier", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def tell(self, event: Event, peer: str, connections: int) -> None:
        """Have it told; never waits."""
        try:
            self._untold.put_nowait((event, peer, connections))
        except Full:
            return

    def stop(self) -> None:
        """Tell what is untold, as far as that goes quickly; then end the thread."""
        try:
            self._untold.put_nowait(None)
        except Full:
            return
        self._thread.join(PATIENCE)

    def _run(self) -> None:
        while (news := self._untold.get()) is not None:
            try:
                self._presence(*news)
            except Exception as error:  # noqa: BLE001  # a console that is closed is no reason to be silent for good
                self._incident(error)
