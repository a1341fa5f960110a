"""One process of a race: a node whose users book, move and cancel a few times that overlap, as fast as it can."""

import json
import random
import sys
from collections import Counter
from dataclasses import replace
from datetime import datetime
from time import monotonic
from typing import Any, Final

from agenda.domain.commands import BookSlot, Command
from agenda.domain.errors import AgendaError
from agenda.domain.model import Booking, Catalogue, Resource, ResourceId, User
from tests.storage.making import DAY, HOUR
from tests.storage.node import OFFERED, Node, cancel, move
from tests.waiting import SECONDS

USERS: Final = 4
BURSTS: Final = ((60, 0, 0), (60, 0, 0), (0, 0, 60), (4, 4, 2), (1, 3, 0), (0, 3, 1))
"""How many bookings, moves and cancellations are sent at a time: a batch that only makes or only gives up claims
shares the rooms with those of other nodes."""
STARTS: Final = [DAY + n * HOUR / 2 for n in range(5)]
"""On two resources: ten times, of which those half an hour apart overlap."""


def offers() -> Catalogue:
    """Two rooms with an hourly service that begins every half hour."""
    [(first, room)] = OFFERED.resources.items()
    [(id_, service)] = OFFERED.services.items()
    second = Resource(ResourceId(f"{int(first, 16) + 1:032x}"), "Other", room.schedule)
    both = replace(service, step=30, resources=frozenset({first, second.id}))
    return replace(OFFERED, resources={first: room, second.id: second}, services={id_: both})


class Racer:
    """Keeps many wishes under way, and remembers what its users were told to hold."""

    def __init__(self, node: Node, seed: int) -> None:
        self.node = node
        self.dice = random.Random(seed)
        self.users: list[User] = [node.join(f"user {n} of {seed}") for n in range(USERS)]
        self.rooms = list(node.reader.catalogue().resources)
        self.held: dict[str, Booking] = {}
        self.told: Counter[str] = Counter()
        self.longest = 0.0

    def race(self, seconds: float) -> None:
        end = monotonic() + seconds
        while monotonic() < end:
            wishes = self._wishes(*self.dice.choice(BURSTS))
            asked = monotonic()
            for wish, outcome in [(wish, self.node.submit(wish)) for wish in wishes]:
                self._hear(wish, outcome.result(SECONDS))
            self.longest = max(self.longest, monotonic() - asked)

    def _wishes(self, books: int, moves: int, cancels: int) -> list[Command]:
        dice, held = self.dice, list(self.held.values())
        dice.shuffle(held)
        wishes: list[Command] = [cancel(booking) for booking in held[:cancels]]
        wishes += [replace(move(booking, dice.choice(STARTS)), resource=self._room()) for booking in held[:moves]]
        books_of = [self.node.book(dice.choice(self.users), dice.choice(STARTS)) for _ in range(books)]
        wishes += [replace(book, resource=self._room()) for book in books_of]
        dice.shuffle(wishes)
        return wishes

    def _room(self) -> ResourceId:
        return self.dice.choice(self.rooms)

    def _hear(self, wish: Command, outcome: Any) -> None:
        if isinstance(outcome, AgendaError):
            self.told[outcome.code] += 1
            return
        self.told[type(wish).__name__] += 1
        if outcome.status.live and (isinstance(wish, BookSlot) or outcome.id in self.held):
            self.held[outcome.id] = outcome
        else:
            self.held.pop(outcome.id, None)


def main(url: str, seconds: str, seed: str) -> None:
    node = Node(url, offers())
    try:
        racer = Racer(node, int(seed))
        print("ready", flush=True)  # noqa: T201  # told to whoever started this process
        sys.stdin.readline()
        racer.race(float(seconds))
        meter = node.committer.meter
        facts = {
            "held": {id_: _place(booking) for id_, booking in racer.held.items()},
            "told": racer.told,
            "longest": racer.longest,
            "batches": meter.batches,
            "conflicts": meter.conflicts,
            "incidents": list(map(repr, node.incidents.seen)),
            "troubles": list(map(repr, node.incidents.troubles)),
        }
        print(json.dumps(facts))  # noqa: T201  # as above
    finally:
        node.close()


def _place(booking: Booking) -> tuple[str, int]:
    return booking.resource, seconds_of(booking.start)


def seconds_of(instant: datetime) -> int:
    return int(instant.timestamp())


if __name__ == "__main__":
    main(*sys.argv[1:])
