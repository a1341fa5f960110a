"""The live feed of one door: who watches which day, what each saw last, and what to tell him after a commit."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count

from agenda.domain.model import Claim, ResourceId, UserId
from agenda.engine.board import Board, DayView, Key
from agenda.engine.timetable import Slot, SlotState, Timetable

States = tuple[SlotState, ...]


@dataclass(frozen=True, slots=True)
class SlotChange:
    """What changed for one watch; `slots` is one object for all watches that see the same change."""

    watch: str
    version: int
    slots: tuple[Slot, ...]


@dataclass(slots=True, eq=False)
class Watch:
    """One session's eye on a timetable; `seen` is what it was told last."""

    id: str
    user: UserId
    timetable: Timetable
    notify: Callable[[SlotChange], None]
    seen: States


@dataclass(slots=True)
class Live:
    """The watches of one I/O thread; every method is called on it.

    `want` fetches days that the board has dropped and then calls back, with whether it could.
    """

    board: Board
    now: Callable[[], datetime]
    want: Callable[[Iterable[Key], Callable[[bool], None]], None]
    _watches: dict[str, Watch] = field(default_factory=dict)
    _by_key: dict[Key, dict[Timetable, dict[str, Watch]]] = field(default_factory=dict)
    _days: Counter[ResourceId] = field(default_factory=Counter)  # of each resource that somebody watches
    _owed: set[Key] = field(default_factory=set)
    _ids: "count[int]" = field(default_factory=lambda: count(1))

    @property
    def watching(self) -> int:
        """How many watches there are; any thread."""
        return len(self._watches)

    @property
    def owing(self) -> bool:
        """Whether somebody has not been told since a day could not be read; any thread."""
        return bool(self._owed)

    def add(self, user: UserId, timetable: Timetable, states: States, notify: Callable[[SlotChange], None]) -> Watch:
        """Watch from now on; `states` is the picture that is being answered at this very moment."""
        watch = Watch(f"w{next(self._ids)}", user, timetable, notify, states)
        self._watches[watch.id] = watch
        for key in set(timetable.keys):
            if key not in self._by_key:
                self._by_key[key] = {}
                self._days[key[0]] += 1
            self._by_key[key].setdefault(timetable, {})[watch.id] = watch
        return watch

    def remove(self, watch_id: str) -> bool:
        """Stop watching; False if there is no such watch."""
        watch = self._watches.pop(watch_id, None)
        if watch is None:
            return False
        for key in set(watch.timetable.keys):  # one resource may do several services
            groups = self._by_key[key]
            del groups[watch.timetable][watch_id]
            if not groups[watch.timetable]:
                del groups[watch.timetable]
            if not groups:
                del self._by_key[key]
                self._days[key[0]] -= 1
        return True

    def touched(self, claims: Iterable[Claim]) -> None:
        """Tell every watch of the days whose slots these claims can change what is different now."""
        watched = [claim for claim in claims if self._days[claim.resource]]
        if watched:
            self.refresh(self.board.keys(watched))

    def refresh(self, keys: Iterable[Key]) -> None:
        """Tell every watch of these days what is different now."""
        timetables = {timetable: None for key in keys for timetable in self._by_key.get(key, ())}
        for timetable in timetables:
            self._refresh(timetable)

    def refresh_all(self, _: object = None) -> None:
        """Tell every watch what is different now: the store is back, and days may have been dropped meanwhile."""
        self.refresh(list(self._by_key))

    def refresh_owed(self, _: object = None) -> None:
        """Try again what could not be read."""
        owed, self._owed = self._owed, set()
        self.refresh(owed)

    def _refresh(self, timetable: Timetable) -> None:
        version, views = self.board.look(timetable.keys)
        known = [view for view in views if view is not None]
        if len(known) < len(views):
            missing = [key for key, view in zip(timetable.keys, views, strict=True) if view is None]
            self.want(missing, lambda fetched: self.refresh(missing) if fetched else self._owed.update(missing))
            return
        watches = self._by_key.get(timetable.keys[0], {}).get(timetable, {})
        self._tell(timetable, version, known, list(watches.values()))

    def _tell(self, timetable: Timetable, version: int, views: Sequence[DayView], watches: Sequence[Watch]) -> None:
        """Strangers share one picture, and all who saw the same before share one list of changes."""
        owners = timetable.owners(views)
        pictures: dict[UserId | None, States] = {}
        differences: dict[tuple[int, int], tuple[Slot, ...]] = {}
        begun = timetable.begun(self.now())
        for watch in watches:
            user = watch.user if watch.user in owners else None
            if user not in pictures:
                pictures[user] = timetable.states(views, user)
            seen, picture = watch.seen, pictures[user]
            pair = (id(seen), id(picture))
            if pair not in differences:
                differences[pair] = _different(timetable, seen, picture, begun)
            watch.seen = picture
            if differences[pair]:
                watch.notify(SlotChange(watch.id, version, differences[pair]))


def _different(timetable: Timetable, old: States, new: States, begun: int) -> tuple[Slot, ...]:
    """The slots that have not begun and whose state is another one."""
    if old == new:
        return ()
    return tuple(Slot(timetable.times[n], new[n]) for n in range(begun, len(new)) if old[n] is not new[n])
