"""Bookings made through three nodes keep every promise while the database goes from one machine to another."""

import pytest

from agenda.prove.checks import judge
from agenda.prove.run import Options, run
from tests.ha.site import Site
from tests.ha.world import HighlyAvailable

pytestmark = [pytest.mark.faults, pytest.mark.slow]


@pytest.fixture
def site_with_nodes(site: Site) -> Site:
    site.start_nodes()
    return site


@pytest.mark.timeout(240)
def test_every_promise_holds_while_the_primary_dies_and_another_takes_over(site_with_nodes: Site) -> None:
    with HighlyAvailable(site_with_nodes, ["postmaster_killed"]) as world:
        history = run(world, Options(seed=1, seconds=30, patience=60), lambda event, /, **facts: None)
    verdict = judge(history)
    assert "postmaster_killed" in {fault.kind for fault in history.faults}
    assert verdict.proven, verdict
