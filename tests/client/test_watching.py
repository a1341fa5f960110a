"""Watches: the first picture, the changes, and the days after a reconnect."""

from __future__ import annotations

from datetime import UTC, date, datetime
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import pytest

from agenda.client import Disconnected, NotFound
from tests.client.server import PATIENCE, PONG, SESSION, booking, slot

if TYPE_CHECKING:
    from agenda.client import Client, Watch
    from agenda.wire import SlotChange
    from tests.client.conftest import Connect, Later
    from tests.client.server import Peer, ScriptedServer

DAY = date(2026, 11, 23)
TEN = datetime(2026, 11, 23, 13, tzinfo=UTC)


class Changes:
    """A callback that keeps what it was told."""

    def __init__(self) -> None:
        self._told: SimpleQueue[SlotChange] = SimpleQueue()

    def __call__(self, change: SlotChange) -> None:
        self._told.put(change)

    def next(self) -> SlotChange:
        return self._told.get(timeout=PATIENCE)


@pytest.fixture
def changes() -> Changes:
    return Changes()


def picture(version: int = 1, watch: str = "w1", state: str = "free") -> dict[str, Any]:
    return {"watch": watch, "version": version, "slots": [slot(10, state), slot(11)]}


def begin(client: Client, peer: Peer, later: Later, changes: Changes, version: int = 1) -> Watch:
    watching = later(client.watch, DAY, changes)
    peer.answer(peer.hear("slot.watch"), picture(version))
    watch: Watch = watching.result(PATIENCE)
    return watch


def test_a_watch_begins_with_the_whole_day(client: Client, peer: Peer, later: Later, changes: Changes) -> None:
    watch = begin(client, peer, later, changes, version=4)
    assert (watch.day, watch.version, [each.state for each in watch.slots]) == (DAY, 4, ["free", "free"])


def test_what_changes_comes_to_the_callback(client: Client, peer: Peer, later: Later, changes: Changes) -> None:
    begin(client, peer, later, changes)
    peer.notify("slot.changed", watch="w1", version=2, slots=[slot(10, "taken")])
    change = changes.next()
    assert (change.day, change.version, change.complete) == (DAY, 2, False)
    assert [each.state for each in change.slots] == ["taken"]


def test_a_picture_older_than_the_last_is_dropped(client: Client, peer: Peer, later: Later, changes: Changes) -> None:
    begin(client, peer, later, changes, version=5)
    for version in (4, 5, 7, 6, 7, 8):
        peer.notify("slot.changed", watch="w1", version=version, slots=[slot(10, "taken")])
    assert [changes.next().version, changes.next().version] == [7, 8]


def test_after_a_reconnect_the_whole_day_comes_even_with_a_lower_version(
    client: Client, peer: Peer, server: ScriptedServer, later: Later, changes: Changes
) -> None:
    begin(client, peer, later, changes, version=90)
    peer.cut()
    again = server.take().greet_again()
    call = again.hear("slot.watch")
    again.answer(call, picture(version=2, watch="w7", state="taken"))
    again.notify("slot.changed", watch="w7", version=3, slots=[slot(11, "taken")])
    whole, part = changes.next(), changes.next()
    assert call["params"] == {"day": "2026-11-23"}
    assert (whole.complete, whole.version, [each.state for each in whole.slots]) == (True, 2, ["taken", "free"])
    assert (part.complete, part.version) == (False, 3)


def test_watches_are_taken_up_before_calls_are_sent_again(
    client: Client, peer: Peer, server: ScriptedServer, later: Later, changes: Changes
) -> None:
    begin(client, peer, later, changes)
    asking = later(client.book, TEN)
    peer.hear("booking.create")
    peer.cut()
    again = server.take().greet_again()
    again.answer(again.hear("slot.watch"), picture())
    again.answer(again.hear("booking.create"), booking())
    assert asking.result(PATIENCE).id == "b1"


def test_a_watch_waits_for_the_next_sign_in_when_the_session_is_lost(
    client: Client, peer: Peer, server: ScriptedServer, later: Later, changes: Changes
) -> None:
    begin(client, peer, later, changes)
    peer.cut()
    again = server.take().refuse_token()
    signing_in = later(client.sign_in, "ana", "secret")
    again.answer(again.hear("session.open"), SESSION)
    signing_in.result(PATIENCE)
    again.answer(again.hear("slot.watch"), picture(watch="w2"))
    assert changes.next().complete


