"""On what a measurement was made."""

import datetime as dt
import os
import platform
import sqlite3
from pathlib import Path


def facts() -> dict[str, object]:
    """Cores, processor, memory, system and the versions that matter; nothing that names the machine."""
    return {
        "day": dt.datetime.now().astimezone().date().isoformat(),
        "cores": os.cpu_count(),
        "processor": _after("/proc/cpuinfo", "model name"),
        "memory_gib": round(int(_after("/proc/meminfo", "MemTotal").split()[0]) / 2**20),
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "load_before": round(os.getloadavg()[0], 1),
    }


def _after(path: str, name: str) -> str:
    lines = Path(path).read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), "0")
