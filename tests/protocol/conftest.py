"""Servers for the tests of the socket contract."""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .server import Server
from .victim import Victim


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests that neither restart it nor harm it; users and days are each test's own."""
    server = Server(tmp_path_factory.mktemp("agenda")).start()
    yield server
    server.close()


@pytest.fixture
def run_server(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Makes servers that belong to one test; their data folder is the test's unless told otherwise."""
    servers: list[Server] = []

    def run(data: Path | None = None, *, started: bool = True, **settings: Any) -> Server:
        server = Server(data or tmp_path / "data", **settings)
        if started:
            server.start()
            servers.append(server)
        return server

    yield run
    for server in servers:
        server.close()


@pytest.fixture(scope="session")
def own_address() -> str:
    """An address of this machine that is not loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing: only the route is looked up
        except OSError:
            pytest.skip("this machine has no address beyond loopback")
        address: str = probe.getsockname()[0]
    if address.startswith("127."):
        pytest.skip("this machine has no address beyond loopback")
    return address


@pytest.fixture(scope="module")
def victim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Victim]:
    """A server for one module to harm, with as many open files as this machine allows, for it and for the test."""
    import resource  # not on every system

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    victim = Victim(tmp_path_factory.mktemp("victim")).start()
    yield victim
    victim.close()
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
