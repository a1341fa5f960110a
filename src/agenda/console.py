"""What the server says on its console: one ready line on standard output, all else on standard error."""

import os
import select
import sys
from contextlib import suppress
from typing import Literal, TextIO

import structlog

from agenda.texts import Texts

AT_ONCE = 512  # bytes: what POSIX lets a pipe promise to take whole


class Unblocked:
    """A stream that drops what its reader leaves unread for too long, so that a full pipe never holds up the server."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        """Write as much as is taken without waiting; never raises."""
        data = text.encode("utf-8", "backslashreplace")
        with suppress(OSError, ValueError):
            file = self._stream.fileno()
            while data and self._takes(file):
                data = data[os.write(file, data[:AT_ONCE]) :]

    def flush(self) -> None:
        """Nothing is kept."""

    def _takes(self, file: int) -> bool:
        return os.name == "nt" or bool(select.select([], [file], [], 0)[1])


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
        logger_factory=structlog.WriteLoggerFactory(Unblocked(sys.stderr)),  # type: ignore[arg-type]  # write and flush
        cache_logger_on_first_use=True,
    )


def log_trouble(error: Exception) -> None:
    """Log in one line what keeps the store from being used, and the driver's words for it."""
    structlog.get_logger("agenda.store").warning("store unavailable", problem=str(error), cause=str(error.__cause__))


def log_recovery(seconds: float) -> None:
    """Log in one line that the store can be used again."""
    structlog.get_logger("agenda.store").warning("store available again", seconds=round(seconds, 1))


class Console:
    """Lines for the person who started the server; any thread may speak."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts
        self._output, self._errors = Unblocked(sys.stdout), Unblocked(sys.stderr)

    def ready(self, host: str, port: int) -> None:
        """The one line on standard output, once the port answers."""
        self._output.write(self._texts("server.ready", address=_address(host, port)) + "\n")

    def monitoring(self, host: str, port: int) -> None:
        """Probes are answered from now on."""
        self.say("server.monitoring", address=_address(host, port))

    def presence(self, event: Literal["connected", "disconnected"], peer: str, connections: int) -> None:
        """Somebody came or went."""
        self.say(f"server.{event}", peer=peer, connections=connections)

    def say(self, text: str, **facts: object) -> None:
        """A sentence of the catalogue, for the operator."""
        self._errors.write(self._texts(text, **facts) + "\n")


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
