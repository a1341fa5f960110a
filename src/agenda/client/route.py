"""The way round the servers of an agenda: every address of every one of them, in turn and for ever."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class Place(NamedTuple):
    """One address of a server, as the system looked it up."""

    host: str
    port: int
    family: int
    address: Any
    alone: bool
    """Whether the host has no other address of this kind, behind which there may be another server."""


def look_up(host: str, port: int) -> list[Place]:
    """Every address of the host, best first; raises OSError."""
    try:
        answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (UnicodeError, OverflowError) as error:
        raise OSError(f"no such address: {host}:{port}") from error
    found = dict.fromkeys((family, address) for family, _, _, _, address in answers)
    families = [family for family, _ in found]
    return [Place(host, port, family, address, families.count(family) == 1) for family, address in found]


def route(servers: Sequence[tuple[str, int]]) -> Iterator[tuple[Place | OSError, bool]]:
    """Where to try next, or why a name could not be looked up; and whether a round ends with it.

    Names are looked up anew in each round.
    """
    while True:
        for number, (host, port) in enumerate(servers, start=1):
            try:
                places: list[Place | OSError] = [*look_up(host, port)]
            except OSError as problem:
                places = [problem]
            for place in places:
                yield place, number == len(servers) and place is places[-1]
