"""What is said on a connection and what survives it: the session, the unanswered calls, the watches.

Knows no socket and no thread: the link tells it what came in and what time it is, and sends what it
hands over. All of it is called on the link's thread.
"""

from __future__ import annotations

import json
from math import inf
from time import monotonic
from typing import TYPE_CHECKING, Any

from agenda.client.call import NEED_NO_SESSION, Call
from agenda.client.errors import NotSignedIn, Unavailable, error_from_wire
from agenda.client.pulse import Pulse
from agenda.client.standing import Standing
from agenda.client.transport import Broken, Misheard, Silent
from agenda.client.unanswered import Unanswered
from agenda.client.watches import Watches

if TYPE_CHECKING:
    from collections.abc import Callable

    from agenda.client.dispatcher import Dispatcher
    from agenda.client.state import State
    from agenda.client.watch import Watch

SESSION_CALLS = frozenset({"session.open", "session.resume", "session.close", "user.erase"})
"""Calls that change whose connection it is."""
SHORTEST_PAUSE = 0.05
"""Seconds before an unavailable server is asked again at the earliest."""
NEXT_CONNECTION = inf
"""When what a server refused that ends is due again."""


class StoreAway(Broken):
    """The server answers, but cannot get at its data, and another one may be better off."""


class Dialogue:
    """The client's side of the protocol, across connections."""

    def __init__(self, *, idle: float, dispatcher: Dispatcher, show: Callable[[State], None]) -> None:
        self._pulse = Pulse(idle)
        self._unanswered = Unanswered()
        self._standing = Standing(show, self._unanswered.catching_up)
        self._watches = Watches(self._transmit, dispatcher)
        self._token: str | None = None
        self._send: Callable[[bytes], None] | None = None
        self._greeting: Call | None = None
        self._greeted = False
        self._alone = True
        """Whether no other server is known."""
        self._stopping = False
        """Whether the server has said that it ends: what is asked now is for the next connection."""
        self._leaving = False
        """Whether another server is to be asked instead."""
        self.refused = False
        """Whether the last caller that was answered was told that the server is unavailable."""
        self.useful = False
        """Whether a connection brought more than promises: the link resets it and looks at it."""

    @property
    def waiting(self) -> bool:
        """Whether any call has no answer yet."""
        return bool(self._unanswered)

    # what the link tells

    def connected(self, send: Callable[[bytes], None], *, alone: bool) -> None:
        """A connection stands, `alone` if no other server is known: greet, by the session's token if there is one."""
        self._send, self._alone = send, alone
        self._stopping = self._leaving = False
        self._standing.connected(self._pulse.heard_at)
        self._pulse.begin(alone=alone)
        self._greeting = Call("session.resume", {"token": self._token}) if self._token else Call("ping", {})
        self._transmit(self._greeting)

    def disconnected(self) -> None:
        """The connection is gone: keep what goes on with the next one."""
        self._send = None
        self._greeted = False
        self._standing.disconnected()
        self._watches.disconnected()
        self._unanswered.disconnected()

    def fail(self, message: str, cause: BaseException | None = None) -> None:
        """Tell everyone who waits that there is no connection, and will not be in time."""
        self._unanswered.fail(message, cause)

    def submit(self, call: Call) -> None:
        """A caller asks: now, or as soon as a server has been greeted that does not end."""
        call.token = self._token
        if self._greeted and not self._stopping:
            self._transmit(call)
        else:
            self._unanswered.add(call)

    def give_up(self, call: Call) -> None:
        """A caller's time is over. Raises Broken where the connection is in doubt: a fresh one is made."""
        self._unanswered.drop(call)
        if call.watch:
            self._watches.end(call.watch)
        if call.method == "session.close":
            self._session_ended()
        if call.sent_at is None:
            return
        if call.method in SESSION_CALLS:
            raise Broken("whose session it is now is not known")
        if self._pulse.silent_since(call.sent_at):
            raise Silent("the server is silent")

    def unwatch(self, watch: Watch) -> None:
        """A watch was closed."""
        self._watches.end(watch)

    def tick(self, now: float) -> None:
        """Do what is due; raises Broken where the server is silent for too long, or another one is better off."""
        if self._leaving:
            raise StoreAway("the server cannot get at its data")
        for call in self._unanswered.due(now):
            self._repeat(call)
        if self._unanswered.commanded_at() + self._pulse.patience() < now:
            raise Silent("the server does not get a command done")
        if self._pulse.check(now, self._unanswered.asked_at()):
            self._transmit(Call("ping", {}))
        self._standing.look()

    def next_tick(self) -> float:
        """When `tick` has something to do at the latest, by the monotonic clock."""
        probe = self._pulse.next_check(self._unanswered.asked_at())
        overdue = self._unanswered.commanded_at() + self._pulse.patience()
        return min(probe, overdue, self._unanswered.next_due(), self._standing.next_look())

    def heard(self) -> None:
        """Bytes came in, be it half a line: the server is there."""
        self._pulse.heard()

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
            raise Misheard(str(outcome))
        call = self._unanswered.asked(number)
        if call is None or (isinstance(outcome, Unavailable) and self._again_later(call, outcome)):
            return
        self._unanswered.drop(call)
        self.refused = self.refused and call.own
        self.useful = self.useful or not (call is self._greeting or (call.own and call.watch))
        if isinstance(outcome, NotSignedIn) and call.method == "session.close":
            outcome = {}
        try:
            self._take(call, outcome)
        finally:
            call.settle(outcome)

    def _again_later(self, call: Call, refusal: Unavailable) -> bool:
        """Plan another try, if the caller's time allows it: here, or where another server may be better off."""
        call.refusals += 1
        self.refused = self.refused or not call.own
        at = monotonic() + max(SHORTEST_PAUSE, refusal.pause)
        in_time = self._stopping or at < call.deadline
        if in_time:
            call.retry_at = NEXT_CONNECTION if self._stopping else at
            call.refusal, refusal.request = refusal, call.request
        if self._alone and call.own and not self._stopping:
            self._standing.out_of_data()
        elif not self._alone and (call is self._greeting or call.refusals > 1 or not in_time):
            self._leaving = True
        return in_time

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
        self._standing.greeted()
        if isinstance(outcome, NotSignedIn):
            self._session_lost()
        else:
            self._establish()
        for call in self._unanswered.of_callers():
            self._repeat(call)

    def _signed_in(self, session: Any) -> None:
        """A session begins; watches of an earlier one go on in it."""
        token = session.get("token") if isinstance(session, dict) else None
        if not isinstance(token, str):
            return
        self._token, self._standing.turned_away = token, False
        self._unanswered.forget(lambda call: call.watch)
        self._watches.disconnected()
        self._establish()

    def _establish(self) -> None:
        """Take up the watches of the session, if there are any."""
        if self._token and self._watches.any:
            self._watches.establish()
        else:
            self._standing.watches_nothing()
        self._standing.look()

    def _session_ended(self) -> None:
        """The user wanted it so: nothing of the session goes on."""
        self._token, self._standing.turned_away = None, False
        self._watches.end_all()
        self._standing.watches_nothing()
        self._standing.look()

    def _refused(self, call: Call) -> None:
        """Nobody is signed in: news, if it was asked in the present session or seemed to have ended it."""
        asked_now = call.token == self._token and call.method != "session.resume"
        if call.token is not None and (asked_now or call.method == "user.erase"):
            self._session_lost()

    def _session_lost(self) -> None:
        """The server does not know the token any more; say so, unless one of the calls under way is why."""
        self._token = None
        self._watches.disconnected()
        if not self._unanswered.any_of("session.close", "user.erase"):
            self._standing.turned_away = True
            self._standing.look()

    # what is sent

    def _transmit(self, call: Call) -> None:
        """Send it, or send it again."""
        self._unanswered.add(call)
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
        self._unanswered.drop(call)
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
        elif method == "server.stopping":
            self._stopping = True
        elif method == "store.changed" and isinstance(params, dict):
            self._standing.away = params.get("available") is False
            self._leaving = self._standing.away and not self._alone
            self._standing.look()
