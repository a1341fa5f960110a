"""A server, a display and windows for the tests that need them."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agenda.client import Client
from tests.desktop.screen import Display, Window
from tests.protocol.server import Server

PASSWORD = "segredo"
Open = Callable[..., Window]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("agenda")).start()
    yield running
    running.close()


@pytest.fixture(scope="module")
def display() -> Iterator[str]:
    if sys.platform != "linux":
        pytest.skip("virtual displays and their key strokes are X11's")
    with Display() as display:
        yield display.name


@pytest.fixture
def open_window(server: Server, display: str, tmp_path: Path) -> Iterator[Open]:
    """Opens windows side by side; each must end without having complained."""
    opened: list[Window] = []

    def open_one(*options: str, port: int = 0, language: str = "pt-BR", config: str = "") -> Window:
        address = ("--host", "127.0.0.1", "--port", str(port or server.address[1]), "--language", language)
        folder = tmp_path / (config or f"config{len(opened)}")
        window = Window(display, folder, *address, *options, left=1100 * (len(opened) % 2))
        opened.append(window)
        return window.ready()

    yield open_one
    assert [window.close() for window in opened] == ["" for _ in opened]


@pytest.fixture
def as_user(server: Server) -> Iterator[Callable[[str], Client]]:
    """The same account through the library: what the server knows."""
    clients: list[Client] = []

    def sign_in(name: str) -> Client:
        client = Client(*server.address)
        clients.append(client)
        client.sign_in(name, PASSWORD, create=True)
        return client

    yield sign_in
    for client in clients:
        client.close()
