"""PostgreSQL for comparison: a real server, and pgbench writing a booking's four rows in one transaction."""

import contextlib
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from agenda.prove.postgres import USER as OWNER
from agenda.prove.postgres import NoPostgres, Postgres

HERE = Path(__file__).parent
SETTINGS = {
    "full_page_writes": "on",
    "max_connections": "400",
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


class Peer:
    """pgbench's tables in a database of their own on a running server, with `bookings` bookings in them.

    It comes through `host`, or else through the server's own socket, which is cheaper for both.
    """

    def __init__(self, server: Postgres, *, resources: int, bookings: int, host: str | None = None) -> None:
        self._server = server
        self._host = host or str(server.folder)
        self._counts = {"resources": resources, "bookings": bookings}
        self._round = 0
        server.sql("CREATE DATABASE pgbench")
        variables = [*self._variables("-v"), "-v", f"first={FIRST}", "-v", "ON_ERROR_STOP=1"]
        server.run("psql", *self._target, "-q", *variables, "-f", str(HERE / "pgbench.sql"), "pgbench")

    @property
    def _target(self) -> list[str]:
        return ["-h", self._host, "-p", str(self._server.port), "-U", OWNER]

    def _variables(self, option: str) -> list[str]:
        return [part for name, value in self._counts.items() for part in (option, f"{name}={value}")]

    def version(self) -> str:
        """As the server itself tells it."""
        return self._server.sql("SHOW server_version")

    def book(self, script: str, *, clients: int, seconds: int) -> Figures:
        """Run one of SCRIPTS; raises RuntimeError when pgbench fails."""
        path = self._server.folder / "script.sql"
        path.write_text(SCRIPTS[script])
        first = self._round * 10_000_000  # no two rounds write the same slot
        self._round += 1
        form = ["-n", "-M", "prepared", "-f", str(path), "-c", str(clients), "-j", "1", "-T", str(seconds)]
        variables = ["-D", f"n={first // clients}", "-D", f"clients={clients}", *self._variables("-D")]
        out = self._server.run("pgbench", *self._target, *form, *variables, "pgbench")
        failed = re.search(r"failed transactions: (\d+)", out)
        assert failed is None or failed[1] == "0", out
        return Figures(_number(r"tps = ([\d.]+)", out), _number(r"latency average = ([\d.]+)", out))


def _number(pattern: str, text: str) -> float:
    match = re.search(pattern, text)
    assert match, text
    return float(match[1])


@contextlib.contextmanager
def postgres(folder: Path) -> Iterator[Postgres | None]:
    """A server for the length of the block; None where PostgreSQL is not installed."""
    try:
        server = Postgres(folder, settings={**SETTINGS, "unix_socket_directories": str(folder)})
    except NoPostgres:
        yield None
        return
    server.start()
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)
