"""Where a server's time goes: samples of its threads' stacks, sorted into the five parts of a booking's way."""

import linecache
import os
import re
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import Final

from bench.processes import LOAD_CORE, ROOT, on_core

RATE = 400
COMMITTER = "committer"
OTHER, WAITING, LOOP = "other", "waiting", "reading and writing sockets"
FRAME = re.compile(r"(?P<function>.*) \((?P<file>[^()]*?)(?::(?P<line>\d+))?\)")

# The first rule that fits a frame decides, frames being asked from the innermost outwards:
# part, file, function, text of the line that is running.
RULES: Final[list[tuple[str, str, str, str]]] = [
    ("syncing", r"agenda/storage/", "", r"COMMIT|\.commit\(|wal_checkpoint|fsync"),
    ("syncing", r"agenda/storage/", "commit|checkpoint", ""),
    ("saving", r"agenda/engine/committer", "_save", ""),
    ("saving", r"agenda/storage/", "save", ""),
    ("saving", r"agenda/storage/", "", r"BEGIN"),
    ("loading", r"agenda/engine/loading", "", ""),
    ("deciding", r"agenda/domain/decide", "", ""),
    (LOOP, r"agenda/doors/rpc/server", r"\._run", ""),
    ("answering", r"agenda/engine/(board|live)", "", ""),
    ("answering", r"agenda/engine/committer", "_deliver|_tell", ""),
    ("answering", r"agenda/doors/rpc/(shapes|server)", "", ""),
    ("answering", r"agenda/doors/rpc/", "answered|result|refused|_end|send|__call__|_deliver", ""),
    ("decoding", r"agenda/doors/rpc/", "", ""),
    ("decoding", r"agenda/engine/engine", "submit|_well_formed|only", ""),
    ("deciding", r"agenda/engine/committer", "_transact", r"decide\("),
    (WAITING, r"agenda/engine/", "", r"\.get\(|wait\("),
    (WAITING, r"threading|queue", "", ""),
]


def part(stack: str) -> str:
    """The part to which a stack belongs, its frames written `function (file:line)`, outermost first, split by `;`."""
    for frame in reversed(stack.split(";")):
        match = FRAME.fullmatch(frame.strip())
        if match is None:
            continue
        running = linecache.getline(_path(match["file"]), int(match["line"] or 0))
        for name, file, function, text in RULES:
            if re.search(file, match["file"]) and re.search(function, match["function"]) and re.search(text, running):
                return name
    return OTHER


def _path(file: str) -> str:
    return file if file.startswith("/") else str(ROOT / "src" / file)


class Sampler(threading.Thread):
    """Watches a process for twice `seconds`, beginning at once; then `shares()` tells."""

    def __init__(self, pid: int, seconds: float, folder: Path) -> None:
        super().__init__()
        self._pid = pid
        self._seconds = max(1, round(seconds))
        self._folder = folder
        self._samples: dict[str, Counter[tuple[str, str]]] = {}
        self._errors: list[str] = []
        self.start()

    def run(self) -> None:
        """Once with threads that wait for the disk or for work, once only with those that use the processor."""
        profiler = str(Path(sys.executable).with_name("py-spy"))
        for name, option in (("all", ["--idle"]), ("running", [])):
            output = self._folder / f"samples-{name}"
            with on_core(LOAD_CORE):
                done = subprocess.run(
                    [profiler, "record", "--pid", str(self._pid), "--duration", str(self._seconds), *option,
                     "--rate", str(RATE), "--threads", "--nonblocking", "--full-filenames", "--format", "raw",
                     "--output", str(output)],
                    stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False,
                )  # fmt: skip
            if done.returncode:
                self._errors.append(done.stderr)
                return
            self._samples[name] = _counted(output.read_text().splitlines())

    def shares(self) -> dict[str, float]:
        """Percent of a second of the server, by part; more than 100 in sum is two threads at once.

        They are the committer's time without waiting for work, and the processor time of all other threads.
        """
        self.join()
        assert not self._errors, self._errors[0]
        total: Counter[str] = Counter()
        for (thread, name), count in self._samples["all"].items():
            if thread == COMMITTER and name != WAITING:
                total[name] += count
        for (thread, name), count in self._samples["running"].items():
            if thread != COMMITTER:
                total[name if name != WAITING else OTHER] += count
        return {name: round(100 * count / (RATE * self._seconds), 1) for name, count in total.most_common()}


def thread_names(pid: int) -> dict[int, str]:
    """The names of a Python process's threads by their system ids."""
    command = [str(Path(sys.executable).with_name("py-spy")), "dump", "--nonblocking", "--pid", str(pid)]
    dump = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return {int(number): name for number, name in re.findall(r'Thread (\d+) \(.*?\): "(.*?)"', dump)}


def processor_seconds(pid: int, names: dict[int, str]) -> dict[str, float]:
    """Processor time that each thread has used so far."""
    used: dict[str, float] = {}
    for number, name in names.items():
        fields = Path(f"/proc/{pid}/task/{number}/stat").read_text().rpartition(")")[2].split()
        used[name] = used.get(name, 0.0) + (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return used


def _counted(lines: list[str]) -> Counter[tuple[str, str]]:
    """Samples by thread and part, from lines `frame;frame;frame count`, the thread being the first frame."""
    samples: Counter[tuple[str, str]] = Counter()
    for line in lines:
        stack, _, count = line.rpartition(" ")
        thread = COMMITTER if COMMITTER in stack.partition(";")[0] else "others"
        samples[thread, part(stack)] += int(count)
    return samples
