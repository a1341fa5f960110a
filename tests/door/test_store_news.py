"""What clients that watch are told of the store: that it is away, and that it is back."""

from threading import Event
from typing import Any

from agenda.engine.ports import StoreUnavailable

from .conftest import House
from .fakes import Peer

DAY = {"day": "2026-11-23"}
AWAY = {"jsonrpc": "2.0", "method": "store.changed", "params": {"available": False}}
BACK = {"jsonrpc": "2.0", "method": "store.changed", "params": {"available": True}}


def trouble(house: House) -> None:
    """Return when the store is away."""
    house.engine.health.trouble(StoreUnavailable("gone"))
    while house.engine.health.available:
        Event().wait(0.001)


def watching(house: House) -> Peer:
    """Somebody who watches a day."""
    peer = house.peer().sign_in()
    assert "result" in peer.call("slot.watch", **DAY)
    return peer


def answer_of(message: dict[str, Any]) -> object:
    assert "result" in message, message
    return message["id"]


def test_who_watches_is_told_when_the_store_goes_away_and_when_it_is_back(house: House) -> None:
    peer = watching(house)
    trouble(house)
    assert peer.read() == AWAY
    house.engine.health.ok()
    assert peer.read() == BACK


def test_who_does_not_watch_is_told_nothing(house: House) -> None:
    peer = house.peer().sign_in()
    trouble(house)
    house.engine.health.ok()
    assert answer_of(peer.call("ping"))


def test_who_begins_to_watch_while_the_store_is_away_is_told_after_the_picture(house: House) -> None:
    trouble(house)
    peer = house.peer().sign_in()
    assert answer_of(peer.call("slot.watch", **DAY))
    assert peer.read() == AWAY


def test_who_watches_two_days_is_told_once(house: House) -> None:
    peer = watching(house)
    peer.call("slot.watch", **DAY)
    trouble(house)
    assert peer.read() == AWAY
    assert answer_of(peer.call("slot.watch", **DAY))
    assert answer_of(peer.call("ping"))


def test_who_stopped_watching_meanwhile_is_told_when_he_watches_again(house: House) -> None:
    peer = house.peer().sign_in()
    watch = peer.call("slot.watch", **DAY)["result"]["watch"]
    trouble(house)
    assert peer.read() == AWAY
    peer.call("slot.unwatch", watch=watch)
    house.engine.health.ok()
    assert answer_of(peer.call("slot.watch", **DAY))
    assert peer.read() == BACK


def test_who_watches_in_a_batch_is_told_after_its_answer(house: House) -> None:
    trouble(house)
    peer = house.peer().sign_in()
    peer.send_batch(("slot.watch", DAY), ("ping", {}))
    assert [answer_of(one) for one in peer.read()]
    assert peer.read() == AWAY
