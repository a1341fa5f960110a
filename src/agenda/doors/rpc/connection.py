"""One client's connection: bytes between socket and conversation, with bounds on what piles up and for how long."""

import asyncio
from enum import IntEnum
from typing import Final, Protocol, cast

from agenda.domain.errors import Unavailable
from agenda.doors.rpc import jsonrpc, shapes
from agenda.doors.rpc.caller import Caller
from agenda.doors.rpc.conversation import Conversation
from agenda.doors.rpc.limits import Limits
from agenda.doors.rpc.lines import MAX_LINE
from agenda.engine.engine import Engine
from agenda.engine.live import SlotChange
from agenda.engine.ports import Mailbox

STOPPING: Final = jsonrpc.notification("server.stopping", shapes.EMPTY)


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

    def incident(self, error: BaseException) -> str:
        """Log a defect; the id under which it can be found."""


class Phase(IntEnum):
    """How far a connection has come. It only ever moves forward."""

    OPEN = 0
    ENDING = 1  # what was started is answered, then it is over
    DRAINING = 2  # the client knows that it is over; what it still sends is thrown away


class Connection(asyncio.Protocol):
    """Lives on the I/O thread."""

    __slots__ = (
        "_busy",
        "_conversation",
        "_eof",
        "_house",
        "_lines_taken",
        "_loop",
        "_phase",
        "_quiet_since",
        "_reading",
        "_stalled_since",
        "_transport",
        "_turn_due",
        "_writable",
        "peer",
    )

    def __init__(self, house: House) -> None:
        self._house = house
        self._loop = house.loop
        self._phase = Phase.OPEN
        self._busy = self._eof = self._turn_due = False
        self._reading = self._writable = True
        self._lines_taken = 0
        self._quiet_since = house.loop.time()  # when a whole line was last seen to have come
        self._stalled_since: float | None = None  # since when the client has not read what was sent
        self.peer = "?"

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=self._house.limits.write_buffer)
        name = transport.get_extra_info("peername") or ("0.0.0.0", 0)  # noqa: S104  # it has left already
        self.peer = f"[{name[0]}]:{name[1]}" if ":" in name[0] else f"{name[0]}:{name[1]}"
        caller = Caller(self._house.engine, self._house.mailbox, name[0], self._slots_changed)
        self._conversation = Conversation(caller, self, self._house.limits)
        if not self._house.welcome(self):
            error = self._conversation.refused(Unavailable(self._house.limits.retry_after))
            self.send(jsonrpc.refusal(b"null", error))
            self._hang_up()

    def data_received(self, data: bytes) -> None:
        if self._phase is not Phase.DRAINING:
            self._conversation.lines.feed(data)
            self.go_on()

    def eof_received(self) -> bool:
        self._eof = True
        if self._phase is Phase.DRAINING:
            self._transport.close()
        else:
            self._conversation.end_of_input()
            self.go_on()
        return True

    def pause_writing(self) -> None:
        self._writable = False
        self._stalled_since = self._loop.time()

    def resume_writing(self) -> None:
        self._writable = True
        self._stalled_since = None
        self.go_on()

    def connection_lost(self, exc: Exception | None) -> None:
        self._phase = Phase.DRAINING
        self._conversation.close()
        self._house.farewell(self)

    # What the conversation calls

    def send(self, message: bytes) -> None:
        if self._phase is not Phase.DRAINING and not self._transport.is_closing():
            self._transport.write(message + b"\n")

    def incident(self, error: BaseException) -> str:
        return self._house.incident(error)

    def go_on(self) -> None:
        """Start what may start, read on or not, and end when everything is said."""
        if self._busy or self._phase is Phase.DRAINING:
            return
        self._busy = True  # answers that come at once call this again
        try:
            if self._writable or self._conversation.stopping:
                most = self._house.limits.calls_in_a_row
                if self._conversation.advance(most) == most:
                    self._take_turns()
        finally:
            self._busy = False
        if self._over():
            self._hang_up()
        else:
            self._read_or_pause()

    def _take_turns(self) -> None:
        """Go on after other connections had their turn."""
        if not self._turn_due:
            self._turn_due = True
            self._loop.call_soon(self._next_turn)

    def _next_turn(self) -> None:
        self._turn_due = False
        self.go_on()

    def _over(self) -> bool:
        """Whether the conversation has come to its end and all is answered."""
        ending = self._eof or self._phase is Phase.ENDING or self._conversation.last_words is not None
        return ending and not self._turn_due and self._conversation.at_rest and self._writable

    def _read_or_pause(self) -> None:
        """Read on unless more than a line is here already, which can only be since it must wait."""
        reading = len(self._conversation.lines) <= MAX_LINE
        if reading is not self._reading and not self._eof:
            self._reading = reading
            if reading:
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
        self._phase = Phase.DRAINING
        self._conversation.close()
        if self._eof:
            self._transport.close()
            return
        if not self._reading:
            self._transport.resume_reading()
        if self._transport.can_write_eof():
            self._transport.write_eof()
        self._loop.call_later(self._house.limits.linger, self._transport.close)

    # What the server calls

    def stop(self) -> None:
        """Tell the client that the server stops, answer what was started, refuse the rest, then close."""
        if self._phase is Phase.OPEN:
            self._phase = Phase.ENDING
            self._conversation.stopping = True
            self.send(STOPPING)
            self.go_on()

    def abort(self) -> None:
        """Cut the connection at once."""
        self._transport.abort()

    def check(self, now: float) -> None:
        """Cut a client that does not read, leaves a line unfinished, or is silent and never signed in."""
        limits, conversation = self._house.limits, self._conversation
        if self._stalled_since is not None:
            if now - self._stalled_since > limits.stalled:
                self._transport.abort()
            return
        if self._lines_taken != conversation.lines_taken or not conversation.at_rest:
            self._lines_taken = conversation.lines_taken
            self._quiet_since = now
            return
        quiet = now - self._quiet_since
        unfinished = len(conversation.lines) and quiet > limits.unfinished_line
        if unfinished or (conversation.caller.signed_in() is None and quiet > limits.signed_out):
            self._hang_up()

    def _slots_changed(self, change: SlotChange) -> None:
        """Pass a SlotChange on, unless the client reads so slowly that what it has not read is too much."""
        caller = self._conversation.caller
        if self._phase is Phase.DRAINING or caller.signed_in() is None:
            return
        if self._transport.get_write_buffer_size() > self._house.limits.unread:
            self._transport.abort()
            return
        shown = shapes.changed_slots(change.slots, caller.zone)
        params = shapes.watched(change.watch, change.version, shown)
        self._conversation.notify(jsonrpc.notification("slot.changed", params))
