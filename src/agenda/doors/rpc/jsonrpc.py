"""JSON-RPC 2.0 as bytes in, bytes out: what a line asks for, and how answers are written."""

import json
import math
from collections.abc import Iterable
from functools import partial
from typing import Any, Final, NamedTuple, NoReturn

from pydantic_core import from_json, to_json

from agenda.doors.rpc.nesting import flattened

PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600
METHOD_NOT_FOUND: Final = -32601
INVALID_PARAMS: Final = -32602
INTERNAL_ERROR: Final = -32603
REFUSED: Final = -32000

_BEYOND: Final = 2**63  # what 64 bits hold
_NULL = b"null"
_MOST_DIGITS = 4300  # what int() converts; the fast decoder goes as far


class Call(NamedTuple):
    """One member of a line: `id` as it goes into the answer, None for a notification.

    `fault` is why it cannot be served whatever its method: an outer code, or None. `params` is {} where left out.
    """

    id: bytes | None
    method: str
    params: dict[str, Any] | list[Any]
    fault: int | None = None


class Batch(NamedTuple):
    """The calls of an array, to be answered in one line."""

    calls: list[Call]


def decode(line: bytes) -> Call | Batch | None:
    """What `line` asks for; None if it is blank. Never raises: what cannot be read is a Call with a `fault`."""
    try:
        value = from_json(line, allow_inf_nan=False, cache_strings="keys")
    except ValueError:
        if not line.strip(b" \t\r\n"):
            return None
        try:
            value = _decode_slowly(line)
        except ValueError:
            return Call(_NULL, "", {}, PARSE_ERROR)
    if type(value) is dict:
        return _call(value)
    if type(value) is list and value:
        return Batch([_call(member) for member in value])
    return Call(_NULL, "", {}, INVALID_REQUEST)


def _decode_slowly(line: bytes) -> Any:
    """JSON that the fast decoder refuses though it is JSON: lone surrogates, integers of any length, any nesting.

    Raises ValueError for what is not JSON or not UTF-8.
    """
    text = line.decode()
    try:
        return _loads(text)
    except RecursionError:
        return _loads(flattened(text))


def _loads(text: str) -> Any:
    return json.loads(text, parse_constant=_refuse, parse_int=_bounded_int)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def _bounded_int(digits: str) -> int | float:
    """The integer, or infinity where it has so many digits that converting them would take long."""
    return int(digits) if len(digits) <= _MOST_DIGITS else math.inf


def _call(value: Any) -> Call:
    """The request that `value` is, or a Call that says why it is none."""
    if type(value) is not dict:
        return Call(_NULL, "", {}, INVALID_REQUEST)
    method = value.get("method")
    params = value.get("params", _NO_PARAMS)
    sent_id = value.get("id", _ABSENT)
    if type(sent_id) is int:
        call_id = b"%d" % sent_id
    elif sent_id is _ABSENT:
        call_id = None
    elif (call_id := _encode_id(sent_id)) is None:
        return Call(_NULL, "", {}, INVALID_REQUEST)
    if value.get("jsonrpc") != "2.0" or type(method) is not str or type(params) not in _STRUCTURED:
        return Call(call_id or _NULL, "", {}, INVALID_REQUEST)
    if not storable(sent_id):
        return Call(call_id, method, {}, INVALID_PARAMS)
    return _new_call((call_id, method, params, None))


_new_call = partial(tuple.__new__, Call)  # what Call() does, in half the time
_ABSENT: Final = object()
_NO_PARAMS: dict[str, Any] = {}
_STRUCTURED = (dict, list)


def _encode_id(value: Any) -> bytes | None:
    """An id that is no integer as it goes into the answer, or None if JSON-RPC allows no such id."""
    if type(value) is str:
        return _encode_string(value)
    if value is None:
        return _NULL
    if type(value) is float and math.isfinite(value):
        return to_json(value)
    return None


def _encode_string(text: str) -> bytes:
    try:
        return to_json(text)
    except ValueError:  # a lone surrogate has no UTF-8, but an escape
        return json.dumps(text).encode()


def storable(value: Any) -> bool:
    """Whether a scalar fits into the store: no NUL, no lone surrogate, no integer beyond 64 bits."""
    if type(value) is int:
        return -_BEYOND <= value < _BEYOND
    if type(value) is str:
        return "\0" not in value and (value.isascii() or not any("\ud800" <= c <= "\udfff" for c in value))
    return True


def answer(call_id: bytes, result: bytes) -> bytes:
    """The answer to a call, without a newline; `result` is JSON."""
    return b'{"jsonrpc":"2.0","id":%b,"result":%b}' % (call_id, result)


def refusal(call_id: bytes, error: bytes) -> bytes:
    """The error answer to a call, without a newline; `error` is the JSON of its code, message and data."""
    return b'{"jsonrpc":"2.0","id":%b,"error":%b}' % (call_id, error)


def notification(method: str, params: bytes) -> bytes:
    """A message that wants no answer, without a newline; `params` is JSON."""
    return b'{"jsonrpc":"2.0","method":"%b","params":%b}' % (method.encode(), params)


def batch_answer(answers: Iterable[bytes]) -> bytes:
    """The answers to the members of a batch as one array, without a newline."""
    return b"[%b]" % b",".join(answers)
