"""Making, listing and cancelling bookings."""

import datetime as dt

import pytest

from .peer import Peer
from .server import Server

KEYS = {"id", "code", "resource", "service", "start", "end", "status", "user", "created"}


@pytest.fixture
def peer(server: Server) -> Peer:
    return server.customer()


def test_a_booking_says_all_about_itself(server: Server, peer: Peer) -> None:
    day = server.day()
    slot = peer.call("slot.list", day=day)["slots"][2]
    booked = peer.call("booking.create", start=f"{day}T10:00")
    assert booked.keys() == KEYS
    assert {name: booked[name] for name in ("resource", "service", "start", "end")} == {
        name: slot[name] for name in ("resource", "service", "start", "end")
    }
    assert (booked["status"], booked["user"]) == ("booked", peer.user)


def test_created_is_the_instant_at_which_the_booking_was_made(server: Server, peer: Peer) -> None:
    created = dt.datetime.fromisoformat(peer.call("booking.create", start=f"{server.day()}T10:00")["created"])
    assert abs(dt.datetime.now(dt.UTC) - created) < dt.timedelta(seconds=30)


def test_a_note_comes_back_with_the_booking(server: Server, peer: Peer) -> None:
    booked = peer.call("booking.create", start=f"{server.day()}T10:00", note="Traz o exame.\nÀs vezes atrasa 𝄞")
    assert booked.keys() == KEYS | {"note"}
    assert booked["note"] == "Traz o exame.\nÀs vezes atrasa 𝄞"
    assert peer.call("booking.list")["bookings"] == [booked]


def test_a_code_can_be_read_out_on_the_telephone(server: Server, peer: Peer) -> None:
    day = server.day()
    codes = [peer.call("booking.create", start=server.at(day, hour))["code"] for hour in range(8, 20)]
    assert len(set(codes)) == 12
    assert all(len(code) <= 10 and code.isascii() and code.isprintable() for code in codes)


def test_service_and_resource_may_be_named(server: Server, peer: Peer) -> None:
    day = server.day()
    slot = peer.call("slot.list", day=day)["slots"][0]
    booked = peer.call("booking.create", start=slot["start"], service=slot["service"], resource=slot["resource"])
    assert (booked["service"], booked["resource"]) == (slot["service"], slot["resource"])


def test_a_refused_booking_leaves_nothing_in_the_list(server: Server, peer: Peer) -> None:
    day = server.day()
    server.customer().call("booking.create", start=f"{day}T10:00")
    peer.refusal("booking.create", start=f"{day}T10:00")
    assert peer.call("booking.list") == {"bookings": []}


def test_back_to_back_bookings_do_not_hinder_each_other(server: Server, peer: Peer) -> None:
    day = server.day()
    server.customer().call("booking.create", start=f"{day}T10:00")
    assert peer.call("booking.create", start=f"{day}T11:00")["status"] == "booked"
    assert peer.call("booking.create", start=f"{day}T09:00")["status"] == "booked"


def test_bookings_are_listed_soonest_first(server: Server, peer: Peer) -> None:
    first, second = server.day(), server.day()
    starts = [server.at(second, 9), server.at(first, 19), server.at(second, 8), server.at(first, 8)]
    for start in starts:
        peer.call("booking.create", start=start)
    assert [booking["start"] for booking in peer.call("booking.list")["bookings"]] == sorted(starts)


def test_only_ones_own_bookings_are_listed(server: Server, peer: Peer) -> None:
    server.customer().call("booking.create", start=f"{server.day()}T10:00")
    assert peer.call("booking.list") == {"bookings": []}


def test_bookings_can_be_listed_by_status(server: Server, peer: Peer) -> None:
    day = server.day()
    stays = peer.call("booking.create", start=f"{day}T11:00")
    goes = peer.call("booking.create", start=f"{day}T10:00")
    gone = peer.call("booking.cancel", booking=goes["id"])
    assert peer.call("booking.list", status="booked")["bookings"] == [stays]
    assert peer.call("booking.list", status="cancelled")["bookings"] == [gone]
    assert peer.call("booking.list")["bookings"] == [gone, stays]


@pytest.mark.parametrize("status", ["", "free", "BOOKED", "booked "])
def test_an_unknown_status_is_invalid(peer: Peer, status: str) -> None:
    data = peer.refusal("booking.list", status=status)
    assert (data["code"], data["field"]) == ("invalid", "status")


def test_a_cancelled_booking_is_the_same_booking_with_another_status(server: Server, peer: Peer) -> None:
    booked = peer.call("booking.create", start=f"{server.day()}T10:00", note="n")
    assert peer.call("booking.cancel", booking=booked["id"]) == {**booked, "status": "cancelled"}


def test_cancelling_twice_changes_nothing(server: Server, peer: Peer) -> None:
    day = server.day()
    booked = peer.call("booking.create", start=f"{day}T10:00")
    cancelled = peer.call("booking.cancel", booking=booked["id"])
    server.customer().call("booking.create", start=f"{day}T10:00")
    assert peer.call("booking.cancel", booking=booked["id"]) == cancelled
    assert peer.states(day)[2] == "taken"


def test_a_cancelled_slot_can_be_booked_again_by_anyone(server: Server, peer: Peer) -> None:
    day = server.day()
    booked = peer.call("booking.create", start=f"{day}T10:00")
    peer.call("booking.cancel", booking=booked["id"])
    assert server.customer().call("booking.create", start=f"{day}T10:00")["status"] == "booked"
