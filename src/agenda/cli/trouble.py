"""What went wrong between this machine and the server, as a failure that a person understands and can mend."""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from agenda.cli.exits import Failure, Status
from agenda.client import AgendaError, ClientError, Disconnected, Invalid, Unavailable
from agenda.client.transport import Broken, HungUp, Misheard, Silent

if TYPE_CHECKING:
    from agenda.cli.address import Address
    from agenda.texts import Texts

# What X509_verify_cert calls a certificate for another host name, and for another address
_OTHER_NAME = {62, 64}
_CERTIFICATES = {
    9: "cli.reason.not_yet_valid",
    10: "cli.reason.expired",
    18: "cli.reason.self_signed",
    19: "cli.reason.self_signed",
    20: "cli.reason.unknown_issuer",
    62: "cli.reason.other_name",
    64: "cli.reason.other_name",
}
"""Its other findings that are met every day."""

_REASONS = (
    (type(None), "cli.reason.silence"),
    (TimeoutError, "cli.reason.silence"),
    (Silent, "cli.reason.silence"),
    (ConnectionRefusedError, "cli.reason.refused"),
    (socket.gaierror, "cli.reason.no_such_host"),
    (HungUp, "cli.reason.closed"),
    (ConnectionResetError, "cli.reason.closed"),
    (BrokenPipeError, "cli.reason.closed"),
    (Misheard, "cli.reason.misheard"),
    (Broken, "cli.reason.strange"),
)
_NO_WAY = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN}

# Parameters of the protocol that are left out where there is one to choose from, and the options that give them
_CHOICES = {"service": "--service", "resource": "--resource"}


@contextmanager
def told(t: Texts, address: Address) -> Iterator[None]:
    """Turns what the client library raises into a failure."""
    try:
        yield
    except ClientError as error:
        raise _failure(error, t, address) from error


def _failure(error: ClientError, t: Texts, address: Address) -> Failure:
    facts: dict[str, Any] = {} if error.request is None else {"request": error.request}
    if isinstance(error, Disconnected):
        message = t(_unheard(error, address), address=address, reason=_reason(error.__cause__, t), **facts)
        return Failure(Status.NO_SERVER, "disconnected", message, sent=error.sent, **facts)
    assert isinstance(error, AgendaError)  # noqa: S101  # the root has these two branches
    if isinstance(error, Unavailable):
        msgid = "cli.error.unavailable_change" if error.request else "cli.error.unavailable"
        return Failure(Status.NO_SERVER, error.code, t(msgid, address=address, **facts), **error.facts, **facts)
    return Failure(Status.REFUSED, error.code, _refusal(error, t), **error.facts, **facts)


def _refusal(error: AgendaError, t: Texts) -> str:
    """The server's sentence, or one that names the option in which a choice is to be told."""
    option = _CHOICES.get(str(error.facts.get("field")))
    if isinstance(error, Invalid) and error.facts.get("reason") == "missing" and option:
        return t(f"cli.error.several_{option[2:]}s", option=option)
    return t.error(error.code, error.facts)


def _unheard(error: Disconnected, address: Address) -> str:
    """The msgid of the sentence that says how far it came, with a hint that fits what kept it from being answered."""
    cause = error.__cause__
    if error.sent and error.request is not None:
        return "cli.error.lost"
    if cause is None:  # the connection stands, and a server has greeted us if the call could leave
        return "cli.error.unanswered" if error.sent else "cli.error.silent"
    if isinstance(cause, ssl.SSLError):
        return _unsafe(cause)
    if isinstance(cause, ConnectionError) and not isinstance(cause, ConnectionRefusedError):
        return _taken(cause, address)
    return "cli.error.no_server" if _is_here(address) else "cli.error.no_server_there"


def _unsafe(cause: ssl.SSLError) -> str:
    """The msgid for a connection that is not as safe as was asked for."""
    if not isinstance(cause, ssl.SSLCertVerificationError):
        return "cli.error.no_tls"
    return "cli.error.other_name" if cause.verify_code in _OTHER_NAME else "cli.error.not_trusted"


def _taken(cause: ConnectionError, address: Address) -> str:
    """The msgid for a connection that somebody has taken."""
    if isinstance(cause, Silent):
        return "cli.error.silent"
    if isinstance(cause, Misheard):
        return "cli.error.misheard"
    if isinstance(cause, Broken) and not isinstance(cause, HungUp):
        return "cli.error.strange"
    return "cli.error.closed" if address.secure else "cli.error.closed_or_tls"


def _is_here(address: Address) -> bool:
    """Whether all servers are on this machine, so that one can be started."""
    return all(host == "localhost" or _is_loopback(host) for host, _ in address.servers)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _reason(cause: BaseException | None, t: Texts) -> str:
    """The cause in a few words: ours where it is a common one, else the system's."""
    if isinstance(cause, ssl.SSLCertVerificationError):
        msgid = _CERTIFICATES.get(cause.verify_code)
        return t(msgid) if msgid else str(cause.verify_message).rstrip(".")
    if isinstance(cause, ssl.SSLError):
        return cause.reason or "TLS"
    if isinstance(cause, OSError) and cause.errno in _NO_WAY:
        return t("cli.reason.no_way")
    for kind, msgid in _REASONS:
        if isinstance(cause, kind):
            return t(msgid)
    return getattr(cause, "strerror", None) or str(cause)
