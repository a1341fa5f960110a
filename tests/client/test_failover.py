"""Several servers of one agenda: when the client goes on with another, and what comes along."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from queue import SimpleQueue
from time import monotonic
from typing import TYPE_CHECKING, Any

import pytest

from agenda.client import Client, State, Unavailable
from tests.client.server import PATIENCE, PONG, SESSION, Peer, ScriptedServer, booking, slot

if TYPE_CHECKING:
    from agenda.client import Watch
    from agenda.wire import SlotChange
    from tests.client.conftest import Later, States

DAY = date(2026, 11, 23)
TEN = datetime(2026, 11, 23, 13, tzinfo=UTC)
PICTURE = {"watch": "w1", "version": 9, "slots": [slot(10)]}
OTHER_PICTURE = {"watch": "w1", "version": 2, "slots": [slot(10, "taken")]}

Join = Callable[..., tuple[Client, Peer]]


@pytest.fixture
def other() -> Iterator[ScriptedServer]:
    """The second server of the agenda; the first is `server`."""
    scripted = ScriptedServer()
    yield scripted
    scripted.close()


@pytest.fixture
def join(server: ScriptedServer, other: ScriptedServer, later: Later, states: States) -> Iterator[Join]:
    """Makes a client that knows both servers, with ana signed in at the first; gives the first one's end too."""
    clients: list[Client] = []

    def make(**options: Any) -> tuple[Client, Peer]:
        named = {"timeout": PATIENCE, "on_state": states, "addresses": [("127.0.0.1", other.port)], **options}
        client = Client("127.0.0.1", server.port, **named)
        clients.append(client)
        peer = server.take().greet()
        signing_in = later(client.sign_in, "ana", "secret")
        peer.answer(peer.hear("session.open"), SESSION)
        signing_in.result(PATIENCE)
        assert states.next() is State.ONLINE
        return client, peer

    yield make
    server.close()
    other.close()
    for client in clients:
        client.close()


def watch(client: Client, peer: Peer, later: Later) -> SimpleQueue[SlotChange]:
    """Watch the day; gives what the callback is told."""
    changes: SimpleQueue[SlotChange] = SimpleQueue()
    watching = later(client.watch, DAY, changes.put)
    peer.answer(peer.hear("slot.watch"), PICTURE)
    _: Watch = watching.result(PATIENCE)
    return changes


def test_calls_under_way_at_a_server_that_dies_are_answered_by_the_other(
    join: Join, other: ScriptedServer, later: Later
) -> None:
    client, peer = join()
    asking = [later(client.book, TEN, note="first")]
    first = peer.hear("booking.create")
    peer.cut()
    second = other.take().greet_again()
    again = second.hear("booking.create")
    second.answer(again, booking())
    assert asking[0].result(PATIENCE).id == "b1"
    assert again["params"] == first["params"]


def test_it_stays_with_the_other_when_the_first_is_back(join: Join, other: ScriptedServer, later: Later) -> None:
    client, peer = join()
    peer.cut()
    second = other.take().greet_again()
    for _ in range(3):
        asking = later(client.ping)
        second.answer(second.hear("ping"), PONG)
        asking.result(PATIENCE)
    assert client.server == ("127.0.0.1", other.port)


def test_what_is_asked_after_a_server_has_said_that_it_stops_goes_to_the_other(
    join: Join, other: ScriptedServer, later: Later
) -> None:
    client, peer = join()
    under_way = later(client.book, TEN)
    call = peer.hear("booking.create")
    peer.notify("server.stopping")
    peer.notify("slot.changed", watch="nobody's", version=1, slots=[])
    peer.hear("slot.unwatch")  # so the news before it has been read
    asked_late = later(client.bookings)
    peer.answer(call, booking())
    assert under_way.result(PATIENCE).id == "b1"
    peer.cut()
    second = other.take().greet_again()
    second.answer(second.hear("booking.list"), {"bookings": []})
    assert asked_late.result(PATIENCE) == []


def test_what_a_stopping_server_refuses_is_asked_of_the_other(join: Join, other: ScriptedServer, later: Later) -> None:
    client, peer = join()
    asking = later(client.book, TEN)
    call = peer.hear("booking.create")
    peer.notify("server.stopping")
    peer.refuse(call, "unavailable", retry_after=3600)
    peer.cut()
    second = other.take().greet_again()
    second.answer(second.hear("booking.create"), booking())
    assert asking.result(PATIENCE).id == "b1"


