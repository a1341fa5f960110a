"""Every method with its parameters, as the contract lists them."""

from typing import Any

from .peer import Peer

NEEDED: dict[str, dict[str, Any]] = {
    "session.open": {"user": "Valores", "password": "x"},
    "session.resume": {"token": "x"},
    "slot.list": {"day": "2026-12-01"},
    "slot.watch": {"day": "2026-12-01"},
    "slot.unwatch": {"watch": "x"},
    "booking.create": {"start": "2026-12-01T08:00"},
    "booking.cancel": {"booking": "x"},
    "booking.move": {"booking": "x", "start": "2026-12-01T08:00"},
    "user.erase": {"password": "not this"},
}
OPTIONAL: dict[str, tuple[str, ...]] = {
    "session.open": ("create", "language"),
    "slot.list": ("service", "resource"),
    "slot.watch": ("service", "resource"),
    "booking.create": ("service", "resource", "request", "note"),
    "booking.list": ("status",),
    "booking.cancel": ("request",),
    "booking.move": ("resource", "request"),
    "audit.list": ("limit", "before"),
    "user.erase": ("request",),
}
BARE = ("ping", "session.close", "service.list", "resource.list", "user.export")
METHODS = sorted({*NEEDED, *OPTIONAL, *BARE})
EVERY_PARAMETER = [
    (method, name) for method in METHODS for name in (*NEEDED.get(method, ()), *OPTIONAL.get(method, ()))
]
TEXTS = [pair for pair in EVERY_PARAMETER if pair[1] not in {"create", "limit", "watch", "before"}]


def invalid_field(peer: Peer, method: str, **params: Any) -> str:
    """The field that this call is refused for as invalid."""
    data = peer.refusal(method, **params)
    assert data["code"] == "invalid", data
    return str(data["field"])
