"""The methods of the protocol: one table from name to parameters, order, call of the engine and shape of the result."""

from typing import Any, Final

from pydantic_core import to_json

from agenda import __version__
from agenda.domain.commands import BookSlot, CancelBooking, MoveBooking
from agenda.domain.errors import AgendaError, Invalid, NotFound, Unavailable
from agenda.domain.model import BookingId, RequestId, ResourceId, Status
from agenda.doors.rpc import params as p
from agenda.doors.rpc import shapes
from agenda.doors.rpc.caller import DEFAULT_LANGUAGE, Caller
from agenda.doors.rpc.gate import Order
from agenda.doors.rpc.method import Method
from agenda.engine.engine import Watching
from agenda.engine.ports import Reply
from agenda.engine.sessions import NOTHING_SENT

MOST_WATCHES: Final = 200


def _identify(caller: Caller, shape: type, method: str, sent: dict[str, Any]) -> tuple[RequestId, bytes, bool]:
    """The call's request, its fingerprint, and whether the request was made up here since the client gave none."""
    request = sent.get("request")
    if request is None:
        return caller.engine.new_request(), NOTHING_SENT, True
    return request, p.fingerprint(method, sent, shape), False


def _ping(caller: Caller, wish: p.Params, sent: dict[str, Any], reply: Reply) -> None:
    reply(caller.engine.ping())


def _pong(caller: Caller, value: Any) -> bytes:
    return to_json({"now": shapes.exact_instant(value, caller.zone), "version": __version__})


def _signed_in(caller: Caller, reply: Reply) -> Reply:
    """A reply that also makes the session that was opened the one of this connection."""

    def opened(result: Any) -> None:
        if not isinstance(result, AgendaError):
            caller.sign_in(result.session)
        reply(result)

    return opened


def _open_session(caller: Caller, wish: p.OpenSession, sent: dict[str, Any], reply: Reply) -> None:
    language = wish.get("language", DEFAULT_LANGUAGE)
    caller.speak(language)
    caller.engine.open_session(
        wish["user"],
        wish["password"],
        create=wish.get("create", False),
        language=language,
        address=caller.address,
        mailbox=caller.mailbox,
        reply=_signed_in(caller, reply),
    )


def _resume_session(caller: Caller, wish: p.ResumeSession, sent: dict[str, Any], reply: Reply) -> None:
    caller.engine.resume_session(wish["token"], mailbox=caller.mailbox, reply=_signed_in(caller, reply))


def _session(caller: Caller, value: Any) -> bytes:
    business = caller.engine.catalogue.business
    return to_json(
        {
            "user": {"name": value.session.user.name, "role": value.session.user.role},
            "token": value.token,
            "business": {
                "name": business.name,
                "timezone": business.timezone,
                "language": business.language,
            },
        }
    )


def _signing_out(caller: Caller, reply: Reply) -> Reply:
    """A reply that, if all went well, also leaves nobody signed in here."""

    def closed(result: Any) -> None:
        if not isinstance(result, AgendaError):
            caller.sign_out()
        reply(result)

    return closed


def _close_session(caller: Caller, wish: p.Params, sent: dict[str, Any], reply: Reply) -> None:
    caller.engine.close_session(caller.own_session, mailbox=caller.mailbox, reply=_signing_out(caller, reply))


def _catalogue(caller: Caller, wish: p.Params, sent: dict[str, Any], reply: Reply) -> None:
    reply(caller.engine.catalogue)


def _list_slots(caller: Caller, wish: p.SlotsOfDay, sent: dict[str, Any], reply: Reply) -> None:
    caller.engine.list_slots(
        caller.own_session, wish["day"], wish.get("service"), wish.get("resource"), mailbox=caller.mailbox, reply=reply
    )


def _slot_list(caller: Caller, value: Any) -> bytes:
    return shapes.slot_list(value, caller.zone)


def _watch_slots(caller: Caller, wish: p.SlotsOfDay, sent: dict[str, Any], reply: Reply) -> None:
    if len(caller.watches) >= MOST_WATCHES:
        reply(Unavailable())
        return

    def watching(result: Any) -> None:
        if not isinstance(result, AgendaError):
            caller.begin_watch(result.watch)
        reply(result)
        caller.watching()

    caller.engine.watch_slots(
        caller.own_session,
        wish["day"],
        wish.get("service"),
        wish.get("resource"),
        mailbox=caller.mailbox,
        reply=watching,
        notify=caller.changed,
    )


def _watch(caller: Caller, value: Watching) -> bytes:
    picture = value.slots
    shown = shapes.day_slots(picture.timetable, picture.states, caller.zone)
    return shapes.watched(value.watch, picture.version, shown)


def _unwatch_slots(caller: Caller, wish: p.Unwatch, sent: dict[str, Any], reply: Reply) -> None:
    if wish["watch"] not in caller.watches:
        reply(NotFound("watch"))
        return
    caller.end_watch(wish["watch"])
    reply(None)


def _nothing(caller: Caller, value: Any) -> bytes:
    return shapes.EMPTY


