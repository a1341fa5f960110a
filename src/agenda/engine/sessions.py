"""Signing in and out, and erasing a person: what needs a password is hashed on other threads."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any
from weakref import WeakSet

from agenda.domain.commands import (
    Account,
    CloseSession,
    Command,
    EraseUser,
    NoteAttempt,
    OpenAccount,
    OpenSession,
    Outcome,
    Receipt,
)
from agenda.domain.errors import AgendaError, BadCredentials, Invalid, NameTaken, NotSignedIn, RateLimited
from agenda.domain.model import RequestId, User, UserId
from agenda.engine import passwords
from agenda.engine.limits import Limits
from agenda.engine.ports import Mailbox, Reader, Reply, SignIn
from agenda.engine.workers import Workers

NOTHING_SENT = b""


@dataclass(eq=False)
class Session:
    """A sign-in as the doors hold it; `ended` becomes true when its token is closed or its user erased."""

    user: User
    language: str
    token_hash: bytes
    ended: bool = False


_Ended = Callable[[Session], bool]


@dataclass(frozen=True, slots=True)
class SessionOpened:
    """A session with the token that resumes it."""

    session: Session
    token: str


@dataclass(frozen=True, slots=True)
class Credentials:
    """What somebody typed to sign in, and from where."""

    name: str
    password: str
    create: bool
    language: str
    address: str


@dataclass(frozen=True, slots=True)
class _Checked:
    """What the hashing thread found out: the account, whether the password is its own, or a hash for a new one."""

    account: Account | None
    right: bool
    password_hash: str = ""


class Sessions:
    """Every method is called on an I/O thread, on which its replies come too.

    `clean` takes what an erased user left in files; it raises StoreUnavailable while it cannot.
    """

    def __init__(
        self,
        reader: Reader,
        readers: Workers,
        hashers: Workers,
        submit: Callable[[Command, Mailbox, Reply], None],
        ids: Iterator[str],
        *,
        clean: Callable[[UserId], None],
    ) -> None:
        self._reader, self._readers, self._hashers, self._submit, self._ids = (
            reader,
            readers,
            hashers,
            submit,
            ids,
        )
        self._clean = clean
        self._limits = Limits()
        self._sessions: WeakSet[Session] = WeakSet()
        # For each token that is being looked up, by the identity of the list: what ended meanwhile.
        self._resuming: dict[int, list[_Ended]] = {}
        self._mailboxes: dict[Mailbox, None] = {}
        self._erased: set[UserId] = set()  # by other nodes, perhaps just while somebody signed in here
        self._checks = 0
        self._unchecked = False

    def open(self, typed: Credentials, mailbox: Mailbox, reply: Reply) -> None:
        """Sign in, or make the account if that is wanted and the name unknown; replies SessionOpened."""
        self._mailboxes[mailbox] = None

        def work() -> _Checked:
            account = self._reader.account(typed.name)
            if account is None and typed.create:
                return _Checked(None, right=True, password_hash=passwords.hash_password(typed.password))
            known_hash = account.password_hash if account else None
            return _Checked(account, passwords.matches(typed.password, known_hash))

        def checked(found: _Checked | AgendaError) -> None:
            self._after_check(typed, found, mailbox, reply)

        if not self._limited(lambda: self._limits.check_password_try(typed.name, typed.address), reply):
            self._hashers.ask(work, mailbox, checked)

    def _after_check(self, typed: Credentials, found: _Checked | AgendaError, mailbox: Mailbox, reply: Reply) -> None:
        """Back on the I/O thread; tries that ran beside others are judged by what is known now."""
        if isinstance(found, AgendaError):
            reply(found)
        elif self._limited(lambda: self._limits.check_password_try(typed.name, typed.address), reply):
            return
        elif not found.right:
            self._limits.wrong_password(typed.name, typed.address)
            self._refuse(found.account, "session.open", mailbox, reply)
        elif found.account is None:
            self._make_account(typed, found.password_hash, mailbox, reply)
        else:
            self._enter(found.account.user, typed, mailbox, reply)

    def _make_account(self, typed: Credentials, password_hash: str, mailbox: Mailbox, reply: Reply) -> None:
        if self._limited(lambda: self._limits.check_account(typed.address), reply):
            return
        token = passwords.new_token()
        digest = passwords.token_digest(token)

        def made(outcome: User | AgendaError) -> None:
            if isinstance(outcome, NameTaken):  # somebody was faster: then it is a sign-in
                self.open(typed, mailbox, reply)
            elif isinstance(outcome, AgendaError):
                reply(outcome)
            else:
                self._limits.account_made(typed.address)
                reply(SessionOpened(self._session(outcome, typed.language, digest), token))

        user = UserId(next(self._ids))
        command = OpenAccount(
            user, self._request(), NOTHING_SENT, typed.name, password_hash, digest, typed.language, fresh=True
        )
        self._submit(command, mailbox, made)

    def _enter(self, user: User, typed: Credentials, mailbox: Mailbox, reply: Reply) -> None:
        token = passwords.new_token()
        digest = passwords.token_digest(token)

        def entered(outcome: User | AgendaError) -> None:
            if isinstance(outcome, AgendaError):  # erased since the password was checked
                reply(BadCredentials() if isinstance(outcome, NotSignedIn) else outcome)
            else:
                reply(SessionOpened(self._session(outcome, typed.language, digest), token))

        command = OpenSession(user.id, self._request(), NOTHING_SENT, digest, typed.language, fresh=True)
        self._submit(command, mailbox, entered)

    def resume(self, token: str, mailbox: Mailbox, reply: Reply) -> None:
        """Sign in with a token; replies SessionOpened."""
        self._mailboxes[mailbox] = None
        digest = passwords.token_digest(token)
        ended, checks = list[_Ended](), self._checks
        self._resuming[id(ended)] = ended

        def found(answer: SignIn | AgendaError | None) -> None:
            del self._resuming[id(ended)]
            if checks != self._checks:  # and perhaps before that check the answer was read
                self.resume(token, mailbox, reply)
                return
            if not isinstance(answer, SignIn):
                reply(answer or NotSignedIn())
                return
            session = self._session(answer.user, answer.language, digest)
            reply(NotSignedIn() if any(over(session) for over in ended) else SessionOpened(session, token))

        self._readers.ask(lambda: self._reader.sign_in(digest), mailbox, found)

    def close(self, session: Session, mailbox: Mailbox, reply: Reply) -> None:
        """End the token, on every connection that uses it; replies None."""

        def closed(outcome: Outcome) -> None:
            if not isinstance(outcome, AgendaError):
                self._end(lambda other: other.token_hash == session.token_hash)
            reply(outcome)

        command = CloseSession(session.user.id, self._request(), NOTHING_SENT, session.token_hash, fresh=True)
        self._submit(command, mailbox, closed)

    def erase(self, session: Session | None, typed: "Farewell", mailbox: Mailbox, reply: Reply) -> None:
        """Erase the session's user; without one, or if he is gone, give the same request's receipt again."""
        if session is None:
            self._gone_again(typed, mailbox, reply)
            return
        user = session.user

        def work() -> _Checked:
            account = self._reader.account_of(user.id)
            known_hash = account.password_hash if account else None
            return _Checked(account, passwords.matches(typed.password, known_hash))

        def checked(found: _Checked | AgendaError) -> None:
            self._erase_checked(user, typed, found, mailbox, reply)

        if not self._limited(lambda: self._limits.check_password_try(user.name, typed.address), reply):
            self._hashers.ask(work, mailbox, checked)

    def _erase_checked(
        self, user: User, typed: "Farewell", found: _Checked | AgendaError, mailbox: Mailbox, reply: Reply
    ) -> None:
        def erased(outcome: Receipt | AgendaError) -> None:
            if isinstance(outcome, Receipt):
                self._end(lambda other: other.user.id == user.id)
            if isinstance(outcome, NotSignedIn):  # the same request ran twice at once
                self._gone_again(typed, mailbox, reply)
            else:
                reply(outcome)

        if isinstance(found, AgendaError):
            reply(found)
        elif found.account is None:
            self._end(lambda other: other.user.id == user.id)
            self._gone_again(typed, mailbox, reply)
        elif self._limited(lambda: self._limits.check_password_try(user.name, typed.address), reply):
            return
        elif not found.right:
            self._limits.wrong_password(user.name, typed.address)
            self._refuse(found.account, EraseUser.action, mailbox, reply)
        else:
            self._submit(EraseUser(user.id, typed.request, typed.fingerprint), mailbox, erased)

    def _gone_again(self, typed: "Farewell", mailbox: Mailbox, reply: Reply) -> None:
        """The receipt of an erasure within 24 hours, to whoever knows its request and the password of then."""

        def work() -> Receipt | AgendaError:
            remembered = self._reader.gone(typed.request)
            for gone in remembered:
                if passwords.matches(typed.password, gone.password_hash):
                    if gone.fingerprint != typed.fingerprint:
                        return Invalid("request", "reused")
                    self._clean(gone.user)  # no receipt while anything is left of him
                    return gone.receipt
            return NotSignedIn()

        self._hashers.ask(work, mailbox, reply)

    def _refuse(self, account: Account | None, action: str, mailbox: Mailbox, reply: Reply) -> None:
        """Bad credentials, after the attempt is in the log of the user whom it was meant for."""
        if account is None:
            reply(BadCredentials())
            return
        attempt = NoteAttempt(account.user.id, self._request(), NOTHING_SENT, action, BadCredentials.code, fresh=True)
        self._submit(attempt, mailbox, lambda _: reply(BadCredentials()))

    def _session(self, user: User, language: str, token_hash: bytes) -> Session:
        session = Session(user, language, token_hash, ended=user.id in self._erased)
        self._sessions.add(session)
        return session

    def _end(self, concerned: _Ended) -> None:
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
            self._end(concerned)

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
                self._end(lambda session: session.token_hash in gone)

        self._readers.ask(work, mailbox, checked)

    def _request(self) -> RequestId:
        return RequestId(next(self._ids))

    def _limited(self, check: Callable[[], Any], reply: Reply) -> bool:
        """Whether the check refuses; then that has been replied."""
        try:
            check()
        except RateLimited as limited:
            reply(limited)
            return True
        return False


@dataclass(frozen=True, slots=True)
class Farewell:
    """A wish to be erased: the password again, the request, and from where."""

    password: str
    request: RequestId
    fingerprint: bytes
    address: str
