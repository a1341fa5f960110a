"""The window and its servers: several of them, one that dies, one that cannot get at its data."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from agenda.client import Client, ClientError
from tests.client.relay import Relay
from tests.desktop.conftest import PASSWORD, Open
from tests.protocol.server import Server, unused_name

pytestmark = pytest.mark.gui


@contextmanager
def locked(server: Server) -> Iterator[None]:
    """As long as the block runs another program has the server's database for itself, and the server knows."""
    start = datetime.combine(server.today() + timedelta(days=60), datetime.min.time().replace(hour=10))
    with closing(sqlite3.connect(server.data / "agenda.db", isolation_level=None)) as other:
        with Client(*server.address, timeout=6.0) as client:
            client.sign_in(unused_name(), PASSWORD, create=True)
            other.execute("BEGIN IMMEDIATE")
            with suppress(ClientError):
                client.book(start)
        yield
        other.execute("ROLLBACK")


def test_an_address_that_cannot_be_one_is_named(open_window: Open) -> None:
    window = open_window()
    window.keys("alt+r", "ctrl+a", "=localhost:8888, casa:x", "Return")
    window.until_says("“casa:x” não é um servidor")


def test_the_window_goes_on_with_another_of_the_servers_that_were_typed(
    open_window: Open, server: Server, tmp_path: Path
) -> None:
    with Relay(server.address) as one, Relay(server.address) as two:
        first, second = (f"127.0.0.1:{node.address[1]}" for node in (one, two))
        window = open_window(config="kept")
        window.keys("alt+r", "ctrl+a", f"={first}, {second}", "Tab")
        window.sign_up(unused_name())
        window.until_says(f"Conectado · {first}")
        window.go_to(f"{server.today() + timedelta(days=70):%d/%m/%Y}", "14:00")
        one.die()
        window.keys("Return")
        window.until_says("Reservado:")
        window.until_says(f"Conectado · {second}")
        assert f'"server": "{first}, {second}"' in (tmp_path / "kept" / "desktop.json").read_text()


def test_a_server_that_stands_still_is_soon_not_said_to_be_there(open_window: Open, server: Server) -> None:
    with Relay(server.address) as relay:
        window = open_window("--server", f"127.0.0.1:{relay.address[1]}").sign_up(unused_name())
        window.go_to(f"{server.today() + timedelta(days=71):%d/%m/%Y}", "14:00")
        relay.frozen.set()
        window.keys("Return")
        window.until_says("Ainda sem resposta")


def test_servers_that_are_tried_are_counted_in_words_for_which_the_smallest_window_has_room(
    open_window: Open, server: Server
) -> None:
    with Relay(server.address) as relay:
        first = f"127.0.0.1:{relay.address[1]}"
        options = ("--server", f"{first},127.0.0.1:1,127.0.0.1:2", "--geometry", "640x420+0+0")
        window = open_window(*options).sign_up(unused_name())
        relay.die()
        seen = window.until_says(f"Sem conexão · {first} e mais 2 servidores · tentando de novo")
        assert seen.cut == []


def test_while_the_data_are_away_the_window_says_of_when_its_picture_is_and_keeps_what_is_asked(
    open_window: Open, server: Server
) -> None:
    window = open_window().sign_up(unused_name())
    window.go_to(f"{server.today() + timedelta(days=80):%d/%m/%Y}", "09:00")
    with locked(server):
        seen = window.until_says("mostrando o que se sabia às")
        assert seen.slots["09:00"] == "○ Livre"
        assert seen.cut == []
        window.keys("Return")
        window.until(lambda seen: seen.slots["09:00"] == "… Aguardando")
    window.until(lambda seen: seen.slots["09:00"] == "✓ Meu horário")
    window.until_says("Conectado ·")
