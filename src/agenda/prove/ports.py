"""Ports on loopback for what a run starts, below those that the system gives to outgoing connections."""

import os
import socket
from contextlib import suppress
from itertools import chain

FIRST, LAST = 20_000, 32_000
# Processes that were started one after the other begin far apart: by the golden section, whatever their number.
_BEGIN = FIRST + os.getpid() * 7_417 % (LAST - FIRST)
_numbers = chain(range(_BEGIN, LAST), range(FIRST, _BEGIN))


def free_port() -> int:
    """A port that nothing listens on; never the same one twice, so that a server may be away from its port for a while.

    Raises OSError when all are taken.
    """
    for port in _numbers:
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise OSError(f"no free port below {LAST}")
