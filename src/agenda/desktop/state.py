"""What the window shows, as plain values without Tk: day, slots, bookings, unanswered clicks, messages."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import Enum
from typing import Any, Literal

from agenda.client import AgendaError, State
from agenda.texts import Texts
from agenda.wire import Booking, Resource, Service, Session, Slot, SlotChange

KEPT_DAYS = 60
"""How many days already seen stay readable without a server."""

Key = tuple[datetime, str]
"""A slot within a day: its start and its resource."""

Place = tuple[date, str | None, str | None]
"""What is looked at: day, service, resource."""


class Face(Enum):
    """How a slot looks. Each face has a mark and a word of its own; colour only repeats them."""

    FREE = "free"
    MINE = "mine"
    TAKEN = "taken"
    PAST = "past"
    PENDING = "pending"
    TARGET = "target"


@dataclass(frozen=True)
class Cell:
    """A slot and how it looks."""

    slot: Slot
    face: Face

    @property
    def key(self) -> Key:
        return key_of(self.slot)


@dataclass(frozen=True)
class Notice:
    """A message above the grid, in no language yet. `code` is a booking's, to be read out and copied."""

    kind: Literal["hint", "success", "warning", "problem", "target"]
    msgid: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    code: str = ""

    def sentence(self, texts: Texts) -> str:
        if self.msgid.startswith("error."):
            return texts.error(self.msgid.removeprefix("error."), self.facts)
        facts = {name: _written(texts, value) for name, value in self.facts.items()}
        return texts(self.msgid, **facts)


@dataclass(frozen=True)
class Pending:
    """A click that has no answer yet. `request` is its own, however often it is sent."""

    request: str
    action: Literal["book", "move", "cancel"]
    start: datetime
    resource: str
    booking: str | None = None
    note: str = ""


@dataclass
class Picture:
    """A place as it was last seen: its slots, their version, and when that was (the server's clock)."""

    slots: dict[Key, Slot]
    version: int
    seen: datetime


