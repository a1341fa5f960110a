"""The engine: one method per operation, called on a door's I/O thread, never blocking; answers come to `reply`.

A reply is called before the method returns where everything is at hand (a warm board, an instant refusal), else later
through the door's mailbox, on the same thread. Errors are values: instances of AgendaError.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from agenda.domain.commands import CancelBooking, Command, MoveBooking, NoteAttempt
from agenda.domain.errors import AgendaError, Invalid, NotFound
from agenda.domain.model import BookingId, Catalogue, Claim, RequestId, ResourceId, ServiceId, Status, UserId
from agenda.engine.aftermath import Aftermath
from agenda.engine.board import Board, Key
from agenda.engine.committer import Committer
from agenda.engine.following import Following
from agenda.engine.health import Health
from agenda.engine.ids import known_form, new_ids
from agenda.engine.live import Live, SlotChange
from agenda.engine.meter import Meter, Vitals
from agenda.engine.ports import Log, Mailbox, Reply, Store
from agenda.engine.roll import Roll, Session
from agenda.engine.sessions import NOTHING_SENT, Credentials, Farewell, Sessions
from agenda.engine.timetable import SlotList, SlotState, Timetable, Timetables, utc_now
from agenda.engine.workers import Workers

READERS = 4
HASHERS = 2


@dataclass(frozen=True, slots=True)
class _View:
    """Who wants to see slots; `seen` gets the picture, and the states without regard to the time of day."""

    session: Session
    mailbox: Mailbox
    reply: Reply
    seen: Callable[[SlotList, tuple[SlotState, ...]], None]


@dataclass(frozen=True, slots=True)
class Watching:
    """The answer to a watch: its id, and the picture from which changes go on."""

    watch: str
    slots: SlotList


class Engine:
    """All that a door can ask for. `start` before use; `stop` drains what was accepted and ends the threads.

    `health` tells whether the store can be used, and doors that want to know when that changes listen to it.
    """

    def __init__(self, store: Store, log: Log, *, clock: Callable[[], datetime] = utc_now) -> None:
        self._store, self._now = store, clock
        self._reader = store.reader()
        self._timetables = Timetables(self._reader.catalogue())
        self._board = Board(lambda: self._timetables.frame)
        self._aftermath = Aftermath(self._board, store, log, self._offers_changed)
        self.health = Health(log)
        self._committer = Committer(store, self.catalogue, self._aftermath, log, self.health, new_ids())
        self._readers = Workers("reader", READERS, 10_000, log, self.health)
        self._exporter = Workers("exporter", 1, 100, log, self.health)
        self._hashers = Workers("hasher", HASHERS, 1_000, log, self.health)
        self._ids = new_ids()
        self._roll = Roll(self._reader, self._readers)
        self._sessions = Sessions(
            self._roll,
            self._reader,
            self._hashers,
            self._committer.submit,
            self._ids,
            clean=self._aftermath.erased,
        )

        feed = store.feed()
        if feed is not None:
            self._aftermath.following = Following(
                feed, self._board, self, health=self.health, meter=self._committer.meter, log=log
            )

    def start(self) -> None:
        """Start the threads. Raises StoreUnavailable."""
        if self._aftermath.following is not None:
            self._aftermath.following.start()
        self._committer.start()
        self._readers.start()
        self._exporter.start()
        self._hashers.start()

    def wind_down(self) -> None:
        """Refuse the passwords that wait to be checked: a crowd of them takes longer than the doors' goodbye may."""
        self._hashers.shed()

    def stop(self) -> None:
        """Finish what was accepted, post its outcomes, end the threads; what comes later is `unavailable`."""
        self._hashers.stop()
        self._exporter.stop()
        self._readers.stop()
        self._committer.stop()
        if self._aftermath.following is not None:
            self._aftermath.following.stop()

    @property
    def catalogue(self) -> Catalogue:
        """What is offered, as an unchanging snapshot."""
        return self._timetables.catalogue

    @property
    def meter(self) -> Meter:
        """What is counted; any thread may read it."""
        return self._committer.meter

    def vitals(self) -> Vitals:
        """How it is at this moment; any thread."""
        workers = (self._readers, self._exporter, self._hashers)
        return Vitals(
            committing=self._committer.alive,
            following=self._aftermath.following is None or self._aftermath.following.alive,
            waiting={"committer": self._committer.waiting} | {each.name: each.waiting for each in workers},
            watches=sum(live.watching for live in list(self._aftermath.lives.values())),
            days=self._board.kept,
        )

    def tidy(self) -> None:
        """Have the committer clear what is of no more use, between two batches; any thread."""
        self._committer.call(lambda: self._store.tidy(self._now()))

    def _offers_changed(self, catalogue: Catalogue) -> None:
        self._timetables = Timetables(catalogue)
        self._board.drop()

    # What other nodes did: see agenda.engine.following.Follower

    def changed(self, claims: Iterable[Claim]) -> None:
        """Watchers look again at the days that another node touched."""
        self._aftermath.look_again(claims)

    def forgotten(self) -> None:
        """Watchers look again at everything."""
        self._aftermath.look_again(None)

    def ended(self, closed: Collection[str], erased: Collection[UserId]) -> None:
        """Sessions that were ended at another node end here, too."""
        self._roll.end_elsewhere(closed, erased)

    def missed(self) -> None:
        """The store is asked about every session."""
        self._roll.check()

    def looked(self, version: int) -> None:
        """Take over what another node offers, and try again what could not be read. Raises StoreUnavailable."""
        if version != self.catalogue.version:
            self._offers_changed(self._reader.catalogue())
            self.forgotten()
        self._aftermath.read_again()
        self._roll.check_again()

    # Sessions

    def ping(self) -> datetime:
        """The machine's clock, in UTC."""
        return self._now()

    def open_session(
        self,
        name: str,
        password: str,
        *,
        create: bool,
        language: str,
        address: str,
        mailbox: Mailbox,
        reply: Reply,
    ) -> None:
        """Sign in, or with `create` make the account if the name is unknown; replies SessionOpened."""
        self._sessions.open(Credentials(name, password, create, language, address), mailbox, reply)

    def resume_session(self, token: str, *, mailbox: Mailbox, reply: Reply) -> None:
        """Sign in with a token; replies SessionOpened."""
        self._sessions.resume(token, mailbox, reply)

    def close_session(self, session: Session, *, mailbox: Mailbox, reply: Reply) -> None:
        """End the token, on every connection that uses it; replies None."""
        self._sessions.close(session, mailbox, reply)

    def erase_user(
        self,
        session: Session | None,
        password: str,
        *,
        request: RequestId,
        fingerprint: bytes,
        address: str,
        mailbox: Mailbox,
        reply: Reply,
    ) -> None:
        """Delete everything about the session's user; replies Receipt.

        Without a session, or when the user is gone, the receipt of the same request is given again.
        """
        self._sessions.erase(session, Farewell(password, request, fingerprint, address), mailbox, reply)

    # Bookings

    def submit(self, command: Command, mailbox: Mailbox, reply: Reply) -> None:
        """Have a BookSlot, MoveBooking or CancelBooking decided; replies the Booking as of that decision."""
        self._committer.submit(self._well_formed(command), mailbox, reply)

    def _well_formed(self, command: Command) -> Command:
        """The command with ids that the store can look for, whatever text was sent."""
        match command:
            case MoveBooking(booking=booking) | CancelBooking(booking=booking) if known_form(booking) != booking:
                return replace(command, booking=BookingId(known_form(booking)))
        return command

    def only(self, service: str | None, resource: str | None) -> tuple[ServiceId, ResourceId] | Invalid:
        """Service and resource for a booking: what was left out is the only one there is, else it is missing."""
        services, resources = self.catalogue.services, self.catalogue.resources
        if service is None and len(services) != 1:
            return Invalid("service", "missing")
        if resource is None and len(resources) != 1:
            return Invalid("resource", "missing")
        wanted_service = next(iter(services)) if service is None else ServiceId(service)
        return wanted_service, next(iter(resources)) if resource is None else ResourceId(resource)

    def new_request(self) -> RequestId:
        """A request for a command whose client gave none; the command is then `fresh`."""
        return RequestId(next(self._ids))

    def list_bookings(self, session: Session, status: Status | None, *, mailbox: Mailbox, reply: Reply) -> None:
        """The user's own bookings, soonest first; replies a list of Booking."""
        self._readers.ask(lambda: self._reader.bookings(session.user.id, status), mailbox, reply)

    # Log and data

    def list_audit(self, session: Session, limit: int, before: str | None, *, mailbox: Mailbox, reply: Reply) -> None:
        """The user's audit entries, newest first; replies ([(id, AuditEntry)], id to go on before or None)."""

        def work() -> Any:
            try:
                return self._reader.audit(session.user.id, limit, before)
            except ValueError:
                return Invalid("before", "unknown")

        self._readers.ask(work, mailbox, reply)

    def export_user(
        self, session: Session, shape: Callable[[dict[str, Any]], Any], *, mailbox: Mailbox, reply: Reply
    ) -> None:
        """All that is stored about the user, the entry about this export included; replies what `shape` makes of it.

        Exports are large, so one thread makes them and calls `shape`, one after the other.
        """
        user = session.user.id

        def noted(outcome: AgendaError | None) -> None:
            if isinstance(outcome, AgendaError):
                reply(outcome)
            else:
                self._exporter.ask(lambda: shape(self._reader.export(user)), mailbox, reply)

        command = NoteAttempt(user, self.new_request(), NOTHING_SENT, "user.export", "ok", fresh=True)
        self._committer.submit(command, mailbox, noted)

    # Slots

    def list_slots(
        self,
        session: Session,
        day: date,
        service: str | None,
        resource: str | None,
        *,
        mailbox: Mailbox,
        reply: Reply,
    ) -> None:
        """The day's slots as the user sees them; replies SlotList."""
        view = _View(session, mailbox, reply, lambda slots, _: reply(slots))
        self._with_picture(view, day, service, resource)

    def watch_slots(
        self,
        session: Session,
        day: date,
        service: str | None,
        resource: str | None,
        *,
        mailbox: Mailbox,
        reply: Reply,
        notify: Callable[[SlotChange], None],
    ) -> None:
        """The same with a Watching; from then on `notify` is called with every SlotChange, after that reply."""
        live = self._live(mailbox)  # before the picture: from now on commits tell this door

        def seen(slots: SlotList, states: tuple[SlotState, ...]) -> None:
            watch = live.add(session.user.id, slots.timetable, states, notify)
            reply(Watching(watch.id, slots))

        self._with_picture(_View(session, mailbox, reply, seen), day, service, resource)

    def unwatch_slots(self, watch: str, *, mailbox: Mailbox) -> bool:
        """Stop a watch of this door; False if there is none of that id."""
        return self._live(mailbox).remove(watch)

    def _with_picture(self, view: "_View", day: date, service: str | None, resource: str | None) -> None:
        """Show the view its picture, once the board has the day."""
        catalogue, now = self.catalogue, self._now()
        if service is not None and service not in catalogue.services:
            view.reply(NotFound("service"))
        elif resource is not None and resource not in catalogue.resources:
            view.reply(NotFound("resource"))
        else:
            wanted_service = ServiceId(service) if service else None
            wanted_resource = ResourceId(resource) if resource else None
            self._look(view, self._timetables.of(day, wanted_service, wanted_resource, now), now)

    def _look(self, view: "_View", timetable: Timetable, now: datetime, *, again: bool = False) -> None:
        keys = timetable.keys
        version, days = self._board.look(keys)
        known = [day for day in days if day is not None]
        if not again:
            self.meter.looked(hit=len(known) == len(days))
        if len(known) == len(days):
            states = timetable.states(known, view.session.user.id)
            begun = timetable.begun(now)
            shown = (SlotState.PAST,) * begun + states[begun:]
            view.seen(SlotList(timetable, self.catalogue.business.timezone, version, shown), states)
            return

        def filled(failed: AgendaError | None) -> None:
            if failed is not None:
                view.reply(failed)
            else:
                self._look(view, timetable, now, again=True)

        missing = [key for key, day in zip(keys, days, strict=True) if day is None]
        self._readers.ask(lambda: self._fill(missing), view.mailbox, filled)

    def _fill(self, keys: Iterable[Key]) -> None:
        """Put days on the board; on a reader's thread."""
        resources = self.catalogue.resources
        for resource, day in keys:
            if resource in resources:
                self._board.fill(resources[resource], day, self._reader.occupied)

    def _live(self, mailbox: Mailbox) -> Live:
        """The feed of this door."""
        lives = self._aftermath.lives
        if mailbox not in lives:

            def want(keys: Iterable[Key], then: Callable[[bool], None]) -> None:
                self._readers.ask(lambda: self._fill(keys), mailbox, lambda failed: then(failed is None))

            live = lives[mailbox] = Live(self._board, self._now, want)
            self.health.listen(mailbox, lambda available: live.refresh_all() if available else None)
        return lives[mailbox]
