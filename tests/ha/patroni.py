"""The settings of a Patroni member, with the reason for each that matters."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex
from typing import Any

from agenda.prove.postgres import packaged
from tests.ha.machine import Machine
from tests.ha.network import CLIENTS, CLUSTER, SUBNETS

REST_PORT = 8008
POSTGRES_PORT = 5432
TIME_TO_LIVE = 20  # seconds without a word from the primary until another takes over; Patroni takes no less


def _password() -> str:
    return token_hex(16)


@dataclass(frozen=True)
class Passwords:
    """Made up for one run."""

    superuser: str = field(default_factory=_password)
    replication: str = field(default_factory=_password)
    rewind: str = field(default_factory=_password)
    agenda: str = field(default_factory=_password)


POSTGRES = {
    "max_connections": 100,
    "shared_buffers": "128MB",
    "synchronous_commit": "on",
    "wal_keep_size": "256MB",
    "wal_log_hints": "on",  # pg_rewind needs it where checksums are off
    # A standby looks for the new primary every half second instead of every five.
    "wal_retrieve_retry_interval": "500ms",
    # A lost peer is noticed in seconds.
    "wal_sender_timeout": "5s",
    "wal_receiver_timeout": "5s",
    "tcp_keepalives_idle": 5,
    "tcp_keepalives_interval": 2,
    "tcp_keepalives_count": 2,
    "tcp_user_timeout": 5000,
    # Shared memory lies in the data folder and goes with it, also after SIGKILL.
    "dynamic_shared_memory_type": "mmap",
    "log_lock_waits": "on",
    "log_line_prefix": "%m [%p] %a ",
}

AGREED = {
    "ttl": TIME_TO_LIVE,
    "loop_wait": 2,
    "retry_timeout": 3,
    "synchronous_mode": True,
    "synchronous_mode_strict": True,  # without a standby commits wait; they are never confirmed by one machine alone
    "synchronous_node_count": 1,
    "primary_start_timeout": 0,  # a dead postmaster means another primary at once, not a restart in place
    "postgresql": {"use_pg_rewind": True, "use_slots": True, "parameters": POSTGRES},
}
"""What all members agree on; it lies in etcd."""

# Patroni asks its own server over a replication connection: without the second line a replica never comes back.
WHO_MAY_CONNECT = [
    "host all all 127.0.0.1/32 scram-sha-256",
    "host replication replicator 127.0.0.1/32 scram-sha-256",
    f"host replication replicator {SUBNETS[CLUSTER]}.0/24 scram-sha-256",
    f"host all all {SUBNETS[CLUSTER]}.0/24 scram-sha-256",
    f"host agenda agenda {SUBNETS[CLIENTS]}.0/24 scram-sha-256",
]


def settings(machine: Machine, folder: Path, etcd: Sequence[str], passwords: Passwords) -> dict[str, Any]:
    """The settings of the member on `machine`, all of whose files are in `folder`; `etcd` are host:port."""
    own = machine.addresses[CLUSTER]
    return {
        "scope": "agenda",
        "name": machine.name,
        "restapi": {"listen": f"0.0.0.0:{REST_PORT}", "connect_address": f"{own}:{REST_PORT}"},
        "etcd3": {"hosts": list(etcd)},
        "bootstrap": {"dcs": AGREED, "initdb": [{"encoding": "UTF8"}, {"locale": "C"}, "data-checksums"]},
        "postgresql": {
            "listen": f"127.0.0.1,{own},{machine.addresses[CLIENTS]}:{POSTGRES_PORT}",
            "connect_address": f"{own}:{POSTGRES_PORT}",
            "data_dir": str(folder / "data"),
            "bin_dir": str(packaged()),
            "pgpass": str(folder / "pgpass"),
            "authentication": {
                "superuser": {"username": "postgres", "password": passwords.superuser},
                "replication": {"username": "replicator", "password": passwords.replication},
                "rewind": {"username": "rewinder", "password": passwords.rewind},
            },
            "parameters": {"unix_socket_directories": ""},
            "pg_hba": WHO_MAY_CONNECT,
        },
        "watchdog": {"mode": "off"},
    }
