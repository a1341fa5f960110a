"""The parameters of each method as one frozen shape, and how what a client sent becomes one."""

import unicodedata
from collections.abc import Mapping
from datetime import date, datetime
from hashlib import blake2b
from typing import Annotated, Any, Final, Literal, NotRequired, TypeVar, cast
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    with_config,
)
from pydantic_core import PydanticCustomError, SchemaValidator, to_json
from typing_extensions import TypedDict  # what pydantic asks for before Python 3.12

from agenda.domain.errors import Invalid
from agenda.doors.rpc.jsonrpc import storable
from agenda.doors.rpc.values import Unreadable, parse_day, parse_instant
from agenda.texts import LANGUAGES

MOST_ENTRIES: Final = 1000
USUAL_ENTRIES: Final = 100
LONGEST_NAME: Final = 64
LONGEST_FIELD: Final = 64

# pydantic's kinds of errors, as the words that `reason` knows; our own validators raise the word itself.
_REASONS: Final = {
    "missing": "missing",
    "extra_forbidden": "unknown",
    "string_too_short": "empty",
    "string_too_long": "too_long",
    "string_pattern_mismatch": "text",
    "string_unicode": "text",
    "greater_than_equal": "out_of_range",
    "less_than_equal": "out_of_range",
    "literal_error": "choice",
}
_OWN_REASONS: Final = frozenset({"choice", "day", "empty", "instant", "nonexistent", "text", "too_long", "type"})


def _wrong(reason: str) -> PydanticCustomError:
    return PydanticCustomError(reason, "{reason}", {"reason": reason})


_UNFIT: Final = frozenset({"Cc", "Cs"})  # control characters and lone surrogates


def _name(text: str) -> str:
    """The name in NFC. 1 to 64 characters, none of them a control character."""
    name = unicodedata.normalize("NFC", text)
    if not name:
        raise _wrong("empty")
    if len(name) > LONGEST_NAME:
        raise _wrong("too_long")
    if any(unicodedata.category(character) in _UNFIT for character in name):
        raise _wrong("text")
    return name


def _language(text: str) -> str:
    if text not in LANGUAGES:
        raise _wrong("choice")
    return text


def _instant(value: Any, info: ValidationInfo) -> datetime:
    if type(value) is not str:
        raise _wrong("type")
    try:
        return parse_instant(value, info.context)  # read() hands the zone in
    except Unreadable as error:
        raise _wrong(error.reason) from None


def _day(value: Any) -> date:
    if type(value) is not str:
        raise _wrong("type")
    try:
        return parse_day(value)
    except Unreadable as error:
        raise _wrong(error.reason) from None


_NO_NUL: Final = r"^[^\x00]*$"
Text = Annotated[str, StringConstraints(pattern=_NO_NUL)]
Note = Annotated[str, StringConstraints(pattern=_NO_NUL, max_length=2000)]
Password = Annotated[str, StringConstraints(pattern=_NO_NUL, min_length=1, max_length=256)]
RequestName = Annotated[str, StringConstraints(pattern=_NO_NUL, min_length=1, max_length=64)]
UserName = Annotated[str, AfterValidator(_name)]
Language = Annotated[str, AfterValidator(_language)]
Instant = Annotated[datetime, BeforeValidator(_instant)]
Day = Annotated[date, BeforeValidator(_day)]


Shape = TypeVar("Shape", bound=type)
AnyParams = TypeVar("AnyParams", bound=Mapping[str, object])

_CONFIG: Final = ConfigDict(strict=True, extra="forbid", hide_input_in_errors=True)
_VALIDATORS: Final[dict[type, SchemaValidator]] = {}
_TOLD: Final[dict[type, list[str]]] = {}  # the names of what tells one call from another, see fingerprint()


def _shape(shape: Shape) -> Shape:
    """Have read() and fingerprint() know the shape."""
    _VALIDATORS[shape] = cast("SchemaValidator", TypeAdapter(with_config(_CONFIG)(shape)).validator)
    _TOLD[shape] = [name for name in shape.__annotations__ if name not in {"request", "password"}]
    return shape


@_shape
class Params(TypedDict):
    """What a method without parameters takes, and the root of what the others take: no value is ever null."""


@_shape
class OpenSession(Params):
    user: UserName
    password: Password
    create: NotRequired[bool]
    language: NotRequired[Language]


@_shape
class ResumeSession(Params):
    token: Text


@_shape
class SlotsOfDay(Params):
    day: Day
    service: NotRequired[Text]
    resource: NotRequired[Text]


@_shape
class Unwatch(Params):
    watch: Text


@_shape
class CreateBooking(Params):
    start: Instant
    service: NotRequired[Text]
    resource: NotRequired[Text]
    request: NotRequired[RequestName]
    note: NotRequired[Note]


@_shape
class ListBookings(Params):
    status: NotRequired[Literal["held", "booked", "cancelled", "done", "no_show"]]


@_shape
class CancelBooking(Params):
    booking: Text
    request: NotRequired[RequestName]


@_shape
class MoveBooking(Params):
    booking: Text
    start: Instant
    resource: NotRequired[Text]
    request: NotRequired[RequestName]


@_shape
class ListAudit(Params):
    limit: NotRequired[Annotated[int, Field(ge=1, le=MOST_ENTRIES)]]
    before: NotRequired[Text]


@_shape
class EraseUser(Params):
    password: Password
    request: NotRequired[RequestName]


def read(shape: type[AnyParams], params: dict[str, Any] | list[Any], zone: ZoneInfo) -> AnyParams | Invalid:
    """The parameters as `shape`, instants without offset read by the clocks of `zone`; or what is wrong with them."""
    if type(params) is not dict:
        return Invalid("params", "positional")
    try:
        return _VALIDATORS[shape].validate_python(params, context=zone)  # type: ignore[no-any-return]
    except ValidationError as error:
        if None in params.values():  # a parameter is left out, or it has a value
            return Invalid(_field(next(name for name, value in params.items() if value is None)), "type")
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        if not first["loc"]:  # a name that is no text at all
            return Invalid(_field(next(name for name in params if not storable(name))), "unknown")
        return Invalid(_field(first["loc"][0]), _reason(first["type"]))


def _reason(kind: str) -> str:
    return kind if kind in _OWN_REASONS else _REASONS.get(kind, "type")


def _field(name: object) -> str:
    """A parameter's name that is fit for an answer, whatever was sent."""
    return str(name).encode("utf-8", "backslashreplace").decode()[:LONGEST_FIELD]


def fingerprint(method: str, params: dict[str, Any], shape: type) -> bytes:
    """16 bytes that tell a call's method and its parameters as sent, but neither its request nor a password.

    `params` passed read() as `shape`: what is absent is null, and nothing else is.
    """
    return blake2b(to_json([method, *map(params.get, _TOLD[shape])]), digest_size=16).digest()
