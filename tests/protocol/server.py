"""A real server process on a data folder of its own, started, stopped and killed by tests."""

import datetime as dt
import itertools
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Self
from zoneinfo import ZoneInfo

from agenda.prove.ports import free_port

from .peer import DEADLINE, Peer

ZONE = "America/Sao_Paulo"
_names = itertools.count(1)


class Server:
    """`agenda serve` on `data`, at `host` and a free port or, without a host, where it listens by default.

    With a `store` it is a node on that database instead. `options` and `environment` are added to the command as they
    are.
    """

    def __init__(
        self,
        data: Path,
        *,
        zone: str = ZONE,
        host: str | None = "127.0.0.1",
        store: str | None = None,
        options: tuple[str, ...] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.data, self.zone, self.options = data, ZoneInfo(zone), options
        self.database = store
        self.address = (host, free_port()) if host else ("localhost", 8888)
        self.listen = ("--host", host, "--port", str(self.address[1])) if host else ()
        self.lines: list[str] = []
        self.environment = {**os.environ, "TZ": zone, "PYTHONUNBUFFERED": "1", **(environment or {})}
        self._days = self._unused_days()
        self._news = threading.Condition()
        self._peers: list[Peer] = []

    # -- the process

    def command(self) -> list[str]:
        serve = (sys.executable, "-m", "agenda", "serve")
        store = ("--store", self.database) if self.database else ("--data", str(self.data))
        return [*serve, *store, *self.listen, *self.options]

    def launch(self) -> Self:
        """Starts the process without waiting for the port."""
        self.process = subprocess.Popen(
            self.command(),
            env=self.environment,
            text=True,
            encoding="utf-8",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self._talking = True
        self._pump = threading.Thread(target=self._read_console, args=(self.process,))
        self._pump.start()
        return self

    def start(self) -> Self:
        """Returns when the process has printed the address at which it answers."""
        seen = len(self.lines)
        self.launch()
        port = re.compile(rf"\b{self.address[1]}\b")
        with self._news:
            ready = self._news.wait_for(
                lambda: any(port.search(line) for line in self.lines[seen:]) or not self._talking, DEADLINE
            )
        if not ready or self.process.poll() is not None:
            self.kill()
            raise AssertionError("the server did not start:\n" + "\n".join(self.lines[seen:]))
        return self

    def stop(self) -> int:
        """SIGTERM; returns the exit status."""
        return self._end(signal.SIGTERM)

    def kill(self) -> int:
        return self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> int:
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            return self.process.wait(DEADLINE)
        finally:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()
            self._pump.join()
            if self.process.stdout:
                self.process.stdout.close()

    def wait_for_exit(self) -> int:
        """For a process that must end by itself; returns its exit status."""
        try:
            return self.process.wait(DEADLINE)
        finally:
            self.kill()

    def close(self) -> None:
        for peer in self._peers:
            peer.close()
        self.stop()

    def _read_console(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            with self._news:
                self.lines.append(line.rstrip())
                self._news.notify_all()
        with self._news:
            self._talking = False
            self._news.notify_all()

    def resident_bytes(self) -> int:
        """Memory that the process holds now."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"^VmRSS:\s+(\d+) kB$", status, re.MULTILINE)
        assert found
        return int(found[1]) * 1024

    # -- who connects

    def peer(self, source: str | None = None) -> Peer:
        """A new connection, closed when the server is."""
        peer = Peer(self.address, source=source)
        self._peers.append(peer)
        return peer

    def customer(self, name: str | None = None, *, language: str = "pt-BR") -> Peer:
        """A connection signed in as a user made for it."""
        return self.peer().sign_up(name or unused_name(), language=language)

    def again(self, peer: Peer) -> Peer:
        """Another connection with the same token."""
        other = self.peer()
        other.call("session.resume", token=peer.token)
        other.user, other.password, other.token = peer.user, peer.password, peer.token
        return other

    # -- when

    def day(self) -> str:
        """A day on which no test has booked anything."""
        return next(self._days).isoformat()

    def today(self) -> dt.date:
        return dt.datetime.now(self.zone).date()

    def at(self, day: str, hour: int, minute: int = 0) -> str:
        """A wall time of the business, as the server writes it."""
        date = dt.date.fromisoformat(day)
        return dt.datetime.combine(date, dt.time(hour, minute), self.zone).isoformat()

    def _unused_days(self) -> Iterator[dt.date]:
        first = self.today() + dt.timedelta(days=3)
        return (first + dt.timedelta(days=n) for n in range(1000))


def unused_name() -> str:
    return f"Pessoa {next(_names)} de {os.getpid()}"
