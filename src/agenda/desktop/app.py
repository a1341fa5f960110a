"""The program `agenda desktop`: what it is told on its command line, and one window."""

import argparse
import os
from collections.abc import Sequence
from dataclasses import replace

from agenda.desktop import fonts, preferences
from agenda.desktop.address import DEFAULT_PORT, join_address, parse_address
from agenda.desktop.look import prepare_screen
from agenda.desktop.window import App
from agenda.texts import LANGUAGES


def run(geometry: str = "", **given: str | int | None) -> None:
    """Open one window and return when it is closed.

    What is `given` (host, port, language, ca) goes before what is remembered.
    """
    prepare_screen()
    fonts.load()
    path = preferences.default_path()
    kept = preferences.load(path)
    host, port = parse_address(kept.server) or ("localhost", DEFAULT_PORT)
    kept = replace(
        kept,
        server=join_address(str(given.get("host") or host), int(given.get("port") or port)),
        language=str(given.get("language") or kept.language),
        tls=kept.tls or bool(given.get("ca")),
        ca=str(given.get("ca") or kept.ca),
    )
    App(kept, path, geometry).mainloop()


def main(argv: Sequence[str] | None = None) -> int:
    """The command line of the window alone."""
    parser = argparse.ArgumentParser(prog="agenda desktop", description="The desktop window of Agenda.")
    parser.add_argument("--host", help="the server's name or address")
    parser.add_argument("--port", type=int, help="the server's port")
    parser.add_argument("--language", choices=LANGUAGES, help="the language of the window")
    parser.add_argument("--ca", default=os.environ.get("AGENDA_CA"), help="a PEM file of certificates to trust")
    parser.add_argument("--geometry", default="", help="size and place, such as 1024x700+0+0")
    run(**vars(parser.parse_args(argv)))
    return 0
