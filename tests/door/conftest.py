"""A running door before a fake engine."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from queue import Queue
from threading import Event, Thread
from typing import Any

import pytest

from agenda.doors.rpc import server
from agenda.doors.rpc.limits import Limits
from agenda.doors.rpc.server import RpcServer

from .fakes import DEADLINE, FakeEngine, Peer
from .proxied import ProxiedHouse


class House:
    """A running door before a fake engine, and its clients."""

    def __init__(self, engine: FakeEngine, limits: Limits, stack: ExitStack) -> None:
        self.engine = engine
        self.presence: Queue[tuple[str, int]] = Queue()
        self.incidents: list[BaseException] = []
        self.server = RpcServer(
            engine.as_engine(),
            port=0,
            limits=limits,
            presence=lambda event, peer, connections: self.presence.put((event, connections)),
            incident=self._incident,
        )
        self.server.start()
        self._stack = stack

    def _incident(self, error: BaseException) -> str:
        self.incidents.append(error)
        return "f00d"

    def stop_beside(self) -> Callable[[], None]:
        """Begin to stop the server on another thread; call the result to wait for its end."""
        thread = Thread(target=self.server.stop)
        thread.start()
        return thread.join

    def later(self, seconds: float) -> None:
        """Have every connection look at its times as if so many seconds had passed since it last did."""
        done = Event()

        def look() -> None:
            now = self.server.loop.time()
            for when in (now, now + seconds):
                for connection in list(self.server._connections):
                    connection.check(when)
            done.set()

        self.server.loop.call_soon_threadsafe(look)
        assert done.wait(DEADLINE)

    def peer(self, receive_buffer: int | None = None) -> Peer:
        peer = Peer(self.server.addresses[0], receive_buffer)
        self._stack.callback(peer.close)
        return peer


@pytest.fixture
def open_house() -> Iterator[Callable[..., House]]:
    """Makes a door that is closed when the test ends."""
    with ExitStack() as stack:

        def make(*holds: str, limits: Limits | None = None) -> House:
            house = House(FakeEngine(*holds), limits or Limits(linger=0.2, stop=0.5), stack)
            stack.callback(house.server.stop)
            stack.callback(house.engine.release)
            return house

        yield make


@pytest.fixture
def house(open_house: Callable[..., House]) -> House:
    return open_house()


@pytest.fixture(params=["loop of the platform", "loop of the library"])
def open_proxied(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., ProxiedHouse]]:
    """Makes doors behind proxies that are closed when the test ends, on either event loop; none may show a defect."""
    if request.param == "loop of the library":
        monkeypatch.setattr(server, "loops", asyncio)
    houses: list[ProxiedHouse] = []
    with ExitStack() as stack:

        def make(**options: Any) -> ProxiedHouse:
            houses.append(ProxiedHouse(stack, **options))
            return houses[-1]

        yield make
    assert [house.incidents for house in houses] == [[]] * len(houses)
