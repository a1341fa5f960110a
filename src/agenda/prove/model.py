"""What slots are allowed to do: the sequential rules by which a history is judged.

The state of a group of places is who holds each place, and which bookings were ever made. An `Act` is a call together
with its answer; asked for the state after it, it says None where a correct agenda could not have answered so.
"""

from typing import NamedTuple, Protocol, TypeAlias

from agenda.prove.linear import Rules

Holders: TypeAlias = "tuple[str | None, ...]"


class State(NamedTuple):
    """`holders` has the booking on each place of the group, None where it is free.

    `born` has the marks of all bookings that were made, live or not. A booking is live where it holds a place.
    """

    holders: Holders
    born: int


class Act(Protocol):
    """A call and its answer."""

    def after(self, state: State) -> State | None:
        """The state after it; the same one if it changes nothing; None if this answer is impossible in `state`."""
        ...

    def is_hopeless(self, state: State) -> bool:
        """Whether this answer is impossible in `state` and in all that can come after it."""
        ...


class Create(NamedTuple):
    """A booking was made: the place was free. Of acts with a mark in common only one can happen."""

    place: int
    booking: str
    marks: int

    def after(self, state: State) -> State | None:
        if state.holders[self.place] is not None or state.born & self.marks:
            return None
        return State(_put(state.holders, self.place, self.booking), state.born | self.marks)

    def is_hopeless(self, state: State) -> bool:
        return bool(state.born & self.marks)


class Taken(NamedTuple):
    """A creation was refused with `slot_taken`: somebody held the place, perhaps the same user."""

    place: int

    def after(self, state: State) -> State | None:
        return None if state.holders[self.place] is None else state

    def is_hopeless(self, state: State) -> bool:
        return False


class Move(NamedTuple):
    """A booking was moved: it was live, and the place was free or its own, in which case nothing changed."""

    booking: str
    mark: int
    place: int

    def after(self, state: State) -> State | None:
        if self.booking not in state.holders:
            return None
        holder = state.holders[self.place]
        if holder is not None:
            return state if holder == self.booking else None
        left = _put(state.holders, state.holders.index(self.booking), None)
        return State(_put(left, self.place, self.booking), state.born)

    def is_hopeless(self, state: State) -> bool:
        return _is_dead(state, self.booking, self.mark)


class MoveTaken(NamedTuple):
    """A move was refused with `slot_taken`: the booking was live, and another one held the place."""

    booking: str
    mark: int
    place: int

    def after(self, state: State) -> State | None:
        live = self.booking in state.holders
        return state if live and state.holders[self.place] not in {None, self.booking} else None

    def is_hopeless(self, state: State) -> bool:
        return _is_dead(state, self.booking, self.mark)


class NotLive(NamedTuple):
    """A move was refused with `not_found`: the booking was cancelled, or not made yet."""

    booking: str

    def after(self, state: State) -> State | None:
        return None if self.booking in state.holders else state

    def is_hopeless(self, state: State) -> bool:
        return False


class NotMade(NamedTuple):
    """A cancellation was refused with `not_found`: there was no such booking yet."""

    mark: int

    def after(self, state: State) -> State | None:
        return None if state.born & self.mark else state

    def is_hopeless(self, state: State) -> bool:
        return bool(state.born & self.mark)


class Cancel(NamedTuple):
    """A booking was cancelled: it had been made, and is not live any more. Once cancelled, nothing changes.

    `place` is where the answer says that it was; a live booking was there.
    """

    booking: str
    mark: int
    place: int

    def after(self, state: State) -> State | None:
        if not state.born & self.mark:
            return None
        if self.booking not in state.holders:
            return state
        where = state.holders.index(self.booking)
        return State(_put(state.holders, where, None), state.born) if where == self.place else None

    def is_hopeless(self, state: State) -> bool:
        return False


class CancelUnheard(NamedTuple):
    """A cancellation of a live booking that nobody answered; without one to cancel it makes no difference."""

    booking: str
    mark: int

    def after(self, state: State) -> State | None:
        if self.booking not in state.holders:
            return None
        return State(_put(state.holders, state.holders.index(self.booking), None), state.born)

    def is_hopeless(self, state: State) -> bool:
        return _is_dead(state, self.booking, self.mark)


class Look(NamedTuple):
    """Somebody looked at all places at once, and this is what they held."""

    holders: Holders

    def after(self, state: State) -> State | None:
        return state if state.holders == self.holders else None

    def is_hopeless(self, state: State) -> bool:
        return False


class Never(NamedTuple):
    """An answer that no correct agenda gives in any state."""

    def after(self, state: State) -> State | None:
        return None

    def is_hopeless(self, state: State) -> bool:
        return True


READS = (Taken, MoveTaken, NotLive, NotMade, Look)
RULES: Rules[State, Act] = Rules(
    after=lambda state, act: act.after(state),
    is_read=lambda act: isinstance(act, READS),
    is_hopeless=lambda state, act: act.is_hopeless(state),
)


def _is_dead(state: State, booking: str, mark: int) -> bool:
    """Whether a booking was made and cancelled."""
    return bool(state.born & mark) and booking not in state.holders


def _put(holders: Holders, place: int, booking: str | None) -> Holders:
    return (*holders[:place], booking, *holders[place + 1 :])
