"""user.export holds all that is stored about a user, and user.erase removes it."""

import json

import pytest

from .peer import Peer
from .server import Server


@pytest.fixture
def peer(server: Server) -> Peer:
    return server.customer()


def test_an_export_holds_everything_about_the_user(server: Server, peer: Peer) -> None:
    day = server.day()
    bookings = [peer.call("booking.create", start=server.at(day, hour), note=f"nota das {hour}") for hour in (9, 10)]
    peer.call("booking.cancel", booking=bookings[0]["id"])
    peer.refusal("booking.create", start=f"{day}T10:00")
    log = peer.log()
    export = peer.call("user.export")
    assert isinstance(export, dict)
    text = json.dumps(export, ensure_ascii=False)
    for booking in bookings:
        assert all(booking[name] in text for name in ("id", "code", "start", "note"))
    for entry in log:
        assert all(json.dumps(entry[name]) in text for name in ("at", "action", "outcome"))
    assert peer.user in text


def test_an_export_holds_more_than_one_page_of_the_log(server: Server, peer: Peer) -> None:
    day = server.day()
    peer.answers(peer.post_all(*[("booking.create", {"start": f"{day}T10:00"})] * 250))
    assert json.dumps(peer.call("user.export")).count("slot_taken") >= 249


def test_an_export_holds_nothing_of_others_and_no_secret(server: Server, peer: Peer) -> None:
    day, other = server.day(), server.customer()
    theirs = other.call("booking.create", start=f"{day}T10:00", note="um segredo")
    peer.refusal("booking.create", start=f"{day}T10:00")
    text = json.dumps(peer.call("user.export"), ensure_ascii=False)
    for secret in (other.user, theirs["id"], theirs["code"], "um segredo", "argon2", peer.password, peer.token):
        assert secret not in text


def test_erasing_needs_the_password(server: Server, peer: Peer) -> None:
    booked = peer.call("booking.create", start=f"{server.day()}T10:00")
    assert peer.refusal("user.erase", password="wrong") == {"code": "bad_credentials"}
    assert peer.call("booking.list")["bookings"] == [booked]


def test_erasing_ends_the_session_and_every_token_of_the_user(server: Server, peer: Peer) -> None:
    other = server.peer()
    token = other.call("session.open", user=peer.user, password=peer.password)["token"]
    same = server.again(peer)
    assert peer.call("user.erase", password=peer.password).keys() == {"receipt"}
    for connection in (peer, other, same):
        assert connection.refusal("booking.list") == {"code": "not_signed_in"}
    for old in (peer.token, token):
        assert server.peer().refusal("session.resume", token=old)["code"] in {"not_signed_in", "bad_credentials"}
    assert server.peer().refusal("session.open", user=peer.user, password=peer.password)["code"] == "bad_credentials"


def test_erasing_frees_the_slots(server: Server, peer: Peer) -> None:
    day, other = server.day(), server.customer()
    peer.call("booking.create", start=f"{day}T10:00")
    peer.call("user.erase", password=peer.password)
    assert other.states(day)[2] == "free"
    assert other.call("booking.create", start=f"{day}T10:00")["status"] == "booked"


def test_the_name_can_be_made_anew_and_begins_with_nothing(server: Server, peer: Peer) -> None:
    peer.call("booking.create", start=f"{server.day()}T10:00", note="velha nota")
    before = {entry["id"] for entry in peer.log()}
    peer.call("user.erase", password=peer.password)
    anew = server.peer().sign_up(peer.user, "another password")
    assert anew.call("booking.list") == {"bookings": []}
    assert before.isdisjoint(entry["id"] for entry in anew.log())
    assert "velha nota" not in json.dumps(anew.call("user.export"))


def test_what_was_asked_for_under_the_old_name_is_not_answered_under_the_new(server: Server, peer: Peer) -> None:
    day = server.day()
    old = peer.call("booking.create", start=f"{day}T10:00", request="r")
    peer.call("user.erase", password=peer.password)
    anew = server.peer().sign_up(peer.user)
    assert anew.call("booking.create", start=f"{day}T10:00", request="r")["id"] != old["id"]


def test_a_retried_erasure_gives_the_same_receipt_on_the_same_connection(peer: Peer) -> None:
    erased = peer.call("user.erase", password=peer.password, request="adeus")
    assert [peer.call("user.erase", password=peer.password, request="adeus") for _ in range(3)] == [erased] * 3


def test_a_retried_erasure_gives_the_same_receipt_on_a_new_connection(server: Server, peer: Peer) -> None:
    erased = peer.call("user.erase", password=peer.password, request="adeus de longe")
    peer.close()
    assert server.peer().call("user.erase", password=peer.password, request="adeus de longe") == erased


def test_a_retried_erasure_with_another_password_gives_no_receipt(server: Server, peer: Peer) -> None:
    peer.call("user.erase", password=peer.password, request="adeus meu")
    data = server.peer().refusal("user.erase", password="a guess", request="adeus meu")
    assert data["code"] in {"invalid", "not_signed_in", "bad_credentials"}


def test_an_erasure_retried_at_once_erases_once(server: Server, peer: Peer) -> None:
    day = server.day()
    peer.call("booking.create", start=f"{day}T10:00")
    wish = ("user.erase", {"password": peer.password, "request": "adeus já"})
    results = [answer["result"] for answer in peer.answers(peer.post_all(wish, wish, wish))]
    assert results == [results[0]] * 3


def test_bookings_made_while_the_user_is_erased_are_gone_with_him(server: Server) -> None:
    for _ in range(5):
        peer, other, day = server.customer(), server.customer(), server.day()
        twin = server.again(peer)
        numbers = peer.post_all(*[("booking.create", {"start": server.at(day, hour)}) for hour in range(8, 20)])
        assert twin.call("user.erase", password=peer.password).keys() == {"receipt"}
        answers = peer.answers(numbers)
        refused = {answer["error"]["data"]["code"] for answer in answers if "error" in answer}
        assert refused <= {"not_signed_in"}
        assert other.states(day) == ["free"] * 12


def test_erasing_ends_the_watches_of_the_user_everywhere(server: Server, peer: Peer) -> None:
    day, twin = server.day(), server.again(peer)
    old = twin.call("slot.watch", day=day)["watch"]
    peer.call("user.erase", password=peer.password)
    assert twin.refusal("booking.list") == {"code": "not_signed_in"}
    server.customer().call("booking.create", start=f"{day}T10:00")
    twin.sign_up(peer.user)
    new = twin.call("slot.watch", day=day)["watch"]
    server.customer().call("booking.create", start=f"{day}T11:00")
    while (change := twin.change())["watch"] != new:
        assert change["watch"] != old
    assert [slot["start"] for slot in change["slots"]] == [server.at(day, 11)]


def test_the_receipt_says_what_was_deleted_and_when_and_names_nobody(server: Server, peer: Peer) -> None:
    peer.call("booking.create", start=f"{server.day()}T10:00", note="velha nota")
    receipt = json.dumps(peer.call("user.erase", password=peer.password), ensure_ascii=False)
    assert server.today().isoformat()[:4] in receipt
    assert peer.user not in receipt
    assert "velha nota" not in receipt


def test_nothing_in_the_data_folder_names_the_erased(server: Server) -> None:
    peer = server.customer("Zulmira Quaresma")
    peer.call("booking.create", start=f"{server.day()}T10:00", note="alergia a penicilina")
    peer.call("user.erase", password=peer.password)
    for path in server.data.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert b"Zulmira" not in content, path
            assert b"penicilina" not in content, path