def _book(caller: Caller, wish: p.CreateBooking, sent: dict[str, Any], reply: Reply) -> None:
    offer = caller.engine.only(wish.get("service"), wish.get("resource"))
    if isinstance(offer, Invalid):
        reply(offer)
        return
    request, fingerprint, fresh = _identify(caller, p.CreateBooking, "booking.create", sent)
    service, resource = offer
    user = caller.own_session.user.id
    command = BookSlot(user, request, fingerprint, wish["start"], service, resource, wish.get("note"), fresh=fresh)
    caller.engine.submit(command, caller.mailbox, reply)


def _move(caller: Caller, wish: p.MoveBooking, sent: dict[str, Any], reply: Reply) -> None:
    request, fingerprint, fresh = _identify(caller, p.MoveBooking, "booking.move", sent)
    resource = ResourceId(wish["resource"]) if "resource" in wish else None
    command = MoveBooking(
        caller.own_session.user.id,
        request,
        fingerprint,
        BookingId(wish["booking"]),
        wish["start"],
        resource,
        fresh=fresh,
    )
    caller.engine.submit(command, caller.mailbox, reply)


def _cancel(caller: Caller, wish: p.CancelBooking, sent: dict[str, Any], reply: Reply) -> None:
    request, fingerprint, fresh = _identify(caller, p.CancelBooking, "booking.cancel", sent)
    command = CancelBooking(caller.own_session.user.id, request, fingerprint, BookingId(wish["booking"]), fresh=fresh)
    caller.engine.submit(command, caller.mailbox, reply)


def _booking(caller: Caller, value: Any) -> bytes:
    return shapes.booking(value, caller.user, caller.zone)


def _list_bookings(caller: Caller, wish: p.ListBookings, sent: dict[str, Any], reply: Reply) -> None:
    status = Status(wish["status"]) if "status" in wish else None
    caller.engine.list_bookings(caller.own_session, status, mailbox=caller.mailbox, reply=reply)


def _bookings(caller: Caller, value: Any) -> bytes:
    return shapes.bookings(value, caller.user, caller.zone)


def _list_audit(caller: Caller, wish: p.ListAudit, sent: dict[str, Any], reply: Reply) -> None:
    caller.engine.list_audit(
        caller.own_session, wish.get("limit", p.USUAL_ENTRIES), wish.get("before"), mailbox=caller.mailbox, reply=reply
    )


def _audit(caller: Caller, value: Any) -> bytes:
    entries, before = value
    return shapes.audit(entries, before, caller.own_session.user.name, caller.zone)


def _export(caller: Caller, wish: p.Params, sent: dict[str, Any], reply: Reply) -> None:
    zone = caller.zone
    caller.engine.export_user(
        caller.own_session, lambda held: shapes.document(held, zone), mailbox=caller.mailbox, reply=reply
    )


def _written(caller: Caller, value: bytes) -> bytes:
    """What was written on another thread already."""
    return value


def _erase(caller: Caller, wish: p.EraseUser, sent: dict[str, Any], reply: Reply) -> None:
    request, fingerprint, _ = _identify(caller, p.EraseUser, "user.erase", sent)
    caller.engine.erase_user(
        caller.signed_in(),
        wish["password"],
        request=request,
        fingerprint=fingerprint,
        address=caller.address,
        mailbox=caller.mailbox,
        reply=_signing_out(caller, reply),
    )


def _receipt(caller: Caller, value: Any) -> bytes:
    return shapes.receipt(value, caller.zone)


METHODS: Final = {
    "ping": Method(p.Params, Order.FREE, _ping, _pong, open_to_all=True),
    "session.open": Method(p.OpenSession, Order.BARRIER, _open_session, _session, open_to_all=True),
    "session.resume": Method(p.ResumeSession, Order.BARRIER, _resume_session, _session, open_to_all=True),
    "session.close": Method(p.Params, Order.BARRIER, _close_session, _nothing),
    "service.list": Method(p.Params, Order.FREE, _catalogue, lambda caller, value: shapes.services(value)),
    "resource.list": Method(p.Params, Order.FREE, _catalogue, lambda caller, value: shapes.resources(value)),
    "slot.list": Method(p.SlotsOfDay, Order.READ, _list_slots, _slot_list),
    "slot.watch": Method(p.SlotsOfDay, Order.READ, _watch_slots, _watch),
    "slot.unwatch": Method(p.Unwatch, Order.READ, _unwatch_slots, _nothing),
    "booking.create": Method(p.CreateBooking, Order.COMMAND, _book, _booking),
    "booking.list": Method(p.ListBookings, Order.READ, _list_bookings, _bookings),
    "booking.cancel": Method(p.CancelBooking, Order.COMMAND, _cancel, _booking),
    "booking.move": Method(p.MoveBooking, Order.COMMAND, _move, _booking),
    "audit.list": Method(p.ListAudit, Order.READ, _list_audit, _audit),
    "user.export": Method(p.Params, Order.BARRIER, _export, _written),  # costly, so one at a time for one client
    "user.erase": Method(p.EraseUser, Order.BARRIER, _erase, _receipt, outlives_session=True),
}
