"""A database whose standby stands still: what is on one machine only is not confirmed, and nobody is left waiting."""

from collections.abc import Callable, Iterator
from itertools import count
from time import monotonic

import pytest

from agenda.domain.commands import EraseUser
from agenda.domain.errors import Unavailable
from agenda.domain.model import Booking
from agenda.engine import committer
from agenda.engine.ports import StoreUnavailable
from agenda.storage import postgres_store
from agenda.storage.postgres import WRITER_SETTINGS
from tests.faults.database import Breakable, Standby, replicated
from tests.storage.making import DAY, HOUR
from tests.storage.node import Node, erasure, nodes, rows
from tests.waiting import SECONDS, until

pytestmark = [pytest.mark.faults, pytest.mark.slow]

BATCH = 2.0
WAITING = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND datname = current_database()"
NAMES = count()

Pair = tuple[Breakable, Standby]
Pause = Callable[[], None]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with replicated(tmp_path_factory.mktemp("replicated")) as pair:
        yield pair


@pytest.fixture
def standby(pair: Pair) -> Iterator[Standby]:
    """The standby, which goes on after each test."""
    yield pair[1]
    pair[1].resume()


@pytest.fixture
def url(pair: Pair) -> str:
    name = f"agenda{next(NAMES)}"
    pair[0].sql(f"CREATE DATABASE {name}")
    return pair[0].url_of(name)


@pytest.fixture
def log(pair: Pair) -> int:
    """Where the primary's log ended when the test began."""
    return len(pair[0].said().encode())


@pytest.fixture
def pause(standby: Standby, monkeypatch: pytest.MonkeyPatch) -> Pause:
    """Lets the standby stand still; from then on the nodes' deadlines are of seconds instead of many."""

    def pause() -> None:
        standby.pause()
        monkeypatch.setattr(postgres_store, "BATCH_SECONDS", BATCH)
        monkeypatch.setattr(committer, "PATIENCE", 0.5)

    return pause


@pytest.fixture
def two(url: str, standby: Standby, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Node]]:
    monkeypatch.setattr(postgres_store, "WRITER_SETTINGS", f"{WRITER_SETTINGS}; SET lock_timeout = '1s'")
    with nodes(url, 2) as both:
        yield both
        standby.resume()


@pytest.fixture
def node(two: list[Node]) -> Node:
    return two[0]


@pytest.fixture
def other(two: list[Node]) -> Node:
    return two[1]


def test_a_booking_that_the_standby_does_not_have_is_not_confirmed(node: Node, url: str, pause: Pause) -> None:
    wish = node.book(node.join("Ana"))
    pause()
    assert isinstance(node.ask(wish), Unavailable)
    assert len(rows(url, WAITING)) == 1


def test_it_is_the_one_booking_that_is_found_when_the_standby_is_back(
    node: Node, url: str, standby: Standby, pause: Pause
) -> None:
    wish = node.book(node.join("Ana"))
    pause()
    node.ask(wish)
    standby.resume()
    until(lambda: isinstance(node.ask(wish), Booking))
    assert rows(url, "SELECT count(*) FROM booking") == [1]


def test_a_commit_that_waits_is_never_cancelled(node: Node, pair: Pair, url: str, pause: Pause, log: int) -> None:
    primary, standby = pair
    wish = node.book(node.join("Ana"))
    pause()
    node.ask(wish)
    standby.resume()
    until(lambda: rows(url, WAITING) == [])
    assert "cancel" not in primary.said(log)


def test_what_was_confirmed_before_is_not_said_again_without_the_standby(
    node: Node, other: Node, standby: Standby, pause: Pause
) -> None:
    wish = node.book(node.join("Ana"))
    booking = node.ask(wish)
    pause()
    assert [type(each.ask(wish)) for each in (node, other)] == [Unavailable, Unavailable]
    standby.resume()
    until(lambda: other.ask(wish) == booking)


def test_a_request_that_waits_at_one_node_is_not_confirmed_by_another(node: Node, other: Node, pause: Pause) -> None:
    wish = node.book(node.join("Ana"))
    pause()
    assert [type(each.ask(wish)) for each in (node, other)] == [Unavailable, Unavailable]


def test_a_refusal_waits_for_the_standby_as_a_booking_does(node: Node, pause: Pause) -> None:
    ana, bia = node.join("Ana"), node.join("Bia")
    node.booked(ana)
    pause()
    assert isinstance(node.ask(node.book(bia)), Unavailable)


def given_again(node: Node, farewell: EraseUser) -> bool:
    try:
        return len(node.reader.gone(farewell.request)) == 1
    except StoreUnavailable:
        return False


def test_a_receipt_is_not_given_again_without_the_standby(node: Node, standby: Standby, pause: Pause) -> None:
    farewell = erasure(node.join("Ana"))
    node.ask(farewell)
    pause()
    began = monotonic()
    with pytest.raises(StoreUnavailable):
        node.reader.gone(farewell.request)
    assert monotonic() - began < SECONDS
    standby.resume()
    until(lambda: given_again(node, farewell))


def test_behind_a_commit_that_waits_no_other_is_tried(
    node: Node, url: str, pause: Pause, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana = node.join("Ana")
    pause()
    node.ask(node.book(ana))
    monkeypatch.setattr(postgres_store, "BATCH_SECONDS", 2 * SECONDS)  # whoever waited for it would have no answer here
    outcomes = [node.ask(node.book(ana, DAY + n * HOUR)) for n in range(1, 6)]
    assert ({type(outcome) for outcome in outcomes}, len(rows(url, WAITING))) == ({Unavailable}, 1)


def test_questions_are_answered_while_commits_wait(node: Node, pause: Pause) -> None:
    ana = node.join("Ana")
    booking = node.booked(ana)
    pause()
    node.ask(node.book(ana, DAY + HOUR))
    assert node.reader.bookings(ana.id, None) == [booking]


@pytest.mark.parametrize("how", ["pg_cancel_backend", "pg_terminate_backend"])
def test_a_commit_that_somebody_stops_waiting_for_is_not_taken_for_safe(
    node: Node, url: str, standby: Standby, pause: Pause, how: str
) -> None:
    wish = node.book(node.join("Ana"))
    pause()
    outcome = node.submit(wish)
    until(lambda: rows(url, WAITING) != [])
    rows(url, f"SELECT {how}(pid) FROM ({WAITING}) AS waiting")
    assert isinstance(outcome.result(30), Unavailable)
    standby.resume()
    until(lambda: isinstance(node.ask(wish), Booking))
    assert rows(url, "SELECT count(*) FROM booking") == [1]
