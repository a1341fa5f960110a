"""Instants, days, names and passwords: the section *Values* of the contract."""

import datetime as dt
import json
import unicodedata

import pytest

from .parameters import NEEDED, invalid_field
from .peer import Peer
from .server import Server, unused_name


@pytest.fixture(scope="module")
def peer(server: Server) -> Peer:
    return server.customer()


def test_now_is_an_instant_with_offset_and_it_is_now(server: Server) -> None:
    now = dt.datetime.fromisoformat(server.peer().call("ping")["now"])
    assert now.utcoffset() is not None
    assert abs(dt.datetime.now(dt.UTC) - now) < dt.timedelta(seconds=30)


def test_instants_are_written_in_the_zone_of_the_business(server: Server) -> None:
    day = server.day()
    booked = server.customer().call("booking.create", start=f"{day}T08:00")
    assert (booked["start"], booked["end"]) == (f"{day}T08:00:00-03:00", f"{day}T09:00:00-03:00")


@pytest.mark.parametrize(
    "text",
    [
        "{}T10:00",
        "{}T10:00:00",
        "{}T10:00-03:00",
        "{}T10:00:00-03:00",
        "{}T13:00:00Z",
        "{}T13:00:00+00:00",
        "{}T22:00:00+09:00",
        "{}T18:45:00+05:45",
        "{}T10:00:00.000-03:00",
    ],
)
def test_an_instant_may_have_any_offset_or_none(server: Server, text: str) -> None:
    day = server.day()
    booked = server.customer().call("booking.create", start=text.format(day))
    assert booked["start"] == f"{day}T10:00:00-03:00"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "tomorrow",
        "2026-12-01",
        "10:00",
        "2026-13-01T10:00",
        "2026-12-32T10:00",
        "2026-02-29T10:00",
        "2026-12-01T25:00",
        "2026-12-01T10:60",
        "2026-12-01T10:00+99:00",
        "2026-12-01T10:00 America/Sao_Paulo",
        "1800000000",
        "1800000000.5",
        "01/12/2026 10:00",
        "2026-12-01T10:00\n",
        " 2026-12-01T10:00",
        "２０２６-12-01T10:00",
        "99999-12-01T10:00",
        "P1D",
        "2026-12-01T10:00Z junk",
    ],
)
def test_what_is_no_instant_is_invalid(peer: Peer, text: str) -> None:
    assert invalid_field(peer, "booking.create", start=text) == "start"
    assert invalid_field(peer, "booking.move", booking="x", start=text) == "start"


@pytest.mark.parametrize(
    "text",
    [
        "0001-01-01T00:00",
        "0001-01-01T00:00:00+14:00",
        "1600-01-01T00:00",
        "9999-12-31T23:59:59",
        "9999-12-31T23:59:59-14:00",
    ],
)
def test_the_ends_of_the_calendar_are_refused_like_any_other_time(peer: Peer, text: str) -> None:
    assert peer.refusal("booking.create", start=text)["code"] in {"invalid", "slot_not_offered"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "today",
        "2026-12",
        "20261201",
        "2026-W49-2",
        "2026-335",
        "2026-12-1",
        "2026-12-01T00:00",
        "2026-12-01T00:00:00",
        "2026-13-01",
        "2026-02-29",
        "01-12-2026",
        "01/12/2026",
        "-2026-12-01",
        "+002026-12-01",
        "2026-12-01 ",
        " 2026-12-01",
        "2026-12-01\n",
        "1800000000",
        "２０２６-12-01",
        "0000-01-01",
    ],
)
def test_what_is_no_day_is_invalid(peer: Peer, text: str) -> None:
    assert invalid_field(peer, "slot.list", day=text) == "day"
    assert invalid_field(peer, "slot.watch", day=text) == "day"


