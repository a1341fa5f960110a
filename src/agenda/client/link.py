"""The thread that talks to the server: connects, reconnects, carries lines both ways."""

from __future__ import annotations

import logging
import selectors
import socket
import threading
from collections import deque
from contextlib import suppress
from functools import partial
from random import uniform
from time import monotonic
from typing import TYPE_CHECKING, Any

from agenda.client.dialogue import Dialogue, StoreAway
from agenda.client.dispatcher import Dispatcher
from agenda.client.errors import Disconnected, Invalid
from agenda.client.route import route
from agenda.client.state import State
from agenda.client.transport import CHUNK, Silent, dial

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Sequence

    from agenda.client.call import Call
    from agenda.client.route import Place
    from agenda.client.transport import Transport
    from agenda.client.watch import Watch

LONGEST_LINE = 65_536
"""Bytes that a server takes in one line, without its end."""
LONGEST_PAUSE = 3.0
JOIN_SECONDS = 5.0

_log = logging.getLogger(__name__)


class _Closing(Exception):
    """Ends the thread."""


class Link:
    """Owns the connection and its thread. Callers only post to it; nobody else touches the dialogue."""

    def __init__(
        self,
        servers: Sequence[tuple[str, int]],
        *,
        tls: ssl.SSLContext | None,
        idle: float,
        on_state: Callable[[State], None] | None,
    ) -> None:
        self.state = State.CONNECTING
        self.server: tuple[str, int] | None = None
        self._servers = tuple(dict.fromkeys(servers))
        self._tls = tls
        self._on_state = on_state
        self._problem: OSError | None = None
        self._away = self._was_away = False
        """Whether a server could not get at its data, in this round and in the one before."""
        self._reached = False
        self._taken = False
        """Whether, in this round, somebody took the connection and was silent: another try may meet another server."""
        self._dispatcher = Dispatcher()
        self._dialogue = Dialogue(idle=idle, dispatcher=self._dispatcher, show=self._show)
        self._guard = threading.Lock()
        self._inbox: deque[Callable[[], None]] | None = deque()
        """What other threads want done, in order; None once nothing is done any more."""
        self._bell, self._bell_rope = socket.socketpair()
        self._bell.setblocking(False)
        self._bell_rope.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._bell, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._run, name="agenda-link", daemon=True)
        self._thread.start()

    # any thread

    @property
    def refused(self) -> bool:
        """Whether the last call that was answered was refused as unavailable."""
        return self._dialogue.refused

    def ask(self, call: Call) -> Any:
        """Have the call answered; raises what the client's methods raise."""
        if len(call.line) - len(b"\n") > LONGEST_LINE:
            raise Invalid("invalid", "too much for one request", {"field": "params", "reason": "too_long"})
        if not self._post(partial(self._dialogue.submit, call)):
            raise Disconnected("the client is closed", request=call.request)
        if not call.wait():
            problem = self._problem  # what giving up breaks was not the reason for it
            self._post(partial(self._dialogue.give_up, call))
            if call.refusal:
                raise call.refusal
            raise Disconnected("no answer in time", request=call.request, sent=call.sent) from problem
        if isinstance(call.outcome, Exception):
            raise call.outcome
        return call.outcome

    def unwatch(self, watch: Watch) -> None:
        """Have a watch ended."""
        self._post(partial(self._dialogue.unwatch, watch))

    def close(self) -> None:
        """End the thread and, after the last callback, the callbacks' thread too; waits for both."""
        self._post(self._end)
        if threading.current_thread() is not self._thread:
            self._thread.join(JOIN_SECONDS)
        self._dispatcher.stop(JOIN_SECONDS)

    def _post(self, wish: Callable[[], None]) -> bool:
        """Have it done on the link's thread; False if that has ended."""
        with self._guard:
            if self._inbox is None:
                return False
            self._inbox.append(wish)
            with suppress(BlockingIOError):  # so many rings are waiting that it does not take another
                self._bell_rope.send(b"!")
            return True

    # the link's thread

    def _run(self) -> None:
        try:
            self._keep_connected()
        except _Closing:
            pass
        finally:
            with self._guard:
                late, self._inbox = self._inbox or deque(), None
            self._dialogue.disconnected()
            for wish in late:
                if wish != self._end:
                    wish()
            self._dialogue.fail("the client was closed")
            self._show(State.CLOSED)
            self._selector.close()
            self._bell.close()
            self._bell_rope.close()

    def _keep_connected(self) -> None:
        """Connect, talk until it breaks, pause, connect to the next."""
        rounds = 0
        for place, last in route(self._servers):
            self._dialogue.useful = False
            try:
                self._talk(place)
            except OSError as problem:
                self._lost(problem, last=last)
                useful = self._dialogue.useful and not isinstance(problem, StoreAway)
                rounds = 0 if useful else rounds + last
                refused = isinstance(problem, ConnectionRefusedError)
            if last or not refused:
                self._pause(rounds)

    def _talk(self, place: Place | OSError) -> None:
        """One connection's life; ends with an OSError."""
        if isinstance(place, OSError):
            raise place
        transport = dial(place, self._tls, self._ready)
        self._selector.register(transport.socket, transport.events)
        self.server = place.host, place.port
        try:
            self._dialogue.connected(transport.send, alone=len(self._servers) == 1 and place.alone)
            while True:
                self._turn(transport)
        finally:
            self.server = None
            self._selector.unregister(transport.socket)
            transport.close()
            self._dialogue.disconnected()

    def _turn(self, transport: Transport) -> None:
        """Send what waits, wait for something to happen, and deal with it."""
        transport.flush()
        self._selector.modify(transport.socket, transport.events)
        pause = 0.0 if transport.more else max(0.0, self._dialogue.next_tick() - monotonic())
        ready = self._select(pause)
        if transport.more or transport.socket in ready:
            for line in transport.receive(self._dialogue.heard):
                self._dialogue.receive(line)
        self._grant_wishes()
        self._dialogue.tick(monotonic())

    def _select(self, pause: float) -> list[Any]:
        """Wait at most so many seconds, less if other threads want something; gives what is ready."""
        ready = [key.fileobj for key, _ in self._selector.select(0.0 if self._inbox else pause)]
        if self._bell in ready:
            self._bell.recv(CHUNK)
        return ready

    def _grant_wishes(self) -> None:
        """Do what other threads want, in the order in which they asked."""
        while self._inbox:
            self._inbox.popleft()()

    def _ready(self, sock: socket.socket, events: int, deadline: float) -> None:
        """Wait until a socket that is being connected is ready."""
        self._selector.register(sock, events)
        try:
            while sock not in self._select(max(0.0, deadline - monotonic())):
                self._grant_wishes()
                if monotonic() >= deadline:
                    raise TimeoutError("the server does not answer")
        finally:
            self._selector.unregister(sock)

    def _pause(self, rounds: int) -> None:
        """Leave the servers in peace, the longer the more rounds were of no use, and no two clients alike."""
        end = monotonic() + uniform(0.5, 1.0) * min(LONGEST_PAUSE, 0.1 * 2.0 ** min(rounds, 10))
        while (left := end - monotonic()) > 0:
            if not self._reached and self._dialogue.waiting:
                return
            self._select(left)
            self._grant_wishes()

    def _lost(self, problem: OSError, *, last: bool) -> None:
        """A connection failed, the `last` one of a round perhaps. Nobody waits for a server that was never there."""
        self._grant_wishes()
        self._problem = problem
        _log.info("no connection: %s", problem)
        self._taken = self._taken or isinstance(problem, Silent)
        if last and not (self._reached or self._taken):
            self._dialogue.fail(f"no connection: {problem}", problem)
        self._away = self._away or isinstance(problem, StoreAway)
        self._show(State.AWAY if self._away or self._was_away else State.OFFLINE)
        if last:
            self._was_away, self._away, self._taken = self._away, False, False

    def _show(self, state: State) -> None:
        """Note where the client stands, and tell who wants to know."""
        if state in (State.ONLINE, State.SIGNED_OUT):
            self._reached, self._problem = True, None
            self._away = self._was_away = False
        if state is not self.state:
            self.state = state
            if self._on_state:
                self._dispatcher.post(self._on_state, state)

    def _end(self) -> None:
        raise _Closing