@dataclass
class Model:
    """The state of one window. Methods change it; nothing here waits, draws or speaks a language."""

    day: date
    session: Session | None = None
    link: State = State.CONNECTING
    server: str = ""
    """The server that answers just now; "" for none."""
    services: tuple[Service, ...] = ()
    resources: tuple[Resource, ...] = ()
    service: str | None = None
    resource: str | None = None
    bookings: tuple[Booking, ...] = ()
    selected: str | None = None
    moving: str | None = None
    cursor: Key | None = None
    notice: Notice | None = None
    note: str = ""
    """What was typed for a booking that was refused: it belongs back into its field."""
    pending: dict[str, Pending] = field(default_factory=dict)
    pictures: dict[Place, Picture] = field(default_factory=dict)

    @property
    def online(self) -> bool:
        return self.link is State.ONLINE

    @property
    def place(self) -> Place:
        return self.day, self.service, self.resource

    @property
    def picture(self) -> Picture | None:
        """The day as last seen, None if it never was."""
        return self.pictures.get(self.place)

    def opened(self, session: Session, services: Iterable[Service], resources: Iterable[Resource]) -> None:
        """Start afresh for a user who has just signed in."""
        self.session = session
        self.services, self.resources = tuple(services), tuple(resources)
        self.service = self.services[0].id if self.services else None
        self.resource = self.resources[0].id if self.resources else None
        self.bookings, self.selected, self.moving, self.cursor, self.notice = (), None, None, None, None
        self.note = ""
        self.pending.clear()
        self.pictures.clear()

    def stands(self, link: State, server: str, now: datetime) -> None:
        """The connection stands otherwise: what was watched until now was true until now."""
        if self.online and link is not State.ONLINE and self.picture:
            self.picture.seen = now
        self.link, self.server = link, server

    # -- the day ------------------------------------------------------------

    def choose(self, day: date, service: str | None, resource: str | None) -> None:
        """Look at another place; what was last seen of it shows at once."""
        self.day, self.service, self.resource = day, service, resource
        self.cursor = None
        if self.notice and self.notice.kind != "problem":
            self.notice = None

    def saw(self, place: Place, slots: Iterable[Slot], version: int, now: datetime) -> None:
        """A whole day arrived."""
        self.pictures.pop(place, None)  # the last one seen is the last one forgotten
        self.pictures[place] = Picture({key_of(slot): slot for slot in slots}, version, now)
        while len(self.pictures) > KEPT_DAYS:
            self.pictures.pop(next(iter(self.pictures)))

    def changed(self, place: Place, change: SlotChange, now: datetime) -> bool:
        """News of a day. Returns whether a slot of one's own came or went, so that bookings should be read."""
        before = self.pictures.get(place)
        if change.complete or before is None:
            if change.complete:
                self.saw(place, change.slots, change.version, now)
            return change.complete
        if change.version < before.version:
            return False
        mine = False
        for slot in change.slots:
            old = before.slots.get(key_of(slot))
            mine = mine or "mine" in (slot.state, old.state if old else None)
            before.slots[key_of(slot)] = slot
        before.version, before.seen = change.version, now
        return mine

    def cells(self, now: datetime) -> list[Cell]:
        """The slots of the day in order of time, each with its face at this moment."""
        if self.picture is None:
            return []
        waiting = {(pending.start, pending.resource) for pending in self.pending.values()}
        slots = sorted(self.picture.slots.values(), key=lambda slot: (slot.start, slot.resource))
        return [Cell(slot, self._face(slot, waiting, now)) for slot in slots]

    def _face(self, slot: Slot, waiting: set[Key], now: datetime) -> Face:
        if key_of(slot) in waiting:
            return Face.PENDING
        if slot.state == "free" and slot.start <= now:
            return Face.PAST
        if slot.state == "free" and self.moving:
            return Face.TARGET
        return Face(slot.state)

    # -- the cursor ---------------------------------------------------------

    def cursor_cell(self, cells: list[Cell]) -> Cell | None:
        """The cell under the cursor; without one, the first that can be booked, else the first."""
        found = next((cell for cell in cells if cell.key == self.cursor), None)
        bookable = (cell for cell in cells if cell.face in (Face.FREE, Face.TARGET))
        return found or next(bookable, cells[0] if cells else None)

    def booking_at(self, slot: Slot) -> Booking | None:
        """One's own booking that occupies the slot."""
        return next((booking for booking in self.live_bookings() if _overlaps(booking, slot)), None)

    # -- bookings and clicks ------------------------------------------------

    def live_bookings(self) -> list[Booking]:
        return [booking for booking in self.bookings if booking.status != "cancelled"]

    def upcoming(self, now: datetime) -> list[Booking]:
        """The live bookings that have not ended yet, soonest first."""
        return [booking for booking in self.live_bookings() if booking.end > now]

    def booking(self, id_: str | None) -> Booking | None:
        return next((booking for booking in self.bookings if booking.id == id_), None)

    def listed(self, bookings: Iterable[Booking]) -> None:
        """One's own bookings arrived; the selection stays where it can."""
        self.bookings = tuple(bookings)
        live = {booking.id for booking in self.live_bookings()}
        if self.selected not in live:
            self.selected = None
        if self.moving not in live:
            self.moving = None

    def is_pending(self, booking: str) -> bool:
        return any(pending.booking == booking for pending in self.pending.values())

    def clicked(self, pending: Pending) -> bool:
        """Remember a click until its answer comes. False if the same thing is asked for already."""
        same = (pending.start, pending.resource, pending.booking)
        if any((other.start, other.resource, other.booking) == same for other in self.pending.values()):
            return False
        self.pending[pending.request] = pending
        self.notice = None
        return True

    def answered(self, request: str, booking: Booking) -> None:
        """A click succeeded: its booking replaces what the list had."""
        pending = self.pending.pop(request)
        others = [old for old in self.bookings if old.id != booking.id]
        self.bookings = tuple(sorted((*others, booking), key=lambda each: (each.start, each.id)))
        self.moving = None if self.moving == booking.id else self.moving
        self.selected = booking.id if booking.status != "cancelled" else None
        self._expect(booking)
        self.notice = Notice(
            "success",
            f"desktop.done_{pending.action}",
            {"start": booking.start, "end": booking.end},
            code=booking.code if pending.action != "cancel" else "",
        )

    def refused(self, request: str, error: AgendaError) -> None:
        """A click was refused: say why; what the user was doing stays as it is."""
        self.note = self.pending.pop(request).note
        self.notice = notice_of(error)

    def _expect(self, booking: Booking) -> None:
        """Show a fresh booking's slot as one's own at once; the server's news of it is on its way."""
        place = self.picture
        key = (booking.start, booking.resource)
        slot = place.slots.get(key) if place else None
        if place and slot and slot.state == "free" and booking.status != "cancelled":
            place.slots[key] = Slot(slot.resource, slot.service, slot.start, slot.end, "mine")


def key_of(slot: Slot) -> Key:
    return slot.start, slot.resource


def notice_of(error: AgendaError) -> Notice:
    """The message for a refusal; losing a race is a warning, not a problem."""
    expected = {"slot_taken", "slot_not_offered", "too_late", "limit_reached", "not_found"}
    kind: Literal["warning", "problem"] = "warning" if error.code in expected else "problem"
    return Notice(kind, f"error.{error.code}", error.facts)


def _overlaps(booking: Booking, slot: Slot) -> bool:
    return booking.resource == slot.resource and booking.start < slot.end and slot.start < booking.end


def _written(texts: Texts, value: object) -> object:
    """A fact as a sentence has it: an instant is written with its day."""
    return texts.day_time(value) if isinstance(value, datetime) else value
