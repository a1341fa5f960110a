"""Commands that start the two programs of the agenda: serve and desktop."""

from __future__ import annotations

from datetime import timedelta
from errno import EADDRNOTAVAIL
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from socket import gaierror
from typing import TYPE_CHECKING, Annotated

import typer

from agenda.cli.address import parse_address
from agenda.cli.exits import Failure, Status
from agenda.cli.options import Ca, Data, Language, Server, Store
from agenda.cli.terminal import Terminal

if TYPE_CHECKING:
    from agenda.settings import Settings
    from agenda.texts import Texts

Host = Annotated[
    str, typer.Option("--host", metavar="cli.metavar.address", envvar="AGENDA_HOST", help="cli.option.host")
]
Port = Annotated[
    int,
    typer.Option("--port", metavar="cli.metavar.port", envvar="AGENDA_PORT", min=0, max=65535, help="cli.option.port"),
]
Certificate = Annotated[
    Path | None,
    typer.Option("--tls-cert", metavar="cli.metavar.file", envvar="AGENDA_TLS_CERT", help="cli.option.tls_cert"),
]
Key = Annotated[
    Path | None,
    typer.Option("--tls-key", metavar="cli.metavar.file", envvar="AGENDA_TLS_KEY", help="cli.option.tls_key"),
]
ServerHost = Annotated[str, typer.Option("--host", metavar="cli.metavar.address", help="cli.option.server_host")]
ServerPort = Annotated[
    int | None, typer.Option("--port", metavar="cli.metavar.port", min=1, max=65535, help="cli.option.server_port")
]
Geometry = Annotated[str, typer.Option("--geometry", metavar="cli.metavar.size", help="cli.option.geometry")]
Insecure = Annotated[bool, typer.Option("--insecure", help="cli.option.insecure")]

Monitor = Annotated[
    str,
    typer.Option("--monitor", metavar="cli.metavar.monitor", envvar="AGENDA_MONITOR", help="cli.option.monitor"),
]
Drain = Annotated[
    int,
    typer.Option(
        "--drain", metavar="cli.metavar.seconds", envvar="AGENDA_DRAIN", min=0, max=3600, help="cli.option.drain"
    ),
]
Proxies = Annotated[
    str,
    typer.Option("--proxies", metavar="cli.metavar.networks", envvar="AGENDA_PROXIES", help="cli.option.proxies"),
]

ClockOffset = Annotated[float, typer.Option("--clock-offset", metavar="cli.metavar.seconds", hidden=True)]
"""Seconds by which the server's own clock is wrong, as `agenda prove` wants it"""

# What is said when the address cannot be had, by the class of the error (in agenda.doors)
_LISTENING = {
    "PortInUse": "port_in_use",
    "NotPrivate": "not_private",
    "CannotListen": "cannot",
    "MonitorPortInUse": "monitor_in_use",
    "CannotMonitor": "monitor",
}


def serve(
    ctx: typer.Context,
    *,
    data: Data = None,
    store: Store = None,
    host: Host = "localhost",
    port: Port = 8888,
    tls_cert: Certificate = None,
    tls_key: Key = None,
    insecure: Insecure = False,
    monitor: Monitor = "",
    drain: Drain = 0,
    proxies: Proxies = "",
    clock_offset: ClockOffset = 0.0,
    language: Language = None,
) -> None:
    terminal: Terminal = ctx.obj
    if (tls_cert is None) != (tls_key is None):
        raise Failure(Status.USAGE, "usage", terminal.t("cli.usage.tls"))
    from agenda.bootstrap import serve as run
    from agenda.cli.place import chosen
    from agenda.settings import Settings

    place = chosen(ctx, data, store)
    settings = Settings(
        data=place.folder,
        host=host,
        port=port,
        certificate=tls_cert,
        key=tls_key,
        insecure=insecure,
        language=terminal.t.language,
        monitor=_monitor_address(monitor, terminal.t) if monitor else None,
        drain=drain,
        store=place.store,
        proxies=_networks(proxies, terminal.t) if proxies else (),
        clock_offset=timedelta(seconds=clock_offset),
    )
    with place.told():
        try:
            run(settings)
        except OSError as error:
            raise _refused(error, settings, terminal.t) from error


def _monitor_address(text: str, t: Texts) -> tuple[str, int]:
    """`port`, `host:port` or `[address]:port`; without a host it is this machine alone."""
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]") if colon else "localhost"
    if not host or not port.isdecimal() or int(port) >= 2**16:
        raise Failure(Status.USAGE, "usage", t("cli.usage.monitor", value=text))
    return host, int(port)


def _networks(text: str, t: Texts) -> tuple[IPv4Network | IPv6Network, ...]:
    """Networks as people write them, separated by commas; an address is a network of its own."""
    try:
        return tuple(ip_network(part.strip()) for part in text.split(","))
    except ValueError as error:
        raise Failure(Status.USAGE, "usage", t("cli.usage.proxies", value=text)) from error


def _refused(error: OSError, settings: Settings, t: Texts) -> Failure:
    """Why the server cannot listen, by the class of the error, or cannot use its certificate; and what to do."""
    cause = error.__cause__
    name = _LISTENING.get(type(error).__name__)
    if name is None:
        facts = {"certificate": settings.certificate, "key": settings.key, "reason": error.strerror or error}
        return Failure(Status.USAGE, "certificate", t("cli.serve.certificate", **facts))
    host, port = settings.host, settings.port
    if settings.monitor and name.startswith("monitor"):
        host, port = settings.monitor
    elif isinstance(cause, gaierror) or getattr(cause, "errno", None) == EADDRNOTAVAIL:
        name = "no_address"
    reason = getattr(cause, "strerror", None) or error
    message = t(f"cli.serve.{name}", host=host, port=port, reason=reason)
    return Failure(Status.NO_SERVER, "cannot_listen", message)


def desktop(
    ctx: typer.Context,
    *,
    server: Server = "",
    host: ServerHost = "",
    port: ServerPort = None,
    ca: Ca = None,
    geometry: Geometry = "",
    language: Language = None,
) -> None:
    terminal: Terminal = ctx.obj
    servers = str(parse_address(server, terminal.t)) if server else ""
    asked = terminal.t.language if terminal.language_asked else ""  # else the window speaks the one it was left in
    try:
        from tkinter import TclError
    except ImportError as error:
        raise Failure(Status.USAGE, "no_tkinter", terminal.t("cli.desktop.no_tkinter")) from error
    from agenda.desktop.app import run

    try:
        run(geometry, server=servers, host=host, port=port, language=asked, ca=str(ca or ""))
    except TclError as error:
        raise Failure(Status.USAGE, "no_screen", terminal.t("cli.desktop.no_screen", reason=error)) from error
