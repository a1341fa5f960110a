"""A server of one's own for a demonstration: a free port, data in a folder that is thrown away."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from agenda.cli.exits import Failure, Status
from agenda.texts import Texts

START_SECONDS = 30.0
STOP_SECONDS = 10.0
LOOK_SECONDS = 0.05


@contextmanager
def own_server(t: Texts) -> Iterator[int]:
    """Start it and give the port once it answers; it is stopped and its data deleted when the block ends."""
    with TemporaryDirectory(prefix="agenda-demo-", ignore_cleanup_errors=True) as data:
        port = _free_port()
        log = Path(data) / "server.txt"
        with log.open("wb") as output:
            command = [sys.executable, "-m", "agenda", "serve", "--data", f"{data}/data", "--port", str(port)]
            process = subprocess.Popen(
                command, env=_environment(t), stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
        try:
            _wait(process, port, log, t)
            yield port
        finally:
            _stop(process)


def _environment(t: Texts) -> dict[str, str]:
    """This process's, without what it says about the user's own server: its address, its certificate."""
    outer = {name: value for name, value in os.environ.items() if not name.startswith("AGENDA_")}
    return outer | {"AGENDA_LANGUAGE": t.language}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(process: subprocess.Popen[bytes], port: int, log: Path, t: Texts) -> None:
    """Return when the port answers; a server that ends, or does not answer in time, is a failure with its own words."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(LOOK_SECONDS)
        else:
            return
    said = log.read_text("utf-8", "replace").strip()
    raise Failure(Status.NO_SERVER, "no_server", t("cli.demo.no_start", said=said))


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
