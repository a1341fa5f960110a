"""Lines between clients and servers, or servers and their database, that can be cut and stalled.

A line listens on loopback and passes bytes on to a far address. What a stalled line holds back is not lost: it arrives
when the line is healed, perhaps after its sender has long asked again by another way.
"""

import asyncio
import ssl
import time
from concurrent.futures import Future
from contextlib import suppress
from threading import Thread
from types import TracebackType
from typing import Self

CHUNK = 65_536
DIAL_SECONDS = 5.0
JOIN_SECONDS = 5.0


class Line:
    """One listening port and its connections. Made by `Lines.add`; every method may be called on any thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop, far: tuple[str, int], tls: ssl.SSLContext | None) -> None:
        self.far = far
        self.port = 0
        self.used = 0.0
        """When a connection was last made over it, by the monotonic clock."""
        self._loop = loop
        self._tls = tls
        self._cut = False
        self._there, self._back = asyncio.Event(), asyncio.Event()
        self._ends: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    @property
    def address(self) -> tuple[str, int]:
        """Where to connect instead of the far address."""
        return "127.0.0.1", self.port

    def reset(self) -> None:
        """Reset every connection; new ones are welcome."""
        self._loop.call_soon_threadsafe(self._abort)

    def cut(self) -> None:
        """Reset every connection, and every one that is made until `heal`."""
        self._loop.call_soon_threadsafe(self._do_cut)

    def stall(self, *, there: bool = True, back: bool = True) -> None:
        """Hold back what goes to the far side, or what comes from it, or both; connections stay open."""
        if there:
            self._loop.call_soon_threadsafe(self._there.clear)
        if back:
            self._loop.call_soon_threadsafe(self._back.clear)

    def heal(self) -> None:
        """Pass everything on, what was held back first."""
        self._loop.call_soon_threadsafe(self._do_heal)

    # the loop's thread

    async def open(self) -> None:
        self._do_heal()
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def close(self) -> None:
        """Take no more connections, and end those that there are."""
        if self._server:
            self._server.close()
        self._do_heal()  # so that nothing waits
        self._do_cut()

    def _do_cut(self) -> None:
        self._cut = True
        self._abort()

    def _abort(self) -> None:
        for end in self._ends:
            end.transport.abort()

    def _do_heal(self) -> None:
        self._cut = False
        self._there.set()
        self._back.set()

    async def _carry(self, near_in: asyncio.StreamReader, near_out: asyncio.StreamWriter) -> None:
        """One connection, until both sides have said all or one of them breaks."""
        self._ends.add(near_out)
        try:
            if not self._cut:
                self.used = time.monotonic()
                await self._join(near_in, near_out)
        except* OSError:
            pass
        finally:
            self._ends.discard(near_out)
            near_out.transport.abort()

    async def _join(self, near_in: asyncio.StreamReader, near_out: asyncio.StreamWriter) -> None:
        """Connect to the far side and pass on both ways. Raises OSError, ExceptionGroup of it."""
        dialled = asyncio.open_connection(*self.far, ssl=self._tls)
        far_in, far_out = await asyncio.wait_for(dialled, DIAL_SECONDS)
        self._ends.add(far_out)
        try:
            if self._cut:  # while it was being made
                return
            async with asyncio.TaskGroup() as both:
                both.create_task(_pump(near_in, far_out, self._there))
                both.create_task(_pump(far_in, near_out, self._back))
        finally:
            self._ends.discard(far_out)
            far_out.transport.abort()


async def _pump(source: asyncio.StreamReader, target: asyncio.StreamWriter, gate: asyncio.Event) -> None:
    """Pass on everything up to the end of the stream, as long as the gate is open."""
    while chunk := await source.read(CHUNK):
        await gate.wait()
        target.write(chunk)
        await target.drain()
    await gate.wait()
    if target.can_write_eof():
        target.write_eof()
    else:  # TLS knows no half-closed connection
        target.close()


class Lines:
    """All lines of a run, on one thread. A context: at its end every connection is gone."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="lines", daemon=True)
        self._all: list[Line] = []

    def add(self, far: tuple[str, int], tls: ssl.SSLContext | None = None) -> Line:
        """A new line to `far`, with TLS on its far side if there is a context."""
        line = Line(self._loop, far, tls)
        opened: Future[None] = asyncio.run_coroutine_threadsafe(line.open(), self._loop)
        opened.result(JOIN_SECONDS)
        self._all.append(line)
        return line

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(TimeoutError):
            asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(JOIN_SECONDS)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(JOIN_SECONDS)
        if not self._thread.is_alive():
            self._loop.close()

    async def _end(self) -> None:
        """Return when every connection has ended."""
        for line in self._all:
            line.close()
        await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()}, return_exceptions=True)
