"""What a client is shown of a day while others change it, to be held against the truth at the end."""

from collections.abc import Iterable, Mapping, Sequence
from threading import Lock

from agenda.prove.field import place_of
from agenda.prove.history import Place
from agenda.wire import Slot, SlotChange


class DayWatch:
    """What a client was last told of a timetable, as far as it is raced for."""

    def __init__(self, places: Iterable[Place]) -> None:
        self._places = frozenset(places)
        self._seen: dict[Place, str] = {}
        self._guard = Lock()

    def begin(self, slots: Sequence[Slot]) -> None:
        """The first picture; a change that was quicker is newer."""
        with self._guard:
            self._seen = self.states(slots) | self._seen

    def changed(self, change: SlotChange) -> None:
        """News; on the client's own thread."""
        with self._guard:
            self._seen = ({} if change.complete else self._seen) | self.states(change.slots)

    def states(self, slots: Sequence[Slot]) -> dict[Place, str]:
        """The state of each place that is raced for, among these slots."""
        states = {place_of(slot.resource, slot.start): str(slot.state) for slot in slots}
        return {place: state for place, state in states.items() if place in self._places}

    def truth(self, owners: Mapping[Place, str], user: str) -> dict[Place, str]:
        """The state that each place has for `user`, given who holds which."""
        return {
            place: ("mine" if owners[place] == user else "taken") if place in owners else "free"
            for place in self._places
        }

    @property
    def seen(self) -> dict[Place, str]:
        """The picture as it is now."""
        with self._guard:
            return dict(self._seen)
