"""The cluster keeps what it confirmed, whatever happens to its primary, and confirms nothing that one machine has."""

import pytest

from tests.ha.claims import CLAIMANTS, DEADLINE, Claimants, Verdict
from tests.ha.machine import wait_until
from tests.ha.site import Site

pytestmark = [pytest.mark.faults, pytest.mark.slow]

MANY = 100


@pytest.mark.timeout(180)
def test_after_the_primary_is_killed_another_one_has_all_that_was_confirmed(site: Site) -> None:
    killed = site.cluster.primary()
    with site.client_machine().inside(), Claimants(site.cluster.url) as claimants:
        wait_until(lambda: claimants.count > MANY, "answers of the first primary")

        killed.kill()

        before = claimants.count
        wait_until(lambda: claimants.count > before + MANY, "answers of another primary", patience=60)
    with site.client_machine().inside():
        assert claimants.verdict() == Verdict(claimants.count, lost=0, doubled=0)
    assert site.cluster.primary() is not killed


@pytest.mark.timeout(180)
def test_while_no_standby_confirms_a_commit_nobody_is_told_of_it(site: Site) -> None:
    standbys = [member for member in site.cluster.members if member is not site.cluster.primary()]
    with site.client_machine().inside(), Claimants(site.cluster.url) as claimants:
        wait_until(lambda: claimants.count > MANY, "answers while the standbys are there")

        for standby in standbys:
            standby.stall()

        under_way = claimants.count + CLAIMANTS
        with pytest.raises(TimeoutError):
            wait_until(lambda: claimants.count > under_way, "no answer", patience=DEADLINE + 3)
        for standby in standbys:
            standby.resume()
        wait_until(lambda: claimants.count > under_way + MANY, "answers when the standbys are back", patience=60)
    with site.client_machine().inside():
        assert claimants.verdict() == Verdict(claimants.count, lost=0, doubled=0)
