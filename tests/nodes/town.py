"""Real server processes on one PostgreSQL database, and who watches at them."""

import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from agenda.prove.lines import Line
from tests.postgres import database_of
from tests.protocol.peer import Peer
from tests.protocol.server import Server
from tests.storage.line import line_to

MUTE = """\
from agenda.storage import postgres_feed
postgres_feed._TELL = "SELECT 1"
from agenda.cli import main
main()"""


class Node(Server):
    """One of several on a database; a mute one never calls the others when it has committed something."""

    mute = False

    def command(self) -> list[str]:
        command = super().command()
        return [sys.executable, "-c", MUTE, *command[3:]] if self.mute else command

    def pause(self) -> None:
        """It stands still, as a machine that swaps, and takes up again what it was at."""
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self.process.send_signal(signal.SIGCONT)


@contextmanager
def nodes(folder: Path, count: int = 2, *, mute: bool = False) -> Iterator[list[Node]]:
    """Some nodes on the database that stands for the folder."""
    with ExitStack() as stack:
        made = [stack.enter_context(node_on(folder, database_of(folder), mute=mute)) for _ in range(count)]
        for node in made:
            node._days = made[0]._days  # on which no test at any of them has booked anything
        yield made


@contextmanager
def node_on(folder: Path, url: str, *, mute: bool = False) -> Iterator[Node]:
    """One node on a database."""
    node = Node(folder, store=url)
    node.mute = mute
    node.start()
    try:
        yield node
    finally:
        node.go_on()
        node.close()


@contextmanager
def far_node(folder: Path) -> Iterator[tuple[Node, Line]]:
    """A node, and the line between it and the database."""
    with line_to(database_of(folder)) as (line, url), node_on(folder, url) as node:
        yield node, line


class Watcher:
    """Somebody at a node who keeps a day before his eyes."""

    def __init__(self, peer: Peer, day: str) -> None:
        self.peer = peer
        answer = peer.call("slot.watch", day=day)
        self.watch = answer["watch"]
        self.states = {slot["start"]: slot["state"] for slot in answer["slots"]}

    def until(self, start: str, state: str) -> None:
        """Return when he has been told that the slot is so."""
        while self.states[start] != state:
            self.take(self.peer.change())

    def until_told_that_the_store_is_away(self) -> None:
        while (message := self.peer.read()).get("method") != "store.changed":
            self.peer._keep(message)
        assert message["params"] == {"available": False}

    def take(self, change: dict[str, Any]) -> None:
        self.states |= {slot["start"]: slot["state"] for slot in change["slots"]}
