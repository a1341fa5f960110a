"""Servers on a store that was moved are the same agenda to their clients, there and back."""

from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from agenda.storage.move import move
from tests.protocol.peer import Peer
from tests.protocol.server import Server

from .conftest import NOW, Database, unseen

NAME = "Zuleica Que Se Foi"


@dataclass(frozen=True)
class Lives:
    """What two customers did on a server and were answered; one of them was erased at the end."""

    ana: Peer
    gone: Peer
    day: str
    booked: dict[str, Any]
    refused: dict[str, Any]
    receipt: dict[str, Any]

    @classmethod
    def lived(cls, server: Server) -> Self:
        ana, gone, day = server.customer(), server.customer(NAME), server.day()
        nine, ten = server.at(day, 9), server.at(day, 10)
        booked = ana.call("booking.create", start=nine, request="once", note="knock twice")
        refused = ana.refusal("booking.create", start=nine, request="twice")
        gone.call("booking.create", start=ten)
        receipt = gone.call("user.erase", password=gone.password, request="bye")
        return cls(ana, gone, day, booked, refused, receipt)

    def told_again(self, server: Server) -> dict[str, Any]:
        """The same answers from another server, to the same session and the same requests."""
        ana, nine = server.again(self.ana), server.at(self.day, 9)
        return {
            "booked": ana.call("booking.create", start=nine, request="once", note="knock twice"),
            "refused": ana.refusal("booking.create", start=nine, request="twice"),
            "receipt": server.peer().call("user.erase", password=self.gone.password, request="bye"),
            "listed": ana.call("booking.list")["bookings"],
            "states": ana.states(self.day)[:3],
            "logged": [entry["action"] for entry in ana.call("audit.list")["entries"]],
            "gone": server.peer().refusal("session.open", user=NAME, password=self.gone.password)["code"],
        }

    @property
    def answers(self) -> dict[str, Any]:
        """What they must be."""
        return {
            "booked": self.booked,
            "refused": self.refused,
            "receipt": self.receipt,
            "listed": [self.booked],
            "states": ["free", "mine", "free"],
            "logged": ["booking.create", "booking.create", "session.open"],
            "gone": "bad_credentials",
        }


def started(tmp_path: Path, name: str, store: str | None = None) -> AbstractContextManager[Server]:
    return closing(Server(tmp_path / name, store=store).start())


def test_servers_on_the_moved_store_go_on_where_the_old_one_stopped(tmp_path: Path, empty: Database) -> None:
    with started(tmp_path, "old") as old:
        lives = Lives.lived(old)
    move(tmp_path / "old", empty.url, NOW, unseen)
    with started(tmp_path, "node", empty.url) as node:
        assert lives.told_again(node) == lives.answers


def test_a_server_on_what_came_back_goes_on_where_the_nodes_stopped(tmp_path: Path, empty: Database) -> None:
    with started(tmp_path, "node", empty.url) as node:
        lives = Lives.lived(node)
    move(empty.url, tmp_path / "back", NOW, unseen)
    with started(tmp_path, "back") as back:
        assert lives.told_again(back) == lives.answers


def test_a_booking_after_a_move_has_a_code_of_its_own(tmp_path: Path, empty: Database) -> None:
    with started(tmp_path, "old") as old:
        lives = Lives.lived(old)
    move(tmp_path / "old", empty.url, NOW, unseen)
    with started(tmp_path, "node", empty.url) as node:
        later = node.again(lives.ana).call("booking.create", start=node.at(lives.day, 11))
    move(empty.url, tmp_path / "back", NOW, unseen)
    with started(tmp_path, "back") as back:
        last = back.again(lives.ana).call("booking.create", start=back.at(lives.day, 12))
    assert len({each["code"] for each in (lives.booked, later, last)}) == 3
