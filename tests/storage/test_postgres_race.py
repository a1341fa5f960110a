"""Nodes in processes of their own race for ten times that overlap: no deadlock, no stall, and it all adds up."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from agenda.domain.commands import BookSlot, CancelBooking, MoveBooking
from agenda.storage.diagnosis import Patient
from agenda.storage.looking import looking
from agenda.storage.postgres_doctor import diagnose
from agenda.storage.transaction import utc_now
from tests.faults.server import ROOT, environment
from tests.postgres import database_of, server
from tests.storage.node import rows

LIVE = "SELECT json_build_array(replace(id::text, '-', ''), replace(resource::text, '-', ''), extract(epoch FROM starts))::text FROM booking WHERE status = 'booked'"  # noqa: E501  # one question
CLAIMS = "SELECT json_build_array(replace(booking::text, '-', ''), replace(resource::text, '-', ''), extract(epoch FROM starts))::text FROM claim"  # noqa: E501  # one question


def race(url: str, seconds: float, count: int) -> list[dict[str, Any]]:
    """What each of the processes has to tell."""
    command = [sys.executable, "-m", "tests.storage.racing", url, str(seconds)]
    racers = [
        subprocess.Popen(
            [*command, str(seed)], cwd=ROOT, env=environment(), text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        for seed in range(1, count + 1)
    ]
    try:
        for racer in racers:
            assert racer.stdout is not None
            assert racer.stdout.readline() == "ready\n"
        for racer in racers:
            assert racer.stdin is not None
            racer.stdin.write("go\n")
            racer.stdin.flush()
        return [json.loads(racer.communicate(timeout=seconds + 60)[0]) for racer in racers]
    finally:
        for racer in racers:
            racer.kill()
            racer.communicate()


def places(url: str, question: str) -> dict[str, tuple[str, int]]:
    """Where each booking is, by its id."""
    return {id_: (resource, int(start)) for id_, resource, start in map(json.loads, rows(url, question))}


@pytest.mark.parametrize(
    "seconds", [1.5, pytest.param(10.0, marks=[pytest.mark.slow])], ids=lambda seconds: f"{seconds:g} s"
)
def test_racing_nodes_meet_no_deadlock_and_what_each_was_told_is_what_there_is(
    tmp_path: Path, seconds: float, capsys: pytest.CaptureFixture[str]
) -> None:
    url = database_of(tmp_path)
    before = len(server().log.read_bytes())
    told = race(url, seconds, 3)
    outcomes = sum((Counter(one["told"]) for one in told), Counter[str]())
    batches, conflicts = (sum(one[what] for one in told) for what in ("batches", "conflicts"))
    longest = max(one["longest"] for one in told) * 1000
    with capsys.disabled():
        figures = f"{outcomes.total() / seconds:,.0f} outcomes/s, {batches} batches, {conflicts} decided again"
        print(f"\n{seconds:g} s, 3 processes: {figures}, the longest took {longest:.0f} ms, {dict(outcomes)}")  # noqa: T201  # figures
    assert "deadlock detected" not in server().log.read_bytes()[before:].decode(errors="replace")
    assert [one["incidents"] + one["troubles"] for one in told] == [[], [], []]
    held = {id_: tuple(place) for one in told for id_, place in one["held"].items()}
    assert places(url, LIVE) == places(url, CLAIMS) == held
    assert {command.__name__ for command in (BookSlot, MoveBooking, CancelBooking)} < set(outcomes)
    with looking(tmp_path, url) as connection:
        assert [finding for finding in diagnose(Patient(url, connection, utc_now())) if finding.urgent] == []
