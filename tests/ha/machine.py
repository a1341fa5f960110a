"""A machine of a run: a network namespace, the processes in it, and a way for a thread of ours to enter it."""

import ctypes
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

NAMESPACES = Path("/run/netns")
NETWORK_NAMESPACE = 0x40000000  # CLONE_NEWNET
PATIENCE = 30.0
PAUSE = 0.1
"""Seconds between two looks at something that is waited for."""


def wait_until(holds: Callable[[], bool], what: str, patience: float = PATIENCE) -> float:
    """Return when it holds, with the seconds that took. Raises TimeoutError, which says what did not come."""
    began = time.monotonic()
    while not holds():
        if time.monotonic() - began > patience:
            raise TimeoutError(f"not within {patience:.0f} s: {what}")
        threading.Event().wait(PAUSE)
    return time.monotonic() - began


def processes_in(namespace: str) -> set[int]:
    """The living processes in a network namespace, never this one, though a thread of ours may be there."""
    listing = subprocess.run(
        ["ip", "netns", "pids", namespace], check=True, capture_output=True, text=True, timeout=PATIENCE
    )
    return {int(number) for number in listing.stdout.split()} - {os.getpid()}


def send(number: signal.Signals, processes: Collection[int]) -> None:
    """Signal those of the processes that are still there."""
    for process in processes:
        with suppress(ProcessLookupError):
            os.kill(process, number)


def end_all_in(namespace: str) -> None:
    """Kill every process in a namespace, also those that are being started meanwhile."""

    def none_is_left() -> bool:
        left = processes_in(namespace)
        send(signal.SIGKILL, left)
        return not left

    wait_until(none_is_left, f"the end of all processes in {namespace}")


class Machine:
    """A namespace that exists already; `addresses` says which it has on which network."""

    def __init__(self, name: str, namespace: str, addresses: Mapping[str, str]) -> None:
        self.name = name
        self.namespace = namespace
        self.addresses = addresses
        self._children: list[subprocess.Popen[bytes]] = []

    @contextmanager
    def inside(self) -> Iterator[None]:
        """This thread, and the threads and processes it starts, see the network as this machine does."""
        before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        try:
            _enter(NAMESPACES / self.namespace)
            try:
                yield
            finally:
                _enter_open(before)
        finally:
            os.close(before)

    def start(
        self, command: Sequence[str], *, log: Path, folder: Path, environment: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """Start a process here, in a group of its own; what it writes is added to `log`."""
        with self.inside(), log.open("ab") as output:
            child = subprocess.Popen(
                command,
                env=environment,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self._children = [old for old in self._children if old.poll() is None] + [child]
        return child

    def processes(self, called: str | None = None) -> set[int]:
        """The living processes here, all or those of one program."""
        running = processes_in(self.namespace)
        return running if called is None else {number for number in running if _program(number) == called}

    def kill(self) -> None:
        """End every process here at once, as a power cut would."""
        end_all_in(self.namespace)
        for child in self._children:
            child.wait(PATIENCE)
        self._children.clear()


def _enter(namespace: Path) -> None:
    descriptor = os.open(namespace, os.O_RDONLY)
    try:
        _enter_open(descriptor)
    finally:
        os.close(descriptor)


def _enter_open(descriptor: int) -> None:
    library = ctypes.CDLL(None, use_errno=True)  # os.setns came with Python 3.12
    if library.setns(descriptor, NETWORK_NAMESPACE):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def _program(process: int) -> str:
    try:
        return Path(f"/proc/{process}/comm").read_text("utf-8").strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""
