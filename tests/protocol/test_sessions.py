"""Signing in and out, tokens, and the languages of what the server says."""

import pytest

from .peer import Peer, RefusedError
from .server import ZONE, Server, unused_name

REFUSED_TOKEN = {"not_signed_in", "bad_credentials"}


@pytest.fixture
def peer(server: Server) -> Peer:
    return server.customer()


def test_opening_a_session_tells_who_one_is_and_whose_agenda_it_is(server: Server) -> None:
    name = unused_name()
    opened = server.peer().call("session.open", user=name, password="x", create=True)
    assert opened.keys() == {"user", "token", "business"}
    assert opened["user"] == {"name": name, "role": "customer"}
    assert opened["business"].keys() == {"name", "timezone", "language"}
    assert opened["business"]["timezone"] == ZONE
    assert isinstance(opened["token"], str)


def test_an_unknown_name_becomes_a_user_only_when_told_to_create(server: Server) -> None:
    name = unused_name()
    assert server.peer().refusal("session.open", user=name, password="x")["code"] == "bad_credentials"
    assert server.peer().refusal("session.open", user=name, password="x", create=False)["code"] == "bad_credentials"
    assert server.peer().call("session.open", user=name, password="x", create=True)
    assert server.peer().call("session.open", user=name, password="x")


def test_with_create_a_known_name_signs_in(server: Server, peer: Peer) -> None:
    booked = peer.call("booking.create", start=f"{server.day()}T10:00")
    other = server.peer()
    other.call("session.open", user=peer.user, password=peer.password, create=True)
    assert other.call("booking.list")["bookings"] == [booked]


def test_two_that_create_one_name_at_once_are_one_user(server: Server) -> None:
    name, peers = unused_name(), [server.peer() for _ in range(8)]
    numbers = [peer.post("session.open", user=name, password="x", create=True) for peer in peers]
    assert all("result" in peer.answer(number) for peer, number in zip(peers, numbers, strict=True))
    booked = peers[0].call("booking.create", start=f"{server.day()}T10:00")
    assert all(peer.call("booking.list")["bookings"] == [booked] for peer in peers)


def test_names_that_differ_in_case_are_different_users(server: Server) -> None:
    name = unused_name()
    server.peer().sign_up(name, "x")
    assert server.peer().refusal("session.open", user=name.upper(), password="x")["code"] == "bad_credentials"


def test_every_session_has_a_token_of_its_own(server: Server, peer: Peer) -> None:
    other = server.peer().call("session.open", user=peer.user, password=peer.password)
    assert other["token"] != peer.token


def test_resuming_answers_the_same_as_opening(server: Server) -> None:
    opening = server.peer()
    opened = opening.call("session.open", user=unused_name(), password="x", create=True)
    assert server.peer().call("session.resume", token=opened["token"]) == opened


def test_a_token_outlives_its_connection(server: Server, peer: Peer) -> None:
    booked = peer.call("booking.create", start=f"{server.day()}T10:00")
    peer.close()
    assert server.again(peer).call("booking.list")["bookings"] == [booked]


def test_a_token_may_be_used_on_several_connections_at_once(server: Server, peer: Peer) -> None:
    others = [server.again(peer) for _ in range(3)]
    assert all(other.call("booking.list") == {"bookings": []} for other in [*others, peer])


@pytest.mark.parametrize("token", ["", "x", "0" * 32, "' OR 1=1 --", "ç𝄞", "x" * 5000], ids=lambda t: t[:8])
def test_an_unknown_token_is_refused(server: Server, token: str) -> None:
    assert server.peer().refusal("session.resume", token=token)["code"] in REFUSED_TOKEN


def test_closing_ends_the_session(peer: Peer) -> None:
    assert peer.call("session.close") == {}
    assert peer.refusal("booking.list")["code"] == "not_signed_in"


def test_closing_ends_the_token(server: Server, peer: Peer) -> None:
    peer.call("session.close")
    assert server.peer().refusal("session.resume", token=peer.token)["code"] in REFUSED_TOKEN


def test_closing_ends_the_token_on_every_connection(server: Server, peer: Peer) -> None:
    other = server.again(peer)
    peer.call("session.close")
    assert other.refusal("booking.list")["code"] == "not_signed_in"


def test_closing_one_session_leaves_the_users_others_alone(server: Server, peer: Peer) -> None:
    other = server.peer()
    other.call("session.open", user=peer.user, password=peer.password)
    other.call("session.close")
    assert peer.call("booking.list") == {"bookings": []}


def test_closing_ends_the_watches(server: Server, peer: Peer) -> None:
    day = server.day()
    peer.call("slot.watch", day=day)
    peer.call("session.close")
    server.customer().call("booking.create", start=f"{day}T10:00")
    peer.call("session.open", user=peer.user, password=peer.password)
    marker = peer.call("slot.watch", day=day)["watch"]
    server.customer().call("booking.create", start=f"{day}T11:00")
    assert peer.change()["watch"] == marker
    peer.call("ping")
    assert peer.arrived_changes() == []


def test_watches_do_not_come_back_with_the_token(server: Server, peer: Peer) -> None:
    day = server.day()
    old = peer.call("slot.watch", day=day)["watch"]
    peer.close()
    back = server.again(peer)
    marker = back.call("slot.watch", day=day)["watch"]
    back.call("booking.create", start=f"{day}T10:00")
    assert (back.change()["watch"], back.arrived_changes()) == (marker, [])
    assert old


# -- languages


def message(peer: Peer) -> str:
    with pytest.raises(RefusedError) as refused:
        peer.call("booking.create", start="2020-01-01T10:00")
    return refused.value.message


def test_messages_are_in_the_language_of_the_session(server: Server) -> None:
    portuguese, english = server.customer(language="pt-BR"), server.customer(language="en")
    assert message(portuguese) != message(english)


def test_portuguese_is_the_language_when_none_is_asked_for(server: Server) -> None:
    peer = server.peer()
    peer.call("session.open", user=unused_name(), password="x", create=True)
    assert message(peer) == message(server.customer(language="pt-BR"))


def test_a_resumed_session_keeps_its_language(server: Server) -> None:
    english = server.customer(language="en")
    assert message(server.again(english)) == message(english)


def test_a_refused_sign_in_changes_neither_session_nor_language(server: Server, peer: Peer) -> None:
    before = message(peer)
    assert peer.refusal("session.open", user=peer.user, password="wrong", language="en")["code"] == "bad_credentials"
    assert message(peer) == before


def test_one_user_may_have_sessions_in_two_languages(server: Server, peer: Peer) -> None:
    other = server.peer()
    other.call("session.open", user=peer.user, password=peer.password, language="en")
    assert message(other) != message(peer)


@pytest.mark.parametrize("language", ["fr", "", "PT-br", "pt_BR", "../en"])
def test_a_language_that_is_not_spoken_is_invalid(server: Server, language: str) -> None:
    data = server.peer().refusal("session.open", user=unused_name(), password="x", create=True, language=language)
    assert (data["code"], data["field"]) == ("invalid", "language")
