"""An engine that does what a test tells it, and a client that is nothing but a socket."""

import json
import socket
import struct
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from itertools import count
from threading import Condition
from typing import Any, cast

from agenda.domain.commands import Command, Receipt
from agenda.domain.errors import BadCredentials, Invalid
from agenda.domain.model import (
    Booking,
    BookingId,
    Business,
    BusinessId,
    Catalogue,
    Hours,
    RequestId,
    Resource,
    ResourceId,
    Schedule,
    Service,
    ServiceId,
    Status,
    User,
    UserId,
)
from agenda.engine.engine import Engine, Watching
from agenda.engine.health import Health
from agenda.engine.live import SlotChange
from agenda.engine.ports import Mailbox, Reply
from agenda.engine.roll import Session
from agenda.engine.sessions import SessionOpened
from agenda.engine.timetable import Slot, SlotList, SlotState, SlotTime, Timetable
from tests.engine.asking import Incidents

DEADLINE = 30.0
RESET = struct.pack("ii", 1, 0)  # of SO_LINGER: closing resets
ROOM, HOUR = ResourceId("r" * 32), ServiceId("s" * 32)
EIGHT = datetime(2026, 11, 23, 11, tzinfo=UTC)
TIME = SlotTime(ROOM, HOUR, EIGHT, EIGHT + timedelta(hours=1))
WEEKLY = Schedule(((Hours(480, 1200),),) * 7)
CATALOGUE = Catalogue(
    Business(BusinessId("b" * 32), "Casa", "America/Sao_Paulo", "pt-BR"),
    {ROOM: Resource(ROOM, "Sala", WEEKLY)},
    {HOUR: Service(HOUR, "Consulta", 60, 60, frozenset({ROOM}))},
    1,
)


