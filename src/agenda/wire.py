"""What the server sends, as frozen values: results and notifications of the socket protocol.

Instants are aware datetimes, days are dates of the business's zone, ids are opaque strings.
`read` builds them from decoded JSON and ignores fields it does not know, so that a newer
server does not break an older client; `plain` is the way back.
"""

from __future__ import annotations

from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from datetime import date, datetime
from functools import cache
from types import UnionType
from typing import TYPE_CHECKING, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

SlotState = Literal["free", "taken", "mine", "past"]

# What a receipt may say under `remains`.
COPIES_AGE_OUT = "copies_age_out"


class NotUnderstood(ValueError):
    """An answer without the shape that the protocol promises; the text says where."""


@dataclass(frozen=True, slots=True)
class Pong:
    """The server is there: its clock and its program version."""

    now: datetime
    version: str


@dataclass(frozen=True, slots=True)
class User:
    """Who is signed in; `role` is `customer`, `staff` or `admin`."""

    name: str
    role: str


@dataclass(frozen=True, slots=True)
class Business:
    """Whose agenda it is; `timezone` is an IANA name, `language` such as `pt-BR`."""

    name: str
    timezone: str
    language: str


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in user; the token resumes it on another connection until it is closed."""

    user: User
    token: str = field(repr=False)
    business: Business


@dataclass(frozen=True, slots=True)
class Service:
    """What can be booked; `duration` in minutes."""

    id: str
    name: str
    duration: int


@dataclass(frozen=True, slots=True)
class Resource:
    """With whom, or on what, it can be booked."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Slot:
    """A time on offer. A state that this version does not know is read as `taken`."""

    resource: str
    service: str
    start: datetime
    end: datetime
    state: SlotState


@dataclass(frozen=True, slots=True)
class SlotList:
    """All slots of a day, in order of time; `version` rises with every change in one run of the server."""

    day: date
    timezone: str
    version: int
    slots: tuple[Slot, ...]


@dataclass(frozen=True, slots=True)
class WatchedSlots:
    """What `slot.watch` answers (the whole day) and `slot.changed` brings (what changed)."""

    watch: str
    version: int
    slots: tuple[Slot, ...]


@dataclass(frozen=True, slots=True)
class SlotChange:
    """News of a watched day: the slots that changed, or, where `complete`, the whole day anew."""

    day: date
    version: int
    slots: tuple[Slot, ...]
    complete: bool = False


@dataclass(frozen=True, slots=True)
class Booking:
    """An agreed slot; `user` is a name, `status` `booked` or `cancelled`, later `held`, `done`, `no_show`."""

    id: str
    code: str
    resource: str
    service: str
    start: datetime
    end: datetime
    status: str
    user: str
    created: datetime
    note: str | None = None


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """What one did or tried; `action` is a method's name, `outcome` is `ok` or an error's code."""

    id: str
    at: datetime
    actor: str
    action: str
    outcome: str
    booking: str | None = None
    start: datetime | None = None


@dataclass(frozen=True, slots=True)
class LogPage:
    """A page of the log, newest first; `before` asks for the next one, None where there is none."""

    entries: tuple[AuditEntry, ...]
    before: str | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """Proof of an erasure: what was deleted and when, and what remains for a while, as the server wrote it."""

    receipt: dict[str, Any]


def read(shape: type[T], value: object) -> T:
    """Build a `shape` (a class of this module) from decoded JSON; raises NotUnderstood."""
    read_value: Callable[[Any], T] = _reader(shape)  # type: ignore[arg-type]  # a class is hashable
    return read_value(value)


def plain(value: object) -> Any:
    """The value as JSON knows it: dataclasses as objects without their empty fields, times as ISO 8601."""
    if is_dataclass(value) and not isinstance(value, type):
        named = ((each.name, getattr(value, each.name)) for each in fields(value))
        return {name: plain(content) for name, content in named if content is not None}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, date):
        return value.isoformat()
    return value


def _only(kind: type) -> Callable[[Any], Any]:
    """A reader of values that JSON already gives in the right type."""

    def check(value: Any) -> Any:
        if type(value) is not kind:
            raise NotUnderstood(f"{kind.__name__} expected, not {value!r:.40}")
        return value

    return check


def _instant(value: Any) -> datetime:
    """An instant with its offset."""
    instant = datetime.fromisoformat(value)
    if instant.tzinfo is None:
        raise NotUnderstood(f"instant without offset: {value!r:.40}")
    return instant


def _slot_state(value: Any) -> SlotState:
    """A known state, or `taken`: whatever it means, it is not free."""
    return value if value in get_args(SlotState) else "taken"


_SIMPLE: dict[Any, Callable[[Any], Any]] = {
    str: _only(str),
    int: _only(int),
    bool: _only(bool),
    dict: _only(dict),
    date: date.fromisoformat,
    datetime: _instant,
    SlotState: _slot_state,
}


@cache
def _reader(shape: Any) -> Callable[[Any], Any]:
    """The function that reads values of this type."""
    if shape in _SIMPLE:
        return _SIMPLE[shape]
    if is_dataclass(shape):
        return _record(shape)
    origin = get_origin(shape)
    inner = [part for part in get_args(shape) if part not in (type(None), Ellipsis)]
    if origin is tuple:
        item = _reader(inner[0])
        return lambda value: tuple(item(part) for part in _only(list)(value))
    if origin in (Union, UnionType):
        given = _reader(inner[0])
        return lambda value: None if value is None else given(value)
    return _SIMPLE[origin]


def _record(shape: Any) -> Callable[[Any], Any]:
    """The reader of a dataclass: its own fields by name, others ignored."""
    hints = get_type_hints(shape)
    plan = [(each.name, _reader(hints[each.name]), each.default is MISSING) for each in fields(shape)]

    def build(value: Any) -> Any:
        if type(value) is not dict:
            raise NotUnderstood(f"{shape.__name__}: an object expected, not {value!r:.40}")
        given = {}
        for name, reader, required in plan:
            if name not in value and not required:
                continue
            try:
                given[name] = reader(value[name])
            except KeyError:
                raise NotUnderstood(f"{shape.__name__}: no {name}") from None
            except (TypeError, ValueError) as error:
                raise NotUnderstood(f"{shape.__name__}.{name}: {error}") from error
        return shape(**given)

    return build
