"""How long the desktop client takes from its start to the first picture, seen on the display itself."""

import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.processes import environment

COLOURS = 12
"""A window without content has one or two; text and rounded corners bring many."""
DEADLINE = 20.0


def first_paint(times: int = 3) -> float | None:
    """Median of the seconds until the window shows content; None where there is no Xvfb."""
    if shutil.which("Xvfb") is None:
        return None
    return round(statistics.median(_once() for _ in range(times)), 3)


def _once() -> float:
    with tempfile.TemporaryDirectory(prefix="agenda-bench-") as folder:
        display = subprocess.Popen(
            ["Xvfb", "-displayfd", "1", "-screen", "0", "1280x900x24", "-fbdir", folder, "-nolisten", "tcp"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        try:
            assert display.stdout is not None
            number = display.stdout.readline().decode().strip()
            return _until_painted(Path(folder), number)
        finally:
            display.terminate()
            display.wait()


def _until_painted(folder: Path, display: str) -> float:
    home = {"HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "XDG_DATA_HOME": str(folder)}
    screen = folder / "Xvfb_screen0"
    began = time.perf_counter()
    window = subprocess.Popen(
        [sys.executable, "-m", "agenda", "desktop"],
        env={**environment(), **home, "DISPLAY": f":{display}"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        while _colours(screen) < COLOURS:
            assert window.poll() is None, window.communicate()[1].decode(errors="replace")[-2000:]
            assert time.perf_counter() - began < DEADLINE, "no window"
            time.sleep(0.005)
        return time.perf_counter() - began
    finally:
        window.kill()
        window.wait()


def _colours(screen: Path) -> int:
    """How many colours a grid of points on the screen has; the file is a dump that the display writes to."""
    pixels = memoryview(screen.read_bytes()[-1280 * 900 * 4 :]).cast("I")
    return len(set(pixels[::61]))
