"""Machines hear each other where nothing is cut, and what a run left that died is cleared by the next."""

import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.ha.machine import NAMESPACES, Machine
from tests.ha.network import CLUSTER, Network
from tests.ha.runs import a_run

pytestmark = pytest.mark.faults

ROOT = Path(__file__).parents[2]
PORT = 9000
DYING = """
import os, signal
from tests.ha.network import CLUSTER, Network
from tests.ha.runs import a_run
with a_run() as run:
    Network(run.name).machine("one", [CLUSTER], 1).start(["sleep", "600"], log=run.folder / "log", folder=run.folder)
    print(run.name, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


class Two(NamedTuple):
    """Two machines on one network."""

    network: Network
    one: Machine
    other: Machine


@pytest.fixture
def two() -> Iterator[Two]:
    with a_run() as run:
        network = Network(run.name)
        yield Two(network, network.machine("one", [CLUSTER], 1), network.machine("other", [CLUSTER], 2))


def hears(listener: Machine, speaker: Machine) -> bool:
    """Whether a datagram gets from one to the other."""
    with listener.inside():
        ear = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with speaker.inside():
        mouth = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with ear, mouth:
        ear.settimeout(1)
        ear.bind((listener.addresses[CLUSTER], PORT))
        mouth.sendto(b"?", ear.getsockname())
        try:
            return ear.recv(1) == b"?"
        except TimeoutError:
            return False


@pytest.mark.parametrize(
    ("sends", "receives"), [(False, False), (True, False), (False, True)], ids=["cut off", "deaf", "mute"]
)
def test_a_machine_that_is_cut_keeps_only_the_directions_it_was_left(two: Two, sends: bool, receives: bool) -> None:
    two.network.cut(two.one, CLUSTER, sends=sends, receives=receives)
    assert (hears(two.other, two.one), hears(two.one, two.other)) == (sends, receives)


def test_a_machine_that_is_healed_speaks_and_hears(two: Two) -> None:
    two.network.cut(two.one, CLUSTER)
    two.network.heal(two.one, CLUSTER)
    assert (hears(two.other, two.one), hears(two.one, two.other)) == (True, True)


def test_what_a_run_left_that_died_is_cleared_by_the_next(two: Two) -> None:
    died = subprocess.run([sys.executable, "-c", DYING], cwd=ROOT, capture_output=True, text=True, check=False)
    name = died.stdout.strip()
    assert (NAMESPACES / f"{name}-one").exists(), died.stderr
    with a_run():
        pass
    assert not list(NAMESPACES.glob(f"{name}*"))
    assert not Path(tempfile.gettempdir(), name).exists()
    assert two.one.processes() == set()
    assert hears(two.one, two.other), "a run that lives was cleared too"
