"""Just enough HTTP for probes: one GET or HEAD a connection, within a deadline, on a thread of its own."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from socket import socket
from threading import Thread
from typing import Final

from agenda.doors.rpc.sockets import listen

MOST_CONNECTIONS: Final = 32  # one more, and the oldest is cut, so that idle ones never bar a probe
LONGEST_LINE: Final = 8192
MOST_LINES: Final = 64  # of a request before its body, which nobody reads
DEADLINE: Final = 5.0  # seconds from the connection to its end
PACE: Final = 0.02  # seconds between two answers, so that whoever asks in a hurry does not slow the server down
TEXT: Final = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Page:
    """What is answered to a GET."""

    status: HTTPStatus
    body: bytes
    type: str = TEXT


Pages = Mapping[str, Callable[[], Awaitable[Page]]]
Request = tuple[str, str]  # method, and path without its query


@dataclass(slots=True)
class HttpServer:
    """Serves `pages`, by their path, on every address of `host`; `incident` logs what broke while one was made.

    `start` and `stop` may be called from any thread but its own.
    """

    pages: Pages
    host: str
    port: int
    incident: Callable[[BaseException], str]
    addresses: list[tuple[str, int]] = field(default_factory=list)
    _open: dict["asyncio.Task[None]", None] = field(default_factory=dict)  # in the order in which they came
    _loop: asyncio.AbstractEventLoop | None = None
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _thread: Thread | None = None

    def start(self) -> None:
        """Return when the port answers; `addresses` then tells where. Raises CannotListen."""
        sockets = listen(self.host, self.port)
        self.addresses = [listener.getsockname()[:2] for listener in sockets]
        started: Future[None] = Future()
        self._thread = Thread(target=lambda: asyncio.run(self._run(sockets, started)), name="monitor", daemon=True)
        self._thread.start()
        started.result()

    def stop(self) -> None:
        """Cut what is open, close the port, end the thread; idempotent."""
        if self._thread is not None and self._thread.is_alive() and self._loop is not None:
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join()

    async def _run(self, sockets: list[socket], started: "Future[None]") -> None:
        self._loop = asyncio.get_running_loop()
        try:
            servers = [await asyncio.start_server(self._admit, sock=it, limit=LONGEST_LINE) for it in sockets]
        except BaseException as error:  # noqa: BLE001  # start() raises it
            started.set_exception(error)
            return
        started.set_result(None)
        await self._stopping.wait()
        for server in servers:
            server.close()

    def _admit(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._stopping.is_set():
            writer.transport.abort()
            return
        if len(self._open) >= MOST_CONNECTIONS:
            oldest = next(iter(self._open))
            del self._open[oldest]
            oldest.cancel()

        def over(task: "asyncio.Task[None]") -> None:
            self._open.pop(task, None)
            writer.transport.abort()

        task = asyncio.create_task(self._serve(reader, writer))
        self._open[task] = None
        task.add_done_callback(over)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request, and wait for the client to go: a reset could outrun the answer."""
        with suppress(OSError):  # of which TimeoutError is one: then there is nobody to tell
            async with asyncio.timeout(DEADLINE):
                writer.write(await self._in_turn(await _request(reader)))
                await writer.drain()
                writer.write_eof()
                while await reader.read(LONGEST_LINE):
                    pass

    async def _in_turn(self, request: Request | None) -> bytes:
        """The answer, one after the other at a bounded pace."""
        await self._turn.acquire()
        try:
            return await self._answer(request)
        finally:
            asyncio.get_running_loop().call_later(PACE, self._turn.release)

    async def _answer(self, request: Request | None) -> bytes:
        match request:
            case None:
                return _response(_plain(HTTPStatus.BAD_REQUEST))
            case "GET", path:
                return _response(await self._page(path))
            case "HEAD", path:
                head, end, _ = _response(await self._page(path)).partition(b"\r\n\r\n")
                return head + end
            case _:
                return _response(_plain(HTTPStatus.METHOD_NOT_ALLOWED), "Allow: GET, HEAD\r\n")

    async def _page(self, path: str) -> Page:
        make = self.pages.get(path)
        if make is None:
            return _plain(HTTPStatus.NOT_FOUND)
        try:
            return await make()
        except Exception as defect:  # noqa: BLE001  # a client is told no more than that
            self.incident(defect)
            return _plain(HTTPStatus.INTERNAL_SERVER_ERROR)


async def _request(reader: asyncio.StreamReader) -> Request | None:
    """What is asked, all headers passed over; None if it is not HTTP/1."""
    try:
        words = (await reader.readline()).decode("latin-1").split()
        for _ in range(MOST_LINES):
            if not (await reader.readline()).strip():
                break
        else:
            return None
    except ValueError:  # a line is too long
        return None
    match words:
        case [method, target, "HTTP/1.0" | "HTTP/1.1"]:
            return method, target.partition("?")[0]
    return None


def _plain(status: HTTPStatus) -> Page:
    return Page(status, f"{status.phrase.lower()}\n".encode())


def _response(page: Page, more: str = "") -> bytes:
    head = (
        f"HTTP/1.1 {page.status.value} {page.status.phrase}\r\n"
        f"Content-Type: {page.type}\r\nContent-Length: {len(page.body)}\r\n"
        f"Cache-Control: no-store\r\nConnection: close\r\n{more}\r\n"
    )
    return head.encode("latin-1") + page.body
