"""Start and stop the servers that are measured, each pinned to the servers' core."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self

from agenda.prove.ports import free_port

SERVER_CORE = 0
LOAD_CORE = 1
ROOT = Path(__file__).resolve().parent.parent


def two_cores() -> bool:
    """Whether server and load can have a core each."""
    return {SERVER_CORE, LOAD_CORE} <= os.sched_getaffinity(0)


@contextlib.contextmanager
def on_core(core: int) -> Iterator[None]:
    """Run the block, and every process started in it, on one core."""
    before = os.sched_getaffinity(0)
    if two_cores():
        os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


class Server:
    """A server process that prints one line on standard output when its port answers."""

    def __init__(self, name: str, command: Sequence[str], port: int, log: Path, *, pinned: bool = True) -> None:
        """Start `command` and return when it is ready; raises RuntimeError with its errors if it ends first.

        It has the servers' core if it is `pinned`, else all there are. Standard output goes to `log`, errors to a file
        beside it: the server never waits for a reader.
        """
        self.name = name
        self.port = port
        errors = log.with_suffix(".errors")
        started = time.perf_counter()
        core = on_core(SERVER_CORE) if pinned else contextlib.nullcontext()
        with core, log.open("wb") as out, errors.open("ab") as err:
            self.process = subprocess.Popen(command, stdout=out, stderr=err, cwd=ROOT, env=environment())
        while b"\n" not in log.read_bytes():
            if self.process.poll() is not None:
                raise RuntimeError(f"{name} did not start: {errors.read_text(errors='replace')[-2000:]}")
            time.sleep(0.002)
        self.ready_seconds = time.perf_counter() - started

    def resident_bytes(self) -> int:
        """What the process holds in memory now."""
        pages = Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    def cpu_seconds(self) -> float:
        """Processor time that the process has used so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self) -> None:
        """Ask it to end; kill it if it has not after 10 seconds."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()


def environment() -> dict[str, str]:
    """The environment of measured processes: our source tree, no terminal."""
    path = os.pathsep.join(filter(None, [str(ROOT / "src"), str(ROOT), os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PYTHONPATH": path, "NO_COLOR": "1"}


def agenda(folder: Path, *options: str) -> Server:
    """Our server on a data folder."""
    port = free_port()
    command = [sys.executable, "-m", "agenda", "serve", "--data", str(folder), "--port", str(port), *options]
    return Server("agenda", command, port, folder.parent / f"{folder.name}.log")


def node(store: str, log: Path, program: Sequence[str] = ("-m", "agenda")) -> Server:
    """One of our servers on a PostgreSQL database, beside others on all cores."""
    port = free_port()
    command = [sys.executable, *program, "serve", "--store", store, "--port", str(port)]
    return Server("node", command, port, log, pinned=False)


def peer(module: str, *arguments: str, log: Path) -> Server:
    """A peer written as a module of this package; it takes the port as its first argument."""
    port = free_port()
    return Server(module, [sys.executable, "-m", f"bench.{module}", str(port), *arguments], port, log)


def run_agenda(*arguments: str) -> str:
    """Standard output of one `agenda` command; raises CalledProcessError."""
    return subprocess.run(
        [sys.executable, "-m", "agenda", *arguments],
        check=True,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=environment(),
    ).stdout
