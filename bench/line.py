"""A small blocking JSON-RPC client: what the measurements use to set up, before the clock runs."""

import json
import socket
from typing import Any, Self


class Refused(Exception):
    """The server answered with an error; `args[0]` is the error object."""


class Line:
    """One connection to a server of ours or of a peer."""

    def __init__(self, port: int, timeout: float = 60.0) -> None:
        """Connect to `port` on loopback; raises OSError when nothing listens there."""
        self.socket = socket.create_connection(("127.0.0.1", port), timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._lines = self.socket.makefile("rb")
        self._id = 0

    def call(self, method: str, **params: object) -> Any:
        """Answer of one call; raises Refused with the error, ConnectionError when the line is cut."""
        self.send(method, **params)
        return self.answer()

    def send(self, method: str, **params: object) -> None:
        """Ask without waiting."""
        self._id += 1
        self.socket.sendall(request(self._id, method, params))

    def answer(self) -> Any:
        """Answer of what was sent last; see `call`."""
        while True:
            line = self._lines.readline()
            if not line:
                raise ConnectionError("closed by the server")
            answer = json.loads(line)
            if answer.get("id") == self._id:
                break
        if "error" in answer:
            raise Refused(answer["error"])
        return answer["result"]

    def news(self) -> None:
        """Wait for the next change of a slot. Raises ConnectionError when the line is cut."""
        while b'"slot.changed"' not in (line := self._lines.readline()):
            if not line:
                raise ConnectionError("closed by the server")

    def close(self) -> None:
        self._lines.close()
        self.socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def request(number: int, method: str, params: dict[str, object]) -> bytes:
    """One request as it goes on the wire."""
    body = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
    return json.dumps(body, separators=(",", ":")).encode() + b"\n"
