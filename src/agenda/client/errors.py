"""What a call of the client can raise: one class per error code of the protocol, and Disconnected."""

from __future__ import annotations

from typing import Any, ClassVar


class ClientError(Exception):
    """The root of everything that a call raises."""

    code: str
    message: str
    request: str | None = None
    """The id that the call carried, if it was one that changes something."""


class AgendaError(ClientError):
    """The server's refusal: a stable `code`, a sentence in the session's language, and the facts.

    `facts` holds `data` of the wire without its code: `start` and the like are strings, as sent.
    """

    known: ClassVar[dict[str, type[AgendaError]]] = {}

    def __init__(self, code: str, message: str, facts: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.facts = facts or {}

    def __init_subclass__(cls, *, code: str) -> None:
        AgendaError.known[code] = cls


class SlotTaken(AgendaError, code="slot_taken"):
    """Someone has it, oneself included. Facts: resource, start."""


class SlotNotOffered(AgendaError, code="slot_not_offered"):
    """Facts: reason (past, too_soon, too_far, closed, off_grid), start."""


class NotSignedIn(AgendaError, code="not_signed_in"):
    """No session, or the server does not know its token any more.

    A call that was under way when the session was lost may have had its effect: after signing in
    again, the same call with the error's `request` tells.
    """


class BadCredentials(AgendaError, code="bad_credentials"):
    """Unknown name or wrong password."""


class Forbidden(AgendaError, code="forbidden"):
    """The user's role does not allow it."""


class NotFound(AgendaError, code="not_found"):
    """Facts: what (booking, resource, service, user)."""


class Invalid(AgendaError, code="invalid"):
    """A parameter is wrong. Facts: field, reason."""


class TooLate(AgendaError, code="too_late"):
    """The time to cancel or move has passed. Facts: deadline."""


class LimitReached(AgendaError, code="limit_reached"):
    """So many open bookings and no more. Facts: limit."""


class RateLimited(AgendaError, code="rate_limited"):
    """Too many tries. Facts: retry_after (seconds)."""


class Unavailable(AgendaError, code="unavailable"):
    """The server cannot just now, and the caller's time does not allow another try.

    Facts: retry_after (seconds). The outcome may be unknown; the same call with the error's `request` tells.
    """

    @property
    def pause(self) -> float:
        """For how many seconds the server wants to be left in peace; 0 where it does not say."""
        seconds = self.facts.get("retry_after", 0)
        return float(seconds) if isinstance(seconds, (int, float)) else 0.0


class Internal(AgendaError, code="internal"):
    """A defect of the server, or an answer that could not be understood. Facts: incident."""


class Disconnected(ClientError):
    """No answer within the caller's time, no connection, or the client was closed.

    `sent` False: the call never left this machine and did nothing. True: whether it happened is not
    known; the same call with this error's `request` tells, and does it if it has not happened.
    `__cause__` is what broke the connection, where that is known.
    """

    code = "disconnected"

    def __init__(self, message: str, *, request: str | None = None, sent: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.request = request
        self.sent = sent


def error_from_wire(error: object) -> AgendaError:
    """The exception for the `error` member of an answer, whatever a server puts there."""
    if not isinstance(error, dict):
        return Internal("internal", f"error not understood: {error!r:.80}", {"incident": ""})
    data = error.get("data")
    facts = dict(data) if isinstance(data, dict) else {}
    code = str(facts.pop("code", "") or f"rpc{error.get('code', '')}")
    message = str(error.get("message", code))
    return AgendaError.known.get(code, AgendaError)(code, message, facts)
