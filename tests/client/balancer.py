"""One address before several servers, as a load balancer has it."""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import TYPE_CHECKING

from tests.client.relay import Relay

if TYPE_CHECKING:
    from collections.abc import Sequence


class Balancer(Relay):
    """Passes whoever comes on to the first of the servers that takes connections."""

    def __init__(self, servers: Sequence[tuple[str, int]]) -> None:
        self._servers = servers
        self._connections: set[object] = set()
        self._unheard: set[object] = set()
        super().__init__(servers[0])

    def lose_answers(self) -> None:
        """From now on nothing arrives that a server says on a connection that there is."""
        self._unheard |= self._connections

    def _connect(self) -> socket.socket:
        for server in self._servers:
            with suppress(ConnectionRefusedError):
                connection = socket.create_connection(server)
                self._connections.add(connection)
                return connection
        raise ConnectionRefusedError

    def _gets_lost(self, speaker: object) -> bool:
        return speaker in self._unheard
