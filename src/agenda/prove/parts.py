"""A history taken apart into groups of places that have nothing to do with each other, each as operations to order.

A history is linearizable if and only if it is for every object alone (Herlihy & Wing's locality). No call touches two
groups, so a group is such an object, and small ones are judged much faster than all at once.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import chain, pairwise

from agenda.prove.history import OK, Answer, Call, Held, History, Place, Repeat
from agenda.prove.linear import Operation
from agenda.prove.model import Act, Cancel, CancelUnheard, Create, Look, Move, MoveTaken, Never, NotLive, NotMade, Taken

CREATE, MOVE, CANCEL = "booking.create", "booking.move", "booking.cancel"
SLOT_TAKEN, NOT_FOUND = "slot_taken", "not_found"
HARMLESS = frozenset({"slot_not_offered", "too_late", "limit_reached", "forbidden"})
"""Refusals that decide that nothing happens, for reasons that lie outside of this model."""


@dataclass
class Part:
    """A group of places and all that was asked of it. `calls` has the call of each operation, None for the last look.

    An undecided creation may be several operations, one for each booking that it may have made.
    """

    places: tuple[Place, ...]
    operations: list[Operation[Act]] = field(default_factory=list)
    calls: list[Call | None] = field(default_factory=list)

    def add(self, act: Act, call: Call) -> None:
        """One more operation; what is undecided may happen long after the client has given up."""
        self.operations.append(Operation(act, call.began, call.ended if is_decided(call) else None))
        self.calls.append(call)


def is_decided(call: Call | Repeat) -> bool:
    """Whether the answer says what became of the wish; else it may have come true at any time since, or never."""
    return call.outcome in {OK, SLOT_TAKEN, NOT_FOUND} or call.outcome in HARMLESS


def settled(history: History) -> list[Call]:
    """All calls, the undecided ones with what a repeat of their request told: it happened some time before the end."""
    told = {repeat.request: repeat for repeat in history.repeats if is_decided(repeat)}
    end = horizon(history)
    calls = []
    for call in history.calls:
        repeat = None if is_decided(call) else told.get(call.request)
        calls.append(replace(call, ended=end, outcome=repeat.outcome, answer=repeat.answer) if repeat else call)
    return calls


def horizon(history: History) -> float:
    """A moment after all that the history tells, and before the look at the end."""
    times = [time for call in history.calls for time in (call.began, call.ended) if time is not None]
    return max(times + [repeat.at for repeat in history.repeats], default=0.0) + 1.0


def named(call: Call) -> str | None:
    """The booking that a call is about; None if it is a creation of which nobody knows what it made."""
    return call.answer.booking if call.method == CREATE and call.answer else call.booking


def parts(history: History) -> list[Part]:
    """The groups of places, joined where a booking was in two of them, each with the look at the end as its last."""
    calls = settled(history)
    bookings = _Bookings(calls, history.held)
    compilers = [_Compiler(Part(places), bookings) for places in _together(history, bookings)]
    home = {place: compiler for compiler in compilers for place in compiler.part.places}
    for call in calls:
        place = call.place or next(iter(bookings.places.get(named(call) or "", ())), None)
        if place:  # else nobody knows where, since the booking was never seen
            home[place].add(call)
    end = horizon(history) + 1.0
    for compiler in compilers:
        compiler.look(history.held, end)
    return [compiler.part for compiler in compilers]


class _Bookings:
    """What the calls and the end tell of each booking: whose it is, where it was, and whether its creation is known."""

    def __init__(self, calls: Iterable[Call], held: Iterable[Held]) -> None:
        self.owner: dict[str, str] = {}
        self.places: defaultdict[str, dict[Place, None]] = defaultdict(dict)
        made = set[str]()
        for call in calls:
            booking = named(call)
            if booking is None:
                continue
            for place in (call.place, call.answer and call.answer.place):
                if place:
                    self.places[booking][place] = None
            if call.method == CREATE:
                made.add(booking)
                self.owner[booking] = call.user
        for booking, user, place in held:
            self.places[booking][place] = None
            self.owner.setdefault(booking, user)
        for call in calls:
            if call.booking is not None:
                self.owner.setdefault(call.booking, call.user)
        self._guess_places(calls)
        self.unexplained = [booking for booking in self.places if booking not in made]

    def _guess_places(self, calls: Iterable[Call]) -> None:
        """A booking of which only its user's cancellations speak was where one of his undecided creations wanted it."""
        wanted: defaultdict[str, dict[Place, None]] = defaultdict(dict)
        for call in calls:
            if call.place and call.method == CREATE and not is_decided(call):
                wanted[call.user][call.place] = None
        for booking in sorted(self.owner.keys() - self.places.keys()):
            self.places[booking].update(wanted[self.owner[booking]])