def test_a_server_that_falls_silent_over_a_call_is_left_within_a_third_of_the_idle_time(
    join: Join, other: ScriptedServer, later: Later
) -> None:
    client, peer = join(idle=6.0)
    began = monotonic()
    asking = later(client.book, TEN)
    call = peer.hear("booking.create")
    peer.hear("ping")
    second = other.take().greet_again()
    assert 2.0 <= monotonic() - began < 6.0
    again = second.hear("booking.create")
    assert again["params"] == call["params"]
    second.answer(again, booking())
    assert asking.result(PATIENCE).id == "b1"


def test_a_server_that_is_there_and_does_not_get_a_command_done_is_left(
    join: Join, other: ScriptedServer, later: Later
) -> None:
    client, peer = join(idle=2.4)
    asking = later(client.book, TEN)
    call = peer.hear("booking.create")
    peer.answer(peer.hear("ping"), PONG)
    second = other.take().greet_again()
    again = second.hear("booking.create")
    assert again["params"] == call["params"]
    second.answer(again, booking())
    assert asking.result(PATIENCE).id == "b1"


def test_a_server_that_takes_its_time_over_a_long_answer_is_not_left(join: Join, later: Later) -> None:
    client, peer = join(idle=2.4)
    asking = later(client.bookings)
    call = peer.hear("booking.list")
    for _ in range(3):
        peer.hear("ping")
        peer.say_bytes(b"\n")  # as half an answer would
    peer.answer(call, {"bookings": []})
    assert asking.result(PATIENCE) == []


def test_a_server_that_falls_silent_while_nothing_is_asked_is_left_too(join: Join, other: ScriptedServer) -> None:
    _, peer = join(idle=1.5)
    peer.hear("ping")
    assert other.take().greet_again()


def test_a_server_that_takes_connections_and_greets_nobody_is_passed_over(
    server: ScriptedServer, other: ScriptedServer, later: Later
) -> None:
    addresses = [("127.0.0.1", other.port)]
    with Client("127.0.0.1", server.port, addresses=addresses, idle=1.5, timeout=PATIENCE) as client:
        pinging = later(client.ping)
        server.take()
        second = other.take().greet()
        second.answer(second.hear("ping"), PONG)
        assert pinging.result(PATIENCE).version == "1.0"


def test_a_server_that_checks_a_password_is_given_its_time(join: Join, later: Later) -> None:
    client, peer = join(idle=2.4)
    signing_in = later(client.sign_in, "bia", "secret")
    call = peer.hear("session.open")
    peer.hear("ping")  # after the idle time, not after a sixth of it
    peer.answer(call, {**SESSION, "token": "token-of-bia"})
    assert signing_in.result(PATIENCE).token == "token-of-bia"


def test_a_server_that_lost_its_data_is_left_for_the_other(
    join: Join, other: ScriptedServer, later: Later, states: States
) -> None:
    client, peer = join()
    changes = watch(client, peer, later)
    peer.notify("store.changed", available=False)
    second = other.take().greet_again()
    second.answer(second.hear("slot.watch"), OTHER_PICTURE)
    change = changes.get(timeout=PATIENCE)
    assert (change.complete, change.version, change.slots[0].state) == (True, 2, "taken")
    assert [states.next(), states.next()] == [State.AWAY, State.ONLINE]


def test_a_server_that_refuses_a_call_twice_as_unavailable_is_left_for_the_other(
    join: Join, other: ScriptedServer, later: Later
) -> None:
    client, peer = join()
    asking = later(client.book, TEN)
    for _ in range(2):
        call = peer.hear("booking.create")
        peer.refuse(call, "unavailable", retry_after=0.01)
    second = other.take().greet_again()
    again = second.hear("booking.create")
    assert again["params"] == call["params"]
    second.answer(again, booking())
    assert asking.result(PATIENCE).id == "b1"


def test_a_server_that_was_busy_once_is_not_left(join: Join, later: Later, server: ScriptedServer) -> None:
    client, peer = join()
    asking = later(client.book, TEN)
    peer.refuse(peer.hear("booking.create"), "unavailable", retry_after=0.01)
    peer.answer(peer.hear("booking.create"), booking())
    assert asking.result(PATIENCE).id == "b1"
    assert client.server == ("127.0.0.1", server.port)


