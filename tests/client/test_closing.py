"""The end of a client: threads, waiting callers, callbacks."""

from __future__ import annotations

import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING

import pytest

from agenda.client import Client, Disconnected, State
from tests.client.server import PATIENCE

if TYPE_CHECKING:
    from tests.client.conftest import Later, States
    from tests.client.server import Peer, ScriptedServer


def own_threads() -> set[str]:
    return {thread.name for thread in threading.enumerate() if thread.name.startswith("agenda-")}


def test_closing_ends_the_threads_and_the_connection(client: Client, peer: Peer) -> None:
    client.close()
    assert peer.hung_up()
    assert own_threads() == set()


def test_closing_wakes_callers_who_wait(client: Client, peer: Peer, later: Later) -> None:
    asking = later(client.cancel, "b1", request="q1")
    peer.hear("booking.cancel")
    client.close()
    with pytest.raises(Disconnected) as problem:
        asking.result(PATIENCE)
    assert (problem.value.request, problem.value.sent) == ("q1", True)


def test_a_closed_client_refuses_calls(client: Client, peer: Peer) -> None:
    client.close()
    with pytest.raises(Disconnected):
        client.ping()


def test_closing_twice_does_nothing_more(client: Client, peer: Peer) -> None:
    client.close()
    client.close()
    assert client.state is State.CLOSED


def test_the_last_state_is_told(client: Client, peer: Peer, states: States) -> None:
    client.close()
    assert states.next() is State.CLOSED


def test_a_client_without_a_server_can_be_closed(server: ScriptedServer) -> None:
    server.shut()
    with Client("127.0.0.1", server.port):
        pass
    assert own_threads() == set()


def test_a_callback_may_close_the_client(server: ScriptedServer) -> None:
    clients: SimpleQueue[Client] = SimpleQueue()
    closed = threading.Event()

    def close(state: State) -> None:
        if state is State.ONLINE:
            clients.get(timeout=PATIENCE).close()
            closed.set()

    clients.put(Client("127.0.0.1", server.port, on_state=close))
    peer = server.take().greet()
    assert closed.wait(PATIENCE)
    assert peer.hung_up()
