"""Notices proxies that nobody has named: they say for whom they come to a server that does not listen to it."""

from typing import Final

import structlog

from agenda.doors.rpc import proxy

_MOST: Final = 1_000  # hosts that are kept in mind; whoever comes after them is not told

_log = structlog.get_logger("agenda.rpc")


class Unannounced:
    """Tells the log once about each host; lives on the I/O thread."""

    def __init__(self) -> None:
        self._told: set[str] = set()

    def hear(self, first: bytes, host: str) -> None:
        """The first bytes that a connection from `host` has brought."""
        if proxy.begins_header(first) and host not in self._told and len(self._told) < _MOST:
            self._told.add(host)
            _log.warning("PROXY header from a peer that is not among --proxies", peer=host)