def test_a_server_that_cannot_look_the_session_up_is_passed_over(
    join: Join, server: ScriptedServer, other: ScriptedServer, later: Later
) -> None:
    client, peer = join()
    peer.cut()
    second = other.take()
    second.refuse(second.hear("session.resume"), "unavailable", retry_after=60)
    first = server.take().greet_again()
    asking = later(client.bookings)
    first.answer(first.hear("booking.list"), {"bookings": []})
    assert asking.result(PATIENCE) == []


def test_when_no_server_can_a_call_ends_as_unavailable_with_its_request(
    join: Join, server: ScriptedServer, other: ScriptedServer, later: Later
) -> None:
    client, peer = join(timeout=2.0)
    asking = later(client.book, TEN, request="q1")
    for _ in range(2):
        peer.refuse(peer.hear("booking.create"), "unavailable", retry_after=0.01)
    second = other.take()
    second.refuse(second.hear("session.resume"), "unavailable", retry_after=0.01)
    server.shut()
    with pytest.raises(Unavailable) as refusal:
        asking.result(PATIENCE)
    assert refusal.value.request == "q1"


def test_as_long_as_one_server_answers_without_its_data_the_data_are_what_is_away(
    join: Join, server: ScriptedServer, other: ScriptedServer, states: States, later: Later
) -> None:
    client, peer = join()
    watch(client, peer, later)
    other.shut()
    peer.notify("store.changed", available=False)
    first = server.take()
    first.refuse(first.hear("session.resume"), "unavailable", retry_after=0.01)
    again = server.take().greet_again()
    again.answer(again.hear("slot.watch"), PICTURE)
    assert [states.next(), states.next()] == [State.AWAY, State.ONLINE]


def test_the_only_server_is_kept_while_its_data_are_away(
    client: Client, peer: Peer, later: Later, states: States
) -> None:
    watch(client, peer, later)
    peer.notify("store.changed", available=False)
    assert states.next() is State.AWAY
    peer.notify("store.changed", available=True)
    assert states.next() is State.ONLINE


def test_the_only_server_that_cannot_look_the_session_up_is_without_its_data(
    client: Client, peer: Peer, server: ScriptedServer, states: States
) -> None:
    peer.cut()
    again = server.take()
    again.refuse(again.hear("session.resume"), "unavailable", retry_after=0.01)
    again.greet_again()
    assert [states.next(), states.next(), states.next()] == [State.OFFLINE, State.AWAY, State.ONLINE]


def test_the_client_is_online_again_only_when_its_pictures_cannot_be_older_than_those_it_had(
    join: Join, other: ScriptedServer, later: Later, states: States, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agenda.client.standing.ABREAST", 0.3)
    client, peer = join()
    watch(client, peer, later)
    heard_last = monotonic()
    peer.cut()
    second = other.take().greet_again()
    second.answer(second.hear("slot.watch"), OTHER_PICTURE)
    assert [states.next(), states.next()] == [State.OFFLINE, State.ONLINE]
    assert monotonic() - heard_last >= 0.25


def test_the_client_is_not_online_before_its_pictures_are_there(
    join: Join, other: ScriptedServer, later: Later, states: States
) -> None:
    client, peer = join()
    watch(client, peer, later)
    peer.cut()
    second = other.take().greet_again()
    call = second.hear("slot.watch")
    asking = later(client.ping)
    second.answer(second.hear("ping"), PONG)
    asking.result(PATIENCE)
    assert states.next() is State.OFFLINE
    assert client.state is State.OFFLINE
    second.answer(call, OTHER_PICTURE)
    assert states.next() is State.ONLINE


def test_every_address_of_a_name_is_tried(
    server: ScriptedServer, other: ScriptedServer, later: Later, monkeypatch: pytest.MonkeyPatch
) -> None:
    def look_up(host: str, port: int, **_: object) -> list[Any]:
        both = [("127.0.0.1", server.port), ("127.0.0.1", other.port)]
        return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", address) for address in both]

    monkeypatch.setattr("agenda.client.route.socket.getaddrinfo", look_up)
    with Client("agenda.example", 8888, idle=1.5, timeout=PATIENCE) as client:
        pinging = later(client.ping)
        server.take()  # and says nothing
        second = other.take().greet()
        second.answer(second.hear("ping"), PONG)
        assert pinging.result(PATIENCE).version == "1.0"
