"""Whether the server at the other end of a connection is alive, judged by when it was heard last."""

from __future__ import annotations

from math import inf
from time import monotonic

from agenda.client.transport import Broken


class Pulse:
    """For the link's thread; times are of the monotonic clock.

    A connection that was silent for `idle` seconds is to be probed, and is given up after a third of that more. Where
    another server could be asked instead (`hasty`) and this one owes an answer, a sixth and a third of `idle` must do.
    """

    def __init__(self, idle: float) -> None:
        self._idle = idle
        self._hasty = self._probed = False
        self.heard_at = -inf
        """When the last bytes came in, on this connection or, before the first ones, on the one before."""
        self._since = -inf

    def begin(self, *, hasty: bool) -> None:
        """A connection begins."""
        self._hasty, self._probed, self._since = hasty, False, monotonic()

    def heard(self) -> None:
        """Bytes came in, be it half a line."""
        self.heard_at = self._since = monotonic()
        self._probed = False

    def silent_since(self, moment: float) -> bool:
        """Whether nothing has come in on this connection since then."""
        return self._since < moment

    def check(self, now: float, asked_at: float | None) -> bool:
        """Whether to probe now; raises Broken where the silence has lasted too long.

        `asked_at` is since when the server owes an answer that should come quickly, None where it owes none.
        """
        silence = now - self._reckoned_from(asked_at)
        probe, end = self._bounds(asked_at)
        if silence > end:
            raise Broken("the server is silent")
        if silence <= probe or self._probed:
            return False
        self._probed = True
        return True

    def patience(self) -> float:
        """For how many seconds a server may owe the outcome of a command."""
        return self._idle / 3 if self._hasty else inf

    def next_check(self, asked_at: float | None) -> float:
        """When `check` has something to do at the latest."""
        return self._reckoned_from(asked_at) + self._bounds(asked_at)[self._probed]

    def _bounds(self, asked_at: float | None) -> tuple[float, float]:
        """After how many seconds of silence to probe, and to give up."""
        if self._hasty and asked_at is not None:
            return self._idle / 6, self._idle / 3
        return self._idle, self._idle * 4 / 3

    def _reckoned_from(self, asked_at: float | None) -> float:
        """Since when it is silent; a quiet connection is not at fault before something is asked."""
        return max(self._since, asked_at) if self._hasty and asked_at is not None else self._since
