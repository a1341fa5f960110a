"""What outlives the server process: bookings, tokens, requests; and how it ends."""

from collections.abc import Callable
from typing import Any

import pytest

from .server import Server

Run = Callable[..., Server]


def end(server: Server, how: str) -> None:
    if how == "SIGKILL":
        server.kill()
    else:
        assert server.stop() == 0


@pytest.mark.parametrize("how", ["SIGTERM", "SIGKILL"])
def test_requests_get_their_first_answer_after_a_restart(run_server: Run, how: str) -> None:
    server = run_server()
    peer, other, day = server.customer(), server.customer(), server.day()
    theirs = other.call("booking.create", start=f"{day}T09:00")
    mine = peer.call("booking.create", start=f"{day}T10:00")
    wishes: list[tuple[str, dict[str, Any]]] = [
        ("booking.create", {"start": f"{day}T11:00", "note": "n", "request": "1"}),
        ("booking.create", {"start": f"{day}T09:00", "request": "2"}),
        ("booking.create", {"start": f"{day}T09:30", "request": "3"}),
        ("booking.move", {"booking": mine["id"], "start": f"{day}T12:00", "request": "4"}),
        ("booking.cancel", {"booking": mine["id"], "request": "5"}),
        ("booking.cancel", {"booking": "no such", "request": "6"}),
    ]
    first, log = peer.answers(peer.post_all(*wishes)), peer.log()
    end(server, how)
    server.start()
    server.again(other).call("booking.cancel", booking=theirs["id"])
    peer = server.again(peer)
    again = peer.answers(peer.post_all(*wishes))
    assert [a.get("result", a.get("error", {}).get("data")) for a in again] == [
        a.get("result", a.get("error", {}).get("data")) for a in first
    ]
    assert peer.log() == log
    assert peer.refusal("booking.create", start=f"{day}T15:00", request="2")["code"] == "invalid"


@pytest.mark.parametrize("how", ["SIGTERM", "SIGKILL"])
def test_what_was_answered_is_there_after_a_restart(run_server: Run, how: str) -> None:
    server = run_server()
    peer, day = server.customer(), server.day()
    kept = peer.call("booking.create", start=f"{day}T10:00", note="fica")
    gone = peer.call("booking.create", start=f"{day}T11:00")
    peer.call("booking.cancel", booking=gone["id"])
    before = [peer.call(method) for method in ("booking.list", "audit.list", "service.list", "resource.list")]
    end(server, how)
    server.start()
    peer = server.again(peer)
    assert [peer.call(method) for method in ("booking.list", "audit.list", "service.list", "resource.list")] == before
    assert (peer.states(day)[2], peer.states(day)[3]) == ("mine", "free")
    assert server.customer().refusal("booking.create", start=kept["start"])["code"] == "slot_taken"


@pytest.mark.parametrize("how", ["SIGTERM", "SIGKILL"])
def test_a_token_outlives_a_restart_and_a_closed_one_stays_closed(run_server: Run, how: str) -> None:
    server = run_server()
    peer, closed = server.customer(language="en"), server.customer()
    closed.call("session.close")
    end(server, how)
    server.start()
    assert server.again(peer).user == peer.user
    assert server.peer().refusal("session.resume", token=closed.token)["code"] in {"not_signed_in", "bad_credentials"}


@pytest.mark.parametrize("how", ["SIGTERM", "SIGKILL"])
def test_a_retried_erasure_gets_its_receipt_after_a_restart(run_server: Run, how: str) -> None:
    server = run_server()
    peer = server.customer()
    receipt = peer.call("user.erase", password=peer.password, request="adeus")
    end(server, how)
    server.start()
    assert server.peer().call("user.erase", password=peer.password, request="adeus") == receipt
    assert server.peer().refusal("session.open", user=peer.user, password=peer.password)["code"] == "bad_credentials"


def test_what_a_watcher_hears_is_durable_when_he_hears_it(run_server: Run) -> None:
    server = run_server()
    watcher, booker, day = server.customer(), server.customer(), server.day()
    for hour in (8, 9, 10):
        watcher.call("slot.watch", day=day)
        booker.post("booking.create", start=server.at(day, hour))
        assert watcher.change()["slots"][0]["start"] == server.at(day, hour)
        server.kill()
        server.start()
        watcher, booker = server.again(watcher), server.again(booker)
        assert watcher.states(day)[hour - 8] == "taken"


def test_what_was_sent_before_sigterm_is_answered_or_can_be_asked_again(run_server: Run) -> None:
    server = run_server()
    peer, day = server.customer(), server.day()
    wishes: list[tuple[str, dict[str, Any]]] = [
        ("booking.create", {"start": server.at(day, hour), "request": f"r{hour}"}) for hour in range(8, 20)
    ]
    numbers = peer.post_all(*wishes)
    peer.answer(numbers[0])
    assert server.stop() == 0
    heard = {message["id"]: message for message in peer.read_all() if "id" in message}
    told = {answer["error"]["data"]["code"] for answer in heard.values() if "error" in answer}
    assert told <= {"unavailable"}
    server.start()
    peer = server.again(peer)
    again = dict(zip(numbers, peer.answers(peer.post_all(*wishes)), strict=True))
    assert all(answer["result"]["status"] == "booked" for answer in again.values())
    assert all(again[number]["result"] == answer["result"] for number, answer in heard.items() if "result" in answer)
    assert len(peer.call("booking.list")["bookings"]) == 12


def test_sigterm_ends_the_process_whatever_clients_do(run_server: Run) -> None:
    server = run_server()
    deaf, silent, slow = server.customer(), server.peer(), server.peer()
    deaf.post_all(*[("slot.list", {"day": server.day()})] * 3000)
    slow.write(b'{"jsonrpc":"2.0",')
    silent.end()
    assert server.stop() == 0


def test_the_version_of_a_day_rises_within_one_run(run_server: Run) -> None:
    server = run_server()
    peer, day = server.customer(), server.day()
    versions = [peer.call("slot.list", day=day)["version"]]
    for hour in range(8, 14):
        peer.call("booking.create", start=server.at(day, hour))
        versions.append(peer.call("slot.list", day=day)["version"])
    assert versions == sorted(set(versions))
