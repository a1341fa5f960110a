"""Where the servers of an agenda are, as a command line says it, and how a client gets there."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from agenda.addresses import BadAddress, join_address, join_addresses, parse_addresses
from agenda.cli import remembered
from agenda.cli.exits import Failure, Status

if TYPE_CHECKING:
    import ssl
    from collections.abc import Collection

    from agenda.client import Client
    from agenda.texts import Texts

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
    def secure(self) -> bool:
        """Whether TLS is spoken with them."""
        return self.tls or self.ca is not None

    @property
    def name(self) -> str:
        """What is remembered of them is kept under this name."""
        return remembered.name_of([join_address(*server) for server in self.servers], secure=self.secure)

    def only(self, servers: Collection[str]) -> Address:
        """These of them (`host:port`), and no others."""
        return replace(self, servers=tuple(server for server in self.servers if join_address(*server) in servers))

    def connect(self, t: Texts, timeout: float = 10.0) -> Client:
        """A client that is connecting to the first one, and goes on with the others."""
        from agenda.client import Client

        first, *others = self._in_turn
        return Client(*first, addresses=others, tls=self.context(t), language=t.language, timeout=timeout)

    def answered(self, server: tuple[str, int] | None) -> None:
        """One of them works: where another was tried before it, the next command will begin with this one."""
        if server is not None and server != self._in_turn[0]:
            with suppress(OSError):  # it only saves time
                remembered.has_worked(self.name, join_address(*server))

    @cached_property
    def _in_turn(self) -> list[tuple[str, int]]:
        """As they were written, but for the one that worked lately, which comes first."""
        lately = remembered.worked_lately(self.name) if len(self.servers) > 1 else None
        return sorted(self.servers, key=lambda server: join_address(*server) != lately)

    def context(self, t: Texts) -> ssl.SSLContext | None:
        """How TLS is to be spoken with them; None if not at all."""
        if not self.secure:
            return None
        import ssl

        try:
            return ssl.create_default_context(cafile=self.ca)
        except OSError as error:
            raise Failure(Status.USAGE, "usage", t("cli.usage.ca", path=self.ca)) from error


def parse_address(server: str, t: Texts, *, tls: bool = False, ca: Path | None = None) -> Address:
    """`host`, `host:port` or `[address]:port`, or several of them separated by commas."""
    try:
        return Address(parse_addresses(server), tls, ca)
    except BadAddress as error:
        raise Failure(Status.USAGE, "usage", t("cli.usage.server", value=error)) from error
