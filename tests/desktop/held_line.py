"""A line to a server whose answers can be held back for a while."""

import socket
import threading
from contextlib import suppress
from typing import Self


class HeldLine:
    """Passes everything on at once; while `hold` is on, what the server says waits."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._address = address
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._open = threading.Event()
        self._open.set()
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self.release()
        for each in (self._listener, *self._sockets):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        for thread in self._threads:
            thread.join()

    def hold(self) -> None:
        self._open.clear()

    def release(self) -> None:
        self._open.set()

    def _start(self, work: object, *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.create_connection(self._address)
            self._sockets += [near, far]
            self._start(self._carry, near, far, None)
            self._start(self._carry, far, near, self._open)

    @staticmethod
    def _carry(source: socket.socket, target: socket.socket, gate: threading.Event | None) -> None:
        try:
            while chunk := source.recv(65536):
                if gate:
                    gate.wait()
                target.sendall(chunk)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            return
