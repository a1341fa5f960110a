"""The check that every group of places is linearizable, and what to show of one that is not."""

from collections.abc import Iterable

from agenda.prove.history import Call, History, Place
from agenda.prove.linear import LIMIT, Found, linearize
from agenda.prove.model import RULES, Look, Never, State
from agenda.prove.parts import NOT_FOUND, Part, is_decided, named, parts
from agenda.prove.verdict import Check, Finding

SHOWN, LAST = 12, 4
"""So many calls at most explain a finding; so many of them are changes before the one that fits no order."""


def ordered(history: History, limit: int = LIMIT) -> Check:
    """Whether each group's calls, and the look at the end, have an order that explains every answer."""
    found = []
    for part in parts(history):
        empty = State((None,) * len(part.places), 0)
        result = linearize(part.operations, empty, RULES, limit)
        if result.linearizable is None:
            facts = {"place": part.places, "calls": len(part.calls) - 1, "explored": result.explored}
            found.append(Finding("order_undecided", facts, decided=False))
        elif not result.linearizable:
            found.append(_explained(part, result))
    return Check("order", len(history.calls), tuple(found))


def _explained(part: Part, result: Found[State]) -> Finding:
    """Where the order ends, and why."""
    assert result.stuck is not None  # noqa: S101  # an order that does not end stops somewhere
    call, act = part.calls[result.stuck], part.operations[result.stuck].does
    if call is None:
        return _end(part, result)
    if isinstance(act, Never):
        return Finding("order_never", {"request": call.request, "outcome": call.outcome}, (call,), call)
    if call.outcome == NOT_FOUND:
        said = {"request": call.request, "outcome": call.outcome, "booking": call.booking}
        return Finding("order_found", said, _around(part, result, call, set(), {call.booking}), call)
    place = call.place or (call.answer and call.answer.place)
    holders = _holders(part, result, place) if place else ()
    facts = {"request": call.request, "outcome": call.outcome, "place": place, "holders": holders}
    around = _around(part, result, call, {place}, {named(call), call.booking, *holders})
    return Finding("order_answer", facts, around, call)


def _end(part: Part, result: Found[State]) -> Finding:
    """The look at the end: the first place that no order leaves as it was found."""
    look = part.operations[-1].does
    if not isinstance(look, Look):
        return Finding("order_two", {"place": part.places})
    for place, held in zip(part.places, look.holders, strict=True):
        holders = _holders(part, result, place)
        if held not in holders:
            break
    else:  # each alone is possible, all together are not
        shown = _around(part, result, None, set(part.places), ())
        return Finding("order_end_together", {"place": part.places}, shown)
    facts = {"place": place, "held": held, "holders": holders}
    return Finding("order_end", facts, _around(part, result, None, {place}, {held, *holders}))


def _holders(part: Part, result: Found[State], place: Place) -> tuple[str | None, ...]:
    """Who could hold a place where the order ends; None stands for nobody."""
    number = part.places.index(place)
    return tuple(sorted({state.holders[number] for state in result.states}, key=lambda holder: holder or ""))


def _around(
    part: Part, result: Found[State], stuck: Call | None, places: set[Place | None], bookings: Iterable[str | None]
) -> tuple[Call, ...]:
    """The call that fits no order, and those that have to do with its places and bookings, in order of time.

    These are the last changes before it, all that was under way at its time, and what nobody knows the outcome of.
    """
    concerned = {booking for booking in bookings if booking is not None}

    def matters(call: Call) -> bool:
        where = {call.place, call.answer and call.answer.place} - {None}
        return not where.isdisjoint(places) or named(call) in concerned or call.booking in concerned

    near = dict.fromkeys(call for call in part.calls if call and call != stuck and matters(call))
    before = [call for n in result.order if (call := part.calls[n]) in near and call and call.answer]
    beside = [call for call in near if stuck and not _before(call, stuck) and not _before(stuck, call)]
    undecided = [call for call in near if not is_decided(call)]
    shown = dict.fromkeys([*filter(None, [stuck]), *before[-LAST:], *beside, *undecided])
    return tuple(sorted(list(shown)[:SHOWN], key=lambda call: call.began))


def _before(call: Call, other: Call) -> bool:
    """Whether a call was answered before the other one began."""
    return call.ended is not None and call.ended < other.began
