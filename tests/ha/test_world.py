"""What nodes promise holds while the database goes to another machine, and nothing is promised that one machine has."""

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from agenda.client import Client, Disconnected, Unavailable
from agenda.prove.checks import judge
from agenda.prove.run import Options, run
from agenda.wire import Booking
from tests.ha.machine import wait_until
from tests.ha.member import Member
from tests.ha.site import Site
from tests.ha.world import HighlyAvailable

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(240)]

DAY = dt.date.today() + dt.timedelta(days=14)  # noqa: DTZ011 - the machine's zone is the agenda's
NO_ANSWER = (Disconnected, Unavailable)


@pytest.fixture
def nodes(site: Site) -> Site:
    """The site, with its nodes."""
    site.start_nodes()
    return site


@pytest.fixture
def client(nodes: Site) -> Iterator[Client]:
    with nodes.client_machine().inside():
        client = Client(*nodes.nodes[0].address, language="en", timeout=10)
    with client:
        client.sign_in("Ana", "correct horse", create=True)
        yield client


@pytest.fixture
def standbys(nodes: Site) -> list[Member]:
    primary = nodes.cluster.primary()
    return [member for member in nodes.cluster.members if member is not primary]


def stall(standbys: list[Member]) -> None:
    for standby in standbys:
        standby.stall()


def at_last(standbys: list[Member], ask: Callable[[], Booking]) -> Booking:
    """The answer when the standbys are back."""
    for standby in standbys:
        standby.resume()
    answers: list[Booking] = []

    def is_answered() -> bool:
        with suppress(*NO_ANSWER):
            answers.append(ask())
        return bool(answers)

    wait_until(is_answered, "an answer when the standbys are back", patience=60)
    return answers[0]


def test_every_promise_holds_while_the_primary_dies_and_another_takes_over(nodes: Site) -> None:
    with HighlyAvailable(nodes, ["postmaster_killed"]) as world:
        history = run(world, Options(seed=1, seconds=30, patience=60), lambda event, /, **facts: None)
    verdict = judge(history)
    assert "postmaster_killed" in {fault.kind for fault in history.faults}
    assert verdict.proven, verdict


def test_a_booking_is_confirmed_when_a_standby_has_it_and_not_before(client: Client, standbys: list[Member]) -> None:
    start = dt.datetime.combine(DAY, dt.time(9))
    stall(standbys)
    with pytest.raises(NO_ANSWER):
        client.book(start, request="new")
    booking = at_last(standbys, lambda: client.book(start, request="new"))
    assert [booking] == [stored for stored in client.bookings("booked") if stored.start == booking.start]


def test_an_answer_that_is_asked_for_again_waits_for_a_standby_too(client: Client, standbys: list[Member]) -> None:
    start = dt.datetime.combine(DAY, dt.time(10))
    booking = client.book(start, request="old")
    stall(standbys)
    with pytest.raises(NO_ANSWER):
        client.book(start, request="old")
    assert at_last(standbys, lambda: client.book(start, request="old")) == booking
