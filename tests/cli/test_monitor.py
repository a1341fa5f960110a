"""`agenda serve --monitor` and `--drain`: where probes are answered, and the way out."""

import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from time import monotonic, sleep

import pytest

from agenda.cli.exits import Status
from agenda.prove.ports import free_port
from tests.door.probing import get
from tests.protocol.peer import DEADLINE
from tests.protocol.server import Server

from .conftest import Shell

DRAIN = 60  # longer than any test


@pytest.fixture
def monitored(tmp_path: Path) -> Iterator[Server]:
    """A server that drains for longer than a test lasts."""
    options = ("--monitor", f"127.0.0.1:{free_port()}", "--drain", str(DRAIN))
    server = Server(tmp_path / "data", options=options, environment={"AGENDA_LANGUAGE": "en"}).start()
    yield server
    server.kill()
    server.close()


def monitor(server: Server) -> tuple[str, int]:
    return "127.0.0.1", int(server.options[1].rpartition(":")[2])


def wait_until(holds: Callable[[], bool]) -> None:
    end = monotonic() + DEADLINE
    while not holds():
        assert monotonic() < end, "it never came to that"
        sleep(0.01)


def drain(server: Server) -> None:
    """Tell it to stop, and return when it sends new clients elsewhere."""
    server.process.send_signal(signal.SIGTERM)
    wait_until(lambda: get(monitor(server), "/readyz").told == (503, "draining"))


def test_a_server_that_is_started_is_ready_and_says_where_it_is_probed(monitored: Server) -> None:
    assert get(monitor(monitored), "/readyz").told == (200, "ok")
    port = monitor(monitored)[1]
    assert f"Probes are answered at http://127.0.0.1:{port}/healthz, /readyz and /metrics" in monitored.lines


def test_while_it_drains_it_serves_old_clients_and_new_ones(monitored: Server) -> None:
    ana, day = monitored.customer("Ana"), monitored.day()
    drain(monitored)
    assert ana.call("booking.create", start=monitored.at(day, 10))["status"] == "booked"
    assert monitored.customer("Bia").call("booking.list") == {"bookings": []}


def test_a_second_signal_ends_the_drain_at_once(monitored: Server) -> None:
    drain(monitored)
    began = monotonic()
    assert monitored.stop() == 0
    assert monotonic() - began < DRAIN / 4


def test_a_drain_ends_by_itself(tmp_path: Path) -> None:
    server = Server(tmp_path / "data", environment={"AGENDA_DRAIN": "1"}).start()
    began = monotonic()
    assert server.stop() == 0
    assert monotonic() - began >= 1


@pytest.mark.slow
def test_a_store_that_another_program_locks_makes_the_server_not_ready_until_it_is_let_go(monitored: Server) -> None:
    ana, day = monitored.customer("Ana"), monitored.day()
    with closing(sqlite3.connect(monitored.data / "agenda.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert ana.refusal("booking.create", start=monitored.at(day, 10))["code"] == "unavailable"
        wait_until(lambda: get(monitor(monitored), "/readyz").told == (503, "store_away"))
    wait_until(lambda: get(monitor(monitored), "/readyz").told == (200, "ok"))


@pytest.mark.parametrize("address", ["nowhere", "127.0.0.1:", ":8080", "70000", "host:-1", "[::1]:x"])
def test_what_is_no_address_for_probes_is_wrong_usage(shell: Shell, tmp_path: Path, address: str) -> None:
    failed = shell.run("serve", "--data", str(tmp_path / "data"), f"--monitor={address}")
    assert (failed.status, address in failed.err) == (Status.USAGE, True)


def test_a_port_for_probes_that_is_in_use_is_said_to_be_and_leaves_no_folder(shell: Shell, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        failed = shell.spawn("serve", "--data", str(tmp_path / "data"), "--port", "0", "--monitor", str(port))
    assert failed.status == Status.NO_SERVER
    assert f"Port {port} is in use by another program" in failed.err
    assert "--monitor" in failed.err
    assert not (tmp_path / "data").exists()


def test_an_address_for_probes_that_is_not_this_machine_s_is_said_to_be(shell: Shell, tmp_path: Path) -> None:
    failed = shell.spawn("serve", "--data", str(tmp_path / "data"), "--port", "0", "--monitor", "192.0.2.1:9000")
    assert failed.status == Status.NO_SERVER
    assert "192.0.2.1, port 9000" in failed.err


def test_without_a_monitor_nothing_is_loaded_for_it() -> None:
    program = "import sys, agenda.bootstrap; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, encoding="utf-8")
    assert {"prometheus_client", "agenda.doors.monitor"} & set(done.stdout.split()) == set()
