"""A command at a terminal, with somebody who reads and types."""

import os
import pty
import select
import subprocess
import time
from types import TracebackType
from typing import Self

from .conftest import Shell

PATIENCE = 30.0


class Session:
    """Runs a command on a terminal of its own; `text` is all that stood on it so far."""

    def __init__(self, shell: Shell, *args: str, **environment: str) -> None:
        self._master, slave = pty.openpty()
        self.text = ""
        self.process = subprocess.Popen(
            shell.command(*args),
            env=shell.environment | {"TERM": "xterm-256color", "COLUMNS": "100", **environment},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._master)

    def expect(self, words: str) -> None:
        """Read until these words stand on the terminal."""
        deadline = time.monotonic() + PATIENCE
        while words not in self.text:
            assert time.monotonic() < deadline, f"{words!r} did not come: {self.text!r}"
            assert self._read(), f"{words!r} did not come before the end: {self.text!r}"

    def type(self, line: str) -> None:
        os.write(self._master, line.encode() + b"\n")

    def end(self) -> int:
        """Read all; the exit status."""
        while self._read():
            pass
        return self.process.wait(PATIENCE)

    def _read(self) -> bool:
        """Read some; False at the end."""
        if not select.select([self._master], [], [], PATIENCE)[0]:
            return False
        try:
            some = os.read(self._master, 65536)
        except OSError:  # what Linux says when nobody holds the other side any more
            return False
        self.text += some.decode("utf-8", "replace")
        return bool(some)
