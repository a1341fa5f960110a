"""What a refusal looks like on the wire: an outer code, a sentence in the client's language, and facts."""

from datetime import datetime
from functools import lru_cache
from typing import Any, Final
from uuid import uuid4
from zoneinfo import ZoneInfo

import structlog
from pydantic_core import to_json

from agenda.domain.errors import AgendaError
from agenda.doors.rpc import jsonrpc
from agenda.doors.rpc.shapes import instant
from agenda.texts import texts

OUTER_CODES: Final = {"invalid": jsonrpc.INVALID_PARAMS, "internal": jsonrpc.INTERNAL_ERROR}

# Faults of the line itself have no data.code; their sentences are error.<name>.
_FAULTS: Final = {
    jsonrpc.PARSE_ERROR: "parse_error",
    jsonrpc.INVALID_REQUEST: "invalid_request",
    jsonrpc.METHOD_NOT_FOUND: "method_not_found",
}

_log = structlog.get_logger("agenda.rpc")


def refused(error: AgendaError, language: str, zone: ZoneInfo) -> bytes:
    """The `error` member for a refusal, instants in `zone`; shared between equal refusals, which come in crowds."""
    return _refused(error.code, tuple(error.facts.items()), language, zone)


@lru_cache(maxsize=4096)
def _refused(data_code: str, facts: tuple[tuple[str, Any], ...], language: str, zone: ZoneInfo) -> bytes:
    wire = {name: instant(fact, zone) if isinstance(fact, datetime) else fact for name, fact in facts}
    sentence = texts(language).error(data_code, wire)
    code = OUTER_CODES.get(data_code, jsonrpc.REFUSED)
    return to_json({"code": code, "message": sentence, "data": {"code": data_code, **wire}})


@lru_cache(maxsize=16)
def faulty(code: int, language: str) -> bytes:
    """The `error` member for what asks for nothing that exists: -32700, -32600 or -32601."""
    return to_json({"code": code, "message": texts(language)(f"error.{_FAULTS[code]}")})


def too_long(language: str) -> bytes:
    """The `error` member for a line of more than MAX_LINE bytes."""
    return to_json({"code": jsonrpc.INVALID_REQUEST, "message": texts(language)("error.line_too_long")})


def log_incident(error: BaseException) -> str:
    """Log a defect with its traceback; the id under which it can be found."""
    incident = uuid4().hex[:12]
    _log.error("internal error", incident=incident, exc_info=error)
    return incident
