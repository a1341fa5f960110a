"""What a server is told at its start; everything has a default that suits one desk."""

import os
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from platformdirs import user_data_path
from tzlocal import get_localzone_name

DEFAULT_HOST = "localhost"
DEFAULT_PORT = 8888


def default_data_folder() -> Path:
    """Where this platform keeps the data of programs: `~/.local/share/agenda` on Linux."""
    return user_data_path("agenda", appauthor=False)


def machine_zone() -> str:
    """The IANA name of the machine's time zone, which is the one in TZ where that names one."""
    name = os.environ.get("TZ", "").removeprefix(":")
    try:
        return ZoneInfo(name).key
    except (ValueError, OSError, ZoneInfoNotFoundError):  # tzlocal knows more spellings, but not every zone
        return get_localzone_name()


@dataclass(frozen=True, slots=True)
class Settings:
    """`certificate` and `key` are PEM files, both or none; `language` is that of the console and of a new business.

    `monitor` is the host and port where probes are answered, if anywhere; `drain` is for how many seconds the server
    goes on after it was told to stop, so that clients are sent elsewhere. `store` is the address of a PostgreSQL
    database, for a node among many; without one the agenda is kept in the folder `data`. `proxies` are the networks
    from which connections say for whom they come. `clock_offset` puts the server's clock wrong on purpose.
    """

    data: Path = field(default_factory=default_data_folder)
    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    certificate: Path | None = None
    key: Path | None = None
    insecure: bool = False
    language: str = "pt-BR"
    monitor: tuple[str, int] | None = None
    drain: int = 0
    store: str | None = None
    proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    clock_offset: timedelta = timedelta()