def test_a_watch_that_the_server_cannot_take_up_now_is_taken_up_later(
    client: Client, peer: Peer, server: ScriptedServer, later: Later, changes: Changes
) -> None:
    begin(client, peer, later, changes)
    peer.cut()
    again = server.take().greet_again()
    again.refuse(again.hear("slot.watch"), "unavailable", retry_after=0.01)
    again.answer(again.hear("slot.watch"), picture(watch="w2"))
    assert changes.next().complete


def test_a_closed_watch_is_ended_at_the_server_and_calls_back_no_more(
    client: Client, peer: Peer, server: ScriptedServer, later: Later, changes: Changes
) -> None:
    closed, open_one = Changes(), changes
    watch = begin(client, peer, later, closed)
    watching = later(client.watch, DAY, open_one)
    peer.answer(peer.hear("slot.watch"), picture(watch="w2"))
    watching.result(PATIENCE)
    watch.close()
    assert peer.hear("slot.unwatch")["params"] == {"watch": "w1"}
    peer.notify("slot.changed", watch="w1", version=2, slots=[])
    peer.notify("slot.changed", watch="w2", version=2, slots=[])
    open_one.next()
    peer.cut()
    again = server.take().greet_again()
    again.answer(again.hear("slot.watch"), picture(watch="w9"))
    open_one.next()
    assert closed._told.empty()


def test_signing_out_ends_the_watches(
    client: Client, peer: Peer, server: ScriptedServer, later: Later, changes: Changes
) -> None:
    watch = begin(client, peer, later, changes)
    asking = later(client.sign_out)
    peer.answer(peer.hear("session.close"), {})
    asking.result(PATIENCE)
    assert watch.closed


def test_a_refused_watch_is_raised_and_not_taken_up_again(
    client: Client, peer: Peer, server: ScriptedServer, later: Later, changes: Changes
) -> None:
    watching = later(client.watch, DAY, changes, resource="gone")
    peer.refuse(peer.hear("slot.watch"), "not_found", what="resource")
    with pytest.raises(NotFound):
        watching.result(PATIENCE)
    peer.cut()
    again = server.take().greet_again()
    pinging = later(client.ping)
    again.answer(again.hear("ping"), PONG)
    pinging.result(PATIENCE)


def test_a_watch_whose_caller_gave_up_is_ended_at_the_server(
    connect: Connect, server: ScriptedServer, later: Later, changes: Changes
) -> None:
    client = connect(timeout=1.5)
    peer = server.take().greet()
    watching = later(client.watch, DAY, changes)
    late = peer.hear("slot.watch")
    peer.say_bytes(b"\n")  # a sign of life
    with pytest.raises(Disconnected):
        watching.result(PATIENCE)
    peer.answer(late, picture(watch="w3"))
    peer.notify("slot.changed", watch="w3", version=2, slots=[])
    assert peer.hear("slot.unwatch")["params"] == {"watch": "w3"}


def test_the_callback_may_call_the_client(client: Client, peer: Peer, later: Later) -> None:
    versions: SimpleQueue[str] = SimpleQueue()
    watching = later(client.watch, DAY, lambda change: versions.put(client.ping().version))
    peer.answer(peer.hear("slot.watch"), picture())
    watching.result(PATIENCE)
    peer.notify("slot.changed", watch="w1", version=2, slots=[])
    peer.answer(peer.hear("ping"), PONG)
    assert versions.get(timeout=PATIENCE) == "1.0"


def test_a_callback_that_fails_is_logged_and_the_next_one_comes(
    client: Client, peer: Peer, later: Later, changes: Changes, caplog: pytest.LogCaptureFixture
) -> None:
    def fail_then_keep(change: SlotChange) -> None:
        changes(change)
        if change.version == 2:
            raise RuntimeError("the widget is gone")

    watching = later(client.watch, DAY, fail_then_keep)
    peer.answer(peer.hear("slot.watch"), picture())
    watching.result(PATIENCE)
    for version in (2, 3):
        peer.notify("slot.changed", watch="w1", version=version, slots=[])
    assert [changes.next().version, changes.next().version] == [2, 3]
    assert "the widget is gone" in caplog.text
