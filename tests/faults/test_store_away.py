"""The server cannot get at its data: who watches is told, keeps what he has seen, and is told when it is over."""

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from tests.faults.server import Server, assert_sound
from tests.faults.test_kill import starts
from tests.faults.test_storage import mount
from tests.protocol.peer import Peer, RefusedError

pytestmark = [pytest.mark.faults, pytest.mark.slow]
Trouble = Callable[[Path], AbstractContextManager[None]]

AWAY = {"jsonrpc": "2.0", "method": "store.changed", "params": {"available": False}}
BACK = {"jsonrpc": "2.0", "method": "store.changed", "params": {"available": True}}


@contextlib.contextmanager
def full(data: Path) -> Iterator[None]:
    """As long as the block runs there is no room on the disk."""
    ballast = data / "ballast"
    with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
        for size in (65536, 1):  # to the last byte
            with contextlib.suppress(OSError):
                while True:
                    file.write(b"\0" * size)
    yield
    ballast.unlink()


@contextlib.contextmanager
def locked(data: Path) -> Iterator[None]:
    """As long as the block runs another program writes and does not come to an end."""
    with contextlib.closing(sqlite3.connect(data / "agenda.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def next_news(peer: Peer) -> Any:
    """The next line that is no answer."""
    while "method" not in (message := peer.read()):
        pass
    return message


def fill_pages(peer: Peer, starts: Iterator[str]) -> None:
    """Book until the store refuses: it has pages that it can use again, even on a full disk."""
    for start in starts:
        peer.call("booking.create", start=start, note="n" * 2000)


@pytest.fixture
def server(data: Path) -> Iterator[Server]:
    with mount(data, "-t", "tmpfs", "-o", "size=48m,mode=700", "tmpfs"), Server(data).ready() as server:
        yield server
        assert server.end() == 0


@pytest.mark.parametrize("trouble", [full, locked])
def test_who_watches_is_told_that_the_store_is_away_and_what_he_missed_when_it_is_back(
    server: Server, data: Path, trouble: Trouble
) -> None:
    days = starts(0)
    with Peer(("127.0.0.1", server.port)) as watcher, Peer(("127.0.0.1", server.port)) as booker:
        watcher.sign_up("ana")
        booker.sign_up("bia")
        watcher.call("slot.watch", day=days[0][:10])
        with trouble(data):
            with pytest.raises(RefusedError) as refused:
                fill_pages(booker, iter(days[12:]))
            assert next_news(watcher) == AWAY
            assert refused.value.data["code"] == "unavailable"
            assert watcher.states(days[0][:10]) == ["free"] * 12
        assert next_news(watcher) == BACK
        booker.call("booking.create", start=days[0])
        assert next_news(watcher)["params"]["slots"][0]["state"] == "taken"
    assert_sound(data)
