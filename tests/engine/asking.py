"""An engine on a real SQLite store, asked by a test that waits for each answer."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from queue import Queue
from typing import Any

from agenda.domain.audit import AuditEntry
from agenda.domain.commands import BookSlot, Command
from agenda.domain.model import Booking, Catalogue, RequestId, ResourceId, ServiceId, UserId
from agenda.engine.engine import Engine
from agenda.engine.ids import new_ids
from agenda.engine.ports import Reply, StoreUnavailable
from agenda.engine.roll import Session
from agenda.engine.sessions import SessionOpened
from agenda.storage.database import open_store
from agenda.storage.store import SqliteStore
from tests.domain.agendas import CHAIRS, HOUR, ROOM, TEN, catalogue
from tests.waiting import SECONDS


class Post:
    """A mailbox whose deliveries are called by whoever waits; `rounds` counts the wake-ups."""

    def __init__(self) -> None:
        self.rounds = 0
        self._waiting: Queue[Sequence[tuple[Reply, Any]]] = Queue()

    def post(self, deliveries: Sequence[tuple[Reply, Any]]) -> None:
        self.rounds += 1
        self._waiting.put(deliveries)

    def wait(self, enough: Callable[[], bool]) -> None:
        """Deliver until it is enough."""
        while not enough():
            for reply, value in self._waiting.get(timeout=SECONDS):
                reply(value)


class Incidents:
    """Keeps the defects that were logged."""

    def __init__(self) -> None:
        self.seen: list[BaseException] = []
        self.troubles: list[StoreUnavailable] = []
        self.recoveries: list[float] = []

    def entries(self, entries: Sequence[AuditEntry]) -> None:
        """Nothing is written behind here."""

    def erased(self, user: UserId) -> None:
        """Nothing was written."""

    def trouble(self, error: StoreUnavailable) -> None:
        self.troubles.append(error)

    def recovered(self, seconds: float) -> None:
        self.recoveries.append(seconds)

    def incident(self, error: BaseException) -> str:
        self.seen.append(error)
        return "an incident"


class House:
    """An engine with its store, and how a test talks to it."""

    def __init__(self, folder: Path, offers: Catalogue | None = None) -> None:
        self.incidents = Incidents()
        self.store: SqliteStore = open_store(folder, lambda: offers or catalogue())
        self.engine = Engine(self.store, self.incidents)
        self.post = Post()
        self.engine.start()
        self._ids = new_ids()

    def close(self) -> None:
        self.engine.stop()
        self.store.close()

    def ask(self, call: Callable[..., None], *args: Any, **named: Any) -> Any:
        """The answer to one call of the engine."""
        answers: list[Any] = []
        call(*args, **named, mailbox=self.post, reply=answers.append)
        self.post.wait(lambda: bool(answers))
        return answers[0]

    def sign_in(self, name: str, password: str = "segredo", *, create: bool = True) -> Session:
        opened = self.open(name, password, create=create)
        assert isinstance(opened, SessionOpened)
        return opened.session

    def open(self, name: str, password: str = "segredo", *, create: bool = True, address: str = "127.0.0.1") -> Any:
        return self.ask(self.engine.open_session, name, password, create=create, language="en", address=address)

    def submit(self, *commands: Command) -> list[Any]:
        """The outcomes of commands that are sent without waiting in between."""
        outcomes: dict[int, Any] = {}
        for place, command in enumerate(commands):
            self.engine.submit(command, self.post, partial(outcomes.__setitem__, place))
        self.post.wait(lambda: len(outcomes) == len(commands))
        return [outcomes[place] for place in range(len(commands))]

    def wish(self, session: Session, **facts: Any) -> BookSlot:
        """A wish to book the room at ten, unless told otherwise; a fresh request each time."""
        request = RequestId(facts.pop("request", next(self._ids)))
        resource, service = facts.pop("resource", ROOM), facts.pop("service", HOUR)
        start, note = facts.pop("start", TOMORROW_TEN), facts.pop("note", None)
        assert not facts
        return BookSlot(session.user.id, request, b"same", start, ServiceId(service), ResourceId(resource), note)

    def booked(self, session: Session, **facts: Any) -> Booking:
        [booking] = self.submit(self.wish(session, **facts))
        assert isinstance(booking, Booking)
        return booking


TOMORROW_TEN = TEN.replace(year=TEN.year + 1)
__all__ = ["CHAIRS", "HOUR", "ROOM", "TOMORROW_TEN", "House"]
