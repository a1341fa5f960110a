"""The library for the socket door: knows the shapes on the wire and nothing of the server."""

from agenda.client.client import Client, new_request
from agenda.client.errors import (
    AgendaError,
    BadCredentials,
    ClientError,
    Disconnected,
    Forbidden,
    Internal,
    Invalid,
    LimitReached,
    NotFound,
    NotSignedIn,
    RateLimited,
    SlotNotOffered,
    SlotTaken,
    TooLate,
    Unavailable,
)
from agenda.client.state import State
from agenda.client.watch import Watch

__all__ = [
    "AgendaError",
    "BadCredentials",
    "Client",
    "ClientError",
    "Disconnected",
    "Forbidden",
    "Internal",
    "Invalid",
    "LimitReached",
    "NotFound",
    "NotSignedIn",
    "RateLimited",
    "SlotNotOffered",
    "SlotTaken",
    "State",
    "TooLate",
    "Unavailable",
    "Watch",
    "new_request",
]
