"""What the engine does when it hears of other nodes: watchers look again, sessions end, offers are read again."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from queue import SimpleQueue
from threading import Event
from typing import Any, cast

import pytest

from agenda.domain.audit import Head
from agenda.domain.commands import CloseSession
from agenda.domain.errors import NotSignedIn, Unavailable
from agenda.domain.model import BookingId, Claim, RequestId
from agenda.domain.times import Span
from agenda.engine.health import Health
from agenda.engine.live import SlotChange
from agenda.engine.passwords import token_digest
from agenda.engine.ports import Occupied, SignIn, Store, StoreUnavailable
from agenda.engine.sessions import SessionOpened
from tests.engine.asking import ROOM, TOMORROW_TEN, House
from tests.waiting import SECONDS

DAY = TOMORROW_TEN.date()
CLAIM = Claim(ROOM, 0, Span(TOMORROW_TEN, TOMORROW_TEN + timedelta(hours=1)), BookingId("1" * 32))


def close_in_the_store(house: House, token_hash: bytes, user: Any) -> None:
    """As if another node had closed the session."""
    command = CloseSession(user, RequestId(f"close {token_hash.hex()}"[:64]), b"", token_hash, fresh=True)
    house.submit(command)


class Watched(list[SlotChange]):
    """What somebody who watches the room's day was told."""


def watched(house: House) -> Watched:
    told = Watched()
    house.ask(house.engine.watch_slots, house.sign_in("Bia"), DAY, None, ROOM, notify=told.append)
    return told


def another_node_books(house: House) -> None:
    """The booking is in the store, and neither the board nor its watchers heard of it."""
    aftermath = house.engine._aftermath
    committed, aftermath.committed = aftermath.committed, lambda done: []  # type: ignore[method-assign]
    house.booked(house.sign_in("Ana"))
    aftermath.committed = committed  # type: ignore[method-assign]
    house.engine._board.drop()


def deliver(house: House, enough: Callable[[], bool]) -> None:
    house.post.wait(enough)


# Watchers


def test_watchers_of_a_day_that_another_node_touched_look_again(house: House) -> None:
    told = watched(house)
    another_node_books(house)
    house.engine.changed([CLAIM])
    deliver(house, lambda: bool(told))
    assert {slot.state for change in told for slot in change.slots} == {"taken"}


def test_after_the_board_was_dropped_all_look_again(house: House) -> None:
    told = watched(house)
    another_node_books(house)
    house.engine.forgotten()
    deliver(house, lambda: bool(told))
    assert told


def test_who_could_not_look_again_is_told_after_the_next_look_that_goes_well(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = watched(house)
    another_node_books(house)
    live = next(iter(house.engine._aftermath.lives.values()))
    with monkeypatch.context() as broken:
        broken.setattr(house.engine._reader, "occupied", fails)
        house.engine.changed([CLAIM])
        deliver(house, lambda: live.owing)
    house.engine.looked(house.engine.catalogue.version)
    deliver(house, lambda: bool(told))
    assert not live.owing


def fails(*_: object) -> list[Occupied]:
    raise StoreUnavailable


def test_another_version_of_what_is_offered_is_read_and_shown(house: House) -> None:
    told = watched(house)
    another_node_books(house)
    before = house.engine.catalogue
    house.engine.looked(before.version + 1)
    deliver(house, lambda: bool(told))
    assert house.engine.catalogue is not before


def test_the_version_that_is_known_changes_nothing(house: House) -> None:
    before = house.engine.catalogue
    house.engine.looked(before.version)
    assert house.engine.catalogue is before


# Sessions


def test_a_session_that_was_closed_at_another_node_ends(house: House) -> None:
    closed, other = house.sign_in("Ana"), house.sign_in("Bia")
    house.engine.ended([closed.token_hash[:8].hex()], [])
    deliver(house, lambda: closed.ended)
    assert not other.ended


def test_the_sessions_of_a_user_who_was_erased_at_another_node_end(house: House) -> None:
    gone, other = house.sign_in("Ana"), house.sign_in("Bia")
    house.engine.ended([], [gone.user.id])
    deliver(house, lambda: gone.ended)
    assert not other.ended


def test_who_is_erased_at_another_node_while_he_signs_in_here_does_not_get_in(house: House) -> None:
    """His sign-in was committed before, and is answered after this node has heard of the erasure."""
    gone = house.sign_in("Ana")
    house.engine.ended([], [gone.user.id])
    deliver(house, lambda: gone.ended)
    assert house.sign_in("Ana").ended


def test_when_something_was_missed_the_store_is_asked_which_sessions_are_left(house: House) -> None:
    closed, other = house.sign_in("Ana"), house.sign_in("Bia")
    close_in_the_store(house, closed.token_hash, closed.user.id)
    house.engine.missed()
    deliver(house, lambda: closed.ended)
    assert not other.ended


def test_a_store_that_cannot_be_asked_is_asked_again(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = house.sign_in("Ana")
    close_in_the_store(house, closed.token_hash, closed.user.id)
    with monkeypatch.context() as broken:
        broken.setattr(house.engine._reader, "sign_in", fails)
        house.engine.missed()
        deliver(house, lambda: house.engine._roll._unchecked)
    house.engine.looked(house.engine.catalogue.version)
    deliver(house, lambda: closed.ended)
    assert not house.engine._roll._unchecked


def test_a_sign_in_that_was_read_before_something_was_missed_is_read_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = house.open("Ana", create=True)
    assert isinstance(opened, SessionOpened)
    reads, go = Event(), Event()
    sign_in = house.engine._reader.sign_in

    def slow(digest: bytes) -> SignIn | None:
        found = sign_in(digest)
        reads.set()
        assert go.wait(SECONDS)
        return found

    answers: list[Any] = []
    monkeypatch.setattr(house.engine._reader, "sign_in", slow)
    house.engine.resume_session(opened.token, mailbox=house.post, reply=answers.append)
    assert reads.wait(SECONDS)
    close_in_the_store(house, token_digest(opened.token), opened.session.user.id)
    house.engine._roll._check(house.post)
    go.set()
    deliver(house, lambda: bool(answers))
    assert answers == [NotSignedIn()]


# The store that they share


class Away:
    """A store on which others write too, and which is out of reach."""

    lone_writer = False

    def open_writer(self) -> Head:
        raise StoreUnavailable


def test_who_asks_while_the_store_is_tried_in_vain_need_not_wait_for_the_next_try(house: House) -> None:
    busy = house.engine._committer
    committer = replace(
        busy, store=cast("Store", Away()), health=Health(house.incidents), _queue=SimpleQueue(), _thread=None
    )
    answers: list[Any] = []
    committer.submit(house.wish(house.sign_in("Ana")), house.post, answers.append)
    committer._revive()
    deliver(house, lambda: bool(answers))
    assert answers == [Unavailable()]


# The own chain


def test_a_chain_that_is_begun_while_nobody_asks_for_anything_is_told(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    writers: list[int] = []
    committer = house.engine._committer
    monkeypatch.setattr(committer.aftermath, "beginning", writers.append)
    monkeypatch.setattr(committer, "_head", None)
    committer._revive()
    assert [committer._head and committer._head.writer] == writers
