"""Guessing passwords is slowed down by name and address; signing in never is."""

import time
from collections import Counter
from collections.abc import Callable

import pytest

from .peer import Peer
from .server import Server, unused_name

Run = Callable[..., Server]
HERE, THERE = "127.0.0.21", "127.0.0.22"


def try_in(server: Server, user: str, password: str, source: str) -> str:
    """`ok` or the code of the refusal."""
    with Peer(server.address, source=source) as peer:
        answer = peer.answer(peer.post("session.open", user=user, password=password))
    return "ok" if "result" in answer else str(answer["error"]["data"]["code"])


def guess(server: Server, user: str, times: int, source: str) -> set[str]:
    with Peer(server.address, source=source) as peer:
        answers = peer.answers(peer.post_all(*[("session.open", {"user": user, "password": "wrong"})] * times))
    return {answer["error"]["data"]["code"] for answer in answers}


def test_after_ten_wrong_passwords_even_the_right_one_is_refused(server: Server) -> None:
    name = server.customer().user
    assert guess(server, name, 10, HERE) == {"bad_credentials"}
    assert try_in(server, name, "a password", HERE) == "rate_limited"
    assert try_in(server, name, "wrong", HERE) == "rate_limited"


def test_guesses_sent_at_once_on_many_connections_are_counted_all_the_same(server: Server) -> None:
    name = server.customer().user
    peers = [Peer(server.address, source="127.0.0.29") for _ in range(40)]
    numbers = [peer.post("session.open", user=name, password="wrong") for peer in peers]
    codes = [peer.answer(number)["error"]["data"]["code"] for peer, number in zip(peers, numbers, strict=True)]
    for peer in peers:
        peer.close()
    assert Counter(codes) == {"bad_credentials": 10, "rate_limited": 30}


def test_the_refusal_says_in_how_many_seconds_to_come_back(server: Server) -> None:
    name = server.customer().user
    guess(server, name, 10, HERE)
    with Peer(server.address, source=HERE) as peer:
        assert 0 < peer.refusal("session.open", user=name, password="a password")["retry_after"] <= 60


def test_another_address_or_another_name_is_not_refused(server: Server) -> None:
    name, other = server.customer().user, server.customer().user
    guess(server, name, 10, "127.0.0.23")
    assert try_in(server, name, "a password", THERE) == "ok"
    assert try_in(server, other, "a password", "127.0.0.23") == "ok"


def test_nine_wrong_passwords_are_forgiven(server: Server) -> None:
    name = server.customer().user
    guess(server, name, 9, "127.0.0.24")
    assert try_in(server, name, "a password", "127.0.0.24") == "ok"


def test_right_sign_ins_never_count(server: Server) -> None:
    name = server.customer().user
    assert {try_in(server, name, "a password", "127.0.0.25") for _ in range(15)} == {"ok"}
    assert guess(server, name, 10, "127.0.0.25") == {"bad_credentials"}


def test_wrong_passwords_with_create_count_too(server: Server) -> None:
    name = server.customer().user
    with Peer(server.address, source="127.0.0.26") as peer:
        for _ in range(10):
            peer.refusal("session.open", user=name, password="wrong", create=True)
    assert try_in(server, name, "a password", "127.0.0.26") == "rate_limited"


def test_an_open_session_goes_on_while_its_name_is_refused(server: Server) -> None:
    peer = server.customer()
    guess(server, peer.user, 10, "127.0.0.1")
    assert peer.call("booking.list") == {"bookings": []}
    assert server.again(peer).call("booking.list") == {"bookings": []}


def test_after_a_hundred_wrong_passwords_the_whole_address_is_refused(server: Server) -> None:
    names = [server.customer().user for _ in range(11)]
    for name in names[:10]:
        assert guess(server, name, 10, "127.0.0.27") == {"bad_credentials"}
    assert try_in(server, names[10], "a password", "127.0.0.27") == "rate_limited"
    assert try_in(server, names[10], "a password", THERE) == "ok"


def test_many_accounts_may_be_made_from_loopback(server: Server) -> None:
    assert len({server.customer().user for _ in range(25)}) == 25


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_after_sixty_seconds_the_right_password_signs_in_again(server: Server) -> None:
    """Asks until it is let in: a minute by the contract, and no less."""
    name, source = server.customer().user, "127.0.0.28"
    guess(server, name, 10, source)
    refused_since = time.monotonic()
    while try_in(server, name, "a password", source) == "rate_limited":
        assert time.monotonic() - refused_since < 90
        time.sleep(0.5)
    assert time.monotonic() - refused_since > 55


def test_twenty_accounts_an_hour_can_be_made_from_an_address_that_is_not_loopback(
    run_server: Run, own_address: str
) -> None:
    server = run_server(host=own_address, options=("--insecure",))
    for _ in range(20):
        server.customer()
    data = server.peer().refusal("session.open", user=unused_name(), password="x", create=True)
    assert data["code"] == "rate_limited"
