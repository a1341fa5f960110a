"""Whether the store can be used: what the witnesses say, and when the doors hear of it."""

from threading import Event

import pytest

from agenda.domain.errors import Unavailable
from agenda.engine.health import COMMITS, FEED, READS, UPKEEP, Health
from agenda.engine.ports import StoreUnavailable
from agenda.storage.errors import StoreFull
from agenda.storage.store import SqliteStore
from tests.engine.asking import House, Incidents, Post

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
    health = Health(Incidents(), SOON)
    ear = Ear(health)
    health.trouble(GONE)
    ear.until(False)
    assert not health.available


def test_trouble_that_is_over_soon_is_no_news() -> None:
    health = Health(Incidents(), NEVER)
    ear = Ear(health)
    health.trouble(GONE)
    health.ok()
    assert health.available
    assert ear.post.rounds == 0


def test_a_trouble_after_an_ok_lasts_from_then_on() -> None:
    health = Health(Incidents(), NEVER)
    health.trouble(GONE)
    first = health._troubled[FEED]
    health.ok()
    health.trouble(GONE)
    assert first is not None
    health._lasted(FEED, first)  # the alarm of the trouble that is over went off at the last moment
    assert health.available


def test_the_next_ok_makes_it_available_again() -> None:
    health = Health(Incidents(), SOON)
    ear = Ear(health)
    health.trouble(GONE)
    ear.until(False)
    health.ok()
    ear.until(False, True)
    assert health.available


def test_who_can_still_read_does_not_speak_for_who_cannot_write() -> None:
    health = Health(Incidents(), SOON)
    ear = Ear(health)
    health.trouble(GONE, COMMITS)
    health.ok(FEED)
    ear.until(False)
    health.ok(FEED)
    assert not health.available


def test_it_is_back_when_the_last_witness_is_well_again() -> None:
    health = Health(Incidents(), SOON)
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


# What the log is told


@pytest.fixture
def log() -> Incidents:
    return Incidents()


@pytest.fixture
def logged(log: Incidents) -> Health:
    return Health(log, NEVER)


def test_an_outage_is_one_line_whoever_meets_it_and_however_often(log: Incidents, logged: Health) -> None:
    for witness in (READS, READS, FEED, COMMITS, UPKEEP, COMMITS, READS):
        logged.trouble(GONE, witness)
    assert log.troubles == [GONE]


def test_its_end_is_one_line_when_the_last_of_those_in_trouble_is_well(log: Incidents, logged: Health) -> None:
    for witness in (READS, FEED, COMMITS, UPKEEP):
        logged.trouble(GONE, witness)
    told = []
    for witness in (READS, FEED, UPKEEP, READS, COMMITS, READS):
        logged.ok(witness)
        told.append(len(log.recoveries))
    assert told == [0, 0, 0, 0, 1, 1]


def test_the_next_outage_is_told_again(log: Incidents, logged: Health) -> None:
    for _ in range(2):
        logged.trouble(GONE)
        logged.ok()
    assert (len(log.troubles), len(log.recoveries)) == (2, 2)


def test_trouble_of_those_who_ask_in_passing_is_over_with_the_next_answer(log: Incidents, logged: Health) -> None:
    logged.trouble(GONE, READS)
    logged.ok(READS)
    assert len(log.recoveries) == 1


def test_upkeep_that_had_nothing_to_do_ends_no_trouble_of_others(log: Incidents, logged: Health) -> None:
    logged.trouble(GONE, READS)
    logged.ok(UPKEEP)
    assert log.recoveries == []


def test_upkeep_in_trouble_does_not_make_the_store_unavailable() -> None:
    health = Health(Incidents(), 0.0)
    health.trouble(GONE, UPKEEP)
    assert health._troubled == {UPKEEP: None}


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
