"""A real server process on a data folder, and plain sockets that speak with it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from agenda.prove.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
DEADLINE = 30.0


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a process of ours, run from this tree."""
    path = os.pathsep.join(filter(None, [str(ROOT / "src"), os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PYTHONPATH": path, "NO_COLOR": "1", **(more or {})}


def agenda(*arguments: str) -> subprocess.CompletedProcess[str]:
    """One `agenda` command, run to its end."""
    return subprocess.run(
        [sys.executable, "-m", "agenda", *arguments],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def assert_sound(data: Path) -> None:
    """`doctor` and `audit verify` find nothing wrong with a data folder."""
    for command in (["doctor"], ["audit", "verify"]):
        done = agenda(*command, "--data", str(data), "--json")
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        json.loads(done.stdout)


class Server:
    """`agenda serve`; use it as a context, so that it never outlives its test."""

    def __init__(self, data: Path, more: Mapping[str, str] | None = None) -> None:
        """Start on a port of its own, with `more` in its environment; `ready()` waits until it answers."""
        self.port = free_port()
        self._out = data.parent / f"{data.name}.out"
        self._errors = data.parent / f"{data.name}.errors"
        with self._out.open("wb") as out, self._errors.open("wb") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "agenda", "serve", "--data", str(data), "--port", str(self.port)],
                env=environment(more),
                stdout=out,
                stderr=errors,
                stdin=subprocess.DEVNULL,
            )

    def ready(self) -> Self:
        """Return when the line that says so is on standard output; fails if the process ends instead."""
        end = time.monotonic() + DEADLINE
        while not self.is_ready():
            assert self.process.poll() is None, f"ended instead of starting: {self.said()}"
            assert time.monotonic() < end, f"not ready in time: {self.said()}"
            time.sleep(0.01)
        return self

    def is_ready(self) -> bool:
        """Whether the line that says so was written."""
        return b"\n" in self._out.read_bytes()

    def said(self) -> str:
        """All that it wrote so far, to standard output and to standard error."""
        return self._out.read_text(errors="replace") + self._errors.read_text(errors="replace")

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(DEADLINE)

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end; its exit status, or subprocess.TimeoutExpired."""
        self.process.send_signal(number)
        return self.process.wait(DEADLINE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        if self.process.poll() is None:
            self.kill()


class Caller:
    """One connection. ConnectionError when it is lost, TimeoutError when nothing comes for `DEADLINE`."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), DEADLINE)
        self._lines = self._socket.makefile("rb")
        self._id = 0

    def send(self, calls: Sequence[tuple[str, Mapping[str, Any]]]) -> list[int]:
        """Send requests in one piece; their ids."""
        first = self._id + 1
        self._id += len(calls)
        self._socket.sendall(
            b"".join(
                json.dumps({"jsonrpc": "2.0", "id": first + n, "method": method, "params": params}).encode() + b"\n"
                for n, (method, params) in enumerate(calls)
            )
        )
        return list(range(first, self._id + 1))

    def answers(self, count: int) -> Iterator[dict[str, Any]]:
        """The next answers as they come, in any order; notifications are left out."""
        while count:
            line = self._lines.readline()
            if not line.endswith(b"\n"):
                raise ConnectionResetError("the server closed the connection")
            answer: dict[str, Any] = json.loads(line)
            if answer.get("id") is not None:
                count -= 1
                yield answer

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """The answer to one request: an object with `result` or `error`."""
        self.send([(method, params)])
        return next(self.answers(1))

    def result(self, method: str, **params: Any) -> Any:
        """The result of a request that must succeed."""
        answer = self.call(method, **params)
        assert "result" in answer, answer
        return answer["result"]

    def close(self) -> None:
        self._lines.close()
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
