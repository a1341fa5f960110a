"""Two nodes of one agenda behind one address: a client goes on when its node dies, and nothing happens twice."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import date, timedelta
from itertools import count
from typing import TYPE_CHECKING

import pytest

from agenda.client import Client
from agenda.prove.nodes import Node
from tests.client.balancer import Balancer
from tests.client.worker import PATIENCE, Screen, Worker, free, log
from tests.postgres import database_of
from tests.protocol.server import unused_name
from tests.storage.node import rows
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.slow

BOOKINGS = "SELECT count(*) FROM booking"
_days = count(3)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    return database_of(tmp_path_factory.mktemp("database"))


@pytest.fixture(scope="module")
def nodes(url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Node]]:
    folder: Path = tmp_path_factory.mktemp("nodes")
    with ExitStack() as stack:
        two = [Node(("--store", url), folder / f"{number}.txt") for number in range(2)]
        for node in two:
            stack.callback(node.kill)
            node.start()
        yield two


@pytest.fixture
def balancer(nodes: list[Node]) -> Iterator[Balancer]:
    with Balancer([node.address for node in nodes]) as balancer:
        yield balancer


@pytest.fixture
def client(balancer: Balancer) -> Iterator[Client]:
    """Somebody who knows the balancer's address and no other."""
    with Client(*balancer.address, timeout=PATIENCE) as client:
        client.sign_in(unused_name(), "segredo", create=True)
        yield client


@pytest.fixture
def day() -> date:
    """A day on which nobody has booked."""
    return date.today() + timedelta(days=next(_days))  # noqa: DTZ011  # far enough from midnight


@contextmanager
def killed(node: Node) -> Iterator[None]:
    node.kill()
    yield
    node.start()


def test_whichever_node_dies_a_client_of_the_balancer_goes_on_and_everything_happens_once(
    nodes: list[Node], client: Client, day: date
) -> None:
    screen = Screen(client, day)
    with Worker(client, free(client, day)) as worker:
        for node in nodes:
            worker.until_one_more()
            with killed(node):
                worker.until_one_more()
    screen.until_true(client)
    worker.assert_all_happened_once(client)


def test_a_booking_whose_answer_died_with_its_node_is_asked_for_again_and_made_once(
    nodes: list[Node], balancer: Balancer, client: Client, day: date, url: str
) -> None:
    slot = free(client, day)[0]
    [before] = rows(url, BOOKINGS)
    balancer.lose_answers()
    with ThreadPoolExecutor() as threads:
        booking = threads.submit(client.book, slot.start)
        until(lambda: rows(url, BOOKINGS) == [before + 1])
        with killed(nodes[0]):
            assert client.bookings() == [booking.result(PATIENCE)]
    assert [entry.outcome for entry in log(client) if entry.action == "booking.create"] == ["ok"]