class _Compiler:
    """Turns calls into operations of one part."""

    def __init__(self, part: Part, bookings: _Bookings) -> None:
        self.part = part
        self._bookings = bookings
        self._number = {place: n for n, place in enumerate(part.places)}
        self._marks: dict[str, int] = {}
        inside = set(part.places)
        self._unexplained = [b for b in bookings.unexplained if not inside.isdisjoint(bookings.places[b])]

    def add(self, call: Call) -> None:
        for act in self._acts(call):
            self.part.add(act, call)

    def look(self, held: Iterable[Held], at: float) -> None:
        """The places as they are at the end; that two bookings hold one is impossible."""
        holders: dict[Place, str] = {}
        act: Act | None = None
        for booking, _, place in held:
            if holders.setdefault(place, booking) != booking:
                act = Never() if place in self._number else act
        act = act or Look(tuple(holders.get(place) for place in self.part.places))
        self.part.operations.append(Operation(act, at, at))
        self.part.calls.append(None)

    def _acts(self, call: Call) -> Iterator[Act]:
        """What a call did, nothing where it makes no difference; of an undecided one at most one of them happened."""
        if call.outcome in HARMLESS:
            return
        if call.outcome == OK and not _fits(call):
            yield Never()
        elif call.method == CREATE:
            yield from self._creations(call)
        elif call.booking is not None and self._bookings.owner.get(call.booking) != call.user:
            if call.outcome in {OK, SLOT_TAKEN}:  # of another's booking one learns nothing else than `not_found`
                yield Never()
        elif call.booking is not None:
            yield self._change(call, call.booking)

    def _creations(self, call: Call) -> Iterator[Act]:
        """An undecided creation made one of the user's bookings that nothing else explains, or none.

        That is all: a booking of which nobody ever learnt, not even at the end, was not there then, and nobody could
        have cancelled it.
        """
        assert call.place is not None  # noqa: S101  # a creation names one
        place = self._number[call.place]
        if call.outcome == OK and call.answer:
            yield Create(place, call.answer.booking, self._mark(call.answer.booking))
        elif call.outcome == SLOT_TAKEN:
            yield Taken(place)
        elif is_decided(call):
            yield Never()
        else:
            for booking in self._unexplained:
                if self._bookings.owner[booking] == call.user:
                    marks = self._mark(booking) | self._mark(f"request {call.request}")
                    yield Create(place, booking, marks)

    def _change(self, call: Call, booking: str) -> Act:
        """A move or a cancellation of one's own booking."""
        mark = self._mark(booking)
        if call.method == CANCEL:
            return self._cancellation(call, booking, mark)
        if call.outcome == NOT_FOUND:
            return NotLive(booking)
        assert call.place is not None  # noqa: S101  # a move names one
        place = self._number[call.place]
        return MoveTaken(booking, mark, place) if call.outcome == SLOT_TAKEN else Move(booking, mark, place)

    def _cancellation(self, call: Call, booking: str, mark: int) -> Act:
        if call.outcome == OK and call.answer:
            return Cancel(booking, mark, self._number[call.answer.place])
        if call.outcome == NOT_FOUND:
            return NotMade(mark)
        return Never() if is_decided(call) else CancelUnheard(booking, mark)

    def _mark(self, name: str) -> int:
        """The bit of a booking or a request in `State.born`."""
        return self._marks.setdefault(name, 1 << len(self._marks))


def _fits(call: Call) -> bool:
    return call.answer is not None and misfit(call, call.answer) is None


def misfit(call: Call, answer: Answer) -> str | None:
    """What in an answer is not what was asked for: `booking`, `place`, `status`; None if all is."""
    if call.booking not in {None, answer.booking}:
        return "booking"
    if call.place not in {None, answer.place}:
        return "place"
    live = answer.status != "cancelled"
    return "status" if live == (call.method == CANCEL) else None


def _together(history: History, bookings: _Bookings) -> list[tuple[Place, ...]]:
    """The groups as given, and joined to those to which a booking went from them."""
    leader: dict[Place, Place] = {}

    def lead(place: Place) -> Place:
        while leader.setdefault(place, place) != place:
            place = leader[place]
        return place

    asked = (call.place for call in history.calls if call.place)
    for place in (*history.places, *asked, *chain.from_iterable(bookings.places.values())):
        lead(place)
    for places in (*history.groups, *bookings.places.values()):
        for one, other in pairwise(places):
            leader[lead(other)] = lead(one)
    groups: defaultdict[Place, list[Place]] = defaultdict(list)
    for place in leader:
        groups[lead(place)].append(place)
    return [tuple(sorted(group)) for group in groups.values()]
