"""Commands of the agenda itself: slots, book, bookings, move, cancel."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, time
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from agenda.cli import when
from agenda.cli.exits import Failure, Status
from agenda.cli.online import Access, Online, access
from agenda.cli.options import Request, Resource, Service, given
from agenda.cli.terminal import plain_document

if TYPE_CHECKING:
    from agenda.wire import Booking

T = TypeVar("T")

MARKS = {"free": "○", "mine": "✓", "taken": "✕", "past": "·"}

Day = Annotated[str, typer.Argument(metavar="cli.metavar.day", help="cli.option.day")]
Clock = Annotated[str, typer.Argument(metavar="cli.metavar.time", help="cli.option.time")]
Which = Annotated[str, typer.Argument(metavar="cli.metavar.booking", help="cli.option.booking")]
Note = Annotated[str | None, typer.Option("--note", metavar="cli.metavar.text", help="cli.option.note")]


class Kind(StrEnum):
    """Which bookings to list."""

    BOOKED = "booked"
    CANCELLED = "cancelled"
    HELD = "held"
    DONE = "done"
    NO_SHOW = "no_show"


@given(access)
def slots(
    way: Access,
    *,
    day: Day = "today",
    service: Service = None,
    resource: Resource = None,
    free: Annotated[bool, typer.Option("--free", help="cli.option.free")] = False,
) -> None:
    wanted = _day(way, day)
    with way.open() as online:
        found = online.client.slots(
            _on(online, wanted, day), service=_service(online, service), resource=_resource(online, resource)
        )
        names = {r.id: r.name for r in online.client.resources()} if not way.terminal.json else {}
    shown = [slot for slot in found.slots if slot.state == "free" or not free]
    terminal, t = way.terminal, way.terminal.t
    terminal.document({**plain_document(found), "slots": plain_document(shown)})
    terminal.say(t("cli.slots.title", day=t.day(found.day, "full"), zone=found.timezone))
    terminal.table(
        ("time", "state", "resource"),
        [
            (
                f"{t.time(online.local(slot.start))}–{t.time(online.local(slot.end))}",
                f"{MARKS[slot.state]} {t(f'cli.state.{slot.state}')}",
                names.get(slot.resource, slot.resource),
            )
            for slot in shown
        ],
        empty="cli.slots.none",
    )


@given(access)
def book(
    way: Access,
    *,
    day: Day,
    clock: Clock,
    service: Service = None,
    resource: Resource = None,
    note: Note = None,
    request: Request = None,
) -> None:
    wanted, at = _day(way, day), _clock(way, clock)
    with way.open() as online:
        booking = online.client.book(
            online.start(_on(online, wanted, day), at),
            service=_service(online, service),
            resource=_resource(online, resource),
            note=note,
            request=request,
        )
        _show(online, booking, "cli.book.done")


@given(access)
def bookings(
    way: Access,
    status: Annotated[
        Kind | None, typer.Option("--status", help="cli.option.status", metavar="cli.metavar.status")
    ] = None,
) -> None:
    with way.open() as online:
        found = online.client.bookings(status.value if status else None)
        names = {r.id: r.name for r in online.client.resources()} if not way.terminal.json else {}
    terminal, t = way.terminal, way.terminal.t
    terminal.document({"bookings": plain_document(found)})
    terminal.table(
        ("code", "start", "end", "resource", "status", "note"),
        [
            (
                booking.code,
                online.listed(booking.start),
                t.time(online.local(booking.end)),
                names.get(booking.resource, booking.resource),
                t(f"cli.status.{booking.status}"),
                booking.note or "",
            )
            for booking in found
        ],
        empty="cli.bookings.none",
    )


@given(access)
def move(
    way: Access, *, booking: Which, day: Day, clock: Clock, resource: Resource = None, request: Request = None
) -> None:
    wanted, at = _day(way, day), _clock(way, clock)
    with way.open() as online:
        moved = online.client.move(
            _booking(online, booking),
            online.start(_on(online, wanted, day), at),
            resource=_resource(online, resource),
            request=request,
        )
        _show(online, moved, "cli.move.done")


@given(access)
def cancel(way: Access, booking: Which, request: Request = None) -> None:
    with way.open() as online:
        cancelled = online.client.cancel(_booking(online, booking), request=request)
        _show(online, cancelled, "cli.cancel.done")


def _show(online: Online, booking: Booking, msgid: str) -> None:
    """A booking that was made or changed."""
    terminal, t = online.terminal, online.terminal.t
    terminal.document(plain_document(booking))
    terminal.tell(msgid, moment=t.moment(online.local(booking.start)), code=booking.code)


def _day(way: Access, text: str) -> when.Day:
    return _said(way, when.day, text, "cli.usage.day")


def _clock(way: Access, text: str) -> time:
    return _said(way, when.clock, text, "cli.usage.time")


def _said(way: Access, understand: Callable[[str], T], text: str, msgid: str) -> T:
    try:
        return understand(text)
    except ValueError as error:
        raise Failure(Status.USAGE, "usage", way.terminal.t(msgid, value=text)) from error


def _on(online: Online, wanted: when.Day, text: str) -> date:
    """The day that was meant, now that it is known what day it is there."""
    try:
        return wanted(online.today)
    except (ValueError, OverflowError) as error:
        message = online.terminal.t("cli.usage.day", value=text)
        raise Failure(Status.USAGE, "usage", message) from error


def _booking(online: Online, text: str) -> str:
    """The id of one's own booking with this code, however it is written; else the text is taken for an id."""
    code = _letters(text)
    return next((b.id for b in online.client.bookings() if _letters(b.code) == code), text)


def _letters(code: str) -> str:
    return "".join(c for c in code.upper() if c.isalnum())


def _service(online: Online, text: str | None) -> str | None:
    """The id of the service called so; else the text is taken for an id."""
    if text is None:
        return None
    return next((s.id for s in online.client.services() if s.name.casefold() == text.casefold()), text)


def _resource(online: Online, text: str | None) -> str | None:
    if text is None:
        return None
    return next((r.id for r in online.client.resources() if r.name.casefold() == text.casefold()), text)
