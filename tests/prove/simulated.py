"""A correct agenda in memory, with clients that all talk at once: histories that a checker has to accept."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import count

from agenda.prove.history import UNKNOWN, Answer, Call, Held, History, Picture, Place, Repeat
from agenda.prove.parts import CANCEL, CREATE, MOVE


@dataclass
class Agenda:
    """Which booking holds which place; every change takes no time."""

    holders: dict[Place, str] = field(default_factory=dict)
    bookings: dict[str, Answer] = field(default_factory=dict)
    users: dict[str, str] = field(default_factory=dict)
    numbers: count[int] = field(default_factory=count)

    def create(self, user: str, place: Place) -> str | Answer:
        if place in self.holders:
            return "slot_taken"
        booking = f"b{next(self.numbers)}"
        self.users[booking] = user
        return self._keep(booking, place, "booked")

    def move(self, booking: str, place: Place) -> str | Answer:
        old = self.bookings[booking]
        if old.status != "booked":
            return "not_found"
        if self.holders.get(place, booking) != booking:
            return "slot_taken"
        del self.holders[old.place]
        return self._keep(booking, place, "booked")

    def cancel(self, booking: str) -> str | Answer:
        old = self.bookings[booking]
        if old.status == "booked":
            del self.holders[old.place]
        return self._keep(booking, old.place, "cancelled")

    def held(self) -> list[Held]:
        return [Held(booking, self.users[booking], place) for place, booking in self.holders.items()]

    def _keep(self, booking: str, place: Place, status: str) -> Answer:
        if status == "booked":
            self.holders[place] = booking
        self.bookings[booking] = Answer(booking, place, status)
        return self.bookings[booking]


@dataclass
class Shape:
    """How a run looks: `patience` is how long calls are under way, `lost` the part of them that nobody answers."""

    groups: int = 1
    slots: int = 2
    clients: int = 3
    calls: int = 12
    patience: float = 1.0
    lost: float = 0.1
    stalls: int = 0


class Run:
    """Clients that ask one call after the other, each of which takes effect at a random moment of it."""

    def __init__(self, seed: int, shape: Shape) -> None:
        self.shape = shape
        self.chance = random.Random(seed)
        self.agenda = Agenda()
        self.history = History(seed, [_group(n, shape.slots) for n in range(shape.groups)])
        self.own: dict[int, list[str]] = {client: [] for client in range(shape.clients)}
        self._queue: list[tuple[float, int, Callable[[float], None]]] = []
        self._tickets = count()
        self._stalls = [self.chance.uniform(0, self._length()) for _ in range(shape.stalls)]

    def finished(self) -> History:
        """Let everybody talk until all calls are made, and look at what is there then."""
        for client in self.own:
            self._at(self.chance.random() * self.shape.patience, partial(self._ask, client))
        while self._queue:
            now, _, happen = heapq.heappop(self._queue)
            happen(now)
        self.history.held = self.agenda.held()
        states = {place: "taken" if place in self.agenda.holders else "free" for place in self.history.places}
        self.history.pictures = [Picture(client, "2026-11-23", dict(states), states) for client in self.own]
        return self.history

    def _at(self, when: float, happen: Callable[[float], None]) -> None:
        heapq.heappush(self._queue, (when, next(self._tickets), happen))

    def _length(self) -> float:
        return self.shape.calls * self.shape.patience / self.shape.clients / 2

    def _ask(self, client: int, now: float) -> None:
        if len(self.history.calls) >= self.shape.calls:
            return
        number = len(self.history.calls)
        call = self._wish(client, f"r{number}", now)
        self.history.calls.append(call)
        ends = now + self.chance.random() * self.shape.patience
        ends = next((s + self.shape.patience * 5 for s in self._stalls if now < s < ends), ends)
        lost = self.chance.random() < self.shape.lost
        later = self.chance.random() * self.shape.patience * 10 if lost else 0.0
        if not lost or self.chance.random() < 0.5:
            self._at(self.chance.uniform(now, ends) + later, lambda _: self._happen(number, ends, lost=lost))
        self._at(ends, lambda now: self._hear(number, now, lost=lost))

    def _wish(self, client: int, request: str, now: float) -> Call:
        group = self.chance.choice(self.history.groups)
        place, own, what = self.chance.choice(group), self.own[client], self.chance.random()
        common = {"client": client, "user": f"u{client}", "request": request, "began": now, "ended": None}
        if not own or what < 0.4:
            return Call(**common, method=CREATE, outcome=UNKNOWN, place=place)  # type: ignore[arg-type]
        booking = self.chance.choice(own[-3:])
        if what < 0.7:
            return Call(**common, method=CANCEL, outcome=UNKNOWN, booking=booking)  # type: ignore[arg-type]
        group = next(g for g in self.history.groups if self.agenda.bookings[booking].place in g)
        place = self.chance.choice(group)
        return Call(**common, method=MOVE, outcome=UNKNOWN, booking=booking, place=place)  # type: ignore[arg-type]

    def _happen(self, number: int, ends: float, *, lost: bool) -> None:
        call = self.history.calls[number]
        if call.method == CREATE:
            answer = self.agenda.create(call.user, call.place)  # type: ignore[arg-type]
        elif call.method == MOVE:
            answer = self.agenda.move(call.booking, call.place)  # type: ignore[arg-type]
        else:
            answer = self.agenda.cancel(call.booking)  # type: ignore[arg-type]
        outcome, told = (answer, None) if isinstance(answer, str) else ("ok", answer)
        if not lost:
            self.history.calls[number] = _answered(call, ends, outcome, told)
        elif told and call.method == CREATE and self.chance.random() < 0.5:
            self.own[call.client].append(told.booking)  # it was on the list of bookings
        if self.chance.random() < 0.2:
            self.history.repeats.append(Repeat(call.request, ends + 100 * self.shape.patience, outcome, told))

    def _hear(self, number: int, now: float, *, lost: bool) -> None:
        call = self.history.calls[number]
        if call.answer and call.method == CREATE:
            self.own[call.client].append(call.answer.booking)
        self._ask(call.client, now)


def simulated(seed: int, shape: Shape | None = None) -> History:
    """A history that a correct agenda could have had; the same for the same seed and shape."""
    return Run(seed, shape or Shape()).finished()


def _group(number: int, slots: int) -> list[Place]:
    return [Place(f"r{number}", f"2026-11-23T{11 + slot}:00:00Z") for slot in range(slots)]


def _answered(call: Call, ended: float, outcome: str, answer: Answer | None) -> Call:
    return Call(
        call.client, call.user, call.method, call.request, call.began, ended, outcome, call.booking, call.place, answer
    )