@pytest.mark.parametrize("day", ["0001-01-01", "1600-02-29", "1970-01-01", "2600-01-01", "9999-12-31"])
def test_the_ends_of_the_calendar_are_no_defect(peer: Peer, day: str) -> None:
    answer = peer.answer(peer.post("slot.list", day=day))
    assert "result" in answer or answer["error"]["data"]["code"] == "invalid"


# -- names and passwords


def test_a_user_name_is_normalised_to_nfc(server: Server) -> None:
    composed = unused_name() + " José Conceição"
    decomposed = unicodedata.normalize("NFD", composed)
    peer = server.customer(decomposed)
    assert peer.user == composed
    assert server.peer().call("session.open", user=composed, password=peer.password)["user"]["name"] == composed


def test_the_case_of_a_user_name_is_kept(server: Server) -> None:
    name = unused_name() + " McÁÉ"
    assert server.customer(name).user == name


@pytest.mark.parametrize("length", [1, 64])
def test_a_user_name_of_1_to_64_characters_is_accepted(server: Server, length: int) -> None:
    name = (unused_name() + "𝄞" * 64)[:length]
    assert server.customer(name).user == name


@pytest.mark.parametrize("name", ["", "x" * 65, "𝄞" * 65], ids=["0", "65", "65 beyond the basic plane"])
def test_a_user_name_of_other_lengths_is_invalid(peer: Peer, name: str) -> None:
    assert invalid_field(peer, "session.open", user=name, password="x", create=True) == "user"


@pytest.mark.parametrize(
    "character", ["\t", "\n", "\r", "\x01", "\x1b", "\x1f", "\x7f", "\x80", "\x85", "\x9f"], ids=ascii
)
def test_a_control_character_in_a_user_name_is_invalid(peer: Peer, character: str) -> None:
    for name in (f"a{character}b", f"{character}a", f"a{character}"):
        assert invalid_field(peer, "session.open", user=name, password="x", create=True) == "user"


@pytest.mark.parametrize(
    "password", ["x", "x" * 256, "é" * 256, "𝄞" * 256, " ", "\t\n\r\x01\x7f", "' OR 1=1 --", "\u202e"], ids=ascii
)
def test_any_password_of_1_to_256_characters_signs_in_again(server: Server, password: str) -> None:
    name = unused_name()
    server.peer().sign_up(name, password)
    assert server.peer().call("session.open", user=name, password=password)["user"]["name"] == name


@pytest.mark.parametrize("password", ["", "x" * 257], ids=["0", "257"])
def test_a_password_of_other_lengths_is_invalid(peer: Peer, password: str) -> None:
    assert invalid_field(peer, "session.open", user=unused_name(), password=password, create=True) == "password"


@pytest.mark.parametrize("request_", ["x", "x" * 64, "𝄞" * 64, " ", "' OR 1=1 --"], ids=ascii)
def test_a_request_of_1_to_64_characters_is_accepted(server: Server, request_: str) -> None:
    booked = server.customer().call("booking.create", start=f"{server.day()}T08:00", request=request_)
    assert booked["status"] == "booked"


@pytest.mark.parametrize("method", ["booking.create", "booking.cancel", "booking.move", "user.erase"])
@pytest.mark.parametrize("request_", ["", "x" * 65], ids=["0", "65"])
def test_a_request_of_other_lengths_is_invalid(peer: Peer, method: str, request_: str) -> None:
    assert invalid_field(peer, method, **NEEDED[method], request=request_) == "request"


def test_escapes_in_json_make_no_difference(server: Server) -> None:
    peer = server.peer()
    name = unused_name() + " ç"
    peer.send(
        {"jsonrpc": "2.0", "id": 1, "method": "session.open", "params": {"user": name, "password": "é", "create": True}}
    )
    assert peer.read()["result"]["user"]["name"] == name
    raw = json.dumps(
        {"jsonrpc": "2.0", "id": 2, "method": "session.open", "params": {"user": name, "password": "é"}},
        ensure_ascii=False,
    )
    peer.write(raw.encode() + b"\n")
    assert peer.read()["result"]["user"]["name"] == name
