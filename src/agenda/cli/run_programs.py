"""Commands that start the two programs of the agenda: serve and desktop."""

from pathlib import Path
from typing import Annotated

import typer

from agenda.cli.exits import Failure, Status
from agenda.cli.online import parse_address
from agenda.cli.options import Ca, Data, Language, Server
from agenda.cli.terminal import Terminal

Host = Annotated[str, typer.Option("--host", envvar="AGENDA_HOST", help="cli.option.host")]
Port = Annotated[int, typer.Option("--port", envvar="AGENDA_PORT", min=0, max=65535, help="cli.option.port")]
Certificate = Annotated[Path | None, typer.Option("--tls-cert", envvar="AGENDA_TLS_CERT", help="cli.option.tls_cert")]
Key = Annotated[Path | None, typer.Option("--tls-key", envvar="AGENDA_TLS_KEY", help="cli.option.tls_key")]
ServerHost = Annotated[str, typer.Option("--host", help="cli.option.server_host")]
ServerPort = Annotated[int | None, typer.Option("--port", min=1, max=65535, help="cli.option.server_port")]
Geometry = Annotated[str, typer.Option("--geometry", help="cli.option.geometry")]
Insecure = Annotated[bool, typer.Option("--insecure", help="cli.option.insecure")]

# What is said when the port cannot be had, by the class of the error (agenda.doors.rpc.sockets)
_LISTENING = {"PortInUse": "cli.serve.port_in_use", "NotPrivate": "cli.serve.not_private"}


def serve(
    ctx: typer.Context,
    *,
    data: Data = None,
    host: Host = "localhost",
    port: Port = 8888,
    tls_cert: Certificate = None,
    tls_key: Key = None,
    insecure: Insecure = False,
    language: Language = None,
) -> None:
    terminal: Terminal = ctx.obj
    if (tls_cert is None) != (tls_key is None):
        raise Failure(Status.USAGE, "usage", terminal.t("cli.usage.tls"))
    from agenda.bootstrap import serve as run
    from agenda.cli.store import told
    from agenda.settings import Settings, default_data_folder

    settings = Settings(
        data=data or default_data_folder(),
        host=host,
        port=port,
        certificate=tls_cert,
        key=tls_key,
        insecure=insecure,
        language=terminal.t.language,
    )
    with told(terminal.t, settings.data):
        try:
            run(settings)
        except OSError as error:
            msgid = _LISTENING.get(type(error).__name__, "cli.serve.cannot")
            message = terminal.t(msgid, host=host, port=port, reason=error)
            raise Failure(Status.NO_SERVER, "cannot_listen", message) from error


def desktop(
    ctx: typer.Context,
    *,
    server: Server = "",
    host: ServerHost = "",
    port: ServerPort = None,
    ca: Ca = None,
    geometry: Geometry = "",
    language: Language = None,
) -> int:
    terminal: Terminal = ctx.obj
    if server:
        address = parse_address(server, terminal.t)
        host, port = address.host, address.port
    given = {"--host": host, "--port": port, "--ca": ca, "--geometry": geometry}
    if terminal.language_asked:  # else the window speaks the one it was left in
        given["--language"] = terminal.t.language
    try:
        from tkinter import TclError
    except ImportError as error:
        raise Failure(Status.USAGE, "no_tkinter", terminal.t("cli.desktop.no_tkinter")) from error
    from agenda.desktop.app import main

    try:
        return main([word for name, value in given.items() if value for word in (name, str(value))])
    except TclError as error:
        raise Failure(Status.USAGE, "no_screen", terminal.t("cli.desktop.no_screen", reason=error)) from error
