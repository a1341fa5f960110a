"""A node on PostgreSQL is told to stop while everybody books: it drains, ends, and the other node has all of it."""

import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import pytest

from agenda.client import Client
from agenda.prove.ports import free_port
from agenda.wire import Slot
from tests.client.worker import PATIENCE, Worker, free
from tests.door.probing import get
from tests.faults.ledger import Customer, Load, ask_again, assert_kept
from tests.faults.test_kill import SEED, starts
from tests.postgres import database_of
from tests.protocol.server import Server
from tests.waiting import until

pytestmark = [pytest.mark.faults, pytest.mark.slow]

DRAIN = 60
"""Seconds; a second signal ends it when everything has been seen."""
CLIENTS, CUSTOMERS, BURST = 4, 4, 10
LAST = 50
"""So many of each customer's requests are asked again: those before had their answers long before the end."""
FAR_OFF = timedelta(days=30)
"""Behind all days for which the customers fight."""


@dataclass
class Drained:
    """A node that drained and ended, the other, its clients, and customers who knew no other server.

    The clients were at home at the servers in `served` when it drained.
    """

    left: Server
    staying: Server
    clients: list[Client]
    workers: list[Worker]
    customers: list[Customer]
    served: set[tuple[str, int] | None] = field(default_factory=set)
    status: int = -1


@pytest.fixture(scope="module")
def drained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Drained]:
    """Everybody booked until the node was gone, and the clients went on after that."""
    folder = tmp_path_factory.mktemp("drained")
    with ExitStack() as stack:
        left, staying = (stack.enter_context(node(folder)) for _ in range(2))
        clients = [stack.enter_context(at_home(left, staying, n)) for n in range(CLIENTS)]
        workers = [Worker(client, slots(client, n)) for n, client in enumerate(clients)]
        it = Drained(left, staying, clients, workers, [Customer(f"customer {n}") for n in range(CUSTOMERS)])
        with at_work(it):
            drain(left)
            all_book(workers)
            it.served = {client.server for client in clients}
            left.process.send_signal(signal.SIGTERM)
            it.status = left.wait_for_exit()
            all_book(workers)
        yield it


@contextmanager
def node(folder: Path) -> Iterator[Server]:
    options = ("--monitor", str(free_port()), "--drain", str(DRAIN))
    server = Server(folder, store=database_of(folder), options=options).start()
    try:
        yield server
    finally:
        server.kill()


@contextmanager
def at_home(first: Server, second: Server, number: int) -> Iterator[Client]:
    """A client that begins at the first node and knows both."""
    with Client(*first.address, addresses=[second.address], timeout=PATIENCE) as client:
        client.sign_in(f"client {number}", "segredo", create=True)
        yield client


def slots(client: Client, number: int) -> list[Slot]:
    """A client's own share of a day."""
    return free(client, date.today() + FAR_OFF)[number::CLIENTS]  # noqa: DTZ011  # far enough from midnight


@contextmanager
def at_work(it: Drained) -> Iterator[None]:
    """Within the block clients and customers book without pause, these until their server is gone."""
    with ExitStack() as work:
        for worker in it.workers:
            work.enter_context(worker)
        load = Load(it.left.address[1], it.customers, starts(0), SEED, burst=BURST)
        work.callback(load.stop)
        work.callback(it.left.kill)  # else whoever waits for its answer would hold up a test that has failed
        load.wait_for_answers(CUSTOMERS * BURST)
        yield


def drain(server: Server) -> None:
    """Tell it to stop, and return when it sends new clients elsewhere."""
    server.process.send_signal(signal.SIGTERM)
    until(lambda: get(("127.0.0.1", int(server.options[1])), "/readyz").told == (503, "draining"))


def all_book(workers: list[Worker]) -> None:
    for worker in workers:
        worker.until_one_more()


def test_it_serves_its_clients_while_it_drains_and_ends_in_good_order(drained: Drained) -> None:
    assert (drained.served, drained.status) == ({drained.left.address}, 0)


def test_its_clients_go_on_with_the_other_node_and_everything_happens_once(drained: Drained) -> None:
    assert {client.server for client in drained.clients} == {drained.staying.address}
    for client, worker in zip(drained.clients, drained.workers, strict=True):
        worker.assert_all_happened_once(client)


def test_every_booking_that_it_confirmed_is_kept(drained: Drained) -> None:
    assert_kept(drained.staying.address[1], drained.customers)


def test_it_has_answered_whatever_it_has_done(drained: Drained) -> None:
    for customer in drained.customers:
        with customer.sign_in(drained.staying.address[1]) as caller:
            stored = {booking["id"] for booking in caller.result("booking.list")["bookings"]}
        assert stored == {asked.booking["id"] for asked in customer.asked if asked.booking}


def test_what_it_was_asked_at_the_end_is_answered_alike_by_the_other_node_and_not_done_again(drained: Drained) -> None:
    before = {customer.name: max(0, len(customer.asked) - LAST) for customer in drained.customers}
    ask_again(drained.staying.address[1], drained.customers, before)
