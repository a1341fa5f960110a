"""A shell that runs `agenda`, and a server for it to speak with."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from agenda.cli.app import run
from tests.certificates import self_signed
from tests.protocol.peer import DEADLINE
from tests.protocol.server import ZONE, Server, unused_name

PASSWORD = "correct horse"


@dataclass(frozen=True)
class Result:
    """What a command left behind."""

    status: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """Standard output as the one JSON document that it must be."""
        return json.loads(self.out)


class Shell:
    """Runs `agenda` without a terminal, in English unless told otherwise, with a home of its own."""

    def __init__(self, home: Path, **environment: str) -> None:
        outer = {name: value for name, value in os.environ.items() if not name.startswith("AGENDA_")}
        inner = {"XDG_STATE_HOME": str(home), "XDG_DATA_HOME": str(home), "TZ": ZONE, "AGENDA_LANGUAGE": "en"}
        self.environment = {**outer, **inner, "PYTHONUTF8": "1", **environment}

    def command(self, *args: str) -> list[str]:
        return [sys.executable, "-m", "agenda", *args]

    def run(self, *args: str, typed: str = "", **environment: str) -> Result:
        """Run a command within this process, which takes a tenth of the time of a new one."""
        out, err = io.StringIO(), io.StringIO()
        with (
            patch.dict(os.environ, self.environment | environment, clear=True),
            patch.object(sys, "stdin", io.StringIO(typed)),
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            status = run(list(args))
        return Result(status, out.getvalue(), err.getvalue())

    def spawn(self, *args: str, **environment: str) -> Result:
        """Run a command as a process of its own."""
        done = subprocess.run(
            self.command(*args),
            env=self.environment | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            encoding="utf-8",
            timeout=DEADLINE,
        )
        return Result(done.returncode, done.stdout, done.stderr)

    def __call__(self, *args: str, **environment: str) -> str:
        """Run a command that must succeed; its output."""
        result = self.run(*args, **environment)
        assert result.status == 0, result.err + result.out
        return result.out

    def document(self, *args: str, **environment: str) -> Any:
        """The document of a command that must succeed."""
        return json.loads(self(*args, "--json", **environment))


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A shell whose commands find no server unless they are given one."""
    return Shell(tmp_path / "home", AGENDA_SERVER="127.0.0.1:9")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server for one module's tests; users and days are each test's own."""
    server = Server(tmp_path_factory.mktemp("agenda") / "data").start()
    yield server
    server.close()


@pytest.fixture
def maria(server: Server, tmp_path: Path) -> Shell:
    """The shell of somebody who has an account and is signed in for good."""
    host, port = server.address
    name = unused_name()
    shell = Shell(tmp_path / "home", AGENDA_SERVER=f"{host}:{port}", AGENDA_USER=name, AGENDA_DATA=str(server.data))
    shell("login", "--create", AGENDA_PASSWORD=PASSWORD)
    return shell


@pytest.fixture
def day(server: Server) -> str:
    """A day on which nobody has booked anything."""
    return server.day()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for this machine's loopback that nobody vouches for, and its key."""
    return self_signed(tmp_path_factory.mktemp("tls"), "IP:127.0.0.1")
