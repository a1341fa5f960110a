"""What is said on a connection and what survives it: the session, the unanswered calls, the watches.

Knows no socket and no thread: the link tells it what came in and what time it is, and sends what it
hands over. All of it is called on the link's thread.
"""

from __future__ import annotations

import json
from time import monotonic
from typing import TYPE_CHECKING, Any

from agenda.client.call import NEED_NO_SESSION, Call
from agenda.client.errors import Disconnected, NotSignedIn, Unavailable, error_from_wire
from agenda.client.state import State
from agenda.client.transport import Broken
from agenda.client.watches import Watches

if TYPE_CHECKING:
    from collections.abc import Callable

    from agenda.client.dispatcher import Dispatcher
    from agenda.client.watch import Watch

SESSION_CALLS = frozenset({"session.open", "session.resume", "session.close", "user.erase"})
"""Calls that change whose connection it is."""
SHORTEST_PAUSE = 0.05
"""Seconds before an unavailable server is asked again at the earliest."""


class Dialogue:
    """The client's side of the protocol, across connections."""

    def __init__(self, *, idle: float, dispatcher: Dispatcher, show: Callable[[State], None]) -> None:
        self._idle = idle
        self._show = show
        self._watches = Watches(self._transmit, dispatcher)
        self._unanswered: dict[int, Call] = {}
        self._token: str | None = None
        self._turned_away = False
        """Whether the session was lost and none has begun since."""
        self._send: Callable[[bytes], None] | None = None
        self._greeting: Call | None = None
        self._greeted = False
        self.useful = False
        """Whether a connection brought more than promises: the link resets it and looks at it."""
        self._heard_at = 0.0
        self._probed = False

    @property
    def waiting(self) -> bool:
        """Whether any call has no answer yet."""
        return bool(self._unanswered)

    # what the link tells

    def connected(self, send: Callable[[bytes], None]) -> None:
        """A connection stands: greet the server, by the session's token if there is one."""
        self._send = send
        self._heard_at = monotonic()
        self._greeting = Call("session.resume", {"token": self._token}) if self._token else Call("ping", {})
        self._transmit(self._greeting)

    def disconnected(self) -> None:
        """The connection is gone: keep what goes on with the next one."""
        self._send = None
        self._greeted = self._probed = False
        self._watches.disconnected()
        self._unanswered = {number: call for number, call in self._unanswered.items() if not call.own}
        for call in self._unanswered.values():
            call.sent_at = call.retry_at = None

    def fail(self, message: str, cause: BaseException | None = None) -> None:
        """Tell everyone who waits that there is no connection, and will not be in time."""
        waiting, self._unanswered = self._unanswered, {}
        for call in waiting.values():
            problem = Disconnected(message, request=call.request, sent=call.sent)
            problem.__cause__ = cause
            call.settle(problem)

    def submit(self, call: Call) -> None:
        """A caller asks: now, or as soon as the server has been greeted."""
        call.token = self._token
        if self._greeted:
            self._transmit(call)
        else:
            self._unanswered[call.id] = call

    def give_up(self, call: Call) -> None:
        """A caller's time is over. Raises Broken where the connection is in doubt: a fresh one is made."""
        self._unanswered.pop(call.id, None)
        if call.watch:
            self._watches.end(call.watch)
        if call.method == "session.close":
            self._session_ended()
        if call.sent_at is None:
            return
        if call.method in SESSION_CALLS:
            raise Broken("whose session it is now is not known")
        if self._heard_at < call.sent_at:
            raise Broken("the server is silent")

    def unwatch(self, watch: Watch) -> None:
        """A watch was closed."""
        self._watches.end(watch)

    def tick(self, now: float) -> None:
        """Do what is due; raises Broken where the server has been silent for too long."""
        for call in [call for call in self._unanswered.values() if call.retry_at and call.retry_at <= now]:
            self._repeat(call)
        silence = now - self._heard_at
        if silence > self._idle * 4 / 3:
            raise Broken("the server is silent")
        if silence > self._idle and not self._probed:
            self._probed = True
            self._transmit(Call("ping", {}))

    def next_tick(self) -> float:
        """When `tick` has something to do at the latest, by the monotonic clock."""
        probe = self._heard_at + self._idle * (4 / 3 if self._probed else 1)
        return min([probe, *(call.retry_at for call in self._unanswered.values() if call.retry_at)])

    def heard(self) -> None:
        """Bytes came in, be it half a line: the server is there."""
        self._heard_at, self._probed = monotonic(), False

    def receive(self, line: bytes) -> None:
        """A line came in; raises Broken if it is none of the protocol's."""
        if not line.strip():
            return
        try:
            message = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise Broken("the server does not speak the protocol") from error
        if not isinstance(message, dict):
            raise Broken("the server does not speak the protocol")
        if "method" in message:
            self._notified(message["method"], message.get("params"))
        else:
            self._answered(message)

    # answers

    def _answered(self, message: dict[str, Any]) -> None:
        """Find the call that this is the answer to; the one of a caller who has gone is dropped."""
        failed = message.get("error") is not None
        outcome = error_from_wire(message["error"]) if failed else message.get("result")
        number = message.get("id")
        if number is None and failed:
            raise Broken(str(outcome))
        call = self._unanswered.get(number) if isinstance(number, int) else None
        if call is None or call.sent_at is None:
            return
        if isinstance(outcome, Unavailable) and self._again_later(call, outcome):
            return
        del self._unanswered[call.id]
        self.useful = self.useful or not (call is self._greeting or (call.own and call.watch))
        if isinstance(outcome, NotSignedIn) and call.method == "session.close":
            outcome = {}
        try:
            self._take(call, outcome)
        finally:
            call.settle(outcome)

    def _again_later(self, call: Call, refusal: Unavailable) -> bool:
        """Plan another try, if the caller's time allows it."""
        pause = refusal.facts.get("retry_after", 0)
        at = monotonic() + max(SHORTEST_PAUSE, pause if isinstance(pause, (int, float)) else 0)
        if at >= call.deadline:
            return False
        call.retry_at = at
        return True

    def _take(self, call: Call, outcome: Any) -> None:
        """What an answer means for the session and the watches."""
        if call is self._greeting:
            self._greet(outcome)
        elif isinstance(outcome, NotSignedIn):
            self._refused(call)
        elif isinstance(outcome, Exception):
            if call.own:
                self._watches.failed(call, outcome)
        elif call.method in ("session.open", "session.resume"):
            self._signed_in(outcome)
        elif call.method in ("session.close", "user.erase"):
            self._session_ended()
        elif call.watch:
            self._watches.established(call, outcome)

    def _greet(self, outcome: Any) -> None:
        """The greeting was answered: say everything that waits, watches first, in the order asked."""
        if isinstance(outcome, Exception) and not isinstance(outcome, NotSignedIn):
            raise Broken(f"the server refused the greeting: {outcome}") from outcome
        self._greeted = True
        if isinstance(outcome, NotSignedIn):
            self._session_lost()
        else:
            self._show(State.SIGNED_OUT if self._turned_away else State.ONLINE)
        if self._token:
            self._watches.establish()
        for call in [call for call in self._unanswered.values() if not call.own]:
            self._repeat(call)

    def _signed_in(self, session: Any) -> None:
        """A session begins; watches of an earlier one go on in it."""
        token = session.get("token") if isinstance(session, dict) else None
        if not isinstance(token, str):
            return
        self._token, self._turned_away = token, False
        self._show(State.ONLINE)
        for call in [call for call in self._unanswered.values() if call.own and call.watch]:
            del self._unanswered[call.id]
        self._watches.disconnected()
        self._watches.establish()

    def _session_ended(self) -> None:
        """The user wanted it so: nothing of the session goes on."""
        self._token, self._turned_away = None, False
        self._watches.end_all()
        if self._greeted:
            self._show(State.ONLINE)

    def _refused(self, call: Call) -> None:
        """Nobody is signed in: news, if it was asked in the present session or seemed to have ended it."""
        asked_now = call.token == self._token and call.method != "session.resume"
        if call.token is not None and (asked_now or call.method == "user.erase"):
            self._session_lost()

    def _session_lost(self) -> None:
        """The server does not know the token any more; say so, unless one of the calls under way is why."""
        self._token = None
        self._watches.disconnected()
        if not any(call.method in ("session.close", "user.erase") for call in self._unanswered.values()):
            self._turned_away = True
            self._show(State.SIGNED_OUT)

    # what is sent

    def _transmit(self, call: Call) -> None:
        """Send it, or send it again."""
        self._unanswered[call.id] = call
        if call.own:
            call.token = self._token
        if self._send is not None:
            call.sent, call.sent_at, call.retry_at = True, monotonic(), None
            self._send(call.line)

    def _repeat(self, call: Call) -> None:
        """Send it again, unless it was asked in a session that is over: never in someone else's name.

        An erasure may itself have ended the session, and is asked again without one.
        """
        erasing = call.method == "user.erase" and self._token is None
        if call.own or erasing or call.token == self._token or call.method in NEED_NO_SESSION:
            self._transmit(call)
            return
        del self._unanswered[call.id]
        if call.method != "session.close":
            call.settle(NotSignedIn("not_signed_in", "the session in which this was asked is over"))
            return
        if self._token is None:
            self._session_ended()
        call.settle({})

    def _notified(self, method: object, params: Any) -> None:
        """News from the server; kinds that this client does not know are ignored."""
        if method == "slot.changed":
            self._watches.changed(params)
