"""A PostgreSQL that is paused and killed with all its processes, and one that copies another."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from agenda.prove.ports import free_port
from agenda.prove.postgres import USER, Postgres


class Breakable(Postgres):
    """A server whose processes all stand still or end at the same moment."""

    def processes(self) -> list[int]:
        """The server's first process and those that it started, which each lead a group of their own."""
        return [] if self._process is None else _family(self._process.pid)

    def pause(self) -> None:
        """Let it stand still, with all its connections open."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        self._signal(signal.SIGKILL)
        super().kill()

    def said(self, since: int = 0) -> str:
        """What it wrote to its log after so many bytes."""
        with self.log.open("rb") as log:
            log.seek(since)
            return log.read().decode(errors="replace")

    def _signal(self, number: signal.Signals) -> None:
        for process in self.processes():
            with suppress(ProcessLookupError):
                os.kill(process, number)


class Standby(Breakable):
    """A copy of a server, made while that one works, and kept up to date by it."""

    def __init__(self, primary: Postgres, folder: Path) -> None:
        """Copy it. Raises RuntimeError."""
        self.tools, self.folder, self.data, self.log = primary.tools, folder, folder / "data", folder / "log"
        self.port = free_port()
        self._process = None
        folder.mkdir(parents=True)
        origin = ["-h", "127.0.0.1", "-p", str(primary.port), "-U", USER]
        self.run("pg_basebackup", *origin, "-D", str(self.data), "-R", "-c", "fast", "--no-sync")
        with (self.data / "postgresql.conf").open("a") as file:
            file.write(f"port = '{self.port}'\n")

    def promote(self) -> None:
        """Make it a primary. Raises RuntimeError."""
        self.run("pg_ctl", "promote", "-w", "-D", str(self.data))


@contextmanager
def replicated(folder: Path) -> Iterator[tuple[Breakable, Standby]]:
    """A primary that confirms nothing before its standby has it, and the standby; ended with the block."""
    primary = Breakable(folder / "primary")
    with ended(primary):
        primary.start()
        standby = Standby(primary, folder / "standby")
        with ended(standby):
            standby.start()
            primary.sql("ALTER SYSTEM SET synchronous_standby_names = '*'")
            primary.sql("SELECT pg_reload_conf()")
            yield primary, standby


@contextmanager
def ended(server: Breakable) -> Iterator[None]:
    """The server is killed at the end of the block, whatever it was in the middle of."""
    try:
        yield
    finally:
        server.kill()


def _family(process: int) -> list[int]:
    family = [process]
    with suppress(OSError):
        for child in Path(f"/proc/{process}/task/{process}/children").read_text("ascii").split():
            family += _family(int(child))
    return family
