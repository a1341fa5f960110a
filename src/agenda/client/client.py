"""The client that programs use: one method per operation of the protocol."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any, Self, TypeVar

from agenda.client.call import Call
from agenda.client.errors import Internal
from agenda.client.link import Link
from agenda.client.watch import Watch
from agenda.wire import (
    Booking,
    LogPage,
    NotUnderstood,
    Pong,
    Receipt,
    Resource,
    Service,
    Session,
    SlotList,
    WatchedSlots,
    read,
)

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Sequence
    from datetime import date, datetime
    from types import TracebackType

    from agenda.client.state import State
    from agenda.wire import SlotChange

T = TypeVar("T")


def new_request() -> str:
    """A fresh id for a call that changes something; nobody else has it.

    It begins with the time, so that a store that sorts requests has the new ones side by side.
    """
    return f"{time.time_ns() // 1_000_000:012x}{os.urandom(10).hex()}"


class Client:
    """A connection to the agenda's server that heals itself. Safe for any number of threads.

    Every call blocks its caller for at most `timeout` seconds and then raises `Disconnected`;
    refusals are raised as subclasses of `AgendaError`. When the server is gone, silent, stopping or
    without its data the client connects to the next one, or to the same again, by itself, resumes its
    session, re-establishes its watches and sends unanswered calls again in their order, each with its
    old `request`, so that nothing happens twice. Only where no server ever answered does the first
    failure of every one of them end the waiting calls at once, unless one of them took the connection and was silent.

    Callbacks (`on_state`, those of watches) come one after the other on one thread of the client's
    own. They may call the client; what they raise is logged.
    """

    def __init__(
        self,
        host: str = "localhost",
        port: int = 8888,
        *,
        tls: ssl.SSLContext | None = None,
        language: str = "pt-BR",
        timeout: float = 10.0,
        on_state: Callable[[State], None] | None = None,
        addresses: Sequence[tuple[str, int]] = (),
        idle: float = 10.0,
    ) -> None:
        """Start connecting in the background; returns at once and raises nothing.

        `language` is the one of the server's sentences, `timeout` the seconds a call may take,
        `addresses` are further servers of the same agenda, tried in turn after `host` and `port`;
        a connection that was silent for `idle` seconds is probed, and given up if it stays silent;
        one on which an answer is due, after a third of that.
        """
        self._language = language
        self._timeout = timeout
        self._link = Link(((host, port), *addresses), tls=tls, idle=idle, on_state=on_state)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def state(self) -> State:
        """Where the client stands now; may be old news when you read it."""
        return self._link.state

    @property
    def server(self) -> tuple[str, int] | None:
        """Host and port of the server that it is connected to; None while there is none. May be old news."""
        return self._link.server

    @property
    def timeout(self) -> float:
        """For how many seconds a call is tried."""
        return self._timeout

    @property
    def refused(self) -> bool:
        """Whether what a server said last to a call was that it is unavailable, so that it is asked again. Old news."""
        return self._link.refused

    def ping(self) -> Pong:
        """Ask for the server's clock and version. Needs no session."""
        return self._ask(Pong, "ping", {})

    def sign_in(self, user: str, password: str, *, create: bool = False) -> Session:
        """Open a session, which all later calls of this client use.

        With `create` an unknown name becomes a customer with that password; a known one signs in.
        Raises BadCredentials, RateLimited, Invalid.
        """
        params = {"user": user, "password": password, "create": create, "language": self._language}
        return self._ask(Session, "session.open", params)

    def resume(self, token: str) -> Session:
        """Go on with a session that another client opened. Raises NotSignedIn where it has ended."""
        return self._ask(Session, "session.resume", {"token": token})

    def sign_out(self) -> None:
        """End the session and its token; watches end with it."""
        self._send("session.close", {})

    def services(self) -> list[Service]:
        """What can be booked."""
        return self._ask_list(Service, "service.list", "services", {})

    def resources(self) -> list[Resource]:
        """With whom it can be booked."""
        return self._ask_list(Resource, "resource.list", "resources", {})

    def slots(self, day: date, *, service: str | None = None, resource: str | None = None) -> SlotList:
        """All slots of a day, by time. Service and resource (ids) may be left out where there is only one."""
        params = {"day": day.isoformat(), "service": service, "resource": resource}
        return self._ask(SlotList, "slot.list", params)

    def watch(
        self,
        day: date,
        callback: Callable[[SlotChange], None],
        *,
        service: str | None = None,
        resource: str | None = None,
    ) -> Watch:
        """Take the day's slots and be told of every change from then on, until `Watch.close`.

        The callback gets the slots that changed; after a reconnect or a new sign-in the whole day
        (`complete`). It may come before this method has returned: it is newer than `Watch.slots` then.
        """
        watch = Watch(day, callback, self._link.unwatch, service=service, resource=resource)
        call = Call("slot.watch", watch.params, self._timeout, watch=watch)
        picture = self._read(WatchedSlots, call.method, self._link.ask(call))
        watch.slots, watch.version = picture.slots, picture.version
        return watch

    def book(
        self,
        start: datetime,
        *,
        service: str | None = None,
        resource: str | None = None,
        note: str | None = None,
        request: str | None = None,
    ) -> Booking:
        """Book the slot that starts then; a start without offset is wall time of the business.

        Raises SlotTaken, SlotNotOffered, LimitReached, NotFound, Invalid.
        """
        params = {"start": start.isoformat(), "service": service, "resource": resource, "note": note}
        return self._change(Booking, "booking.create", params, request)

    def bookings(self, status: str | None = None) -> list[Booking]:
        """One's own bookings, soonest first; only those of one `status` if it is given."""
        return self._ask_list(Booking, "booking.list", "bookings", {"status": status})

    def cancel(self, booking: str, *, request: str | None = None) -> Booking:
        """Give a booking (id) back; one that is cancelled already comes back unchanged.

        Raises NotFound, TooLate.
        """
        return self._change(Booking, "booking.cancel", {"booking": booking}, request)

    def move(
        self, booking: str, start: datetime, *, resource: str | None = None, request: str | None = None
    ) -> Booking:
        """Give a booking (id) another start in one step; refused, it keeps its old one.

        Raises SlotTaken, SlotNotOffered, NotFound, TooLate, Invalid.
        """
        params = {"booking": booking, "start": start.isoformat(), "resource": resource}
        return self._change(Booking, "booking.move", params, request)

    def log(self, *, limit: int = 100, before: str | None = None) -> LogPage:
        """What one did and tried, newest first; `before` is that of the page one has, for the next one."""
        return self._ask(LogPage, "audit.list", {"limit": limit, "before": before})

    def export(self) -> dict[str, Any]:
        """All that is stored about the user, as the server's JSON document."""
        document: dict[str, Any] = self._send("user.export", {})
        return document

    def erase(self, password: str, *, request: str | None = None) -> Receipt:
        """Delete the user and everything about him; the session and its watches end.

        If it raises Disconnected, the same call with the error's `request` gives the receipt even
        though the user is gone, for 24 hours and without a session. Raises BadCredentials.
        """
        return self._change(Receipt, "user.erase", {"password": password}, request)

    def close(self) -> None:
        """Hang up: callers that wait get Disconnected, callbacks and threads end.

        May be called twice and from any thread. The session lives on at the server: `resume` takes it up.
        """
        self._link.close()

    def _change(self, shape: type[T], method: str, params: dict[str, Any], request: str | None) -> T:
        """A call that changes something: it carries a `request`."""
        return self._ask(shape, method, params | {"request": request or new_request()})

    def _ask(self, shape: type[T], method: str, params: dict[str, Any]) -> T:
        """Call and read the answer."""
        return self._read(shape, method, self._send(method, params))

    def _ask_list(self, shape: type[T], method: str, name: str, params: dict[str, Any]) -> list[T]:
        """Call and read the list that is the member `name` of the answer."""
        answer = self._send(method, params)
        items = answer.get(name) if isinstance(answer, dict) else None
        if not isinstance(items, list):
            raise _strange(method, f"no list of {name}")
        return [self._read(shape, method, item) for item in items]

    def _send(self, method: str, params: dict[str, Any]) -> Any:
        """Call and wait for the bare answer."""
        given = {name: value for name, value in params.items() if value is not None}
        return self._link.ask(Call(method, given, self._timeout))

    def _read(self, shape: type[T], method: str, answer: object) -> T:
        """The answer as a value of this shape."""
        try:
            return read(shape, answer)
        except NotUnderstood as error:
            raise _strange(method, str(error)) from error


def _strange(method: str, what: str) -> Internal:
    """The error for an answer that the protocol does not allow."""
    return Internal("internal", f"answer to {method} not understood: {what}", {"incident": ""})
