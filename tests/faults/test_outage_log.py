"""However long an outage and however many ask meanwhile, the log has a line when it begins and one when it is over."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from time import monotonic

import pytest

from tests.client.relay import Relay
from tests.postgres import database_of
from tests.postgres import server as postgres
from tests.protocol.peer import Peer, RefusedError
from tests.protocol.server import Server
from tests.waiting import until

pytestmark = [pytest.mark.faults, pytest.mark.slow]
OUTAGE_SECONDS = 5.0


@pytest.fixture
def line() -> Iterator[Relay]:
    """The way to the database."""
    with Relay(("127.0.0.1", postgres().port)) as relay:
        yield relay


@pytest.fixture
def node(line: Relay, tmp_path: Path) -> Iterator[Server]:
    store = database_of(tmp_path).replace(str(postgres().port), str(line.address[1]))
    with closing(Server(tmp_path / "node", store=store).start()) as node:
        yield node


def is_refused(peer: Peer, method: str, **params: object) -> bool:
    try:
        peer.call(method, **params)
    except RefusedError:
        return True
    return False


def logged(node: Server, words: str) -> int:
    return sum(words in line for line in node.lines)


def test_an_outage_leaves_two_lines(node: Server, line: Relay) -> None:
    ana, start = node.customer(), node.at(node.day(), 9)
    line.die()
    over = monotonic() + OUTAGE_SECONDS
    while monotonic() < over:
        assert is_refused(ana, "booking.list")
        assert is_refused(ana, "booking.create", start=start)
    assert logged(node, "store unavailable") == 1
    line.revive()
    until(lambda: not is_refused(ana, "booking.create", start=start))
    until(lambda: logged(node, "store available again") == 1)
    assert logged(node, "store unavailable") == 1
