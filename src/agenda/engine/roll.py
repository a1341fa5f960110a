"""The roll of who is signed in here, and how sessions end: here, at another node, or unheard."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from weakref import WeakSet

from agenda.domain.errors import AgendaError, NotSignedIn
from agenda.domain.model import User, UserId
from agenda.engine.ports import Mailbox, Reader, Reply, SignIn
from agenda.engine.workers import Workers


@dataclass(eq=False)
class Session:
    """A sign-in as the doors hold it; `ended` becomes true when its token is closed or its user erased."""

    user: User
    language: str
    token_hash: bytes
    ended: bool = False


Concerned = Callable[[Session], bool]


class Roll:
    """Sessions for as long as a door holds them. Methods are called on an I/O thread, unless they say any."""

    def __init__(self, reader: Reader, readers: Workers) -> None:
        self._reader, self._readers = reader, readers
        self._sessions: WeakSet[Session] = WeakSet()
        # For each token that is being looked up, by the identity of the list: what ended meanwhile.
        self._resuming: dict[int, list[Concerned]] = {}
        self._mailboxes: dict[Mailbox, None] = {}
        self._erased: set[UserId] = set()  # by other nodes, perhaps just while somebody signed in here
        self._checks = 0
        self._unchecked = False

    def open_to(self, mailbox: Mailbox) -> None:
        """From now on this door may hold sessions, and has to hear when they end."""
        self._mailboxes[mailbox] = None

    def enter(self, user: User, language: str, token_hash: bytes) -> Session:
        """A new session; of a user who has gone meanwhile, one that has ended."""
        session = Session(user, language, token_hash, ended=user.id in self._erased)
        self._sessions.add(session)
        return session

    def resume(self, token_hash: bytes, mailbox: Mailbox, reply: Reply) -> None:
        """The session that the store has under this digest; replies Session."""
        ended, checks = list[Concerned](), self._checks
        self._resuming[id(ended)] = ended

        def found(answer: SignIn | AgendaError | None) -> None:
            del self._resuming[id(ended)]
            if checks != self._checks:  # and perhaps before that check the answer was read
                self.resume(token_hash, mailbox, reply)
                return
            if not isinstance(answer, SignIn):
                reply(answer or NotSignedIn())
                return
            session = self.enter(answer.user, answer.language, token_hash)
            reply(NotSignedIn() if any(over(session) for over in ended) else session)

        self._readers.ask(lambda: self._reader.sign_in(token_hash), mailbox, found)

    def end(self, concerned: Concerned) -> None:
        """End these sessions, also those that are being looked up."""
        for session in list(self._sessions):
            if concerned(session):
                session.ended = True
        for ended in self._resuming.values():
            ended.append(concerned)

    def end_elsewhere(self, closed: Collection[str], erased: Collection[UserId]) -> None:
        """Another node closed the sessions whose token digests begin so, and erased these users; any thread."""

        def concerned(session: Session) -> bool:
            return session.user.id in erased or session.token_hash[:8].hex() in closed

        def end(_: object) -> None:
            self._erased.update(erased)
            self.end(concerned)

        for mailbox in list(self._mailboxes):
            mailbox.post([(end, None)])

    def check(self) -> None:
        """Sessions may have ended at other nodes without a word: ask the store about each; any thread."""
        for mailbox in list(self._mailboxes):
            mailbox.post([(self._check, mailbox)])

    def check_again(self) -> None:
        """The same, if the store could not be asked the last time; any thread."""
        if self._unchecked:
            self.check()

    def _check(self, mailbox: Mailbox) -> None:
        self._checks += 1
        self._unchecked = False
        held = {session.token_hash for session in self._sessions}

        def work() -> set[bytes]:
            return {digest for digest in held if self._reader.sign_in(digest) is None}

        def checked(gone: set[bytes] | AgendaError) -> None:
            if isinstance(gone, AgendaError):
                self._unchecked = True
            elif gone:
                self.end(lambda session: session.token_hash in gone)

        self._readers.ask(work, mailbox, checked)
