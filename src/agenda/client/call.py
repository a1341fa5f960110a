"""One question to the server, from the thread that asks to the thread that talks."""

from __future__ import annotations

import json
from itertools import count
from math import inf
from threading import Event
from time import monotonic
from typing import TYPE_CHECKING, Any

from agenda.client.errors import ClientError

if TYPE_CHECKING:
    from agenda.client.errors import Unavailable
    from agenda.client.watch import Watch

_numbers = count(1)

NEED_NO_SESSION = frozenset({"ping", "session.open", "session.resume"})


class Call:
    """A call with its deadline. The caller waits; all else belongs to the link's thread.

    Without a timeout (seconds) it is the client's `own`: nobody waits for it, and it dies with its
    connection.
    """

    def __init__(
        self,
        method: str,
        params: dict[str, Any],
        timeout: float | None = None,
        *,
        watch: Watch | None = None,
    ) -> None:
        self.id = next(_numbers)
        self.method = method
        self.own = timeout is None
        self.deadline = inf if timeout is None else monotonic() + timeout
        self.watch = watch
        self.request: str | None = params.get("request")
        self.line = _line({"jsonrpc": "2.0", "id": self.id, "method": method, "params": params})
        self.token: str | None = None
        """The session that it was asked in."""
        self.sent = False
        """Whether it ever left, on any connection."""
        self.sent_at: float | None = None
        """When it left on the present connection."""
        self.retry_at: float | None = None
        """When it is due again, after the server was unavailable."""
        self.refusals = 0
        """How often it was refused as unavailable on the present connection."""
        self.refusal: Unavailable | None = None
        """What a server said last: that it was unavailable; the call was or will be sent again."""
        self.outcome: Any = None
        """The answer's result, or the exception to raise."""
        self._settled = Event()

    @property
    def owed(self) -> bool:
        """Whether the server of the present connection owes an answer."""
        return self.sent_at is not None and self.retry_at is None

    def settle(self, outcome: Any) -> None:
        """Give the waiting caller its outcome."""
        if isinstance(outcome, ClientError):
            outcome.request = self.request
        self.outcome = outcome
        self._settled.set()

    def wait(self) -> bool:
        """Block until there is an outcome; False if there is none at the deadline."""
        return self._settled.wait(max(0.0, self.deadline - monotonic()))


def _line(message: dict[str, Any]) -> bytes:
    """The message as the wire has it; ASCII only, so that odd strings are the server's to judge."""
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"
