"""A run: a name and a folder nobody else has, and the clearing up after it, also when it died without doing so."""

import fcntl
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.ha.machine import NAMESPACES, end_all_in

PREFIX = "agenda-ha-"
ALIVE = "alive"
"""A file in the folder of a run, locked for as long as the process that runs it lives."""


@dataclass(frozen=True)
class Run:
    """The namespaces of a run are named after it; all its files are in its folder."""

    name: str
    folder: Path


@contextmanager
def a_run() -> Iterator[Run]:
    """A new run; at its end, and first for every run that died, its processes, namespaces and files are removed."""
    temporary = Path(tempfile.gettempdir())
    with (temporary / f"{PREFIX}runs.lock").open("a") as one_at_a_time:
        fcntl.flock(one_at_a_time, fcntl.LOCK_EX)
        for left_over in temporary.glob(f"{PREFIX}*/{ALIVE}"):
            _clear_if_dead(left_over)
        folder = Path(tempfile.mkdtemp(prefix=PREFIX))
        alive = (folder / ALIVE).open("a")
        fcntl.flock(alive, fcntl.LOCK_EX)
    with alive:
        try:
            yield Run(folder.name, folder)
        finally:
            _clear(folder)


def _clear_if_dead(alive: Path) -> None:
    with alive.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        _clear(alive.parent)


def _clear(folder: Path) -> None:
    namespaces = [path.name for path in NAMESPACES.glob(f"{folder.name}-*")]
    for namespace in namespaces:
        end_all_in(namespace)
    for namespace in namespaces:
        subprocess.run(["ip", "netns", "delete", namespace], check=True, timeout=30)
    shutil.rmtree(folder)
