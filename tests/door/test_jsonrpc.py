"""Lines as calls, and answers as lines."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agenda.doors.rpc import jsonrpc
from agenda.doors.rpc.jsonrpc import Batch, Call, decode

DEEP = 30_000


def line(**members: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", **members}).encode()


def one(text: bytes) -> Call:
    asked = decode(text)
    assert isinstance(asked, Call)
    return asked


def test_a_request_is_read() -> None:
    assert one(line(id=1, method="ping", params={"a": 1})) == Call(b"1", "ping", {"a": 1})


def test_a_request_without_id_is_a_notification() -> None:
    assert one(line(method="ping")) == Call(None, "ping", {})


def test_an_id_that_is_null_wants_an_answer() -> None:
    assert one(line(id=None, method="ping")).id == b"null"


@pytest.mark.parametrize("blank", [b"", b" ", b"\r", b" \t\r"])
def test_a_blank_line_is_nothing(blank: bytes) -> None:
    assert decode(blank) is None


def test_a_carriage_return_before_the_end_is_ignored() -> None:
    assert one(line(id=1, method="ping") + b"\r") == Call(b"1", "ping", {})


@pytest.mark.parametrize(
    "text",
    [
        b"{",
        b"ping",
        b"\xff",
        b'{"id": NaN}',
        b"[Infinity]",
        b"{}{}",
        b"[1,]",
        b"'x'",
        b'"\x01"',
        b"\xef\xbb\xbf{}",
        b"\x00",
        b"\xa0",
        b'["\xed\xa0\x80"]',
        b"[" * 60_000,
        b'{"a":' * 10_000,
    ],
)
def test_what_is_not_json_in_utf8_is_a_parse_error(text: bytes) -> None:
    assert one(text) == Call(b"null", "", {}, jsonrpc.PARSE_ERROR)


@pytest.mark.parametrize(
    "text",
    [
        b"{}",
        b"[]",
        b"1",
        b"null",
        b'"ping"',
        b'{"method":"ping","id":1.5e400,"jsonrpc":"2.0"}',
        b'{"jsonrpc":"2.0","id":{},"method":"ping"}',
        b'{"jsonrpc":"2.0","id":true,"method":"ping"}',
        b'{"jsonrpc":"2.0","id":[1],"method":"ping"}',
    ],
)
def test_what_is_no_request_is_refused_with_a_null_id(text: bytes) -> None:
    assert one(text) == Call(b"null", "", {}, jsonrpc.INVALID_REQUEST)


@pytest.mark.parametrize(
    "members",
    [
        {"jsonrpc": "1.0", "method": "ping"},
        {"jsonrpc": 2.0, "method": "ping"},
        {"method": 1},
        {},
        {"method": "ping", "params": 1},
        {"method": "ping", "params": "x"},
        {"method": "ping", "params": None},
    ],
)
def test_what_is_no_request_is_refused_with_its_id_if_that_is_one(members: dict[str, Any]) -> None:
    assert one(json.dumps({"jsonrpc": "2.0", "id": "me", **members}).encode()) == Call(
        b'"me"', "", {}, jsonrpc.INVALID_REQUEST
    )


def test_the_members_of_a_batch_are_read_one_by_one() -> None:
    text = b"[" + line(id=1, method="ping") + b",3," + line(method="ping") + b"]"
    assert decode(text) == Batch(
        [Call(b"1", "ping", {}), Call(b"null", "", {}, jsonrpc.INVALID_REQUEST), Call(None, "ping", {})]
    )


@pytest.mark.parametrize("name", ["\\ud800", "a\\udc00b", "\\ud83d\\ud83d"])
def test_a_lone_surrogate_is_left_to_the_parameters(name: str) -> None:
    call = one(b'{"jsonrpc":"2.0","id":1,"method":"x","params":{"user":"%b"}}' % name.encode())
    assert call == Call(b"1", "x", {"user": json.loads(f'"{name}"')})


@pytest.mark.parametrize("call_id", ["\\ud800", "\\u0000", "a\\udfffb"], ids=["surrogate", "nul", "surrogate inside"])
def test_an_id_that_no_string_may_be_is_invalid_and_comes_back(call_id: str) -> None:
    call = one(b'{"jsonrpc":"2.0","id":"%b","method":"ping"}' % call_id.encode())
    assert (call.fault, json.loads(call.id or b"")) == (jsonrpc.INVALID_PARAMS, json.loads(f'"{call_id}"'))


@pytest.mark.parametrize("digits", [20, 400, 4000])
def test_an_id_beyond_64_bits_is_invalid_and_comes_back(digits: int) -> None:
    call = one(line(id=10**digits, method="ping"))
    assert (call.fault, call.id) == (jsonrpc.INVALID_PARAMS, b"%d" % 10**digits)


@pytest.mark.parametrize("call_id", [0, -1, 2**63 - 1, -(2**63), 1.5, "", "é", "\U0001f600", 'a"b\\\n'])
def test_every_other_id_comes_back_as_it_was(call_id: Any) -> None:
    call = one(line(id=call_id, method="ping"))
    assert (call.fault, json.loads(call.id or b"")) == (None, call_id)


def test_integers_of_any_length_are_left_to_the_parameters() -> None:
    text = b'{"jsonrpc":"2.0","id":1,"method":"x","params":{"limit":1%b}}' % (b"0" * 50_000)
    assert one(text).fault is None


@pytest.mark.parametrize("depth", [150, 199, 200, 201, 500, 1000, DEEP])
@pytest.mark.parametrize("inside", [b"", b"1", b'"]"', b'{"a\\"]":[]}'])
def test_nesting_is_still_json_however_deep(depth: int, inside: bytes) -> None:
    text = b'{"jsonrpc":"2.0","id":1,"method":"x","params":{"user":%b}}' % (b"[" * depth + inside + b"]" * depth)
    assert (one(text).id, one(text).fault) == (b"1", None)


def test_objects_may_be_nested_too() -> None:
    text = b'{"jsonrpc":"2.0","id":1,"method":"x","params":%b1%b}' % (b'{"a":' * 9000, b"}" * 9000)
    assert (one(text).id, one(text).fault) == (b"1", None)


@pytest.mark.parametrize("inside", [b"1,", b"NaN", b"x", b"]", b"[", b"{]", b'"'])
def test_what_lies_deep_must_be_json_too(inside: bytes) -> None:
    assert one(b"[" * 1500 + inside + b"]" * 1500).fault == jsonrpc.PARSE_ERROR


@pytest.mark.parametrize("depth", [2, 150, 500, DEEP])
def test_an_array_in_an_array_is_a_batch_of_what_is_no_request(depth: int) -> None:
    assert decode(b"[" * depth + b"]" * depth) == Batch([Call(b"null", "", {}, jsonrpc.INVALID_REQUEST)])


@given(st.binary() | st.text().map(str.encode))
@example(b'{"jsonrpc":"2.0","method":"\\ud800"}')
def test_any_bytes_are_read_as_something(text: bytes) -> None:
    asked = decode(text)
    assert asked is None or isinstance(asked, Call | Batch)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)
requests = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("jsonrpc", "id", "method", "params"), json_values)
) | st.fixed_dictionaries(
    {"jsonrpc": st.just("2.0"), "id": json_values, "method": st.text()}, optional={"params": json_values}
)


@given(st.lists(requests, min_size=1) | requests)
def test_every_call_that_was_read_can_be_answered_in_json(value: Any) -> None:
    asked = decode(json.dumps(value).encode())
    calls = asked.calls if isinstance(asked, Batch) else [asked] if asked else []
    answers = [jsonrpc.answer(call.id, b"{}") for call in calls if call.id is not None]
    assert len(json.loads(jsonrpc.batch_answer(answers))) == len(answers)


def test_answers_have_the_shape_of_json_rpc() -> None:
    assert json.loads(jsonrpc.answer(b"1", b'{"a":2}')) == {"jsonrpc": "2.0", "id": 1, "result": {"a": 2}}
    assert json.loads(jsonrpc.refusal(b"null", b'{"code":1}')) == {"jsonrpc": "2.0", "id": None, "error": {"code": 1}}
    assert json.loads(jsonrpc.notification("x.y", b"{}")) == {"jsonrpc": "2.0", "method": "x.y", "params": {}}
