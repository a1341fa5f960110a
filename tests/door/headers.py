"""Headers of the PROXY protocol, as balancers send them."""

from ipaddress import ip_address
from struct import pack

SIGNATURE = b"\x0d\x0a\x0d\x0a\x00\x0d\x0a\x51\x55\x49\x54\x0a"
LOCAL, PROXY = 0x20, 0x21
UNSPEC, TCP4, UDP4, TCP6, UNIX = 0x00, 0x11, 0x12, 0x21, 0x31


def line(host: str, server: str, port: int, server_port: int) -> bytes:
    """Version 1."""
    kind = ip_address(host).version
    return f"PROXY TCP{kind} {host} {server} {port} {server_port}\r\n".encode()


def block(command: int, kind: int, rest: bytes = b"") -> bytes:
    """Version 2, with these bytes behind its fixed part."""
    return SIGNATURE + pack("!BBH", command, kind, len(rest)) + rest


def tcp_block(host: str, port: int, *, attached: bytes = b"") -> bytes:
    """Version 2 for a client of TCP, who called port 8888 of some server."""
    address = ip_address(host)
    server = bytes(len(address.packed) - 1) + b"\x07"
    return block(
        PROXY, TCP4 if address.version == 4 else TCP6, address.packed + server + pack("!HH", port, 8888) + attached
    )
