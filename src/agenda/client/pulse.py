"""Whether the server at the other end of a connection is alive, judged by when it was heard last."""

from __future__ import annotations

from math import inf
from time import monotonic

from agenda.client.transport import Silent


class Pulse:
    """For the link's thread; times are of the monotonic clock.

    A connection that was silent for `idle` seconds is to be probed, and is given up after a third of that more. Where
    an answer is owed a sixth and a third of `idle` must do: one address, too, may have several servers behind it. If
    it is the only one, half must do, since a server takes some seconds to notice that its data are silent.
    """

    def __init__(self, idle: float) -> None:
        self._idle = idle
        self._alone = self._probed = False
        self.heard_at = -inf
        """When the last bytes came in, on this connection or, before the first ones, on the one before."""
        self._since = -inf

    def begin(self, *, alone: bool) -> None:
        """A connection begins, `alone` if no other server is known."""
        self._alone, self._probed, self._since = alone, False, monotonic()

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
            raise Silent("the server is silent")
        if silence <= probe or self._probed:
            return False
        self._probed = True
        return True

    def patience(self) -> float:
        """For how many seconds a server may owe the outcome of a command."""
        return inf if self._alone else self._idle / 3

    def next_check(self, asked_at: float | None) -> float:
        """When `check` has something to do at the latest."""
        return self._reckoned_from(asked_at) + self._bounds(asked_at)[self._probed]

    def _bounds(self, asked_at: float | None) -> tuple[float, float]:
        """After how many seconds of silence to probe, and to give up."""
        if asked_at is None:
            return self._idle, self._idle * 4 / 3
        return self._idle / 6, self._idle / (2 if self._alone else 3)

    def _reckoned_from(self, asked_at: float | None) -> float:
        """Since when it is silent; a quiet connection is not at fault before something is asked."""
        return self._since if asked_at is None else max(self._since, asked_at)
