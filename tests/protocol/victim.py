"""A server that is ill-treated, the means to do it, and what must hold afterwards."""

import errno
import json
import selectors
import socket
import time
from contextlib import suppress
from typing import Any, Self

from .conform import LEAKS
from .peer import Address, Peer
from .server import Server

PING = b'{"jsonrpc":"2.0","id":1,"method":"ping"}\n'


class Victim(Server):
    """A server that knows how much memory it held when it was warm and nobody had harmed it yet."""

    GROWTH = 150 * 2**20
    """Bytes by which it may grow over a whole module of tests: bounded means no more than that."""

    def start(self) -> Self:
        super().start()
        for _ in range(20):
            self.customer().call("slot.list", day=self.day())
        self.warm_bytes = self.resident_bytes()
        return self

    def room_for(self, connections: int) -> bool:
        """Whether this machine allows that many open files at both ends."""
        import resource  # not on every system

        return resource.getrlimit(resource.RLIMIT_NOFILE)[0] > connections + 500

    def assert_unharmed(self) -> None:
        """It answers a stranger, holds no more memory than it may and has met no defect."""
        with Peer(self.address) as stranger:
            assert stranger.call("ping")
        assert self.process.poll() is None
        assert self.resident_bytes() - self.warm_bytes < self.GROWTH
        assert not [line for line in self.lines if "Traceback" in line]


def pour(address: Address, data: bytes, *, end: bool = True) -> bytes:
    """Sends bytes, reading meanwhile; returns all that came until the server closed or, with `end`, fell silent."""
    heard = bytearray()
    with socket.create_connection(address) as stranger, selectors.DefaultSelector() as waiting:
        stranger.setblocking(False)
        waiting.register(stranger, selectors.EVENT_READ | selectors.EVENT_WRITE)
        left, deadline = memoryview(data), time.monotonic() + 30
        with suppress(ConnectionError):
            while time.monotonic() < deadline:
                for _, events in waiting.select(1):
                    if events & selectors.EVENT_READ:
                        if not (got := stranger.recv(1 << 16)):
                            return bytes(heard)
                        heard += got
                    if events & selectors.EVENT_WRITE:
                        if left:
                            left = left[stranger.send(left[: 1 << 16]) :]
                        elif end:
                            stranger.shutdown(socket.SHUT_WR)
                            waiting.modify(stranger, selectors.EVENT_READ)
                        else:
                            return bytes(heard)
            raise AssertionError("the server did not close after the client did")
    return bytes(heard)


def assert_well_behaved(heard: bytes) -> list[Any]:
    """Every line is a JSON-RPC answer and shows nothing of the inside."""
    for leak in LEAKS:
        assert leak not in heard, heard[:500]
    assert not heard or heard.endswith(b"\n")
    answers = [json.loads(line) for line in heard.splitlines()]
    for answer in answers:
        for one in answer if isinstance(answer, list) else [answer]:
            assert one["jsonrpc"] == "2.0"
            assert one.get("error", {}).get("code") != -32603, one
    return answers


def send_until_stuck(stranger: socket.socket, data: bytes, most: int) -> None:
    """Sends `data` over and over until the other side took nothing for two seconds, took `most` bytes, or hung up."""
    stranger.setblocking(False)
    sent, left = 0, memoryview(data)
    with selectors.DefaultSelector() as waiting:
        waiting.register(stranger, selectors.EVENT_WRITE)
        while sent < most and waiting.select(2):
            try:
                count = stranger.send(left)
            except OSError as error:
                if error.errno in {errno.EPIPE, errno.ECONNRESET}:
                    return
                raise
            sent += count
            left = left[count:] or memoryview(data)
