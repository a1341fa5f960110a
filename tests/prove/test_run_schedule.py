"""The schedule of faults: what a seed fixes, and what holds for every seed."""

from itertools import pairwise

import pytest

from agenda.prove.schedule import CALM, schedule
from agenda.prove.world import Breaker

SECONDS = 30.0


def nothing() -> None:
    pass


BREAKERS = [
    Breaker(kind, target, nothing, nothing, 0.5, 3.0)
    for kind in ("kill", "pause", "cut")
    for target in ("node 1", "node 2", "database")
]


def test_the_same_seed_breaks_the_same_at_the_same_times() -> None:
    assert schedule(7, SECONDS, BREAKERS) == schedule(7, SECONDS, BREAKERS)


def test_another_seed_breaks_something_else() -> None:
    assert schedule(7, SECONDS, BREAKERS) != schedule(8, SECONDS, BREAKERS)


@pytest.mark.parametrize("seed", range(50))
def test_nothing_is_broken_in_the_calm_at_the_start_and_in_the_rest_at_the_end(seed: int) -> None:
    plan = schedule(seed, SECONDS, BREAKERS)
    assert min(planned.at for planned in plan) >= CALM
    assert max(planned.until for planned in plan) <= SECONDS * 0.8


@pytest.mark.parametrize("seed", range(50))
def test_a_target_has_one_fault_at_a_time(seed: int) -> None:
    plan = schedule(seed, SECONDS, BREAKERS)
    for target in ("node 1", "node 2", "database"):
        faults = [planned for planned in plan if planned.breaker.target == target]
        assert all(one.until < other.at for one, other in pairwise(faults))


def test_faults_of_different_targets_overlap_sometimes() -> None:
    plans = [schedule(seed, SECONDS, BREAKERS) for seed in range(20)]
    assert any(one.until > other.at for plan in plans for one, other in pairwise(plan))


@pytest.mark.parametrize("seed", range(50))
def test_every_kind_comes_before_one_comes_again(seed: int) -> None:
    plan = schedule(seed, 60.0, BREAKERS)
    assert {planned.breaker.kind for planned in plan[:3]} == {"kill", "pause", "cut"}


def test_a_fault_lasts_as_long_as_its_breaker_allows() -> None:
    plan = [planned for seed in range(20) for planned in schedule(seed, SECONDS, BREAKERS)]
    assert all(0.5 <= planned.length <= 3.0 for planned in plan)


def test_where_nothing_can_be_broken_nothing_is() -> None:
    assert schedule(7, SECONDS, []) == []


def test_in_a_run_that_is_too_short_for_any_fault_there_is_none() -> None:
    assert schedule(7, 1.5, BREAKERS) == []
