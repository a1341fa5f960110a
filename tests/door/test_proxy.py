"""The header of the PROXY protocol: what it says, and how many of its bytes are still to come."""

from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agenda.doors.rpc.proxy import LONGEST, BadHeader, Client, Origin, client, missing, origin

from .headers import LOCAL, SIGNATURE, TCP4, TCP6, UDP4, UNIX, UNSPEC, block, line, tcp_block

IPv4 = st.ip_addresses(v=4).map(str)
IPv6 = st.ip_addresses(v=6).filter(lambda address: not getattr(address, "ipv4_mapped", None)).map(str)
PORT = st.integers(0, 65_535)
SHORT = st.binary(max_size=LONGEST - 52)  # what may come after the addresses


def take(stream: bytes, pieces: int = LONGEST) -> bytes:
    """The header at the beginning of what is sent, read at most so many bytes at a time. Raises BadHeader."""
    header = b""
    while wanted := missing(header):
        assert len(header) < len(stream), "it waits for more than is sent"
        header = stream[: len(header) + min(wanted, pieces)]
    return header


@given(st.one_of(st.tuples(IPv4, IPv4), st.tuples(IPv6, IPv6)), PORT, PORT)
def test_a_line_names_the_client(hosts: tuple[str, str], port: int, server_port: int) -> None:
    assert client(line(*hosts, port, server_port)) == (hosts[0], port)


@given(st.one_of(IPv4, IPv6), PORT, SHORT)
def test_a_block_names_the_client_whatever_is_attached_to_it(host: str, port: int, attached: bytes) -> None:
    assert client(tcp_block(host, port, attached=attached)) == (host, port)


HEADERS = st.one_of(
    st.builds(line, IPv4, IPv4, PORT, PORT),
    st.builds(line, IPv6, IPv6, PORT, PORT),
    st.builds(tcp_block, st.one_of(IPv4, IPv6), PORT, attached=SHORT),
    st.builds(block, st.just(LOCAL), st.just(UNSPEC), SHORT),
    st.just(b"PROXY UNKNOWN\r\n"),
)


@given(HEADERS, st.integers(1, LONGEST), st.binary(max_size=100))
def test_a_header_is_taken_whole_and_nothing_after_it(header: bytes, pieces: int, rest: bytes) -> None:
    assert take(header + rest, pieces) == header


@given(st.one_of(st.binary(), st.binary().map(SIGNATURE.__add__), st.binary().map(b"PROXY TCP4 ".__add__)))
def test_whatever_is_sent_is_a_header_or_refused_and_never_waited_for_beyond_its_bound(sent: bytes) -> None:
    try:
        header = take(sent + bytes(LONGEST))
        client(header)
    except BadHeader:
        return
    assert len(header) <= LONGEST


@pytest.mark.parametrize(
    ("header", "named"),
    [
        (b"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", ("255.255.255.255", 65535)),
        (b"PROXY TCP4 192.0.2.1 192.0.2.2 0 0\r\n", ("192.0.2.1", 0)),
        (b"PROXY TCP6 2001:DB8:0:0::7 ::1 5 6\r\n", ("2001:db8::7", 5)),
        (b"PROXY TCP6 ::ffff:192.0.2.1 ::1 5 6\r\n", ("192.0.2.1", 5)),
        (b"PROXY UNKNOWN\r\n", None),
        (b"PROXY UNKNOWN " + b"f" * 91 + b"\r\n", None),
        (block(LOCAL, UNSPEC), None),
        (block(LOCAL, 0xFF, b"whatever"), None),
        (block(0x21, UNSPEC, b"whatever"), None),
        (block(0x21, UNIX, bytes(216)), None),
        (block(0x21, UDP4, bytes(12)), None),
        (tcp_block("::ffff:192.0.2.1", 5), ("192.0.2.1", 5)),
        (block(LOCAL, UNSPEC, bytes(LONGEST - 16)), None),
    ],
)
def test_what_the_specification_allows(header: bytes, named: Client | None) -> None:
    assert client(take(header)) == named


@pytest.mark.parametrize(
    "sent",
    [
        b'{"jsonrpc":"2.0","id":1,"method":"ping"}\n',
        b"\x16\x03\x01",
        b"\r\n\r\n\r\n",
        b"PROXY TCP5 192.0.2.1 192.0.2.2 1 2\r\n",
        b"PROXY tcp4 192.0.2.1 192.0.2.2 1 2\r\n",
        b"PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n",
        b"PROXY TCP4  192.0.2.1 192.0.2.2 1 2\r\n",
        b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2 \r\n",
        b"PROXY TCP4 192.0.2.1 192.0.2.2 1 65536\r\n",
        b"PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n",
        b"PROXY TCP4 192.0.2.01 192.0.2.2 1 2\r\n",
        b"PROXY TCP4 ::1 ::1 1 2\r\n",
        b"PROXY TCP4 192.0.2.1 ::1 1 2\r\n",
        b"PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n",
        b"PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n",
        b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n" + bytes(LONGEST),
        b"PROXY UNKNOWNS\r\n",
        b"PROXY UNKNOWN a\nb\r\n",
        b"PROXY \r\n aaaaaa\r\n",
        b"PROXY UNKNOWN " + b"f" * 92 + b"\r\n",
        block(0x11, TCP4, bytes(12)),
        block(0x22, TCP4, bytes(12)),
        block(0x21, 0x41, bytes(12)),
        block(0x21, 0x13, bytes(12)),
        block(0x21, TCP4, bytes(11)),
        block(0x21, TCP6, bytes(35)),
        block(LOCAL, UNSPEC, bytes(LONGEST - 15)),
        SIGNATURE + pack("!BBH", LOCAL, UNSPEC, 65_535),
    ],
)
def test_what_the_specification_does_not_allow(sent: bytes) -> None:
    with pytest.raises(BadHeader):
        client(take(sent))


BALANCER = ("10.0.0.5", 40_000)


def test_a_client_is_counted_where_it_is() -> None:
    assert origin(("192.0.2.1", 5), BALANCER) == Origin("192.0.2.1", 5, "192.0.2.1")


def test_nobody_in_particular_is_the_balancer_itself() -> None:
    assert origin(None, BALANCER) == Origin("10.0.0.5", 40_000, "10.0.0.5")


@pytest.mark.parametrize("named", [("127.0.0.1", 5), ("127.8.8.8", 5), ("::1", 5), None])
@pytest.mark.parametrize("balancer", ["10.0.0.5", "127.0.0.1", "::1"])
def test_nobody_is_taken_for_one_on_this_machine_who_came_through_a_balancer(
    named: Client | None, balancer: str
) -> None:
    assert origin(named, (balancer, 40_000)).counted not in {"127.0.0.1", "127.8.8.8", "::1"}
