"""Connections that break off, stand half open, come by the thousand or never read: others do not notice."""

import json
import random
import shutil
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

from .peer import DEADLINE, Peer
from .server import Server
from .victim import PING, Victim, pour, send_until_stuck

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(autouse=True)
def unharmed(victim: Victim) -> Iterator[None]:
    """Whatever a test does, others are answered after it, and memory stays within its bound."""
    yield
    victim.assert_unharmed()


def test_connections_that_break_off(victim: Victim) -> None:
    for data in (b"", b"\n", PING, PING[:-1], PING * 200):
        for _ in range(50):
            with socket.create_connection(victim.address) as stranger:
                stranger.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                stranger.sendall(data)


def test_a_client_that_breaks_off_in_the_middle_of_its_bookings(victim: Victim) -> None:
    peer, day = victim.customer(), victim.day()
    peer.post_all(*[("booking.create", {"start": victim.at(day, 8 + n % 12)}) for n in range(600)])
    peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()
    other = victim.again(peer)
    assert len(other.call("booking.list")["bookings"]) <= 12


def test_half_open_connections(victim: Victim) -> None:
    """Some ended by the client and some silent, all left standing."""
    with ExitStack() as stack:
        for n in range(200):
            stranger = stack.enter_context(socket.create_connection(victim.address))
            if n % 2:
                stranger.shutdown(socket.SHUT_WR)
            else:
                stranger.sendall(PING[: n % len(PING)])
        victim.assert_unharmed()


def test_clients_that_send_a_byte_at_a_time_are_answered_and_hinder_nobody(victim: Victim) -> None:
    with ExitStack() as stack:
        slow = [stack.enter_context(Peer(victim.address)) for _ in range(100)]
        for n in range(len(PING)):
            for peer in slow:
                peer.write(PING[n : n + 1])
            if n % 10 == 0:
                victim.assert_unharmed()
        assert all(peer.read()["id"] == 1 for peer in slow)


def test_two_thousand_connections_at_once(victim: Victim) -> None:
    if not victim.room_for(2000):
        pytest.skip("this machine allows too few open files")
    with ExitStack() as stack:
        crowd = [stack.enter_context(Peer(victim.address)) for _ in range(2000)]
        for peer in crowd:
            peer.write(PING)
        assert all(peer.read()["id"] == 1 for peer in crowd)
        victim.assert_unharmed()


@pytest.mark.skipif(not shutil.which("prlimit"), reason="needs prlimit")
def test_more_connections_than_the_system_allows(tmp_path: Path) -> None:
    """Those beyond are turned away, those within are served, and when the crowd is gone there is room again."""

    class Cramped(Server):
        def command(self) -> list[str]:
            return ["prlimit", "--nofile=300:300", *super().command()]

    server = Cramped(tmp_path / "data").start()
    owner, day = server.customer(), server.day()
    with ExitStack() as stack:
        for _ in range(700):
            stack.enter_context(socket.create_connection(server.address))
        for method in ("booking.list", "audit.list", "user.export"):
            assert owner.call(method)
        assert owner.call("booking.create", start=server.at(day, 8))["status"] == "booked"
    wait_for_room(server)
    server.close()
    assert not [line for line in server.lines if "Traceback" in line]


def wait_for_room(server: Server) -> None:
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline:
        with Peer(server.address) as stranger, suppress(EOFError, OSError):
            stranger.write(PING)
            if "result" in stranger.read():
                return
    raise AssertionError("there is no room although everyone has left")


def test_two_thousand_that_watch_one_day_hear_of_one_change(victim: Victim) -> None:
    if not victim.room_for(2000):
        pytest.skip("this machine allows too few open files")
    owner, day = victim.customer(), victim.day()
    with ExitStack() as stack:
        crowd = [stack.enter_context(Peer(victim.address)) for _ in range(2000)]
        for peer in crowd:
            peer.post_all(("session.resume", {"token": owner.token}), ("slot.watch", {"day": day}))
        for peer in crowd:
            assert "result" in peer.answer(2)
        owner.call("booking.create", start=victim.at(day, 10))
        assert all(peer.change()["slots"][0]["state"] == "mine" for peer in crowd)


# -- who does not read


def test_a_watcher_that_never_reads_is_given_up_or_kept_small(victim: Victim) -> None:
    owner, day = victim.customer(), victim.day()
    deaf = Peer(victim.address, receive_buffer=4096)
    with deaf:
        deaf.post_all(("session.resume", {"token": owner.token}), *[("slot.watch", {"day": day})] * 60)
        for _ in range(100):
            booked = owner.call("booking.create", start=victim.at(day, 10))
            owner.call("booking.cancel", booking=booked["id"])
        victim.assert_unharmed()


def test_many_watchers_that_never_read(victim: Victim) -> None:
    owner, day = victim.customer(), victim.day()
    with ExitStack() as stack:
        for _ in range(100):
            deaf = stack.enter_context(Peer(victim.address, receive_buffer=4096))
            deaf.post_all(("session.resume", {"token": owner.token}), *[("slot.watch", {"day": day})] * 5)
        for _ in range(300):
            booked = owner.call("booking.create", start=victim.at(day, 10))
            owner.call("booking.cancel", booking=booked["id"])
        victim.assert_unharmed()


def test_one_who_exports_much_and_often_does_not_hold_up_the_others(victim: Victim) -> None:
    greedy, other, day = victim.customer(), victim.customer(), victim.day()
    for _ in range(8):
        greedy.answers(greedy.post_all(*[("booking.create", {"start": f"{day}T08:00"})] * 250))
    numbers = greedy.post_all(*[("user.export", {})] * 30)
    served = threading.Event()

    def read() -> None:
        assert all("result" in answer for answer in greedy.answers(numbers))
        served.set()

    reading = threading.Thread(target=read)
    reading.start()
    assert other.call("audit.list")["entries"]
    assert not served.is_set(), "the other was answered last"
    reading.join()
    assert served.is_set()


@pytest.mark.parametrize(
    "request_",
    [
        ("slot.list", {"day": "2027-05-05"}),
        ("service.list", {}),
        ("nothing", {}),
        ("audit.list", {}),
        ("booking.list", {}),
    ],
    ids=lambda request: request[0],
)
def test_a_client_that_asks_without_end_and_never_reads(victim: Victim, request_: tuple[str, dict[str, Any]]) -> None:
    """Asks until the server takes no more, or up to 64 MiB of questions."""
    owner = victim.customer()
    method, params = request_
    line = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode() + b"\n"
    with Peer(victim.address, receive_buffer=4096) as deaf:
        deaf.call("session.resume", token=owner.token)
        send_until_stuck(deaf.socket, line * 500, 64 << 20)
        victim.assert_unharmed()


def test_everything_at_once(victim: Victim) -> None:
    """Bookings go on, each with its one answer, while strangers misbehave in every way."""
    rng = random.Random(20)
    owner = victim.customer()
    deeds: list[Callable[[], Any]] = [
        lambda: pour(victim.address, rng.randbytes(2000)),
        lambda: pour(victim.address, b"[" * 5000 + b"\n", end=False),
        lambda: pour(victim.address, b"x" * 70_000),
        lambda: pour(victim.address, PING * 50, end=False),
        lambda: socket.create_connection(victim.address).close(),
    ]
    for _ in range(10):
        day = victim.day()
        for hour in range(8, 20):
            rng.choice(deeds)()
            assert owner.call("booking.create", start=victim.at(day, hour))["status"] == "booked"
    assert len(owner.call("booking.list")["bookings"]) == 120
