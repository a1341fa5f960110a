"""Ports on loopback for what a run starts, below those that the system gives to outgoing connections."""

import os
import socket
from contextlib import suppress

FIRST, LAST = 20_000, 32_000
_numbers = iter(range(FIRST + os.getpid() * 7 % 5_000, LAST))


def free_port() -> int:
    """A port that nothing listens on; never the same one twice, so that a server may be away from its port for a while.

    Raises OSError when all are taken.
    """
    for port in _numbers:
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise OSError(f"no free port below {LAST}")
