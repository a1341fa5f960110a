"""The program behind `agenda desktop`: one window."""

from dataclasses import replace

from agenda.addresses import DEFAULT_PORT, BadAddress, join_address, parse_addresses
from agenda.desktop import fonts, preferences
from agenda.desktop.look import prepare_screen
from agenda.desktop.window import App


def run(
    geometry: str = "", *, server: str = "", host: str = "", port: int | None = None, language: str = "", ca: str = ""
) -> None:
    """Open one window and return when it is closed; raises tkinter.TclError where there is no screen.

    What is given goes before what is remembered: `server`, which may be several addresses, or host and port of a single
    one. `geometry` is size and place, such as 1024x700+0+0.
    """
    prepare_screen()
    fonts.load()
    path = preferences.default_path()
    kept = preferences.load(path)
    kept = replace(
        kept,
        server=server or _single(kept.server, host, port),
        language=language or kept.language,
        tls=kept.tls or bool(ca),
        ca=ca or kept.ca,
    )
    App(kept, path, geometry).mainloop()


def _single(known: str, host: str, port: int | None) -> str:
    """The servers that are known, unless another host or port was asked for."""
    if not host and port is None:
        return known
    try:
        known_host, known_port = parse_addresses(known)[0]
    except BadAddress:
        known_host, known_port = "localhost", DEFAULT_PORT
    return join_address(host or known_host, port or known_port)
