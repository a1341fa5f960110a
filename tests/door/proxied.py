"""A running door behind a proxy, before a fake engine."""

import ssl
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from ipaddress import ip_network
from queue import Queue
from threading import Event

from agenda.doors.rpc.limits import Limits
from agenda.doors.rpc.proxy import Network
from agenda.doors.rpc.server import RpcServer

from .fakes import DEADLINE, FakeEngine, Peer

HERE = ip_network("127.0.0.0/8")


class ProxiedHouse:
    """A running door that believes proxies of some networks, by default those on this machine, and its clients."""

    def __init__(
        self,
        stack: ExitStack,
        proxies: Sequence[Network] = (HERE,),
        limits: Limits | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.engine = FakeEngine()
        self.came: Queue[str] = Queue()
        self.left: Queue[str] = Queue()
        self.incidents: list[BaseException] = []
        self._stack = stack
        self.server = RpcServer(
            self.engine.as_engine(),
            "127.0.0.1",
            0,
            tls=tls,
            proxies=proxies,
            limits=limits or Limits(linger=0.2, stop=0.5),
            presence=self._presence,
            incident=self._incident,
        )
        self.server.start()
        stack.callback(self.server.stop)

    def _presence(self, event: str, peer: str, connections: int) -> None:
        (self.came if event == "connected" else self.left).put(peer)

    def _incident(self, error: BaseException) -> str:
        self.incidents.append(error)
        return "f00d"

    def peer(self, sent: bytes = b"") -> Peer:
        """A connection on which this was sent."""
        peer = Peer(self.server.addresses[0])
        self._stack.callback(peer.close)
        peer.write(sent)
        return peer

    def cuts(self, peer: Peer) -> bool:
        """Whether the connection ends without a word."""
        with suppress(ConnectionResetError):
            return peer.socket.recv(1) == b""
        return True

    def hold(self) -> Callable[[], None]:
        """Let nothing be read until what is returned is called."""
        go_on = Event()
        self.server.loop.call_soon_threadsafe(go_on.wait, DEADLINE)
        self._stack.callback(go_on.set)
        return go_on.set
