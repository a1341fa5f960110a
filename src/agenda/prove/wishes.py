"""What a client of the race wishes next: slots to book, bookings to move and to give back, at random from a seed."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from agenda.client import Client, new_request
from agenda.prove.field import Field, start_of
from agenda.prove.history import Answer, Place
from agenda.wire import Booking

MOST_HELD = 2
REMEMBERED = 40
CHANCE_TO_BOOK = 0.5
CHANCE_TO_MOVE = 0.35
CHANCE_OF_ENDED = 0.05
"""How often a booking is meant that was given back already."""


@dataclass(frozen=True, slots=True)
class Wish:
    """Something to ask a client for, always in the same words; `booking` and `place` are what it names."""

    method: str
    request: str
    ask: Callable[[Client], Booking]
    booking: str | None = None
    place: Place | None = None


class Wishes:
    """One user's wishes, and what he knows of his bookings."""

    def __init__(self, field: Field, chance: Random) -> None:
        self._service = field.service
        self._groups = {place: group for group in field.groups for place in group}
        self._places = list(self._groups)
        self._chance = chance
        self._held: dict[str, Place] = {}
        self._ended: deque[tuple[str, Place]] = deque(maxlen=REMEMBERED)

    def next(self) -> Wish:
        """Something new to ask for. A booking that has ended is meant now and then, too: nothing may come of it."""
        chance = self._chance
        if self._ended and chance.random() < CHANCE_OF_ENDED:
            booking, place = chance.choice(self._ended)
        elif not self._held or (len(self._held) < MOST_HELD and chance.random() < CHANCE_TO_BOOK):
            return self._book(chance.choice(self._places))
        else:
            booking, place = chance.choice(list(self._held.items()))
        moves = chance.random() < CHANCE_TO_MOVE
        return self._move(booking, self._groups[place]) if moves else self._cancel(booking)

    def remember(self, answer: Answer) -> None:
        """A wish came true: what is held now."""
        if answer.status == "booked":
            self._held[answer.booking] = answer.place
        elif self._held.pop(answer.booking, None):
            self._ended.append((answer.booking, answer.place))

    def _book(self, place: Place) -> Wish:
        request, start = new_request(), start_of(place)
        named = {"service": self._service, "resource": place.resource, "request": request}
        return Wish("booking.create", request, lambda client: client.book(start, **named), place=place)

    def _move(self, booking: str, group: Sequence[Place]) -> Wish:
        request, place = new_request(), self._chance.choice(group)
        start, named = start_of(place), {"resource": place.resource, "request": request}
        return Wish("booking.move", request, lambda client: client.move(booking, start, **named), booking, place)

    def _cancel(self, booking: str) -> Wish:
        request = new_request()
        return Wish("booking.cancel", request, lambda client: client.cancel(booking, request=request), booking)
