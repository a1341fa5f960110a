"""The calls that have no answer yet, in the order in which they were asked."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from agenda.client.errors import Disconnected

if TYPE_CHECKING:
    from collections.abc import Callable

    from agenda.client.call import Call

TAKE_TIME = frozenset({"session.open", "user.erase", "user.export"})
"""Calls that may well take a server many seconds, in which it answers nothing else on the connection."""


class Unanswered:
    """For the link's thread; times are of the monotonic clock."""

    def __init__(self) -> None:
        self._calls: dict[int, Call] = {}

    def __bool__(self) -> bool:
        return bool(self._calls)

    def add(self, call: Call) -> None:
        """It waits from now on, if it does not yet."""
        self._calls[call.id] = call

    def drop(self, call: Call) -> None:
        """It waits no more."""
        self._calls.pop(call.id, None)

    def asked(self, number: object) -> Call | None:
        """The call that an answer with this id is for; None for one that was not asked on this connection."""
        call = self._calls.get(number) if isinstance(number, int) else None
        return None if call is None or call.sent_at is None else call

    def of_callers(self) -> list[Call]:
        """Those that somebody waits for."""
        return [call for call in self._calls.values() if not call.own]

    def any_of(self, *methods: str) -> bool:
        """Whether one of these methods was asked."""
        return any(call.method in methods for call in self._calls.values())

    def due(self, now: float) -> list[Call]:
        """Those to be sent again now, after the server was unavailable."""
        return [call for call in self._calls.values() if call.retry_at and call.retry_at <= now]

    def next_due(self) -> float:
        """When the next one is to be sent again."""
        return min((call.retry_at for call in self._calls.values() if call.retry_at), default=inf)

    def asked_at(self) -> float | None:
        """Since when the server owes an answer that should come quickly; None while it may take its time."""
        owed = [call for call in self._calls.values() if call.owed]
        if any(call.method in TAKE_TIME for call in owed):
            return None
        return min((call.sent_at for call in owed if call.sent_at), default=None)

    def commanded_at(self) -> float:
        """Since when the server owes the outcome of a command, which is a short answer; inf where it owes none."""
        commands = (call for call in self._calls.values() if call.request and call.method not in TAKE_TIME)
        return min((call.sent_at for call in commands if call.owed and call.sent_at), default=inf)

    def catching_up(self) -> bool:
        """Whether a day that is watched has not come yet on this connection."""
        return any(call.own and call.watch and not call.watch.closed for call in self._calls.values())

    def forget(self, done: Callable[[Call], object]) -> None:
        """Drop those of the client's own for which it is true."""
        self._calls = {number: call for number, call in self._calls.items() if not (call.own and done(call))}

    def disconnected(self) -> None:
        """What is the client's own dies with the connection; the rest is to be sent on the next one."""
        self.forget(lambda _: True)
        for call in self._calls.values():
            call.sent_at = call.retry_at = None
            call.refusals = 0

    def fail(self, message: str, cause: BaseException | None) -> None:
        """Tell everyone who waits that there is no connection, and will not be in time."""
        waiting, self._calls = self._calls, {}
        for call in waiting.values():
            problem = Disconnected(message, request=call.request, sent=call.sent)
            problem.__cause__ = cause
            call.settle(problem)
