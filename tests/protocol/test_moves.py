"""Moving a booking: the same id, in one step."""

import pytest

from .peer import Peer
from .server import Server


@pytest.fixture
def peer(server: Server) -> Peer:
    return server.customer()


def test_a_moved_booking_is_the_same_booking_at_another_time(server: Server, peer: Peer) -> None:
    day, other_day = server.day(), server.day()
    booked = peer.call("booking.create", start=f"{day}T10:00", note="n")
    moved = peer.call("booking.move", booking=booked["id"], start=f"{other_day}T11:00")
    assert moved == {**booked, "start": server.at(other_day, 11), "end": server.at(other_day, 12)}
    assert peer.call("booking.list")["bookings"] == [moved]
    assert (peer.states(day)[2], peer.states(other_day)[3]) == ("free", "mine")


def test_the_old_time_of_a_moved_booking_is_free_for_others(server: Server, peer: Peer) -> None:
    day = server.day()
    booked = peer.call("booking.create", start=f"{day}T10:00")
    peer.call("booking.move", booking=booked["id"], start=f"{day}T11:00")
    assert server.customer().call("booking.create", start=f"{day}T10:00")["status"] == "booked"
    assert server.customer().refusal("booking.create", start=f"{day}T11:00")["code"] == "slot_taken"


def test_a_move_to_its_own_start_succeeds(server: Server, peer: Peer) -> None:
    booked = peer.call("booking.create", start=f"{server.day()}T10:00")
    assert peer.call("booking.move", booking=booked["id"], start=booked["start"]) == booked
    assert peer.call("booking.list")["bookings"] == [booked]


def test_a_move_may_name_its_resource(server: Server, peer: Peer) -> None:
    day = server.day()
    booked = peer.call("booking.create", start=f"{day}T10:00")
    moved = peer.call("booking.move", booking=booked["id"], start=f"{day}T11:00", resource=booked["resource"])
    assert moved["start"] == server.at(day, 11)


@pytest.mark.parametrize("owner", ["another", "oneself"])
def test_a_move_to_a_taken_slot_is_refused_and_the_old_time_stays(server: Server, peer: Peer, owner: str) -> None:
    day = server.day()
    booked = peer.call("booking.create", start=f"{day}T10:00")
    (server.customer() if owner == "another" else peer).call("booking.create", start=f"{day}T11:00")
    data = peer.refusal("booking.move", booking=booked["id"], start=f"{day}T11:00")
    assert data == {"code": "slot_taken", "resource": booked["resource"], "start": server.at(day, 11)}
    assert peer.call("booking.list")["bookings"][0] == booked
    assert peer.states(day)[2] == "mine"


def test_a_cancelled_booking_cannot_be_moved(server: Server, peer: Peer) -> None:
    day = server.day()
    booked = peer.call("booking.create", start=f"{day}T10:00")
    peer.call("booking.cancel", booking=booked["id"])
    data = peer.refusal("booking.move", booking=booked["id"], start=f"{day}T11:00")
    assert data == {"code": "not_found", "what": "booking"}
    assert peer.states(day) == ["free"] * 12


def test_moves_in_a_chain_follow_each_other(server: Server, peer: Peer) -> None:
    day = server.day()
    bookings = [peer.call("booking.create", start=server.at(day, hour)) for hour in range(8, 19)]
    answers = peer.answers(
        peer.post_all(
            *[("booking.move", {"booking": booking["id"], "start": booking["end"]}) for booking in reversed(bookings)]
        )
    )
    assert [answer["result"]["start"] for answer in answers] == [server.at(day, hour) for hour in range(19, 8, -1)]
    assert peer.states(day) == ["free", *["mine"] * 11]


def test_two_bookings_swap_their_times_over_a_third(server: Server, peer: Peer) -> None:
    day = server.day()
    first, second = (peer.call("booking.create", start=server.at(day, hour)) for hour in (8, 9))
    answers = peer.batch(
        ("booking.move", {"booking": first["id"], "start": server.at(day, 15)}),
        ("booking.move", {"booking": second["id"], "start": server.at(day, 8)}),
        ("booking.move", {"booking": first["id"], "start": server.at(day, 9)}),
    )
    assert all("result" in answer for answer in answers)
    assert [booking["id"] for booking in peer.call("booking.list")["bookings"]] == [second["id"], first["id"]]


def test_a_chain_in_the_wrong_order_is_refused_where_it_is_blocked(server: Server, peer: Peer) -> None:
    day = server.day()
    first, second = (peer.call("booking.create", start=server.at(day, hour)) for hour in (8, 9))
    blocked, passed = peer.batch(
        ("booking.move", {"booking": first["id"], "start": server.at(day, 9)}),
        ("booking.move", {"booking": second["id"], "start": server.at(day, 10)}),
    )
    assert blocked["error"]["data"]["code"] == "slot_taken"
    assert passed["result"]["start"] == server.at(day, 10)
