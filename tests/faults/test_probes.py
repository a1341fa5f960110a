"""A node whose database goes away is not ready, says how long it has heard of nobody, and is ready again by itself."""

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass

import pytest

from agenda.prove.lines import Line
from agenda.prove.ports import free_port
from tests.door.probing import get
from tests.faults.database import Breakable, ended
from tests.protocol.server import Server
from tests.storage.line import line_to
from tests.waiting import until

pytestmark = [pytest.mark.faults, pytest.mark.slow]

NEWS = 1.0
"""Seconds after which every node has heard of what others did."""
READY, STORE_AWAY = (200, "ok"), (503, "store_away")


@dataclass
class Site:
    """A node, its database, and the line between them."""

    database: Breakable
    line: Line
    node: Server

    @property
    def probed(self) -> tuple[str, int]:
        """Where the node answers probes."""
        return "127.0.0.1", int(self.node.options[1])

    def readiness(self) -> tuple[int, str]:
        return get(self.probed, "/readyz").told

    def metric(self, name: str) -> float:
        """What /metrics says."""
        found = re.search(rf"^{name} (\S+)$", get(self.probed, "/metrics").body.decode(), re.MULTILINE)
        assert found
        return float(found[1])

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """The database is shut down, in good order."""
        self.database.stop()
        try:
            yield
        finally:
            self.database.start()

    @contextmanager
    def cut(self) -> Iterator[None]:
        """The line is cut."""
        self.line.cut()
        try:
            yield
        finally:
            self.line.heal()

    @contextmanager
    def stalled(self) -> Iterator[None]:
        """Nothing arrives over the line any more, and nobody has hung up."""
        self.line.stall()
        try:
            yield
        finally:
            self.line.heal()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    database = Breakable(folder / "database")
    with ExitStack() as stack:
        stack.enter_context(ended(database))
        database.start()
        line, url = stack.enter_context(line_to(database.url))
        node = Server(folder, store=url, options=("--monitor", str(free_port())))
        stack.callback(node.close)
        yield Site(database, line, node.start())


@pytest.mark.parametrize("trouble", [Site.stopped, Site.cut, Site.stalled])
def test_a_node_is_not_ready_while_its_database_is_away_and_ready_again_when_it_is_back(
    site: Site, trouble: Callable[[Site], AbstractContextManager[None]]
) -> None:
    assert site.readiness() == READY
    with trouble(site):
        until(lambda: site.readiness() == STORE_AWAY)
        assert get(site.probed, "/healthz").told == (200, "ok")
    until(lambda: site.readiness() == READY)


def test_how_long_a_node_has_not_heard_of_the_others_is_measured(site: Site) -> None:
    until(lambda: site.metric("agenda_feed_lag_seconds") < NEWS)
    with site.cut():
        until(lambda: site.metric("agenda_feed_lag_seconds") > 2 * NEWS)
        until(lambda: site.metric("agenda_store_available") == 0)
    until(lambda: site.metric("agenda_feed_lag_seconds") < NEWS)
    until(lambda: site.metric("agenda_store_available") == 1)


def test_a_node_that_was_not_ready_books_as_before(site: Site) -> None:
    ana, day = site.node.customer(), site.node.day()
    with site.cut():
        until(lambda: site.readiness() == STORE_AWAY)
    until(lambda: site.readiness() == READY)
    assert ana.call("booking.create", start=site.node.at(day, 10))["status"] == "booked"
