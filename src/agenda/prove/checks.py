"""The checks that need no search: each looks at one promise and names what speaks against it.

Most of what they find makes a history impossible to order as well; they say more plainly what is wrong.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from agenda.prove.history import OK, Call, Held, History, Place, Repeat
from agenda.prove.linear import LIMIT
from agenda.prove.order import ordered
from agenda.prove.parts import CANCEL, CREATE, is_decided, misfit, named, settled
from agenda.prove.verdict import Check, Finding, Verdict


def judge(history: History, limit: int = LIMIT) -> Verdict:
    """Try every promise on a history. `limit` bounds the search for an order, per group of places."""
    calls = settled(history)
    made = [call for call in calls if call.outcome == OK]
    return Verdict(
        (
            Check("tried", len(history.calls), () if made else (Finding("nothing_done", {}, decided=False),)),
            ordered(history, limit),
            Check("kept", len(made), tuple(_kept(calls, history.held))),
            Check("single", len(history.held), tuple(_single(calls, history.held))),
            Check("explained", len(history.held), tuple(_explained(calls, history.held))),
            Check("once", len(history.calls) + len(history.repeats), tuple(_once(history))),
            Check("fitting", len(made), tuple(_fitting(made))),
            Check("pictures", len(history.pictures), tuple(_pictures(history))),
        )
    )


def _kept(calls: Sequence[Call], held: Sequence[Held]) -> Iterator[Finding]:
    """What was acknowledged is true at the end, unless a later call changed it, or may have."""
    at_the_end = {booking: place for booking, _, place in held}
    for booking, changes in _changes(calls).items():
        cancelled = [call for call in changes if call.method == CANCEL]
        granted = [call for call in changes if call.outcome == OK]
        place = at_the_end.get(booking)
        if not granted:
            continue
        if any(call.outcome == OK for call in cancelled):
            if place:
                yield Finding("cancellation_lost", {"booking": booking, "place": place}, tuple(changes))
        elif place is None and not cancelled:
            yield Finding("lost", {"booking": booking, "expected": tuple(_last_places(changes))}, tuple(changes))
        elif place and place not in (expected := _last_places(changes)):
            facts = {"booking": booking, "place": place, "expected": tuple(expected)}
            yield Finding("elsewhere", facts, tuple(changes))


def _changes(calls: Sequence[Call]) -> dict[str, list[Call]]:
    """By booking, all calls that changed it or may have."""
    changes: defaultdict[str, list[Call]] = defaultdict(list)
    for call in calls:
        booking = named(call)
        if booking is not None and (call.outcome == OK or not is_decided(call)):
            changes[booking].append(call)
    return changes


def _last_places(changes: Sequence[Call]) -> dict[Place, None]:
    """Where a booking may be after all these calls: wherever one put it that no other certainly came after."""
    puts = [call for call in changes if call.place]
    last = [
        call
        for call in puts
        if not any(later.outcome == OK and call.ended is not None and call.ended < later.began for later in puts)
    ]
    return {call.place: None for call in last if call.place}


def _single(calls: Sequence[Call], held: Sequence[Held]) -> Iterator[Finding]:
    """No place has two bookings, and no booking two places."""
    on: defaultdict[Place, dict[str, None]] = defaultdict(dict)
    where: defaultdict[str, dict[Place, None]] = defaultdict(dict)
    for booking, _, place in held:
        on[place][booking] = None
        where[booking][place] = None
    for place, bookings in on.items():
        if len(bookings) > 1:
            shown = tuple(call for call in calls if call.place == place and named(call) in bookings)
            yield Finding("double", {"place": place, "bookings": tuple(bookings)}, shown)
    for booking, places in where.items():
        if len(places) > 1:
            shown = tuple(call for call in calls if named(call) == booking)
            yield Finding("two_places", {"booking": booking, "place": tuple(places)}, shown)


def _explained(calls: Sequence[Call], held: Sequence[Held]) -> Iterator[Finding]:
    """Each booking at the end was made by a call, and is where one wanted it.

    A creation whose outcome nobody knows explains one booking of its user.
    """
    wanted: defaultdict[str, set[Place | None]] = defaultdict(set)
    made, undecided = set[str](), list[Call]()
    for call in calls:
        booking = named(call)
        if booking is not None:
            wanted[booking].add(call.place)
            made |= {booking} if call.method == CREATE else set()
        elif call.method == CREATE and not is_decided(call):
            undecided.append(call)
    for booking, user, place in held:
        if booking not in made:
            suits = [call for call in undecided if call.user == user and {call.place, *wanted[booking]} >= {place}]
            if suits:
                undecided.remove(suits[0])
                wanted[booking].add(place)
        if place not in wanted[booking]:
            yield Finding("phantom", {"booking": booking, "user": user, "place": place})


def _once(history: History) -> Iterator[Finding]:
    """A request has one answer, however often it is asked for, and a booking comes from one request."""
    first: dict[str, Call | Repeat] = {}
    makers: dict[str, Call] = {}
    for call in history.calls:
        if call.request in first:
            yield Finding("request_twice", {"request": call.request}, (call,))
        first[call.request] = call
        if call.method == CREATE and call.answer:
            other = makers.setdefault(call.answer.booking, call)
            if other is not call:
                yield Finding("booking_twice", {"booking": call.answer.booking}, (other, call))
    by_request = {call.request: call for call in history.calls}
    for repeat in history.repeats:
        known = first.get(repeat.request)
        if known is None or not is_decided(known):
            first[repeat.request] = repeat
        elif _is_last_word(repeat) and (known.outcome, known.answer) != (repeat.outcome, repeat.answer):
            facts = {"request": repeat.request, "first": _told(known), "again": _told(repeat)}
            yield Finding("answer_changed", facts, (by_request[repeat.request],))


def _is_last_word(repeat: Repeat) -> bool:
    """Whether it says what became of a request that was decided, or, falsely, that this was another request."""
    return is_decided(repeat) or repeat.outcome == "invalid"


def _told(said: Call | Repeat) -> str:
    """An answer in a few words."""
    answer = said.answer
    return f"{said.outcome} {answer.booking} {answer.status}" if answer else said.outcome


def _fitting(made: Sequence[Call]) -> Iterator[Finding]:
    """An acknowledgement is of what was asked for."""
    for call in made:
        part = misfit(call, call.answer) if call.answer else "answer"
        if part:
            yield Finding(f"misfit_{part}", {"request": call.request}, (call,))


def _pictures(history: History) -> Iterator[Finding]:
    """What each client was last told of a place is what a fresh look says."""
    for picture in history.pictures:
        for place in sorted(picture.seen.keys() | picture.true.keys()):
            seen, true = picture.seen.get(place), picture.true.get(place)
            if seen != true:
                facts = {"client": picture.client, "place": place, "seen": seen or "", "true": true or ""}
                yield Finding("stale", facts)
