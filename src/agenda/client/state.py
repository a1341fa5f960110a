"""Where a client stands with its server."""

from __future__ import annotations

from enum import Enum


class State(Enum):
    """What `on_state` is told, each time it changes."""

    CONNECTING = "connecting"
    """The first connection is being made."""
    ONLINE = "online"
    """Connected; the session, if there was one and nobody ended it, has been resumed; what is watched is current."""
    OFFLINE = "offline"
    """Out of reach, or not yet caught up; the client keeps trying. Calls wait for it until their time is over."""
    AWAY = "away"
    """A server answers, but cannot get at its data, and no other is better off: what is watched may be old."""
    SIGNED_OUT = "signed_out"
    """Connected, but the server does not accept the session any more: sign in again. Watches wait for it."""
    CLOSED = "closed"
    """`close` was called."""
