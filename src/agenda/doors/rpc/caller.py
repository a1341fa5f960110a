"""Who is at the other end of a connection, as far as the methods need to know."""

from collections.abc import Callable
from typing import Final
from zoneinfo import ZoneInfo

from agenda.doors.rpc import shapes
from agenda.engine.engine import Engine
from agenda.engine.live import SlotChange
from agenda.engine.ports import Mailbox
from agenda.engine.roll import Session

DEFAULT_LANGUAGE: Final = "pt-BR"


class Caller:
    """A client: where it calls from, who is signed in, what it watches. Lives on the I/O thread only.

    `changed` is called with every SlotChange of its watches, `watching` after the answer that begins one.
    """

    __slots__ = (
        "_catalogue",
        "_gone",
        "_language",
        "_zone",
        "address",
        "changed",
        "engine",
        "mailbox",
        "session",
        "user",
        "watches",
        "watching",
    )

    def __init__(
        self,
        engine: Engine,
        mailbox: Mailbox,
        address: str,
        changed: Callable[[SlotChange], None],
        watching: Callable[[], None],
    ) -> None:
        self.engine = engine
        self.mailbox = mailbox
        self.address = address
        self.changed = changed
        self.watching = watching
        self.session: Session | None = None
        self.user = shapes.text("")  # the JSON of the name of who was signed in last
        self.watches: set[str] = set()
        self._language = DEFAULT_LANGUAGE
        self._gone = False
        self._catalogue = engine.catalogue
        self._zone = self._catalogue.business.zone

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which instants are shown and read."""
        catalogue = self.engine.catalogue
        if catalogue is not self._catalogue:
            self._catalogue = catalogue
            self._zone = catalogue.business.zone
        return self._zone

    @property
    def language(self) -> str:
        """The language of sentences: that of the session, else what was asked for when signing in was tried."""
        return self.session.language if self.session else self._language

    def speak(self, language: str) -> None:
        """Use this language until someone is signed in."""
        self._language = language

    def signed_in(self) -> Session | None:
        """The session, if it still holds: it may have been ended over another connection."""
        if self.session is not None and self.session.ended:
            self.end_watches()
            return None
        return self.session

    @property
    def own_session(self) -> Session:
        """The session of a method that is called with one only; the gate keeps it until that is answered."""
        if self.session is None:
            raise RuntimeError("nobody is signed in")
        return self.session

    def sign_in(self, session: Session) -> None:
        """From now on this client is that user; what was watched for another is over."""
        self.end_watches()
        self.session = session
        self.user = shapes.text(session.user.name)

    def sign_out(self) -> None:
        """From now on nobody is signed in here."""
        self.end_watches()
        if self.session is not None:
            self._language = self.session.language
        self.session = None

    def leave(self) -> None:
        """Nobody is there any more: a watch that is answered later is over at once."""
        self._gone = True
        self.sign_out()

    def begin_watch(self, watch: str) -> None:
        """That this watch is its own now."""
        self.watches.add(watch)
        if self._gone:
            self.end_watch(watch)

    def end_watch(self, watch: str) -> None:
        """That one of its watches is over."""
        self.watches.discard(watch)
        self.engine.unwatch_slots(watch, mailbox=self.mailbox)

    def end_watches(self) -> None:
        """Nothing is watched from here any more."""
        for watch in list(self.watches):
            self.end_watch(watch)
