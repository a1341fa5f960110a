"""A bad line: passes bytes on between clients and a server, and cuts every connection early."""

from __future__ import annotations

import random
import selectors
import socket
import threading
from typing import Self

FEWEST, MOST = 2_000, 12_000
"""Bytes of one connection, both ways. A greeting, a watch and eight calls sent again take 4,500."""


class CuttingLine:
    """Listens on a port of loopback; the seed decides where each connection is cut, mid-line or between."""

    def __init__(self, address: tuple[str, int], seed: int) -> None:
        self._address = address
        self._random = random.Random(seed)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.cuts = 0
        self._threads = [threading.Thread(target=self._accept)]

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            budget = self._random.randint(FEWEST, MOST)
            self._threads.append(threading.Thread(target=self._carry, args=(near, budget)))
            self._threads[-1].start()

    def _carry(self, near: socket.socket, budget: int) -> None:
        """Pass on so many bytes, both ways together; the last ones may be half a line."""
        with near, socket.create_connection(self._address) as far, selectors.DefaultSelector() as ready:
            ready.register(near, selectors.EVENT_READ, far)
            ready.register(far, selectors.EVENT_READ, near)
            try:
                while budget > 0:
                    for key, _ in ready.select():
                        chunk = key.fileobj.recv(budget)  # type: ignore[union-attr]  # sockets
                        if not chunk:
                            return
                        key.data.sendall(chunk)
                        budget -= len(chunk)
                        if budget <= 0:
                            break
            except ConnectionError:
                return
        self.cuts += 1
