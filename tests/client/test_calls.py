"""Calls and answers over one connection that holds."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest

from agenda.client import (
    AgendaError,
    Disconnected,
    Internal,
    Invalid,
    RateLimited,
    SlotTaken,
    Unavailable,
    new_request,
)
from agenda.wire import AuditEntry, Service, SlotList
from tests.client.server import PATIENCE, PONG, SESSION, booking, slot

if TYPE_CHECKING:
    from agenda.client import Client
    from tests.client.conftest import Connect, Later
    from tests.client.server import Peer, ScriptedServer

DAY = date(2026, 11, 23)
TEN = datetime(2026, 11, 23, 13, tzinfo=UTC)


def test_a_day_is_asked_for_by_name_and_read_into_values(client: Client, peer: Peer, later: Later) -> None:
    asking = later(client.slots, DAY, resource="r")
    call = peer.hear("slot.list")
    peer.answer(call, {"day": "2026-11-23", "timezone": "America/Sao_Paulo", "version": 7, "slots": [slot(10, "mine")]})
    picture: SlotList = asking.result(PATIENCE)
    assert call["params"] == {"day": "2026-11-23", "resource": "r"}
    assert (picture.version, picture.slots[0].state, picture.slots[0].start) == (7, "mine", TEN)


def test_fields_of_a_newer_server_are_ignored(client: Client, peer: Peer, later: Later) -> None:
    asking = later(client.services)
    peer.answer(peer.hear("service.list"), {"services": [{"id": "s", "name": "Cut", "duration": 60, "price": 5}]})
    assert asking.result(PATIENCE) == [Service("s", "Cut", 60)]


def test_a_booking_carries_a_request_of_its_own(client: Client, peer: Peer, later: Later) -> None:
    asking = later(client.book, TEN)
    call = peer.hear("booking.create")
    peer.answer(call, booking())
    assert asking.result(PATIENCE).code == "KX7P"
    assert 1 <= len(call["params"]["request"]) <= 64


def test_a_request_given_by_the_caller_is_the_one_that_is_sent(client: Client, peer: Peer, later: Later) -> None:
    request = new_request()
    asking = later(client.cancel, "b1", request=request)
    call = peer.hear("booking.cancel")
    peer.answer(call, booking(status="cancelled"))
    assert asking.result(PATIENCE).status == "cancelled"
    assert call["params"] == {"booking": "b1", "request": request}


def test_a_start_without_offset_is_sent_as_wall_time(client: Client, peer: Peer, later: Later) -> None:
    asking = later(client.move, "b1", datetime(2026, 11, 23, 10))  # noqa: DTZ001  # the point
    call = peer.hear("booking.move")
    peer.answer(call, booking())
    asking.result(PATIENCE)
    assert call["params"]["start"] == "2026-11-23T10:00:00"


def test_the_log_comes_in_pages(client: Client, peer: Peer, later: Later) -> None:
    asking = later(client.log, limit=1)
    entry = {
        "id": "e9",
        "at": "2026-11-22T09:00:00-03:00",
        "actor": "ana",
        "action": "booking.create",
        "outcome": "ok",
    }
    peer.answer(peer.hear("audit.list"), {"entries": [entry], "before": "e9"})
    page = asking.result(PATIENCE)
    at = datetime(2026, 11, 22, 12, tzinfo=UTC)
    assert page.entries == (AuditEntry("e9", at, "ana", "booking.create", "ok"),)
    assert page.before == "e9"


def test_a_refusal_is_raised_with_its_sentence_and_facts(client: Client, peer: Peer, later: Later) -> None:
    asking = later(client.book, TEN, request="q1")
    peer.refuse(peer.hear("booking.create"), "slot_taken", resource="r", start="2026-11-23T10:00:00-03:00")
    with pytest.raises(SlotTaken) as refusal:
        asking.result(PATIENCE)
    assert refusal.value.facts == {"resource": "r", "start": "2026-11-23T10:00:00-03:00"}
    assert (refusal.value.message, refusal.value.request) == ("no: slot_taken", "q1")


def test_a_refusal_that_only_newer_clients_know_keeps_its_code(client: Client, peer: Peer, later: Later) -> None:
    asking = later(client.bookings)
    peer.refuse(peer.hear("booking.list"), "moon_phase", phase="full")
    with pytest.raises(AgendaError) as refusal:
        asking.result(PATIENCE)
    assert (refusal.value.code, refusal.value.facts) == ("moon_phase", {"phase": "full"})


def test_an_unknown_method_is_an_error_with_a_code(client: Client, peer: Peer, later: Later) -> None:
    asking = later(client.bookings)
    call = peer.hear("booking.list")
    peer.say({"jsonrpc": "2.0", "id": call["id"], "error": {"code": -32601, "message": "no such method"}})
    with pytest.raises(AgendaError) as refusal:
        asking.result(PATIENCE)
    assert refusal.value.code == "rpc-32601"


def test_an_answer_of_another_shape_is_an_internal_error(client: Client, peer: Peer, later: Later) -> None:
    asking = later(client.book, TEN)
    peer.answer(peer.hear("booking.create"), {"id": "b1"})
    with pytest.raises(Internal):
        asking.result(PATIENCE)


def test_too_long_a_line_is_refused_before_it_is_sent(client: Client, peer: Peer) -> None:
    with pytest.raises(Invalid):
        client.book(TEN, note="x" * 70_000)


def test_answers_may_come_in_any_order_to_many_threads(client: Client, peer: Peer, later: Later) -> None:
    def book_ten(who: int) -> list[str | None]:
        return [client.book(TEN, note=f"{who}: {turn}").note for turn in range(10)]

    asking = [later(book_ten, who) for who in range(16)]
    for turn in range(10):
        calls = [peer.hear("booking.create") for _ in asking]
        random.Random(turn).shuffle(calls)
        for call in calls:
            peer.answer(call, booking(note=call["params"]["note"]))
    expected = [[f"{who}: {turn}" for turn in range(10)] for who in range(16)]
    assert [future.result(PATIENCE) for future in asking] == expected


def test_an_unavailable_server_is_asked_again_with_the_same_request(client: Client, peer: Peer, later: Later) -> None:
    asking = later(client.book, TEN)
    first = peer.hear("booking.create")
    peer.refuse(first, "unavailable", retry_after=0.1)
    second = peer.hear("booking.create")
    peer.answer(second, booking())
    assert asking.result(PATIENCE).id == "b1"
    assert second["params"] == first["params"]


def test_an_unavailable_server_is_not_asked_again_after_the_deadline(client: Client, peer: Peer, later: Later) -> None:
    asking = later(client.book, TEN, request="q1")
    peer.refuse(peer.hear("booking.create"), "unavailable", retry_after=3600)
    with pytest.raises(Unavailable) as refusal:
        asking.result(PATIENCE)
    assert (refusal.value.request, refusal.value.facts) == ("q1", {"retry_after": 3600})


def test_unavailable_stands_as_the_last_word_of_a_server_that_was_asked_again_and_says_nothing(
    connect: Connect, server: ScriptedServer, later: Later
) -> None:
    client = connect(timeout=1.0)
    peer = server.take().greet()
    asking = later(client.book, TEN, request="q1")
    peer.refuse(peer.hear("booking.create"), "unavailable", retry_after=0.01)
    peer.hear("booking.create")
    with pytest.raises(Unavailable) as refusal:
        asking.result(PATIENCE)
    assert refusal.value.request == "q1"


def test_other_refusals_are_not_asked_again(client: Client, peer: Peer, later: Later) -> None:
    asking = later(client.sign_in, "ana", "guess")
    peer.refuse(peer.hear("session.open"), "rate_limited", retry_after=0.01)
    with pytest.raises(RateLimited):
        asking.result(PATIENCE)
    pinging = later(client.ping)
    peer.answer(peer.hear("ping"), PONG)
    assert pinging.result(PATIENCE).version == "1.0"


def test_without_an_answer_the_caller_is_told_in_time_and_learns_the_request(
    connect: Connect, server: ScriptedServer, later: Later
) -> None:
    client = connect(timeout=1.0)
    peer = server.take().greet()
    asking = later(client.book, TEN)
    call = peer.hear("booking.create")
    with pytest.raises(Disconnected) as problem:
        asking.result(PATIENCE)
    assert problem.value.sent
    assert problem.value.request == call["params"]["request"]


def test_an_answer_that_comes_too_late_harms_nobody(connect: Connect, server: ScriptedServer, later: Later) -> None:
    client = connect(timeout=1.5)
    peer = server.take().greet()
    asking = later(client.book, TEN)
    late = peer.hear("booking.create")
    pinging = later(client.ping)
    peer.answer(peer.hear("ping"), PONG)  # so that the line is not taken for dead
    pinging.result(PATIENCE)
    with pytest.raises(Disconnected):
        asking.result(PATIENCE)
    peer.answer(late, booking())
    pinging = later(client.ping)
    peer.answer(peer.hear("ping"), PONG)
    assert pinging.result(PATIENCE).version == "1.0"


def test_erasing_gives_the_receipt(client: Client, peer: Peer, later: Later) -> None:
    asking = later(client.erase, "secret")
    peer.answer(peer.hear("user.erase"), {"receipt": {"at": "2026-11-23T08:00:00-03:00", "bookings": 3}})
    assert asking.result(PATIENCE).receipt["bookings"] == 3


def test_a_token_does_not_show_in_the_representation_of_a_session(client: Client, peer: Peer, later: Later) -> None:
    asking = later(client.resume, "token-of-ana")
    peer.answer(peer.hear("session.resume"), SESSION)
    assert "token-of-ana" not in repr(asking.result(PATIENCE))
