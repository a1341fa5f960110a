"""The socket door's server: one thread with an event loop that owns every connection."""

import asyncio
import ssl
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from socket import socket
from threading import Event, Thread
from typing import Any, Final

from agenda.doors.rpc.connection import Connection
from agenda.doors.rpc.errors import log_incident
from agenda.doors.rpc.limits import Limits
from agenda.doors.rpc.porch import Porch
from agenda.doors.rpc.presence import Crier, Presence, log_presence
from agenda.doors.rpc.proxy import Network
from agenda.doors.rpc.sockets import BACKLOG, allow_open_files, listen, refuse_exposure
from agenda.doors.rpc.unannounced import Unannounced
from agenda.engine.engine import Engine
from agenda.engine.ports import Mailbox, Reply

try:
    import uvloop as loops
except ImportError:  # Windows
    import asyncio as loops  # type: ignore[no-redef]

_FILES_FOR_OTHERS: Final = 200  # besides connections: the store, its readers, logs
_MOST_TURNED_AWAY: Final = 100  # at once; more are cut without a word
_LAST_ROUNDS: Final = 10  # of the loop without a new connection: enough to set one up and to read what it sent
_LAST_CALL: Final = 0.5  # seconds that they take at most


class LoopMailbox:
    """A Mailbox whose deliveries are called on an event loop's thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop, incident: Callable[[BaseException], str]) -> None:
        self._loop = loop
        self._incident = incident

    def post(self, deliveries: Sequence[tuple[Reply, Any]]) -> None:
        """See agenda.engine.ports.Mailbox; after the loop has ended nobody is there to be told."""
        try:
            self._loop.call_soon_threadsafe(self._deliver, deliveries)
        except RuntimeError:
            if not self._loop.is_closed():
                raise

    def _deliver(self, deliveries: Sequence[tuple[Reply, Any]]) -> None:
        for reply, value in deliveries:
            try:
                reply(value)
            except Exception as error:  # noqa: BLE001  # the others' answers must still go out
                self._incident(error)


class RpcServer:
    """Serves `engine` on every address of `host`; `presence` is called on a thread of its own when clients come and go.

    Connections from one of the networks `proxies` say in a header of the PROXY protocol for whom they come.
    `start` and `stop` may be called from any thread but the I/O thread.
    """

    def __init__(
        self,
        engine: Engine,
        host: str = "localhost",
        port: int = 8888,
        *,
        tls: ssl.SSLContext | None = None,
        insecure: bool = False,
        proxies: Sequence[Network] = (),
        limits: Limits | None = None,
        presence: Presence = log_presence,
        incident: Callable[[BaseException], str] = log_incident,
    ) -> None:
        self.engine = engine
        self.incident = incident
        self.limits = limits or Limits()
        self.addresses: list[tuple[str, int]] = []
        self._host, self._port = host, port
        self._tls, self._insecure, self._proxies = tls, insecure, proxies
        self._crier = Crier(presence, incident)
        self._unannounced = Unannounced()
        self._room = self.limits.connections
        self._seen = 0  # connections since the start
        self._connections: set[Connection] = set()
        self._turned_away: set[Connection] = set()
        self._servers: list[asyncio.AbstractServer] = []
        self._porches: list[Porch] = []
        self._thread: Thread | None = None
        self._all_gone: asyncio.Event | None = None
        self.loop: asyncio.AbstractEventLoop = loops.new_event_loop()
        self.mailbox: Mailbox = LoopMailbox(self.loop, incident)

    def start(self) -> None:
        """Return when the port answers; `addresses` then tells where. Raises NotPrivate, PortInUse, CannotListen."""
        try:
            sockets = self._listen()
        except OSError:
            self.loop.close()
            raise
        self.addresses = [listener.getsockname()[:2] for listener in sockets]
        allowed = allow_open_files(self.limits.connections + _FILES_FOR_OTHERS)
        self._room = max(min(self.limits.connections, allowed - _FILES_FOR_OTHERS), 1)
        started: Future[None] = Future()
        self._thread = Thread(target=self._run, args=(sockets, started), name="rpc", daemon=True)
        self._thread.start()
        started.result()
        self._crier.start()
        self.engine.health.listen(self.mailbox, lambda _: self._tell_store())

    def _listen(self) -> list[socket]:
        refuse_exposure(self._host, protected=self._tls is not None or self._insecure)
        return listen(self._host, self._port)

    def _run(self, sockets: list[socket], started: "Future[None]") -> None:
        asyncio.set_event_loop(self.loop)
        try:
            self.loop.run_until_complete(self._open(sockets))
        except BaseException as error:  # noqa: BLE001  # start() raises it
            started.set_exception(error)
            self.loop.close()
            return
        self.loop.call_later(self.limits.check, self._check)
        started.set_result(None)
        try:
            self.loop.run_forever()
        finally:
            self.loop.close()

    async def _open(self, sockets: list[socket]) -> None:
        tls: dict[str, Any] = {}
        if self._tls:
            tls = {"ssl": self._tls, "ssl_handshake_timeout": self.limits.handshake, "ssl_shutdown_timeout": 1.0}
        for listener in sockets:
            if self._proxies:
                self._porches.append(Porch(self, listener, self._proxies, tls))
                continue
            server = await self.loop.create_server(lambda: Connection(self), sock=listener, backlog=BACKLOG, **tls)
            self._servers.append(server)

    def stop(self) -> None:
        """Accept nothing more, answer what was started, tell the clients and close; idempotent.

        Takes at most `limits.stop` seconds and a little. The engine must still be at work.
        """
        if self._thread is None or not self._thread.is_alive():
            return
        asyncio.run_coroutine_threadsafe(self._say_goodbye(), self.loop).result()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self._crier.stop()

    async def _say_goodbye(self) -> None:
        await self._hear_out()
        for server in self._servers:
            server.close()
        for porch in self._porches:
            porch.close()
        self._all_gone = asyncio.Event()
        for connection in list(self._connections):
            connection.stop()
        self._note_if_all_gone()
        try:
            await asyncio.wait_for(self._all_gone.wait(), self.limits.stop)
        except TimeoutError:
            for connection in self._connections | self._turned_away:
                connection.abort()
        for porch in self._porches:
            porch.cut()
        await asyncio.sleep(0)

    async def _hear_out(self) -> None:
        """Accept and read what has come already: whoever asked before the stop gets an answer."""
        end, quiet = self.loop.time() + _LAST_CALL, 0
        while quiet < _LAST_ROUNDS and self.loop.time() < end:
            seen = self._seen
            await asyncio.sleep(0)
            quiet = quiet + 1 if self._seen == seen else 0

    @property
    def connections(self) -> int:
        """How many clients are connected; any thread."""
        return len(self._connections)

    def answers(self, within: float) -> bool:
        """Whether the I/O thread comes round within so many seconds; any thread but that one."""
        came = Event()
        self.mailbox.post([(lambda _: came.set(), None)])
        return came.wait(within)

    def _tell_store(self) -> None:
        for connection in list(self._connections):
            connection.tell_store()

    def _check(self) -> None:
        now = self.loop.time()
        for connection in list(self._connections):
            connection.check(now)
        self.loop.call_later(self.limits.check, self._check)

    # What connections call

    def welcome(self, connection: Connection) -> bool:
        """See House."""
        self._seen += 1
        if len(self._connections) >= self._room or self._all_gone is not None:
            if len(self._turned_away) >= _MOST_TURNED_AWAY:
                connection.abort()
            self._turned_away.add(connection)
            return False
        self._connections.add(connection)
        self._crier.tell("connected", connection.peer, len(self._connections))
        return True

    def farewell(self, connection: Connection) -> None:
        """See House."""
        self._turned_away.discard(connection)
        if connection in self._connections:
            self._connections.discard(connection)
            self._crier.tell("disconnected", connection.peer, len(self._connections))
        self._note_if_all_gone()

    def hear(self, first: bytes, host: str) -> None:
        """See House."""
        self._unannounced.hear(first, host)

    def _note_if_all_gone(self) -> None:
        if self._all_gone is not None and not self._connections and not self._turned_away:
            self._all_gone.set()
