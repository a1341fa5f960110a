"""What the server says on its console: one ready line on standard output, all else on standard error."""

import sys
from typing import Literal

import structlog

from agenda.texts import Texts


def configure_log() -> None:
    """Send log events to standard error as lines for people; colours only on a terminal."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="%Y-%m-%d %H:%M:%S", utc=False),
            structlog.processors.format_exc_info,
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(20),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


class Console:
    """Lines for the person who started the server."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts

    def ready(self, host: str, port: int) -> None:
        """The one line on standard output, once the port answers."""
        address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        print(self._texts("server.ready", address=address), flush=True)  # noqa: T201  # this is the console

    def presence(self, event: Literal["connected", "disconnected"], peer: str, connections: int) -> None:
        """Somebody came or went."""
        self.say(f"server.{event}", peer=peer, connections=connections)

    def say(self, text: str, **facts: object) -> None:
        """A sentence of the catalogue, for the operator."""
        print(self._texts(text, **facts), file=sys.stderr, flush=True)  # noqa: T201  # likewise
