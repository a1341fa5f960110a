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
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import typer

from agenda.cli import remembered
from agenda.cli.address import DEFAULT_SERVER, Address, parse_address
from agenda.cli.exits import Failure, Status
from agenda.cli.options import Ca, Create, Json, Language, PasswordStdin, Server, Tls, User
from agenda.cli.terminal import Terminal

if TYPE_CHECKING:
    from agenda.client import Client
    from agenda.wire import Session


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
        from agenda.cli.patience import explained
        from agenda.cli.trouble import told

        address = self.address.only(self.kept.servers) if self.kept else self.address
        with (
            address.connect(self.terminal.t) as client,
            told(self.terminal.t, address),
            explained(client, address, self.terminal),
        ):
            session, own = self._sign_in(client)
            address.answered(client.server)
            try:
                yield Online(client, session, self.terminal)
            finally:
                if own:
                    _sign_out(client)

    @cached_property
    def kept(self) -> remembered.Kept | None:
        """The remembered session to go on with; a password that is given goes before it."""
        if self.create or (self.user and self._given is not None):
            return None
        return remembered.session(self.address.name, self.user)

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
        """The session, and whether it was opened just now."""
        from agenda.client import NotSignedIn

        if self.kept:
            try:
                return client.resume(self.kept.token), False
            except NotSignedIn:
                with suppress(OSError):
                    remembered.forget(self.kept.name)
        if self.user is None or (self.kept and self._given is None and not sys.stdin.isatty()):
            raise Failure(Status.REFUSED, "not_signed_in", self._who())
        password = self.password(self.user, twice=self.create)
        return client.sign_in(self.user, password, create=self.create), True

    def _who(self) -> str:
        """Why it is not known who asks, and what to do."""
        t = self.terminal.t
        if self.kept:
            return t("cli.error.session_ended")
        if others := remembered.elsewhere(self.address.name):
            return t("cli.error.who_elsewhere", address=self.address, others="; ".join(others))
        return t("cli.error.who")


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
