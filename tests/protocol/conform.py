"""What every single line from the server must look like, whatever was asked."""

import json
import re
from typing import Any

FACTS = {
    "slot_taken": {"resource", "start"},
    "slot_not_offered": {"reason", "start"},
    "not_signed_in": set(),
    "bad_credentials": set(),
    "forbidden": set(),
    "not_found": {"what"},
    "invalid": {"field", "reason"},
    "too_late": {"deadline"},
    "limit_reached": {"limit"},
    "rate_limited": {"retry_after"},
    "unavailable": {"retry_after"},
    "internal": {"incident"},
}
NOT_OFFERED = {"past", "too_soon", "too_far", "closed", "off_grid"}
OUTER = {"invalid": -32602, "internal": -32603}
WITHOUT_DATA = {-32700, -32600, -32601}
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d")
LEAKS = (
    b"Traceback",
    b'File \\"',
    b".py",
    b"sqlite",
    b"SQLITE",
    b"INSERT INTO",
    b"SELECT ",
    b"UNIQUE constraint",
    b"/tmp/",
)


def read_line(line: bytes) -> Any:
    """The message or batch on one line from the server, after a look at all that holds for every line."""
    assert line.endswith(b"\n"), f"cut off: {line[-80:]!r}"
    for leak in LEAKS:
        assert leak not in line, f"leaks {leak!r}: {line[:400]!r}"
    message = json.loads(line.decode("utf-8"), parse_constant=_refuse_constant)
    for one in message if isinstance(message, list) else [message]:
        _check(one)
    return message


def _refuse_constant(name: str) -> None:
    raise AssertionError(f"{name} is not JSON")


def _check(message: dict[str, Any]) -> None:
    assert message["jsonrpc"] == "2.0"
    if "method" in message:
        assert message.keys() == {"jsonrpc", "method", "params"}, message
    elif "error" in message:
        assert message.keys() == {"jsonrpc", "id", "error"}, message
        _check_error(message["error"])
    else:
        assert message.keys() == {"jsonrpc", "id", "result"}, message


def _check_error(error: dict[str, Any]) -> None:
    assert isinstance(error["message"], str)
    assert error["message"]
    if error["code"] in WITHOUT_DATA:
        return
    data = error["data"]
    assert data.keys() == {"code"} | FACTS[data["code"]], error
    assert error["code"] == OUTER.get(data["code"], -32000), error
    if data["code"] == "slot_not_offered":
        assert data["reason"] in NOT_OFFERED, error
    for name in ("start", "deadline"):
        if name in data:
            assert INSTANT.fullmatch(data[name]), error
    if "retry_after" in data:
        assert data["retry_after"] > 0, error
