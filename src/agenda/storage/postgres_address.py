"""The address of a PostgreSQL database: with our defaults, without its secrets, taken apart by host."""

import os
from typing import Any, Final
from urllib.parse import quote

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import Conninfo

from agenda.storage.errors import StoreAddress

# What the address may change. Several hosts are tried in turn; the one that takes writes is the primary.
DEFAULTS: Final[dict[str, str]] = {
    "connect_timeout": "3",
    "target_session_attrs": "read-write",
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "3",
    "tcp_user_timeout": "10000",
    "application_name": "agenda",
}
UNKNOWN: Final = "postgresql"
PORT: Final = "5432"


def full_address(url: str) -> str:
    """The address with our defaults for what it leaves open. Raises StoreAddress if it is not one."""
    return make_conninfo("", **{**DEFAULTS, **_parts(url)})


def each_host(url: str) -> list[str]:
    """One address for each of several hosts, in their order; none if there is but one. Raises StoreAddress."""
    parts = _open_to_libpq(_parts(url))
    places = _places(parts)
    if len(places) == 1:
        return []
    # Numeric addresses beside the names are one for each host, too.
    numeric = str(parts["hostaddr"]).split(",") if "hostaddr" in parts else [None] * len(places)
    return [
        make_conninfo("", **{**parts, "host": host, "port": port, "hostaddr": address})
        for (host, port), address in zip(places, numeric, strict=True)
    ]


def shown(url: str) -> str:
    """The address without what is secret, for logs and for the operator; no host is this machine's usual socket."""
    try:
        parts = _open_to_libpq(_parts(url))
    except StoreAddress:
        return UNKNOWN
    places = ",".join(_place(host, port) for host, port in _places(parts))
    user = f"{quote(parts['user'])}@" if parts.get("user") else ""
    return f"postgresql://{user}{places}/{parts.get('dbname') or ''}"


def _place(host: str, port: str) -> str:
    if not host:
        return "" if port == PORT else f":{port}"
    name = f"[{host}]" if ":" in host else quote(host, safe="")  # a socket's folder has slashes
    return f"{name}:{port}"


def _parts(url: str) -> dict[str, Any]:
    """What the address says, by libpq's names.

    Raises StoreAddress, without the driver's words: they may hold a part of a password. So may host, port and database
    if a character of the password should have been written as %XX; then it is no address.
    """
    try:
        parts = conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        raise StoreAddress(UNKNOWN) from None
    names = f"{parts.get('host') or ''}{parts.get('dbname') or ''}"
    ports = str(parts.get("port") or "").split(",")
    if "@" in names or not all(port.isdecimal() or not port for port in ports):
        raise StoreAddress(UNKNOWN)
    return parts


def _open_to_libpq(parts: dict[str, Any]) -> dict[str, Any]:
    """The parts that say where, those among them that libpq takes from PGHOST and its like; a service is its own."""
    if "service" in parts:
        return parts
    known = {option.keyword.decode(): option.val.decode() for option in Conninfo.get_defaults() if option.val}
    meant = {name: known[name] for name in known.keys() & {"host", "hostaddr", "port", "dbname"}}
    if os.environ.get("PGUSER"):  # else it is the system's user, of whom nothing is said
        meant["user"] = os.environ["PGUSER"]
    return {"dbname": parts.get("user") or known.get("user"), **meant, **parts}


def _places(parts: dict[str, Any]) -> list[tuple[str, str]]:
    """Host and port of each, the host "" where none is named."""
    hosts = str(parts.get("host") or parts.get("hostaddr") or "").split(",")
    ports = [port or PORT for port in str(parts.get("port") or "").split(",")]
    return [(host, ports[min(n, len(ports) - 1)]) for n, host in enumerate(hosts)]
