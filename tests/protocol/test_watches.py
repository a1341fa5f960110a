"""slot.watch, slot.unwatch and slot.changed: what is taken anywhere is seen everywhere."""

import threading
from itertools import pairwise
from typing import Any

import pytest

from .peer import Peer
from .server import Server


@pytest.fixture
def peer(server: Server) -> Peer:
    return server.customer()


def seen(change: dict[str, Any]) -> dict[str, str]:
    """The states by start in a change."""
    return {slot["start"]: slot["state"] for slot in change["slots"]}


def changes_until(peer: Peer, *starts: str) -> dict[str, str]:
    """The last state of each slot, once every one of these has been heard of."""
    states: dict[str, str] = {}
    while not states.keys() >= set(starts):
        states |= seen(peer.change())
    return states


def test_a_watch_begins_with_the_picture_of_the_day(server: Server, peer: Peer) -> None:
    day = server.day()
    peer.call("booking.create", start=f"{day}T10:00")
    watch, listed = peer.call("slot.watch", day=day), peer.call("slot.list", day=day)
    assert watch.keys() == {"watch", "version", "slots"}
    assert watch["slots"] == listed["slots"]
    assert watch["version"] <= listed["version"]


def test_a_watch_may_name_service_and_resource(server: Server, peer: Peer) -> None:
    day = server.day()
    slot = peer.call("slot.list", day=day)["slots"][0]
    watch = peer.call("slot.watch", day=day, service=slot["service"], resource=slot["resource"])
    peer.call("booking.create", start=slot["start"])
    assert peer.change()["watch"] == watch["watch"]


def test_a_booking_is_seen_as_taken_by_others_and_as_mine_by_its_owner(server: Server, peer: Peer) -> None:
    day, other = server.day(), server.customer()
    for one in (peer, other):
        one.call("slot.watch", day=day)
    other.call("booking.create", start=f"{day}T10:00")
    assert seen(peer.change()) == {server.at(day, 10): "taken"}
    assert seen(other.change()) == {server.at(day, 10): "mine"}


def test_the_owners_other_session_sees_it_as_mine(server: Server, peer: Peer) -> None:
    day, elsewhere = server.day(), server.again(peer)
    elsewhere.call("slot.watch", day=day)
    peer.call("booking.create", start=f"{day}T10:00")
    assert seen(elsewhere.change()) == {server.at(day, 10): "mine"}


def test_a_change_names_the_slot_in_full(server: Server, peer: Peer) -> None:
    day = server.day()
    watch = peer.call("slot.watch", day=day)
    peer.call("booking.create", start=f"{day}T10:00")
    change = peer.change()
    assert change["watch"] == watch["watch"]
    assert change["slots"] == [{**watch["slots"][2], "state": "mine"}]


def test_a_cancellation_frees_the_slot_for_those_who_watch(server: Server, peer: Peer) -> None:
    day, other = server.day(), server.customer()
    booked = other.call("booking.create", start=f"{day}T10:00")
    peer.call("slot.watch", day=day)
    other.call("booking.cancel", booking=booked["id"])
    assert seen(peer.change()) == {server.at(day, 10): "free"}


def test_a_move_within_the_day_changes_two_slots(server: Server, peer: Peer) -> None:
    day, other = server.day(), server.customer()
    booked = other.call("booking.create", start=f"{day}T10:00")
    peer.call("slot.watch", day=day)
    other.call("booking.move", booking=booked["id"], start=f"{day}T15:00")
    states = changes_until(peer, server.at(day, 10), server.at(day, 15))
    assert states == {server.at(day, 10): "free", server.at(day, 15): "taken"}


def test_a_move_to_another_day_is_seen_on_both(server: Server, peer: Peer) -> None:
    day, next_day, other = server.day(), server.day(), server.customer()
    booked = other.call("booking.create", start=f"{day}T10:00")
    watches = [peer.call("slot.watch", day=one)["watch"] for one in (day, next_day)]
    other.call("booking.move", booking=booked["id"], start=f"{next_day}T10:00")
    by_watch = {change["watch"]: seen(change) for change in (peer.change(), peer.change())}
    assert by_watch == {watches[0]: {server.at(day, 10): "free"}, watches[1]: {server.at(next_day, 10): "taken"}}


def test_the_version_rises_with_every_change(server: Server, peer: Peer) -> None:
    day = server.day()
    versions = [peer.call("slot.watch", day=day)["version"]]
    for hour in range(8, 20):
        peer.call("booking.create", start=server.at(day, hour))
        versions.append(peer.change()["version"])
    assert all(earlier < later for earlier, later in pairwise(versions))


