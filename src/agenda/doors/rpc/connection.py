"""One client's connection: bytes between socket and conversation, with bounds on what piles up and for how long."""

import asyncio
from typing import Final, Protocol, cast

from pydantic_core import to_json

from agenda.domain.errors import Unavailable
from agenda.doors.rpc import jsonrpc, shapes
from agenda.doors.rpc.caller import Caller
from agenda.doors.rpc.conversation import Conversation
from agenda.doors.rpc.limits import Limits
from agenda.doors.rpc.lines import MAX_LINE
from agenda.doors.rpc.proxy import Origin
from agenda.engine.engine import Engine
from agenda.engine.live import SlotChange
from agenda.engine.ports import Mailbox

STOPPING: Final = jsonrpc.notification("server.stopping", shapes.EMPTY)
STORE: Final = {
    available: jsonrpc.notification("store.changed", to_json({"available": available})) for available in (True, False)
}


class House(Protocol):
    """What a connection needs of the server it belongs to."""

    engine: Engine
    mailbox: Mailbox
    limits: Limits
    loop: asyncio.AbstractEventLoop

    def welcome(self, connection: "Connection") -> bool:
        """Count a new connection in; False if there is no room for it."""

    def farewell(self, connection: "Connection") -> None:
        """It is gone; also called for those that were not welcome."""

    def hear(self, first: bytes, host: str) -> None:
        """The first bytes that have come from a host for which no proxy has spoken."""

    def incident(self, error: BaseException) -> str:
        """Log a defect; the id under which it can be found."""


