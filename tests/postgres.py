"""A real PostgreSQL for the tests of one process, with a database of its own for each test that asks for one."""

import atexit
import hashlib
import shutil
import tempfile
from functools import cache
from pathlib import Path

from agenda.prove.postgres import Postgres


@cache
def server() -> Postgres:
    """Started when the first test needs it, stopped when the process ends."""
    folder = Path(tempfile.mkdtemp(prefix="agenda-postgres-"))
    it = Postgres(folder)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    atexit.register(it.kill)
    it.start()
    return it


@cache
def database_of(folder: Path) -> str:
    """The address of the database that stands for a folder; it is made when it is first asked for."""
    name = "t" + hashlib.sha256(str(folder).encode()).hexdigest()[:16]
    server().sql(f"CREATE DATABASE {name}")
    return server().url_of(name)
