"""A port that passes everything on to a server, and dies, freezes and comes back as a server would."""

from __future__ import annotations

import selectors
import socket
import threading
from contextlib import suppress
from typing import Self

TICK = 0.02


class Relay:
    """Listens on a port of loopback. While `frozen` it takes connections and bytes, as a stopped process would."""

    def __init__(self, server: tuple[str, int]) -> None:
        self._server = server
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address: tuple[str, int] = self._listener.getsockname()
        self.frozen = threading.Event()
        self._dead = threading.Event()
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.die()

    def die(self) -> None:
        """Cut every connection and take no more."""
        self._dead.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join()

    def revive(self) -> None:
        """Take connections again, on the same port."""
        self._dead.clear()
        self._listener = socket.create_server(self.address)
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._carry, args=(near,))
            self._threads.append(thread)
            thread.start()

    def _carry(self, near: socket.socket) -> None:
        with suppress(ConnectionError), near, self._connect() as far, selectors.DefaultSelector() as ready:
            ready.register(near, selectors.EVENT_READ, far)
            ready.register(far, selectors.EVENT_READ, near)
            while not self._dead.is_set():
                if self.frozen.is_set():
                    self._dead.wait(TICK)
                    continue
                for key, _ in ready.select(TICK):
                    chunk = key.fileobj.recv(65_536)  # type: ignore[union-attr]  # sockets
                    if not chunk:
                        return
                    if not self._gets_lost(key.fileobj):
                        key.data.sendall(chunk)

    def _connect(self) -> socket.socket:
        """A new connection to the server. Raises ConnectionError."""
        return socket.create_connection(self._server)

    def _gets_lost(self, speaker: object) -> bool:
        """Whether what this end of a connection says never arrives."""
        return False
