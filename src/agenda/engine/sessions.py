"""Signing in and out, and erasing a person: what needs a password is hashed on other threads."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

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
from agenda.engine.ports import Mailbox, Reader, Reply
from agenda.engine.roll import Roll, Session
from agenda.engine.workers import Workers

NOTHING_SENT = b""


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
        roll: Roll,
        reader: Reader,
        hashers: Workers,
        submit: Callable[[Command, Mailbox, Reply], None],
        ids: Iterator[str],
        *,
        clean: Callable[[UserId], None],
    ) -> None:
        self._roll, self._reader, self._hashers, self._submit, self._ids = roll, reader, hashers, submit, ids
        self._clean = clean
        self._limits = Limits()

    def open(self, typed: Credentials, mailbox: Mailbox, reply: Reply) -> None:
        """Sign in, or make the account if that is wanted and the name unknown; replies SessionOpened."""
        self._roll.open_to(mailbox)

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
                reply(SessionOpened(self._roll.enter(outcome, typed.language, digest), token))

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
                reply(SessionOpened(self._roll.enter(outcome, typed.language, digest), token))

        command = OpenSession(user.id, self._request(), NOTHING_SENT, digest, typed.language, fresh=True)
        self._submit(command, mailbox, entered)

    def resume(self, token: str, mailbox: Mailbox, reply: Reply) -> None:
        """Sign in with a token; replies SessionOpened."""
        self._roll.open_to(mailbox)

        def resumed(answer: Session | AgendaError) -> None:
            reply(SessionOpened(answer, token) if isinstance(answer, Session) else answer)

        self._roll.resume(passwords.token_digest(token), mailbox, resumed)

    def close(self, session: Session, mailbox: Mailbox, reply: Reply) -> None:
        """End the token, on every connection that uses it; replies None."""

        def closed(outcome: Outcome) -> None:
            if not isinstance(outcome, AgendaError):
                self._roll.end(lambda other: other.token_hash == session.token_hash)
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
                self._roll.end(lambda other: other.user.id == user.id)
            if isinstance(outcome, NotSignedIn):  # the same request ran twice at once
                self._gone_again(typed, mailbox, reply)
            else:
                reply(outcome)

        if isinstance(found, AgendaError):
            reply(found)
        elif found.account is None:
            self._roll.end(lambda other: other.user.id == user.id)
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
