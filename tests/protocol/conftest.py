"""Servers for the tests of the socket contract."""

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.postgres import database_of

from .server import Server
from .victim import Victim

KINDS = ("embedded", "postgresql")
ON_BOTH = {
    *("test_audit", "test_batches", "test_bookings", "test_moves", "test_order", "test_privacy", "test_race"),
    *("test_requests", "test_restart", "test_sessions", "test_storm", "test_watches"),
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """What touches the store is tested on both kinds; AGENDA_STORES names the kinds on which everything is tested."""
    if "kind" in metafunc.fixturenames:
        named = os.environ.get("AGENDA_STORES", "").split()
        both = metafunc.module.__name__.rpartition(".")[2] in ON_BOTH
        metafunc.parametrize("kind", named or (KINDS if both else KINDS[:1]), scope="session")


@pytest.fixture(scope="session")
def server(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests that neither restart it nor harm it; users and days are each test's own."""
    data = tmp_path_factory.mktemp("agenda")
    server = Server(data, store=store_of(kind, data)).start()
    yield server
    server.close()


def store_of(kind: str, data: Path) -> str | None:
    """The database that stands for a data folder, on PostgreSQL."""
    return database_of(data) if kind == "postgresql" else None


@pytest.fixture
def run_server(kind: str, tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Makes servers that belong to one test; their data folder is the test's unless told otherwise."""
    servers: list[Server] = []

    def run(data: Path | None = None, *, started: bool = True, **settings: Any) -> Server:
        folder = data or tmp_path / "data"
        server = Server(folder, store=store_of(kind, folder), **settings)
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
def victim(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Victim]:
    """A server for one module to harm, with as many open files as this machine allows, for it and for the test."""
    import resource  # not on every system

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    data = tmp_path_factory.mktemp("victim")
    victim = Victim(data, store=store_of(kind, data)).start()
    yield victim
    victim.close()
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
