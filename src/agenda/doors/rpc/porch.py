"""Where connections wait that a proxy has brought, until it has said for whom; others are let in at once."""

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import ExitStack
from ipaddress import ip_address
from socket import socket
from typing import Any, Final

import structlog

from agenda.doors.rpc import proxy
from agenda.doors.rpc.connection import Connection, House

_BREATH: Final = 0.1  # seconds until the next try, where the system cannot give another connection

_log = structlog.get_logger("agenda.rpc")


class Porch:
    """Accepts what comes to `listener`, from its making until `close`; lives on the I/O thread.

    Whoever connects from one of the networks `proxies` must begin with a header of the PROXY protocol, before TLS if
    `tls` (arguments of the loop's `connect_accepted_socket`) asks for it. Where none comes, the connection is cut.
    """

    def __init__(
        self, house: House, listener: socket, proxies: Sequence[proxy.Network], tls: Mapping[str, Any]
    ) -> None:
        self._house, self._listener, self._proxies, self._tls = house, listener, proxies, tls
        self._outside: set[asyncio.Task[None]] = set()
        self._entering: set[asyncio.Task[None]] = set()
        self._begin(self._accept())

    def close(self) -> None:
        """Accept nothing more, and cut those who have not said for whom they come; who is entering comes in."""
        for task in self._outside:
            task.cancel()

    def cut(self) -> None:
        """Cut those who are entering, too: the loop ends."""
        for task in self._entering:
            task.cancel()

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._house.loop.create_task(work)
        self._outside.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._outside.discard(task)
        self._entering.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._house.incident(error)

    async def _accept(self) -> None:
        with self._listener:
            while True:
                try:
                    sock, address = await self._house.loop.sock_accept(self._listener)
                except OSError:
                    await asyncio.sleep(_BREATH)
                except Exception as error:  # noqa: BLE001  # a defect must not lock everybody out
                    self._house.incident(error)
                    await asyncio.sleep(_BREATH)
                else:
                    self._begin(self._let_in(sock, address[:2]))

    async def _let_in(self, sock: socket, peer: proxy.Client) -> None:
        origin = None
        with ExitStack() as cleanup:
            cleanup.callback(sock.close)
            if self._is_proxy(peer):
                origin = await self._introduced(sock, peer)
                if origin is None:
                    return
            cleanup.pop_all()  # it is the loop's from here on
        self._enter()
        try:
            await self._house.loop.connect_accepted_socket(lambda: Connection(self._house, origin), sock, **self._tls)
        except OSError:  # no TLS, or gone already
            return

    def _enter(self) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._outside.discard(task)
            self._entering.add(task)

    def _is_proxy(self, peer: proxy.Client) -> bool:
        address = ip_address(peer[0])
        return any(address in network for network in self._proxies)

    async def _introduced(self, sock: socket, peer: proxy.Client) -> proxy.Origin | None:
        """Where the client is that the header names; None without one, which the log tells unless nobody waits."""
        try:
            async with asyncio.timeout(self._house.limits.header):
                header = await self._header(sock)
            return proxy.origin(proxy.client(header), peer) if header else None
        except TimeoutError:
            problem = "it took too long"
        except OSError:  # it is gone already
            return None
        except proxy.BadHeader as error:
            problem = str(error)
        _log.warning("connection without a PROXY header", peer=peer[0], problem=problem)
        return None

    async def _header(self, sock: socket) -> bytes:
        """A header and not a byte more; empty, if nothing was sent at all, as by probes. Raises BadHeader, OSError."""
        header = b""
        while wanted := proxy.missing(header):
            try:
                piece = sock.recv(wanted)  # as a rule it is here already
            except BlockingIOError:
                piece = await self._house.loop.sock_recv(sock, wanted)
            if not piece:
                if header:
                    raise proxy.BadHeader("it breaks off")
                break
            header += piece
        return header
