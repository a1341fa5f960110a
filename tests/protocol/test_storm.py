"""Many book, move and cancel at random on one day; afterwards every view of it tells the same story."""

import random
import threading
from typing import Any

import pytest

from .peer import Peer
from .server import Server

CROWD, DEEDS = 16, 80
HONEST = {"slot_taken"}


class Actor:
    """A user who does random things in a thread of his own and remembers what the server answered."""

    def __init__(self, server: Server, day: str, seed: int) -> None:
        self.peer, self.rng = server.customer(), random.Random(seed)
        self.starts = [server.at(day, hour) for hour in range(8, 20)]
        self.held: dict[str, str] = {}
        self.codes: set[str] = set()

    def run(self) -> None:
        for _ in range(DEEDS):
            start = self.rng.choice(self.starts)
            if self.held and self.rng.random() < 0.5:
                booking = self.rng.choice(sorted(self.held))
                if self.rng.random() < 0.5:
                    self.remember(self.peer.post("booking.move", booking=booking, start=start))
                else:
                    self.remember(self.peer.post("booking.cancel", booking=booking))
            else:
                self.remember(self.peer.post("booking.create", start=start))

    def remember(self, number: int) -> None:
        answer = self.peer.answer(number)
        if "error" in answer:
            self.codes.add(answer["error"]["data"]["code"])
            return
        booking = answer["result"]
        if booking["status"] == "booked":
            self.held[booking["id"]] = booking["start"]
        else:
            del self.held[booking["id"]]


def follow(watcher: Peer, picture: dict[str, str], marker: str) -> dict[str, str]:
    """The picture of a watcher after all changes up to that of the slot at `marker`."""
    while picture[marker] != "taken":
        picture |= {slot["start"]: slot["state"] for slot in watcher.change()["slots"]}
    return picture


@pytest.mark.parametrize("seed", range(3))
def test_after_a_storm_every_view_of_the_day_is_the_same(server: Server, seed: int) -> None:
    day, watcher = server.day(), server.customer()
    actors = [Actor(server, day, seed * 100 + n) for n in range(CROWD)]
    for actor in actors:
        actor.starts = actor.starts[:-1]
    first: dict[str, Any] = watcher.call("slot.watch", day=day)
    threads = [threading.Thread(target=actor.run) for actor in actors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    server.customer().call("booking.create", start=server.at(day, 19))

    held = sorted(start for actor in actors for start in actor.held.values())
    assert len(set(held)) == len(held), "two hold one slot"
    assert set().union(*(actor.codes for actor in actors)) <= HONEST
    listed = {slot["start"]: slot["state"] for slot in watcher.call("slot.list", day=day)["slots"]}
    assert sorted(start for start, state in listed.items() if state == "taken") == [*held, server.at(day, 19)]
    for actor in actors:
        bookings = actor.peer.call("booking.list", status="booked")["bookings"]
        assert {booking["id"]: booking["start"] for booking in bookings} == actor.held
        mine = [slot["start"] for slot in actor.peer.call("slot.list", day=day)["slots"] if slot["state"] == "mine"]
        assert mine == sorted(actor.held.values())
    picture = {slot["start"]: slot["state"] for slot in first["slots"]}
    assert follow(watcher, picture, server.at(day, 19)) == listed
