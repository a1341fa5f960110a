"""Two databases with the settings that are shipped, and one etcd, on loopback addresses of this machine."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
import yaml

from agenda.prove.ports import free_port
from agenda.prove.postgres import packaged
from agenda.prove.prefixes import not_as_root
from tests.deploy.shipped import CONTAINER, read
from tests.ha.etcd import program as etcd_program

PATIENCE = 60.0
PASSWORDS = {
    "AGENDA_DATABASE_PASSWORD": "for the nodes",
    "PATRONI_SUPERUSER_PASSWORD": "for patroni",
    "PATRONI_REPLICATION_PASSWORD": "for standbys",
    "PATRONI_REWIND_PASSWORD": "for rewinding",
}


def settings(folder: Path, address: str, port: int, etcd: str) -> dict[str, Any]:
    """The shipped settings with other places: addresses, folders, and where PostgreSQL's programs are."""
    shipped = read(CONTAINER / "patroni.yml")
    shipped["restapi"]["listen"] = f"{address}:{port + 1}"
    shipped["etcd3"]["hosts"] = [etcd]
    shipped["postgresql"] |= {
        "listen": f"{address}:{port}",
        "data_dir": str(folder / "data"),
        "bin_dir": str(packaged()),
        "pgpass": str(folder / "pgpass"),
    }
    shipped["postgresql"]["parameters"]["unix_socket_directories"] = str(folder)
    return shipped


def environment(name: str, address: str, port: int, archive: Path) -> dict[str, str]:
    """What compose.ha.yaml gives a database, and where the programs of its image are here."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(("PG", "PATRONI_"))}
    return {
        **inherited,
        **PASSWORDS,
        "PATH": f"{CONTAINER}:{packaged()}:/usr/bin:/bin",
        "AGENDA_WAL_ARCHIVE": str(archive),
        "PATRONI_NAME": name,
        "PATRONI_POSTGRESQL_CONNECT_ADDRESS": f"{address}:{port}",
        "PATRONI_RESTAPI_CONNECT_ADDRESS": f"{address}:{port + 1}",
    }


class Cluster:
    """Running within `with`; `hosts` is the part of a URL that names both databases."""

    def __init__(self, folder: Path) -> None:
        self.archive = folder / "archive"
        self.folder = folder
        self._port = free_port()
        self.etcd = f"127.0.0.1:{free_port()}"
        self._addresses = {"database1": "127.0.0.11", "database2": "127.0.0.12"}
        self._processes: list[subprocess.Popen[bytes]] = []

    @property
    def hosts(self) -> str:
        return ",".join(f"{address}:{self._port}" for address in self._addresses.values())

    def start(self) -> None:
        """Return when a commit is confirmed by both. Raises TimeoutError with what the databases said."""
        self.archive.mkdir()
        peers = f"http://127.0.0.1:{free_port()}"
        listening = (f"--listen-client-urls=http://{self.etcd}", f"--advertise-client-urls=http://{self.etcd}")
        command = [str(etcd_program()), "--data-dir=etcd", *listening, f"--listen-peer-urls={peers}"]
        self._start(command, "etcd", dict(os.environ))
        for name, address in self._addresses.items():
            place = self.folder / name
            place.mkdir()
            file = place / "patroni.yml"
            file.write_text(yaml.safe_dump(settings(place, address, self._port, self.etcd)), "utf-8")
            command = [*not_as_root(), sys.executable, "-m", "patroni", str(file)]
            self._start(command, name, environment(name, address, self._port, self.archive))
        deadline = time.monotonic() + PATIENCE
        while not self._is_synchronous():
            if time.monotonic() > deadline:
                logs = [path.read_text(errors="replace")[-2000:] for path in self.folder.glob("*.log")]
                raise TimeoutError("\n".join(logs))
            time.sleep(0.2)

    def connect(self, user: str, password: str, database: str) -> psycopg.Connection:
        """A connection to whichever is the primary, as a node has it."""
        hosts = f"postgresql://{user}@{self.hosts}/{database}?target_session_attrs=read-write"
        return psycopg.connect(hosts, password=PASSWORDS[password], connect_timeout=5, autocommit=True)

    def surroundings(self) -> dict[str, str]:
        """What the administrator's shell knows of it."""
        file = self.folder / "pgpass"
        file.touch(mode=0o600)
        users = {"replicator": "PATRONI_REPLICATION_PASSWORD", "postgres": "PATRONI_SUPERUSER_PASSWORD"}
        file.write_text("".join(f"*:*:*:{user}:{PASSWORDS[name]}\n" for user, name in users.items()))
        return {
            "PGHOST": ",".join(self._addresses.values()),
            "PGPORT": str(self._port),
            "PGUSER": "postgres",
            "PGPASSFILE": str(file),
            "PGTARGETSESSIONATTRS": "read-write",
            "AGENDA_WAL_ARCHIVE": str(self.archive),
            "PATH": f"{packaged()}:{os.environ['PATH']}",
        }

    def finish_log(self) -> None:
        """Begin a new file of the log, and return when the old one is kept. Raises TimeoutError."""
        with self.connect("postgres", "PATRONI_SUPERUSER_PASSWORD", "postgres") as connection:
            row = connection.execute("SELECT pg_walfile_name(pg_switch_wal())").fetchone()
        deadline = time.monotonic() + PATIENCE
        while row and not (self.archive / row[0]).exists():
            if time.monotonic() > deadline:
                raise TimeoutError(row[0])
            time.sleep(0.1)

    def stop(self) -> None:
        for process in reversed(self._processes):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
        for process in reversed(self._processes):
            with suppress(subprocess.TimeoutExpired):
                process.wait(20)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _start(self, command: list[str], name: str, variables: dict[str, str]) -> None:
        with (self.folder / f"{name}.log").open("wb") as log:
            self._processes.append(
                subprocess.Popen(
                    command, cwd=self.folder, env=variables, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                    start_new_session=True,
                )
            )  # fmt: skip

    def _is_synchronous(self) -> bool:
        try:
            with self.connect("postgres", "PATRONI_SUPERUSER_PASSWORD", "postgres") as connection:
                row = connection.execute(
                    "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'"
                ).fetchone()
                return row == (1,)
        except psycopg.OperationalError:
            return False


@contextmanager
def running(folder: Path) -> Iterator[Cluster]:
    """The cluster, stopped at the end of the block."""
    cluster = Cluster(folder)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()
