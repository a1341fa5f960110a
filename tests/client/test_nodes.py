"""Real nodes on one PostgreSQL: one is killed, stopped, paused, or cut off from the database under a client's hands."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import count
from queue import SimpleQueue
from typing import TYPE_CHECKING

import pytest

from agenda.client import Client, State
from agenda.prove.nodes import Node
from tests.client.relay import Relay
from tests.client.worker import PATIENCE, Screen, Worker, free
from tests.postgres import database_of, server
from tests.protocol.server import unused_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.slow

IDLE = 3.0
_days = count(3)


@dataclass
class House:
    """A node with a line of its own to the database."""

    node: Node
    line: Relay

    @contextmanager
    def killed(self) -> Iterator[None]:
        self.node.kill()
        yield
        self.node.start()

    @contextmanager
    def stopped(self) -> Iterator[None]:
        self.node.end()
        yield
        self.node.stop()
        self.node.start()

    @contextmanager
    def paused(self) -> Iterator[None]:
        self.node.pause()
        yield
        self.node.resume()

    @contextmanager
    def cut_off(self) -> Iterator[None]:
        """From its database; clients reach it as ever."""
        self.line.die()
        yield
        self.line.revive()

    @contextmanager
    def frozen_off(self) -> Iterator[None]:
        """From its database, which has not hung up either: nothing comes any more."""
        self.line.frozen.set()
        yield
        self.line.frozen.clear()


FAULTS: dict[str, Callable[[House], object]] = {
    "killed": House.killed,
    "stopped": House.stopped,
    "paused": House.paused,
    "cut_off": House.cut_off,
    "frozen_off": House.frozen_off,
}


@pytest.fixture(scope="module")
def houses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[tuple[str, int], House]]:
    """Three nodes of one agenda, by address."""
    folder: Path = tmp_path_factory.mktemp("nodes")
    database = database_of(folder)
    with ExitStack() as stack:
        made = []
        for number in range(3):
            line = stack.enter_context(Relay(("127.0.0.1", server().port)))
            url = database.replace(str(server().port), str(line.address[1]))
            node = Node(("--store", url), folder / f"{number}.txt")
            stack.callback(node.kill)
            node.start()
            made.append(House(node, line))
        yield {house.node.address: house for house in made}


@pytest.fixture
def day() -> date:
    """A day on which nobody has booked."""
    return date.today() + timedelta(days=next(_days))  # noqa: DTZ011  # far enough from midnight


@pytest.mark.parametrize("kind", FAULTS)
def test_when_a_node_fails_everything_happens_once_and_the_picture_is_true(
    houses: dict[tuple[str, int], House], day: date, kind: str, record_property: Callable[[str, object], None]
) -> None:
    user, outages = unused_name(), list[float]()
    first, *others = houses
    with (
        Client(*first, addresses=others, timeout=PATIENCE) as direct,
        Client(*first, addresses=others, idle=IDLE, timeout=PATIENCE) as client,
    ):
        client.sign_in(user, "segredo", create=True)
        screen = Screen(client, day)
        with Worker(client, free(client, day)) as worker:
            for _ in range(3):
                worker.until_one_more()
                assert client.server
                with FAULTS[kind](houses[client.server]):  # type: ignore[attr-defined]  # contexts
                    outages.append(worker.until_one_more())
        direct.sign_in(user, "segredo")
        screen.until_true(direct)
        worker.assert_all_happened_once(direct)
    record_property("outages", outages)
    assert max(outages) < 10 * IDLE


def test_while_no_node_reaches_the_database_the_client_says_so_and_then_shows_what_is_true(
    houses: dict[tuple[str, int], House], day: date
) -> None:
    states: SimpleQueue[State] = SimpleQueue()
    first, *others = houses
    with (
        Client(*first, addresses=others, timeout=PATIENCE, on_state=states.put) as client,
        Client(*first, addresses=others, timeout=PATIENCE) as direct,
    ):
        user = unused_name()
        client.sign_in(user, "segredo", create=True)
        direct.sign_in(user, "segredo")
        screen = Screen(client, day)
        for house in houses.values():
            house.line.die()
        while states.get(timeout=PATIENCE) is not State.AWAY:
            pass
        for house in houses.values():
            house.line.revive()
        booked = direct.book(free(direct, day)[0].start)
        while states.get(timeout=PATIENCE) is not State.ONLINE:
            pass
        screen.until_true(direct)
        assert client.bookings() == [booked]
