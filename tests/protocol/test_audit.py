"""audit.list: everything one did and tried, newest first."""

import datetime as dt
from typing import Any

import pytest

from .peer import Peer
from .server import Server


@pytest.fixture
def peer(server: Server) -> Peer:
    return server.customer()


def bookings_in(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [entry for entry in entries if entry["action"].startswith("booking.")]


def test_deeds_and_refusals_are_logged_newest_first(server: Server, peer: Peer) -> None:
    day = server.day()
    booked = peer.call("booking.create", start=f"{day}T10:00")
    peer.refusal("booking.create", start=f"{day}T10:00")
    peer.refusal("booking.create", start=f"{day}T10:30")
    peer.call("booking.move", booking=booked["id"], start=f"{day}T11:00")
    peer.call("booking.cancel", booking=booked["id"])
    peer.refusal("booking.cancel", booking="no such")
    assert [(entry["action"], entry["outcome"]) for entry in bookings_in(peer.log())] == [
        ("booking.cancel", "not_found"),
        ("booking.cancel", "ok"),
        ("booking.move", "ok"),
        ("booking.create", "slot_not_offered"),
        ("booking.create", "slot_taken"),
        ("booking.create", "ok"),
    ]


def test_an_entry_says_who_when_what_and_which(server: Server, peer: Peer) -> None:
    booked = peer.call("booking.create", start=f"{server.day()}T10:00")
    entry = bookings_in(peer.log())[0]
    assert entry.keys() == {"id", "at", "actor", "action", "outcome", "booking", "start"}
    assert (entry["actor"], entry["booking"], entry["start"]) == (peer.user, booked["id"], booked["start"])
    assert abs(dt.datetime.now(dt.UTC) - dt.datetime.fromisoformat(entry["at"])) < dt.timedelta(seconds=30)


def test_a_refused_wish_says_for_when_it_was(server: Server, peer: Peer) -> None:
    day = server.day()
    peer.refusal("booking.create", start=f"{day}T10:30")
    entry = bookings_in(peer.log())[0]
    assert entry["start"] == server.at(day, 10, 30)
    assert "booking" not in entry


def test_every_entry_has_its_own_id(server: Server, peer: Peer) -> None:
    day = server.day()
    peer.answers(peer.post_all(*[("booking.create", {"start": f"{day}T10:00"})] * 30))
    ids = [entry["id"] for entry in peer.log()]
    assert len(set(ids)) == len(ids) >= 30


def test_a_page_has_as_many_entries_as_asked_for_and_leads_to_the_next(server: Server, peer: Peer) -> None:
    day = server.day()
    peer.answers(peer.post_all(*[("booking.create", {"start": f"{day}T10:00"})] * 9))
    whole = peer.call("audit.list")
    assert whole.keys() == {"entries"}
    pages, page = [], peer.call("audit.list", limit=2)
    while "before" in page:
        assert len(page["entries"]) == 2
        pages += page["entries"]
        page = peer.call("audit.list", limit=2, before=page["before"])
    assert pages + page["entries"] == whole["entries"]


def test_a_page_is_of_a_hundred_unless_asked_otherwise(server: Server, peer: Peer) -> None:
    day = server.day()
    peer.answers(peer.post_all(*[("booking.create", {"start": f"{day}T10:00"})] * 120))
    page = peer.call("audit.list")
    assert len(page["entries"]) == 100
    rest = peer.call("audit.list", before=page["before"])
    assert len(rest["entries"]) >= 20
    assert "before" not in rest


def test_entries_made_between_two_pages_do_not_shift_the_second(server: Server, peer: Peer) -> None:
    day = server.day()
    peer.answers(peer.post_all(*[("booking.create", {"start": f"{day}T10:00"})] * 5))
    whole = peer.log()
    page = peer.call("audit.list", limit=2)
    peer.refusal("booking.create", start=f"{day}T10:00")
    assert peer.call("audit.list", limit=2, before=page["before"])["entries"] == whole[2:4]


@pytest.mark.parametrize("before", ["no such", "", "' OR 1=1 --", "999999999999999999999"])
def test_a_page_after_nothing_is_refused_or_empty(peer: Peer, before: str) -> None:
    answer = peer.answer(peer.post("audit.list", before=before))
    assert answer.get("result") == {"entries": []} or answer["error"]["data"]["code"] == "invalid"


def test_one_reads_ones_own_log_only(server: Server, peer: Peer) -> None:
    other, day = server.customer(), server.day()
    other.call("booking.create", start=f"{day}T10:00")
    peer.refusal("booking.create", start=f"{day}T10:00")
    assert {entry["actor"] for entry in peer.log()} == {peer.user}
    assert [entry["outcome"] for entry in bookings_in(peer.log())] == ["slot_taken"]


def test_reading_the_log_from_another_session_shows_the_same(server: Server, peer: Peer) -> None:
    peer.call("booking.create", start=f"{server.day()}T10:00")
    assert server.again(peer).log() == peer.log()
