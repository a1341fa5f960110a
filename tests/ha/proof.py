"""The long proof: clients race at a site, once for each of its faults and once for all, and every run is judged."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from agenda.prove.checks import judge
from agenda.prove.history import OK, Fault, History
from agenda.prove.nemesis import Tell
from agenda.prove.records import write
from agenda.prove.report import html
from agenda.prove.run import Options, run
from agenda.prove.verdict import Verdict
from agenda.texts import texts
from tests.ha.faults import breakers
from tests.ha.site import Site
from tests.ha.world import HighlyAvailable

EVERYTHING = "everything"
REST = 0.75
"""The part of a run in which a fault may last; the schedule keeps the end of a run whole."""
LINES = 20.0
"""Seconds in which, beside the fault, the lines of the clients are broken in turn."""
LONGEST = 300.0
PATIENCE = 90.0


class Proof(NamedTuple):
    """One run: the faults of the site with the outage at each, in seconds, and what the judge says."""

    name: str
    calls: int
    outages: list[tuple[Fault, float]]
    verdict: Verdict


def faults_of(site: Site) -> dict[str, float]:
    """The names of all runs there are, each with the seconds it takes for its fault to come and go."""
    longest = {breaker.kind: breaker.longest for breaker in breakers(site)}
    return {kind: round((seconds + LINES) / REST) for kind, seconds in longest.items()} | {EVERYTHING: LONGEST}


def prove(site: Site, names: Sequence[str], seed: int, folder: Path, tell: Tell) -> Iterator[Proof]:
    """Run after run, the site whole at the beginning of each; history and report of each are written to the folder."""
    lengths = faults_of(site)
    for name in names:
        options = Options(seed, seconds=lengths[name], patience=PATIENCE)
        with HighlyAvailable(site, None if name == EVERYTHING else [name]) as world:
            kinds = {breaker.kind for breaker in world.breakers}
            history = run(world, options, tell)
        verdict = judge(history)
        write(history, folder / f"{name}.json")
        (folder / f"{name}.html").write_text(html(verdict, history, texts("en")), "utf-8")
        outages = [(fault, outage(history, fault)) for fault in history.faults if fault.kind in kinds]
        yield Proof(name, len(history.calls), outages, verdict)


def outage(history: History, fault: Fault) -> float:
    """The longest time without a wish granted that a fault had a part in."""
    granted = sorted(call.ended for call in history.calls if call.outcome == OK and call.ended is not None)
    return max(
        (after - before for before, after in pairwise(granted) if after > fault.began and before < fault.ended),
        default=0.0,
    )
