"""Where servers are, as people write it: `host`, `host:port`, `[address]:port`, several of them separated by commas."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

Address = tuple[str, int]

DEFAULT_PORT = 8888
_LAST_PORT = 65_535
_WRITTEN = re.compile(
    r"""(?: \[ (?P<bracketed> [^\]\s]+ ) \]   # [::1], perhaps with a port
        | (?P<bare> [^:\s\[]* : [^:\s]* : \S* )  # ::1, whose colons are its own
        | (?P<name> [^:\s\[]+ )
    ) (?: : (?P<port> [0-9]* ) )?""",
    re.VERBOSE,
)


class BadAddress(ValueError):
    """What is wrong is the argument: the one address that cannot be one."""


def parse_addresses(text: str) -> tuple[Address, ...]:
    """Each host with its port, in the order in which they are written, each once; raises BadAddress."""
    return tuple(dict.fromkeys(parse_address(part) for part in text.split(",")))


def parse_address(text: str) -> Address:
    """Host and port of a single server; raises BadAddress."""
    text = text.strip()
    found = _WRITTEN.fullmatch(text)
    port = int(found["port"] or DEFAULT_PORT) if found else 0
    if found is None or not 0 < port <= _LAST_PORT:
        raise BadAddress(text)
    return found["bracketed"] or found["bare"] or found["name"], port


def join_address(host: str, port: int) -> str:
    """The way `parse_address` reads it."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def join_addresses(addresses: Iterable[Address]) -> str:
    """The way `parse_addresses` reads it."""
    return ", ".join(join_address(*address) for address in addresses)
