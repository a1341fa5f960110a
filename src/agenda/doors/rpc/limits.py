"""What one client may pile up, and how long it may keep others' room; sizes in bytes, times in seconds."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """The defaults suit a public port: memory stays bounded whatever clients do."""

    connections: int = 10_000
    unanswered: int = 256  # calls of one connection
    calls_in_a_row: int = 64  # of one connection, before others have their turn
    batch_answer: int = 16 * 2**20
    write_buffer: int = 128 * 1024  # more that is unread, and no further call is started
    unread: int = 4 * 2**20  # more, and a client that is sent notifications is cut
    stalled: float = 60  # how long a client may read nothing while something is sent to it
    unfinished_line: float = 30
    signed_out: float = 60  # how long a client may stay silent before it ever signs in
    handshake: float = 10  # of TLS
    header: float = 5  # of the PROXY protocol, until it is whole
    linger: float = 1  # how long what a client still sends is read and thrown away once it is told that it is over
    stop: float = 2.0  # how long stopping may wait for answers
    check: float = 2  # how often these times are looked at
    retry_after: int = 2  # what a client is told that finds no room or a server that stops
