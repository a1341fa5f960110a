"""Everything that can be refused: one root, a stable code each, facts as attributes and no prose."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar


class AgendaError(Exception):
    """The root; `code` is stable, `facts` are the fields of the subclass by name.

    `kept` tells whether it is the outcome of a decision, given again to the same request.
    """

    code: ClassVar[str] = "internal"
    kept: ClassVar[bool] = False

    @property
    def facts(self) -> dict[str, Any]:
        """The facts as domain values, in the order in which they are declared."""
        return dict(vars(self))

    def __str__(self) -> str:
        """For logs and tests; people read the catalogue's sentence instead."""
        return f"{self.code} {self.facts}"


class Reason(StrEnum):
    """Why a time is not offered: the first that applies."""

    PAST = "past"
    TOO_SOON = "too_soon"
    TOO_FAR = "too_far"
    CLOSED = "closed"
    OFF_GRID = "off_grid"


@dataclass
class SlotTaken(AgendaError):
    """Someone has it, oneself included."""

    code: ClassVar[str] = "slot_taken"
    kept: ClassVar[bool] = True
    resource: str
    start: datetime


@dataclass
class SlotNotOffered(AgendaError):
    """Nobody could have it."""

    code: ClassVar[str] = "slot_not_offered"
    kept: ClassVar[bool] = True
    reason: Reason
    start: datetime


@dataclass
class NotFound(AgendaError):
    """No such booking, resource, service or user, or not yours to see."""

    code: ClassVar[str] = "not_found"
    kept: ClassVar[bool] = True
    what: str


@dataclass
class TooLate(AgendaError):
    """The deadline to cancel or move has passed; at the latest, the booking has begun."""

    code: ClassVar[str] = "too_late"
    kept: ClassVar[bool] = True
    deadline: datetime


@dataclass
class LimitReached(AgendaError):
    """The policy's number of open bookings is reached."""

    code: ClassVar[str] = "limit_reached"
    kept: ClassVar[bool] = True
    limit: int


@dataclass
class Forbidden(AgendaError):
    """The user's role does not allow it."""

    code: ClassVar[str] = "forbidden"
    kept: ClassVar[bool] = True


@dataclass
class NotSignedIn(AgendaError):
    """There is no session, or no longer."""

    code: ClassVar[str] = "not_signed_in"


@dataclass
class BadCredentials(AgendaError):
    """Unknown name or wrong password; which of the two is not told."""

    code: ClassVar[str] = "bad_credentials"


@dataclass
class Invalid(AgendaError):
    """A parameter is wrong; `reason` is a stable word, such as `missing` or `unknown`."""

    code: ClassVar[str] = "invalid"
    field: str
    reason: str


@dataclass
class RateLimited(AgendaError):
    """Too many tries; ask again after `retry_after` seconds."""

    code: ClassVar[str] = "rate_limited"
    retry_after: int


@dataclass
class Unavailable(AgendaError):
    """Nothing was done, or it is unknown and the same request tells; ask again after `retry_after` seconds."""

    code: ClassVar[str] = "unavailable"
    retry_after: int = 1


@dataclass
class Internal(AgendaError):
    """A defect; the log has the traceback under `incident`."""

    code: ClassVar[str] = "internal"
    incident: str


@dataclass
class NameTaken(AgendaError):
    """The account was made by someone else in the meantime; never leaves the engine."""

    code: ClassVar[str] = "name_taken"
