"""The requests of one connection take effect in the order sent."""

from .server import Server


def test_reads_and_changes_sent_together_take_effect_in_turn(server: Server) -> None:
    peer, day = server.customer(), server.day()
    booked = peer.call("booking.create", start=f"{day}T08:00")
    for _ in range(20):
        before, cancelled, between, again, after, moved, last = peer.answers(
            peer.post_all(
                ("slot.list", {"day": day}),
                ("booking.cancel", {"booking": booked["id"]}),
                ("slot.list", {"day": day}),
                ("booking.create", {"start": f"{day}T08:00"}),
                ("booking.list", {"status": "booked"}),
                ("booking.move", {"booking": booked["id"], "start": f"{day}T09:00"}),
                ("slot.list", {"day": day}),
            )
        )
        assert before["result"]["slots"][0]["state"] == "mine"
        assert cancelled["result"]["status"] == "cancelled"
        assert between["result"]["slots"][0]["state"] == "free"
        assert after["result"]["bookings"] == [again["result"]]
        assert moved["error"]["data"] == {"code": "not_found", "what": "booking"}
        assert last["result"]["slots"][0]["state"] == "mine"
        booked = again["result"]


def test_of_many_requests_for_one_slot_the_first_sent_gets_it(server: Server) -> None:
    peer, day = server.customer(), server.day()
    answers = peer.answers(
        peer.post_all(*[("booking.create", {"start": f"{day}T08:00", "note": str(n)}) for n in range(30)])
    )
    assert answers[0]["result"]["note"] == "0"
    assert {answer["error"]["data"]["code"] for answer in answers[1:]} == {"slot_taken"}


def test_a_request_sent_with_the_sign_in_is_already_signed_in(server: Server) -> None:
    peer = server.peer()
    early, _, late = peer.answers(
        peer.post_all(
            ("booking.list", {}),
            ("session.open", {"user": "Ordem", "password": "x", "create": True}),
            ("booking.list", {}),
        )
    )
    assert early["error"]["data"]["code"] == "not_signed_in"
    assert late["result"] == {"bookings": []}


def test_a_request_sent_after_the_sign_out_is_no_longer_signed_in(server: Server) -> None:
    peer, day = server.customer(), server.day()
    booked, _, late = peer.answers(
        peer.post_all(
            ("booking.create", {"start": f"{day}T08:00"}),
            ("session.close", {}),
            ("booking.create", {"start": f"{day}T09:00"}),
        )
    )
    assert booked["result"]["status"] == "booked"
    assert late["error"]["data"]["code"] == "not_signed_in"


def test_a_request_sent_after_the_erasure_comes_after_it(server: Server) -> None:
    peer, day = server.customer(), server.day()
    booked, erased, late = peer.answers(
        peer.post_all(
            ("booking.create", {"start": f"{day}T08:00"}),
            ("user.erase", {"password": peer.password}),
            ("booking.list", {}),
        )
    )
    assert booked["result"]["status"] == "booked"
    assert erased["result"].keys() == {"receipt"}
    assert late["error"]["data"]["code"] == "not_signed_in"


def test_two_connections_of_one_user_see_each_others_bookings(server: Server) -> None:
    peer, day = server.customer(), server.day()
    other = server.again(peer)
    booked = peer.call("booking.create", start=f"{day}T08:00")
    assert other.call("booking.list")["bookings"] == [booked]
