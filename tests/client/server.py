"""A server played by the test: real TCP on loopback, and every line said as the test tells it."""

from __future__ import annotations

import json
import select
import socket
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    import ssl

PATIENCE = 30.0
"""Seconds until a test that waits for the client gives up."""

SESSION = {
    "user": {"name": "ana", "role": "customer"},
    "token": "token-of-ana",
    "business": {"name": "Studio", "timezone": "America/Sao_Paulo", "language": "pt-BR"},
}
PONG = {"now": "2026-11-23T08:00:00-03:00", "version": "1.0"}


def slot(hour: int, state: str = "free") -> dict[str, str]:
    """A slot of one hour, as the wire has it."""
    start, end = (f"2026-11-23T{at:02}:00:00-03:00" for at in (hour, hour + 1))
    return {"resource": "r", "service": "s", "start": start, "end": end, "state": state}


def booking(hour: int = 10, **changes: str) -> dict[str, str]:
    """A booking, as the wire has it."""
    start, end = (f"2026-11-23T{at:02}:00:00-03:00" for at in (hour, hour + 1))
    names = {"id": "b1", "code": "KX7P", "resource": "r", "service": "s", "status": "booked", "user": "ana"}
    return {**names, "start": start, "end": end, "created": "2026-11-22T09:00:00-03:00", **changes}


class Peer:
    """The server's end of one connection."""

    def __init__(self, sock: socket.socket) -> None:
        sock.settimeout(PATIENCE)
        self._socket = sock
        self._lines = sock.makefile("rb")

    def hear(self, method: str | None = None) -> dict[str, Any]:
        """The next message; it must be of this method, if one is named."""
        line = self._lines.readline()
        assert line.endswith(b"\n"), "the client hung up"
        message: dict[str, Any] = json.loads(line)
        assert message["jsonrpc"] == "2.0"
        assert method in (None, message["method"])
        return message

    def answer(self, call: dict[str, Any], result: object) -> None:
        self.say({"jsonrpc": "2.0", "id": call["id"], "result": result})

    def refuse(self, call: dict[str, Any], code: str, **facts: object) -> None:
        error = {"code": -32000, "message": f"no: {code}", "data": {"code": code, **facts}}
        self.say({"jsonrpc": "2.0", "id": call["id"], "error": error})

    def notify(self, method: str, **params: object) -> None:
        self.say({"jsonrpc": "2.0", "method": method, "params": params})

    def say(self, message: object) -> None:
        self.say_bytes(json.dumps(message).encode() + b"\n")

    def say_bytes(self, data: bytes) -> None:
        self._socket.sendall(data)

    def greet(self) -> Self:
        """Answer the greeting of a client without session."""
        self.answer(self.hear("ping"), PONG)
        return self

    def greet_again(self) -> Self:
        """Answer the greeting of a client that comes back with its session."""
        call = self.hear("session.resume")
        assert call["params"] == {"token": SESSION["token"]}
        self.answer(call, SESSION)
        return self

    def refuse_token(self) -> Self:
        """Tell a client that comes back that its session is over."""
        self.refuse(self.hear("session.resume"), "not_signed_in")
        return self

    def hung_up(self) -> bool:
        """Wait for the client to close the connection; whatever it still says is skipped."""
        while self._lines.readline():
            pass
        return True

    def cut(self) -> None:
        """Drop the connection."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self.close()

    def close(self) -> None:
        self._lines.close()
        self._socket.close()


class ScriptedServer:
    """Listens on a port of loopback; the test takes connections one by one."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self._peers: list[Peer] = []
        self._listener: socket.socket | None = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    def take(self) -> Peer:
        """The next connection."""
        sock = self._accept()
        if self._tls:
            sock.settimeout(PATIENCE)
            sock = self._tls.wrap_socket(sock, server_side=True)
        self._peers.append(Peer(sock))
        return self._peers[-1]

    def ignore(self) -> None:
        """Let the next connection stand without a word, a handshake included."""
        self._peers.append(Peer(self._accept()))

    def was_visited(self) -> bool:
        """Whether somebody has come who was not taken yet."""
        assert self._listener is not None
        return bool(select.select([self._listener], [], [], 0)[0])

    def _accept(self) -> socket.socket:
        assert self._listener is not None
        self._listener.settimeout(PATIENCE)
        sock, _ = self._listener.accept()
        return sock

    def shut(self) -> None:
        """Stop listening: who comes now is refused."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def open(self) -> None:
        """Listen again, on the same port."""
        self._listener = socket.create_server(("127.0.0.1", self.port))

    def close(self) -> None:
        self.shut()
        for peer in self._peers:
            peer.close()
