"""A virtual display, and windows on it that are driven by real key strokes."""

import json
import os
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

DEADLINE = 60.0
OBSERVED = Path(__file__).with_name("observed.py")


class Display:
    """An X server of its own, on a number that it finds free."""

    def __init__(self, size: str = "2400x800", dpi: int = 96) -> None:
        read, write = os.pipe()
        command = ["Xvfb", "-displayfd", str(write), "-screen", "0", f"{size}x24", "-dpi", str(dpi), "-nolisten", "tcp"]
        self._process = subprocess.Popen(command, pass_fds=(write,), stderr=subprocess.DEVNULL)
        os.close(write)
        with os.fdopen(read) as answer:
            self.name = f":{answer.readline().strip()}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()


class Window:
    """A running desktop window. What it shows is asked for; what it gets are keys through the X server."""

    def __init__(self, display: str, config: Path, *options: str, left: int = 0) -> None:
        self._environment = {**os.environ, "DISPLAY": display, "AGENDA_CONFIG": str(config), "LC_ALL": "C.UTF-8"}
        self.process = subprocess.Popen(
            [sys.executable, str(OBSERVED), "--geometry", f"1080x700+{left}+0", *options],
            env=self._environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def seen(self, order: str = "") -> Any:
        """What stands on the screen now (see observed.py); with the order "focus" keys go to this window first."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(f"{order}\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise AssertionError(f"the window is gone: {self.process.stderr.read() if self.process.stderr else ''}")
        seen = json.loads(answer)
        return SimpleNamespace(**seen | {"slots": defaultdict(str, seen["slots"])})

    def until(self, true: Callable[[Any], object]) -> Any:
        """Wait for something to be seen; returns everything seen then."""
        deadline = time.monotonic() + DEADLINE
        while not true(seen := self.seen()):
            assert time.monotonic() < deadline, f"never seen; instead {seen}"
            time.sleep(0.01)
        return seen

    def until_says(self, text: str) -> Any:
        return self.until(lambda seen: any(text in each for each in seen.texts))

    def keys(self, *keys: str) -> None:
        """Press keys, each after the one before: names as xdotool has them, `=text` types a text."""
        for key in keys:
            self.seen("focus")
            self.until(lambda seen: seen.focus)
            self._xdotool(*(("type", key[1:]) if key.startswith("=") else ("key", key)))

    def _xdotool(self, *words: str) -> None:
        subprocess.run(["xdotool", *words], env=self._environment, check=True, timeout=DEADLINE)

    def ready(self) -> Self:
        """Wait for the first screen."""
        self.until(lambda seen: seen.texts and self.seen("focus").focus == "Frame Entry")
        return self

    def sign_up(self, name: str) -> Self:
        """Create an account and come to the main screen."""
        self.keys(f"={name}", "Tab", "=segredo", "alt+c", "Return")
        self.until(lambda seen: seen.slots)
        return self

    def go_to(self, day: str, time: str) -> Self:
        """Type a day on the calendar and a time on the grid."""
        self.keys("alt+i", f"={day}", "Return", f"={time.replace(':', '')}")
        self.until(lambda seen: seen.cursor == [time] and seen.slots)
        return self

    def close(self) -> str:
        """End the process; returns what it complained of."""
        if self.process.poll() is None:
            self.process.terminate()
        _, complaints = self.process.communicate(timeout=DEADLINE)
        return complaints
