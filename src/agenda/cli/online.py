"""A signed-in conversation with the server, for one command."""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import typer

from agenda.addresses import BadAddress, join_address, join_addresses, parse_addresses
from agenda.cli import remembered
from agenda.cli.exits import Failure, Status
from agenda.cli.options import Ca, Create, Json, Language, PasswordStdin, Server, Tls, User
from agenda.cli.terminal import Terminal

if TYPE_CHECKING:
    import ssl

    from agenda.client import Client
    from agenda.texts import Texts
    from agenda.wire import Session

DEFAULT_SERVER = "localhost:8888"


@dataclass(frozen=True)
class Address:
    """Where the servers of an agenda are, one or several, and how to speak to them."""

    servers: tuple[tuple[str, int], ...]
    tls: bool
    ca: Path | None

    def __str__(self) -> str:
        return join_addresses(self.servers)

    @property
    def host(self) -> str:
        """The first server's."""
        return self.servers[0][0]

    @property
    def port(self) -> int:
        """The first server's."""
        return self.servers[0][1]

    @property
    def secure(self) -> bool:
        """Whether TLS is spoken with them."""
        return self.tls or self.ca is not None

    @property
    def session(self) -> str:
        """The name under which their session is remembered, in whatever order they are given.

        A token that came by TLS never travels without.
        """
        servers = ",".join(sorted(join_address(*server) for server in self.servers))
        return f"tls://{servers}" if self.secure else servers

    def connect(self, t: Texts, timeout: float = 10.0) -> Client:
        """A client that is connecting to the first one, and goes on with the others."""
        from agenda.client import Client

        first, *others = self.servers
        return Client(*first, addresses=others, tls=self.context(t), language=t.language, timeout=timeout)

    def context(self, t: Texts) -> ssl.SSLContext | None:
        """How TLS is to be spoken with them; None if not at all."""
        if not self.secure:
            return None
        import ssl

        try:
            return ssl.create_default_context(cafile=self.ca)
        except OSError as error:
            raise Failure(Status.USAGE, "usage", t("cli.usage.ca", path=self.ca)) from error


@dataclass
class Online:
    """A client with its session."""

    client: Client
    session: Session
    terminal: Terminal

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which the business reads its clocks."""
        return ZoneInfo(self.session.business.timezone)

    @property
    def today(self) -> date:
        """The day it is for the business."""
        return datetime.now(self.zone).date()

    def local(self, instant: datetime) -> datetime:
        """The instant as the business's clocks show it."""
        return instant.astimezone(self.zone)

    def listed(self, instant: datetime) -> str:
        """Day and time for a table, on the business's clocks; the year only where it is not this one."""
        local = self.local(instant)
        return self.terminal.t.day_time(local, "shortest" if local.year == self.today.year else "short")

    def start(self, day: date, clock: time) -> datetime:
        """Wall time of the business, which the server takes as such."""
        return datetime.combine(day, clock)


@dataclass(frozen=True)
class Access:
    """What the command line says about the server and about who asks."""

    address: Address
    user: str | None
    password_stdin: bool
    create: bool
    terminal: Terminal

    @contextmanager
    def open(self) -> Iterator[Online]:
        """Connect and sign in; a session that was opened for this command alone ends with it."""
        from agenda.cli.trouble import told

        t = self.terminal.t
        with self.address.connect(t) as client, told(t, self.address):
            session, own = self._sign_in(client)
            try:
                yield Online(client, session, self.terminal)
            finally:
                if own:
                    _sign_out(client)

    def password(self, user: str, *, twice: bool = False) -> str:
        """The user's password: from --password-stdin, AGENDA_PASSWORD, or a person who types it."""
        t = self.terminal.t
        if self._given is not None:
            return self._given
        if not sys.stdin.isatty():
            raise Failure(Status.USAGE, "usage", t("cli.usage.password"))
        typed = getpass.getpass(t("cli.prompt.password", user=user) + ": ")
        if twice and getpass.getpass(t("cli.prompt.again") + ": ") != typed:
            raise Failure(Status.USAGE, "usage", t("cli.usage.passwords_differ"))
        return typed

    @cached_property
    def _given(self) -> str | None:
        """The password that nobody has to be asked for."""
        if self.password_stdin:
            return sys.stdin.readline().rstrip("\r\n")
        return os.environ.get("AGENDA_PASSWORD")

    def _sign_in(self, client: Client) -> tuple[Session, bool]:
        """The session, and whether it was opened just now; a given password goes before a remembered session."""
        from agenda.client import NotSignedIn

        anew = self.create or (self.user and self._given is not None)
        if not anew and (token := remembered.token(self.address.session, self.user)):
            try:
                return client.resume(token), False
            except NotSignedIn:
                remembered.forget(self.address.session)
        if self.user is None:
            raise Failure(Status.REFUSED, "not_signed_in", self.terminal.t("cli.error.who"))
        password = self.password(self.user, twice=self.create)
        return client.sign_in(self.user, password, create=self.create), True


def _sign_out(client: Client) -> None:
    """End a session that nobody will use again; what the command did stands even if this fails."""
    from agenda.client import ClientError, State

    if client.state is State.ONLINE:
        with suppress(ClientError):
            client.sign_out()


def access(
    ctx: typer.Context,
    *,
    server: Server = DEFAULT_SERVER,
    tls: Tls = False,
    ca: Ca = None,
    user: User = None,
    password_stdin: PasswordStdin = False,
    create: Create = False,
    json: Json = False,
    language: Language = None,
) -> Access:
    """The options of every command that is a client of the socket."""
    terminal: Terminal = ctx.obj
    return Access(parse_address(server, terminal.t, tls=tls, ca=ca), user, password_stdin, create, terminal)


def parse_address(server: str, t: Texts, *, tls: bool = False, ca: Path | None = None) -> Address:
    """`host`, `host:port` or `[address]:port`, or several of them separated by commas."""
    try:
        return Address(parse_addresses(server), tls, ca)
    except BadAddress as error:
        raise Failure(Status.USAGE, "usage", t("cli.usage.server", value=error)) from error
