"""The program behind `agenda desktop`: one window."""

from dataclasses import replace

from agenda.desktop import fonts, preferences
from agenda.desktop.address import DEFAULT_PORT, join_address, parse_address
from agenda.desktop.look import prepare_screen
from agenda.desktop.window import App


def run(geometry: str = "", *, host: str = "", port: int | None = None, language: str = "", ca: str = "") -> None:
    """Open one window and return when it is closed; raises tkinter.TclError where there is no screen.

    What is given goes before what is remembered; `geometry` is size and place, such as 1024x700+0+0.
    """
    prepare_screen()
    fonts.load()
    path = preferences.default_path()
    kept = preferences.load(path)
    known_host, known_port = parse_address(kept.server) or ("localhost", DEFAULT_PORT)
    kept = replace(
        kept,
        server=join_address(host or known_host, port or known_port),
        language=language or kept.language,
        tls=kept.tls or bool(ca),
        ca=ca or kept.ca,
    )
    App(kept, path, geometry).mainloop()
