"""What a probe does: one HTTP request on a connection of its own."""

import socket
from dataclasses import dataclass
from email.parser import BytesParser

from .fakes import DEADLINE

Address = tuple[str, int]


@dataclass(frozen=True)
class Answer:
    """What came back until the server closed; `status` is 0 if it closed without a word."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def told(self) -> tuple[int, str]:
        """The status, and the word that is the body."""
        return self.status, self.body.decode().strip()


def send(address: Address, request: bytes, *, end: bool = False) -> Answer:
    """The answer to these very bytes; with `end` the sending side is shut after them."""
    with socket.create_connection(address, DEADLINE) as peer:
        peer.sendall(request)
        if end:
            peer.shutdown(socket.SHUT_WR)
        received = b""
        while data := peer.recv(65536):
            received += data
    head, _, body = received.partition(b"\r\n\r\n")
    status, _, lines = head.partition(b"\r\n")
    headers = {name.lower(): value for name, value in BytesParser().parsebytes(lines).items()}
    return Answer(int(status.split()[1]) if status else 0, headers, body)


def get(address: Address, path: str, method: str = "GET") -> Answer:
    """The answer to a request as tools send it."""
    return send(address, f"{method} {path} HTTP/1.1\r\nHost: probe\r\nAccept: */*\r\n\r\n".encode())
