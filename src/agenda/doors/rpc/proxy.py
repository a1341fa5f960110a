"""Reads the header in which a proxy says for whom it connects: the PROXY protocol, versions 1 and 2.

HAProxy's specification: https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt
"""

import re
from ipaddress import AddressValueError, IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from struct import Struct
from typing import Final, NamedTuple

Network = IPv4Network | IPv6Network
Client = tuple[str, int]  # IP address and port

LONGEST: Final = 536  # bytes of a header; every sender keeps to what fits in the smallest TCP segment

_WORD: Final = b"PROXY "
_SHORTEST_LINE: Final = len(b"PROXY UNKNOWN\r\n")
_LONGEST_LINE: Final = 107
_LINE: Final = re.compile(
    rb"""PROXY[ ](?: UNKNOWN(?:[ ].*)?
        | TCP(?P<version>[46]) [ ](?P<client>[0-9A-Fa-f:.]+) [ ](?P<server>[0-9A-Fa-f:.]+)
          [ ](?P<port>0|[1-9][0-9]{0,4}) [ ](?P<server_port>0|[1-9][0-9]{0,4})
    )\r\n""",
    re.VERBOSE,
)
_LAST_PORT: Final = 65_535

_SIGNATURE: Final = b"\r\n\r\n\0\r\nQUIT\n"
_BLOCK: Final = Struct("!12sBBH")  # signature, version and command, family and protocol, bytes to come
_LOCAL, _PROXY = 0x20, 0x21
_LAST_FAMILY, _LAST_PROTOCOL = 3, 2  # Unix, datagrams
_ADDRESSES: Final = {0x11: Struct("!4s4xHxx"), 0x21: Struct("!16s16xHxx")}  # TCP over IPv4 and IPv6: client, its port


class BadHeader(ValueError):
    """This is no header and will not become one; nothing that follows can be trusted."""


class Origin(NamedTuple):
    """Where a client is; its tries are counted under `counted`, a loopback address only if it is on this machine."""

    host: str
    port: int
    counted: str


def origin(client: Client | None, proxy: Client) -> Origin:
    """Where somebody is who came through a proxy: never on this machine, whatever the header says.

    Without a client it is the proxy itself, or nobody that it could name.
    """
    host, port = client or proxy
    return Origin(host, port, f"{host} via {proxy[0]}" if ip_address(host).is_loopback else host)


def missing(data: bytes) -> int:
    """How many bytes of a header that begins like this are still to come, at the least; 0 if it is whole.

    Who reads no more than that takes nothing that belongs to what follows. Raises BadHeader.
    """
    if not data:
        return _SHORTEST_LINE
    if _WORD.startswith(data[: len(_WORD)]):
        return _missing_of_line(data)
    if _SIGNATURE.startswith(data[: len(_SIGNATURE)]):
        return _missing_of_block(data)
    raise BadHeader("it begins otherwise")


def begins_header(data: bytes) -> bool:
    """Whether these first bytes are those of a header, as far as they go and one can tell it from everything else."""
    return data.startswith((_WORD, _SIGNATURE))


def client(header: bytes) -> Client | None:
    """Whom a whole header names; None where that is the proxy itself or cannot be said. Raises BadHeader."""
    return _client_of_line(header) if header.startswith(_WORD) else _client_of_block(header)


def _missing_of_line(data: bytes) -> int:
    if len(data) < _SHORTEST_LINE:
        return _SHORTEST_LINE - len(data)
    if data.endswith(b"\r\n"):
        return 0
    if len(data) >= _LONGEST_LINE:
        raise BadHeader("its line is too long")
    return 1 if data.endswith(b"\r") else min(2, _LONGEST_LINE - len(data))


def _client_of_line(header: bytes) -> Client | None:
    line = _LINE.fullmatch(header)
    if line is None:
        raise BadHeader("its line is none of version 1")
    if line["version"] is None:
        return None
    kind = IPv4Address if line["version"] == b"4" else IPv6Address
    try:
        address, _ = kind(line["client"].decode()), kind(line["server"].decode())
    except AddressValueError as error:
        raise BadHeader(str(error)) from error
    port = int(line["port"])
    if max(port, int(line["server_port"])) > _LAST_PORT:
        raise BadHeader("there is no such port")
    return _plain(address), port


def _missing_of_block(data: bytes) -> int:
    if len(data) < _BLOCK.size:
        return _BLOCK.size - len(data)
    _, command, kind, rest = _BLOCK.unpack_from(data)
    family, protocol = divmod(kind, 16)
    if command not in (_LOCAL, _PROXY):
        raise BadHeader("its version or command is unknown")
    if command == _PROXY and (family > _LAST_FAMILY or protocol > _LAST_PROTOCOL):
        raise BadHeader("its family of addresses is unknown")
    if _BLOCK.size + rest > LONGEST:
        raise BadHeader("it is too long")
    return int(_BLOCK.size + rest - len(data))


def _client_of_block(header: bytes) -> Client | None:
    _, command, kind, rest = _BLOCK.unpack_from(header)
    addresses = _ADDRESSES.get(kind)
    if command == _LOCAL or addresses is None:
        return None
    if rest < addresses.size:
        raise BadHeader("its addresses are cut off")
    address, port = addresses.unpack_from(header, _BLOCK.size)
    return _plain(ip_address(address)), port


def _plain(address: IPv4Address | IPv6Address) -> str:
    """The one way in which an address is written, also where it is one of IPv4 in the clothes of IPv6."""
    return str(getattr(address, "ipv4_mapped", None) or address)
