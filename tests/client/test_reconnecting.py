"""Connections that break: what is sent again, in what order, and what callers learn."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest

from agenda.client import Client, Disconnected, NotSignedIn, State
from tests.client.server import PATIENCE, PONG, SESSION, booking

if TYPE_CHECKING:
    from tests.client.conftest import Connect, Later, States
    from tests.client.server import Peer, ScriptedServer

DAY = date(2026, 11, 23)
TEN = datetime(2026, 11, 23, 13, tzinfo=UTC)


def test_a_call_whose_answer_was_lost_is_sent_again_with_its_request(
    client: Client, peer: Peer, server: ScriptedServer, later: Later
) -> None:
    asking = later(client.book, TEN)
    first = peer.hear("booking.create")
    peer.cut()
    again = server.take().greet_again()
    second = again.hear("booking.create")
    again.answer(second, booking())
    assert asking.result(PATIENCE).id == "b1"
    assert second["params"] == first["params"]


def test_an_answer_that_was_cut_in_the_middle_counts_as_lost(
    client: Client, peer: Peer, server: ScriptedServer, later: Later
) -> None:
    asking = later(client.book, TEN)
    call = peer.hear("booking.create")
    peer.say_bytes(b'{"jsonrpc":"2.0","id":%d,"result":{"id":"b1"' % call["id"])
    peer.cut()
    again = server.take().greet_again()
    again.answer(again.hear("booking.create"), booking())
    assert asking.result(PATIENCE).id == "b1"


def test_an_answer_before_the_cut_is_not_asked_for_again(
    client: Client, peer: Peer, server: ScriptedServer, later: Later
) -> None:
    asking = later(client.book, TEN)
    peer.answer(peer.hear("booking.create"), booking())
    peer.cut()
    assert asking.result(PATIENCE).id == "b1"
    again = server.take().greet_again()
    pinging = later(client.ping)
    again.answer(again.hear("ping"), PONG)
    assert pinging.result(PATIENCE).version == "1.0"


def test_unanswered_calls_are_sent_again_in_their_order(
    client: Client, peer: Peer, server: ScriptedServer, later: Later
) -> None:
    asking = []
    for number in range(5):
        asking.append(later(client.book, TEN, note=f"note {number}"))
        peer.hear("booking.create")
    asking.append(later(client.slots, DAY))
    peer.hear("slot.list")
    peer.cut()
    again = server.take().greet_again()
    heard = [again.hear() for _ in asking]
    for call in heard[:5]:
        again.answer(call, booking(note=call["params"]["note"]))
    again.answer(heard[5], {"day": "2026-11-23", "timezone": "UTC", "version": 1, "slots": []})
    assert [call["params"].get("note", "") for call in heard] == [*(f"note {n}" for n in range(5)), ""]
    assert [future.result(PATIENCE).note for future in asking[:5]] == [f"note {n}" for n in range(5)]


def test_calls_made_while_the_server_is_away_are_answered_when_it_is_back(
    client: Client, peer: Peer, server: ScriptedServer, later: Later, states: States
) -> None:
    server.shut()
    peer.cut()
    assert states.next() is State.OFFLINE
    asking = later(client.book, TEN)
    server.open()
    again = server.take().greet_again()
    again.answer(again.hear("booking.create"), booking())
    assert asking.result(PATIENCE).id == "b1"
    assert states.next() is State.ONLINE


def test_a_server_that_stays_away_costs_the_caller_no_more_than_his_time(
    connect: Connect, server: ScriptedServer, states: States
) -> None:
    client = connect(timeout=0.3, on_state=states)
    peer = server.take().greet()
    assert states.next() is State.ONLINE
    server.shut()
    peer.cut()
    assert states.next() is State.OFFLINE
    with pytest.raises(Disconnected) as problem:
        client.book(TEN, request="q1")
    assert (problem.value.request, problem.value.sent) == ("q1", False)


def test_a_server_that_never_was_there_fails_the_call_at_once(server: ScriptedServer) -> None:
    server.shut()
    with Client("127.0.0.1", server.port, timeout=3600) as client, pytest.raises(Disconnected) as problem:
        client.ping()
    assert not problem.value.sent
    assert isinstance(problem.value.__cause__, OSError)


def test_an_address_that_cannot_be_one_fails_the_call_at_once() -> None:
    with Client("no..such host", 8888, timeout=3600) as client, pytest.raises(Disconnected):
        client.ping()


def test_another_address_is_tried_where_the_first_does_not_answer(server: ScriptedServer, later: Later) -> None:
    nobody = type(server)()
    nobody.shut()
    addresses = [("127.0.0.1", server.port)]
    with Client("127.0.0.1", nobody.port, addresses=addresses, timeout=PATIENCE) as client:
        pinging = later(client.ping)
        peer = server.take().greet()
        peer.answer(peer.hear("ping"), PONG)
        assert pinging.result(PATIENCE).version == "1.0"


def test_an_unavailable_server_at_the_greeting_is_greeted_again(
    client: Client, peer: Peer, server: ScriptedServer, later: Later
) -> None:
    asking = later(client.book, TEN)
    peer.hear("booking.create")
    peer.cut()
    again = server.take()
    again.refuse(again.hear("session.resume"), "unavailable", retry_after=0.05)
    again.greet_again()
    again.answer(again.hear("booking.create"), booking())
    assert asking.result(PATIENCE).id == "b1"


def test_a_refused_token_is_told_to_callers_and_as_state(
    client: Client, peer: Peer, server: ScriptedServer, later: Later, states: States
) -> None:
    asking = later(client.book, TEN, request="q1")
    peer.hear("booking.create")
    peer.cut()
    server.take().refuse_token()
    with pytest.raises(NotSignedIn) as refusal:
        asking.result(PATIENCE)
    assert refusal.value.request == "q1"
    assert [states.next(), states.next()] == [State.OFFLINE, State.SIGNED_OUT]


def test_after_a_refused_token_one_signs_in_on_the_same_client(
    client: Client, peer: Peer, server: ScriptedServer, later: Later, states: States
) -> None:
    peer.cut()
    again = server.take().refuse_token()
    assert [states.next(), states.next()] == [State.OFFLINE, State.SIGNED_OUT]
    signing_in = later(client.sign_in, "ana", "secret")
    again.answer(again.hear("session.open"), SESSION)
    assert signing_in.result(PATIENCE).user.name == "ana"
    assert states.next() is State.ONLINE


def test_a_lost_session_stays_lost_over_another_reconnect(
    client: Client, peer: Peer, server: ScriptedServer, states: States
) -> None:
    peer.cut()
    again = server.take().refuse_token()
    assert [states.next(), states.next()] == [State.OFFLINE, State.SIGNED_OUT]
    again.cut()
    server.take().greet()
    assert [states.next(), states.next()] == [State.OFFLINE, State.SIGNED_OUT]


def test_a_stranger_token_that_is_refused_leaves_the_session_as_it_is(
    client: Client, peer: Peer, server: ScriptedServer, later: Later
) -> None:
    resuming = later(client.resume, "token-of-nobody")
    peer.refuse(peer.hear("session.resume"), "not_signed_in")
    with pytest.raises(NotSignedIn):
        resuming.result(PATIENCE)
    peer.cut()
    assert server.take().greet_again()


def test_a_session_that_ends_elsewhere_is_told_to_callers_and_as_state(
    client: Client, peer: Peer, later: Later, states: States
) -> None:
    asking = later(client.bookings)
    peer.refuse(peer.hear("booking.list"), "not_signed_in")
    with pytest.raises(NotSignedIn):
        asking.result(PATIENCE)
    assert states.next() is State.SIGNED_OUT


def test_a_call_is_never_sent_again_in_the_name_of_another_user(client: Client, peer: Peer, later: Later) -> None:
    booking_as_ana = later(client.book, TEN)
    call = peer.hear("booking.create")
    signing_in = later(client.sign_in, "bia", "secret")
    peer.answer(peer.hear("session.open"), {**SESSION, "token": "token-of-bia"})
    signing_in.result(PATIENCE)
    peer.refuse(call, "unavailable", retry_after=0.01)
    with pytest.raises(NotSignedIn):
        booking_as_ana.result(PATIENCE)


def test_an_erasure_whose_answer_was_lost_gives_its_receipt_without_a_session(
    client: Client, peer: Peer, server: ScriptedServer, later: Later
) -> None:
    asking = later(client.erase, "secret")
    first = peer.hear("user.erase")
    peer.cut()
    again = server.take().refuse_token()
    second = again.hear("user.erase")
    again.answer(second, {"receipt": {"bookings": 2}})
    assert asking.result(PATIENCE).receipt == {"bookings": 2}
    assert second["params"] == first["params"]


def test_an_erasure_is_never_sent_again_in_the_session_of_another_user(
    client: Client, peer: Peer, later: Later
) -> None:
    erasing_ana = later(client.erase, "the same password")
    call = peer.hear("user.erase")
    signing_in = later(client.sign_in, "bia", "the same password")
    peer.answer(peer.hear("session.open"), {**SESSION, "token": "token-of-bia"})
    signing_in.result(PATIENCE)
    peer.refuse(call, "unavailable", retry_after=0.01)
    with pytest.raises(NotSignedIn):
        erasing_ana.result(PATIENCE)


def test_an_erasure_that_explains_the_lost_session_is_no_news(
    client: Client, peer: Peer, server: ScriptedServer, later: Later, states: States
) -> None:
    asking = later(client.erase, "secret")
    peer.hear("user.erase")
    peer.cut()
    again = server.take().refuse_token()
    again.answer(again.hear("user.erase"), {"receipt": {}})
    asking.result(PATIENCE)
    client.close()
    assert [states.next(), states.next(), states.next()] == [State.OFFLINE, State.ONLINE, State.CLOSED]


def test_signing_out_has_succeeded_when_the_token_is_gone_after_a_lost_answer(
    client: Client, peer: Peer, server: ScriptedServer, later: Later
) -> None:
    asking = later(client.sign_out)
    peer.hear("session.close")
    peer.cut()
    server.take().refuse_token()
    asking.result(PATIENCE)


def test_after_signing_out_the_client_comes_back_without_a_session(
    client: Client, peer: Peer, server: ScriptedServer, later: Later
) -> None:
    asking = later(client.sign_out)
    peer.answer(peer.hear("session.close"), {})
    asking.result(PATIENCE)
    peer.cut()
    assert server.take().greet()


def test_a_sign_in_that_ran_out_of_time_leaves_a_fresh_connection(
    connect: Connect, server: ScriptedServer, later: Later
) -> None:
    client = connect(timeout=1.0)
    peer = server.take().greet()
    signing_in = later(client.sign_in, "ana", "secret")
    peer.hear("session.open")
    with pytest.raises(Disconnected):
        signing_in.result(PATIENCE)
    assert peer.hung_up()
    assert server.take().greet()