class FakeEngine:
    """Answers at once; what is named in `holds` it keeps until `release`. `calls` are the operations in their order."""

    def __init__(self, *holds: str) -> None:
        self.catalogue = CATALOGUE
        self.health = Health(Incidents(), patience=0.05)
        self.holds = set(holds)
        self.calls: list[str] = []
        self.commands: list[Command] = []
        self.erased: list[tuple[Session | None, RequestId, bytes]] = []
        self.sessions: list[Session] = []
        self.addresses: list[str] = []  # from where sessions were opened
        self.watches: dict[str, tuple[Mailbox, Callable[[SlotChange], None]]] = {}
        self.raises: Exception | None = None
        self.note: str | None = None
        self._kept: list[tuple[Mailbox, Reply, Any]] = []
        self._numbers = count(1)
        self._happened = Condition()

    def as_engine(self) -> Engine:
        return cast("Engine", self)

    def _do(self, name: str, mailbox: Mailbox, reply: Reply, value: Any) -> None:
        if self.raises:
            raise self.raises
        with self._happened:
            self.calls.append(name)
            held = name in self.holds
            if held:
                self._kept.append((mailbox, reply, value))
            self._happened.notify_all()
        if not held:
            reply(value)

    def wait_for(self, calls: int) -> None:
        """Return when so many operations were begun."""
        with self._happened:
            assert self._happened.wait_for(lambda: len(self.calls) >= calls, DEADLINE), self.calls

    def wait_until(self, holds: Callable[[], bool]) -> None:
        """Return when an operation or an end of a watch has made it true."""
        with self._happened:
            assert self._happened.wait_for(holds, DEADLINE)

    def release(self) -> None:
        """Answer everything that was kept."""
        with self._happened:
            kept, self._kept = self._kept, []
        for mailbox, reply, value in kept:
            mailbox.post([(reply, value)])

    def change(self, watch: str, version: int = 2) -> None:
        """Tell one watch that the slot is taken now."""
        mailbox, notify = self.watches[watch]
        mailbox.post([(notify, SlotChange(watch, version, (Slot(TIME, SlotState.TAKEN),)))])

    # What the door calls

    def ping(self) -> datetime:
        self.calls.append("ping")
        return EIGHT

    def open_session(
        self,
        name: str,
        password: str,
        *,
        create: bool,
        language: str,
        address: str,
        mailbox: Mailbox,
        reply: Reply,
    ) -> None:
        session = Session(User(UserId(name), name), language, b"")
        self.sessions.append(session)
        self.addresses.append(address)
        found = BadCredentials() if password == "wrong" else SessionOpened(session, f"token of {name}")
        self._do("open", mailbox, reply, found)

    def resume_session(self, token: str, *, mailbox: Mailbox, reply: Reply) -> None:
        name = token.removeprefix("token of ")
        self._do("resume", mailbox, reply, SessionOpened(Session(User(UserId(name), name), "en", b""), token))

    def close_session(self, session: Session, *, mailbox: Mailbox, reply: Reply) -> None:
        session.ended = True
        self._do("close", mailbox, reply, None)

    def only(self, service: str | None, resource: str | None) -> tuple[ServiceId, ResourceId] | Invalid:
        return ServiceId(service or HOUR), ResourceId(resource or ROOM)

    def new_request(self) -> RequestId:
        return RequestId(f"made-up-{next(self._numbers)}")

    def submit(self, command: Command, mailbox: Mailbox, reply: Reply) -> None:
        self.commands.append(command)
        booking = Booking(
            id=BookingId("1" * 32),
            code="K7M",
            resource=ROOM,
            service=HOUR,
            user=command.user,
            start=EIGHT,
            end=TIME.end,
            status=Status.BOOKED,
            created=EIGHT,
            wall="2026-11-23T08:00",
            zone="America/Sao_Paulo",
            note=self.note,
        )
        self._do(command.action.partition(".")[2], mailbox, reply, booking)

    def erase_user(
        self,
        session: Session | None,
        password: str,
        *,
        request: RequestId,
        fingerprint: bytes,
        address: str,
        mailbox: Mailbox,
        reply: Reply,
    ) -> None:
        self.erased.append((session, request, fingerprint))
        self._do("erase", mailbox, reply, Receipt("e" * 32, EIGHT, 1, 0, 3, 1))

    def list_bookings(self, session: Session, status: Status | None, *, mailbox: Mailbox, reply: Reply) -> None:
        self._do("bookings", mailbox, reply, [])

    def list_audit(self, session: Session, limit: int, before: str | None, *, mailbox: Mailbox, reply: Reply) -> None:
        self._do("audit", mailbox, reply, ([], None))

    def export_user(
        self, session: Session, shape: Callable[[dict[str, Any]], Any], *, mailbox: Mailbox, reply: Reply
    ) -> None:
        self._do("export", mailbox, reply, shape({"user": {"name": session.user.name, "created": EIGHT}}))

    def list_slots(
        self, session: Session, day: date, service: str | None, resource: str | None, *, mailbox: Mailbox, reply: Reply
    ) -> None:
        self._do("slots", mailbox, reply, self._picture(day))

    def watch_slots(
        self,
        session: Session,
        day: date,
        service: str | None,
        resource: str | None,
        *,
        mailbox: Mailbox,
        reply: Reply,
        notify: Callable[[SlotChange], None],
    ) -> None:
        watch = f"w{next(self._numbers)}"
        self.watches[watch] = (mailbox, notify)
        self._do("watch", mailbox, reply, Watching(watch, self._picture(day)))

    def unwatch_slots(self, watch: str, *, mailbox: Mailbox) -> bool:
        with self._happened:
            found = self.watches.pop(watch, None)
            self._happened.notify_all()
        return found is not None

    def _picture(self, day: date) -> SlotList:
        timetable = Timetable(day, (), (TIME,), (TIME.start,), ((0, 0),))
        return SlotList(timetable, "America/Sao_Paulo", 1, (SlotState.FREE,))


class Peer:
    """A client that is nothing but a socket; every wait has a deadline."""

    def __init__(self, address: tuple[str, int], receive_buffer: int | None = None) -> None:
        self.socket = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(DEADLINE)
        try:
            self.socket.connect(address)
        except OSError:
            self.socket.close()
            raise
        self._numbers = count(1)
        self._lines = self.socket.makefile("rb")

    def write(self, data: bytes) -> None:
        self.socket.sendall(data)

    def send(self, *calls: tuple[str, dict[str, Any]]) -> None:
        """Send calls in one write, with ids from 1 on."""
        self.write(b"".join(json.dumps(self._call(*call)).encode() + b"\n" for call in calls))

    def send_batch(self, *calls: tuple[str, dict[str, Any]]) -> None:
        self.write(json.dumps([self._call(*call) for call in calls]).encode() + b"\n")

    def _call(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        return {"jsonrpc": "2.0", "id": next(self._numbers), "method": method, "params": params}

    def read(self) -> Any:
        """The next message."""
        line = self._lines.readline()
        assert line.endswith(b"\n"), line
        return json.loads(line)

    def read_all(self) -> list[Any]:
        """Every message until the server closes."""
        return [json.loads(line) for line in self._lines]

    def call(self, method: str, **params: Any) -> Any:
        """The answer to one call, when nothing else is under way."""
        self.send((method, params))
        return self.read()

    def sign_in(self, name: str = "ana") -> "Peer":
        self.call("session.open", user=name, password="p")
        return self

    def end(self) -> None:
        self.socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self._lines.close()
        self.socket.close()
