"""Missing, unknown and wrong parameters, whatever they mean."""

from typing import Any

import pytest

from .parameters import EVERY_PARAMETER, METHODS, NEEDED, TEXTS, invalid_field
from .peer import Peer
from .server import Server


@pytest.fixture(scope="module")
def peer(server: Server) -> Peer:
    return server.customer()


@pytest.mark.parametrize("method", METHODS)
def test_an_unknown_parameter_is_invalid(peer: Peer, method: str) -> None:
    assert invalid_field(peer, method, **NEEDED.get(method, {}), bogus=1) == "bogus"


@pytest.mark.parametrize(("method", "name"), [(method, name) for method in NEEDED for name in NEEDED[method]])
def test_a_missing_parameter_is_invalid(peer: Peer, method: str, name: str) -> None:
    params = {key: value for key, value in NEEDED[method].items() if key != name}
    assert invalid_field(peer, method, **params) == name


@pytest.mark.parametrize(("method", "name"), EVERY_PARAMETER)
@pytest.mark.parametrize("value", [1.5, [], {}, ["x"], {"x": 1}, 2**64, -(2**63) - 1, 10**400], ids=str)
def test_a_parameter_of_another_kind_is_invalid(peer: Peer, method: str, name: str, value: Any) -> None:
    assert invalid_field(peer, method, **{**NEEDED.get(method, {}), name: value}) == name


@pytest.mark.parametrize(("method", "name"), TEXTS)
@pytest.mark.parametrize("value", [0, 1, 1_800_000_000, True, False])
def test_numbers_and_booleans_are_no_texts(peer: Peer, method: str, name: str, value: Any) -> None:
    assert invalid_field(peer, method, **{**NEEDED.get(method, {}), name: value}) == name


@pytest.mark.parametrize(("method", "name"), [(method, name) for method in NEEDED for name in NEEDED[method]])
def test_null_is_not_a_value_of_what_must_be_given(peer: Peer, method: str, name: str) -> None:
    assert invalid_field(peer, method, **{**NEEDED[method], name: None}) == name


@pytest.mark.parametrize("value", [0, 1, "true", "", "yes"])
def test_only_a_boolean_says_whether_to_create(peer: Peer, value: Any) -> None:
    assert invalid_field(peer, "session.open", user="x", password="x", create=value) == "create"


@pytest.mark.parametrize("value", [True, False, "10", 0, -1, 2**63, -(2**63)])
def test_a_limit_is_a_positive_integer(peer: Peer, value: Any) -> None:
    assert invalid_field(peer, "audit.list", limit=value) == "limit"


@pytest.mark.parametrize(("method", "name"), EVERY_PARAMETER)
@pytest.mark.parametrize("text", ["a\0b", "\0", "\ud800", "x\udfffy", "\udc00\ud800"], ids=ascii)
def test_nul_and_lone_surrogates_are_invalid(peer: Peer, method: str, name: str, text: str) -> None:
    assert invalid_field(peer, method, **{**NEEDED.get(method, {}), name: text}) == name


def test_a_pair_of_surrogates_is_one_character(server: Server) -> None:
    booked = server.customer().call("booking.create", start=f"{server.day()}T08:00", note="\U0001d11e")
    assert booked["note"] == "\U0001d11e"


@pytest.mark.parametrize("name", ["\ud800", "a\0", "1" * 5000, "jsonrpc", "self", "session", "reply"], ids=ascii)
def test_odd_names_of_parameters_are_invalid_and_no_more(peer: Peer, name: str) -> None:
    assert peer.refusal("ping", **{name: 1})["code"] == "invalid"


def test_an_integer_of_ten_thousand_digits_is_refused_and_the_connection_goes_on(peer: Peer) -> None:
    peer.write(b'{"jsonrpc":"2.0","id":1,"method":"audit.list","params":{"limit":' + b"9" * 10_000 + b"}}\n")
    assert peer.read()["error"]["code"] in {-32602, -32700}
    assert peer.call("ping")


@pytest.mark.parametrize(
    "number", [str(2**64), "9" * 10_000, '"\\ud800"', '"\\u0000"', "1e400", "-0.0"], ids=lambda n: n[:12]
)
def test_an_odd_id_gets_exactly_one_answer(peer: Peer, number: str) -> None:
    peer.write(b'{"jsonrpc":"2.0","method":"ping","id":' + number.encode() + b"}\n")
    assert peer.read()["jsonrpc"] == "2.0"
    assert peer.call("ping")
