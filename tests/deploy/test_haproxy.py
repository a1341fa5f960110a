"""HAProxy with the settings that are shipped, before two servers."""

import json
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from agenda.prove.ports import free_port
from tests.deploy.shipped import CONTAINER
from tests.protocol.peer import PASSWORD, Peer
from tests.protocol.server import Server

SETTINGS = CONTAINER / "haproxy.cfg"
PROGRAM = shutil.which("haproxy", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
PATIENCE = 30.0
BALANCER = "127.0.0.9"  # from where it calls the servers, whom the tests call from elsewhere

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="HAProxy is not installed")


@dataclass
class House:
    """Two servers that know different people, so that a client can tell them apart, and one address for both."""

    ana_s: Server
    bruno_s: Server
    address: tuple[str, int]

    def knows(self, name: str) -> bool:
        """Whether a new client comes to the server that knows the person."""
        call = {"jsonrpc": "2.0", "id": 1, "method": "session.open", "params": {"user": name, "password": PASSWORD}}
        with socket.create_connection(self.address, PATIENCE) as client, client.makefile("rwb") as lines:
            lines.write(json.dumps(call).encode() + b"\n")
            lines.flush()
            return b'"result"' in lines.readline()

    def goes_only_to_bruno_s(self) -> bool:
        return all(self.knows("Bruno") for _ in range(6))


def wait_until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while True:
        try:
            if holds():
                return
        except OSError:  # nobody is there yet
            pass
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.05)


def settings(port: int, servers: tuple[Server, Server], monitors: tuple[int, int]) -> str:
    """The shipped settings with addresses of this machine in the place of the containers' names."""
    text = SETTINGS.read_text("utf-8").replace("bind :8888", f"bind 127.0.0.1:{port}")
    for number, (server, monitor) in enumerate(zip(servers, monitors, strict=True), start=1):
        place = f"127.0.0.1:{server.address[1]} port {monitor} source {BALANCER}"
        text = text.replace(f"agenda{number}:8888", place)
    text = text.replace(" resolvers system init-addr none", "")
    return re.sub(r"\n +server agenda3 .*", "", text)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    monitors = free_port(), free_port()
    ana_s, bruno_s = servers = tuple(
        Server(
            tmp_path / f"data{port}",
            options=("--monitor", f"127.0.0.1:{port}", "--drain", "60", "--proxies", BALANCER),
            environment={"AGENDA_LANGUAGE": "en"},
        ).start()
        for port in monitors
    )
    ana_s.customer("Ana")
    bruno_s.customer("Bruno")
    port = free_port()
    file = tmp_path / "haproxy.cfg"
    file.write_text(settings(port, (ana_s, bruno_s), monitors), "utf-8")
    balancer = subprocess.Popen(
        [str(PROGRAM), "-db", "-f", str(file)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    house = House(ana_s, bruno_s, ("127.0.0.1", port))
    try:
        for name in ("Ana", "Bruno"):
            wait_until(lambda name=name: house.knows(name))  # type: ignore[misc]
        yield house
    finally:
        balancer.kill()
        balancer.wait()
        for server in servers:
            server.kill()
            server.close()


def test_haproxy_understands_all_of_its_settings() -> None:
    done = subprocess.run([str(PROGRAM), "-c", "-f", str(SETTINGS)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.slow
def test_new_clients_come_to_the_other_server_while_one_drains(house: House) -> None:
    house.ana_s.process.send_signal(signal.SIGTERM)
    wait_until(house.goes_only_to_bruno_s)
    assert house.ana_s.process.poll() is None


@pytest.mark.slow
def test_a_client_keeps_its_draining_server(house: House) -> None:
    with Peer(house.address) as one, Peer(house.address) as other:  # shared out, so one of them is Ana's server's
        house.ana_s.process.send_signal(signal.SIGTERM)
        wait_until(house.goes_only_to_bruno_s)
        said = [peer.sign_up(name).call("booking.list") for peer, name in ((one, "Carla"), (other, "Dora"))]
    assert said == [{"bookings": []}] * 2


@pytest.mark.slow
def test_new_clients_come_to_the_other_server_when_one_is_killed(house: House) -> None:
    house.ana_s.kill()
    wait_until(house.goes_only_to_bruno_s)
    assert not house.knows("Ana")


@pytest.mark.slow
def test_a_server_sees_where_a_client_is_and_not_where_haproxy_is(house: House) -> None:
    with socket.create_connection(house.address, PATIENCE, source_address=("127.0.0.2", 0)) as client:
        came = "+ 127.0.0.2:{1} connected".format(*client.getsockname())
        wait_until(lambda: any(came in line for server in (house.ana_s, house.bruno_s) for line in server.lines))
