"""Whether the store can be used: what the witnesses say, and when the doors hear of it."""

from threading import Event

import pytest

from agenda.domain.errors import Unavailable
from agenda.engine.health import COMMITS, FEED, Health
from agenda.engine.ports import StoreUnavailable
from agenda.storage.errors import StoreFull
from agenda.storage.store import SqliteStore
from tests.engine.asking import House, Post

SOON = 0.02
NEVER = 3600.0
GONE = StoreUnavailable("gone")


class Ear:
    """A door that listens; `heard` is what it was told, in order."""

    def __init__(self, health: Health) -> None:
        self.post, self.heard = Post(), list[bool]()
        health.listen(self.post, self.heard.append)

    def until(self, *wanted: bool) -> None:
        self.post.wait(lambda: len(self.heard) >= len(wanted))
        assert self.heard == list(wanted)


def test_trouble_that_lasts_makes_the_store_unavailable() -> None:
    health = Health(SOON)
    ear = Ear(health)
    health.trouble(GONE)
    ear.until(False)
    assert not health.available


def test_trouble_that_is_over_soon_is_no_news() -> None:
    health = Health(NEVER)
    ear = Ear(health)
    health.trouble(GONE)
    health.ok()
    assert health.available
    assert ear.post.rounds == 0


def test_a_trouble_after_an_ok_lasts_from_then_on() -> None:
    health = Health(NEVER)
    health.trouble(GONE)
    first = health._troubled[FEED]
    health.ok()
    health.trouble(GONE)
    health._lasted(FEED, first)  # the alarm of the trouble that is over went off at the last moment
    assert health.available


def test_the_next_ok_makes_it_available_again() -> None:
    health = Health(SOON)
    ear = Ear(health)
    health.trouble(GONE)
    ear.until(False)
    health.ok()
    ear.until(False, True)
    assert health.available


def test_who_can_still_read_does_not_speak_for_who_cannot_write() -> None:
    health = Health(SOON)
    ear = Ear(health)
    health.trouble(GONE, COMMITS)
    health.ok(FEED)
    ear.until(False)
    health.ok(FEED)
    assert not health.available


def test_it_is_back_when_the_last_witness_is_well_again() -> None:
    health = Health(SOON)
    ear = Ear(health)
    health.trouble(GONE, COMMITS)
    health.trouble(GONE, FEED)
    ear.until(False)
    while len(health._away) < 2:
        Event().wait(0.001)
    health.ok(COMMITS)
    assert not health.available
    health.ok(FEED)
    ear.until(False, True)


@pytest.fixture
def full(house: House, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An engine whose disk is full, and stays so until this is undone."""

    def refuse(store: SqliteStore) -> None:
        raise StoreFull(store._folder.database)

    monkeypatch.setattr(SqliteStore, "begin", refuse)
    return monkeypatch


def test_an_engine_whose_disk_is_full_is_unavailable_and_tries_by_itself_until_it_is_not(
    house: House, full: pytest.MonkeyPatch
) -> None:
    ear = Ear(house.engine.health)
    assert house.open("Ana") == Unavailable()
    ear.until(False)
    full.undo()
    ear.until(False, True)
    assert house.booked(house.sign_in("Ana"))
