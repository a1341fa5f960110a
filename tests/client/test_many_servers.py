"""Servers that die and freeze under a client's hands, one after the other: everything happens once, and it shows."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agenda.client import Client
from tests.client.relay import Relay
from tests.client.worker import PATIENCE, Screen, Worker, free
from tests.protocol.server import Server, unused_name

if TYPE_CHECKING:
    from collections.abc import Iterator

IDLE = 6.0
"""Seconds of silence that the client bears; it leaves a frozen server after a third of them."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    running = Server(tmp_path / "data").start()
    yield running
    running.close()


@pytest.fixture
def relays(server: Server) -> Iterator[dict[tuple[str, int], Relay]]:
    """Three ways to one server, by address, that look like three servers."""
    with ExitStack() as stack:
        made = [stack.enter_context(Relay(server.address)) for _ in range(3)]
        yield {relay.address: relay for relay in made}


@contextmanager
def fault(relay: Relay, kind: str) -> Iterator[None]:
    """It is dead, or frozen, as long as the block runs."""
    if kind == "dies":
        relay.die()
        yield
        relay.revive()
    else:
        relay.frozen.set()
        yield
        relay.frozen.clear()


def test_whichever_server_dies_or_freezes_everything_happens_once_and_the_picture_is_true(
    server: Server, relays: dict[tuple[str, int], Relay]
) -> None:
    day, user = date.fromisoformat(server.day()), unused_name()
    outages = {"dies": list[float](), "freezes": list[float]()}
    first, *others = relays
    with (
        Client(*server.address, timeout=PATIENCE) as direct,
        Client(*first, addresses=others, idle=IDLE, timeout=PATIENCE) as client,
    ):
        client.sign_in(user, "segredo", create=True)
        direct.sign_in(user, "segredo")
        screen = Screen(client, day)
        with Worker(client, free(direct, day)) as worker:
            for kind in ("dies", "freezes", "dies", "freezes", "freezes", "dies"):
                worker.until_one_more()
                assert client.server
                with fault(relays[client.server], kind):
                    outages[kind].append(worker.until_one_more())
        screen.until_true(direct)
        worker.assert_all_happened_once(direct)
    assert max(outages["dies"]) < IDLE
    assert max(outages["freezes"]) < 3 * IDLE
