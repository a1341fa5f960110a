"""PostgreSQL for comparison: a real server, and pgbench writing a booking's four rows in one transaction."""

import contextlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.processes import LOAD_CORE, SERVER_CORE, free_port, on_core

HERE = Path(__file__).parent
SETTINGS = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "listen_addresses": "",
    "max_connections": "300",
    "shared_buffers": "512MB",
    "max_wal_size": "4GB",
}
FIRST = 1_798_790_400
"""08:00 UTC of the first day, in seconds."""
STEPS = f"""\
\\set n :n + 1
\\set number :bookings + :n * :clients + :client_id
\\set hour :number / :resources
\\set start {FIRST} + (:hour / 12) * 86400 + (:hour % 12) * 3600
\\set end :start + 3600
\\set id 1000000000000000 + :number
\\set resource 1000000000000000 + :number % :resources
\\set user 1000000000000000 + :client_id
\\set chosen random(1000000000000000, 9999999999999999)
"""
# An id is 32 digits: its kind, then its number. Values are kept as cheap to compute as they can be.
BOOKING, RESOURCE, USER = (
    f"('{kind}' || :{name})::uuid"
    for kind, name in (
        ("0000000000000003", "id"),
        ("0000000000000001", "resource"),
        ("0000000000000004", "user"),
    )
)
STARTS, ENDS = "to_timestamp(:start)", "to_timestamp(:end)"
ONE, DIGEST, SALT = (f"'{'0' * 31}1'", f"'\\x{'5a' * 32}'", f"'\\x{'a5' * 16}'")
VALUES = {
    "booking": f"(:number, {BOOKING}, {RESOURCE}, {ONE}, {USER}, {STARTS}, {ENDS}, 'booked', now(),"
    " '2027-01-01T08:00', 'America/Sao_Paulo', 1, NULL)",
    "claim": f"({RESOURCE}, 1, {STARTS}, {ENDS}, {BOOKING})",
    "request": f"({USER}, :id || '-' || :chosen, {DIGEST}, :id, now())",
    "audit": f"(1, nextval('seq'), now(), {USER}, 'booking.create', 'ok', {BOOKING}, {RESOURCE}, {STARTS}, {ENDS},"
    f" NULL, {SALT}, {DIGEST}, {DIGEST})",
}
INSERTS = [f"INSERT INTO {table} VALUES {values}" for table, values in VALUES.items()]  # noqa: S608 - our own text
SCRIPTS = {
    "four statements": STEPS + "BEGIN;\n" + "".join(f"{insert};\n" for insert in INSERTS) + "END;\n",
    "one statement": STEPS
    + "WITH "
    + ", ".join(f"w{number} AS ({insert})" for number, insert in enumerate(INSERTS[:-1]))
    + f" {INSERTS[-1]};\n",
}
"""The four rows as most applications write them, and in the fewest round trips that PostgreSQL allows."""


@dataclass(frozen=True)
class Figures:
    """What pgbench reported: bookings per second and mean latency in milliseconds."""

    per_second: float
    latency: float


def binaries() -> Path | None:
    """The folder of the newest PostgreSQL on this machine; None where there is none."""
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/pgbench")]
    on_path = shutil.which("pgbench")
    if on_path and shutil.which("initdb"):
        found.append(Path(on_path).resolve().parent)
    return max(found, key=lambda path: [int(n) for n in re.findall(r"\d+", str(path))], default=None)


class Postgres:
    """A running server in a folder of its own, with the tables and `bookings` bookings in it."""

    def __init__(self, tools: Path, folder: Path, *, resources: int, bookings: int) -> None:
        self._tools = tools
        self._folder = folder
        self._counts = {"resources": resources, "bookings": bookings}
        self._round = 0
        self._port = free_port()
        self._run("initdb", "-D", self._data, "-U", "bench", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C")
        with (folder / "data" / "postgresql.conf").open("a") as settings:
            settings.writelines(f"{name} = '{value}'\n" for name, value in SETTINGS.items())
        self._start()
        self._run(
            "psql",
            *self._target,
            "-q",
            "-v",
            "ON_ERROR_STOP=1",
            *self._variables("-v"),
            "-v",
            f"first={FIRST}",
            "-f",
            str(HERE / "pgbench.sql"),
            "postgres",
        )

    @property
    def _data(self) -> str:
        return str(self._folder / "data")

    @property
    def _target(self) -> list[str]:
        return ["-h", str(self._folder), "-p", str(self._port), "-U", "bench"]

    def _variables(self, option: str) -> list[str]:
        return [part for name, value in self._counts.items() for part in (option, f"{name}={value}")]

    def _start(self) -> None:
        with on_core(SERVER_CORE):
            self._run(
                "pg_ctl",
                "-D",
                self._data,
                "-w",
                "-l",
                str(self._folder / "log"),
                "-o",
                f"-p {self._port} -k {self._folder}",
                "start",
            )

    def version(self) -> str:
        """As the server itself tells it."""
        return self._run("psql", *self._target, "-At", "-c", "SHOW server_version", "postgres").strip()

    def book(self, script: str, *, clients: int, seconds: int) -> Figures:
        """Run one of SCRIPTS; raises CalledProcessError when a transaction fails."""
        path = self._folder / "script.sql"
        path.write_text(SCRIPTS[script])
        first = self._round * 10_000_000  # no two rounds write the same slot
        self._round += 1
        with on_core(LOAD_CORE):
            out = self._run(
                "pgbench",
                *self._target,
                "-n",
                "-M",
                "prepared",
                "-f",
                str(path),
                "-c",
                str(clients),
                "-j",
                "1",
                "-T",
                str(seconds),
                "-D",
                f"n={first // clients}",
                "-D",
                f"clients={clients}",
                *self._variables("-D"),
                "postgres",
            )
        failed = re.search(r"failed transactions: (\d+)", out)
        assert failed is None or failed[1] == "0", out
        return Figures(_number(r"tps = ([\d.]+)", out), _number(r"latency average = ([\d.]+)", out))

    def stop(self) -> None:
        self._run("pg_ctl", "-D", self._data, "-w", "-m", "fast", "stop")

    def _run(self, tool: str, *arguments: str) -> str:
        command = [*_not_as_root(), str(self._tools / tool), *arguments]
        result = subprocess.run(
            command,
            check=False,
            text=True,
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        if result.returncode:
            raise RuntimeError(f"{tool} failed: {result.stdout[-2000:]}")
        return result.stdout


def _not_as_root() -> Sequence[str]:
    """What goes before a command: PostgreSQL refuses to run as root, so it sees another user id."""
    return ["unshare", "-U", "--map-user=65534", "--map-group=65534"] if os.geteuid() == 0 else []


def _number(pattern: str, text: str) -> float:
    match = re.search(pattern, text)
    assert match, text
    return float(match[1])


@contextlib.contextmanager
def postgres(*, resources: int, bookings: int) -> Iterator[Postgres | None]:
    """A server for the length of the block; None where PostgreSQL is not installed."""
    tools = binaries()
    if tools is None:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="agenda-bench-pg-") as folder:
        server = Postgres(tools, Path(folder), resources=resources, bookings=bookings)
        try:
            yield server
        finally:
            server.stop()
