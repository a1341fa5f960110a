"""A scripted server, clients that are closed in the end, and calls made beside the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from threading import Event
from time import monotonic
from typing import Any, TypeVar

import pytest

from agenda.client import Client, State
from tests.client.server import PATIENCE, SESSION, Peer, ScriptedServer

T = TypeVar("T")
Connect = Callable[..., Client]
Later = Callable[..., Future[Any]]


class States:
    """What a client's on_state was told, in order."""

    def __init__(self) -> None:
        self._told: SimpleQueue[State] = SimpleQueue()

    def __call__(self, state: State) -> None:
        self._told.put(state)

    def next(self) -> State:
        return self._told.get(timeout=PATIENCE)


def asked(client: Client) -> None:
    """Wait until a call that another thread makes has reached the client's own thread."""
    end = monotonic() + PATIENCE
    while not client._link._dialogue.waiting:
        assert monotonic() < end
        Event().wait(0.001)


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    scripted = ScriptedServer()
    yield scripted
    scripted.close()


@pytest.fixture
def later() -> Iterator[Later]:
    """Makes a call in another thread; gives its future."""
    with ThreadPoolExecutor(32) as pool:
        yield pool.submit


@pytest.fixture
def connect(server: ScriptedServer, later: Later) -> Iterator[Connect]:
    """Makes clients of the scripted server."""
    clients: list[Client] = []

    def make(**options: Any) -> Client:
        clients.append(Client("127.0.0.1", server.port, **{"timeout": PATIENCE, **options}))
        return clients[-1]

    yield make
    server.close()
    for client in clients:
        client.close()


@pytest.fixture
def states() -> States:
    return States()


@pytest.fixture
def client(connect: Connect, states: States) -> Client:
    """A client on its way to the scripted server."""
    return connect(on_state=states)


@pytest.fixture
def peer(client: Client, server: ScriptedServer, later: Later, states: States) -> Peer:
    """The server's end of that client's connection, with ana signed in."""
    peer = server.take().greet()
    signing_in = later(client.sign_in, "ana", "secret")
    peer.answer(peer.hear("session.open"), SESSION)
    signing_in.result(PATIENCE)
    assert states.next() is State.ONLINE
    return peer
