"""One TCP connection, with or without TLS, that never blocks: lines in, bytes out."""

from __future__ import annotations

import errno
import os
import socket
import ssl
from functools import partial
from selectors import EVENT_READ, EVENT_WRITE
from time import monotonic
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agenda.client.route import Place

    Ready = Callable[[socket.socket, int], None]

MAX_LINE = 64 * 1024 * 1024
"""Bytes of the longest line that is taken from a server; an export of many years is far below."""
DIAL_SECONDS = 3.0
"""How long one address may take to connect, TLS included."""
CHUNK = 65_536
CHUNKS_AT_ONCE = 16

_NOT_YET = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
_KEEPALIVE = {"TCP_KEEPIDLE": 15, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3, "TCP_USER_TIMEOUT": 20_000}
"""Notices a dead peer within half a minute, where the system knows these options."""


class Wait(Protocol):
    """Waits until the socket is ready; raises TimeoutError at the deadline (of the monotonic clock)."""

    def __call__(self, sock: socket.socket, events: int, deadline: float) -> None: ...


class Broken(ConnectionError):
    """The connection is of no more use; as it is, since what comes in is none of the protocol's."""


class HungUp(Broken):
    """The other side has closed it."""


class Silent(Broken):
    """The other side says nothing, or not what is waited for."""


class Misheard(Broken):
    """The other side could not read what came to it, so something between may have added to it."""


class Transport:
    """A connected, non-blocking socket with its buffers. For one thread."""

    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock
        self.more = False
        """Whether there may be input that no selector reports: read again without waiting."""
        self._begun: list[bytes] = []
        self._begun_size = 0
        self._out = bytearray()

    @property
    def events(self) -> int:
        """What to wait for."""
        return EVENT_READ | EVENT_WRITE if self._out else EVENT_READ

    def send(self, data: bytes) -> None:
        """Keep the bytes for the next `flush`."""
        self._out += data

    def flush(self) -> None:
        """Hand on as many bytes as the system takes now."""
        while self._out:
            with memoryview(self._out) as waiting:
                try:
                    taken = self.socket.send(waiting)
                except _NOT_YET:
                    return
            del self._out[:taken]

    def receive(self, heard: Callable[[], None]) -> Iterator[bytes]:
        """The complete lines that have come in, `heard` before them; raises Broken at the end of the stream."""
        self.more = False
        for _ in range(CHUNKS_AT_ONCE):
            try:
                chunk = self.socket.recv(CHUNK)
            except _NOT_YET:
                return
            if not chunk:
                raise HungUp("the server closed the connection")
            heard()
            yield from self._lines(chunk)
        self.more = True

    def close(self) -> None:
        """Hang up."""
        self.socket.close()

    def _lines(self, chunk: bytes) -> Iterator[bytes]:
        """Cut the stream; an unfinished line waits for its rest."""
        *ends, rest = chunk.split(b"\n")
        for end in ends:
            yield b"".join((*self._begun, end))
            self._begun, self._begun_size = [], 0
        if rest:
            self._begun.append(rest)
            self._begun_size += len(rest)
        if self._begun_size > MAX_LINE:
            raise Broken("the server sends a line without end")


def dial(place: Place, tls: ssl.SSLContext | None, wait: Wait) -> Transport:
    """Connect, and shake hands if there is TLS; raises OSError, Silent where nobody shakes hands."""
    sock = socket.socket(place.family, socket.SOCK_STREAM)
    try:
        return Transport(_connect(sock, place, tls, partial(wait, deadline=monotonic() + DIAL_SECONDS)))
    except BaseException:
        sock.close()
        raise


def _connect(sock: socket.socket, place: Place, tls: ssl.SSLContext | None, ready: Ready) -> socket.socket:
    sock.setblocking(False)
    _tune(sock)
    error = sock.connect_ex(place.address)
    if error in (errno.EINPROGRESS, errno.EWOULDBLOCK):
        ready(sock, EVENT_WRITE)
        error = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if error:
        raise OSError(error, os.strerror(error))
    if tls is None:
        return sock
    wrapped = tls.wrap_socket(sock, server_hostname=place.host, do_handshake_on_connect=False)
    try:
        _shake_hands(wrapped, ready)
    except TimeoutError as late:
        wrapped.close()
        raise Silent("the server does not shake hands") from late
    except BaseException:
        wrapped.close()
        raise
    return wrapped


def _shake_hands(sock: ssl.SSLSocket, ready: Ready) -> None:
    """The TLS handshake, without blocking."""
    while True:
        try:
            sock.do_handshake()
        except ssl.SSLWantReadError:
            ready(sock, EVENT_READ)
        except ssl.SSLWantWriteError:
            ready(sock, EVENT_WRITE)
        else:
            return


def _tune(sock: socket.socket) -> None:
    """Small messages at once; dead peers noticed."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEPALIVE.items():
        option = getattr(socket, name, None)
        if option is not None:
            sock.setsockopt(socket.IPPROTO_TCP, option, value)
