"""Nodes on one database, as their clients see them: what happens at one shows at all.

How soon it shows is measured by `make bench`.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from agenda.prove.lines import Line
from tests.nodes.town import Node, Watcher, far_node, nodes
from tests.protocol.peer import Peer, RefusedError
from tests.waiting import until

ROUNDS = 5


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("town")


@pytest.fixture(scope="module")
def pair(folder: Path) -> Iterator[list[Node]]:
    with nodes(folder) as two:
        yield two


@pytest.fixture
def here(pair: list[Node]) -> Node:
    return pair[0]


@pytest.fixture
def there(pair: list[Node]) -> Node:
    return pair[1]


def both(here: Node, there: Node) -> tuple[Peer, Peer]:
    """One user at two nodes, with one token."""
    peer = here.customer()
    return peer, there.again(peer)


def refused(peer: Peer, code: str) -> Callable[[], bool]:
    """Whether whoever is at the other end is not let in any more."""

    def holds() -> bool:
        try:
            peer.call("booking.list")
        except RefusedError as error:
            return bool(error.data["code"] == code)
        return False

    return holds


# Who watches


def book_and_be_seen(here: Node, there: Node) -> None:
    """Of each of several bookings at one node a stranger at the other is told before the next is made."""
    day = there.day()
    stranger, booker = Watcher(here.customer(), day), there.customer()
    for hour in range(8, 8 + ROUNDS):
        start = there.at(day, hour)
        booker.call("booking.create", start=start)
        stranger.until(start, "taken")


def test_a_booking_shows_at_another_node(here: Node, there: Node) -> None:
    book_and_be_seen(here, there)


def test_also_when_no_node_ever_calls_another(tmp_path: Path) -> None:
    with nodes(tmp_path, mute=True) as (here, there):
        book_and_be_seen(here, there)


def test_a_move_and_a_cancellation_show_at_another_node(here: Node, there: Node) -> None:
    day = there.day()
    ten, eleven = there.at(day, 10), there.at(day, 11)
    stranger, booker = Watcher(here.customer(), day), there.customer()
    booking = booker.call("booking.create", start=ten)["id"]
    stranger.until(ten, "taken")
    booker.call("booking.move", booking=booking, start=eleven)
    stranger.until(eleven, "taken")
    stranger.until(ten, "free")
    booker.call("booking.cancel", booking=booking)
    stranger.until(eleven, "free")


def test_a_booking_moved_to_another_day_at_another_node_leaves_the_one_and_comes_to_the_other(
    here: Node, there: Node
) -> None:
    before, after = there.day(), there.day()
    ten, then = there.at(before, 10), there.at(after, 10)
    first, second, booker = Watcher(here.customer(), before), Watcher(here.customer(), after), there.customer()
    booking = booker.call("booking.create", start=ten)["id"]
    first.until(ten, "taken")
    booker.call("booking.move", booking=booking, start=then)
    first.until(ten, "free")
    second.until(then, "taken")


def test_ones_own_booking_at_another_node_shows_as_ones_own(here: Node, there: Node) -> None:
    day = there.day()
    peer, other = both(here, there)
    watcher = Watcher(peer, day)
    other.call("booking.create", start=there.at(day, 10))
    watcher.until(there.at(day, 10), "mine")


# What one node answered, it shows


def test_whichever_node_one_asks_its_own_answers_show_there_at_once(here: Node, there: Node) -> None:
    day, other_day = here.day(), here.day()
    peers = both(here, there)
    for peer in peers:
        peer.states(day), peer.states(other_day)
    booking = peers[0].call("booking.create", start=here.at(day, 8))["id"]
    for number in range(1, 24):
        peer = peers[number % 2]
        to = (day, other_day)[number % 2], 8 + number % 12
        peer.call("booking.move", booking=booking, start=here.at(*to))
        assert peer.states(to[0])[to[1] - 8] == "mine"


def test_a_request_that_another_node_decided_gets_its_answer_and_shows_at_once(here: Node, there: Node) -> None:
    day = here.day()
    peer, other = both(here, there)
    other.states(day)
    wish = {"start": here.at(day, 10), "request": "twice"}
    assert peer.call("booking.create", **wish) == other.call("booking.create", **wish)
    assert other.states(day)[2] == "mine"


def test_a_request_that_another_node_decided_cannot_be_used_for_something_else(here: Node, there: Node) -> None:
    day = here.day()
    peer, other = both(here, there)
    peer.call("booking.create", start=here.at(day, 10), request="once")
    assert other.refusal("booking.create", start=here.at(day, 11), request="once")["code"] == "invalid"


# What is kept about one


def test_bookings_log_and_export_are_the_same_at_every_node(here: Node, there: Node) -> None:
    day = here.day()
    peer, other = both(here, there)
    booking = peer.call("booking.create", start=here.at(day, 10), note="Trazer exames")
    other.call("booking.move", booking=booking["id"], start=here.at(day, 11))
    peer.refusal("booking.move", booking=booking["id"], start=here.at(day, 3))
    assert peer.call("booking.list") == other.call("booking.list")
    assert peer.log() == other.log()
    actions = [(entry["action"], entry["outcome"]) for entry in other.log()]
    assert sorted(actions) == sorted(
        [
            ("booking.move", "slot_not_offered"),
            ("booking.move", "ok"),
            ("booking.create", "ok"),
            ("session.open", "ok"),
        ]
    )
    assert without_audit(peer.call("user.export")) == without_audit(other.call("user.export"))


def without_audit(export: dict[str, Any]) -> dict[str, Any]:
    """Each export leaves an entry of its own."""
    return {name: part for name, part in export.items() if name != "audit"}


# Who leaves


def test_a_session_that_is_closed_at_one_node_ends_at_the_other(here: Node, there: Node) -> None:
    peer, other = both(here, there)
    peer.call("session.close")
    until(refused(other, "not_signed_in"))


def test_the_watches_of_a_closed_session_end_at_the_other_node(here: Node, there: Node) -> None:
    day = here.day()
    peer, other = both(here, there)
    Watcher(other, day)
    peer.call("session.close")
    until(refused(other, "not_signed_in"))
    stranger = Watcher(there.customer(), day)
    here.customer().call("booking.create", start=here.at(day, 10))
    stranger.until(here.at(day, 10), "taken")
    other.refusal("booking.list")
    assert other.arrived_changes() == []


def test_an_erased_user_is_gone_from_every_node_and_his_slots_are_free(here: Node, there: Node) -> None:
    day = here.day()
    peer, other = both(here, there)
    stranger = Watcher(there.customer(), day)
    peer.call("booking.create", start=here.at(day, 10))
    stranger.until(here.at(day, 10), "taken")
    peer.call("user.erase", password=peer.password, request="goodbye")
    until(refused(other, "not_signed_in"))
    stranger.until(here.at(day, 10), "free")


def test_the_receipt_of_an_erasure_is_given_again_by_every_node(here: Node, there: Node) -> None:
    peer, other = both(here, there)
    goodbye = {"password": peer.password, "request": f"goodbye {peer.user}"}
    receipt = peer.call("user.erase", **goodbye)
    until(refused(other, "not_signed_in"))
    assert other.call("user.erase", **goodbye) == receipt


# A node that is cut off


@pytest.fixture(scope="module")
def far(folder: Path, pair: list[Node]) -> Iterator[tuple[Node, Line]]:
    """A third node, and its line to the database."""
    with far_node(folder) as node_and_line:
        yield node_and_line


def cut(node: Node, line: Line, watcher: Watcher) -> None:
    line.cut()
    watcher.until_told_that_the_store_is_away()


def stall(node: Node, line: Line, watcher: Watcher) -> None:
    line.stall()
    watcher.until_told_that_the_store_is_away()


def pause(node: Node, line: Line, watcher: Watcher) -> None:
    node.pause()


@pytest.mark.slow
@pytest.mark.parametrize("trouble", [cut, stall, pause])
def test_who_watches_at_a_node_that_was_cut_off_is_told_the_truth_when_it_is_back(
    here: Node, far: tuple[Node, Line], trouble: Callable[[Node, Line, Watcher], None]
) -> None:
    node, line = far
    day = here.day()
    nine, ten = here.at(day, 9), here.at(day, 10)
    booker, watcher, owner = here.customer(), Watcher(node.customer(), day), here.customer()
    first = booker.call("booking.create", start=nine)["id"]
    watcher.until(nine, "taken")
    leaver = node.again(owner)
    trouble(node, line, watcher)
    booker.call("booking.cancel", booking=first)
    booker.call("booking.create", start=ten)
    owner.call("session.close")
    node.go_on()
    line.heal()
    watcher.until(nine, "free")
    watcher.until(ten, "taken")
    until(refused(leaver, "not_signed_in"))