def test_a_change_elsewhere_or_none_at_all_is_not_told(server: Server, peer: Peer) -> None:
    day, other_day, other = server.day(), server.day(), server.customer()
    taken = other.call("booking.create", start=f"{day}T10:00")
    gone = other.call("booking.create", start=f"{day}T11:00")
    other.call("booking.cancel", booking=gone["id"])
    peer.call("slot.watch", day=day)
    other.call("booking.create", start=f"{other_day}T10:00")
    other.call("booking.cancel", booking=gone["id"])
    other.call("booking.move", booking=taken["id"], start=taken["start"])
    other.refusal("booking.create", start=f"{day}T10:00")
    other.call("booking.create", start=f"{day}T19:00")
    assert seen(peer.change()) == {server.at(day, 19): "taken"}


def test_nothing_comes_after_the_answer_to_unwatch(server: Server, peer: Peer) -> None:
    day = server.day()
    ended = peer.call("slot.watch", day=day)["watch"]
    lasting = peer.call("slot.watch", day=day)["watch"]
    assert peer.call("slot.unwatch", watch=ended) == {}
    peer.arrived_changes()
    peer.call("booking.create", start=f"{day}T10:00")
    peer.call("booking.create", start=f"{day}T11:00")
    assert [peer.change()["watch"], peer.change()["watch"]] == [lasting] * 2


def test_the_watch_of_another_connection_cannot_be_ended(server: Server, peer: Peer) -> None:
    day, stranger = server.day(), server.customer()
    watch = peer.call("slot.watch", day=day)["watch"]
    stranger.answer(stranger.post("slot.unwatch", watch=watch))
    peer.call("booking.create", start=f"{day}T10:00")
    assert peer.change()["watch"] == watch


def test_a_watch_that_is_not_there_is_no_defect(server: Server, peer: Peer) -> None:
    watch = peer.call("slot.watch", day=server.day())["watch"]
    peer.call("slot.unwatch", watch=watch)
    answer = peer.answer(peer.post("slot.unwatch", watch=watch))
    assert answer.get("result") == {} or answer["error"]["data"]["code"] in {"not_found", "invalid"}


def test_watch_and_change_sent_together_are_told_in_this_order(server: Server, peer: Peer) -> None:
    day = server.day()
    watching, booking = peer.post_all(("slot.watch", {"day": day}), ("booking.create", {"start": f"{day}T10:00"}))
    watch = peer.read()
    assert (watch["id"], watch["result"]["slots"][2]["state"]) == (watching, "free")
    assert peer.answer(booking)["result"]["status"] == "booked"
    assert seen(peer.change()) == {server.at(day, 10): "mine"}


def test_no_change_comes_before_the_answer_that_names_its_watch_and_none_is_lost(server: Server, peer: Peer) -> None:
    """Begins many watches while another books and cancels, and follows each from its picture to the end."""
    day, other = server.day(), server.customer()
    finished = threading.Event()

    def book_and_cancel() -> None:
        for n in range(150):
            booked = other.call("booking.create", start=server.at(day, 8 + n % 11))
            other.call("booking.cancel", booking=booked["id"])
        finished.set()

    thread = threading.Thread(target=book_and_cancel)
    thread.start()
    pictures: dict[Any, dict[str, str]] = {}
    versions: dict[Any, int] = {}

    def follow(message: dict[str, Any]) -> None:
        change = message.get("params", message.get("result", {}))
        if "watch" not in change:
            return
        if "result" not in message:
            assert change["watch"] in pictures, "a change came before the answer"
            assert change["version"] > versions[change["watch"]]
        versions[change["watch"]] = change["version"]
        pictures.setdefault(change["watch"], {}).update(seen(change))

    while not finished.is_set() and len(pictures) < 40:
        number = peer.post("slot.watch", day=day)
        message = peer.read()
        while message.get("id") != number:
            follow(message)
            message = peer.read()
        follow(message)
    thread.join()
    other.call("booking.create", start=f"{day}T19:00")
    while any(picture[server.at(day, 19)] != "taken" for picture in pictures.values()):
        follow(peer.read())
    expected = {slot["start"]: slot["state"] for slot in peer.call("slot.list", day=day)["slots"]}
    assert all(picture == expected for picture in pictures.values())


def test_a_change_reaches_every_watcher(server: Server, peer: Peer) -> None:
    day, watchers = server.day(), [server.again(peer) for _ in range(50)]
    for watcher in watchers:
        watcher.call("slot.watch", day=day)
    server.customer().call("booking.create", start=f"{day}T10:00")
    assert all(seen(watcher.change()) == {server.at(day, 10): "taken"} for watcher in watchers)


def test_an_erased_users_slots_are_seen_to_be_free(server: Server, peer: Peer) -> None:
    day, leaving = server.day(), server.customer()
    leaving.call("booking.create", start=f"{day}T10:00")
    leaving.call("booking.create", start=f"{day}T15:00")
    peer.call("slot.watch", day=day)
    leaving.call("user.erase", password=leaving.password)
    states = changes_until(peer, server.at(day, 10), server.at(day, 15))
    assert states == {server.at(day, 10): "free", server.at(day, 15): "free"}