class Connection(asyncio.Protocol):
    """Lives on the I/O thread. `origin` is where the client is, if not where the connection comes from.

    Open at first; once the conversation is `ending`, what was started is answered; then it is draining: the client
    knows that it is over, and what it still sends is thrown away.
    """

    __slots__ = (
        "_busy",
        "_conversation",
        "_draining",
        "_eof",
        "_heard",
        "_house",
        "_limits",
        "_lines_taken",
        "_loop",
        "_origin",
        "_quiet_since",
        "_reading",
        "_stalled_since",
        "_store_told",
        "_transport",
        "_turn_due",
        "peer",
        "writable",
    )

    def __init__(self, house: House, origin: Origin | None = None) -> None:
        self._house, self._origin = house, origin
        self._limits = house.limits
        self._loop = house.loop
        self._busy = self._draining = self._eof = self._turn_due = False
        self._reading = self.writable = True
        self._heard = origin is not None
        self._lines_taken = 0
        self._store_told = True  # what the client was told last; at first it takes the store to be there
        self._quiet_since = house.loop.time()  # when a whole line was last seen to have come
        self._stalled_since: float | None = None  # since when the client has not read what was sent
        self.peer = "?"

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=self._limits.write_buffer)
        host, port, counted = self._origin or _direct(transport)
        self.peer = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        caller = Caller(self._house.engine, self._house.mailbox, counted, self._slots_changed, self.tell_store)
        self._conversation = Conversation(caller, self, self._limits)
        if not self._house.welcome(self):
            error = self._conversation.refused(Unavailable(self._limits.retry_after))
            self.send(jsonrpc.refusal(b"null", error))
            self._hang_up()

    def data_received(self, data: bytes) -> None:
        if not self._heard:
            self._heard = True
            self._house.hear(data, self.peer.rpartition(":")[0])
        if not self._draining:
            self._conversation.lines.feed(data)
            self.go_on()

    def eof_received(self) -> bool:
        self._eof = True
        if self._draining:
            self._transport.close()
        else:
            self._conversation.end_of_input()
            self.go_on()
        return self._transport.get_extra_info("sslcontext") is None  # TLS knows no half-close: it ends all the same

    def pause_writing(self) -> None:
        self.writable = False
        self._stalled_since = self._loop.time()

    def resume_writing(self) -> None:
        self.writable = True
        self._stalled_since = None
        self.go_on()

    def connection_lost(self, exc: Exception | None) -> None:
        self._draining = True
        self._conversation.close()
        self._house.farewell(self)
        del self._conversation  # each knows the other: together they would wait for the cycle collector

    # What the conversation calls

    def send(self, message: bytes) -> None:
        if not self._draining and not self._transport.is_closing():
            self._transport.write(message + b"\n")

    def incident(self, error: BaseException) -> str:
        return self._house.incident(error)

    def go_on(self) -> None:
        """Start what may start, read on or not, and end when everything is said."""
        if self._busy or self._draining:
            return
        conversation = self._conversation
        self._busy = True  # answers that come at once call this again
        try:
            if self.writable or conversation.stopping:
                most = self._limits.calls_in_a_row
                if conversation.advance(most) == most:
                    self._take_turns()
        finally:
            self._busy = False
        if conversation.ending and self._over():
            self._hang_up()
        elif (conversation.lines.length <= MAX_LINE) is not self._reading:
            self._pause_or_read_on()

    def _take_turns(self) -> None:
        """Go on after other connections had their turn."""
        if not self._turn_due:
            self._turn_due = True
            self._loop.call_soon(self._next_turn)

    def _next_turn(self) -> None:
        self._turn_due = False
        self.go_on()

    def _over(self) -> bool:
        """Whether all is answered."""
        return not self._turn_due and self._conversation.at_rest and self.writable

    def _pause_or_read_on(self) -> None:
        """Read on unless more than a line is here already, which can only be since it must wait."""
        if self._eof:
            return
        self._reading = not self._reading
        if self._reading:
            self._transport.resume_reading()
        else:
            self._transport.pause_reading()

    def _hang_up(self) -> None:
        """Say the last words, then close without losing them.

        Closing while unread bytes are there would reset the connection and destroy what the client has not read.
        """
        if self._transport.is_closing():
            return
        if self._conversation.last_words is not None:
            self.send(self._conversation.last_words)
        self._draining = True
        self._conversation.close()
        if self._eof:
            self._transport.close()
            return
        if not self._reading:
            self._transport.resume_reading()
        if self._transport.can_write_eof():
            self._transport.write_eof()
        self._loop.call_later(self._limits.linger, self._transport.close)

    # What the server calls

    def stop(self) -> None:
        """Tell the client that the server stops, answer what was started, refuse the rest, then close."""
        if not (self._draining or self._conversation.stopping):
            self._conversation.stop()
            self.send(STOPPING)
            self.go_on()

    def tell_store(self) -> None:
        """Tell a client that watches whether the store is available, if it was told otherwise last."""
        available = self._house.engine.health.available
        if self._draining or available is self._store_told:
            return
        caller = self._conversation.caller
        if caller.signed_in() is not None and caller.watches:
            self._store_told = available
            self._conversation.notify(STORE[available])

    def abort(self) -> None:
        """Cut the connection at once."""
        self._transport.abort()

    def check(self, now: float) -> None:
        """Cut a client that does not read, leaves a line unfinished, or is silent and never signed in."""
        limits, conversation = self._limits, self._conversation
        if self._stalled_since is not None:
            if now - self._stalled_since > limits.stalled:
                self._transport.abort()
            return
        if self._lines_taken != conversation.lines_taken or not conversation.at_rest:
            self._lines_taken = conversation.lines_taken
            self._quiet_since = now
            return
        quiet = now - self._quiet_since
        unfinished = conversation.lines.length and quiet > limits.unfinished_line
        if unfinished or (conversation.caller.signed_in() is None and quiet > limits.signed_out):
            self._hang_up()

    def _slots_changed(self, change: SlotChange) -> None:
        """Pass a SlotChange on, unless the client reads so slowly that what it has not read is too much."""
        caller = self._conversation.caller
        if self._draining or caller.signed_in() is None:
            return
        if self._transport.get_write_buffer_size() > self._limits.unread:
            self._transport.abort()
            return
        shown = shapes.changed_slots(change.slots, caller.zone)
        params = shapes.watched(change.watch, change.version, shown)
        self._conversation.notify(jsonrpc.notification("slot.changed", params))


def _direct(transport: asyncio.BaseTransport) -> Origin:
    host, port = (transport.get_extra_info("peername") or ("0.0.0.0", 0))[:2]  # noqa: S104  # it has left already
    return Origin(host, port, host)
