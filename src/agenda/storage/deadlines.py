"""Deadlines of connections to a database server: who waits for too long finds the socket closed."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Lock, Thread
from time import monotonic
from typing import Final, Protocol

LOOK_SECONDS: Final = 0.2


class Watched(Protocol):
    """A connection; `deadline` by the monotonic clock."""

    deadline: float

    def cut_off(self) -> None:
        """Close the socket under whatever is being waited for; any thread."""


class Guard:
    """One thread that closes the sockets of connections whose deadline has passed.

    A statement is never cancelled: a cancelled commit that waits for its standby would say that it is done.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._watched: set[Watched] = set()
        self._done = Event()
        self._thread = Thread(target=self._run, name="deadlines", daemon=True)
        self._thread.start()

    @contextmanager
    def watching(self, connection: Watched, seconds: float) -> Iterator[None]:
        """Cut the connection off if the block takes longer."""
        connection.deadline = monotonic() + seconds
        with self._lock:
            self._watched.add(connection)
        try:
            yield
        finally:
            with self._lock:
                self._watched.discard(connection)

    def close(self) -> None:
        """Cut off what is still at work, and end."""
        self._done.set()
        self._thread.join()

    def _run(self) -> None:
        going = True
        while going:
            going = not self._done.wait(LOOK_SECONDS)
            now = monotonic()
            with self._lock:
                for connection in self._watched:
                    if connection.deadline < now or not going:
                        connection.cut_off()
