"""Whole runs: a server that is broken in every way keeps its promises, and one with a planted defect is found out."""

import sys
from functools import cache
from pathlib import Path

import pytest

from agenda.client import BadCredentials, Client
from agenda.prove.checks import judge
from agenda.prove.history import History
from agenda.prove.report import html, text
from agenda.prove.run import Options, run
from agenda.prove.verdict import Judgement
from agenda.prove.worlds import Embedded, OnPostgres, Outside
from agenda.texts import LANGUAGES, texts
from tests.protocol.server import Server

pytestmark = [pytest.mark.slow, pytest.mark.faults]

BROKEN_SERVER = Path(__file__).with_name("broken_server.py")


class Told(list[tuple[str, dict[str, object]]]):
    """Keeps what a run tells."""

    def __call__(self, event: str, /, **facts: object) -> None:
        self.append((event, facts))

    def all(self, event: str) -> list[dict[str, object]]:
        return [facts for said, facts in self if said == event]


@cache
def with_defect(defect: str) -> History:
    """A short run at a server with a planted defect, in which nothing else is broken."""
    world = Embedded(program=[sys.executable, str(BROKEN_SERVER), defect])
    with world:
        world.breakers.clear()
        return run(world, Options(seed=1, seconds=3.0), Told())


def broken(history: History) -> set[str]:
    """The promises that the judge says are broken."""
    return {check.name for check in judge(history).checks if check.judgement is Judgement.BROKEN}


def findings(history: History) -> set[str]:
    """What the judge found, by code."""
    return {finding.code for check in judge(history).checks for finding in check.findings}


def test_a_server_that_is_killed_paused_and_cut_off_keeps_every_promise() -> None:
    told = Told()
    with Embedded() as world:
        history = run(world, Options(seed=145, seconds=10.0), told)
    assert judge(history).proven, judge(history)
    assert "internal" not in {call.outcome for call in history.calls}
    assert {fault.kind for fault in history.faults} >= {"kill", "pause", "line_cut"}
    assert len(told.all("broken")) == len(told.all("healed")) == len(history.faults)


def test_a_slot_that_is_given_away_twice_is_found_out() -> None:
    assert "order" in broken(with_defect("double"))


def test_bookings_that_are_confirmed_and_not_kept_are_found_out() -> None:
    assert "lost" in findings(with_defect("lost"))


def test_a_change_that_is_not_told_is_found_out() -> None:
    assert broken(with_defect("stale")) == {"pictures"}


def test_a_request_that_acts_twice_is_found_out() -> None:
    assert "once" in broken(with_defect("forgetful"))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("defect", ["double", "lost", "stale", "forgetful"])
def test_what_was_found_out_is_told_in_both_languages(defect: str, language: str) -> None:
    history = with_defect(defect)
    verdict, t = judge(history), texts(language)
    assert t("cli.prove.verdict.broken") in text(verdict, history, t)
    assert t("cli.prove.verdict.broken") in html(verdict, history, t)


def test_the_server_with_a_defect_would_be_proven_without_it() -> None:
    history = with_defect("none")
    assert judge(history).proven, judge(history)


def test_at_somebody_s_server_only_free_slots_are_raced_for_and_nothing_is_left(tmp_path: Path) -> None:
    server = Server(tmp_path / "data").start()
    try:
        maria = server.customer()
        history = run(Outside([server.address]), Options(seed=1, seconds=3.0), Told())
        days = {place.start[:10] for place in history.places}
        slots = [slot for day in days for slot in maria.call("slot.list", day=day)["slots"]]
        with Client(*server.address) as client, pytest.raises(BadCredentials):
            client.sign_in(history.calls[0].user, "whatever it was")
        assert {slot["state"] for slot in slots} == {"free"}
        assert judge(history).proven, judge(history)
    finally:
        server.close()


def test_slots_that_are_taken_are_left_alone(tmp_path: Path) -> None:
    server = Server(tmp_path / "data").start()
    try:
        maria = server.customer()
        first = run(Outside([server.address]), Options(seed=1, seconds=1.0, clients=2), Told()).places[0]
        maria.call("booking.create", start=first.start)
        again = run(Outside([server.address]), Options(seed=1, seconds=1.0, clients=2), Told())
        assert first not in again.places
    finally:
        server.close()


def test_nodes_on_one_database_keep_every_promise_while_nodes_and_database_are_broken() -> None:
    with OnPostgres(3) as world:
        history = run(world, Options(seed=936, seconds=15.0), Told())
    assert judge(history).proven, judge(history)
    assert "internal" not in {call.outcome for call in history.calls}
    assert {fault.kind for fault in history.faults} >= {"kill", "pause", "database_kill", "database_cut"}
    assert {call.node for call in history.calls} == {"1", "2", "3"}
