"""What went wrong between this machine and the server, as a failure that a person understands and can mend."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from agenda.cli.exits import Failure, Status
from agenda.client import AgendaError, ClientError, Disconnected, Unavailable

if TYPE_CHECKING:
    from agenda.cli.online import Address
    from agenda.texts import Texts

# What X509_verify_cert calls a certificate for another host name, and for another address
_OTHER_NAME = {62, 64}


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
        message = t(_unheard(error, address), address=address, reason=_reason(error, t), **facts)
        return Failure(Status.NO_SERVER, "disconnected", message, sent=error.sent, **facts)
    assert isinstance(error, AgendaError)  # noqa: S101  # the root has these two branches
    if isinstance(error, Unavailable):
        msgid = "cli.error.unavailable_change" if error.request else "cli.error.unavailable"
        return Failure(Status.NO_SERVER, error.code, t(msgid, address=address, **facts), **error.facts, **facts)
    return Failure(Status.REFUSED, error.code, t.error(error.code, error.facts), **error.facts, **facts)


def _unheard(error: Disconnected, address: Address) -> str:
    """The msgid of the sentence that says how far it came, with a hint that fits what kept it from being answered."""
    cause = error.__cause__
    if error.sent and error.request is not None:
        return "cli.error.lost"
    if error.sent and cause is None:  # so a server has greeted us, and the connection stands
        return "cli.error.unanswered"
    if isinstance(cause, ssl.SSLCertVerificationError):
        return "cli.error.other_name" if cause.verify_code in _OTHER_NAME else "cli.error.not_trusted"
    if isinstance(cause, ssl.SSLError):
        return "cli.error.no_tls"
    somebody = isinstance(cause, ConnectionError) and not isinstance(cause, ConnectionRefusedError)
    return "cli.error.wants_tls" if somebody and not address.secure else "cli.error.no_server"


def _reason(error: Disconnected, t: Texts) -> str:
    """The cause in a few words: ours where it is a common one, else the system's."""
    cause = error.__cause__
    if cause is None or isinstance(cause, TimeoutError):
        return t("cli.reason.silence")
    if isinstance(cause, ConnectionRefusedError):
        return t("cli.reason.refused")
    if isinstance(cause, socket.gaierror):
        return t("cli.reason.no_such_host")
    if isinstance(cause, ssl.SSLCertVerificationError):
        return cause.verify_message.rstrip(".")
    if isinstance(cause, ssl.SSLError):
        return cause.reason or "TLS"
    return getattr(cause, "strerror", None) or str(cause)
