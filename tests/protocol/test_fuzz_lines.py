"""Malformed, truncated, oversized and endless lines: afterwards the server is as it was. Seeded, so reproducible."""

import json
import random
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from .victim import PING, Victim, assert_well_behaved, pour

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
SEEDS = range(8)


@pytest.fixture(autouse=True)
def unharmed(victim: Victim) -> Iterator[None]:
    """Whatever a test does, others are answered after it, and memory stays within its bound."""
    yield
    victim.assert_unharmed()


@pytest.mark.parametrize("seed", SEEDS)
def test_random_bytes(victim: Victim, seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(20):
        assert_well_behaved(pour(victim.address, rng.randbytes(rng.randrange(1, 5000))))


@pytest.mark.parametrize("seed", SEEDS)
def test_lines_of_random_bytes(victim: Victim, seed: int) -> None:
    rng = random.Random(seed)
    lines = [rng.randbytes(rng.randrange(1, 200)).replace(b"\n", b"").replace(b"\r", b"") for _ in range(500)]
    answers = assert_well_behaved(pour(victim.address, b"\n".join(lines) + b"\n" + PING))
    assert answers[-1]["id"] == 1 or any(answer["id"] == 1 for answer in answers)


def some_requests(rng: random.Random) -> Iterator[bytes]:
    """Requests that are nearly right."""
    values: list[Any] = [
        None,
        True,
        0,
        -1,
        2**63,
        2**64,
        1.5,
        1e308,
        "",
        "x",
        "\0",
        "\ud800",
        "𝄞" * 50,
        "2026-12-01",
        "2026-12-01T08:00",
        [],
        {},
        [[]],
        {"a": {}},
        "9" * 400,
        "' OR 1=1 --",
        "%s%n",
        "../../etc/passwd",
        "<script>",
        "\u202e",
        "{}",
        "{0.__class__}",
    ]
    methods = [
        "ping",
        "session.open",
        "session.resume",
        "slot.list",
        "slot.watch",
        "slot.unwatch",
        "booking.create",
        "booking.list",
        "booking.cancel",
        "booking.move",
        "audit.list",
        "user.export",
        "service.list",
        "nothing",
    ]
    names = [
        "day",
        "start",
        "service",
        "resource",
        "request",
        "note",
        "booking",
        "limit",
        "before",
        "watch",
        "status",
        "token",
        "language",
        "create",
        "bogus",
    ]
    while True:
        params = {rng.choice(names): rng.choice(values) for _ in range(rng.randrange(4))}
        if rng.random() < 0.7:
            params.setdefault("day", "2027-03-01")
        message: dict[str, Any] = {
            "jsonrpc": "2.0",
            "id": rng.choice(values),
            "method": rng.choice(methods),
            "params": params,
        }
        for name in list(message):
            if rng.random() < 0.05:
                message[name] = rng.choice(values)
            elif rng.random() < 0.03:
                del message[name]
        yield json.dumps(message).encode()


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("signed_in", [False, True])
def test_requests_that_are_nearly_right(victim: Victim, seed: int, signed_in: bool) -> None:
    rng = random.Random(seed)
    requests, lines = some_requests(rng), []
    if signed_in:
        lines.append(
            json.dumps(
                {
                    "jsonrpc": "2.0",
                    "id": "open",
                    "method": "session.open",
                    "params": {"user": f"Quase {seed}", "password": "x", "create": True},
                }
            ).encode()
        )
    lines += [next(requests) for _ in range(1500)]
    assert_well_behaved(pour(victim.address, b"\n".join(lines) + b"\n"))


@pytest.mark.parametrize("seed", SEEDS)
def test_requests_with_flipped_bytes(victim: Victim, seed: int) -> None:
    rng = random.Random(seed)
    requests, lines = some_requests(rng), []
    for _ in range(1000):
        line = bytearray(next(requests))
        for _ in range(rng.randrange(1, 5)):
            line[rng.randrange(len(line))] = rng.randrange(256)
        lines.append(bytes(line))
    assert_well_behaved(pour(victim.address, b"\n".join(lines) + b"\n"))


@pytest.mark.parametrize("seed", SEEDS)
def test_requests_cut_off_anywhere(victim: Victim, seed: int) -> None:
    rng = random.Random(seed)
    requests = some_requests(rng)
    for _ in range(100):
        line = next(requests)
        assert_well_behaved(pour(victim.address, PING + line[: rng.randrange(len(line))]))


@pytest.mark.parametrize("seed", SEEDS)
def test_batches_of_anything(victim: Victim, seed: int) -> None:
    rng = random.Random(seed)
    requests, lines = some_requests(rng), []
    for _ in range(100):
        members = [next(requests) for _ in range(rng.randrange(20))]
        rng.shuffle(members)
        lines.append(b"[" + b",".join(members) + b"]")
    assert_well_behaved(pour(victim.address, b"\n".join(lines) + b"\n"))


@pytest.mark.parametrize(
    "line",
    [
        b"[" * 65_000,
        b"[" * 32_000 + b"]" * 32_000,
        b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
        b'{"jsonrpc":"2.0","id":1,"method":"ping","params":' + b'{"a":' * 5000 + b"[]" + b"}" * 5001,
        b'{"jsonrpc":"2.0","id":' + b"[" * 30_000 + b"]" * 30_000 + b',"method":"ping"}',
        b"-" * 65_000,
        b"9" * 65_000,
        b"0." + b"0" * 60_000 + b"1",
        b"1e" + b"9" * 60_000,
        b'"' + b"\\u0000" * 10_000 + b'"',
        b"{" + b'"a":1,' * 9_000 + b'"a":1}',
    ],
    ids=lambda line: line[:12].decode() + "...",
)
def test_nesting_and_numbers_without_end(victim: Victim, line: bytes) -> None:
    answer, ping = assert_well_behaved(pour(victim.address, line + b"\n" + PING))
    assert "error" in (answer[0] if isinstance(answer, list) else answer)
    assert "result" in ping


@pytest.mark.parametrize("member", [b"1", b"[]", b"{}", b'{"jsonrpc":"2.0","id":1,"method":"ping"}'])
def test_batches_as_long_as_a_line_may_be(victim: Victim, member: bytes) -> None:
    line = b"[" + b",".join([member] * ((65_000) // (len(member) + 1))) + b"]\n"
    answers, _ = assert_well_behaved(pour(victim.address, line + PING))
    assert isinstance(answers, (list, dict))


def test_lines_too_long_by_far(victim: Victim) -> None:
    for size in (65_537, 1 << 20, 1 << 24):
        assert_well_behaved(pour(victim.address, b"x" * size))
        assert_well_behaved(pour(victim.address, b'{"a":"' + b"x" * size + b'"}\n' + PING))


def test_many_that_send_a_line_without_end_at_once(victim: Victim) -> None:
    with ExitStack() as stack:
        strangers = [stack.enter_context(socket.create_connection(victim.address)) for _ in range(300)]
        for stranger in strangers:
            stranger.sendall(b"x" * 60_000)
        victim.assert_unharmed()
