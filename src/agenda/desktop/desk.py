"""What the window can do: each operation asks the server in the background and puts the answer into the model."""

import ssl
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any, TypeVar

from agenda.addresses import join_address
from agenda.client import (
    AgendaError,
    Client,
    Disconnected,
    NotSignedIn,
    State,
    Unavailable,
    Watch,
    new_request,
)
from agenda.desktop.address import SignIn
from agenda.desktop.state import Model, Notice, Pending, Place, notice_of
from agenda.desktop.talks import Opened, hang_up, open_session, pause_of, until_answered
from agenda.desktop.worker import Job, Worker
from agenda.wire import Booking, LogPage, Receipt, Slot, SlotChange

T = TypeVar("T")


class Desk:
    """The operations of one window. All methods are called in the window's thread and return at once.

    `changed` is called after each answer or news; `ended` when the server no longer knows the session.
    """

    def __init__(
        self,
        worker: Worker,
        changed: Callable[[], None],
        ended: Callable[[Notice | None], None],
        make_client: Callable[..., Client] = Client,
    ) -> None:
        self._worker, self._changed, self._ended, self._make_client = worker, changed, ended, make_client
        self._client: Client | None = None
        self._trying: Client | None = None
        self._watch: Watch | None = None
        self._ahead = timedelta()
        self.zone: tzinfo = UTC
        self.model = Model(day=datetime.now().astimezone().date())

    def now(self) -> datetime:
        """The server's time, in the zone of the business."""
        return (datetime.now(UTC) + self._ahead).astimezone(self.zone)

    def today(self) -> date:
        return self.now().date()

    def waited(self) -> float:
        """For how many seconds an answer has been awaited; 0.0 where none is."""
        return self._worker.waited()

    # -- coming and going ---------------------------------------------------

    def connect(
        self, who: SignIn, language: str, tls: ssl.SSLContext | None, *,
        failed: Callable[[Exception], None], opened: Callable[[], None],
    ) -> None:  # fmt: skip
        """Sign in at one of the servers; one of `failed` and `opened` is called later."""
        first, *others = who.servers
        client: Client = self._make_client(
            *first, addresses=others, tls=tls, language=language, on_state=self._told_state
        )
        self._trying = client

        def then(result: Opened) -> None:
            if self._trying is client:
                self._open(result)
                opened()

        def gave_up(error: Exception) -> None:
            if self._trying is client:
                self._trying = None
                failed(error)

        self._worker.read("connect", Job(lambda: open_session(client, who), then, gave_up))

    def stop_connecting(self) -> None:
        """Give up a sign-in that is under way; nobody is told of its outcome."""
        trying, self._trying = self._trying, None
        if trying:
            hang_up(trying)

    def _open(self, result: Opened) -> None:
        self._trying = None
        self._client, self._ahead, self.zone = result.client, result.ahead, result.zone
        self.model.opened(result.session, result.services, result.resources)
        self._note_link(result.client, result.client.state)
        self.model.day = result.day
        self.refresh_day()
        self.refresh_bookings()

    def sign_out(self) -> None:
        """End the session, in the background; whatever waits for an answer is left to its request."""
        client, self._client, self._watch = self._client, None, None
        self.model.session = None
        if client is None:
            return

        if client.state is not State.ONLINE:
            hang_up(client)
            return

        def work() -> None:
            try:
                client.sign_out()
            finally:
                client.close()

        self._worker.read("sign_out", Job(work, _ignore, _ignore))

    def close(self) -> None:
        """Hang up and end the threads."""
        self._worker.stop()
        for client in (self._trying, self._client):
            if client:
                client.close()
        self._trying = self._client = None

    # -- the day ------------------------------------------------------------

    def choose(self, day: date | None = None, service: str | None = None, resource: str | None = "") -> None:
        """Look at another day, service or resource; `resource` None means all of them, "" the same as now."""
        wanted = self.model.resource if resource == "" else resource
        place = (day or self.model.day, service or self.model.service, wanted)
        if place != self.model.place:
            self.model.choose(*place)
            self.refresh_day()
        self._changed()

    def refresh_day(self) -> None:
        """Ask for the day that is looked at, and for all news of it."""
        client, place = self._client, self.model.place
        if client is None:
            return
        if self._watch is not None:
            self._watch.close()
            self._watch = None
        early: list[SlotChange] = []  # news that overtook the first picture

        def news(change: SlotChange) -> None:
            self._worker.post(lambda: self._news(client, place, change, early))

        def then(watch: Watch) -> None:
            if self._client is not client or self.model.place != place:
                watch.close()
                return
            self._watch = watch
            self.model.saw(place, watch.slots, watch.version, self.now())
            for change in early:
                self.model.changed(place, change, self.now())
            self._changed()

        work = lambda: client.watch(place[0], news, service=place[1], resource=place[2])  # noqa: E731
        self._worker.read("day", Job(work, then, lambda error: self._read_failed(client, error, self.refresh_day)))

    def _news(self, client: Client, place: Place, change: SlotChange, early: list[SlotChange]) -> None:
        if self._client is not client:
            return
        if self._watch is None:
            early.append(change)
        elif self.model.changed(place, change, self.now()):
            self.refresh_bookings()
        self._changed()

    def refresh_bookings(self) -> None:
        client = self._client
        if client is None:
            return

        def then(bookings: list[Booking]) -> None:
            if self._client is client:
                self.model.listed(bookings)
                self._changed()

        failed = lambda error: self._read_failed(client, error, self.refresh_bookings)  # noqa: E731
        self._worker.read("bookings", Job(lambda: client.bookings("booked"), then, failed))

    # -- clicks -------------------------------------------------------------

    def book(self, slot: Slot, note: str | None) -> None:
        pending = Pending(new_request(), "book", slot.start, slot.resource, note=note or "")

        def call(client: Client) -> Booking:
            return client.book(
                slot.start, service=slot.service, resource=slot.resource, note=note, request=pending.request
            )

        self._click(pending, call)

    def move(self, booking: Booking, slot: Slot) -> None:
        pending = Pending(new_request(), "move", slot.start, slot.resource, booking.id)

        def call(client: Client) -> Booking:
            return client.move(booking.id, slot.start, resource=slot.resource, request=pending.request)

        self._click(pending, call)

    def cancel(self, booking: Booking) -> None:
        pending = Pending(new_request(), "cancel", booking.start, booking.resource, booking.id)
        self._click(pending, lambda client: client.cancel(booking.id, request=pending.request))

    def _click(self, pending: Pending, call: Callable[[Client], Booking]) -> None:
        """Send a click until it is answered, with one and the same request."""
        client = self._client
        if client is None or not self.model.clicked(pending):
            return
        self._changed()

        def then(booking: Booking) -> None:
            if self._client is client:
                self.model.answered(pending.request, booking)
                self._changed()

        def failed(error: Exception) -> None:
            if self._client is not client:
                return
            if isinstance(error, NotSignedIn):
                self._end(notice_of(error))
            elif isinstance(error, AgendaError):
                self.model.refused(pending.request, error)
                self._changed()
            elif not isinstance(error, Disconnected):
                raise error

        self._worker.change(Job(lambda: until_answered(client, call, self._worker.stopping), then, failed))

    # -- log and data -------------------------------------------------------

    def read_log(
        self, before: str | None, then: Callable[[LogPage], None], failed: Callable[[Exception], None]
    ) -> None:
        self._ask("log", lambda client: client.log(before=before), then, failed)

    def export(self, then: Callable[[dict[str, Any]], None], failed: Callable[[Exception], None]) -> None:
        self._ask("export", Client.export, then, failed)

    def erase(self, password: str, then: Callable[[Receipt], None], failed: Callable[[Exception], None]) -> None:
        """Delete the user. The request stays the same until an answer comes, so the receipt is never lost."""
        client, request = self._client, new_request()
        if client is None:
            return

        def gone(receipt: Receipt) -> None:
            """There is nothing left to sign out of, and nothing that may interrupt reading the receipt."""
            if self._client is client:
                self._client = self._watch = None
            hang_up(client)
            then(receipt)

        work = lambda: until_answered(client, lambda one: one.erase(password, request=request), self._worker.stopping)  # noqa: E731
        self._worker.change(Job(work, gone, failed))

    def _ask(
        self, key: str, call: Callable[[Client], T], then: Callable[[T], None], failed: Callable[[Exception], None]
    ) -> None:
        client = self._client
        if client is not None:
            self._worker.read(key, Job(lambda: call(client), then, failed))

    # -- news of the connection ---------------------------------------------

    def _told_state(self, state: State) -> None:
        """Called on a thread of the client's."""
        self._worker.post(lambda: self._state(state))

    def _state(self, state: State) -> None:
        if self._client is None:
            return
        back = state is State.ONLINE and self.model.link is not State.ONLINE
        self._note_link(self._client, self._client.state if state is not State.SIGNED_OUT else state)
        if state is State.SIGNED_OUT:
            self._end(Notice("warning", "error.not_signed_in"))
        elif back:
            self.refresh_bookings()
        self._changed()

    def _note_link(self, client: Client, state: State) -> None:
        server = client.server
        self.model.stands(state, join_address(*server) if server else "", self.now())

    def _read_failed(self, client: Client, error: Exception, again: Callable[[], None]) -> None:
        """A read that failed: it is tried again where that may help, else shown why; who has left hears nothing."""
        if self._client is not client:
            return
        if isinstance(error, NotSignedIn):
            self._end(notice_of(error))
        elif isinstance(error, Disconnected):
            if client.state is not State.CLOSED:
                again()
        elif isinstance(error, Unavailable):
            pause = pause_of(error)
            wait = Job(lambda: self._worker.stopping.wait(pause), lambda _: again(), _ignore)
            self._worker.read(f"{again.__name__} again", wait)
        elif isinstance(error, AgendaError):
            self.model.notice = notice_of(error)
        else:
            raise error
        self._changed()

    def _end(self, notice: Notice | None) -> None:
        self.sign_out()
        self._ended(notice)


def _ignore(_: object) -> None:
    """For jobs whose outcome nobody waits for."""
