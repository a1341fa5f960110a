"""Orders of events that nobody would think of: commits, looks, reads and failures of several nodes, mixed by a seed.

With PYTHONHASHSEED=0 a seed gives the same order every time.
"""

from typing import Any

import pytest

from agenda.engine import committer
from agenda.storage import chains
from tests.nodes.simulation import run

WORLDS: dict[str, dict[str, Any]] = {
    "nothing fails": {},
    "three nodes": {"nodes": 3},
    "connections and answers get lost": {"trouble": 0.03},
    "commits get lost": {"failovers": True},
    "all of it": {"nodes": 3, "trouble": 0.02, "failovers": True},
}


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(committer, "sleep", lambda seconds: None)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("world", WORLDS)
def test_every_board_and_every_watcher_is_right_in_the_end_and_at_every_moment_about_what_its_node_did(
    world: str, seed: int
) -> None:
    run(seed, **WORLDS[world])


@pytest.mark.parametrize("seed", range(20))
def test_it_makes_no_difference_that_chains_fall_asleep(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chains, "MOST_AWAKE", 1)
    run(seed, nodes=3, trouble=0.02, failovers=True)


@pytest.mark.parametrize("seed", range(20))
def test_a_node_that_gives_up_on_a_commit_hears_of_it_from_its_entries(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(committer, "PATIENCE", -1.0)
    run(seed, trouble=0.05)
