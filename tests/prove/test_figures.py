"""How long each outage lasted, and the other numbers of a run."""

import pytest

from agenda.prove.figures import Figures, figures
from agenda.prove.history import Fault
from tests.prove.story import ELEVEN, NOON, TEN, Story


@pytest.fixture
def measured() -> Figures:
    """Grants at 1, 2, 7, 8 and 9 s; something is killed at 3 s for a second, and something cut at 8.5 s."""
    story = Story()
    story.create("ana", TEN, 0.5, 1, "a")
    story.cancel("ana", "a", TEN, 1.5, 2)
    story.create("bia", TEN, 2.5, 7, "b")
    story.refuse("ana", "booking.create", 7, 7.5, "slot_taken", place=TEN)
    story.create("ana", ELEVEN, 7.75, 8, "c")
    story.create("ana", NOON, 8.75, 9, "d")
    story.refuse("bia", "booking.create", 8.75, 9, "unknown", place=TEN)
    story.history.faults = [Fault("cut", "clients 1-6", 8.5, 8.6), Fault("kill", "node 1", 3, 4)]
    return figures(story.history)


def test_an_outage_ends_with_the_first_grant_of_a_call_that_began_after_it(measured: Figures) -> None:
    assert [outage.back for outage in measured.outages] == [5, 0.5]


def test_a_silence_counts_from_the_fault_on_with_which_it_began(measured: Figures) -> None:
    assert [outage.silence for outage in measured.outages] == [4, 0.5]


def test_faults_are_told_in_order_of_time(measured: Figures) -> None:
    assert [outage.fault.kind for outage in measured.outages] == ["kill", "cut"]


def test_the_longest_silence_of_all_clients_is_found(measured: Figures) -> None:
    assert measured.silence == (2, 7)


def test_a_fault_after_which_nothing_was_granted_has_no_end() -> None:
    story = Story()
    story.create("ana", TEN, 0, 1, "a")
    story.history.faults = [Fault("kill", "node 1", 2, 3)]
    assert figures(story.history).outages[0].back is None


def test_calls_are_counted_by_what_became_of_them(measured: Figures) -> None:
    assert measured.counts["booking.create"] == {"ok": 4, "slot_taken": 1, "unknown": 1}


def test_latencies_are_those_of_calls_that_were_answered(measured: Figures) -> None:
    create = next(latency for latency in measured.latencies if latency.method == "booking.create")
    assert (create.calls, create.longest) == (5, 4.5)
