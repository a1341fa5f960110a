"""Where the client stands: worked out from what it knows of server, session and pictures."""

from __future__ import annotations

from math import inf
from time import monotonic
from typing import TYPE_CHECKING

from agenda.client.state import State

if TYPE_CHECKING:
    from collections.abc import Callable

ABREAST = 1.0
"""Seconds within which every server knows what any of them has told (docs/protocol.md)."""


class Standing:
    """For the link's thread. `show` is told each state; `catching_up` says whether a watched day is still to come.

    The client is online once every watched day has come anew and cannot be older than what was seen before: the server
    that it comes from may be another one, and a moment behind.
    """

    def __init__(self, show: Callable[[State], None], catching_up: Callable[[], bool]) -> None:
        self._show = show
        self._catching_up = catching_up
        self.away = False
        """Whether the server has said that it cannot get at its data."""
        self.turned_away = False
        """Whether the session was lost and none has begun since."""
        self._greeted = False
        self._abreast_at = -inf
        """From when on the server knows what was heard last on another connection; -inf once that is looked at."""

    def connected(self, heard_at: float) -> None:
        """A connection begins; on the one before something was heard last at `heard_at`."""
        self.away = False
        self._abreast_at = heard_at + ABREAST

    def greeted(self) -> None:
        """The server has greeted."""
        self._greeted = True

    def disconnected(self) -> None:
        """There is no server now; that is for the link to say."""
        self._greeted = False

    def watches_nothing(self) -> None:
        """There is no picture that could be old."""
        self._abreast_at = -inf

    def look(self) -> None:
        """Say where the client stands, if that is settled."""
        unsettled = self._catching_up() or monotonic() < self._abreast_at
        if not self._greeted or (unsettled and not self.turned_away):
            return
        self._abreast_at = -inf
        whole = State.AWAY if self.away else State.ONLINE
        self._show(State.SIGNED_OUT if self.turned_away else whole)

    def next_look(self) -> float:
        """When to look again though nothing has happened."""
        waiting = self._greeted and self._abreast_at > -inf and not self._catching_up()
        return self._abreast_at if waiting else inf

    def out_of_data(self) -> None:
        """The only server there is cannot give what is needed to be online."""
        self._show(State.AWAY)
